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
        todo!("1.3: the value's bytes in the block")
    }

    /// The same as a handle that outlives the iterator: it shares the memory of the bytes that the block was decoded
    /// from, and keeps it. No byte of the value is copied.
    pub fn value_bytes(&self) -> Option<Bytes> {
        todo!("1.3: a slice of the block's Bytes")
    }

    /// Goes to the first entry.
    pub fn seek_to_first(&mut self) {
        todo!("1.3: start anew at offset 0")
    }

    /// Goes to the first entry whose key is `target` or greater, forward or backward from here; with none, to the end.
    ///
    /// Reads the keys at some restart points, about log2 of their number, and then the entries between two of them.
    pub fn seek(&mut self, target: &[u8]) {
        todo!("1.3: find by halves the last restart point at or below the target, and walk on from there")
    }

    /// Goes to the next entry. After the last there is none, and `next` changes nothing until the next seek. On a new
    /// iterator, seek first.
    pub fn next(&mut self) {
        todo!("1.3: read the entry at `next`; its key begins with bytes of the current key")
    }
}
