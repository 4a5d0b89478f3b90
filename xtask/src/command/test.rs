//! `cargo xtask test`: runs a chapter's suite.

use std::path::PathBuf;

use anstream::println;
use anyhow::{Result, bail};
use clap::Args;

use super::{Red, start};
use crate::chapter::Chapter;
use crate::copy::{Copy, find, starter, suites};
use crate::course;
use crate::terminal::{OPEN, ask, shown, styled};
use crate::trial::{Subject, run_chapters};

/// Run a chapter's suite on your copy, or on the reference solution.
///
/// Each test runs in its own process and may take 10 s and, on Linux, 512 MiB.
///
/// Ends with 0 where all is green, 1 where a test is red, 2 where the suite could not be run.
#[derive(Args)]
pub struct Test {
    /// The chapter, such as 1.3; the first that you have not passed unless given.
    chapter: Option<Chapter>,
    /// Every chapter up to that one, or with --reference every chapter there is.
    #[arg(long)]
    all: bool,
    /// Run on the reference solution.
    #[arg(long, conflicts_with = "dir")]
    reference: bool,
    /// The copy's folder; the one around the current folder, or my-lsm/, unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Test {
    pub fn run(self) -> Result<()> {
        let green = if self.reference { self.on_reference()? } else { self.on_copy()? };
        if green { Ok(()) } else { Err(Red.into()) }
    }

    fn on_reference(&self) -> Result<bool> {
        let exist = |chapter: &Chapter| {
            let suite = course::week(chapter.week).join(format!("tests/week{}", chapter.week));
            let module = format!("chapter_{}", chapter.day);
            suite.join(format!("{module}.rs")).is_file() || suite.join(module).is_dir()
        };
        let chapters: Vec<Chapter> = match (self.chapter, self.all) {
            (Some(chapter), false) => vec![chapter],
            (last, true) => {
                Chapter::all().filter(exist).filter(|chapter| last.is_none_or(|last| *chapter <= last)).collect()
            }
            (None, false) => bail!("which chapter? `cargo xtask test 1.3 --reference`, or --all for every one"),
        };
        run_chapters(&mut Subject::Reference, &chapters)
    }

    fn on_copy(&self) -> Result<bool> {
        let Some(copy) = find::find(self.dir.as_deref())? else { return self.make_one() };
        let Some(last) = self.chapter.or(copy.record.next()) else {
            println!("All 21 chapters are passed. `cargo xtask test --all 3.7` runs them again.");
            return Ok(true);
        };
        let chapters: Vec<Chapter> =
            Chapter::all().filter(|chapter| *chapter == last || (self.all && *chapter < last)).collect();
        note_new_suites(&copy, &chapters);
        let dir = copy.dir.clone();
        let mut subject = Subject::Copy(copy);
        let green = run_chapters(&mut subject, &chapters)?;
        if !std::env::current_dir().is_ok_and(|here| here.starts_with(&dir)) {
            println!("Plain `cargo` commands are for {}.", shown(&dir));
        }
        if let (true, Subject::Copy(copy)) = (green, &subject) {
            say_what_is_next(copy);
        }
        Ok(green)
    }

    fn make_one(&self) -> Result<bool> {
        let dir = shown(&find::default_dir());
        match ask(&format!("There is no copy of the starter yet. Make one in {dir}?")) {
            Some(true) => start::make_default().map(|()| false),
            _ => bail!("there is no copy yet: `cargo xtask start` makes one in {dir}, --dir says where else"),
        }
    }
}

fn say_what_is_next(copy: &Copy) {
    match copy.record.next() {
        Some(next) if next.week > copy.record.week && course::weeks().contains(&next.week) => {
            println!("Week {} is done. `cargo xtask next` brings week {} into your code.", copy.record.week, next.week);
        }
        Some(next) if course::weeks().contains(&next.week) => {
            println!("Next: chapter {next}, {}. Commit what you have, then read on.", next.title());
        }
        Some(next) => println!("Next would be chapter {next}, which the course does not have yet."),
        None => println!("That was the last chapter: the engine is whole."),
    }
}

/// Says for which of these chapters the course has another suite now than the copy was handed.
pub fn note_new_suites(copy: &Copy, chapters: &[Chapter]) {
    let week = copy.record.week;
    if !course::weeks().contains(&week) {
        return;
    }
    let Ok(current) = starter::suite_fingerprints(week) else { return };
    let newer: Vec<&String> = current
        .iter()
        .filter(|(file, print)| copy.record.suites.get(*file) != Some(*print))
        .map(|(file, _)| file)
        .collect();
    let has_newer = |chapter: &&Chapter| newer.iter().any(|file| suites::concerns(file, **chapter));
    let named: Vec<String> = chapters.iter().filter(has_newer).map(Chapter::to_string).collect();
    if !named.is_empty() {
        let note = styled(OPEN, "Note:");
        println!("{note} the course has newer suites for {}: `cargo xtask update` brings them.", named.join(", "));
    }
}
