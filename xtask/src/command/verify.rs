//! `cargo xtask verify`: checks the laws of the course.

use anyhow::Result;
use clap::Args;

use crate::book;
use crate::chapter::Chapter;
use crate::laws::report::Report;
use crate::laws::workshop::Workshop;
use crate::laws::{mistakes, reference, robot, weeks};

/// Check the laws of the course, one line a check.
#[derive(Args)]
pub struct Verify {
    /// What concerns this chapter alone: its starter, its checkpoint, its mistakes.
    #[arg(long)]
    chapter: Option<Chapter>,
}

impl Verify {
    pub fn run(self) -> Result<()> {
        let mut report = Report::new();
        let workshop = Workshop::open()?;
        if self.chapter.is_none() {
            weeks::check(&mut report);
            reference::check(&mut report);
            report.check("law 5: the book holds", || book::check().map(|_| Vec::new()));
        }
        robot::check(&mut report, &workshop, self.chapter);
        mistakes::check(&mut report, &workshop, self.chapter, true);
        report.finish()
    }
}
