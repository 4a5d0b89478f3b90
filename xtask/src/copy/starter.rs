//! What a copy is handed: the starter of a chapter, the suites, and the files that make the folder a copy.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::record::{self, Record};
use super::suites;
use crate::chapter::Chapter;
use crate::course;
use crate::weave::State;
use crate::weave::tree::{self, Tree};

/// The whole copy as it is handed out to somebody who began with `first` to do and is to have the weeks up to `week`: what
/// its branch `course` holds.
pub fn handed_out(first: Chapter, week: u8) -> Result<Tree> {
    if !course::weeks().contains(&week) {
        bail!("the course has no week {week} yet");
    }
    let mut tree = starter(first, week)?;
    let last = if week == first.week { first.day } else { 1 };
    let main = PathBuf::from(format!("tests/week{week}/main.rs"));
    if let Some(text) = tree.get_mut(&main) {
        let mut days = suites::chapters_in(text);
        days.retain(|day| *day <= last);
        *text = suites::with_chapters(text, &days);
    }
    tree.extend(own_files()?);
    let record = Record { suites: suites::fingerprints(&tree), ..Record::new(first).at_week(week) };
    tree.insert(PathBuf::from(record::FILE), record.text());
    Ok(tree)
}

/// The fingerprints of the suites as the course has them now.
pub fn suite_fingerprints(week: u8) -> Result<std::collections::BTreeMap<String, String>> {
    Ok(suites::fingerprints(&committed_below(week, "tests")?))
}

/// The crate: where somebody begins a week, the committed one, which needs no rustfmt; else, and where that was edited in
/// place, the woven one.
fn starter(first: Chapter, week: u8) -> Result<Tree> {
    let mut tree = Tree::new();
    if first == (Chapter { week, day: 1 }) && !edited_in_place(week) {
        for folder in ["src", "tests"] {
            tree.extend(committed_below(week, folder)?);
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            tree.insert(PathBuf::from(file), tree::read(&course::week(week).join(file))?);
        }
    } else {
        tree = tree::whole(State::carried_on(first, week))?;
    }
    tree.remove(Path::new("README.md"));
    Ok(tree)
}

fn committed_below(week: u8, folder: &str) -> Result<Tree> {
    let root = course::week(week).join(folder);
    let files = tree::files_below(&root)?;
    files.into_iter().map(|file| Ok((Path::new(folder).join(&file), tree::read(&root.join(&file))?))).collect()
}

/// Whether the week's sources differ from what the course's repository committed. Without a repository, nobody can tell.
pub fn edited_in_place(week: u8) -> bool {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain", "--"]).args(["src", "Cargo.toml"].map(|part| format!("week{week}/{part}")));
    let output = git.current_dir(course::root()).stdin(Stdio::null()).output();
    course::root().join(".git").exists() && output.is_ok_and(|output| !output.stdout.is_empty())
}

/// The suites of a week as the course's repository committed them, where it can be asked.
pub fn committed_suites(week: u8) -> Result<Tree> {
    let mut tree = committed_below(week, "tests")?;
    for (file, text) in &mut tree {
        let path = format!("HEAD:week{week}/{}", crate::terminal::slashed(file));
        let output = Command::new("git").args(["show", &path]).current_dir(course::root()).output();
        if let Some(output) = output.ok().filter(|output| output.status.success()) {
            *text = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
        }
    }
    Ok(tree)
}

fn own_files() -> Result<Tree> {
    let mut tree = Tree::new();
    for (file, text) in [
        ("README.md", include_str!("handed_out/README.md")),
        (".gitignore", include_str!("handed_out/gitignore")),
        (".gitattributes", include_str!("handed_out/gitattributes")),
        (".vscode/settings.json", include_str!("handed_out/vscode-settings.json")),
    ] {
        tree.insert(PathBuf::from(file), text.replace("\r\n", "\n"));
    }
    // The starter is formatted by these rules; by others, `cargo fmt` would change every file of it.
    tree.insert(PathBuf::from("rustfmt.toml"), tree::read(&course::root().join("rustfmt.toml"))?);
    Ok(tree)
}
