//! What a person reads about a chapter's run: each failing test with what it promises, and how to run it alone.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::docs::TestDoc;
use super::panics::{self, Panic};
use super::process::Outcome;
use super::verdict::Verdict;
use crate::terminal::{BAD, BOLD, DIM, OPEN, absolute, shown, styled};
use crate::weave::tasks::OpenTask;

/// How many lines of a panic's message, and how many characters of a line, are shown.
const MESSAGE_LINES: usize = 30;
const LINE_LENGTH: usize = 400;
/// How many lines of what a test printed are shown: the last.
const PRINTED_LINES: usize = 20;
/// How many of the tests that stop at a task are named.
const NAMES: usize = 3;

/// Where the tests that are told of ran.
pub struct Place {
    /// What the compiler's paths are relative to.
    pub base: PathBuf,
    /// The command that runs tests, without a test's name: `cargo test --test week1`.
    pub command: String,
}

impl Place {
    /// The file and the line of a panic's `file:line:column`.
    fn find(&self, at: &str) -> Option<(PathBuf, usize)> {
        let mut parts = at.rsplitn(3, ':').skip(1);
        let line = parts.next()?.parse().ok()?;
        Some((absolute(&self.base.join(parts.next()?)), line))
    }
}

/// How many tests ended how. Regressions earn no points: they held before the chapter was begun.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub all: usize,
    pub passed: usize,
    pub open: usize,
    pub regressions: usize,
    pub regressions_passed: usize,
}

impl Count {
    pub fn new(outcomes: &[Outcome]) -> Count {
        let mut count = Count::default();
        for outcome in outcomes {
            if is_regression(&outcome.name) {
                count.regressions += 1;
                count.regressions_passed += usize::from(outcome.verdict.passed());
            } else {
                count.all += 1;
                count.passed += usize::from(outcome.verdict.passed());
            }
            count.open += usize::from(matches!(outcome.verdict, Verdict::OpenTask { .. }));
        }
        count
    }

    pub fn is_green(&self) -> bool {
        self.all > 0 && self.passed == self.all && self.regressions_passed == self.regressions
    }

    /// In a line.
    pub fn text(&self) -> String {
        let failed = self.all + self.regressions - self.passed - self.regressions_passed - self.open;
        let mut text = format!("{} of {} tests pass", self.passed, self.all);
        if failed > 0 {
            let _ = write!(text, ", {failed} fail");
        }
        if self.open > 0 {
            let _ = write!(text, ", {} wait for open tasks", self.open);
        }
        if self.regressions > 0 {
            let _ = write!(text, " (and {} of {} regressions)", self.regressions_passed, self.regressions);
        }
        text
    }
}

/// Whether a test holds without its chapter's work.
pub fn is_regression(name: &str) -> bool {
    name.split("::").any(|part| part == "regressions")
}

/// A failing test: what it promises, what happened, where, a hint, the book's page, and how to run it alone.
pub fn failure(outcome: &Outcome, doc: Option<&TestDoc>, place: &Place) -> String {
    let mut text = format!("{} {}\n", styled(BAD, "FAILED"), styled(BOLD, &outcome.name));
    if let Some(contract) = doc.map(|doc| &doc.contract).filter(|contract| !contract.is_empty()) {
        push(&mut text, contract);
    }
    match &outcome.verdict {
        Verdict::Panicked { panic, others } => {
            push_panic(&mut text, panic, place);
            for other in others.iter().take(3) {
                push(&mut text, &format!("before that, thread `{}`:", other.thread));
                push_panic(&mut text, other, place);
            }
        }
        Verdict::Aborted { panics } => {
            push(&mut text, &styled(BAD, &outcome.verdict));
            panics.iter().take(3).for_each(|panic| push_panic(&mut text, panic, place));
        }
        verdict => push(&mut text, &styled(BAD, verdict)),
    }
    if let Some(doc) = doc {
        if !matches!(outcome.verdict, Verdict::Panicked { .. }) {
            push(&mut text, &styled(DIM, format!("at {}:{}", shown(&doc.file), doc.line)));
        }
        if let Some(hint) = &doc.hint {
            push(&mut text, &format!("Hint: {hint}"));
        }
        if let Some(page) = &doc.book {
            push(&mut text, &format!("Book: book/src/{page}"));
        }
    }
    push(&mut text, &format!("Alone: {}", alone(&outcome.name, place)));
    let printed = printed(outcome);
    if let Some(more @ 1..) = printed.len().checked_sub(PRINTED_LINES) {
        push(&mut text, &styled(DIM, format!("It printed {more} lines, and then:")));
    } else if !printed.is_empty() {
        push(&mut text, &styled(DIM, "It printed:"));
    }
    for line in &printed[printed.len().saturating_sub(PRINTED_LINES)..] {
        push(&mut text, &format!("  {}", shortened(line)));
    }
    text
}

