//! TASKS.md: what the course brought and found no place for in the learner's code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Copy;
use super::merge::{Left, What};
use crate::weave::tasks::{self, OpenTask};

pub const FILE: &str = "TASKS.md";

const HEAD: &str = "# Tasks of the course's updates

The course brought these, and you wrote something else in their places. Take out what is done.

";
/// A longer change is told of, not shown.
const MOST_LINES: usize = 60;

/// What was written down.
#[derive(Debug, Default)]
pub struct Noted {
    /// How many tasks.
    pub tasks: usize,
    /// The places where the learner and the course changed the same lines.
    pub changes: Vec<String>,
}

/// Adds what is not yet in TASKS.md to it.
pub fn write(copy: &Copy, left: &[Left]) -> Result<Noted> {
    let path: PathBuf = copy.dir.join(FILE);
    let old = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let mut text = if old.is_empty() { HEAD.to_owned() } else { old.clone() };
    let mut noted = Noted::default();
    for line in task_lines(copy, left) {
        noted.tasks += usize::from(add(&mut text, &line));
    }
    let mut places = BTreeSet::new();
    for (index, first) in left.iter().enumerate() {
        let is_change = matches!(first.what, What::Change { .. });
        if is_change && !left[..index].iter().any(|before| before.is_beside(first)) {
            let changes: Vec<&Left> = left[index..].iter().filter(|other| other.is_beside(first)).collect();
            if add(&mut text, &entry(first, &changes)) {
                places.insert(first.place());
            }
        }
    }
    noted.changes = places.into_iter().collect();
    if text != old && (noted.tasks > 0 || !noted.changes.is_empty()) {
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(noted)
}

/// The tasks in TASKS.md, as [`tasks::in_directory`] finds those in the code.
pub fn open_tasks(dir: &Path) -> Vec<OpenTask> {
    let text = fs::read_to_string(dir.join(FILE)).unwrap_or_default();
    let task = |(index, line): (usize, &str)| {
        let (chapter, rest) = line.strip_prefix("- ")?.split_once(", ")?;
        let chapter = chapter.parse().ok()?;
        Some(OpenTask { chapter, file: PathBuf::from(FILE), line: index + 1, task: rest.to_owned() })
    };
    text.lines().enumerate().filter_map(task).collect()
}

/// A line for each task, in the order of their chapters. One that is only worded anew, in a chapter that is passed, is done.
fn task_lines(copy: &Copy, left: &[Left]) -> Vec<String> {
    let mut lines = Vec::new();
    for left in left {
        let What::Task { lines: text, reworded } = &left.what else { continue };
        for task in tasks::in_text(Path::new(&left.file), text) {
            if !(*reworded && copy.record.passed.contains_key(&task.chapter)) {
                lines.push((task.chapter, format!("- {}, {}: {}\n", task.chapter, left.place(), task.task)));
            }
        }
    }
    lines.sort_by_key(|(chapter, _)| *chapter);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn add(text: &mut String, entry: &str) -> bool {
    let is_new = !text.contains(entry);
    if is_new {
        text.push_str(entry);
    }
    is_new
}

impl Left {
    /// `Core::open` in src/engine.rs.
    fn place(&self) -> String {
        if self.item.is_empty() { self.file.clone() } else { format!("`{}` in {}", self.item, self.file) }
    }

    /// Whether both are changes at one place.
    fn is_beside(&self, other: &Left) -> bool {
        let is_change = |left: &Left| matches!(left.what, What::Change { .. });
        is_change(self) && is_change(other) && self.file == other.file && self.item == other.item
    }
}

/// The changes at one place, as a list's entry.
fn entry(place: &Left, changes: &[&Left]) -> String {
    let signed = |sign: char, text: &str| text.lines().map(|line| format!("  {sign}{line}\n")).collect::<String>();
    let mut difference = Vec::new();
    let (mut adds, mut takes) = (false, false);
    for change in changes {
        let What::Change { old, new } = &change.what else { continue };
        (adds, takes) = (adds || !new.trim().is_empty(), takes || !old.trim().is_empty());
        difference.push(signed('-', old) + &signed('+', new));
    }
    let what = match (adds, takes) {
        (true, false) => "the course adds",
        (false, true) => "the course takes away what you changed or still use",
        _ => "you and the course changed the same lines, and yours stand. The course's change",
    };
    let difference = difference.concat();
    if difference.lines().count() > MOST_LINES {
        return format!("- {}: {what} many lines. `git diff course -- {}` shows them.\n", place.place(), place.file);
    }
    format!("- {}: {what}:\n\n  ```diff\n{difference}  ```\n\n", place.place())
}
