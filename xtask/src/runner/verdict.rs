//! What became of a test, told from how its process ended and what it printed.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use super::panics::{self, Panic};
use super::process::Limits;
use crate::chapter::Chapter;

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// It reached a `todo!("1.3: …")`.
    OpenTask {
        chapter: Chapter,
        task: String,
        /// `file:line:column` of the `todo!`.
        at: String,
    },
    /// The panic that ended it, and those of other threads before.
    Panicked {
        panic: Panic,
        others: Vec<Panic>,
    },
    RanTooLong {
        limit: Duration,
    },
    OverflowedItsStack,
    /// It asked for more memory than it may use, in MiB.
    OutOfMemory {
        limit: u64,
    },
    /// The process aborted, after these panics (a panic while panicking aborts).
    Aborted {
        panics: Vec<Panic>,
    },
    /// The process ended before the test was over: how.
    Ended {
        how: String,
    },
}

impl Verdict {
    pub fn passed(&self) -> bool {
        *self == Verdict::Passed
    }
}

impl fmt::Display for Verdict {
    /// A few words, without the panic's message.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => write!(formatter, "passed"),
            Verdict::OpenTask { chapter, task, .. } => write!(formatter, "open task {chapter}: {task}"),
            Verdict::Panicked { panic, .. } => write!(formatter, "failed at {}", panic.at),
            Verdict::RanTooLong { limit } => write!(formatter, "ran longer than {} s", limit.as_secs_f32()),
            Verdict::OverflowedItsStack => write!(formatter, "overflowed its stack"),
            Verdict::OutOfMemory { limit } => write!(formatter, "asked for more than {limit} MiB"),
            Verdict::Aborted { .. } => write!(formatter, "aborted"),
            Verdict::Ended { how } => write!(formatter, "ended its process before the test was over ({how})"),
        }
    }
}

/// How a test's process ended.
pub struct End<'a> {
    /// `None`: it was ended because its time was over.
    pub status: Option<ExitStatus>,
    pub limits: Limits,
    pub stdout: &'a str,
    pub stderr: &'a str,
}

impl End<'_> {
    /// What that says about the test of this name.
    pub fn verdict(&self, name: &str) -> Verdict {
        let Some(status) = self.status else { return Verdict::RanTooLong { limit: self.limits.time } };
        // A status of success alone could be the engine's own `exit(0)`: the harness must have said so too.
        if status.success() && self.stdout.contains("test result: ok. 1 passed;") {
            return Verdict::Passed;
        }
        if self.said("has overflowed its stack") || code(status) == Some(WINDOWS_STACK_OVERFLOW) {
            return Verdict::OverflowedItsStack;
        }
        let aborted = signal(status) == Some(UNIX_ABORT) || code(status) == Some(WINDOWS_ABORT);
        if aborted && self.said("memory allocation of ") {
            return Verdict::OutOfMemory { limit: self.limits.memory };
        }
        let panics = panics::find(self.stderr);
        if let Some(task) = panics.iter().find_map(open_task) {
            return task;
        }
        if aborted {
            return Verdict::Aborted { panics };
        }
        self.panicked(name, panics).unwrap_or_else(|| Verdict::Ended { how: status.to_string() })
    }

    /// The last panic of the test's own thread ends it: earlier ones it caught (as a shrinking property test does).
    fn panicked(&self, name: &str, mut panics: Vec<Panic>) -> Option<Verdict> {
        if !self.stdout.contains("test result: FAILED.") {
            return None;
        }
        let last = panics.iter().rposition(|panic| panic.thread == name).or(panics.len().checked_sub(1));
        let panic = match last {
            Some(last) => panics.remove(last),
            // A test that returns an error, or that should have panicked and did not.
            None => Panic { thread: name.to_owned(), at: String::new(), message: self.returned_error() },
        };
        panics.retain(|other| other.thread != name);
        panics.dedup_by(|one, other| one.message == other.message);
        Some(Verdict::Panicked { panic, others: panics })
    }

    fn said(&self, words: &str) -> bool {
        self.stderr.contains(words)
    }

    fn returned_error(&self) -> String {
        let said = |line: &&str| line.starts_with("Error: ") || line.starts_with("note: ");
        let line = self.stdout.lines().chain(self.stderr.lines()).find(said);
        line.unwrap_or("the test failed without a message").to_owned()
    }
}

/// The task of a panic out of `todo!("1.3: …")`, also where another message wraps it (a property test's does).
fn open_task(panic: &Panic) -> Option<Verdict> {
    let (_, said) = panic.message.split_once("not yet implemented: ")?;
    let (chapter, task) = said.lines().next()?.split_once(": ")?;
    let chapter = chapter.parse().ok()?;
    Some(Verdict::OpenTask { chapter, task: task.to_owned(), at: panic.at.clone() })
}

const UNIX_ABORT: i32 = 6;
/// STATUS_STACK_BUFFER_OVERRUN, which is how Windows reports a process that failed fast, as `abort` does.
const WINDOWS_ABORT: i32 = 0xC000_0409_u32.cast_signed();
/// STATUS_STACK_OVERFLOW.
const WINDOWS_STACK_OVERFLOW: i32 = 0xC000_00FD_u32.cast_signed();

/// The exit code where it is Windows' status; elsewhere these codes do not exist.
fn code(status: ExitStatus) -> Option<i32> {
    if cfg!(windows) { status.code() } else { None }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}
