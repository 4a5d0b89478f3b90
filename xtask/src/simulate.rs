//! Simulating compaction strategies: builds the driver against a crate `lsm`, reads its trace, and shows it.

mod page;
mod text;

pub use page::{page, widget};
pub use text::Printer;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::course;

const DRIVER: &str = include_str!("simulate/driver.rs");

const MAIN: &str = "mod driver;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    driver::run(&arguments.iter().map(String::as_str).collect::<Vec<&str>>())
}
";

/// What the driver prints for each step: what happened, and the tree after it.
#[derive(Debug, Deserialize)]
pub struct Step {
    /// How many memtables were flushed so far.
    pub flush: u32,
    pub action: Action,
    /// Levels, and how many of their tables were taken.
    pub from: Vec<(usize, usize)>,
    pub target: usize,
    /// In bytes, as all sizes.
    pub read: u64,
    pub written: u64,
    /// Of each level, the number of its tables and their size.
    pub levels: Vec<(usize, u64)>,
    pub user_bytes: u64,
    pub total_written: u64,
    pub live_bytes: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Flush,
    Merge,
    Move,
}

/// A trace: its lines, and what they say.
pub struct Trace {
    pub lines: Vec<String>,
    pub steps: Vec<Step>,
}

impl Trace {
    pub fn parse(text: &str) -> Result<Trace> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let steps = lines.iter().map(|line| serde_json::from_str(line).with_context(|| format!("no step: {line}")));
        Ok(Trace { steps: steps.collect::<Result<_>>()?, lines })
    }
}

/// Builds the driver against the crate in `dir`, and runs it there.
pub fn run(dir: &Path, strategy: &str, workload: &str, flushes: u32) -> Result<Trace> {
    // The reference builds in the workspace's folder; a copy has its own.
    let target = if dir == course::reference() { course::root().join("target") } else { dir.join("target") };
    let folder = target.join("simulate");
    write_crate(&folder, dir)?;
    let mut cargo = Command::new(course::cargo());
    cargo.args(["run", "--quiet", "--"]).args([strategy, workload, &flushes.to_string()]);
    // A target folder of its own: the crate in `dir` may be at work elsewhere with other settings.
    cargo.current_dir(&folder).env("CARGO_TARGET_DIR", folder.join("target")).stdin(Stdio::null());
    let output = cargo.output().context("cannot run cargo")?;
    let trace = Trace::parse(&String::from_utf8_lossy(&output.stdout))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        if let Some(task) = said.lines().find_map(|line| line.split_once("not yet implemented: ")) {
            bail!("the strategy is not written yet: {}", task.1);
        }
        bail!("the simulation ended after {} steps: {}", trace.steps.len(), said.trim());
    }
    Ok(trace)
}

/// The driver as a crate that uses the crate in `dir`. Files that are as they were stay untouched.
fn write_crate(folder: &Path, dir: &Path) -> Result<()> {
    // A literal string of TOML takes the separators of every system as they are.
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"simulate\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         bytes = \"1\"\nlsm = {{ path = '{}' }}\n",
        dir.display()
    );
    fs::create_dir_all(folder.join("src")).with_context(|| format!("cannot make {}", folder.display()))?;
    for (file, text) in [("Cargo.toml", manifest.as_str()), ("src/main.rs", MAIN), ("src/driver.rs", DRIVER)] {
        let path = folder.join(file);
        if fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    // The versions that the crate itself was tested with, where it has them.
    let lock = folder.join("Cargo.lock");
    if !lock.exists() && dir.join("Cargo.lock").is_file() {
        fs::copy(dir.join("Cargo.lock"), &lock).with_context(|| format!("cannot write {}", lock.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"{"flush":1,"action":"flush","from":[],"target":0,"read":0,"written":0,"levels":[[1,1048576],[0,0]],"user_bytes":1048576,"total_written":1048576,"live_bytes":1048576}
{"flush":1,"action":"merge","from":[[0,1]],"target":1,"read":1048576,"written":524288,"levels":[[0,0],[2,524288]],"user_bytes":1048576,"total_written":1572864,"live_bytes":524288}"#;

    #[test]
    fn a_trace_is_shown_step_by_step() {
        let trace = Trace::parse(TRACE).expect("a trace");
        let printer = Printer::new(&trace);
        let steps = printer.steps();
        assert!(steps.contains("flush 1\n"), "{steps}");
        assert!(steps.contains("merge  1 of level 0 → level 1: 1.0 MiB read, 0.5 MiB written"), "{steps}");
        assert!(steps.contains("level 1") && steps.contains("2 tables, 0.5 MiB"), "{steps}");
        let summary = printer.summary();
        assert!(summary.contains("1.50") && summary.contains("1 flushes, 1 merges, 0 moves"), "{summary}");
    }

    #[test]
    fn a_page_holds_the_trace_and_needs_nothing_else() {
        let trace = Trace::parse(TRACE).expect("a trace");
        let page = page(&trace, "a title");
        assert!(page.contains(&format!("[{}]", TRACE.replace('\n', ","))), "{page}");
        assert!(!page.contains("{{") && !page.contains("src=") && !page.contains("href="), "{page}");
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        assert!(Trace::parse("not a step").is_err());
    }
}
