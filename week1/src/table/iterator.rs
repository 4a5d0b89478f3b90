//! Walks a table, or a part of it. Chapter 1.4.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::Table;
use crate::block::BlockIterator;
use crate::iterator::StorageIterator;
use crate::{KeyRange, Result};

/// Walks a table's entries within a range. It holds the table and one block, the one that it stands in.
///
/// It reads a block when it gets there, and never one that lies wholly behind the range's end.
pub struct TableIterator {
    table: Arc<Table>,
    range: KeyRange,
    /// Stands on the entry of the block that is being walked.
    index: BlockIterator,
    /// `None` after the last entry and after an error.
    entries: Option<BlockIterator>,
}

impl Table {
    /// The entries of a range, in key order, tombstones included. The iterator stands on the first one, for which at
    /// most one block was read, or two where the range begins just behind a block's last key.
    pub fn scan(self: &Arc<Table>, range: &KeyRange) -> Result<TableIterator> {
        todo!("1.4: an iterator that stands on the first entry in the range")
    }
}

impl StorageIterator for TableIterator {
    fn is_valid(&self) -> bool {
        todo!("1.4: whether the iterator stands on an entry")
    }

    fn key(&self) -> &[u8] {
        todo!("1.4: the current entry's key, empty if there is none")
    }

    fn value(&self) -> Option<&[u8]> {
        todo!("1.4: the current entry's value")
    }

    fn value_bytes(&self) -> Option<Bytes> {
        todo!("1.4: the current entry's value, sharing the block's memory")
    }

    fn next(&mut self) -> Result<()> {
        todo!("1.4: the next entry of the block, or the first of the next block; none behind the bound")
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        todo!("1.4: find the block by the index, then the entry by the block; none behind the bound")
    }
}
