//! The weaver: one reference solution in, the engine as it stands at any point of the course out.
//!
//! The reference carries markers in its comments. Which lines a marker rules follows from where it stands:
//!
//! - **Among statements** (the body of a function, a loop, a closure, a match arm …) it rules a *region*: the
//!   statements up to the next marker between the same brackets, or to their end. `//@ 1.2: task` opens a
//!   region with a task for the learner, `//@ 1.2` one without. Code before the first marker is given.
//! - **Before anything else** (an item, a field, a variant, a parameter, a match arm, a line of a struct literal)
//!   it rules that one *thing*, with its comments, attributes and body; it may also stand below the thing's
//!   documentation. Directly above an attribute, with no documentation directly above itself, it rules that
//!   attribute alone, except above `#[cfg(…)]` and `#[test]`, which are part of their item.
//!   `//@ 1.2` shows the thing from the starter of that week on; `//@ 1.2 only` and `//@ 1.2: task` when the
//!   chapter is done. A task leaves its comment, whatever it stands before.
//! - **On a file's first line** it rules the file, the folder of its submodules, and the `mod` line in its parent.
//!
//! What a marker hides leaves `// 1.2: task` behind (from its week's starter on), and so does every task of a
//! *later* chapter inside of it. A function of which only tasks are left, or which returns a value and has only
//! tasks behind its last statement, ends in a `todo!` with the earliest of these tasks.
//! A task goes on in lines of `//@` and at least two spaces:
//!
//! ```text
//! //@ 1.2: merge the sources, the newest first,
//! //@      and keep tombstones
//! ```
//!
//! `//- 1.2 line`, under a marker and between its brackets, is a line that stands here from chapter 1.2 until the
//! marker's own; of several chapters, the latest that is done. `//- line`, with no chapter, stands from the start.

mod context;
mod extent;
pub mod format;
pub mod lexer;
pub mod manifest;
pub mod marker;
mod render;
pub mod tasks;
pub mod tree;

#[cfg(test)]
mod golden;

use std::fmt;

use crate::chapter::Chapter;
use marker::{Kind, Marker};

/// A point of the course: what is done, and what is to be seen of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The last chapter that is done.
    pub done: Option<Chapter>,
    /// The last week whose starter was given: what it gives, and the open tasks up to its end, are there to see.
    pub week: u8,
}

impl State {
    /// What a learner begins the week with.
    pub fn starter(week: u8) -> State {
        State { done: Chapter { week, day: 1 }.previous(), week }
    }

    /// The engine at a chapter's end.
    pub fn checkpoint(chapter: Chapter) -> State {
        State { done: Some(chapter), week: chapter.week }
    }

    /// What a learner begins the chapter with.
    pub fn before(chapter: Chapter) -> State {
        State { done: chapter.previous(), week: chapter.week }
    }

    /// What somebody is given who began with the chapter `first` to do and has come to `week`: all that the weeks so far
    /// give, and no answer from `first` on, since those they write themselves.
    pub fn carried_on(first: Chapter, week: u8) -> State {
        State { done: first.previous(), week }
    }

    /// The chapter that comes next, if its tasks are there to see.
    pub fn next(self) -> Option<Chapter> {
        let next = self.done.map_or(Some(Chapter { week: 1, day: 1 }), Chapter::next);
        next.filter(|next| next.week <= self.week)
    }

    fn is_done(self, chapter: Chapter) -> bool {
        self.done.is_some_and(|done| chapter <= done)
    }

    /// A task of this chapter is there to see and to do.
    fn is_open(self, chapter: Chapter) -> bool {
        chapter.week <= self.week && !self.is_done(chapter)
    }

    /// Whether the lines of a marker are there; `body`: it rules statements.
    fn shows(self, marker: &Marker, body: bool) -> bool {
        let from_its_week = marker.kind == Kind::Plain && !body;
        self.is_done(marker.chapter) || (from_its_week && marker.chapter.week <= self.week)
    }
}

/// What is wrong with a source, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Error {
    /// Counted from 1.
    pub line: usize,
    pub what: String,
}

impl Error {
    /// `line` is counted from 0, as everywhere inside the weaver.
    fn new(line: usize, what: impl Into<String>) -> Error {
        Error { line: line + 1, what: what.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Error {}

/// The source as it stands in a state, not yet formatted; `None` where the file does not exist in it.
pub fn weave(source: &str, state: State) -> Result<Option<String>, Error> {
    Ok(render::render(&extent::Marked::new(source)?, state))
}
