//! `cargo xtask simulate`: what a compaction strategy does to a tree, step by step.

use std::fs;
use std::path::PathBuf;

use anstream::{print, println};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::copy::find;
use crate::course;
use crate::simulate::{Printer, page, run};
use crate::terminal::{GOOD, shown, styled};

/// Simulate a compaction strategy of your copy on shapes alone, and show the tree step by step.
///
/// Sizes are scaled down: an entry counts 1 KiB, a memtable 256 KiB. The merges are exact.
#[derive(Args)]
pub struct Simulate {
    #[arg(long, value_enum, default_value = "leveled")]
    strategy: Strategy,
    #[arg(long, value_enum, default_value = "random")]
    workload: Workload,
    /// How many memtables are written.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=2000))]
    flushes: u32,
    /// Print what comes out at the end, and not each step.
    #[arg(long)]
    brief: bool,
    /// Write a page with pictures to this file, to step through in a browser.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// The copy's folder; the one around the current folder, or my-lsm/, unless given.
    #[arg(long, conflicts_with = "reference")]
    dir: Option<PathBuf>,
    /// Simulate the reference solution's strategies.
    #[arg(long)]
    reference: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Strategy {
    /// Never merges.
    None,
    /// Chapter 2.2.
    Simple,
    /// Chapter 2.3.
    Tiered,
    /// Chapter 2.4.
    Leveled,
}

#[derive(Clone, Copy, ValueEnum)]
enum Workload {
    /// Each key once, in order.
    Sequential,
    /// Keys by chance, of 16,384.
    Random,
    /// The same, and four of five writes go to one key in fifty.
    Hot,
    /// As random, and every second write is a deletion.
    Deletes,
}

impl Simulate {
    pub fn run(self) -> Result<()> {
        let dir = if self.reference { course::reference() } else { find::needed(self.dir.as_deref())?.dir };
        let (strategy, workload) = (name_of(&self.strategy), name_of(&self.workload));
        let trace = run(&dir, &strategy, &workload, self.flushes)?;
        let printer = Printer::new(&trace);
        if !self.brief {
            print!("{}", printer.steps());
        }
        print!("{}", printer.summary());
        if let Some(file) = self.html {
            let title = format!("Compaction: {strategy}, {workload} writes");
            fs::write(&file, page(&trace, &title)).with_context(|| format!("cannot write {}", file.display()))?;
            println!("{} {}", styled(GOOD, "Written:"), shown(&file));
        }
        Ok(())
    }
}

fn name_of(value: &impl ValueEnum) -> String {
    // None of the values is skipped, so that each has a name.
    value.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
}
