//! Reads what each test of a suite promises, out of its doc comment.
//!
//! ```text
//! /// A deleted key is found as deleted, not as missing.      the contract: the first paragraph
//! ///
//! /// Hint: a deletion is an entry.                           a paragraph that starts with `Hint:`
//! ///
//! /// Book: week1/1-memtable.md#deletions-are-entries         a page under book/src and a heading's anchor
//! #[test]
//! fn a_deleted_key_is_found_as_deleted() {
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::chapter::Chapter;

/// What a test promises, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestDoc {
    /// What must hold, in a sentence or two. Empty where the test has no doc comment.
    pub contract: String,
    pub hint: Option<String>,
    /// `page#anchor`, relative to book/src.
    pub book: Option<String>,
    /// The suite's file, and the line of the test's `fn`, from 1.
    pub file: PathBuf,
    pub line: usize,
    /// How many tests of the suite stand before it. A module's tests stand where the module is declared.
    pub place: usize,
}

/// The docs of a chapter's tests, by full test name. `tests` is the suite's folder, `weekN/tests/weekN`.
pub fn read(tests: &Path, chapter: Chapter) -> Result<BTreeMap<String, TestDoc>> {
    let mut docs = BTreeMap::new();
    let module = format!("chapter_{}", chapter.day);
    read_module(tests, &module, &module, &mut docs)?;
    Ok(docs)
}

/// Puts tests into the order in which the suite has them, so that what builds on something comes after it.
pub fn sort(names: &mut [String], docs: &BTreeMap<String, TestDoc>) {
    names.sort_by_key(|name| find(docs, name).map_or(usize::MAX, |doc| doc.place));
}

/// The doc of a test: by its full name, or, where the parser saw its modules otherwise than the compiler, by its own.
pub fn find<'a>(docs: &'a BTreeMap<String, TestDoc>, name: &str) -> Option<&'a TestDoc> {
    docs.get(name).or_else(|| {
        let own = name.rsplit("::").next();
        let mut alike = docs.iter().filter(|(other, _)| other.rsplit("::").next() == own);
        alike.next().filter(|_| alike.next().is_none()).map(|(_, doc)| doc)
    })
}

/// Reads the module `path` out of the file in `folder` that the compiler would take for `name`, and what it declares.
fn read_module(folder: &Path, name: &str, path: &str, docs: &mut BTreeMap<String, TestDoc>) -> Result<()> {
    let inner = folder.join(name);
    let candidates = [folder.join(format!("{name}.rs")), inner.join("mod.rs")];
    let Some(file) = candidates.iter().find(|file| file.is_file()) else { return Ok(()) };
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut tests = parse(&text, path).into_iter().peekable();
    let mut add = |docs: &mut BTreeMap<String, TestDoc>, until: usize| {
        while let Some((name, doc)) = tests.next_if(|(_, doc)| doc.line < until) {
            let place = docs.len();
            docs.insert(name, TestDoc { file: file.clone(), place, ..doc });
        }
    };
    for (index, line) in text.lines().enumerate() {
        if let Some(declared) = declared_module(line) {
            add(docs, index + 1);
            read_module(&inner, declared, &format!("{path}::{declared}"), docs)?;
        }
    }
    add(docs, usize::MAX);
    Ok(())
}

/// The tests in a file's text, by full name; `file` and `place` are left empty. Modules are told by the indentation rustfmt gives.
fn parse(text: &str, module: &str) -> Vec<(String, TestDoc)> {
    let mut found = Vec::new();
    let mut inner: Vec<(usize, String)> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut is_test = false;
    for (number, line) in text.lines().enumerate() {
        let code = line.trim();
        let indent = line.len() - line.trim_start().len();
        if let Some(doc) = code.strip_prefix("///") {
            comment.push(doc.trim());
        } else if code.starts_with("#[") {
            is_test |= code.starts_with("#[test]");
        } else if let (true, Some(name)) = (is_test, function_name(code)) {
            let path = inner.iter().fold(module.to_owned(), |path, (_, name)| format!("{path}::{name}"));
            found.push((format!("{path}::{name}"), TestDoc { line: number + 1, ..document(&comment) }));
            (comment, is_test) = (Vec::new(), false);
        } else if !code.is_empty() {
            if let Some(name) = module_name(code) {
                inner.push((indent, name.to_owned()));
            } else if code == "}" && inner.last().is_some_and(|(opened, _)| *opened == indent) {
                inner.pop();
            }
            (comment, is_test) = (Vec::new(), false);
        }
    }
    found
}