/// The command that runs one test alone.
fn alone(name: &str, place: &Place) -> String {
    format!("{} {name} -- --exact", place.command)
}

/// The open tasks, each as file:line with the tests that stop at it. `tasks` are the chapter's in the sources; a test may
/// also stop at another chapter's.
pub fn open_tasks(tasks: &[OpenTask], src: &Path, outcomes: &[Outcome], place: &Place) -> String {
    let mut stops: BTreeMap<(PathBuf, usize), Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        if let Verdict::OpenTask { at, .. } = &outcome.verdict {
            stops.entry(place.find(at).unwrap_or_default()).or_default().push(outcome);
        }
    }
    let mut text = String::new();
    for task in tasks {
        let file = src.join(&task.file);
        let _ = writeln!(text, "  {}:{}: {}", shown(&file), task.line, task.task);
        if let Some(stopped) = stops.remove(&(file, task.line)) {
            push(&mut text, &styled(DIM, stopping(&stopped)));
        }
    }
    for ((file, line), stopped) in &stops {
        if let Some(Verdict::OpenTask { chapter, task, .. }) = stopped.first().map(|outcome| &outcome.verdict) {
            let _ = writeln!(text, "  {}:{line}: {} {task}", shown(file), styled(OPEN, format!("{chapter}:")));
            push(&mut text, &styled(DIM, stopping(stopped)));
        }
    }
    text
}

/// Which tests stop at a task, without the name of the chapter.
fn stopping(outcomes: &[&Outcome]) -> String {
    let name = |outcome: &&Outcome| outcome.name.split_once("::").map_or("", |(_, name)| name).to_owned();
    let names: Vec<String> = outcomes.iter().take(NAMES).map(name).collect();
    let more = match outcomes.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let stop = if outcomes.len() == 1 { "test stops" } else { "tests stop" };
    format!("  {} {stop} here: {}{more}", outcomes.len(), names.join(", "))
}

/// What the test itself printed, without what the harness and the panics did.
fn printed(outcome: &Outcome) -> Vec<&str> {
    let own = outcome.stdout.split_once(&format!("test {} ... ", outcome.name)).map_or("", |(_, own)| own);
    let own = own.split("\n\nfailures:\n").next().unwrap_or_default();
    let own = own.trim_end().trim_end_matches("FAILED");
    let (_, rest) = panics::split(&outcome.stderr);
    own.lines().chain(rest).filter(|line| !line.trim().is_empty()).collect()
}

fn shortened(line: &str) -> String {
    let short: String = line.chars().take(LINE_LENGTH).collect();
    let dots = if short.len() < line.len() { " …" } else { "" };
    short + dots
}

fn push(text: &mut String, words: &str) {
    for line in words.lines() {
        let _ = writeln!(text, "    {line}");
    }
}

fn push_panic(text: &mut String, panic: &Panic, place: &Place) {
    let lines: Vec<&str> = panic.message.lines().collect();
    for line in lines.iter().take(MESSAGE_LINES) {
        push(text, &styled(BAD, shortened(line)));
    }
    if let Some(more @ 1..) = lines.len().checked_sub(MESSAGE_LINES) {
        push(text, &format!("… and {more} more lines"));
    }
    if !panic.at.is_empty() {
        push(text, &styled(DIM, format!("at {}", located(&panic.at, place))));
    }
}

