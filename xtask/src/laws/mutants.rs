//! Small changes of a chapter's code, made by cargo-mutants: the chapter's own suite must notice nearly all.
//!
//! Only what the chapter brings is mutated: the lines by which its checkpoint differs from the state before it. A change
//! that no suite can notice is kept in `weekN/mutants/survivors.toml` with the reason why it may survive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::workshop::{Workshop, keep_suites};
use crate::chapter::Chapter;
use crate::course;
use crate::tool;
use crate::weave::State;
use crate::weave::tree::{self, Tree};

const VERSION: &str = "27.1.0";
/// Of the mutants that compile, how many must be caught.
const PERCENT: usize = 95;
/// In seconds; a suite takes about two.
const TIMEOUT: &str = "20";

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
    let status = crate::runner::build::cargo(&workshop.dir)
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
    let mut outcome = read_outcomes(&results.join("mutants.out").join("outcomes.json"))?;
    give_reasons(&mut outcome, chapter)?;
    Ok(outcome)
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

fn read_outcomes(path: &Path) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    if !path.is_file() {
        // There was nothing to mutate.
        return Ok(outcome);
    }
    let outcomes: serde_json::Value = serde_json::from_str(&tree::read(path)?)?;
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

fn survivors_file(week: u8) -> PathBuf {
    course::week(week).join("mutants").join("survivors.toml")
}

fn give_reasons(outcome: &mut Outcome, chapter: Chapter) -> Result<()> {
    let path = survivors_file(chapter.week);
    if !path.is_file() {
        return Ok(());
    }
    let file: SurvivorFile = toml::from_str(&tree::read(&path)?).with_context(|| path.display().to_string())?;
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
