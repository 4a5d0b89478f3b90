//! Laws 2 and 3: a robot learner goes from starter to starter, by way of every chapter's checkpoint.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use anyhow::Result;

use super::report::Report;
use super::workshop::{Workshop, build_in, has_suite, keep_suites};
use crate::chapter::Chapter;
use crate::copy::merge::What;
use crate::copy::merge::whole::{Versions, merge_all};
use crate::course;
use crate::runner::build::Binary;
use crate::runner::process::{self, Limits, Outcome};
use crate::runner::verdict::Verdict;
use crate::weave::{State, tasks, tree};

/// Checks both laws for one chapter, or for all that exist.
pub fn check(report: &mut Report, workshop: &Workshop, only: Option<Chapter>) {
    for state in states(only) {
        check_state(report, workshop, state, only);
    }
    if only.is_none() {
        course::weeks().into_iter().filter(|week| *week > 1).for_each(|week| check_next(report, workshop, week));
        report.check("law 2: the reference passes every suite", reference_failing);
    }
}

/// The states that a learner passes through: each week's starter, then the checkpoint of each chapter.
fn states(only: Option<Chapter>) -> Vec<State> {
    if let Some(chapter) = only {
        return vec![State::before(chapter), State::checkpoint(chapter)];
    }
    let week = |week| {
        let days = Chapter::all().filter(move |chapter| chapter.week == week && has_suite(*chapter));
        std::iter::once(State::starter(week)).chain(days.map(State::checkpoint))
    };
    course::weeks().into_iter().flat_map(week).collect()
}

/// One build serves both laws: what is done passes, what comes next fails.
fn check_state(report: &mut Report, workshop: &Workshop, state: State, only: Option<Chapter>) {
    let wanted = |chapter: &Chapter| only.is_none_or(|only| only == *chapter) && has_suite(*chapter);
    let done = state.done.filter(|done| only.is_none_or(|only| only == *done));
    let next = state.next().filter(wanted);
    let name = match state.done {
        Some(done) if done.week == state.week => format!("checkpoint {done}"),
        _ => format!("the starter of week {}", state.week),
    };
    let mut open = Vec::new();
    let built = report.check(&format!("law 2: {name} builds without a warning"), || {
        let mut tree = tree::whole(state)?;
        for (file, text) in &tree {
            open.extend(tasks::in_text(file, text).into_iter().map(|task| task.chapter));
        }
        workshop.put(&tree)?;
        let complaints = workshop.complaints()?;
        keep_suites(&mut tree, |chapter| state.done >= Some(chapter) || next == Some(chapter));
        workshop.put(&tree)?;
        Ok(complaints)
    });
    if !built {
        return;
    }
    let mut binaries = BTreeMap::new();
    if done.is_some() && done.is_none_or(has_suite) {
        report.check(&format!("law 2: {name} passes every suite so far"), || {
            let mut faults = Vec::new();
            for week in 1..=state.week {
                let binary = workshop.build(week)?;
                faults.extend(failing(&binary, week, state.done)?);
                binaries.insert(week, binary);
            }
            Ok(faults)
        });
    }
    if let Some(next) = next {
        report.check(&format!("law 3: {name} fails suite {next}, for a named reason"), || {
            let binary = match binaries.remove(&next.week) {
                Some(binary) => binary,
                None => workshop.build(next.week)?,
            };
            not_red(&binary, next, open.contains(&next))
        });
    }
}

