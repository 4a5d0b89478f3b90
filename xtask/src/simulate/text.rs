//! A trace in a terminal: a line for each step, and the tree's levels as bars.

use std::fmt::Write;

use super::{Action, Step, Trace};
use crate::terminal::{BOLD, DIM, styled};

const BAR: usize = 40;

/// Writes a trace for people.
pub struct Printer<'a> {
    trace: &'a Trace,
    /// Of the largest level at any step, which has the longest bar.
    largest: u64,
}

impl<'a> Printer<'a> {
    pub fn new(trace: &'a Trace) -> Printer<'a> {
        let sizes = trace.steps.iter().flat_map(|step| step.levels.iter().map(|level| level.1));
        Printer { trace, largest: sizes.max().unwrap_or(1).max(1) }
    }

    /// Every step; the tree after each merge, and after the last step.
    pub fn steps(&self) -> String {
        let mut text = String::new();
        for (index, step) in self.trace.steps.iter().enumerate() {
            text.push_str(&words(step));
            text.push('\n');
            let is_last = index + 1 == self.trace.steps.len();
            if step.action == Action::Merge || is_last {
                text.push_str(&self.tree(step));
            }
        }
        text
    }

    fn tree(&self, step: &Step) -> String {
        let mut text = String::new();
        for (level, (tables, size)) in step.levels.iter().enumerate().filter(|(_, level)| level.0 > 0) {
            let length = (*size as u128 * BAR as u128).div_ceil(u128::from(self.largest)) as usize;
            let tables = if *tables == 1 { "1 table".to_string() } else { format!("{tables} tables") };
            let bar = "█".repeat(length);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    level {level}  {bar} {}", styled(DIM, format!("{tables}, {}", mib(*size))));
        }
        text
    }

    /// The amplifications at the end, and how many steps of each kind there were.
    pub fn summary(&self) -> String {
        let Some(last) = self.trace.steps.last() else { return "nothing happened\n".to_string() };
        let count = |action| self.trace.steps.iter().filter(|step| step.action == action).count();
        let most = self.trace.steps.iter().map(asked).max().unwrap_or(0);
        let size = |step: &Step| step.levels.iter().map(|level| level.1).sum::<u64>();
        let peak = self.trace.steps.iter().map(|step| size(step) + step.read).max().unwrap_or(0);
        format!(
            "{}  {} flushes, {} merges, {} moves\n\
             write amplification  {:>6.2}   {} written for {} of the user\n\
             read amplification   {:>6}   tables asked for a key at the end, at most; {most} at the worst moment\n\
             space amplification  {:>6.2}   {} for {} of live entries; at most {} while merging\n",
            styled(BOLD, "In all:"),
            count(Action::Flush),
            count(Action::Merge),
            count(Action::Move),
            ratio(last.total_written, last.user_bytes),
            mib(last.total_written),
            mib(last.user_bytes),
            asked(last),
            ratio(size(last), last.live_bytes),
            mib(size(last)),
            mib(last.live_bytes),
            mib(peak),
        )
    }
}

fn words(step: &Step) -> String {
    let tables = |(level, tables): &(usize, usize)| format!("{tables} of level {level}");
    let from = step.from.iter().map(tables).collect::<Vec<String>>().join(" + ");
    match step.action {
        Action::Flush => format!("flush {}", step.flush),
        Action::Move => format!("  move   {from} → level {}", step.target),
        Action::Merge => {
            format!("  merge  {from} → level {}: {} read, {} written", step.target, mib(step.read), mib(step.written))
        }
    }
}

/// How many tables may be asked for a key: all of level 0, and one of each other level.
fn asked(step: &Step) -> usize {
    step.levels.iter().enumerate().map(|(level, (tables, _))| if level == 0 { *tables } else { (*tables).min(1) }).sum()
}

fn ratio(one: u64, other: u64) -> f64 {
    if other == 0 { 0.0 } else { one as f64 / other as f64 }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
