//! Sees to it that every name is imported, and once.
//!
//! A `use` has no name of its own, so two versions of one are two pieces: of one that both sides changed, both come
//! through. What the course's brings twice is taken out of it, and what went with one of the course's and is still used
//! comes back.

use std::collections::BTreeMap;

use super::lines::Refused;
use super::merger::Merger;
use super::piece::{Inside, Parts, Piece};

/// One name that a `use` brings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    /// `std::fmt::Write as _`.
    path: String,
    /// What it is called here; for a `*` or a `_` the path, since these never collide.
    name: String,
}

/// Settles the imports of a merged list of pieces; `ours` is the learner's list.
pub fn settle(merger: &mut Merger, merged: &mut Vec<Piece>, ours: &[Piece]) {
    let is_ours = |piece: &Piece| ours.iter().any(|own| own.key == piece.key);
    let mut bound: BTreeMap<String, String> = BTreeMap::new();
    // A module's name stands beside a function's or a type's.
    let kinds = ["struct ", "enum ", "type ", "trait ", "fn "];
    for piece in merged.iter() {
        if is_import(piece) && is_ours(piece) {
            bound.extend(imports(piece).into_iter().map(|import| (import.name, import.path)));
        } else if kinds.iter().any(|kind| piece.key.starts_with(kind)) {
            bound.entry(piece.name.clone()).or_default();
        }
    }
    let mut settled: Vec<Piece> = Vec::new();
    for piece in merged.drain(..) {
        if !is_import(&piece) || is_ours(&piece) {
            settled.push(piece);
            continue;
        }
        let all = imports(&piece);
        let (new, old): (Vec<Import>, Vec<Import>) =
            all.into_iter().partition(|import| !bound.contains_key(&import.name));
        for import in old.iter().filter(|import| bound[&import.name] != import.path) {
            merger.leave(None, Refused { old: String::new(), new: statement(&piece, import) });
        }
        bound.extend(new.iter().map(|import| (import.name.clone(), import.path.clone())));
        if old.is_empty() {
            settled.push(piece);
        } else {
            // The learner's version of it stands above.
            let follows = settled.last().is_some_and(is_import);
            let gap = |index: usize| if index == 0 && !follows { piece.gap } else { 0 };
            let singles = new.iter().enumerate();
            settled.extend(singles.map(|(index, import)| Piece { gap: gap(index), ..single(&piece, import) }));
        }
    }
    let is_lost = |own: &&Piece| is_import(own) && !settled.iter().any(|piece| piece.key == own.key);
    let lost: Vec<&Piece> = ours.iter().filter(is_lost).collect();
    for (own, import) in lost.into_iter().flat_map(|own| imports(own).into_iter().map(move |import| (own, import))) {
        // Of the standard library any may stay: a trait is used without its name.
        let used = || settled.iter().any(|piece| !is_import(piece) && mentions(&piece.text, &import.name));
        if !bound.contains_key(&import.name) && (import.path.starts_with("std::") || used()) {
            settled.insert(place(&settled, ours, own), single(own, &import));
            bound.insert(import.name.clone(), import.path);
        }
    }
    *merged = settled;
}

/// Where one of the learner's belongs: behind the one that it followed, or in the place of the first.
fn place(settled: &[Piece], ours: &[Piece], own: &Piece) -> usize {
    let before = ours.iter().take_while(|piece| piece.key != own.key);
    let last = before.filter_map(|piece| settled.iter().position(|other| other.key == piece.key)).last();
    let first = || settled.iter().position(is_import).unwrap_or(settled.len());
    last.map_or_else(first, |last| last + 1)
}

fn is_import(piece: &Piece) -> bool {
    piece.key.starts_with("use ")
}

/// Whether a text holds a word.
pub fn mentions(text: &str, word: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word))
}

/// A `use` of one name alone, with the visibility and the attributes of another.
fn single(piece: &Piece, import: &Import) -> Piece {
    let head = statement(piece, import);
    let key = format!("use {}", head.trim());
    let parts =
        Parts { lead: piece.parts.lead.clone(), head, inside: Inside::Lines(String::new()), tail: String::new() };
    Piece::new(key, String::new(), piece.gap, parts)
}

