//! Any of the engine's sources of entries, so that a merge can hold them side by side. Chapter 1.2; tables from 1.5, levels
//! of tables from 2.1.
//!
//! An enum rather than a `Box<dyn StorageIterator>`: a scan asks its sources for their keys several times an entry,
//! and a match is cheaper than a call through a table of functions.

use bytes::Bytes;

use super::ConcatIterator;
use super::StorageIterator;
use crate::Result;
use crate::memtable::MemTableIterator;
use crate::table::TableIterator;

/// One source of a scan.
pub(crate) enum Source {
    MemTable(MemTableIterator),
    Table(TableIterator),
    Concat(ConcatIterator),
}

/// Calls a method on whichever source it is.
macro_rules! of_source {
    ($self:ident, $source:ident => $call:expr) => {
        match $self {
            Source::MemTable($source) => $call,
            Source::Table($source) => $call,
            Source::Concat($source) => $call,
        }
    };
}

impl StorageIterator for Source {
    fn is_valid(&self) -> bool {
        of_source!(self, source => source.is_valid())
    }

    fn key(&self) -> &[u8] {
        of_source!(self, source => source.key())
    }

    fn value(&self) -> Option<&[u8]> {
        of_source!(self, source => source.value())
    }

    fn value_bytes(&self) -> Option<Bytes> {
        of_source!(self, source => source.value_bytes())
    }

    fn next(&mut self) -> Result<()> {
        of_source!(self, source => source.next())
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        of_source!(self, source => source.seek(target))
    }
}
