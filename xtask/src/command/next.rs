//! `cargo xtask next`: brings the next week into a copy.

use std::path::PathBuf;

use anstream::println;
use anyhow::{Result, bail};
use clap::Args;

use super::Red;
use super::update::say_what_came;
use crate::chapter::Chapter;
use crate::copy::record::Record;
use crate::copy::update::{Wanted, update};
use crate::copy::{Copy, find, notes};
use crate::course;
use crate::terminal::{BAD, BOLD, GOOD, OPEN, styled};
use crate::trial::{Subject, run_chapters};
use crate::weave::format;

/// Bring the next week into your copy, into the code that you wrote.
///
/// What you have not committed is committed first, and the new week's starter is merged into your work: new files, new
/// items, new tasks. Where you and the course changed the same lines, yours stand, and the course's are in TASKS.md. Then
/// the suites that you passed are run again, and the first one of the new week.
///
/// Ends with 1 where chapters are still to be passed, or no longer pass.
#[derive(Args)]
pub struct Next {
    /// Go on though not all chapters are passed: what is still open stays open.
    #[arg(long)]
    anyway: bool,
    /// The copy's folder; the one around the current folder, or my-lsm/, unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Next {
    pub fn run(self) -> Result<()> {
        let copy = find::needed(self.dir.as_deref())?;
        let week = copy.record.week + 1;
        if week > 3 {
            bail!("week 3 is the last, and the copy has it");
        }
        if !course::weeks().contains(&week) {
            bail!("the course has no week {week} yet: `git pull` in its folder may bring it");
        }
        let open = still_open(&copy.record);
        if !open.is_empty() && !self.anyway {
            say_what_is_open(&open);
            return Err(Red.into());
        }
        if !format::is_available() {
            bail!("the new week's code has to be formatted as yours is: `rustup component add rustfmt` first");
        }
        let updated = update(&copy, &Wanted::Week(week))?;
        println!(
            "{} Its starter is on branch `course`, and merged into your code.",
            styled(GOOD, format!("Week {week} is here."))
        );
        say_what_came(&updated);
        println!();
        run_suites(Copy { record: Record::read(&copy.dir)?, dir: copy.dir }, week)
    }
}

/// The chapters that somebody was to write and has not passed.
fn still_open(record: &Record) -> Vec<Chapter> {
    let given = |chapter: &Chapter| *chapter < record.handed_out || chapter.week > record.week;
    Chapter::all().filter(|chapter| !given(chapter) && !record.passed.contains_key(chapter)).collect()
}

fn say_what_is_open(open: &[Chapter]) {
    let names: Vec<String> = open.iter().map(Chapter::to_string).collect();
    println!("{} these chapters are not passed yet: {}.", styled(OPEN, "Not yet:"), names.join(", "));
    println!("  `cargo xtask test {}` runs the suite of the first.", open[0]);
    println!("  `cargo xtask next --anyway` goes on without them: they stay open, and what builds on them stays red.");
}

/// Runs what was passed, to see that it still is, and the first chapter of the new week.
fn run_suites(copy: Copy, week: u8) -> Result<()> {
    let first = Chapter { week, day: 1 };
    let passed: Vec<Chapter> = copy.record.passed.keys().copied().filter(|chapter| *chapter < first).collect();
    let mut subject = Subject::Copy(copy);
    if !run_chapters(&mut subject, &passed)? {
        println!();
        println!("{} what you had passed is no longer green.", styled(BAD, "Look:"));
        println!("  What the course changed in lines of yours is in {}; mend this first.", notes::FILE);
        return Err(Red.into());
    }
    if run_chapters(&mut subject, &[first])? {
        println!("\nAll of it passes already. `cargo xtask status` says where you are.");
        return Ok(());
    }
    println!();
    if !passed.is_empty() {
        println!("{} All that you had passed is green as before.", styled(GOOD, "Good."));
    }
    println!("{}", styled(BOLD, format!("Week {week} is red, as is expected now: it says what there is to do.")));
    println!("  1. Read the overview of week {week} in the book, then chapter {first}, {}.", first.title());
    println!("  2. Write the tasks above, then `cargo xtask test`.");
    Ok(())
}
