//! Tools that a command needs and a machine may lack: cargo installs them under `target/tools`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::course;
use crate::runner::build::cargo;

/// The binary of a crate at exactly this version, installed when it is missing; `features` are arguments of cargo's.
pub fn program(name: &str, version: &str, features: &[&str]) -> Result<PathBuf> {
    let root = course::root().join("target").join("tools").join(format!("{name}-{version}"));
    let binary = root.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if binary.is_file() {
        return Ok(binary);
    }
    eprintln!("{name} {version} is missing: installing it under target/tools, once; this takes some minutes");
    let build = root.join("build");
    let status = cargo(&course::root())
        .args(["install", name, "--version", version, "--locked"])
        .args(features)
        .arg("--root")
        .arg(&root)
        .arg("--target-dir")
        .arg(&build)
        .stdin(Stdio::null())
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!("{name} could not be installed: cargo's message stands above");
    }
    // What was built is of no more use, and larger than all else here.
    fs::remove_dir_all(&build).with_context(|| format!("{} cannot be removed", build.display()))?;
    Ok(binary)
}