/// `file:line:column` with the file as a person writes it here. The standard library's own files are told as they come.
fn located(at: &str, place: &Place) -> String {
    match place.find(at) {
        Some((file, line)) if file.is_file() => format!("{}:{line}", shown(&file)),
        _ => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outcome(name: &str, verdict: Verdict) -> Outcome {
        let (stdout, stderr) = (String::new(), String::new());
        Outcome { name: name.into(), verdict, took: Duration::ZERO, stdout, stderr }
    }

    #[test]
    fn regressions_earn_no_points_but_must_hold() {
        let red = outcome("chapter_1::regressions::a", Verdict::OverflowedItsStack);
        let green = outcome("chapter_1::b", Verdict::Passed);
        let count = Count::new(&[red, green]);
        assert!(!count.is_green());
        assert_eq!(count.text(), "1 of 1 tests pass, 1 fail (and 0 of 1 regressions)");
        let count = Count::new(&[outcome("chapter_1::regressions::a", Verdict::Passed)]);
        assert!(!count.is_green(), "regressions alone are no chapter");
    }

    #[test]
    fn a_task_is_told_once_with_the_tests_that_stop_at_it() {
        let place = Place { base: "/copy".into(), command: String::new() };
        let stop = |name: &str, chapter: &str, at: &str| {
            let chapter = chapter.parse().unwrap();
            outcome(&format!("chapter_2::{name}"), Verdict::OpenTask { chapter, task: "do it".into(), at: at.into() })
        };
        let mut outcomes: Vec<Outcome> = ["a", "b", "c", "d"].map(|name| stop(name, "1.2", "src/lib.rs:3:5")).into();
        outcomes.push(stop("e", "1.1", "src/lib.rs:9:5"));
        let task =
            |line| OpenTask { chapter: "1.2".parse().unwrap(), file: "lib.rs".into(), line, task: "do it".into() };
        let text = open_tasks(&[task(3), task(5)], Path::new("/copy/src"), &outcomes, &place);
        let expected = "  /copy/src/lib.rs:3: do it\n      4 tests stop here: a, b, c and 1 more\n  \
            /copy/src/lib.rs:5: do it\n  /copy/src/lib.rs:9: 1.1: do it\n      1 test stops here: e\n";
        assert_eq!(anstream::adapter::strip_str(&text).to_string(), expected);
    }

    #[test]
    fn a_failure_says_all_that_helps() {
        let panic =
            Panic { thread: "x".into(), at: "tests/week1/chapter_1.rs:3:5".into(), message: "left\nright".into() };
        let doc = TestDoc {
            contract: "A key is found.".into(),
            hint: Some("look".into()),
            book: Some("week1/1-memtable.md#get".into()),
            ..TestDoc::default()
        };
        let place = Place { base: "/nowhere".into(), command: "cargo test --test week1".into() };
        let mut failed = outcome("chapter_1::b", Verdict::Panicked { panic, others: vec![] });
        failed.stdout = "\nrunning 1 test\ntest chapter_1::b ... own words\nFAILED\n\nfailures:\n\nfailures:\n".into();
        failed.stderr = "noted\n\nthread 'x' panicked at a:1:1:\nleft\n".into();
        let text = anstream::adapter::strip_str(&failure(&failed, Some(&doc), &place)).to_string();
        for part in [
            "FAILED chapter_1::b\n",
            "A key is found.\n",
            "left\n    right\n",
            "at tests/week1/chapter_1.rs:3:5\n",
            "Hint: look\n",
            "Book: book/src/week1/1-memtable.md#get\n",
            "Alone: cargo test --test week1 chapter_1::b -- --exact\n    It printed:\n      own words\n      noted\n",
        ] {
            assert!(text.contains(part), "{part:?} is missing in:\n{text}");
        }
    }
}
