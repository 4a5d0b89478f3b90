//! Which bytes `Block::decode` takes: hand-made blocks that no builder of this chapter writes, too.

use std::path::Path;

use bytes::Bytes;
use lsm::block::Block;
use lsm::{Error, Result};

use super::format::{
    FILE, OFFSET, assemble, assert_refused, decode, encode, encode_with, fruits, noise, numbered, offsets, raw_entry,
    well_formed,
};

/// `decode` takes every block of the format, whatever its restart points are.
///
/// Hint: the number of restart points stands in the block; nothing says that every entry is one.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn blocks_with_any_interval_are_taken() {
    for interval in 1..=12 {
        let block: Block = decode(&encode(&fruits(), interval));
        assert!(block.size() > 0);
    }
    decode(&encode_with(&fruits(), 2, |index| [1, 2, 7].contains(&index)));
}

/// An entry may hold its whole key without being a restart point.
///
/// Hint: a restart point has `shared` = 0; the reverse need not hold.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn a_whole_key_need_not_be_a_restart_point() {
    decode(&encode_with(&fruits(), 0, |index| index == 5));
    decode(&encode_with(&fruits(), 0, |_| false));
}

/// A length may be written in more bytes than it needs: no builder does so, but it is no damage.
///
/// Hint: `take_varint` takes them; nothing else has to be done.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn varints_may_be_longer_than_needed() {
    for entry in [&b"\x80\0\x01\x04kred"[..], b"\0\x81\x80\x80\x80\0\x04kred", b"\0\x01\x84\x80\0kred"] {
        decode(&assemble(&[entry.to_vec()], &[0]));
    }
}

/// A decoded block tells the memory it takes: its bytes, and a little more.
///
/// Hint: the cache of chapter 1.4 is bounded by this number.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn a_block_tells_its_size() {
    let bytes = encode(&numbered(100), 16);
    let size: usize = decode(&bytes).size();
    let (least, most) = (bytes.len() - 8, bytes.len() + 200);
    assert!((least..=most).contains(&size), "a block of {} bytes says that it takes {size}", bytes.len());
}

/// A block whose bytes were changed at any single bit is refused: the checksum finds that.
///
/// Hint: compare the last four bytes with the CRC-32 of all bytes before, and look at nothing else before that.
///
/// Book: week1/3-blocks.md#damage-is-found-at-the-door
#[test]
fn every_flipped_bit_is_found() {
    let block = encode(&fruits(), 3);
    decode(&block);
    for bit in 0..8 * block.len() {
        let mut damaged = block.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_refused(&damaged, &format!("bit {} of byte {} is flipped", bit % 8, bit / 8));
    }
}

/// A block that was cut short anywhere is refused, down to no bytes at all.
///
/// Hint: fewer than four bytes hold no checksum; subtract with `checked_sub`.
///
/// Book: week1/3-blocks.md#damage-is-found-at-the-door
#[test]
fn every_truncation_is_found() {
    let block = encode(&fruits(), 3);
    decode(&block);
    for length in 0..block.len() {
        assert_refused(&block[..length], &format!("of {} bytes the first {length} are left", block.len()));
        assert_refused(&block[block.len() - length..], &format!("of {} bytes the last {length} are left", block.len()));
    }
}

/// Bytes behind a block, or missing at its front, are damage too.
///
/// Hint: the checksum is the last four bytes of what `decode` is given.
///
/// Book: week1/3-blocks.md#damage-is-found-at-the-door
#[test]
fn bytes_too_many_are_found() {
    let block = encode(&fruits(), 3);
    decode(&block);
    assert_refused(&[&block[..], b"\0"].concat(), "a zero byte follows the block");
    assert_refused(&[b"\0", &block[..]].concat(), "a zero byte precedes the block");
    assert_refused(&[&block[..], &block[..]].concat(), "the block stands there twice");
}

/// Whatever bytes carry a right checksum, `decode` takes or refuses them: no length or offset makes it panic.
///
/// Hint: let every sum be a `checked_add`, and every slice a `get`, until `decode` has seen all entries.
///
/// Book: week1/3-blocks.md#damage-is-found-at-the-door
#[test]
fn no_bytes_with_a_right_checksum_make_decode_panic() {
    decode(&encode(&fruits(), 3));
    let mut taken = 0;
    for sealed in noise() {
        let result: Result<Block> = Block::decode(Bytes::copy_from_slice(&sealed), Path::new(FILE), OFFSET);
        match result {
            Ok(_) => taken += 1,
            Err(_) => assert_refused(&sealed, "damage under a right checksum"),
        }
    }
    assert!(taken > 0, "a changed letter in a value is no damage once the checksum is right; all were refused");
}

/// The offset in an error is counted from the file's start, also for a block at the file's start.
///
/// Hint: add the `offset` that `decode` was told to the place within the block.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn the_offset_in_an_error_is_the_files() {
    let mut entries: Vec<Vec<u8>> = numbered(50).iter().map(|entry| well_formed(entry, 0)).collect();
    let good = assemble(&entries, &offsets(&entries));
    decode(&good);
    entries[40] = raw_entry(1_000, b"shares more than there is", 1, b"");
    let damaged = assemble(&entries, &offsets(&entries)[..40]);
    for offset in [0, OFFSET, 5_000_000_000] {
        let result: Result<Block> = Block::decode(Bytes::copy_from_slice(&damaged), Path::new(FILE), offset);
        let Err(Error::Corruption { offset: found, .. }) = result else {
            panic!("entry 40 shares more than the key before it has, but decode gave {result:?}")
        };
        let end = offset + damaged.len() as u64;
        assert!((offset..end).contains(&found), "the block is at bytes {offset} to {end}; the error says byte {found}");
    }
}

/// No offset makes `decode` panic: where the damage would be beyond 64 bits, the error names the greatest number there is.
///
/// Hint: `saturating_add`.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn no_offset_makes_decode_panic() {
    let mut entries: Vec<Vec<u8>> = numbered(50).iter().map(|entry| well_formed(entry, 0)).collect();
    let good = assemble(&entries, &offsets(&entries));
    entries[40] = raw_entry(1_000, b"shares more than there is", 1, b"");
    let damaged = assemble(&entries, &offsets(&entries)[..40]);
    for offset in [u64::MAX, u64::MAX - 1, u64::MAX - damaged.len() as u64] {
        let result: Result<Block> = Block::decode(Bytes::copy_from_slice(&good), Path::new(FILE), offset);
        assert!(result.is_ok(), "a well-formed block that is said to be at byte {offset} was refused: {result:?}");
        let result: Result<Block> = Block::decode(Bytes::copy_from_slice(&damaged), Path::new(FILE), offset);
        let Err(Error::Corruption { offset: found, .. }) = result else {
            panic!("entry 40 shares more than the key before it has, but decode gave {result:?}")
        };
        assert!(found >= offset, "the block begins at byte {offset}; the error says byte {found}");
    }
}
