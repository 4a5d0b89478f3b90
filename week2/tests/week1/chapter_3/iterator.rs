//! Walking a block, on blocks that are put together by the format.

use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use lsm::block::{Block, BlockIterator};
use lsm::{MAX_KEY_LENGTH, Result};

use super::format::{
    Entry, FILE, OFFSET, assert_entries, current, decode, encode, encode_with, entry, fruits, noise, numbered, rest,
    tombstone, walk,
};

fn iterator_of(entries: &[Entry], interval: usize) -> BlockIterator {
    BlockIterator::new(decode(&encode(entries, interval)))
}

/// A walk from the first entry gives every entry, in order, and then ends.
///
/// Hint: remember where the next entry begins; it is where this one's value ends.
///
/// Book: week1/3-blocks.md#task-3-walk-a-block
#[test]
fn a_walk_gives_every_entry() {
    for count in [1, 2, 3, 50] {
        let entries = numbered(count);
        let what = format!("{count} entries, each a restart point");
        assert_entries(&walk(&encode(&entries, 1), count), &entries, &what);
    }
}

/// A key that was stored without its beginning is put together from the key before it and its rest.
///
/// Hint: cut the current key to `shared` bytes, then append the rest.
///
/// Book: week1/3-blocks.md#shared-beginnings
#[test]
fn shortened_keys_are_put_together() {
    for interval in 2..=12 {
        let what = format!("a restart point every {interval} entries");
        assert_entries(&walk(&encode(&fruits(), interval), 9), &fruits(), &what);
        assert_entries(&walk(&encode(&numbered(30), interval), 30), &numbered(30), &what);
    }
}

/// An entry may share less than it could, and a key may be all that the next one begins with.
///
/// Hint: do what `shared` says; compare no keys.
///
/// Book: week1/3-blocks.md#shared-beginnings
#[test]
fn how_much_is_shared_is_the_writers_affair() {
    let entries = [entry("a", "1"), entry("aa", "2"), entry("aaa", "3"), entry("aab", "4"), entry("b", "5")];
    for most_shared in 0..4 {
        let block = encode_with(&entries, most_shared, |index| index == 3);
        assert_entries(&walk(&block, 5), &entries, &format!("at most {most_shared} bytes are shared"));
    }
    let block = encode_with(&fruits(), 0, |index| index == 5);
    assert_entries(&walk(&block, 9), &fruits(), "all keys are whole, and two of nine entries are restart points");
}

/// A tombstone has no value, and an empty value is one.
///
/// Hint: 0 in the value's field is a tombstone, 1 a value of no bytes.
///
/// Book: week1/3-blocks.md#a-tombstone-is-not-an-empty-value
#[test]
fn tombstones_and_empty_values_are_told_apart() {
    let entries = [entry("a", ""), tombstone("b"), entry("c", "x"), tombstone("d"), entry("e", "")];
    for interval in [1, 16] {
        let mut iterator = iterator_of(&entries, interval);
        iterator.seek_to_first();
        for (key, expected) in &entries {
            let value: Option<&[u8]> = iterator.value();
            let bytes: Option<Bytes> = iterator.value_bytes();
            assert_eq!(value, expected.as_deref(), "value() at {}", key.escape_ascii());
            assert_eq!(bytes.as_deref(), expected.as_deref(), "value_bytes() at {}", key.escape_ascii());
            iterator.next();
        }
    }
}

/// An iterator that stands on no entry has no key and no value: when it is new, and after the last entry.
///
/// Hint: after the last entry, forget the key; `value` asks `is_valid` first.
///
/// Book: week1/3-blocks.md#task-3-walk-a-block
#[test]
fn there_is_nothing_before_the_first_seek_and_after_the_end() {
    for last in [entry("z", "a value"), entry("z", ""), tombstone("z")] {
        let entries = [entry("a", "x"), last];
        let mut iterator = iterator_of(&entries, 16);
        assert_eq!(current(&iterator), None, "a new iterator stands on no entry");
        iterator.seek_to_first();
        assert_eq!(rest(&mut iterator, 2).len(), 2);
        for _ in 0..3 {
            assert!(!iterator.is_valid(), "after the last entry there is none");
            assert_eq!(current(&iterator), None);
            iterator.next();
        }
    }
}

