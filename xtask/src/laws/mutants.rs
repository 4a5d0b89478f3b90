//! Small changes of a chapter's code, made by cargo-mutants: the chapter's own suite must notice nearly all.
//!
//! Only what the chapter brings is mutated: the lines by which its checkpoint differs from the state before it. A change
//! that no suite can notice is kept in `weekN/mutants/survivors.toml` with the reason why it may survive.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::workshop::{Workshop, keep_suites};
use crate::chapter::Chapter;
use crate::course;
use crate::runner::build::cargo;
use crate::tool;
use crate::weave::State;
use crate::weave::tree::{self, Tree};

const VERSION: &str = "27.1.0";
/// Of the mutants that compile, how many must be caught.
const PERCENT: usize = 95;
/// In seconds; a suite takes about two.
const TIMEOUT: &str = "20";
/// In KiB, of the heap of each process; the compiler needs some.
const MEMORY: u64 = 4 * 1024 * 1024;

/// What came of a chapter's mutants.
#[derive(Default)]
pub struct Outcome {
    pub caught: usize,
    pub timeouts: usize,
    pub unviable: usize,
    pub missed: Vec<Mutant>,
    /// The reasons in the chapter's part of the file that nothing needs any more.
    pub stale: Vec<String>,
}

/// A mutant that its suite did not notice.
pub struct Mutant {
    /// Such as `src/block.rs:12:8`.
    pub place: String,
    /// Relative to the crate, with `/`.
    pub file: String,
    /// Such as `replace < with <= in BlockIterator::seek`.
    pub change: String,
    /// Why it may survive, if the committed file says so.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SurvivorFile {
    #[serde(default)]
    survivor: Vec<Survivor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Survivor {
    chapter: String,
    file: String,
    change: String,
    reason: String,
}

impl Outcome {
    /// In percent, of the mutants that compile. A mutant that its suite does not finish with is caught.
    pub fn share(&self) -> f64 {
        let caught = self.caught + self.timeouts;
        let viable = caught + self.missed.len();
        if viable == 0 { 100.0 } else { 100.0 * caught as f64 / viable as f64 }
    }

    /// Why the law does not hold, if it does not.
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self
            .missed
            .iter()
            .filter(|mutant| mutant.reason.is_none())
            .map(|mutant| format!("{}: {}: survives, and no reason is given", mutant.place, mutant.change))
            .collect();
        faults.extend(self.stale.iter().map(|stale| format!("{stale}: does not survive, but a reason is given")));
        if self.share() < PERCENT as f64 {
            faults.push(format!("{:.1} % are caught: {PERCENT} % must be", self.share()));
        }
        faults
    }
}

/// Mutates what a chapter brings.
pub fn run(workshop: &Workshop, chapter: Chapter) -> Result<Outcome> {
    let program = tool::program("cargo-mutants", VERSION, &[])?;
    let results = course::root().join("target").join("mutants").join(chapter.to_string());
    fs::create_dir_all(&results).with_context(|| format!("making {}", results.display()))?;
    let mut after = tree::whole(State::checkpoint(chapter))?;
    let diff = results.join("chapter.diff");
    fs::write(&diff, difference(&tree::whole(State::before(chapter))?, &after, &results)?)?;
    keep_suites(&mut after, |suite| suite == chapter);
    workshop.put(&after)?;
    let status = limited(cargo(&workshop.dir))
        .arg("mutants")
        .env("PATH", path_with(&program)?)
        .args(["--in-place", "--no-shuffle", "--colors", "never", "--timeout", TIMEOUT])
        .arg("--in-diff")
        .arg(&diff)
        .arg("--output")
        .arg(&results)
        .args(["--", "--test", &format!("week{}", chapter.week), &format!("chapter_{}::", chapter.day)])
        .status()
        .context("cargo-mutants does not start")?;
    // 2: mutants were missed, 3: some ran out of time.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        bail!("cargo-mutants failed: {status}");
    }
    let outcomes = results.join("mutants.out").join("outcomes.json");
    // Without the file there was nothing to mutate.
    let mut outcome = if outcomes.is_file() { read_outcomes(&tree::read(&outcomes)?)? } else { Outcome::default() };
    let survivors = course::week(chapter.week).join("mutants").join("survivors.toml");
    if survivors.is_file() {
        let shown = || survivors.display().to_string();
        give_reasons(&mut outcome, chapter, &tree::read(&survivors)?).with_context(shown)?;
    }
    Ok(outcome)
}

/// The same command with a limit of memory for all that it starts: a mutant may loop and allocate. Windows has none.
fn limited(command: Command) -> Command {
    if !cfg!(unix) {
        return command;
    }
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("ulimit -d {MEMORY} 2>/dev/null; exec \"$@\""), "sh"]).arg(command.get_program());
    if let Some(dir) = command.get_current_dir() {
        shell.current_dir(dir);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// The path with the folder of a tool in front.
fn path_with(program: &Path) -> Result<std::ffi::OsString> {
    let folder = program.parent().context("a program lies in a folder")?.to_path_buf();
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path)))?)
}

