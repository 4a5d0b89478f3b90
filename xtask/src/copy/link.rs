//! Makes `cargo xtask` work inside a copy: an alias in the copy's `.cargo/config.toml`, which is not tracked.
//!
//! Cargo reads the configuration of every folder from the current one up, and merges them. A copy inside of the course's
//! repository (its usual place) so sees the course's `xtask` alias too. Cargo refuses to merge a list with a string and
//! joins two lists into one, so the copy's alias has the form of the one around it: a string, which cargo splits at its
//! spaces. Where the course's path has a space, the string cannot hold it; then each folder of the copy gets the way up
//! to the course in its own `.cargo/config.toml`, written with `..` alone.
//!
//! The alias names the course's target directory: the copy's own configuration would send xtask's build to the copy.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::course;
use crate::weave::tree;

const HEAD: &str = "# Made by `cargo xtask link`: where the course lies on this machine. Not tracked.\n";

/// How `cargo xtask` works in the copy now.
#[derive(Debug, PartialEq, Eq)]
pub enum Linked {
    Everywhere,
    /// Not at all, and why.
    Not(String),
}

/// Writes the copy's `.cargo/config.toml`.
pub fn link(dir: &Path) -> Result<Linked> {
    let root = course::root();
    let (alias, linked) = match around(dir) {
        Around::Nothing => (list(&root), Linked::Everywhere),
        Around::String(_) if !root.to_string_lossy().contains(char::is_whitespace) => {
            (string(&root), Linked::Everywhere)
        }
        Around::String(_) if real(dir).starts_with(real(&root)) => {
            for folder in folders(dir)? {
                write(&folder, &format!("{HEAD}[alias]\nxtask = {}\n", string(&way_up(&folder, &root))))?;
            }
            (string(&way_up(dir, &root)), Linked::Everywhere)
        }
        Around::String(other) => (String::new(), Linked::Not(refusal(&other, "the course's path has a space"))),
        Around::List(other) => (String::new(), Linked::Not(refusal(&other, "cargo would join the two"))),
    };
    let alias = if alias.is_empty() { alias } else { format!("xtask = {alias}\n") };
    let text = format!(
        "{HEAD}[alias]\n{alias}repl = \"run --quiet --features repl --\"\n\n\
         [build]\ntarget-dir = \"target\"\n"
    );
    write(dir, &text)?;
    Ok(linked)
}

fn refusal(other: &Path, why: &str) -> String {
    format!("{} has an alias `xtask` of its own, and {why}", other.display())
}

/// An alias `xtask` in a folder around the copy, and its form.
enum Around {
    Nothing,
    String(PathBuf),
    List(PathBuf),
}

fn around(dir: &Path) -> Around {
    let dir = real(dir);
    let folders = dir.ancestors().skip(1).map(|folder| folder.join(".cargo"));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    for folder in folders.chain(home) {
        for name in ["config", "config.toml"] {
            let path = folder.join(name);
            let table = tree::read(&path).ok().and_then(|text| text.parse::<toml::Table>().ok());
            match table.as_ref().and_then(|table| table.get("alias")?.get("xtask")) {
                Some(alias) if alias.is_array() => return Around::List(path),
                Some(_) => return Around::String(path),
                None => {}
            }
        }
    }
    Around::Nothing
}

fn arguments(root: &Path) -> Vec<String> {
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let (manifest, target) = (path(root.join("Cargo.toml")), path(root.join("target")));
    ["run", "--quiet", "--manifest-path", &manifest, "--target-dir", &target, "--package", "xtask", "--"]
        .map(str::to_owned)
        .to_vec()
}

fn list(root: &Path) -> String {
    toml::Value::from(arguments(root)).to_string()
}

fn string(root: &Path) -> String {
    toml::Value::from(arguments(root).join(" ")).to_string()
}

/// The way from a folder up to the course that it lies in.
fn way_up(folder: &Path, root: &Path) -> PathBuf {
    let depth = real(folder).strip_prefix(real(root)).map_or(0, |below| below.components().count());
    std::iter::repeat_n("..", depth).collect()
}

/// Every folder below the copy's `src` and `tests`, and these.
fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = vec![dir.join("src"), dir.join("tests")];
    for top in ["src", "tests"] {
        let files = tree::files_below(&dir.join(top))?;
        folders.extend(files.iter().filter_map(|file| file.parent()).map(|folder| dir.join(top).join(folder)));
    }
    folders.sort();
    folders.dedup();
    Ok(folders)
}

fn write(dir: &Path, text: &str) -> Result<()> {
    let folder = dir.join(".cargo");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join("config.toml");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// As cargo sees it: links resolved.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}
