//! Brings what the course has new into a copy: onto its branch `course`, then into the learner's as a merge.
//!
//! Nothing of the learner's is lost: work that is not committed is committed first, an edited suite stays, and where both
//! changed the same lines, the learner's stand and the course's are kept in TASKS.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::git::{COURSE, Git};
use super::merge::whole::{Outcome, Versions, merge_all};
use super::notes::{self, Noted};
use super::record::{self, Record};
use super::{Copy, starter, suites};
use crate::weave::State;
use crate::weave::tree::{self, Tree};

/// What an update did.
#[derive(Debug, Default)]
pub struct Updated {
    /// The message of the commit that holds what was not committed, if there was anything.
    pub saved: Option<String>,
    /// The course had something new.
    pub changed: bool,
    /// The learner's edited suites that stayed.
    pub kept_suites: Vec<String>,
    /// The learner's edited suites in whose place the course's are now.
    pub restored_suites: Vec<String>,
    /// What found no place in the code.
    pub noted: Noted,
}

/// What is to be brought.
pub enum Wanted {
    /// What is new in the weeks that the copy has.
    Corrections {
        /// The course's suites, also where the learner edited them.
        restore: bool,
    },
    /// These, and one more week.
    Week(u8),
}

impl Wanted {
    fn reason(&self) -> String {
        match self {
            Wanted::Corrections { .. } => "the course's update".to_owned(),
            Wanted::Week(week) => format!("week {week}"),
        }
    }
}

