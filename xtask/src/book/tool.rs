//! mdbook, installed under `target/tools` when it is missing.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::course;

const VERSION: &str = "0.5.4";
/// `search` is for readers, `serve` and `watch` are for authors; all else stays off.
const FEATURES: &str = "search,serve,watch";

/// A command that runs mdbook, of exactly the version that the book is written for.
pub fn mdbook() -> anyhow::Result<Command> {
    let tools = course::root().join("target").join("tools");
    let program = tools.join("bin").join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    if !is_current(&program) {
        install(&tools)?;
    }
    Ok(Command::new(program))
}

fn is_current(program: &PathBuf) -> bool {
    let output = Command::new(program).arg("--version").stderr(Stdio::null()).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == format!("mdbook v{VERSION}"))
}

fn install(tools: &PathBuf) -> anyhow::Result<()> {
    eprintln!("mdbook {VERSION} is missing: installing it under target/tools, once; this takes two to four minutes");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["install", "mdbook", "--version", VERSION, "--locked", "--no-default-features", "--features", FEATURES])
        .arg("--root")
        .arg(tools)
        .arg("--target-dir")
        .arg(tools.join("build"))
        .current_dir(course::root())
        .stdin(Stdio::null())
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!("mdbook could not be installed: cargo's message stands above");
    }
    // What was built is of no more use, and larger than all else here.
    std::fs::remove_dir_all(tools.join("build")).context("target/tools/build cannot be removed")
}
