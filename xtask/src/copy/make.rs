//! Makes a copy: writes the files, and the repository with its two branches.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::git::{self, COURSE, Git};
use super::link::{self, Linked};
use super::record::Record;
use super::{Copy, starter, suites};
use crate::chapter::Chapter;
use crate::course;
use crate::terminal::{argument, shown, slashed};
use crate::weave::tree::{self, Tree};

/// A copy that was made, and what a person should know of it.
pub struct Made {
    pub copy: Copy,
    pub files: usize,
    pub linked: Linked,
    /// Without git there are no branches, and no `update`.
    pub has_git: bool,
    /// How many files of the folder that was taken over differ from the starter's.
    pub taken_over: Option<usize>,
}

/// Makes a copy with `chapter` to do in `dir`, which must be empty or not there. `from` is a folder of the course, or a
/// plain copy of one, that somebody worked in: its files come on top of the starter.
pub fn make(dir: &Path, chapter: Chapter, from: Option<&Path>) -> Result<Made> {
    let mut handed_out = starter::handed_out(chapter, chapter.week)?;
    if from.is_some_and(|from| is_same(from, &course::week(chapter.week))) {
        take_committed_suites(&mut handed_out, chapter)?;
    }
    refuse_to_overwrite(dir, &handed_out, chapter)?;
    tree::write(&handed_out, dir, &[])?;
    let linked = link::link(dir)?;
    let has_git = git::is_installed();
    let git = if has_git { Some(branches(dir, &handed_out, chapter)?) } else { None };

    let mut taken_over = None;
    if let Some(from) = from {
        let mut work = work_in(from)?;
        for (file, text) in work.iter_mut().filter(|(file, _)| file.starts_with("tests") && file.ends_with("main.rs")) {
            // It names the chapters that the copy's does.
            let days = handed_out.get(file).map(|main| suites::chapters_in(main));
            *text = suites::with_chapters(text, &days.unwrap_or_default());
        }
        let differing = work.iter().filter(|(file, text)| handed_out.get(*file) != Some(text)).count();
        taken_over = Some(differing);
        for (file, text) in &work {
            let path = dir.join(file);
            fs::create_dir_all(path.parent().unwrap_or(dir))?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if let Some(git) = &git {
            git.run(&["add", "--all"])?;
            git.commit(&format!("Take over my work from {}", shown(from)))?;
        }
    }
    let copy = Copy { dir: dir.to_path_buf(), record: Record::read(dir)? };
    Ok(Made { copy, files: handed_out.len(), linked, has_git, taken_over })
}

/// Branch `course` with what was handed out, and `main` on top of it.
fn branches(dir: &Path, handed_out: &Tree, chapter: Chapter) -> Result<Git> {
    let git = Git::init(dir)?;
    // Named one by one and by force: a person's own list of ignored files may name some of them.
    let files: Vec<String> = handed_out.keys().map(|file| slashed(file)).collect();
    let mut add = vec!["add", "--force", "--"];
    add.extend(files.iter().map(String::as_str));
    git.run(&add)?;
    git.commit(&format!("course: hand out the starter of chapter {chapter}"))?;
    git.run(&["branch", "main", COURSE])?;
    git.run(&["symbolic-ref", "HEAD", "refs/heads/main"])?;
    Ok(git)
}

fn refuse_to_overwrite(dir: &Path, handed_out: &Tree, chapter: Chapter) -> Result<()> {
    let Ok(mut entries) = fs::read_dir(dir) else {
        if dir.exists() {
            bail!("{} is not a folder", shown(dir));
        }
        return Ok(());
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let (there, new): (Vec<&PathBuf>, Vec<&PathBuf>) = handed_out.keys().partition(|file| dir.join(file).exists());
    let name = |file: &&PathBuf| format!("    {}", slashed(file));
    let mut text = format!("{} is not empty, so nothing was written.", shown(dir));
    if !there.is_empty() {
        text.push_str("\n  These files are there and would have been written over:\n");
        text.push_str(&there.iter().map(name).collect::<Vec<_>>().join("\n"));
    }
    if !new.is_empty() {
        text.push_str("\n  These would have been written:\n");
        text.push_str(&new.iter().map(name).collect::<Vec<_>>().join("\n"));
    }
    if dir.join(super::record::FILE).is_file() {
        let place = argument(&shown(dir));
        text.push_str(&format!("\n  It is a copy already: `cargo xtask test --dir {place}` goes on with it."));
    }
    text.push_str(&format!(
        "\n  To make another copy: `cargo xtask start --chapter {chapter} --dir FOLDER`, with a new folder."
    ));
    bail!(text)
}

/// The folder that is taken over is the course's own, so the suites in it may be edited too.
fn take_committed_suites(handed_out: &mut Tree, chapter: Chapter) -> Result<()> {
    for (file, text) in starter::committed_suites(chapter.week)? {
        if !file.ends_with("main.rs") {
            handed_out.insert(file, text);
        }
    }
    let record = Record { suites: suites::fingerprints(handed_out), ..Record::new(chapter) };
    handed_out.insert(PathBuf::from(super::record::FILE), record.text());
    Ok(())
}

/// The files that somebody worked on in a folder of the course.
fn work_in(from: &Path) -> Result<Tree> {
    let mut tree = Tree::new();
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let name = PathBuf::from(entry?.file_name());
        let path = from.join(&name);
        let told = name.to_string_lossy();
        // What is the course's own, what is built, and what is hidden stays.
        if told.starts_with('.') || ["target", "mistakes", "README.md", "course.toml"].contains(&told.as_ref()) {
            continue;
        }
        if path.is_dir() {
            for file in tree::files_below(&path)? {
                tree.insert(name.join(&file), tree::read(&path.join(&file))?);
            }
        } else {
            tree.insert(name, tree::read(&path)?);
        }
    }
    if !tree.contains_key(Path::new("Cargo.toml")) {
        bail!("{} holds no Cargo.toml: name the folder that you worked in, such as week1", from.display());
    }
    Ok(tree)
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}
