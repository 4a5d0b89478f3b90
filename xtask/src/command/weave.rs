//! `cargo xtask weave`: makes the starters out of the reference solution.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::Red;
use crate::course;
use crate::weave::tree::{self, Difference};
use crate::weave::{State, format};

/// Make weekN/ out of the reference solution.
#[derive(Args)]
pub struct Weave {
    /// Compare instead of writing; fail where a file differs.
    #[arg(long)]
    check: bool,
}

impl Weave {
    pub fn run(self) -> Result<()> {
        let mut different = 0;
        for week in course::weeks() {
            let difference = if self.check { check(week)? } else { weave(week)? };
            let name = |file: &PathBuf| Path::new(&format!("week{week}")).join(file).display().to_string();
            for (files, what) in [
                (&difference.missing, if self.check { "is missing" } else { "written" }),
                (&difference.changed, if self.check { "differs" } else { "written" }),
                (&difference.stale, if self.check { "is stale" } else { "removed" }),
            ] {
                different += files.len();
                files.iter().for_each(|file| println!("{} {what}", name(file)));
            }
        }
        match different {
            0 => println!("the weeks' crates are current"),
            _ if self.check => {
                println!("the weeks' crates are not what weaving gives: run `cargo xtask weave`");
                return Err(Red.into());
            }
            _ => {}
        }
        Ok(())
    }
}

/// How a week's committed crate differs from the woven one.
pub fn check(week: u8) -> Result<Difference> {
    if !format::is_available() {
        bail!("whether the weeks' crates are current cannot be said without rustfmt");
    }
    let (tree, owned) = crate_of(week)?;
    tree::compare(&tree, &course::week(week), &owned.iter().map(String::as_str).collect::<Vec<&str>>())
}

fn weave(week: u8) -> Result<Difference> {
    if !format::is_available() {
        bail!("the weeks' crates are committed formatted: `cargo xtask weave` needs rustfmt");
    }
    let (tree, owned) = crate_of(week)?;
    tree::write(&tree, &course::week(week), &owned.iter().map(String::as_str).collect::<Vec<&str>>())
}

/// The committed crate of a week, and the paths that are the weaver's own. The suites of earlier weeks are
/// copied into it, so that a copy of the folder runs them wherever it lies.
fn crate_of(week: u8) -> Result<(tree::Tree, Vec<String>)> {
    let mut tree = tree::woven(State::starter(week))?;
    tree.retain(|file, _| !file.starts_with(format!("tests/week{week}")));
    let lock = tree::lock_file(&tree)?;
    tree.insert(PathBuf::from("Cargo.lock"), lock);
    let earlier = (1..week).map(|earlier| format!("tests/week{earlier}"));
    Ok((tree, std::iter::once("src".to_owned()).chain(earlier).collect()))
}
