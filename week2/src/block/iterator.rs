//! Walks a block. Chapter 1.3.

use std::ops::Range;

use bytes::Bytes;

use super::Block;

/// Walks a block's entries in order. It owns a handle to the block.
///
/// Since [`Block::decode`] has checked everything, no call can fail.
#[derive(Clone, Debug)]
pub struct BlockIterator {
    block: Block,
    /// Where the next entry begins.
    next: usize,
    /// The current entry's key, put together from its shared beginning and its rest. Empty if there is none.
    key: Vec<u8>,
    /// Where the current entry's value is: offsets from the block's start.
    value: Range<usize>,
    is_tombstone: bool,
    is_valid: bool,
}

impl BlockIterator {
    /// An iterator that stands on no entry yet: its key is empty, its value `None`. Seek first: what `next` does before
    /// any seek is not specified.
    pub fn new(block: Block) -> BlockIterator {
        BlockIterator { block, next: 0, key: Vec::new(), value: 0..0, is_tombstone: false, is_valid: false }
    }

    /// Whether the iterator stands on an entry.
    pub fn is_valid(&self) -> bool {
        self.is_valid
    }

    /// The current entry's key; empty if there is none.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The current entry's value; `None` is a tombstone, or no entry at all.
    pub fn value(&self) -> Option<&[u8]> {
        (self.is_valid && !self.is_tombstone).then(|| &self.block.data[self.value.clone()])
    }

    /// The same as a handle that outlives the iterator: it shares the memory of the bytes that the block was decoded
    /// from, and keeps it. No byte of the value is copied.
    pub fn value_bytes(&self) -> Option<Bytes> {
        (self.is_valid && !self.is_tombstone).then(|| self.block.data.slice(self.value.clone()))
    }

    /// Goes to the first entry.
    pub fn seek_to_first(&mut self) {
        self.next = 0;
        self.next();
    }

    /// Goes to the first entry whose key is `target` or greater, forward or backward from here; with none, to the end.
    ///
    /// Reads the keys at some restart points, about log2 of their number, and then the entries between two of them.
    pub fn seek(&mut self, target: &[u8]) {
        let (mut low, mut high) = (0, self.block.restart_count);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.block.restart_key(middle) <= target {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.next = self.block.restart(low);
        self.next();
        while self.is_valid && self.key.as_slice() < target {
            self.next();
        }
    }

    /// Goes to the next entry. After the last there is none, and `next` changes nothing until the next seek. On a new
    /// iterator, seek first.
    pub fn next(&mut self) {
        match self.block.parse(self.next) {
            Some(parts) => {
                self.key.truncate(parts.shared);
                self.key.extend_from_slice(&self.block.data[parts.key_start..parts.key_end]);
                self.value = parts.key_end..parts.value_end;
                self.is_tombstone = parts.is_tombstone;
                self.next = parts.value_end;
                self.is_valid = true;
            }
            None => {
                self.key.clear();
                self.is_valid = false;
            }
        }
    }
}

impl Block {
    /// The whole key of the entry at a restart point.
    fn restart_key(&self, index: usize) -> &[u8] {
        // `decode` saw an entry with nothing shared at each restart point.
        self.parse(self.restart(index)).map_or(&[], |parts| &self.data[parts.key_start..parts.key_end])
    }
}
