//! A bloom filter: says of a key "certainly not here" or "maybe", from some ten bits a key. Chapter 1.7.
//!
//! A lookup in a tree of many tables fails in most of them. The filter stays in memory and spares those reads: with
//! 10 bits a key, about one in a hundred keys that are not there gets a "maybe".
//!
//! A textbook filter sets k bits anywhere, and a question then costs up to k cache misses. Here all bits of one key
//! are in one *line* of 64 bytes, which is what a processor fetches at once:
//!
//! ```text
//!   hash (64 bits):   upper half → which line     lower half → which bits of its 512
//!
//!   filter:   line 0 (64 bytes) │ line 1 │ … │ probes u8 │ checksum u32 (CRC-32 of all bytes before it)
//!
//!   line:     upper half * number of lines / 2^32
//!   bits:     h = lower half; probes times: bit h >> 23 of the line; then h = h * 0x9E3779B9, in 32 bits
//!             bit b is in byte b / 8 of the line, where it counts 1 << (b % 8)
//! ```
//!
//! The crowding of keys in lines costs some accuracy: 1.0 % instead of 0.8 % at 10 bits a key. Source: Putze, Sanders
//! and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007); RocksDB, `util/bloom_impl.h`
//! (FastLocalBloom).

use std::path::Path;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::coding::read_u32;
use crate::{Error, Result};

/// Bytes in a line: a cache line of nearly all processors.
const LINE: usize = 64;
/// Bytes behind the lines: the number of probes and the checksum.
const TRAILER: usize = 5;
const MAX_PROBES: usize = 30;

/// The hash that filters work with, of a key's user part: XXH3 with 64 bits. Given.
pub fn key_hash(user_part: &[u8]) -> u64 {
    xxh3_64(user_part)
}

/// A filter whose bytes have been checked.
#[derive(Clone, Debug)]
pub struct Filter {
    lines: Bytes,
    probes: u8,
}

/// Collects hashes for a filter.
#[derive(Debug, Default)]
pub struct FilterBuilder {
    hashes: Vec<u64>,
}

impl FilterBuilder {
    pub fn new() -> FilterBuilder {
        FilterBuilder::default()
    }

    /// Adds a key by its [`key_hash`]. A hash that equals the last one added is left out: versions of one key follow
    /// each other.
    pub fn add(&mut self, hash: u64) {
        if self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
        }
    }

    /// The bytes of a filter for all hashes that were added: the fewest whole lines that give each of them at least
    /// `bits_per_key` bits, but at least one line.
    ///
    /// The number of probes is six tenths of `bits_per_key`, rounded down, but at least 1 and at most 30: somewhat
    /// under the 0.69 times that a filter without lines would want.
    pub fn finish(&self, bits_per_key: usize) -> Vec<u8> {
        let bits = self.hashes.len() * bits_per_key;
        let count = bits.div_ceil(8 * LINE).max(1);
        let probes = (bits_per_key * 6 / 10).clamp(1, MAX_PROBES) as u8;
        let mut filter = vec![0; count * LINE];
        for hash in &self.hashes {
            let line = line_of(*hash, count);
            for bit in probed_bits(*hash, probes) {
                filter[line * LINE + bit / 8] |= 1 << (bit % 8);
            }
        }
        filter.push(probes);
        let checksum = crc32fast::hash(&filter);
        filter.extend_from_slice(&checksum.to_le_bytes());
        filter
    }
}

impl Filter {
    /// Checks a filter's bytes and takes them over. `file` and `offset` say where they are from.
    ///
    /// Fails with [`Error::Corruption`] if the checksum does not match, if there is no line or a broken one, or if
    /// the number of probes is not from 1 to 30.
    pub fn decode(bytes: Bytes, file: &Path, offset: u64) -> Result<Filter> {
        let damaged = |what| Err(Error::corruption(file, offset, what));
        let lines = bytes.len().saturating_sub(TRAILER);
        if lines == 0 || !lines.is_multiple_of(LINE) {
            return damaged("a filter has no whole number of lines");
        }
        if read_u32(&bytes, lines + 1) != Some(crc32fast::hash(&bytes[..=lines])) {
            return damaged("a filter's checksum does not match its bytes");
        }
        let probes = bytes[lines];
        if !(1..=MAX_PROBES).contains(&usize::from(probes)) {
            return damaged("a filter has an impossible number of probes");
        }
        Ok(Filter { lines: bytes.slice(..lines), probes })
    }

    /// Whether a key with this [`key_hash`] may have been added. `false` is certain.
    pub fn may_contain(&self, hash: u64) -> bool {
        let line = line_of(hash, self.lines.len() / LINE) * LINE;
        let line = &self.lines[line..line + LINE];
        probed_bits(hash, self.probes).all(|bit| line[bit / 8] & (1 << (bit % 8)) != 0)
    }

    /// The memory that the filter takes, in bytes.
    pub fn size(&self) -> usize {
        self.lines.len()
    }
}

/// The line of a hash, of `count` lines: a multiplication where a remainder would need a division.
fn line_of(hash: u64, count: usize) -> usize {
    (((hash >> 32) * count as u64) >> 32) as usize
}

/// The bits of a line that belong to a hash.
fn probed_bits(hash: u64, probes: u8) -> impl Iterator<Item = usize> {
    let first = hash as u32;
    let remixed = std::iter::successors(Some(first), |mixed| Some(mixed.wrapping_mul(0x9E37_79B9)));
    remixed.take(usize::from(probes)).map(|mixed| (mixed >> 23) as usize)
}
