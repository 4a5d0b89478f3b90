//! `cargo xtask update`: brings the course's changes into a copy.

use std::path::PathBuf;

use anstream::println;
use anyhow::Result;
use clap::Args;

use crate::copy::update::{Updated, Wanted, update};
use crate::copy::{find, notes};
use crate::terminal::{GOOD, OPEN, styled};

/// Bring the course's changes into your copy; your own work stays.
///
/// What you have not committed is committed first. Where you and the course changed the same lines, yours stand, and the
/// course's are in TASKS.md.
#[derive(Args)]
pub struct Update {
    /// Bring the course's suites back where you edited them. Your edits stay in your history.
    #[arg(long)]
    restore: bool,
    /// The copy's folder; the one around the current folder, or my-lsm/, unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Update {
    pub fn run(self) -> Result<()> {
        let copy = find::needed(self.dir.as_deref())?;
        let updated = update(&copy, &Wanted::Corrections { restore: self.restore })?;
        match (updated.changed, updated.restored_suites.is_empty()) {
            (false, true) => println!("{} The course has nothing new.", styled(GOOD, "Up to date.")),
            (true, _) => println!("The course's changes are on branch `course`, and merged into yours."),
            (false, false) => {}
        }
        say_what_came(&updated);
        Ok(())
    }
}

/// Says what a person should know of an update.
pub fn say_what_came(updated: &Updated) {
    let note = styled(OPEN, "Note:");
    if let Some(message) = &updated.saved {
        println!("What you had not committed is committed now: \"{message}\".");
    }
    if !updated.restored_suites.is_empty() {
        println!("The course's suites are back in place of yours: {}.", updated.restored_suites.join(", "));
        println!("  Your edits are in your history: `git log -- tests`.");
    }
    if !updated.kept_suites.is_empty() {
        println!(
            "{note} suites that you edited stay as they are: {}. `cargo xtask update --restore` brings the course's.",
            updated.kept_suites.join(", ")
        );
    }
    match updated.noted.tasks {
        0 => {}
        1 => println!("{note} a task is in {}: you wrote something else in its place.", notes::FILE),
        tasks => println!("{note} {tasks} tasks are in {}: you wrote something else in their places.", notes::FILE),
    }
    if !updated.noted.changes.is_empty() {
        println!("{note} you and the course changed the same lines. Yours stand, the course's are in {}:", notes::FILE);
        updated.noted.changes.iter().for_each(|place| println!("    {place}"));
    }
    if updated.changed {
        println!("`git diff HEAD^` in the copy shows what came, `git reset --hard HEAD^` takes it back.");
    }
}