fn statement(piece: &Piece, import: &Import) -> String {
    let before = code(piece).split_once("use ").map_or("", |(before, _)| before);
    let head = &piece.parts.head;
    let indentation = &head[..head.len() - head.trim_start().len()];
    format!("{indentation}{before}use {};\n", import.path)
}

/// The statement without its attributes and on one line.
fn code(piece: &Piece) -> &str {
    piece.key.strip_prefix("use ").unwrap_or(&piece.key)
}

fn imports(piece: &Piece) -> Vec<Import> {
    let mut found = Vec::new();
    let tree = code(piece).split_once("use ").map_or("", |(_, tree)| tree.split(';').next().unwrap_or_default());
    branch("", tree, &mut found);
    found
}

fn branch(prefix: &str, tree: &str, found: &mut Vec<Import>) {
    let tree = tree.trim();
    if let Some((path, inner)) = tree.strip_suffix('}').and_then(|tree| tree.split_once('{')) {
        let mut depth = 0;
        let parts = inner.split(|symbol| {
            match symbol {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            symbol == ',' && depth == 0
        });
        parts.for_each(|part| branch(&format!("{prefix}{}", path.trim()), part, found));
    } else if !tree.is_empty() {
        let whole = format!("{prefix}{tree}").replace("::self", "");
        let (path, alias) = whole.split_once(" as ").unwrap_or((&whole, ""));
        let last = path.rsplit("::").next().unwrap_or(path);
        let name = match (alias.trim(), last) {
            ("_", _) | ("", "*") => &whole,
            ("", last) => last,
            (alias, _) => alias,
        };
        found.push(Import { name: name.to_owned(), path: whole.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::super::whole::Elsewhere;
    use super::super::{Merged, merge};

    const BASE: &str = "use std::fmt;\n\nuse crate::table::{Resources, hash};\nuse crate::{Error, Result};\n\nfn get() -> Result<Resources> {\n    todo!(\"1.1: it\")\n}\n";

    fn merged(ours: &str, theirs: &str) -> Merged {
        merge("src/a.rs", BASE, ours, theirs, &Elsewhere::default())
    }

    #[test]
    fn both_sides_imports_come_together_and_none_twice() {
        let ours = BASE
            .replace("{Resources, hash}", "{self, Resources, Table, hash}")
            .replace("todo!(\"1.1: it\")", "Table::new()");
        let theirs = BASE.replace("{Resources, hash}", "{Resources, Table, TableId, hash as digest}");
        let Merged { text, left, .. } = merged(&ours, &theirs);
        let expected = ours.replace(
            "Table, hash};\n",
            "Table, hash};\nuse crate::table::TableId;\nuse crate::table::hash as digest;\n",
        );
        assert_eq!((text.as_str(), left.len()), (expected.as_str(), 0));
        let theirs =
            BASE.replace("{Error, Result};\n", "{Error, Result};\npub(crate) use self::inner::{a::{B, C}, D};\n");
        let ours =
            BASE.replace("use crate::{Error, Result};\n", "use crate::inner::a::C;\nuse crate::{Error, Result};\n");
        let Merged { text, left, .. } = merged(&ours, &theirs);
        assert!(text.contains("pub(crate) use self::inner::a::B;\npub(crate) use self::inner::D;\n"), "{text}");
        assert!(!text.contains("inner::{") && left.len() == 1, "{text}");
        let theirs = BASE.replace("use crate::table", "mod recover;\n\nuse recover::recover;\nuse crate::table");
        let Merged { text, left, .. } = merged(&ours, &theirs);
        assert!(text.contains("mod recover;\n\nuse recover::recover;\n") && left.is_empty(), "{text}");
    }

    #[test]
    fn what_the_course_no_longer_imports_stays_where_it_is_used() {
        let ours = BASE.replace("todo!(\"1.1: it\")", "hash()");
        let theirs = BASE.replace("use crate::table::{Resources, hash};\n", "use crate::table::Resources;\n");
        let text = merged(&ours, &theirs).text;
        assert!(
            text.contains("use crate::table::Resources;\n") && text.contains("use crate::table::hash;\n"),
            "{text}"
        );
        let text = merged(&BASE.replace("1.1: it", "1.1: this"), &theirs).text;
        assert!(!text.contains("hash"), "{text}");
        let theirs = BASE.replace("use std::fmt;\n\n", "");
        assert!(merged(&ours, &theirs).text.contains("use std::fmt;\n"));
    }
}