/// `seek_to_first` goes back to the first entry, from the middle and from the end.
///
/// Hint: the first entry shares nothing, whatever key the iterator still holds.
///
/// Book: week1/3-blocks.md#task-3-walk-a-block
#[test]
fn seek_to_first_goes_back() {
    for interval in [1, 3, 16] {
        let mut iterator = iterator_of(&fruits(), interval);
        for steps in 0..12 {
            iterator.seek_to_first();
            assert_eq!(current(&iterator).as_ref(), fruits().first(), "seek_to_first() after {steps} steps");
            (0..steps).for_each(|_| iterator.next());
        }
        iterator.seek_to_first();
        assert_entries(&rest(&mut iterator, 9), &fruits(), "the walk after the last seek_to_first()");
    }
}

/// Keys may be empty, hold any byte, and be prefixes of each other.
///
/// Hint: lengths say where a key ends, not bytes.
///
/// Book: week1/3-blocks.md#a-block-byte-by-byte
#[test]
fn any_keys_are_walked() {
    let keys: [&[u8]; 10] = [b"", b"\0", b"\0\0", b"\0\x01", b"\x01", b"a", b"a\0", b"aa", b"\x80", b"\xff\xff"];
    let entries: Vec<Entry> = keys.iter().map(|key| (key.to_vec(), Some(key.to_vec()))).collect();
    for interval in [1, 2, 16] {
        let what = format!("a restart point every {interval} entries");
        assert_entries(&walk(&encode(&entries, interval), keys.len()), &entries, &what);
    }
}

/// The longest keys, and values longer than any usual block, are read whole.
///
/// Hint: lengths are varints of up to five bytes.
///
/// Book: week1/3-blocks.md#varints
#[test]
fn long_keys_and_values_are_walked() {
    let longest = MAX_KEY_LENGTH * 2 + 10;
    let entries: Vec<Entry> = vec![
        (vec![b'a'; longest - 1], Some(vec![1; 127])),
        (vec![b'a'; longest], Some(vec![2; 128])),
        ([vec![b'a'; longest - 1], vec![b'b']].concat(), Some(vec![3; 300_000])),
        (b"b".to_vec(), Some(vec![4; 16_384])),
    ];
    for interval in [1, 16] {
        let what = format!("a restart point every {interval} entries");
        assert_entries(&walk(&encode(&entries, interval), 4), &entries, &what);
    }
}

/// A block that `decode` took can be read to its end, whatever its bytes are.
///
/// Hint: either `decode` took what it should refuse, or this reads an entry otherwise than `decode` did.
///
/// Book: week1/3-blocks.md#damage-is-found-at-the-door
#[test]
fn whatever_decode_takes_can_be_walked() {
    for sealed in noise() {
        let length = sealed.len();
        let result: Result<Block> = Block::decode(sealed.into(), Path::new(FILE), OFFSET);
        let Ok(block) = result else { continue };
        let mut iterator: BlockIterator = BlockIterator::new(block);
        iterator.seek_to_first();
        assert!(!rest(&mut iterator, length).is_empty(), "a block that decode takes has an entry");
    }
}

/// `value_bytes` copies nothing: it is a part of the memory that `decode` was given.
///
/// Hint: `Bytes::slice` shares; `Bytes::copy_from_slice` does not.
///
/// Book: week1/3-blocks.md#values-are-not-copied
#[test]
fn value_bytes_shares_the_blocks_memory() {
    let bytes: Bytes = encode(&numbered(20), 4).into();
    let memory: Range<usize> = bytes.as_ptr() as usize..bytes.as_ptr() as usize + bytes.len();
    let block: Block = Block::decode(bytes, Path::new(FILE), OFFSET).expect("a well-formed block");
    let mut iterator: BlockIterator = BlockIterator::new(block);
    iterator.seek_to_first();
    while iterator.is_valid() {
        let value: Bytes = iterator.value_bytes().expect("every entry of this block has a value");
        let start = value.as_ptr() as usize;
        assert!(
            memory.contains(&start) && start + value.len() <= memory.end,
            "the value of {} lies outside of the block's memory: it was copied",
            iterator.key().escape_ascii()
        );
        iterator.next();
    }
}

/// A value taken as `Bytes` outlives the iterator and the block.
///
/// Hint: `Bytes` counts its owners; the block's memory lives as long as one of them.
///
/// Book: week1/3-blocks.md#values-are-not-copied
#[test]
fn value_bytes_outlives_the_iterator() {
    let value: Option<Bytes> = {
        let mut iterator = iterator_of(&fruits(), 16);
        iterator.seek_to_first();
        iterator.next();
        iterator.value_bytes()
    };
    assert_eq!(value.as_deref(), Some(&b"red"[..]), "the value of 'apple', after its block is gone");
}
