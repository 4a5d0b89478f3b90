//! Brings the course's changes into a copy: onto its branch `course`, then into the learner's by a real merge.
//!
//! Nothing of the learner's is lost: work that is not committed is committed first, an edited suite stays, and where both
//! changed the same lines both stand in the file, between git's marks, until the learner has chosen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::git::{COURSE, Git};
use super::merge::{self, Homeless};
use super::record::{self, Record};
use super::{Copy, starter, suites};
use crate::weave::{tasks, tree};

/// Where tasks go whose place in the code is gone.
pub const TASKS: &str = "TASKS.md";

/// What an update did.
#[derive(Debug, Default)]
pub struct Updated {
    /// Work that was not committed was, first.
    pub saved: bool,
    /// The course had something new.
    pub changed: bool,
    /// The learner's edited suites that stayed.
    pub kept_suites: Vec<String>,
    /// The learner's edited suites in whose place the course's are now.
    pub restored_suites: Vec<String>,
    /// Tasks that went to TASKS.md.
    pub tasks: usize,
    /// Files in which the learner has to choose; the merge waits for them.
    pub conflicts: Vec<String>,
}

/// Updates a copy. `restore`: edited suites too.
pub fn update(copy: &Copy, restore: bool) -> Result<Updated> {
    let git = Git::open(&copy.dir)?;
    check(&git)?;
    let edited = suites::edited(copy);
    let mut updated = Updated { saved: save(&git)?, ..Updated::default() };

    let handed_out = starter::handed_out(copy.record.handed_out)?;
    let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
    tree::write(&handed_out, folder.path(), &[])?;
    git.commit_to_course(folder.path(), "course: hand out what is new")?;

    updated.changed = !git.says(&["merge-base", "--is-ancestor", COURSE, "HEAD"])?;
    let restores = restore && !edited.is_empty();
    if !updated.changed && !restores {
        updated.kept_suites = edited;
        return Ok(updated);
    }
    if updated.changed {
        // It fails where there are conflicts, which is looked into below, and where it cannot begin.
        let merge = git.output(&["merge", "--no-commit", "--no-ff", COURSE])?;
        if !git.says(&["rev-parse", "--verify", "--quiet", "MERGE_HEAD"])? {
            bail!("git cannot merge: {}", String::from_utf8_lossy(&merge.stderr).trim());
        }
    }
    let merger = Merger { copy, git: &git };
    let kept = if restore { BTreeSet::new() } else { edited.iter().cloned().collect() };
    merger.settle_suites(&kept)?;
    if updated.changed {
        merger.settle_record()?;
        updated.conflicts = merger.settle_conflicts(&mut updated.tasks)?;
    }
    (updated.kept_suites, updated.restored_suites) = if restore { (Vec::new(), edited) } else { (edited, Vec::new()) };
    if updated.conflicts.is_empty() {
        git.commit(if updated.changed { "Merge the course's update" } else { "Restore the course's suites" })?;
    }
    Ok(updated)
}

fn check(git: &Git) -> Result<()> {
    if git.says(&["rev-parse", "--verify", "--quiet", "MERGE_HEAD"])? {
        bail!(
            "a merge is under way here: end it with `git add --all` and `git commit`, or take it back with `git merge --abort`"
        );
    }
    let branch = git.output(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    if !branch.status.success() {
        bail!("the copy is on no branch: `git switch main` (or your own branch) first");
    }
    if String::from_utf8_lossy(&branch.stdout).trim() == COURSE {
        bail!("the copy is on branch `course`, which is the course's: `git switch main` first");
    }
    if !git.says(&["rev-parse", "--verify", "--quiet", "refs/heads/course"])? {
        // A clone has the branch only as its origin's.
        if !git.says(&["branch", "--no-track", COURSE, "refs/remotes/origin/course"])? {
            bail!(
                "the copy has no branch `course`, on which updates arrive: push it from where the copy was made \
                 (`git push origin course`), then `git fetch` here"
            );
        }
    }
    Ok(())
}

/// Commits what is not committed, new files too.
fn save(git: &Git) -> Result<bool> {
    if git.run(&["status", "--porcelain"])?.is_empty() {
        return Ok(false);
    }
    git.run(&["add", "--all"])?;
    git.commit("Save my work before the course's update")?;
    Ok(true)
}

struct Merger<'a> {
    copy: &'a Copy,
    git: &'a Git,
}

