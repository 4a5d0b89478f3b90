//! `cargo xtask mutants`: changes a chapter's code in small ways, and counts what its suite notices.

use anyhow::Result;
use clap::Args;

use super::Red;
use crate::chapter::Chapter;
use crate::course;
use crate::laws::mutants;
use crate::laws::workshop::{Workshop, has_suite};

/// Change a chapter's code in small ways (cargo-mutants); its suite must notice.
#[derive(Args)]
pub struct Mutants {
    /// The chapter, such as 1.4; without it, all.
    chapter: Option<Chapter>,
}

impl Mutants {
    pub fn run(self) -> Result<()> {
        let workshop = Workshop::open()?;
        let weeks = course::weeks();
        let all = Chapter::all().filter(|chapter| weeks.contains(&chapter.week) && has_suite(*chapter));
        let chapters: Vec<Chapter> = self.chapter.map_or_else(|| all.collect(), |chapter| vec![chapter]);
        let mut failed = Vec::new();
        for chapter in chapters {
            let outcome = mutants::run(&workshop, chapter)?;
            println!(
                "chapter {chapter}: {} caught, {} ran out of time, {} missed, {} do not compile: {:.1} % caught",
                outcome.caught,
                outcome.timeouts,
                outcome.missed.len(),
                outcome.unviable,
                outcome.share()
            );
            for mutant in &outcome.missed {
                let reason = mutant.reason.as_deref().unwrap_or("NO REASON GIVEN");
                println!("  {}: {}\n      {reason}", mutant.place, mutant.change);
            }
            failed.extend(outcome.faults().into_iter().map(|fault| format!("chapter {chapter}: {fault}")));
        }
        if failed.is_empty() {
            return Ok(());
        }
        failed.iter().for_each(|fault| println!("{fault}"));
        Err(Red.into())
    }
}
