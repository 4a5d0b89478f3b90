//! Which lines of the reference belong to a chapter, and how much of the reference is markers.

use super::extent::Marked;
use super::{Error, marker};
use crate::chapter::Chapter;

/// Lines of one source, counted from 1, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub first: usize,
    pub last: usize,
}

/// The lines that a chapter brings: the whole file if it is headed by the chapter, else what its markers rule.
pub fn of_chapter(source: &str, chapter: Chapter) -> Result<Vec<Lines>, Error> {
    let marked = Marked::new(source)?;
    if marked.file.as_ref().is_some_and(|marker| marker.chapter == chapter) {
        return Ok(vec![Lines { first: 1, last: marked.lexed.lines.len() }]);
    }
    let extents = marked.extents.values().filter(|extent| extent.marker.chapter == chapter);
    let nonempty = extents.filter(|extent| extent.first < extent.end);
    Ok(nonempty.map(|extent| Lines { first: extent.first + 1, last: extent.end }).collect())
}

/// Whether a source says anything of this chapter, or of one after it.
pub fn chapters(source: &str) -> Result<Vec<Chapter>, Error> {
    let marked = Marked::new(source)?;
    let inside = marked.extents.values().map(|extent| extent.marker.chapter);
    let mut chapters: Vec<Chapter> = marked.file.iter().map(|marker| marker.chapter).chain(inside).collect();
    chapters.sort();
    chapters.dedup();
    Ok(chapters)
}

/// How much of a source is markers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    pub lines: usize,
    pub markers: usize,
    pub old_lines: usize,
}

/// Counts the lines that are not blank, and among them the markers.
pub fn share(source: &str) -> Result<Share, Error> {
    let marked = Marked::new(source)?;
    let (markers, old_lines) = marker::count(&marked.lexed);
    let lines = marked.lexed.lines.iter().filter(|line| !line.text.trim().is_empty()).count();
    Ok(Share { lines, markers, old_lines })
}
