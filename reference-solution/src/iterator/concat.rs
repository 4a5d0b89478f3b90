//@ 2.1
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
        //@ 2.1: begin with the first table that reaches into the range
        let next = tables.partition_point(|table| !range.reaches_down_to(table.last_key()));
        let mut iterator = ConcatIterator { tables, range: range.clone(), next, current: None };
        iterator.enter_next()?;
        Ok(iterator)
    }

    //@ 2.1 only
    /// Begins the next table that has an entry in the range.
    fn enter_next(&mut self) -> Result<()> {
        self.current = None;
        while let Some(table) = self.tables.get(self.next) {
            if !self.range.reaches_up_to(table.first_key()) {
                return Ok(());
            }
            self.next += 1;
            let entries = table.scan(&self.range)?;
            if entries.is_valid() {
                self.current = Some(entries);
                return Ok(());
            }
        }
        Ok(())
    }
}

impl StorageIterator for ConcatIterator {
    fn is_valid(&self) -> bool {
        //@ 2.1: whether the iterator stands on an entry
        self.current.is_some()
    }

    fn key(&self) -> &[u8] {
        //@ 2.1: the current entry's key, empty if there is none
        self.current.as_ref().map_or(&[], |entries| entries.key())
    }

    fn value(&self) -> Option<&[u8]> {
        //@ 2.1: the current entry's value
        self.current.as_ref().and_then(|entries| entries.value())
    }

    fn value_bytes(&self) -> Option<Bytes> {
        //@ 2.1: the same, without a copy
        self.current.as_ref().and_then(|entries| entries.value_bytes())
    }

    fn next(&mut self) -> Result<()> {
        //@ 2.1: the table's next entry, or the first one of the next table; an error ends the walk
        let Some(entries) = &mut self.current else { return Ok(()) };
        let outcome = entries.next();
        if outcome.is_err() {
            self.current = None;
        } else if !entries.is_valid() {
            return self.enter_next();
        }
        outcome
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        //@ 2.1: find the table by the last keys, then seek in it; none behind the range
        // From here on this is where the walk begins: the bound that the iterator was made with does not hold a seek.
        self.range.lower = Bound::Included(Bytes::copy_from_slice(target));
        self.next = self.tables.partition_point(|table| table.last_key() < target);
        self.enter_next()
    }
}