/// Brings what is wanted.
pub fn update(copy: &Copy, wanted: &Wanted) -> Result<Updated> {
    let git = Git::open(&copy.dir)?;
    check(&git)?;
    let edited = suites::edited(copy);
    let mut updated = Updated { saved: save(&git, &wanted.reason())?, ..Updated::default() };

    let mut record = copy.record.clone();
    if let Wanted::Week(week) = wanted {
        record.week = *week;
    }
    let handed_out = starter::handed_out(record.handed_out, record.week)?;
    let folder = tempfile::tempdir().context("cannot make a temporary directory")?;
    tree::write(&handed_out, folder.path(), &[])?;
    let message = match wanted {
        Wanted::Corrections { .. } => "course: hand out what is new".to_owned(),
        Wanted::Week(week) => format!("course: hand out the starter of week {week}"),
    };
    git.commit_to_course(folder.path(), &message)?;

    let restore = matches!(wanted, Wanted::Corrections { restore: true });
    updated.changed = !git.says(&["merge-base", "--is-ancestor", COURSE, "HEAD"])?;
    if !updated.changed && (!restore || edited.is_empty()) {
        updated.kept_suites = edited;
        return Ok(updated);
    }
    let merger = Merger { copy, git: &git, record: &record };
    let kept = if restore { BTreeSet::new() } else { edited.iter().cloned().collect() };
    if updated.changed {
        let outcome = merger.merged()?;
        // The merge's own work is done already: git is told that the two histories are one from here on.
        git.run(&["merge", "--quiet", "--no-commit", "--no-ff", "--strategy=ours", COURSE])?;
        merger.settle_files(&outcome)?;
        updated.noted = notes::write(copy, &outcome.left)?;
        merger.settle_record()?;
        git.run(&["add", "--all"])?;
    }
    merger.settle_suites(&kept)?;
    (updated.kept_suites, updated.restored_suites) = if restore { (Vec::new(), edited) } else { (edited, Vec::new()) };
    match updated.changed {
        true => git.commit(&format!("Merge {}", wanted.reason()))?,
        false => git.commit("Restore the course's suites")?,
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
        bail!("the copy is on branch `course`, which is the course's: `git switch main` (or your own branch) first");
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

/// Commits what is not committed, new files too; gives the commit's message.
fn save(git: &Git, before: &str) -> Result<Option<String>> {
    if git.run(&["status", "--porcelain"])?.is_empty() {
        return Ok(None);
    }
    let message = format!("Save my work before {before}");
    git.run(&["add", "--all"])?;
    git.commit(&message)?;
    Ok(Some(message))
}

struct Merger<'a> {
    copy: &'a Copy,
    git: &'a Git,
    /// The copy's record as it is to be.
    record: &'a Record,
}

impl Merger<'_> {
    /// Merges what the course changed since the copy had it last.
    fn merged(&self) -> Result<Outcome> {
        let found = self.git.output(&["merge-base", "HEAD", COURSE])?;
        let last = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        if !found.status.success() || last.is_empty() {
            bail!(
                "your branch and branch `course` have no commit in common, so nobody can tell your work from the \
                 course's: `git switch` to the branch that you began on, or make a new copy and take your files over"
            );
        }
        let mut base = self.git.tree(&last)?;
        let theirs = self.git.tree(COURSE)?;
        let mut ours = self.work(base.keys().chain(theirs.keys()))?;
        // A file that one side moved is merged where it lies now.
        for (from, to) in self.git.renames(&last, COURSE)? {
            for tree in [&mut base, &mut ours] {
                rename(tree, &from, &to);
            }
        }
        let own = self.git.renames(&last, "HEAD")?;
        let own: Vec<_> = own.into_iter().filter(|(from, to)| rename(&mut ours, to, from)).collect();
        let answers = || {
            let next = self.copy.record.next().filter(|next| next.week <= self.record.week);
            let done =
                next.map_or(Some(crate::chapter::Chapter { week: self.record.week, day: 7 }), |next| next.previous());
            tree::sources(&crate::course::reference().join("src"), State { done, week: self.record.week })
        };
        let mut outcome = merge_all(Versions { base: &base, ours: &ours, theirs: &theirs }, answers)?;
        for (from, to) in own {
            if let Some(text) = outcome.files.remove(&from) {
                outcome.files.insert(to, text);
            }
        }
        Ok(outcome)
    }

    /// The learner's files as far as they matter: all code, and what the course has too.
    fn work<'a>(&self, of_course: impl Iterator<Item = &'a PathBuf>) -> Result<Tree> {
        let tracked = self.git.paths(&["ls-files", "-z"])?;
        let code = tracked.iter().map(PathBuf::from).filter(|file| file.extension().is_some_and(|end| end == "rs"));
        let files: BTreeSet<PathBuf> = code.chain(of_course.cloned()).filter(|file| is_merged(file)).collect();
        let there = files.into_iter().filter(|file| self.copy.dir.join(file).is_file());
        there.map(|file| Ok((file.clone(), tree::read(&self.copy.dir.join(&file))?))).collect()
    }

    fn settle_files(&self, outcome: &Outcome) -> Result<()> {
        for (file, text) in &outcome.files {
            let path = self.copy.dir.join(file);
            let Some(text) = text else {
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                continue;
            };
            fs::create_dir_all(path.parent().unwrap_or(&self.copy.dir))?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            // By force: a person's own list of ignored files may name it.
            self.git.run(&["add", "--force", "--", &crate::terminal::slashed(file)])?;
        }
        Ok(())
    }

    /// The learner's progress, and what was handed out now.
    fn settle_record(&self) -> Result<()> {
        let course = self.git.show(COURSE, record::FILE)?.context("branch `course` has no course.toml")?;
        let merged = Record { passed: self.copy.record.passed.clone(), ..Record::parse(&course)? };
        merged.write(&self.copy.dir)
    }

    /// Suites are not merged: an edited one stays as it is, every other becomes the course's.
    fn settle_suites(&self, kept: &BTreeSet<String>) -> Result<()> {
        let of_course = self.git.paths(&["ls-tree", "-r", "-z", "--name-only", COURSE, "--", "tests"])?;
        for file in of_course.iter().filter(|file| !kept.contains(*file)) {
            self.git.run(&["checkout", COURSE, "--", file])?;
        }
        let handed_out = self.copy.record.suites.keys();
        for file in handed_out.filter(|file| !of_course.contains(file) && !kept.contains(*file)) {
            self.git.run(&["rm", "--quiet", "--force", "--ignore-unmatch", "--", file])?;
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
}

/// Whether a file is merged: suites and the record have rules of their own.
fn is_merged(file: &Path) -> bool {
    !file.starts_with("tests") && file != Path::new(record::FILE) && file != Path::new(notes::FILE)
}

/// Gives a file of a tree another name, if that is free.
fn rename(tree: &mut Tree, from: &Path, to: &Path) -> bool {
    if tree.contains_key(to) {
        return false;
    }
    let text = tree.remove(from);
    text.is_some_and(|text| tree.insert(to.to_path_buf(), text).is_none())
}
