//! New fields of a struct, in the literals that the learner wrote.
//!
//! The course gives a struct a field. Where the course itself makes such a struct, the field's line comes with it. But
//! the learner makes some in functions that were theirs to write, and these would no longer compile. There the line is put
//! in, with the value that the reference gives the field in the same function, or everywhere.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::imports::mentions;
use super::literals::{Literal, Source};
use super::piece::Piece;
use super::rust;
use crate::weave::lexer::Lexed;
use crate::weave::tree::Tree;

/// A struct that got new fields.
#[derive(Debug)]
pub struct Grown {
    name: String,
    /// The fields that it had, the learner's own too.
    old: Vec<String>,
    /// Each new field with its type.
    new: BTreeMap<String, String>,
}

/// The structs of the learner's that have fields after the merge that they did not have before.
pub fn grown(before: &Tree, after: &BTreeMap<PathBuf, Option<String>>) -> Vec<Grown> {
    let changed = after.iter().filter_map(|(file, now)| Some((before.get(file)?, now.as_ref()?)));
    let cut = changed.filter_map(|(old, now)| Some((rust::cut(old)?, rust::cut(now)?)));
    let structs = cut.flat_map(|(old, now)| {
        let pairs = now.into_iter().filter(|piece| piece.key.starts_with("struct ")).filter_map(move |now| {
            let old = old.iter().find(|old| old.key == now.key)?;
            Some(grown_by(old, &now))
        });
        pairs.collect::<Vec<Grown>>()
    });
    structs.filter(|grown| !grown.new.is_empty() && !grown.old.is_empty()).collect()
}

fn grown_by(old: &Piece, now: &Piece) -> Grown {
    let is_old = |field: &&Piece| old.inner().iter().any(|old| old.key == field.key);
    let fields = now.inner().iter().filter(|field| field.key.starts_with("field "));
    let (old, new): (Vec<&Piece>, Vec<&Piece>) = fields.partition(is_old);
    let of_type = |field: &Piece| {
        let after = field.parts.head.split_once(':').map_or("", |(_, rest)| rest);
        after.trim().trim_end_matches(',').to_owned()
    };
    Grown {
        name: now.name.clone(),
        old: old.iter().map(|field| field.name.clone()).collect(),
        new: new.iter().map(|field| (field.name.clone(), of_type(field))).collect(),
    }
}

/// What was done about one field of one literal.
#[derive(Debug, PartialEq, Eq)]
pub struct Filled {
    pub field: String,
    /// `Table::open`, the function around the literal.
    pub place: String,
    /// The line that was put in; `None` where nobody knows the value.
    pub line: Option<String>,
    /// What the reference has instead.
    pub wanted: Option<String>,
}

/// Puts the missing fields into the literals of a source. `answers` are the literals of the reference.
pub fn fill(text: &str, grown: &[Grown], answers: &[Literal]) -> (String, Vec<Filled>) {
    let mut done: Vec<Filled> = Vec::new();
    let Some(before) = Source::new(text) else { return (text.to_owned(), done) };
    let functions = before.literals().into_iter().map(|literal| (before.around(&literal), literal.place));
    let functions: Vec<(&str, String)> = functions.collect();
    let mut text = text.to_owned();
    // One field at a time: each moves what stands behind it.
    while let Some((with_line, filled)) = fill_one(&text, grown, answers, &done, &functions) {
        text = with_line;
        done.push(filled);
    }
    (text, done)
}

/// Fills one field. `functions` are those with literals as they were, by their places: what is put in makes no variable.
fn fill_one(
    text: &str,
    grown: &[Grown],
    answers: &[Literal],
    done: &[Filled],
    functions: &[(&str, String)],
) -> Option<(String, Filled)> {
    let source = Source::new(text)?;
    let literals = source.literals();
    let missing = literals.iter().flat_map(|literal| {
        let grown = grown.iter().find(|grown| grown.is_made_by(literal)).into_iter();
        let fields = grown.flat_map(|grown| &grown.new).filter(|(field, _)| literal.value(field).is_none());
        fields.map(move |field| (literal, field))
    });
    let given_up = |literal: &Literal, field: &str| {
        done.iter().any(|done| done.line.is_none() && done.field == field && done.place == literal.place)
    };
    let (literal, (field, of_type)) = missing.into_iter().find(|(literal, (field, _))| !given_up(literal, field))?;
    let wanted = value_in(answers, literal, field);
    let function = functions.iter().find(|(_, place)| *place == literal.place).map_or("", |(function, _)| function);
    let value = match wanted.filter(|value| knows(function, value)) {
        _ if literal.is_pattern => Some("_"),
        None if has_default(of_type) => Some("Default::default()"),
        known => known,
    };
    let line = value.map(|value| line(field, value));
    let with_line = line.as_ref().map_or_else(|| text.to_owned(), |line| source.with_field(literal, line));
    let wanted =
        wanted.filter(|wanted| value != Some(*wanted) && !literal.is_pattern).map(|value| self::line(field, value));
    Some((with_line, Filled { field: field.clone(), place: literal.place.clone(), line, wanted }))
}

