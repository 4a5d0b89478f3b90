//! Walks a table, or a part of it. Chapter 1.4.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::Table;
use super::index_entry;
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
        let index = BlockIterator::new(self.index.clone());
        let mut iterator = TableIterator { table: self.clone(), range: range.clone(), index, entries: None };
        match &range.lower {
            Bound::Unbounded => iterator.seek(&[])?,
            Bound::Included(lower) => iterator.seek(lower)?,
            Bound::Excluded(lower) => iterator.seek_behind(lower)?,
        }
        Ok(iterator)
    }
}

impl TableIterator {
    /// Goes to the first entry after `key`.
    fn seek_behind(&mut self, key: &[u8]) -> Result<()> {
        self.seek(key)?;
        if self.key() == key { self.next() } else { Ok(()) }
    }

    /// Begins the block that the index stands on, unless that lies behind the range.
    fn enter_block(&mut self, target: Option<&[u8]>) -> Result<()> {
        self.entries = None;
        let Some((section, first_key)) = index_entry(&self.index) else { return Ok(()) };
        if !self.range.reaches_up_to(first_key) {
            return Ok(());
        }
        let mut entries = BlockIterator::new(self.table.block(section)?);
        match target {
            Some(target) => entries.seek(target),
            None => entries.seek_to_first(),
        }
        self.entries = Some(entries);
        Ok(())
    }

    /// Ends the iteration where the range ends.
    fn stop_at_bound(&mut self) {
        if !self.range.reaches_up_to(self.key()) {
            self.entries = None;
        }
    }
}

impl StorageIterator for TableIterator {
    fn is_valid(&self) -> bool {
        self.entries.as_ref().is_some_and(BlockIterator::is_valid)
    }

    fn key(&self) -> &[u8] {
        self.entries.as_ref().map_or(&[], BlockIterator::key)
    }

    fn value(&self) -> Option<&[u8]> {
        self.entries.as_ref().and_then(BlockIterator::value)
    }

    fn value_bytes(&self) -> Option<Bytes> {
        self.entries.as_ref().and_then(BlockIterator::value_bytes)
    }

    fn next(&mut self) -> Result<()> {
        let Some(entries) = &mut self.entries else { return Ok(()) };
        entries.next();
        if !entries.is_valid() {
            self.index.next();
            self.enter_block(None)?;
        }
        self.stop_at_bound();
        Ok(())
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        self.index.seek(target);
        self.enter_block(Some(target))?;
        self.stop_at_bound();
        Ok(())
    }
}
