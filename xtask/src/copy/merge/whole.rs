//! Merges all files of a copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::fields;
use super::imports::mentions;
use super::literals::{Literal, Source};
use super::piece::Piece;
use super::{Left, Merged, What, merge, rust};
use crate::terminal::slashed;
use crate::weave::format;
use crate::weave::tree::Tree;

/// Three versions of a copy: as the course handed it out last, as it is, and as the course hands it out now.
#[derive(Clone, Copy)]
pub struct Versions<'a> {
    pub base: &'a Tree,
    pub ours: &'a Tree,
    pub theirs: &'a Tree,
}

/// What a merge of one file must know of all others.
#[derive(Debug, Default)]
pub struct Elsewhere {
    /// Names whose items stay though the course took them away: the learner uses them.
    pub needed: BTreeSet<String>,
    /// What the learner added to an `impl`, in whatever file: the keys of the `impl` and of the item.
    pub taken: BTreeSet<(String, String)>,
}

/// What came of a merge.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The files that change, with their text; `None`: the file goes.
    pub files: BTreeMap<PathBuf, Option<String>>,
    pub left: Vec<Left>,
}

/// Merges all files. `answers` gives the reference's sources at the point to which the learner has come.
pub fn merge_all(versions: Versions, answers: impl FnOnce() -> Result<Tree>) -> Result<Outcome> {
    let mut elsewhere = Elsewhere { taken: versions.taken(), needed: BTreeSet::new() };
    let (mut outcome, gone) = versions.merge(&elsewhere);
    elsewhere.needed = gone.into_iter().filter(|name| versions.needs(&outcome, name)).collect();
    if !elsewhere.needed.is_empty() {
        (outcome, _) = versions.merge(&elsewhere);
    }
    let grown = fields::grown(versions.ours, &outcome.files);
    if !grown.is_empty() {
        let answers = answers()?;
        let literals: Vec<Literal> =
            answers.values().filter_map(|text| Source::new(text)).flat_map(|source| source.literals()).collect();
        versions.fill(&mut outcome, &grown, &literals);
    }
    for (file, text) in &mut outcome.files {
        let own = versions.ours.get(file).filter(|_| is_rust(file));
        if let (Some(own), Some(text)) = (own, text)
            && format::format(own).is_ok_and(|formatted| formatted == *own)
        {
            // Text that rustfmt refuses stays as it is: the compiler says what is wrong with it.
            *text = format::format(text).unwrap_or_else(|_| text.clone());
        }
    }
    outcome.files.retain(|file, text| versions.ours.get(file) != text.as_ref());
    Ok(outcome)
}

impl Versions<'_> {
    /// Merges file by file; gives also the names of the items that went.
    fn merge(&self, elsewhere: &Elsewhere) -> (Outcome, BTreeSet<String>) {
        let mut outcome = Outcome::default();
        let mut all_gone = BTreeSet::new();
        let files: BTreeSet<&PathBuf> = self.base.keys().chain(self.theirs.keys()).collect();
        for file in files {
            let (base, ours, theirs) = (self.base.get(file), self.ours.get(file), self.theirs.get(file));
            if base == theirs || ours == theirs {
                continue;
            }
            let name = slashed(file);
            match (ours, theirs) {
                _ if ours == base => drop(outcome.files.insert(file.clone(), theirs.cloned())),
                (Some(ours), Some(theirs)) => {
                    let base = base.map_or("", String::as_str);
                    let Merged { text, left, gone } = merge(&name, base, ours, theirs, elsewhere);
                    outcome.files.insert(file.clone(), Some(text));
                    outcome.left.extend(left);
                    all_gone.extend(gone);
                }
                _ => {
                    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
                    let what = What::Change { old: text(base), new: text(theirs) };
                    outcome.left.push(Left { file: name, item: String::new(), what });
                }
            }
        }
        (outcome, all_gone)
    }

    /// What the learner added to `impl`s.
    fn taken(&self) -> BTreeSet<(String, String)> {
        let given: BTreeSet<(String, String)> =
            self.base.iter().flat_map(|(file, text)| inner_keys(file, text)).collect();
        let own = self.ours.iter().flat_map(|(file, text)| inner_keys(file, text));
        own.filter(|keys| !given.contains(keys)).collect()
    }

    /// Whether the learner's own lines use a name.
    fn needs(&self, outcome: &Outcome, name: &str) -> bool {
        let own_lines = self.ours.iter().filter(|(file, _)| is_rust(file)).any(|(file, ours)| {
            let text = outcome.files.get(file).map_or(Some(ours), Option::as_ref);
            let theirs = self.theirs.get(file).map_or("", String::as_str);
            let given: BTreeSet<&str> = theirs.lines().collect();
            let own = text.into_iter().flat_map(|text| text.lines()).filter(|line| !given.contains(line));
            own.filter(|line| !line.trim_start().starts_with("//")).any(|line| mentions(line, name))
        });
        !name.is_empty() && own_lines
    }

    /// Puts new fields into the learner's literals.
    fn fill(&self, outcome: &mut Outcome, grown: &[fields::Grown], answers: &[Literal]) {
        let files: BTreeSet<PathBuf> =
            self.ours.keys().chain(outcome.files.keys()).filter(|file| is_rust(file)).cloned().collect();
        for file in files {
            let text = match outcome.files.get(&file) {
                Some(text) => text.as_ref(),
                None => self.ours.get(&file),
            };
            let Some((text, filled)) = text.map(|text| fields::fill(text, grown, answers)) else { continue };
            let name = slashed(&file);
            if !filled.is_empty() {
                outcome.files.insert(file, Some(text));
            }
            for filled in filled {
                let lines: Vec<&str> =
                    [&filled.line, &filled.wanted].into_iter().flatten().map(String::as_str).collect();
                let is_done = |left: &Left| left.file == name && left.item == filled.place && left.what.is_only(&lines);
                outcome.left.retain(|left| !is_done(left));
                let new = match (&filled.line, &filled.wanted) {
                    (Some(_), None) => continue,
                    (_, wanted) => wanted.clone().unwrap_or_else(|| format!("{}: …", filled.field)),
                };
                let what = What::Change { old: String::new(), new: format!("{new},\n") };
                outcome.left.push(Left { file: name.clone(), item: filled.place, what });
            }
        }
    }
}

