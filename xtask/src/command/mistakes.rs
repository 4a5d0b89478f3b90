//! `cargo xtask mistakes`: makes the mistakes that learners make, and demands that the suites catch them.

use anyhow::Result;
use clap::Args;

use crate::chapter::Chapter;
use crate::laws::mistakes;
use crate::laws::report::Report;
use crate::laws::workshop::Workshop;

/// Make each known mistake in its chapter's checkpoint; its suite must fail.
#[derive(Args)]
pub struct Mistakes {
    /// The chapter, such as 1.4; without it, all.
    chapter: Option<Chapter>,
    /// Go on after a mistake that is not caught.
    #[arg(long)]
    keep_going: bool,
}

impl Mistakes {
    pub fn run(self) -> Result<()> {
        let mut report = Report::new();
        mistakes::check(&mut report, &Workshop::open()?, self.chapter, self.keep_going);
        report.finish()
    }
}
