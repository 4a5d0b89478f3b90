//! Builds a week's suites, lists their tests, runs each in its own limited process, and says what became of it.
//!
//! A learner's engine may loop for ever, overflow its stack, abort, or ask for all the memory there is. In one process
//! such a test would take its neighbours with it; so each test has its own, and each of these ends is one named failure.
//!
//! ```text
//! build::build ──► Binary ──► Binary::tests ──► process::run ──► Outcome { Verdict }
//!                                  docs::read ──► what each test promises ──┘ report::failure
//! ```
//!
//! Everything here serves the learner's `test` as well as the course's own checks; nothing here knows which of them asks.

pub mod build;
pub mod capture;
pub mod docs;
pub mod panics;
pub mod process;
pub mod report;
#[cfg(test)]
mod tests;
pub mod verdict;
