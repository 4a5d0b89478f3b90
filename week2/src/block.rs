//! Some kilobytes of sorted entries: what is read from a disk at once. Chapter 1.3; shorter keys are chapter 1.7.
//!
//! ```text
//!   ┌─────────┬─────────┬───┬─────────┬──────────────────┬───────┬──────────┐
//!   │ entry 0 │ entry 1 │ … │ entry n │ restart points   │ count │ checksum │
//!   └─────────┴─────────┴───┴─────────┴──────────────────┴───────┴──────────┘
//!                                       u32 each           u32     u32          little-endian
//!
//!   entry:    shared      varint   how many bytes of the key before are this key's beginning
//!             rest        varint   how many bytes of the key follow here
//!             value       varint   0: a tombstone; otherwise the value's length and 1
//!             rest bytes of the key, then the value
//! ```
//!
//! A *restart point* is the offset of an entry with its whole key (shared = 0). The first entry is one; how many
//! others are is the builder's affair. A search looks at restart points by halves, and then walks at most the entries
//! between two. The checksum (CRC-32, as in zip) covers all bytes before it.
//!
//! **Damage is found at the door.** [`Block::decode`] checks the sum and then every length and offset, so that what
//! is read later needs no check and cannot fail. The cost comes once, when the block is read from the disk.
//!
//! The format is LevelDB's with two changes: tombstones are marked here and not in the key, and there is no
//! compression. Source: LevelDB, `doc/table_format.md` and `table/block_builder.cc`.

mod builder;
mod iterator;

pub use builder::BlockBuilder;
pub use iterator::BlockIterator;

use std::path::Path;

use bytes::Bytes;

use crate::coding::{read_u32, take_varint};
use crate::{Error, Result};

/// Length of the checksum at a block's end, in bytes.
pub const CHECKSUM_LENGTH: usize = 4;

/// A block whose bytes have been checked. Clones share the bytes.
#[derive(Clone, Debug)]
pub struct Block {
    /// The whole block, without the checksum.
    data: Bytes,
    /// Where the entries end and the restart points begin.
    restarts: usize,
    restart_count: usize,
}

/// Where an entry's parts are. Offsets are from the block's start.
#[derive(Clone, Copy, Debug)]
struct EntryParts {
    /// Bytes of the previous key that this one begins with.
    shared: usize,
    key_start: usize,
    key_end: usize,
    /// Where the value ends, and the next entry begins.
    value_end: usize,
    is_tombstone: bool,
}

impl Block {
    /// Checks a block's bytes and takes them over.
    ///
    /// `file` and `offset` say where they are from. Fails with [`Error::Corruption`] for these kinds of damage:
    ///
    /// - the bytes are too few for a checksum, or it is not that of the bytes before it;
    /// - there is no entry, or no restart point;
    /// - the restart points do not fit in;
    /// - an entry reaches into the restart points: its three lengths, its key or its value;
    /// - a varint goes on after five bytes, or its number is 2^32 or more (one that is longer than its number needs is no
    ///   damage, though no builder writes it);
    /// - an entry shares more bytes than the key before it has; before the first entry there is none;
    /// - the restart points are not the offsets of entries with `shared` = 0, in ascending order, the first entry's first.
    ///
    /// The error names `file`, and as its offset a byte of the block, counted from the file's start. The block's first
    /// byte, `offset` itself, will do; a byte nearer to the damage is kinder. A sum beyond `u64::MAX` counts as that.
    /// Whether keys ascend is not looked at. No bytes and no `offset` make this panic, and no length is reason for
    /// memory that the block's own bytes do not fill.
    pub fn decode(bytes: Bytes, file: &Path, offset: u64) -> Result<Block> {
        let damaged = |at: usize, what: &str| Err(Error::corruption(file, offset.saturating_add(at as u64), what));
        let Some(checksum_at) = bytes.len().checked_sub(CHECKSUM_LENGTH) else {
            return damaged(0, "a block is shorter than its checksum");
        };
        let data = bytes.slice(..checksum_at);
        if read_u32(&bytes, checksum_at) != Some(crc32fast::hash(&data)) {
            return damaged(0, "a block's checksum does not match its bytes");
        }
        let Some((restarts, restart_count)) = find_restarts(&data) else {
            return damaged(0, "a block's restart points do not fit into it");
        };
        let block = Block { data, restarts, restart_count };
        match block.first_damaged_entry() {
            None => Ok(block),
            Some(at) => damaged(at, "a block's entry or restart point is not well-formed"),
        }
    }

    /// The memory that the block takes, in bytes: its entries and restart points with their count, and this struct. The
    /// checksum, which nobody needs any more, is not counted.
    pub fn size(&self) -> usize {
        self.data.len() + size_of::<Block>()
    }

    /// Walks all entries, to find one that does not fit: its offset. With none, the offsets that this and
    /// [`BlockIterator`] read are all good.
    fn first_damaged_entry(&self) -> Option<usize> {
        let mut restarts = (0..self.restart_count).map(|index| self.restart(index)).peekable();
        let (mut at, mut key_length) = (0, 0);
        while at < self.restarts {
            let Some(parts) = self.parse(at).filter(|parts| parts.shared <= key_length) else {
                return Some(at);
            };
            if restarts.next_if_eq(&at).is_some() && parts.shared != 0 {
                return Some(at);
            }
            key_length = parts.shared + parts.key_end - parts.key_start;
            at = parts.value_end;
        }
        // With no entry, no restart point was met.
        let is_whole = self.restart(0) == 0 && restarts.next().is_none();
        if is_whole { None } else { Some(self.restarts) }
    }

    /// The offset that a restart point holds.
    fn restart(&self, index: usize) -> usize {
        // `find_restarts` saw that there are `restart_count` of them; no offset leads anywhere that is not checked.
        read_u32(&self.data, self.restarts + 4 * index).map_or(usize::MAX, |offset| offset as usize)
    }

    /// Reads the entry at an offset; `None` if it does not end before the restart points.
    #[inline]
    fn parse(&self, at: usize) -> Option<EntryParts> {
        let entries = &self.data[..self.restarts];
        let (shared, rest) = take_varint(entries.get(at..)?)?;
        let (unshared, rest) = take_varint(rest)?;
        let (value, rest) = take_varint(rest)?;
        let key_start = entries.len() - rest.len();
        let key_end = key_start.checked_add(unshared as usize)?;
        let value_end = key_end.checked_add(value.saturating_sub(1) as usize)?;
        let parts = EntryParts { shared: shared as usize, key_start, key_end, value_end, is_tombstone: value == 0 };
        (value_end <= entries.len()).then_some(parts)
    }
}

/// Where the restart points begin and how many there are; `None` if there is none, or if they do not fit.
fn find_restarts(data: &[u8]) -> Option<(usize, usize)> {
    let count_at = data.len().checked_sub(4)?;
    let count = read_u32(data, count_at)? as usize;
    let restarts = count_at.checked_sub(count.checked_mul(4)?)?;
    (count > 0).then_some((restarts, count))
}