/// What `cargo xtask next` brings to somebody who writes every week, and what it makes of code that is the reference's.
fn check_next(report: &mut Report, workshop: &Workshop, week: u8) {
    let first = Chapter { week: 1, day: 1 };
    let builds =
        report.check(&format!("law 2: week {week} without the answers before it builds without a warning"), || {
            workshop.put(&tree::whole(State::carried_on(first, week))?)?;
            workshop.complaints()
        });
    if !builds {
        return;
    }
    report.check(&format!("law 2: who wrote all that is before week {week} goes on to it, and stays green"), || {
        let last = Chapter { week, day: 1 }.previous();
        let base = tree::whole(State::carried_on(first, week - 1))?;
        let ours = tree::whole(State { done: last, week: week - 1 })?;
        let theirs = tree::whole(State::carried_on(first, week))?;
        let merged = merge_all(Versions { base: &base, ours: &ours, theirs: &theirs }, || {
            tree::sources(&course::reference().join("src"), State::starter(week))
        })?;
        let refused = merged.left.iter().filter(|left| matches!(left.what, What::Change { .. }));
        let mut faults: Vec<String> =
            refused.map(|left| format!("{}, {}: no place for {:?}", left.file, left.item, left.what)).collect();
        let mut tree = ours;
        for (file, text) in merged.files {
            match text {
                Some(text) => drop(tree.insert(file, text)),
                None => drop(tree.remove(&file)),
            }
        }
        keep_suites(&mut tree, |chapter| last >= Some(chapter));
        workshop.put(&tree)?;
        for week in 1..week {
            faults.extend(failing(&workshop.build(week)?, week, last)?);
        }
        Ok(faults)
    });
}

/// The tests of a week's suites up to a chapter that fail.
fn failing(binary: &Binary, week: u8, last: Option<Chapter>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for chapter in Chapter::all().filter(|chapter| chapter.week == week && Some(*chapter) <= last) {
        names.extend(binary.tests(Some(chapter))?);
    }
    let outcomes = process::run(binary, &names, Limits::default(), |_| ControlFlow::Continue(()))?;
    let failed = outcomes.iter().filter(|outcome| !outcome.verdict.passed());
    Ok(failed.map(|outcome| describe(week, outcome)).collect())
}

/// The tests that fail on the reference itself.
fn reference_failing() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for week in course::weeks() {
        let binary = build_in(&course::reference(), week)?;
        faults.extend(failing(&binary, week, Chapter::all().last())?);
    }
    Ok(faults)
}

/// The tests of the next suite that do not fail as they should, and its regressions that do not pass.
fn not_red(binary: &Binary, chapter: Chapter, tasks_open: bool) -> Result<Vec<String>> {
    let names = binary.tests(Some(chapter))?;
    let mut faults = Vec::new();
    if names.iter().all(|name| is_regression(name)) {
        faults.push(format!("suite {chapter} has no test that only its answer passes"));
    }
    if !tasks_open {
        faults.push(format!("no task of chapter {chapter} is open in the code"));
    }
    let outcomes = process::run(binary, &names, Limits::default(), |_| ControlFlow::Continue(()))?;
    for outcome in &outcomes {
        let wrong = match &outcome.verdict {
            verdict if is_regression(&outcome.name) => {
                (!verdict.passed()).then(|| "as a regression it should pass".into())
            }
            Verdict::OpenTask { chapter: found, .. } if *found != chapter => {
                Some(format!("the task that it reached is of another chapter than {chapter}"))
            }
            Verdict::OpenTask { .. } | Verdict::Panicked { .. } => None,
            Verdict::Passed => Some("it holds without the chapter's work: it belongs into `mod regressions`".into()),
            _ => Some("this names no reason".into()),
        };
        faults.extend(wrong.map(|wrong: String| format!("{}: {wrong}", describe(chapter.week, outcome))));
    }
    Ok(faults)
}

pub fn is_regression(name: &str) -> bool {
    name.split("::").any(|part| part == "regressions")
}

/// A test and what became of it, in a line or two.
pub fn describe(week: u8, outcome: &Outcome) -> String {
    let message = match &outcome.verdict {
        Verdict::Panicked { panic, .. } => {
            format!("\n  {}", panic.message.lines().take(6).collect::<Vec<&str>>().join("\n  "))
        }
        _ => String::new(),
    };
    format!("week{week} {} {}{message}", outcome.name, outcome.verdict)
}
