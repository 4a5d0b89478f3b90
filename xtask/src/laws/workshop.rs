//! The one crate in which every state of the course is built and tested, one after the other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::chapter::Chapter;
use crate::copy::suites;
use crate::course;
use crate::runner::build::{self, Binary, Built, Request};
use crate::weave::tree::{self, Tree};

/// `target/verify/crate`, held for as long as this value lives.
pub struct Workshop {
    pub dir: PathBuf,
    _lock: File,
}

impl Workshop {
    /// Errors when another run holds it.
    pub fn open() -> Result<Workshop> {
        let target = course::root().join("target").join("verify");
        fs::create_dir_all(&target).with_context(|| format!("making {}", target.display()))?;
        let lock = File::create(target.join("lock")).context("making the workshop's lock file")?;
        if lock.try_lock().is_err() {
            bail!("another check of the course is at work in {}", target.display());
        }
        Ok(Workshop { dir: target.join("crate"), _lock: lock })
    }

    /// Makes the crate the given one, but for its version. Files that are as they were stay untouched.
    pub fn put(&self, tree: &Tree) -> Result<()> {
        let mut tree = tree.clone();
        for name in ["Cargo.toml", "Cargo.lock"] {
            if let Some(text) = tree.get_mut(&PathBuf::from(name)) {
                *text = with_own_version(text);
            }
        }
        tree::write(&tree, &self.dir, &[""]).map(drop)
    }

    /// The binary of a week's suites; code that does not compile is an error.
    pub fn build(&self, week: u8) -> Result<Binary> {
        build_in(&self.dir, week)
    }

    /// The same, to be told when the code does not compile.
    pub fn try_build(&self, week: u8) -> Result<Built> {
        try_build_in(&self.dir, week)
    }

    /// What the compiler says against the crate, all of its targets and features included.
    pub fn complaints(&self) -> Result<Vec<String>> {
        complaints(&self.dir, &["check", "--all-targets", "--all-features"])
    }
}

/// The text of a manifest or a lock file, with a version of the package `lsm` that no other crate has.
///
/// The course's crates share one target directory, for their dependencies' sake. Cargo tells packages there by name,
/// version and place in their workspace, which are the same for `weekN/` and the workshop: it would take what was built
/// of the one for the other.
fn with_own_version(text: &str) -> String {
    let value = text.find("name = \"lsm\"").and_then(|at| {
        let start = at + text[at..].find("version = \"")? + "version = \"".len();
        Some(start..start + text[start..].find('"')?)
    });
    value.map_or_else(
        || text.to_owned(),
        |value| format!("{}0.0.0-workshop{}", &text[..value.start], &text[value.end..]),
    )
}

/// The binary of a week's suites in any crate; code that does not compile is an error.
pub fn build_in(dir: &Path, week: u8) -> Result<Binary> {
    match try_build_in(dir, week)? {
        Built::Binary(binary) => Ok(binary),
        Built::Failed(messages) => bail!("it does not compile:\n{}", first_lines(&messages, 20)),
    }
}

fn try_build_in(dir: &Path, week: u8) -> Result<Built> {
    build::build(&Request { crate_dir: dir, week, target_dir: None, ansi: false }, &mut |_| {})
}

/// The warnings and errors of one cargo command about the crate in a directory, each as the compiler renders it.
pub fn complaints(dir: &Path, arguments: &[&str]) -> Result<Vec<String>> {
    // What follows `--` is not cargo's.
    let split = arguments.iter().position(|argument| *argument == "--").unwrap_or(arguments.len());
    let output = build::cargo(dir)
        .args(&arguments[..split])
        .args(["--quiet", "--message-format=json"])
        .args(&arguments[split..])
        .output()
        .context("cargo does not start")?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut complaints: Vec<String> = messages.lines().filter_map(complaint).collect();
    // The same warning comes from the library and from its tests.
    complaints.sort();
    complaints.dedup();
    if !output.status.success() && complaints.is_empty() {
        bail!("cargo {} failed: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(complaints)
}

fn complaint(line: &str) -> Option<String> {
    let message: Value = serde_json::from_str(line).ok()?;
    let diagnostic = &message["message"];
    let rendered = diagnostic["rendered"].as_str()?;
    let about_code = diagnostic["spans"].as_array().is_some_and(|spans| !spans.is_empty());
    (about_code && matches!(diagnostic["level"].as_str(), Some("warning" | "error")))
        .then(|| rendered.trim_end().to_owned())
}

/// The suites' modules cut down to the chapters wanted, so that no others are compiled.
pub fn keep_suites(tree: &mut Tree, wanted: impl Fn(Chapter) -> bool) {
    for week in 1..=3 {
        if let Some(text) = tree.get_mut(&PathBuf::from(format!("tests/week{week}/main.rs"))) {
            let mut days = suites::chapters_in(text);
            days.retain(|day| wanted(Chapter { week, day: *day }));
            *text = suites::with_chapters(text, &days);
        }
    }
}

/// Whether the suite of a chapter exists.
pub fn has_suite(chapter: Chapter) -> bool {
    let tests = course::week(chapter.week).join(format!("tests/week{}", chapter.week));
    let module = format!("chapter_{}", chapter.day);
    tests.join(format!("{module}.rs")).is_file() || tests.join(&module).join("mod.rs").is_file()
}

/// The beginning of a long text, with a word about the rest.
pub fn first_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= count {
        return text.trim_end().to_owned();
    }
    format!("{}\n… and {} lines more", lines[..count].join("\n"), lines.len() - count)
}
