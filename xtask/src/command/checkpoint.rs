//! `cargo xtask checkpoint`: the engine at the end of a chapter.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::chapter::Chapter;
use crate::course;
use crate::weave::{State, tree};

/// Write the crate of a chapter's end into a new directory.
#[derive(Args)]
pub struct Checkpoint {
    /// The chapter, such as 1.4.
    chapter: Chapter,
    /// Where to: a directory that is empty or not there yet.
    directory: PathBuf,
}

impl Checkpoint {
    pub fn run(self) -> Result<()> {
        if !course::weeks().contains(&self.chapter.week) {
            bail!("week {} does not exist yet", self.chapter.week);
        }
        let shown = self.directory.display();
        if self.directory.exists() {
            let mut entries = fs::read_dir(&self.directory).with_context(|| format!("reading {shown}"))?;
            if entries.next().is_some() {
                bail!(
                    "{shown} is not empty: a checkpoint is written into an empty directory, or one that is not there yet"
                );
            }
        }
        let tree = tree::whole(State::checkpoint(self.chapter))?;
        tree::write(&tree, &self.directory, &[])?;
        println!("{shown}: the engine at the end of chapter {}, {} files", self.chapter, tree.len());
        Ok(())
    }
}
