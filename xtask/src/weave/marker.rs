//! The grammar of one marker line.

use super::Error;
use super::extent::Marked;
use super::lexer::Comment;
use crate::chapter::Chapter;

/// `//@ C`, `//@ C only` or `//@ C: task`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    pub chapter: Chapter,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What follows belongs to the chapter.
    Plain,
    /// What follows is part of the chapter's answer.
    Only,
    /// What follows is the chapter's answer, and these lines say what to write instead of it.
    Task(Vec<String>),
}

/// `//- B line`: a line that stood here from chapter B (`None`: from the start) until its marker's chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldLine {
    pub from: Option<Chapter>,
    pub text: String,
}

/// What a line comment is to the weaver.
pub enum Reading {
    Marker(Marker),
    /// `//@   more words`: goes on with the task of the marker line above.
    Continuation(String),
    Old(OldLine),
    /// A comment for the reader.
    Plain,
}

impl Reading {
    pub fn of(comment: &Comment) -> Result<Reading, Error> {
        let text = comment.text;
        let error = |what: &str| Err(Error::new(comment.line, what));
        let marks = text.starts_with("//@") || text.starts_with("//- ");
        if is_doc(text) && (text.contains("//@") || text.contains("//- ")) {
            return error("a marker in rustdoc: a reader of the documentation would see it");
        }
        if marks && !comment.alone {
            return error("a marker stands on a line of its own");
        }
        if let Some(rest) = text.strip_prefix("//@") {
            return if let Some(more) = rest.strip_prefix("  ") {
                Ok(Reading::Continuation(more.trim().to_owned()))
            } else {
                Marker::read(rest).map(Reading::Marker).map_err(|what| Error::new(comment.line, what))
            };
        }
        if let Some(rest) = text.strip_prefix("//-") {
            match rest.strip_prefix(' ') {
                Some(rest) => {
                    return OldLine::read(rest).map(Reading::Old).map_err(|what| Error::new(comment.line, what));
                }
                None if rest.starts_with(|next: char| next.is_ascii_digit()) => {
                    return error("an old line is written `//- 1.2 old line`, with a space");
                }
                None => {}
            }
        }
        if text.strip_prefix("// ").is_some_and(|rest| rest.starts_with("@ ") || task_of(rest).is_some()) {
            return error("this comment looks like a marker or an open task and is neither: write `//@ 1.2: task`");
        }
        Ok(Reading::Plain)
    }
}

/// Splits `1.2: task` into its two parts.
pub fn task_of(text: &str) -> Option<(Chapter, &str)> {
    let (chapter, task) = text.split_once(": ")?;
    Some((chapter.parse().ok()?, task))
}

impl Marker {
    /// Reads what follows `//@`.
    fn read(rest: &str) -> Result<Marker, String> {
        let wrong = || format!("'//@{rest}' is no marker: write `//@ 1.2`, `//@ 1.2 only` or `//@ 1.2: task`");
        let rest = rest.strip_prefix(' ').ok_or_else(wrong)?;
        let end = rest.find([' ', ':']).unwrap_or(rest.len());
        let (chapter, rest) = rest.split_at(end);
        let kind = match rest {
            "" => Kind::Plain,
            " only" => Kind::Only,
            _ => match rest.strip_prefix(": ").map(str::trim) {
                Some(task) if !task.is_empty() => Kind::Task(vec![task.to_owned()]),
                _ => return Err(wrong()),
            },
        };
        Ok(Marker { chapter: chapter.parse()?, kind })
    }
}

impl OldLine {
    /// Reads what follows `//- `.
    fn read(rest: &str) -> Result<OldLine, String> {
        let (first, line) = rest.split_once(' ').unwrap_or((rest, ""));
        let chapter_like = first.split_once('.').is_some_and(|(week, day)| is_number(week) && is_number(day));
        if !chapter_like {
            return Ok(OldLine { from: None, text: rest.to_owned() });
        }
        Ok(OldLine { from: Some(first.parse()?), text: line.to_owned() })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_doc(text: &str) -> bool {
    text.starts_with("//!") || (text.starts_with("///") && !text.starts_with("////"))
}

/// How much of a source is markers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    /// Lines that are not blank.
    pub lines: usize,
    /// Those of them that are markers of any kind.
    pub markers: usize,
    /// Those of the markers that are `//-` lines.
    pub old_lines: usize,
}

/// Counts a source's lines; errors where a marker is wrong.
pub fn share(source: &str) -> Result<Share, Error> {
    let lexed = Marked::new(source)?.lexed;
    let starts = |with: &str| lexed.comments.iter().filter(|comment| comment.text.starts_with(with)).count();
    let lines = lexed.lines.iter().filter(|line| !line.text.trim().is_empty()).count();
    Ok(Share { lines, markers: starts("//@") + starts("//- "), old_lines: starts("//- ") })
}
