//! A sorted run of tables as one source. Chapter 2.1.
//!
//! The tables of a level do not overlap, so walking the level is walking one table after the other. Nothing has to be
//! compared, and a table is not asked before the walk gets there: a scan of ten entries in a level of a thousand
//! tables reads one table.
//!
//! ```text
//!   [a··f] [g···n] [p····z]        seek(k): search the tables' last keys, then seek in [g···n]
//!            ▲                     next, at n: begin [p····z]
//! ```
//!
//! LevelDB calls it a two-level iterator, RocksDB a LevelIterator.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::StorageIterator;
use crate::table::{Table, TableIterator};
use crate::{KeyRange, Result};

/// Walks tables that do not overlap, in key order, within a range.
pub struct ConcatIterator {
    tables: Arc<Vec<Arc<Table>>>,
    range: KeyRange,
    /// Which table comes after the one that is being walked.
    next: usize,
    /// `None` after the last entry and after an error.
    current: Option<TableIterator>,
}

impl ConcatIterator {
    /// The entries of `tables`, which are in key order and do not overlap, within a range. The iterator stands on the
    /// first one. Only the tables that it had to look into were read.
    ///
    /// The list is shared, so that a scan of a large level does not copy it.
    pub fn new(tables: Arc<Vec<Arc<Table>>>, range: &KeyRange) -> Result<ConcatIterator> {
        todo!("2.1: begin with the first table that reaches into the range")
    }
}

impl StorageIterator for ConcatIterator {
    fn is_valid(&self) -> bool {
        todo!("2.1: whether the iterator stands on an entry")
    }

    fn key(&self) -> &[u8] {
        todo!("2.1: the current entry's key, empty if there is none")
    }

    fn value(&self) -> Option<&[u8]> {
        todo!("2.1: the current entry's value")
    }

    fn value_bytes(&self) -> Option<Bytes> {
        todo!("2.1: the same, without a copy")
    }

    fn next(&mut self) -> Result<()> {
        todo!("2.1: the table's next entry, or the first one of the next table; an error ends the walk")
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        todo!("2.1: find the table by the last keys, then seek in it; none behind the range")
    }
}