fn function_name(code: &str) -> Option<&str> {
    code.split_once("fn ").and_then(|(_, rest)| rest.split(['(', '<']).next()).map(str::trim)
}

fn module_name(code: &str) -> Option<&str> {
    code.strip_prefix("pub ").unwrap_or(code).strip_prefix("mod ")?.strip_suffix('{').map(str::trim)
}

/// The module that a line declares to be in a file of its own. Only at a file's top level: an indented one is code.
fn declared_module(line: &str) -> Option<&str> {
    line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.trim_end().strip_suffix(';')
}

fn document(comment: &[&str]) -> TestDoc {
    let mut doc = TestDoc::default();
    for paragraph in comment.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()) {
        let text = paragraph.join(" ");
        if let Some(hint) = text.strip_prefix("Hint:") {
            doc.hint = Some(hint.trim().to_owned());
        } else if let Some(page) = text.strip_prefix("Book:") {
            doc.book = Some(page.trim().to_owned());
        } else if doc.contract.is_empty() {
            doc.contract = text;
        }
    }
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = "\
//! Chapter 1.1.

use lsm::MemTable;

/// Not a test's.
fn helper() {}

/// A deleted key is found as deleted,
/// not as missing.
///
/// More about it.
///
/// Hint: a deletion
/// is an entry.
///
/// Book: week1/1-memtable.md#deletions
#[test]
#[should_panic]
fn deleted() {
    if true {
    }
}

mod regressions {
    /// Reads still work.
    #[test]
    fn reads() {}
}

proptest! {
    /// The model agrees.
    #[test]
    fn model(steps in any::<u8>()) {}
}

#[test]
fn without_words() {}
";

    #[test]
    fn contract_hint_and_page_are_read_with_the_full_name() {
        let found: BTreeMap<_, _> = parse(SUITE, "chapter_1").into_iter().collect();
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["chapter_1::deleted", "chapter_1::model", "chapter_1::regressions::reads", "chapter_1::without_words"]
        );
        let deleted = &found["chapter_1::deleted"];
        assert_eq!(deleted.contract, "A deleted key is found as deleted, not as missing.");
        assert_eq!(deleted.hint.as_deref(), Some("a deletion is an entry."));
        assert_eq!(deleted.book.as_deref(), Some("week1/1-memtable.md#deletions"));
        assert_eq!(SUITE.lines().nth(deleted.line - 1), Some("fn deleted() {"));
        assert_eq!(found["chapter_1::without_words"].contract, "");
    }

    #[test]
    fn a_test_in_an_unforeseen_module_is_found_by_its_own_name() {
        let found: BTreeMap<_, _> = parse(SUITE, "chapter_1").into_iter().collect();
        assert_eq!(find(&found, "chapter_1::deep::reads").map(|doc| doc.contract.as_str()), Some("Reads still work."));
        assert_eq!(find(&found, "chapter_1::missing"), None);
    }

    #[test]
    fn tests_are_in_the_order_in_which_the_suite_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("chapter_1");
        std::fs::create_dir_all(folder.join("merge")).unwrap();
        let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).unwrap();
        write(
            "mod.rs",
            "mod zoo;\n\n#[test]\nfn own() {}\n\npub mod merge;\nmod inner {\n    #[test]\n    fn last() {}\n}\n",
        );
        write("zoo.rs", "#[test]\nfn z() {}\n#[test]\nfn a() {}\n");
        write("merge/mod.rs", "mod errors;\n#[test]\nfn merges() {}\n");
        write("merge/errors.rs", "#[test]\nfn fails() {}\n");
        write("not_declared.rs", "#[test]\nfn no_test() {}\n");
        let docs = read(dir.path(), Chapter { week: 1, day: 1 }).unwrap();
        let mut names: Vec<String> = docs.keys().cloned().chain(["chapter_1::unforeseen".to_owned()]).collect();
        sort(&mut names, &docs);
        let expected =
            ["zoo::z", "zoo::a", "own", "merge::errors::fails", "merge::merges", "inner::last", "unforeseen"];
        assert_eq!(names, expected.map(|name| format!("chapter_1::{name}")));
        assert_eq!(docs["chapter_1::merge::errors::fails"].file, folder.join("merge/errors.rs"));
    }
}
