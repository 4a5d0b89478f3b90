//! `cargo xtask update`: brings the course's changes into a copy.

use std::path::PathBuf;

use anstream::println;
use anyhow::Result;
use clap::Args;

use super::Red;
use crate::copy::{find, update};
use crate::terminal::{GOOD, OPEN, shown, styled};

/// Bring the course's changes into your copy; your own work stays.
///
/// What you have not committed is committed first. Ends with 1 where you have to choose between your lines and the course's.
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
        let updated = update::update(&copy, self.restore)?;
        if updated.saved {
            println!("What you had not committed is committed now: \"Save my work before the course's update\".");
        }
        match (updated.changed, updated.restored_suites.is_empty()) {
            (false, true) => println!("{} The course has nothing new.", styled(GOOD, "Up to date.")),
            (true, _) => println!("The course's changes are on branch `course`, and merged into yours."),
            (false, false) => {}
        }
        if !updated.restored_suites.is_empty() {
            println!("The course's suites are back in place of yours: {}.", updated.restored_suites.join(", "));
            println!("  Your edits are in your history: `git log -- tests`.");
        }
        if !updated.kept_suites.is_empty() {
            println!(
                "{} suites that you edited stay as they are: {}. `cargo xtask update --restore` brings the course's.",
                styled(OPEN, "Note:"),
                updated.kept_suites.join(", ")
            );
        }
        if updated.tasks > 0 {
            println!(
                "{} {} tasks are in {}: you wrote something else in their places.",
                styled(OPEN, "Note:"),
                updated.tasks,
                update::TASKS
            );
        }
        if updated.conflicts.is_empty() {
            return Ok(());
        }
        println!("{}", styled(OPEN, "You and the course changed the same lines of these files:"));
        updated.conflicts.iter().for_each(|file| println!("    {}", shown(&copy.dir.join(file))));
        println!("  Both stand there, between <<<<<<< and >>>>>>>. Leave what shall stand, then, in the copy:");
        println!("      git add --all");
        println!("      git commit --no-edit");
        println!("  Or `git merge --abort`, and all is as it was before the update.");
        Err(Red.into())
    }
}
