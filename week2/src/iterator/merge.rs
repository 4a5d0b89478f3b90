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
        let heap = BinaryHeap::with_capacity(sources.len());
        let mut merge = MergeIterator { heap, idle: Vec::new(), stepped_over: Vec::new() };
        for (age, source) in sources.into_iter().enumerate() {
            merge.place(Ranked { age, source });
        }
        merge
    }

    fn place(&mut self, ranked: Ranked<I>) {
        if ranked.source.is_valid() {
            self.heap.push(ranked);
        } else {
            self.idle.push(ranked);
        }
    }

    /// After an error no source may be trusted: all are idle, and the merge is not valid.
    fn give_up(&mut self) {
        self.idle.extend(self.heap.drain());
    }

    /// Steps the top source forward, and gives it its new place.
    fn step_top(&mut self) -> Result<()> {
        let Some(mut top) = self.heap.peek_mut() else { return Ok(()) };
        let outcome = top.source.next();
        if outcome.is_err() {
            drop(top);
            self.give_up();
        } else if !top.source.is_valid() {
            let ended = PeekMut::pop(top);
            self.idle.push(ended);
        }
        outcome
    }
}

impl<I: StorageIterator> StorageIterator for MergeIterator<I> {
    fn is_valid(&self) -> bool {
        !self.heap.is_empty()
    }

    fn key(&self) -> &[u8] {
        self.heap.peek().map_or(&[], |top| top.source.key())
    }

    fn value(&self) -> Option<&[u8]> {
        self.heap.peek().and_then(|top| top.source.value())
    }

    fn value_bytes(&self) -> Option<Bytes> {
        self.heap.peek().and_then(|top| top.source.value_bytes())
    }

    /// Steps over the current key in every source that has it. If a source fails, the merge is not valid: what the
    /// other sources hold cannot be told from what the failed one would have hidden.
    fn next(&mut self) -> Result<()> {
        let mut key = std::mem::take(&mut self.stepped_over);
        key.clear();
        key.extend_from_slice(self.key());
        let mut outcome = Ok(());
        // After an error the merge is not valid, so that this ends too.
        while self.is_valid() && self.key() == key {
            outcome = self.step_top();
        }
        self.stepped_over = key;
        outcome
    }

    /// Seeks in every source, once, those that have ended included. If one fails, the merge is not valid, wherever it
    /// stood before, and keeps all sources for a later seek.
    fn seek(&mut self, target: &[u8]) -> Result<()> {
        self.give_up();
        for ranked in &mut self.idle {
            ranked.source.seek(target)?;
        }
        for ranked in std::mem::take(&mut self.idle) {
            self.place(ranked);
        }
        Ok(())
    }
}

// The heap of the standard library has its *greatest* element on top, so what should come first is greater.
impl<I: StorageIterator> Ord for Ranked<I> {
    fn cmp(&self, other: &Self) -> Ordering {
        let keys = other.source.key().cmp(self.source.key());
        keys.then(other.age.cmp(&self.age))
    }
}

impl<I: StorageIterator> PartialOrd for Ranked<I> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<I: StorageIterator> PartialEq for Ranked<I> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<I: StorageIterator> Eq for Ranked<I> {}
