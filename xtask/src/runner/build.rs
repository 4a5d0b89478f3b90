//! Builds a suite's test binary with cargo, finds it, and lists the tests in it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::chapter::Chapter;
use crate::course;

/// What to build: the suite of a week, in a crate that has it as the test target `weekN`.
pub struct Request<'a> {
    /// The crate's folder; cargo runs there, as a person would run it.
    pub crate_dir: &'a Path,
    /// 1, 2 or 3.
    pub week: u8,
    /// Instead of the target directory that cargo's configuration gives.
    pub target_dir: Option<&'a Path>,
    /// Whether compiler messages are for a terminal and carry colours.
    pub ansi: bool,
}

/// What came of a build.
pub enum Built {
    /// The code compiles.
    Binary(Binary),
    /// It does not; the compiler's messages as it renders them.
    Failed(String),
}

/// A suite's compiled test binary.
pub struct Binary {
    /// The file to run.
    pub path: PathBuf,
    /// Where it runs, as `cargo test` would run it.
    pub crate_dir: PathBuf,
    /// The compiler's warnings about the crate and its suite, as it renders them.
    pub warnings: Vec<String>,
}

/// Builds the suite; `progress` is told what cargo has just done, in a few words.
///
/// Code that does not compile is `Built::Failed`; an error is everything else: no cargo, no such target, no network.
pub fn build(request: &Request<'_>, progress: &mut dyn FnMut(&str)) -> Result<Built> {
    let mut command = cargo(request.crate_dir);
    command.arg("test").arg("--test").arg(format!("week{}", request.week)).arg("--no-run");
    command.arg(if request.ansi { "--message-format=json-diagnostic-rendered-ansi" } else { "--message-format=json" });
    if let Some(target_dir) = request.target_dir {
        command.arg("--target-dir").arg(target_dir);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;

    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (Some(stdout), Some(stderr)) = (stdout, stderr) else { bail!("cargo has no output to read") };
    // Both pipes are read at once: cargo would stop at a full one.
    let (messages, said) = std::thread::scope(|scope| {
        let said = scope.spawn(move || {
            let mut text = String::new();
            for line in BufReader::new(stderr).lines().map_while(|line| line.ok()) {
                // Another cargo, often an editor's, has the target folder: a person should know what is waited for.
                if line.trim_start().starts_with("Blocking ") {
                    eprintln!("{line}");
                }
                text.push_str(&line);
                text.push('\n');
            }
            text
        });
        let messages = read_messages(stdout, request.week, progress);
        (messages, said.join().unwrap_or_default())
    });
    let messages = messages.context("cannot read what cargo says")?;
    let status = child.wait().context("cannot wait for cargo")?;

    match messages.binary {
        Some(path) if status.success() => {
            Ok(Built::Binary(Binary { path, crate_dir: request.crate_dir.to_path_buf(), warnings: messages.warnings }))
        }
        _ if !messages.errors.is_empty() => Ok(Built::Failed(messages.errors.concat())),
        _ => {
            bail!("cargo could not build week {}'s suite in {}:\n{said}", request.week, request.crate_dir.display())
        }
    }
}

impl Binary {
    /// The full names of the tests in the binary, of one chapter or of all, in the order of their names.
    pub fn tests(&self, chapter: Option<Chapter>) -> Result<Vec<String>> {
        let output = Command::new(&self.path)
            .args(["--list", "--format", "terse"])
            .current_dir(&self.crate_dir)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", self.path.display()))?;
        if !output.status.success() {
            bail!("{} does not list its tests: {}", self.path.display(), output.status);
        }
        let prefix = chapter.map(|chapter| format!("chapter_{}::", chapter.day)).unwrap_or_default();
        let mut names: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .filter(|name| name.starts_with(&prefix))
            .map(str::to_owned)
            .collect();
        names.sort();
        Ok(names)
    }
}

/// A cargo that knows nothing of the cargo that started this program.
///
/// `cargo run` tells its program about the package it runs; passed on, build scripts of another package would see it and
/// everything would be built anew whenever a person's own `cargo test` and ours take turns.
pub fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(course::cargo());
    command.current_dir(dir);
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") || told == "CARGO_BIN_NAME" {
            command.env_remove(&name);
        }
    }
    command
}

#[derive(Default)]
struct Messages {
    binary: Option<PathBuf>,
    warnings: Vec<String>,
    errors: Vec<String>,
}

fn read_messages(stdout: impl Read, week: u8, progress: &mut dyn FnMut(&str)) -> std::io::Result<Messages> {
    let suite = format!("week{week}");
    let mut messages = Messages::default();
    for line in BufReader::new(stdout).lines() {
        // A line that is no message is a build script's or a proc macro's own output.
        let Ok(message) = serde_json::from_str::<Value>(&line?) else { continue };
        match message["reason"].as_str() {
            Some("compiler-message") => messages.take_diagnostic(&message["message"]),
            Some("compiler-artifact") => {
                let target = &message["target"];
                let is_suite = target["name"] == suite.as_str() && target["kind"][0] == "test";
                if let (true, Some(path)) = (is_suite, message["executable"].as_str()) {
                    messages.binary = Some(PathBuf::from(path));
                }
                progress(target["name"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    }
    Ok(messages)
}

impl Messages {
    fn take_diagnostic(&mut self, diagnostic: &Value) {
        let rendered = diagnostic["rendered"].as_str().unwrap_or_default();
        let summary = diagnostic["message"].as_str().unwrap_or_default();
        // The compiler's closing counts ("2 warnings emitted", "aborting due to …") say nothing of their own.
        let closing = diagnostic["spans"].as_array().is_some_and(Vec::is_empty)
            && (summary.ends_with("emitted") || summary.starts_with("aborting due to"));
        if closing || rendered.is_empty() {
            return;
        }
        match diagnostic["level"].as_str() {
            Some("warning") => self.warnings.push(rendered.to_owned()),
            _ => self.errors.push(rendered.to_owned()),
        }
    }
}
