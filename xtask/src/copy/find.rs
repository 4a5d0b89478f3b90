//! Finds the copy that a command is about.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::Copy;
use super::record::{self, Record};
use crate::course;
use crate::terminal::{absolute, shown};

/// Where `start` makes the copy unless told otherwise.
pub fn default_dir() -> PathBuf {
    course::root().join("my-lsm")
}

/// The copy in `dir`; without one, the copy that the current directory lies in; else the one in its usual place.
/// `None` where there is no copy yet.
pub fn find(dir: Option<&Path>) -> Result<Option<Copy>> {
    if let Some(dir) = dir {
        let dir = absolute(dir);
        if !dir.join(record::FILE).is_file() {
            bail!(
                "{} is no copy of the course: it has no {}. `cargo xtask start --dir {}` would make one",
                shown(&dir),
                record::FILE,
                crate::terminal::argument(&shown(&dir))
            );
        }
        return open(dir).map(Some);
    }
    let here = std::env::current_dir()?;
    let around = here.ancestors().map(Path::to_path_buf);
    match around.chain([default_dir()]).find(|dir| dir.join(record::FILE).is_file()) {
        Some(dir) => open(dir).map(Some),
        None => Ok(None),
    }
}

/// The same, where a copy is needed.
pub fn needed(dir: Option<&Path>) -> Result<Copy> {
    match find(dir)? {
        Some(copy) => Ok(copy),
        None => bail!("there is no copy yet: `cargo xtask start` makes it"),
    }
}

fn open(dir: PathBuf) -> Result<Copy> {
    Ok(Copy { record: Record::read(&dir)?, dir })
}
