//! Which entries a compaction leaves out. Chapter 2.1.
//!
//! The merge itself keeps one entry a key, the newest, and drops what that one shadows. What is left to decide are
//! tombstones. A tombstone hides older entries of its key; when nothing older can lie below, it hides nothing, and
//! goes. Dropped too early, it brings a deleted value back:
//!
//! ```text
//!   level 1   fig=×            merged into level 2, tombstone dropped:     level 1
//!   level 2   fig=2                                                        level 2   (no fig)
//!   level 3   fig=1                                                        level 3   fig=1      is back!
//! ```
//!
//! The mechanism asks a value of this type, so that what may go can change (versions, chapter 3.4) while the merging
//! stays what it is.

use super::Shape;
use crate::UserPart;

/// Says of each merged entry whether the outputs keep it.
#[derive(Debug)]
pub struct DropPolicy<'a> {
    shape: &'a Shape,
    target: usize,
    user_part: UserPart,
}

impl<'a> DropPolicy<'a> {
    /// For a compaction into level `target` of a tree that has this shape before it.
    pub fn new(shape: &'a Shape, target: usize, user_part: UserPart) -> DropPolicy<'a> {
        DropPolicy { shape, target, user_part }
    }

    /// Whether the outputs need this entry. It is asked once for each, in key order. A value is kept; a tombstone only
    /// if a level below the target may hold its user key.
    pub fn keeps(&mut self, key: &[u8], value: Option<&[u8]>) -> bool {
        todo!("2.1: values stay; tombstones stay where something older may lie below")
    }
}
