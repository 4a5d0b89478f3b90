//! Writes a block. Chapter 1.3; sharing keys' beginnings is chapter 1.7.

use super::CHECKSUM_LENGTH;
use crate::coding::put_varint;

/// Collects entries into the bytes of a block. After [`BlockBuilder::finish`] it is empty and can build the next one.
#[derive(Debug)]
pub struct BlockBuilder {
    restart_interval: usize,
    /// The entries so far, encoded.
    data: Vec<u8>,
    restarts: Vec<u32>,
    /// How many entries were added since the last restart point, that one included.
    since_restart: usize,
    last_key: Vec<u8>,
}

impl BlockBuilder {
    /// An empty builder that stores a whole key every `restart_interval` entries.
    pub fn new(restart_interval: usize) -> BlockBuilder {
        let restart_interval = restart_interval.max(1);
        BlockBuilder {
            restart_interval,
            data: Vec::new(),
            restarts: Vec::new(),
            since_restart: 0,
            last_key: Vec::new(),
        }
    }

    /// Adds an entry; `None` is a tombstone. Keys come in strictly ascending order, and a block stays shorter than
    /// 4 GiB: the caller sees to both, so each length and offset fits a `u32`.
    ///
    /// The first entry of a block stores its whole key, and is a restart point. Until chapter 1.7 every other entry
    /// does the same, whatever the interval. From chapter 1.7 on, an entry that is not a restart point leaves out the
    /// longest beginning that its key shares with the key just before it, and every `restart_interval`-th entry is a
    /// restart point.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) {
        let is_restart = self.restarts.is_empty() || self.since_restart == self.restart_interval;
        let shared = if is_restart { 0 } else { shared_length(&self.last_key, key) };
        if is_restart {
            self.restarts.push(self.data.len() as u32);
        }
        self.since_restart = if is_restart { 1 } else { self.since_restart + 1 };
        let rest = &key[shared..];
        put_varint(&mut self.data, shared as u32);
        put_varint(&mut self.data, rest.len() as u32);
        put_varint(&mut self.data, value.map_or(0, |value| value.len() as u32 + 1));
        self.data.extend_from_slice(rest);
        self.data.extend_from_slice(value.unwrap_or_default());
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
    }

    /// How long the finished block would be now, in bytes, checksum included. Without an entry: 8, for the count and the
    /// checksum.
    pub fn size(&self) -> usize {
        self.data.len() + 4 * self.restarts.len() + 4 + CHECKSUM_LENGTH
    }

    pub fn is_empty(&self) -> bool {
        self.restarts.is_empty()
    }

    /// The key that was added last; empty for an empty block.
    pub fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// The block's bytes, checksum included. The builder is empty afterwards.
    ///
    /// Add an entry first: what comes of an empty builder is not specified, and is no block.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut block = std::mem::take(&mut self.data);
        for restart in &self.restarts {
            block.extend_from_slice(&restart.to_le_bytes());
        }
        block.extend_from_slice(&(self.restarts.len() as u32).to_le_bytes());
        let checksum = crc32fast::hash(&block);
        block.extend_from_slice(&checksum.to_le_bytes());
        self.restarts.clear();
        self.last_key.clear();
        block
    }
}

/// How many bytes at their beginning two keys have in common.
fn shared_length(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}
