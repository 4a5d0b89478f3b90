//! Merging tables into new ones. Chapter 2.1.
//!
//! ```text
//!   inputs, newest first          merge           keep?          cut          outputs
//!   [a=1 ·  c=×] [f=2 · h=3]  ─▶  a=1 b=5 c=×  ─▶ a=1 b=5  ─▶  a=1 b=5 │  ─▶  [a=1 · b=5]
//!   [b=5 · c=1 · f=9]             f=2 h=3          f=2 h=3      f=2 h=3       [f=2 · h=3]
//! ```
//!
//! Nobody sees the outputs before they are complete, durable and swapped in, so a merge that fails or is called off
//! leaves nothing but files that it removes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DropPolicy;
use crate::iterator::{ConcatIterator, MergeIterator, Source, StorageIterator};
use crate::table::{Resources, Table, TableBuilder, table_path};
use crate::{KeyRange, Result, UserPart};

/// A merge to be done.
pub struct Job<'a> {
    pub directory: &'a Path,
    pub resources: &'a Arc<Resources>,
    /// Sorted runs, newest first: the tables of a run are in key order and do not overlap.
    pub runs: Vec<Vec<Arc<Table>>>,
    /// Says which entries are left out.
    pub policy: DropPolicy<'a>,
    /// Gives each output its id.
    pub take_id: &'a dyn Fn() -> u64,
    /// Asked each time that an output has ended and there are entries left: whether the work is to be given up.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

impl Job<'_> {
    /// Does the merge. The outputs are in key order, open, and durable, names included (one sync of the directory, when
    /// all are written; none if there is no output).
    ///
    /// An output ends when its [`TableBuilder::size`] has reached [`Options::table_size`](crate::Options), but not
    /// between two entries with the same user part. Where no entry is kept there is no output. `None` if the work was
    /// called off.
    ///
    /// Fails with what reading the inputs or writing the outputs fails with. After an error, and when it is called off,
    /// no file is left, as far as the disk allows.
    pub fn run(mut self) -> Result<Option<Vec<Arc<Table>>>> {
        todo!("2.1: write the outputs and sync the directory; on failure let all outputs go")
    }
}
