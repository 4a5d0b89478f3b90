//! `cargo xtask status`: the 21 chapters, what is passed, what is next.

use std::path::PathBuf;

use anstream::println;
use anyhow::Result;
use clap::Args;

use super::test::note_new_suites;
use crate::chapter::Chapter;
use crate::copy::record::Record;
use crate::copy::{find, suites};
use crate::course;
use crate::terminal::{BOLD, DIM, GOOD, OPEN, shown, styled};

/// Show the chapters: what you passed, what is next.
#[derive(Args)]
pub struct Status {
    /// The copy's folder; the one around the current folder, or my-lsm/, unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Status {
    pub fn run(self) -> Result<()> {
        let copy = find::find(self.dir.as_deref())?;
        match &copy {
            Some(copy) => println!("The copy in {}", shown(&copy.dir)),
            None => println!("There is no copy yet: `cargo xtask start` makes it."),
        }
        let record = copy.as_ref().map(|copy| &copy.record);
        let next = record.and_then(Record::next);
        let weeks = course::weeks();
        for chapter in Chapter::all() {
            if chapter.day == 1 {
                println!("\n{}", styled(BOLD, format!("Week {}", chapter.week)));
            }
            println!("  {chapter}  {:44} {}", chapter.title(), state(chapter, record, next, &weeks));
        }
        let Some(copy) = copy else { return Ok(()) };
        println!();
        note_new_suites(&copy, &Chapter::all().collect::<Vec<Chapter>>());
        let edited = suites::edited(&copy);
        if !edited.is_empty() {
            println!("{} suites that you edited: {}.", styled(OPEN, "Note:"), edited.join(", "));
        }
        match next {
            Some(next) if weeks.contains(&next.week) && next.week > copy.record.week => {
                println!("`cargo xtask next` brings week {} into your code.", next.week);
            }
            Some(next) if weeks.contains(&next.week) => println!("`cargo xtask test` runs the suite of {next}."),
            _ => println!("You have passed all that there is."),
        }
        Ok(())
    }
}

fn state(chapter: Chapter, record: Option<&Record>, next: Option<Chapter>, weeks: &[u8]) -> String {
    if let Some(day) = record.and_then(|record| record.passed.get(&chapter)) {
        styled(GOOD, format!("passed {day}"))
    } else if !weeks.contains(&chapter.week) {
        styled(DIM, "not in the course yet")
    } else if record.is_some_and(|record| chapter < record.handed_out) {
        styled(DIM, "given")
    } else if next == Some(chapter) {
        styled(OPEN, "next")
    } else {
        String::new()
    }
}