impl Grown {
    fn is_made_by(&self, literal: &Literal) -> bool {
        self.name == literal.name
            && self.old.iter().all(|field| literal.value(field).is_some())
            && literal.fields.iter().all(|(field, _)| self.old.contains(field) || self.new.contains_key(field))
    }
}

fn line(field: &str, value: &str) -> String {
    if field == value { field.to_owned() } else { format!("{field}: {value}") }
}

/// What the reference gives a field in the same function; else what it gives it everywhere.
fn value_in<'a>(answers: &'a [Literal], literal: &Literal, field: &str) -> Option<&'a str> {
    let made = || answers.iter().filter(|answer| answer.name == literal.name && !answer.is_pattern);
    let here = made().filter(|answer| answer.place == literal.place).find_map(|answer| answer.value(field));
    here.or_else(|| {
        let mut values = made().filter_map(|answer| answer.value(field));
        let first = values.next()?;
        values.all(|other| other == first).then_some(first)
    })
}

/// Whether a function mentions all variables of a value.
fn knows(function: &str, value: &str) -> bool {
    let Ok(lexed) = Lexed::new(value) else { return false };
    let word = |at: Option<usize>| at.and_then(|at| lexed.tokens.get(at)).map_or("", |token| token.text);
    (0..lexed.tokens.len()).all(|at| {
        let name = word(Some(at));
        let is_variable = name.starts_with(|first: char| first.is_lowercase() || first == '_')
            && !matches!(word(at.checked_sub(1)), "." | "::")
            && !matches!(word(Some(at + 1)), "(" | "::" | "!")
            && !matches!(name, "self" | "true" | "false" | "move" | "mut" | "if" | "else" | "as" | "crate" | "super");
        !is_variable || mentions(function, name)
    })
}

/// Whether a type of this text has a default that means "nothing yet".
fn has_default(of_type: &str) -> bool {
    let inner = of_type.strip_suffix('>').and_then(|of_type| of_type.split_once('<'));
    match inner {
        Some(("Mutex" | "RwLock" | "Arc" | "Box", inner)) => has_default(inner),
        Some((outer, _)) => {
            matches!(outer, "Vec" | "VecDeque" | "Option" | "BTreeMap" | "HashMap" | "BTreeSet" | "HashSet")
        }
        None => {
            let numbers = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize"];
            numbers.contains(&of_type)
                || of_type.starts_with("Atomic")
                || matches!(of_type, "bool" | "()" | "String" | "PathBuf")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "struct Table {\n    id: u64,\n}\n";
    const NEW: &str =
        "struct Table {\n    id: u64,\n    obsolete: AtomicBool,\n    owner: Arc<Owner>,\n    count: u64,\n}\n";

    fn tree(text: &str) -> Tree {
        [("src/table.rs".into(), text.to_owned())].into()
    }

    fn fill_in(mine: &str) -> (String, Vec<Filled>) {
        let after = [("src/table.rs".into(), Some(NEW.to_owned()))].into();
        let grown = grown(&tree(OLD), &after);
        let reference = "impl Table {\n    fn open() -> Table {\n        Table { id, obsolete: AtomicBool::new(false), owner: owner.clone(), count }\n    }\n}\n";
        fill(mine, &grown, &Source::new(reference).unwrap().literals())
    }

    #[test]
    fn a_literal_gets_what_the_reference_gives_it_or_a_default() {
        let mine = "impl Table {\n    fn open(owner: &Arc<Owner>) -> Table {\n        Self {\n            id: 1\n        }\n    }\n}\n";
        let (text, filled) = fill_in(mine);
        let lines = "            id: 1,\n            count: Default::default(),\n            obsolete: AtomicBool::new(false),\n            owner: owner.clone(),\n        }";
        assert!(text.contains(lines), "{text}");
        let told: Vec<_> = filled.iter().map(|one| (one.field.as_str(), one.wanted.as_deref())).collect();
        assert_eq!(told, [("count", Some("count")), ("obsolete", None), ("owner", None)]);
    }

    #[test]
    fn what_nobody_knows_is_told_and_a_pattern_looks_away() {
        let mine = "fn a() {\n    let Table { id } = table;\n    make(Table { id });\n    Table { id, ..old };\n}\n";
        let (text, filled) = fill_in(mine);
        assert!(text.contains("let Table { id, count: _, obsolete: _, owner: _ } = table;"), "{text}");
        assert!(
            text.contains("make(Table { id, count: Default::default(), obsolete: AtomicBool::new(false) });"),
            "{text}"
        );
        assert!(text.contains("Table { id, ..old };"), "{text}");
        let owner = filled.iter().find(|one| one.field == "owner" && one.line.is_none()).unwrap();
        assert_eq!((owner.place.as_str(), owner.wanted.as_deref()), ("a", Some("owner: owner.clone()")));
    }
}
