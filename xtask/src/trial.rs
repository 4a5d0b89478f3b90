//! Runs chapters' suites on a learner's copy or on the reference, and tells a person what came of it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstream::println;
use anyhow::{Context, Result, bail};

use crate::chapter::Chapter;
use crate::copy::{Copy, notes, suites};
use crate::course;
use crate::runner::build::{self, Binary, Built};
use crate::runner::docs::{self, TestDoc};
use crate::runner::process::{Limits, Outcome, run};
use crate::runner::report::{self, Count, Place};
use crate::runner::verdict::Verdict;
use crate::terminal::{BAD, BOLD, Bar, DIM, GOOD, OPEN, shown, stdout_has_colours, styled};
use crate::weave::tasks;

/// A test that takes longer is told of: suites are made to take less in all.
const SLOW: Duration = Duration::from_secs(2);

/// What the suites run on.
pub enum Subject {
    Copy(Copy),
    Reference,
}

impl Subject {
    fn crate_dir(&self) -> PathBuf {
        match self {
            Subject::Copy(copy) => copy.dir.clone(),
            Subject::Reference => course::reference(),
        }
    }

    /// The folder of a week's suite.
    fn suite(&self, week: u8) -> PathBuf {
        let folder = format!("tests/week{week}");
        match self {
            Subject::Copy(copy) => copy.dir.join(folder),
            Subject::Reference => course::week(week).join(folder),
        }
    }

    /// How to come to the suite of a week.
    fn how_to_have(&self, week: u8) -> String {
        match self {
            Subject::Copy(copy) if week > copy.record.week && course::weeks().contains(&week) => {
                format!(": `cargo xtask next` brings week {}", copy.record.week + 1)
            }
            _ => String::new(),
        }
    }

    fn place(&self, week: u8) -> Place {
        match self {
            Subject::Copy(copy) => Place { base: copy.dir.clone(), command: format!("cargo test --test week{week}") },
            Subject::Reference => {
                Place { base: course::root(), command: format!("cargo test --package lsm --test week{week}") }
            }
        }
    }
}

/// Runs the suites of these chapters, which are in order, and prints what came of them. `true`: all are green.
///
/// In a copy, what passed is recorded. Code that does not compile is red.
pub fn run_chapters(subject: &mut Subject, chapters: &[Chapter]) -> Result<bool> {
    let mut green = true;
    for week in 1..=3 {
        let chapters: Vec<Chapter> = chapters.iter().copied().filter(|chapter| chapter.week == week).collect();
        let Some(last) = chapters.last() else { continue };
        if !subject.suite(week).join("main.rs").is_file() {
            let place = shown(&subject.crate_dir());
            bail!("there is no suite of week {week} in {place} yet{}", subject.how_to_have(week));
        }
        if let Subject::Copy(copy) = subject {
            suites::select(&copy.dir, week, last.day)?;
        }
        let Some(binary) = built(&subject.crate_dir(), week)? else { return Ok(false) };
        for chapter in &chapters {
            green &= run_chapter(subject, &binary, *chapter)?;
        }
        print_warnings(&binary);
    }
    Ok(green)
}

/// Builds a week's suite; `None`, and the compiler's messages printed, where the code does not compile.
fn built(crate_dir: &Path, week: u8) -> Result<Option<Binary>> {
    let bar = Bar::new();
    let mut crates = 0;
    let request = build::Request { crate_dir, week, target_dir: None, ansi: stdout_has_colours() };
    let built = build::build(&request, &mut |name| {
        crates += 1;
        bar.line(&format!("building: {crates} crates done, {name} the last"));
    })?;
    drop(bar);
    match built {
        Built::Binary(binary) => Ok(Some(binary)),
        Built::Failed(messages) => {
            println!("{messages}");
            println!("{} The code in {} does not compile.", styled(BAD, "RED."), shown(crate_dir));
            Ok(None)
        }
    }
}