/// What git says of two trees' sources, with paths as in the crate.
fn difference(before: &Tree, after: &Tree, scratch: &Path) -> Result<Vec<u8>> {
    for (name, tree) in [("a", before), ("b", after)] {
        let sources: Tree = tree
            .iter()
            .filter(|(file, _)| file.starts_with("src"))
            .map(|(file, text)| (file.clone(), text.clone()))
            .collect();
        tree::write(&sources, &scratch.join(name), &[""])?;
    }
    let output = Command::new("git")
        .args(["diff", "--no-index", "--no-prefix", "--no-color", "--unified=0", "a", "b"])
        .current_dir(scratch)
        .output()
        .context("git does not start: it compares a chapter's code with the state before")?;
    match output.status.code() {
        Some(0 | 1) => Ok(output.stdout),
        _ => bail!("git diff failed: {}", String::from_utf8_lossy(&output.stderr).trim()),
    }
}

fn read_outcomes(text: &str) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let outcomes: serde_json::Value = serde_json::from_str(text)?;
    for result in outcomes["outcomes"].as_array().context("outcomes.json has no outcomes")? {
        let mutant = &result["scenario"]["Mutant"];
        if mutant.is_null() {
            continue;
        }
        match result["summary"].as_str().unwrap_or_default() {
            "CaughtMutant" => outcome.caught += 1,
            "Timeout" => outcome.timeouts += 1,
            "Unviable" => outcome.unviable += 1,
            "MissedMutant" => {
                let name = mutant["name"].as_str().context("a mutant without a name")?;
                let (place, change) = name.split_once(": ").context("a mutant's name without a place")?;
                let file = mutant["file"].as_str().context("a mutant without a file")?.replace('\\', "/");
                outcome.missed.push(Mutant { place: place.into(), file, change: change.into(), reason: None });
            }
            other => bail!("cargo-mutants says '{other}' of a mutant"),
        }
    }
    Ok(outcome)
}

fn give_reasons(outcome: &mut Outcome, chapter: Chapter, survivors: &str) -> Result<()> {
    let file: SurvivorFile = toml::from_str(survivors)?;
    for known in file.survivor.iter().filter(|known| known.chapter == chapter.to_string()) {
        let mut needed = false;
        for mutant in &mut outcome.missed {
            if mutant.file == known.file && mutant.change == known.change && !known.reason.trim().is_empty() {
                mutant.reason = Some(known.reason.trim().to_owned());
                needed = true;
            }
        }
        if !needed {
            outcome.stale.push(format!("{}: {}", known.file, known.change));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOMES: &str = r#"{"outcomes": [
        {"scenario": "Baseline", "summary": "Success"},
        {"scenario": {"Mutant": {"name": "src/a.rs:1:2: replace < with <= in f", "file": "src/a.rs"}},
         "summary": "MissedMutant"},
        {"scenario": {"Mutant": {"name": "src/a.rs:9:2: replace f with ()", "file": "src/a.rs"}}, "summary": "MissedMutant"},
        {"scenario": {"Mutant": {"name": "src/a.rs:1:2: x", "file": "src/a.rs"}}, "summary": "CaughtMutant"},
        {"scenario": {"Mutant": {"name": "src/a.rs:1:2: y", "file": "src/a.rs"}}, "summary": "Timeout"},
        {"scenario": {"Mutant": {"name": "src/a.rs:1:2: z", "file": "src/a.rs"}}, "summary": "Unviable"}
    ]}"#;

    fn survivor(chapter: &str, change: &str) -> String {
        format!("[[survivor]]\nchapter = '{chapter}'\nfile = 'src/a.rs'\nchange = '{change}'\nreason = 'it may'\n")
    }

    #[test]
    fn a_survivor_needs_a_reason_and_a_reason_a_survivor() {
        let chapter = Chapter { week: 1, day: 3 };
        let mut outcome = read_outcomes(OUTCOMES).unwrap();
        assert_eq!((outcome.caught, outcome.timeouts, outcome.unviable, outcome.missed.len()), (1, 1, 1, 2));
        assert_eq!(outcome.share(), 50.0);
        let known = [("1.3", "replace < with <= in f"), ("1.3", "gone"), ("1.4", "of another")];
        let file: String = known.map(|(chapter, change)| survivor(chapter, change)).concat();
        give_reasons(&mut outcome, chapter, &file).unwrap();
        let faults = outcome.faults().join("\n");
        assert!(faults.contains("src/a.rs:9:2: replace f with (): survives"), "{faults}");
        assert!(faults.contains("gone: does not survive") && faults.contains("50.0 % are caught"), "{faults}");
        assert_eq!(outcome.faults().len(), 3, "{faults}");
    }

    #[test]
    fn all_caught_is_no_fault() {
        assert!(Outcome { caught: 3, ..Outcome::default() }.faults().is_empty());
        assert!(Outcome::default().faults().is_empty());
    }
}
