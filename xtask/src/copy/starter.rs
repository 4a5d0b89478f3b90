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

/// The whole copy as it is handed out with `chapter` to do: what its branch `course` holds.
pub fn handed_out(chapter: Chapter) -> Result<Tree> {
    if !course::weeks().contains(&chapter.week) {
        bail!("the course has no week {} yet", chapter.week);
    }
    let mut tree = starter(chapter)?;
    let last = chapter.day;
    for week in 1..=chapter.week {
        let main = PathBuf::from(format!("tests/week{week}/main.rs"));
        if let Some(text) = tree.get_mut(&main) {
            let mut days = suites::chapters_in(text);
            days.retain(|day| week < chapter.week || *day <= last);
            *text = suites::with_chapters(text, &days);
        }
    }
    tree.extend(own_files()?);
    let record = Record { suites: suites::fingerprints(&tree), ..Record::new(chapter) };
    tree.insert(PathBuf::from(record::FILE), record.text());
    Ok(tree)
}

/// The fingerprints of the suites as the course has them now.
pub fn suite_fingerprints(week: u8) -> Result<std::collections::BTreeMap<String, String>> {
    Ok(suites::fingerprints(&committed_below(week, "tests")?))
}

/// The crate: at a week's first chapter the committed one, which needs no rustfmt; else, and where somebody edited that in
/// place, the woven one.
fn starter(chapter: Chapter) -> Result<Tree> {
    let mut tree = Tree::new();
    if chapter.day == 1 && !edited_in_place(chapter.week) {
        for folder in ["src", "tests"] {
            tree.extend(committed_below(chapter.week, folder)?);
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            tree.insert(PathBuf::from(file), tree::read(&course::week(chapter.week).join(file))?);
        }
    } else {
        tree = tree::whole(State::before(chapter))?;
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
