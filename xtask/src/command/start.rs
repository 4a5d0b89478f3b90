//! `cargo xtask start`: makes a learner's copy of the starter.

use std::path::{Path, PathBuf};

use anstream::println;
use anyhow::{Context, Result, bail};
use clap::Args;

use crate::chapter::Chapter;
use crate::copy::link::Linked;
use crate::copy::make::{Made, make};
use crate::copy::{Copy, find, starter};
use crate::terminal::{BOLD, GOOD, OPEN, absolute, argument, shown, styled};
use crate::trial::{Subject, run_chapters};

/// Make your copy of the starter, and run its first suite.
///
/// The copy is a git repository of its own. Nothing is ever overwritten.
#[derive(Args)]
pub struct Start {
    /// Begin at this chapter: what comes before it is done.
    #[arg(long)]
    chapter: Option<Chapter>,
    /// Where to: a folder that is empty or not there yet; my-lsm in the course's folder unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Take over the work that was done in place in this folder, such as week1.
    #[arg(long)]
    from: Option<PathBuf>,
}

impl Start {
    pub fn run(self) -> Result<()> {
        let dir = self.dir.as_deref().map_or_else(find::default_dir, absolute);
        let from = self.from.as_deref().map(absolute);
        let chapter = match (self.chapter, &from) {
            (Some(chapter), _) => chapter,
            (None, Some(from)) => Chapter { week: week_of(from)?, day: 1 },
            (None, None) => Chapter { week: 1, day: 1 },
        };
        start(&dir, chapter, from.as_deref())
    }
}

/// What `start` without a word does.
pub fn make_default() -> Result<()> {
    start(&find::default_dir(), Chapter { week: 1, day: 1 }, None)
}

fn start(dir: &Path, chapter: Chapter, from: Option<&Path>) -> Result<()> {
    let made = make(dir, chapter, from)?;
    say_what_was_made(&made, chapter, from);
    run_first_suites(made.copy, chapter, from.is_some())
}

fn say_what_was_made(made: &Made, chapter: Chapter, from: Option<&Path>) {
    let dir = shown(&made.copy.dir);
    println!("{} {dir}: {} files, with chapter {chapter} to do.", styled(GOOD, "Made"), made.files);
    if let (Some(from), Some(files)) = (from, made.taken_over) {
        println!("  Your work from {} is in it: {files} files differ from the starter's.", shown(from));
        println!("  {} itself is as you left it; work in the copy from now on.", shown(from));
        if starter::edited_in_place(chapter.week) {
            println!("  `git restore week{}` in the course's folder makes it the starter again.", chapter.week);
        }
    }
    if !made.has_git {
        println!(
            "{} there is no git here, so the copy is no repository: `cargo xtask update` will not work in it.",
            styled(OPEN, "Note:")
        );
    }
    print_link(&made.linked);
    println!();
}

/// Says where `cargo xtask` does not work in a copy.
pub fn print_link(linked: &Linked) {
    if let Linked::Not(why) = linked {
        println!("{} `cargo xtask` does not work in the copy: {why}.", styled(OPEN, "Note:"));
        println!("  Run it in the course's folder, with --dir.");
    }
}

/// Runs the chapter's suite; of work that was taken over, the suites up to the first that is red.
fn run_first_suites(copy: Copy, chapter: Chapter, taken_over: bool) -> Result<()> {
    let dir = copy.dir.clone();
    let mut subject = Subject::Copy(copy);
    let mut at = chapter;
    let mut green = run_chapters(&mut subject, &[at])?;
    while let (true, true, Some(next)) = (taken_over, green, at.next().filter(|next| next.week == at.week)) {
        at = next;
        green = run_chapters(&mut subject, &[at])?;
    }
    println!();
    if green {
        println!("All of it passes already. `cargo xtask status` says where you are.");
        return Ok(());
    }
    println!("{}", styled(BOLD, "Red is what is expected now: it says what there is to do."));
    println!("  1. cd {}", argument(&shown(&dir)));
    println!("  2. Read chapter {at} of the book, {}, and write the tasks above.", at.title());
    println!("  3. cargo xtask test       runs this suite again (`cargo xtask --help` says what else there is)");
    Ok(())
}

/// The week of a folder that somebody worked in: the last whose suite it holds.
fn week_of(from: &Path) -> Result<u8> {
    if !from.is_dir() {
        bail!("{} is not a folder", shown(from));
    }
    let holds = |week: &u8| from.join(format!("tests/week{week}/main.rs")).is_file();
    (1..=3)
        .rev()
        .find(holds)
        .with_context(|| format!("{} holds no suite (tests/weekN): say with --chapter where it stands", shown(from)))
}