impl What {
    /// Whether it is an addition of some of these lines and no others.
    fn is_only(&self, lines: &[&str]) -> bool {
        let What::Change { old, new } = self else { return false };
        old.trim().is_empty() && new.lines().all(|line| lines.contains(&line.trim().trim_end_matches(',')))
    }
}

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

/// The keys of the `impl`s of a file and of what is inside of them.
fn inner_keys(file: &Path, text: &str) -> Vec<(String, String)> {
    let pieces = if is_rust(file) { rust::cut(text) } else { None };
    let impls = pieces.into_iter().flatten().filter(|piece| piece.key.starts_with("impl "));
    let keys =
        |piece: Piece| piece.inner().iter().map(|inner| (piece.key.clone(), inner.key.clone())).collect::<Vec<_>>();
    impls.flat_map(keys).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        files.iter().map(|(file, text)| (PathBuf::from(file), (*text).to_owned())).collect()
    }

    fn merged(base: &Tree, ours: &Tree, theirs: &Tree) -> Outcome {
        merge_all(Versions { base, ours, theirs }, || Ok(Tree::new())).unwrap()
    }

    fn files(outcome: &Outcome) -> Vec<(&str, Option<&str>)> {
        outcome.files.iter().map(|(file, text)| (file.to_str().unwrap(), text.as_deref())).collect()
    }

    #[test]
    fn files_come_and_go_as_the_course_has_them_but_the_learners_stay() {
        let base = tree(&[("a", "1\n"), ("b", "1\n"), ("c", "1\n"), ("d", "1\n"), ("e", "1\n")]);
        let ours = tree(&[("a", "1\n"), ("b", "mine\n"), ("d", "1\n"), ("own", "mine\n"), ("new2", "2\n")]);
        let theirs = tree(&[("c", "2\n"), ("d", "2\n"), ("e", "1\n"), ("new", "2\n"), ("new2", "2\n")]);
        let outcome = merged(&base, &ours, &theirs);
        assert_eq!(files(&outcome), [("a", None), ("d", Some("2\n")), ("new", Some("2\n"))]);
        let left: Vec<&str> = outcome.left.iter().map(|left| left.file.as_str()).collect();
        assert_eq!(left, ["b", "c"], "one the course took away, one the learner did");
    }

    #[test]
    fn what_the_learners_code_still_calls_stays_though_the_course_took_it_away() {
        let base = tree(&[
            ("a.rs", "fn helper() {}\n\nfn unused() {}\n"),
            ("b.rs", "fn run() {\n    todo!(\"1.1: it\")\n}\n"),
        ]);
        let mut ours = base.clone();
        ours.insert("b.rs".into(), "fn run() {\n    helper();\n}\n".into());
        ours.insert("a.rs".into(), "fn helper() {}\n\nfn unused() {}\n\nfn mine() {}\n".into());
        let theirs = tree(&[("a.rs", "fn other() {}\n"), ("b.rs", &base[Path::new("b.rs")])]);
        let outcome = merged(&base, &ours, &theirs);
        assert_eq!(files(&outcome), [("a.rs", Some("fn helper() {}\n\nfn mine() {}\n\nfn other() {}\n"))]);
    }

    #[test]
    fn code_whose_brackets_would_not_close_stays_the_learners() {
        let base = tree(&[("a.rs", "fn a() {\n    if b {\n        c();\n    }\n}\n")]);
        let ours = tree(&[("a.rs", "fn a() {\n    if b {\n        c();\n    } else {\n        d();\n    }\n}\n")]);
        let theirs = tree(&[("a.rs", "fn a() {\n    c();\n}\n")]);
        let outcome = merged(&base, &ours, &theirs);
        assert_eq!((files(&outcome), outcome.left.len()), (vec![], 2));
    }
}
