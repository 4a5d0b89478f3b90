//! Tools of cargo's that a check needs and a machine may lack.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::course;
use crate::runner::build::cargo;

/// A tool's binary at an exact version; where it is missing, cargo installs it under target/tools.
pub fn install(name: &str, version: &str) -> Result<PathBuf> {
    let root = course::root().join("target").join("tools").join(format!("{name}-{version}"));
    let binary = root.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if binary.is_file() {
        return Ok(binary);
    }
    let build = root.join("build");
    println!("installing {name} {version} under target/tools, once");
    let status = cargo(&course::root())
        .args(["install", name, "--version", version, "--locked", "--quiet", "--root"])
        .arg(&root)
        .arg("--target-dir")
        .arg(&build)
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!("cargo could not install {name} {version}");
    }
    // What was built on the way is of no more use.
    fs::remove_dir_all(&build).with_context(|| format!("removing {}", build.display()))?;
    Ok(binary)
}
