//! What all sources of entries have in common, from a memtable to a whole level. Chapter 1.2.
//!
//! An LSM tree keeps a key's history in several places. Reading means walking all of them at once, in key order, and
//! for each key believing the newest. So everything that holds entries can be walked in the same way:
//!
//! ```text
//!                     Scan            an Iterator for the user: no tombstones, no keys out of bounds
//!                       │
//!                 MergeIterator       many sources as one: each key once, from its newest source
//!               ┌───────┼────────┐
//!        MemTable…  MemTable…  Table…    StorageIterators, newest first; from 2.1 on, levels of tables too
//! ```
//!
//! LevelDB and RocksDB have the same trait under the name Iterator, with backward steps, which we leave out.

mod merge;
mod scan;
mod source;

pub use merge::MergeIterator;
pub use scan::Scan;
pub(crate) use source::Source;

use bytes::Bytes;

use crate::Result;

/// Walks entries in ascending key order.
///
/// An iterator is made standing on its first entry. After its last entry, and after an error, it is not valid; an
/// error is returned once, by the call that met it, and the iterator stays invalid until a
/// [`seek`](StorageIterator::seek) succeeds and leads to an entry.
pub trait StorageIterator {
    /// Whether the iterator stands on an entry.
    fn is_valid(&self) -> bool;

    /// The entry's key, until the iterator moves; empty if the iterator is not valid. Who needs it for longer copies it.
    fn key(&self) -> &[u8];

    /// The entry's value; `None` is a tombstone, or no entry at all.
    fn value(&self) -> Option<&[u8]>;

    /// The entry's value as a handle that outlives the iterator, without a copy of the bytes.
    fn value_bytes(&self) -> Option<Bytes>;

    /// Goes to the next entry. On an iterator that is not valid it does nothing, for ever, even if something was
    /// written behind the end meanwhile.
    fn next(&mut self) -> Result<()>;

    /// Goes to the first entry whose key is `target` or greater, forward or backward from here. The upper bound that
    /// the iterator was made with holds: with no such entry below it, the iterator is not valid. A lower bound is
    /// where an iterator begins, and nothing more.
    fn seek(&mut self, target: &[u8]) -> Result<()>;
}
