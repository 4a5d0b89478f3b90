//! Formatting of woven text with the repository's own settings.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::course;

/// Whether rustfmt can be run here. A note is printed once where it cannot.
pub fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        let outcome = rustfmt().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let available = outcome.is_ok_and(|status| status.success());
        if !available {
            eprintln!(
                "note: there is no rustfmt here, so the woven code is not formatted (rustup component add rustfmt)"
            );
        }
        available
    })
}

/// The formatted text; the same text where there is no rustfmt. A text is formatted once in a run.
pub fn format(text: &str) -> Result<String> {
    static FORMATTED: OnceLock<Mutex<HashMap<String, String>>> = OnceLock::new();
    if !is_available() {
        return Ok(text.to_owned());
    }
    let formatted = FORMATTED.get_or_init(Mutex::default);
    // The map is whole whenever its lock is free: an insertion is the only change.
    let lock = || formatted.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(known) = lock().get(text) {
        return Ok(known.clone());
    }
    let result = run(text)?;
    lock().insert(text.to_owned(), result.clone());
    Ok(result)
}

fn rustfmt() -> Command {
    let mut command = Command::new("rustfmt");
    // Where rust-toolchain.toml and rustfmt.toml lie.
    command.current_dir(course::root());
    command
}

fn run(text: &str) -> Result<String> {
    let mut child = rustfmt()
        .args(["--edition", "2024", "--quiet", "--config-path", "rustfmt.toml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("rustfmt does not start")?;
    let mut input = child.stdin.take().context("rustfmt takes no input")?;
    let output = thread::scope(|scope| {
        scope.spawn(move || input.write_all(text.as_bytes()));
        child.wait_with_output()
    })?;
    if !output.status.success() {
        bail!("rustfmt does not accept the woven text: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.replace("\r\n", "\n"))
}
