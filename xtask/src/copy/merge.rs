//! Merges what the course changed into what a learner wrote.
//!
//! The learner's lines always stand. What the course changed beside them comes in, and what it changed in the very same
//! lines is handed back, to be kept in TASKS.md: so a merge is never left half done, and code that compiled mostly goes on
//! to.
//!
//! ```text
//! whole.rs                        merges all files of a copy
//!   rust.rs, names.rs, toml.rs    cut a file into named pieces (piece.rs)
//!   merger.rs                     merges lists of pieces, one inside of the other
//!     lines.rs                    merges what is inside of a piece, line by line
//!     imports.rs                  sees to it that every name is imported, and once
//!   fields.rs, literals.rs        put new fields of a struct into the literals that the learner wrote
//! ```

pub mod fields;
pub mod imports;
pub mod lines;
pub mod literals;
pub mod merger;
pub mod names;
pub mod piece;
pub mod rust;
pub mod toml;
pub mod whole;

use crate::chapter::Chapter;
use merger::Merger;
use piece::Piece;
use whole::Elsewhere;

/// Something of the course's that found no place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// With `/` between its parts.
    pub file: String,
    /// `Core::open`; empty where it is about no item.
    pub item: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Lines that say what to do, and nothing else; `reworded`: they replace another task, which the learner has done.
    Task { lines: String, reworded: bool },
    /// The course's lines as they were, and as they are now. The learner changed them too.
    Change { old: String, new: String },
}

/// What came of merging one file.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    pub text: String,
    pub left: Vec<Left>,
    /// The names of items that went, because the course took them away and the learner had not touched them.
    pub gone: Vec<String>,
}

/// Merges one file; `base` is the course's as it was handed out last, empty where it is new.
pub fn merge(file: &str, base: &str, ours: &str, theirs: &str, elsewhere: &Elsewhere) -> Merged {
    let mut merger = Merger::new(file, elsewhere);
    let texts = [base, ours, theirs]
        .map(|text| if text.is_empty() { String::new() } else { text.trim_end().to_owned() + "\n" });
    let cut: Option<Vec<Vec<Piece>>> = texts.iter().map(|text| pieces(file, text)).collect();
    let text = match cut.as_deref() {
        Some([base, ours, theirs]) => {
            let merged = merger.pieces(base, ours, theirs);
            piece::text_of(&merged)
        }
        _ => merger.lines(&texts[0], &texts[1], &texts[2]),
    };
    let (left, gone) = (merger.left, merger.gone);
    if cut.is_some() && pieces(file, &text).is_none() {
        // Two changes that do not fit: better the learner's text than one that nobody can read.
        let what = What::Change { old: texts[0].clone(), new: texts[2].clone() };
        let left = Left { file: file.to_owned(), item: String::new(), what };
        return Merged { text: texts[1].clone(), left: vec![left], gone: Vec::new() };
    }
    Merged { text, left, gone }
}

/// The pieces of a file whose structure is known.
fn pieces(file: &str, text: &str) -> Option<Vec<Piece>> {
    if file.ends_with(".rs") {
        rust::cut(text)
    } else if file.ends_with(".toml") || file.ends_with("Cargo.lock") {
        Some(toml::cut(text))
    } else {
        None
    }
}

/// Whether the lines say what to do and nothing else: `// 1.3: …` with the lines it goes on in, `todo!("1.3: …")`.
fn is_only_tasks(lines: &str) -> bool {
    let mut in_todo = false;
    lines.lines().all(|line| {
        let code = line.trim();
        let closes = in_todo && (code.ends_with(')') || code.ends_with(");"));
        let is_task = in_todo
            || code.is_empty()
            || is_task_comment(code)
            || code.starts_with("//      ")
            || code == "todo!("
            || code.strip_prefix("todo!(\"").is_some_and(starts_with_chapter);
        in_todo = (in_todo || code == "todo!(") && !closes;
        is_task
    })
}

/// Whether a line is `// 1.3: …`.
fn is_task_comment(line: &str) -> bool {
    line.trim().strip_prefix("// ").is_some_and(starts_with_chapter)
}

fn starts_with_chapter(text: &str) -> bool {
    text.split_once(':').is_some_and(|(chapter, _)| chapter.parse::<Chapter>().is_ok())
}
