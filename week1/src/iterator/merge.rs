//! Many sorted sources as one. Chapter 1.2.
//!
//! A heap holds the sources that still have entries; on top is the one with the smallest key, and of those with an
//! equal key the newest. To go on, the top steps forward and sinks to its new place, which takes about log2(sources)
//! comparisons:
//!
//! ```text
//!   newest  b=4  d=5            the heap, top first     out
//!           a=1  b=×  c=3       a(1) b(0) b(2)          a=1
//!   oldest  b=2  e=6            b(0) b(1) b(2)          b=4, and b=× and b=2 are stepped over
//! ```
//!
//! Tombstones (×) come out like any entry: whoever merges a part of the tree must not forget that a key is deleted,
//! since an older part may still hold it.
//!
//! RocksDB merges with a heap too; a tree of losers (Knuth, The Art of Computer Programming, volume 3, 5.4.1)
//! compares less when there are many sources.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use bytes::Bytes;

use super::StorageIterator;
use crate::Result;

/// Merges sources into one: every key once, as its newest source has it, tombstones included.
///
/// At the first error `next` and `seek` stop: that error is returned, no other source is touched in that call, and the
/// merge is not valid. A seek that succeeds in all sources lets it be used again.
pub struct MergeIterator<I: StorageIterator> {
    /// The sources that stand on an entry.
    heap: BinaryHeap<Ranked<I>>,
    /// Those that do not: a seek may bring them back.
    idle: Vec<Ranked<I>>,
    /// The key that `next` steps over; kept for its allocation.
    stepped_over: Vec<u8>,
}

/// A source with its age: 0 is the newest.
struct Ranked<I> {
    age: usize,
    source: I,
}

impl<I: StorageIterator> MergeIterator<I> {
    /// Merges `sources`, of which the first is the newest. They may stand on their first entries or be at their end.
    pub fn new(sources: Vec<I>) -> MergeIterator<I> {
        todo!("1.2: put the sources that stand on an entry into the heap")
    }
}

impl<I: StorageIterator> StorageIterator for MergeIterator<I> {
    fn is_valid(&self) -> bool {
        todo!("1.2: whether any source has an entry left")
    }

    fn key(&self) -> &[u8] {
        todo!("1.2: the smallest key, empty after the last")
    }

    fn value(&self) -> Option<&[u8]> {
        todo!("1.2: that key's newest value")
    }

    fn value_bytes(&self) -> Option<Bytes> {
        todo!("1.2: the same, without a copy")
    }

    /// Steps over the current key in every source that has it. If a source fails, the merge is not valid: what the
    /// other sources hold cannot be told from what the failed one would have hidden.
    fn next(&mut self) -> Result<()> {
        todo!("1.2: step over the current key in every source that stands on it; an error ends the merge")
    }

    /// Seeks in every source, once, those that have ended included. If one fails, the merge is not valid, wherever it
    /// stood before, and keeps all sources for a later seek.
    fn seek(&mut self, target: &[u8]) -> Result<()> {
        todo!("1.2: seek in every source, the idle ones too; an error ends the merge")
    }
}