impl Merger<'_> {
    /// Suites are not merged: an edited one stays as it is, every other becomes the course's.
    fn settle_suites(&self, kept: &BTreeSet<String>) -> Result<()> {
        for file in self.git.paths(&["ls-tree", "-r", "-z", "--name-only", COURSE, "--", "tests"])? {
            if !kept.contains(&file) {
                self.git.run(&["checkout", COURSE, "--", &file])?;
            }
        }
        for file in kept {
            self.git.run(&["checkout", "HEAD", "--", file])?;
        }
        for week in 1..=3 {
            let main = format!("tests/week{week}/main.rs");
            let Some(committed) = self.git.show("HEAD", &main)? else { continue };
            let last = suites::chapters_in(&committed).into_iter().max();
            if let Some(last) = last.filter(|_| !kept.contains(&main) && self.copy.dir.join(&main).is_file()) {
                suites::select(&self.copy.dir, week, last)?;
                self.git.run(&["add", "--", &main])?;
            }
        }
        Ok(())
    }

    /// The learner's progress, the course's fingerprints.
    fn settle_record(&self) -> Result<()> {
        let course = self.git.show(COURSE, record::FILE)?.context("branch `course` has no course.toml")?;
        let merged = Record { passed: self.copy.record.passed.clone(), ..Record::parse(&course)? };
        merged.write(&self.copy.dir)?;
        self.git.run(&["add", "--", record::FILE]).map(drop)
    }

    /// Merges what git could not. Gives the files in which conflicts are left.
    fn settle_conflicts(&self, tasks: &mut usize) -> Result<Vec<String>> {
        let mut left = Vec::new();
        let mut homeless = Vec::new();
        for file in self.git.paths(&["diff", "--name-only", "--diff-filter=U", "-z"])? {
            if file == "Cargo.lock" {
                // Cargo adds what the learner's dependencies need at the next build.
                self.git.run(&["checkout", COURSE, "--", &file])?;
                continue;
            }
            if self.merge_file(&file, &mut homeless)? {
                self.git.run(&["add", "--", &file])?;
            } else {
                left.push(file);
            }
        }
        *tasks = self.note(&homeless)?;
        Ok(left)
    }

    /// Merges a file of three versions, line by line; `false` where a conflict is left in it.
    fn merge_file(&self, file: &str, homeless: &mut Vec<Note>) -> Result<bool> {
        let stage = |number: u8| self.git.show(&format!(":{number}"), file);
        let (Some(base), Some(ours), Some(theirs)) = (stage(1)?, stage(2)?, stage(3)?) else {
            // One side took the file away.
            return Ok(false);
        };
        let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
        let mut paths = Vec::new();
        for (name, text) in [("ours", &ours), ("base", &base), ("theirs", &theirs)] {
            fs::write(folder.path().join(name), text)?;
            paths.push(folder.path().join(name).to_string_lossy().into_owned());
        }
        let diff3 = self.git.output(&["merge-file", "-p", "--diff3", &paths[0], &paths[1], &paths[2]])?;
        let merged = merge::refine(&String::from_utf8_lossy(&diff3.stdout));
        fs::write(self.copy.dir.join(file), &merged.text).with_context(|| format!("cannot write {file}"))?;
        homeless.extend(merged.homeless.iter().flat_map(|lines| self.notes(file, &theirs, lines)));
        Ok(merged.conflicts == 0)
    }

    /// The tasks in lines that found no place. One that is only worded anew, in a chapter that is passed, is done.
    fn notes(&self, file: &str, theirs: &str, homeless: &Homeless) -> Vec<Note> {
        let function = function_around(theirs, &homeless.lines);
        let found = tasks::in_text(Path::new(file), &homeless.lines);
        let open = |task: &tasks::OpenTask| !(homeless.reworded && self.copy.record.passed.contains_key(&task.chapter));
        let note = |task: tasks::OpenTask| match &function {
            Some(function) => format!("- {}, `{function}` in {file}: {}", task.chapter, task.task),
            None => format!("- {}, {file}: {}", task.chapter, task.task),
        };
        found.into_iter().filter(open).map(note).collect()
    }

    /// Adds what is not yet in TASKS.md to it.
    fn note(&self, notes: &[Note]) -> Result<usize> {
        let path: PathBuf = self.copy.dir.join(TASKS);
        let mut text = fs::read_to_string(&path).unwrap_or_default();
        let new: Vec<&Note> = notes.iter().filter(|note| !text.lines().any(|line| line == *note)).collect();
        if new.is_empty() {
            return Ok(0);
        }
        if text.is_empty() {
            text.push_str(
                "# Tasks of the course's updates\n\nTheir places in the code are gone, since you wrote something else \
                 there. Take out what is done.\n\n",
            );
        }
        new.iter().for_each(|note| text.push_str(&format!("{note}\n")));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        self.git.run(&["add", "--", TASKS])?;
        Ok(new.len())
    }
}

/// A line of TASKS.md.
type Note = String;

/// The function that the lines stand in.
fn function_around(text: &str, lines: &str) -> Option<String> {
    let before = &text[..text.find(lines)?];
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = lines.lines().next().map(indent)?;
    before.lines().rev().find_map(|line| {
        let name = line.split_once("fn ").filter(|_| indent(line) < own)?.1;
        Some(name.split(['(', '<']).next()?.trim().to_owned())
    })
}