fn run_chapter(subject: &mut Subject, binary: &Binary, chapter: Chapter) -> Result<bool> {
    let mut names = binary.tests(Some(chapter))?;
    if names.is_empty() {
        bail!("the suite of chapter {chapter} has no test yet");
    }
    let docs = docs::read(&subject.suite(chapter.week), chapter)?;
    docs::sort(&mut names, &docs);
    let bar = Bar::new();
    let mut done = 0;
    bar.steps(0, names.len(), "");
    let outcomes = run(binary, &names, Limits::default(), |outcome| {
        done += 1;
        bar.steps(done, names.len(), &outcome.name);
        ControlFlow::Continue(())
    })
    .with_context(|| format!("cannot run the suite of chapter {chapter}"))?;
    drop(bar);

    let count = Count::new(&outcomes);
    let place = subject.place(chapter.week);
    println!("{} {}", styled(BOLD, format!("Chapter {chapter}:")), styled(BOLD, chapter.title()));
    print_failures(&outcomes, &docs, &place);
    print_tasks(&subject.crate_dir(), chapter, &outcomes, &place)?;
    let verdict = if count.is_green() { styled(GOOD, "GREEN.") } else { styled(BAD, "RED.") };
    println!("{verdict} Chapter {chapter}: {}.", count.text());
    if let Some(slow) = outcomes.iter().max_by_key(|outcome| outcome.took).filter(|slow| slow.took > SLOW) {
        println!("      {} took {:.1} s.", slow.name, slow.took.as_secs_f32());
    }
    if let Subject::Copy(copy) = subject {
        let edited = print_edited(copy, chapter);
        keep(copy, chapter, count.is_green(), edited)?;
    }
    Ok(count.is_green())
}

fn print_failures(outcomes: &[Outcome], docs: &BTreeMap<String, TestDoc>, place: &Place) {
    for outcome in outcomes {
        if !matches!(outcome.verdict, Verdict::Passed | Verdict::OpenTask { .. }) {
            println!("\n{}", report::failure(outcome, docs::find(docs, &outcome.name), place).trim_end());
        }
    }
}

/// The chapter's tasks that are open, and the tests that stop at one.
fn print_tasks(crate_dir: &Path, chapter: Chapter, outcomes: &[Outcome], place: &Place) -> Result<()> {
    let src = crate_dir.join("src");
    let mut open = tasks::in_directory(&src)?;
    open.retain(|task| task.chapter == chapter);
    let mut text = report::open_tasks(&open, &src, outcomes, place);
    for task in notes::open_tasks(crate_dir).into_iter().filter(|task| task.chapter == chapter) {
        text.push_str(&format!("  {}:{}: {}\n", shown(&crate_dir.join(task.file)), task.line, task.task));
    }
    if !text.is_empty() {
        println!("\n{}\n{}", styled(OPEN, format!("Open tasks of {chapter}:")), text.trim_end());
    }
    println!();
    Ok(())
}

/// Says which files of the chapter's suite the learner edited. Gives whether there are any.
fn print_edited(copy: &Copy, chapter: Chapter) -> bool {
    let mut edited = suites::edited(copy);
    edited.retain(|file| suites::concerns(file, chapter));
    if edited.is_empty() {
        return false;
    }
    println!(
        "{} this was run with suites that you edited: {}. `cargo xtask update --restore` brings the course's back.",
        styled(OPEN, "Note:"),
        edited.join(", ")
    );
    true
}

/// Records what passed, and what no longer does. A suite that was edited proves nothing of the course's.
fn keep(copy: &mut Copy, chapter: Chapter, green: bool, edited: bool) -> Result<()> {
    if green && edited {
        println!("      So {chapter} is not recorded as passed.");
        return Ok(());
    }
    if green {
        copy.record.pass(chapter);
    } else if let (false, Some(day)) = (edited, copy.record.passed.remove(&chapter)) {
        println!("      It passed on {day} and does no longer, so it is open again.");
    }
    copy.record.write(&copy.dir)
}

fn print_warnings(binary: &Binary) {
    if !binary.warnings.is_empty() {
        println!("\n{}", styled(DIM, "The compiler warns:"));
        binary.warnings.iter().for_each(|warning| println!("{}", warning.trim_end()));
    }
}
