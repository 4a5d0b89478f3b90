//! One line for each check, and the list of those that failed.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use anyhow::Result;

use crate::command::Red;
use crate::terminal::{BAD, GOOD, styled};

/// Prints each check's outcome as it comes and remembers the failures.
pub struct Report {
    started: Instant,
    terminal: bool,
    checks: usize,
    failed: Vec<String>,
}

impl Report {
    pub fn new() -> Report {
        let terminal = std::io::stdout().is_terminal();
        Report { started: Instant::now(), terminal, checks: 0, failed: Vec::new() }
    }

    /// Runs a check, which gives what it found wrong; an error counts as one thing wrong.
    /// Tells whether nothing was.
    pub fn check(&mut self, name: &str, work: impl FnOnce() -> Result<Vec<String>>) -> bool {
        let started = Instant::now();
        if self.terminal {
            print!("  {name} …");
            // A line that is not shown at once is shown with the next.
            let _ = std::io::stdout().flush();
        }
        let faults = work().unwrap_or_else(|error| vec![format!("{error:#}")]);
        self.checks += 1;
        let mark = if faults.is_empty() { styled(GOOD, "✓") } else { styled(BAD, "✗") };
        let begin = if self.terminal { "\r" } else { "" };
        anstream::println!("{begin}{mark} {name} ({:.1} s)", started.elapsed().as_secs_f32());
        for fault in &faults {
            println!("    {}", fault.trim_end().replace('\n', "\n    "));
        }
        if !faults.is_empty() {
            self.failed.push(name.to_owned());
        }
        faults.is_empty()
    }

    /// A line about what was not checked, and why.
    pub fn skip(&self, name: &str, why: &str) {
        println!("- {name}: {why}");
    }

    /// Prints the sum, and what failed.
    pub fn finish(self) -> Result<()> {
        let seconds = self.started.elapsed().as_secs_f32();
        if self.failed.is_empty() {
            println!("{} checks passed in {seconds:.0} s", self.checks);
            return Ok(());
        }
        println!("{} of {} checks failed in {seconds:.0} s:", self.failed.len(), self.checks);
        self.failed.iter().for_each(|name| println!("  {name}"));
        Err(Red.into())
    }
}
