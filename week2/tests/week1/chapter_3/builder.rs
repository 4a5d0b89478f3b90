//! What the builder writes, read by the format alone.

use lsm::MAX_KEY_LENGTH;
use lsm::block::BlockBuilder;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::any;
use proptest::proptest;
use proptest::test_runner::{Config, RngSeed};

use super::format::{Entry, Parsed, assert_entries, entry, fruits, numbered, parse, tombstone};

const INTERVALS: [usize; 5] = [1, 2, 3, 7, 16];

fn builder_of(entries: &[Entry], interval: usize) -> BlockBuilder {
    let mut builder: BlockBuilder = BlockBuilder::new(interval);
    for (key, value) in entries {
        builder.add(key, value.as_deref());
    }
    builder
}

fn build(entries: &[Entry], interval: usize) -> Vec<u8> {
    builder_of(entries, interval).finish()
}

/// Demands that a block, read by the format, holds these entries.
fn assert_holds(block: &[u8], entries: &[Entry]) {
    assert_entries(&parse(block).entries, entries, "the finished block, read by the format");
}

/// Demands that two blocks are equal, and otherwise tells where they differ.
fn assert_same(found: &[u8], expected: &[u8], what: &str) {
    let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
    let place = match differs {
        Some(at) => format!("they differ from byte {at} on: {:02x} instead of {:02x}", found[at], expected[at]),
        None => "as far as both go they are equal".to_string(),
    };
    assert!(found == expected, "{what}: {} bytes, expected {}; {place}", found.len(), expected.len());
}

/// A finished block holds the entries that were added, in order, in the format that the book gives.
///
/// Hint: an entry is three varints (shared, rest, value), then the key's rest, then the value.
///
/// Book: week1/3-blocks.md#a-block-byte-by-byte
#[test]
fn a_finished_block_holds_what_was_added() {
    for interval in INTERVALS {
        assert_holds(&build(&fruits(), interval), &fruits());
        assert_holds(&build(&numbered(40), interval), &numbered(40));
    }
}

/// A block can have a single entry.
///
/// Hint: the first entry is a restart point, so even this block has one.
///
/// Book: week1/3-blocks.md#task-1-write-a-block
#[test]
fn a_block_can_have_one_entry() {
    for single in [entry("apple", "red"), tombstone("apple"), entry("", ""), tombstone("")] {
        assert_holds(&build(std::slice::from_ref(&single), 16), &[single]);
    }
}

/// The restart points are offsets of entries that hold their whole key; the first entry is one, and they ascend.
///
/// Hint: note the length of the entries so far *before* the entry is encoded: that is where it will begin.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn restart_points_are_offsets_of_entries_with_their_whole_key() {
    for interval in INTERVALS {
        let Parsed { offsets, restarts, .. } = parse(&build(&numbered(40), interval));
        assert_eq!(restarts.first(), Some(&0), "interval {interval}: the first restart point is the first entry");
        assert!(restarts.is_sorted_by(|a, b| a < b), "interval {interval}: restart points ascend; found {restarts:?}");
        for restart in restarts {
            let found = offsets.iter().find(|(at, _)| *at == restart);
            let Some((_, is_whole)) = found else {
                panic!("interval {interval}: no entry begins at restart point {restart}; they do at {offsets:?}")
            };
            assert!(*is_whole, "interval {interval}: the entry at restart point {restart} leaves bytes of its key out");
        }
    }
}

/// A tombstone is marked as one, and an empty value is a value.
///
/// Hint: the third varint is 0 for a tombstone, and the value's length plus one otherwise.
///
/// Book: week1/3-blocks.md#a-tombstone-is-not-an-empty-value
#[test]
fn a_tombstone_is_not_an_empty_value() {
    let entries = [entry("a", ""), tombstone("b"), entry("c", "x"), entry("d", ""), tombstone("e")];
    assert_holds(&build(&entries, 16), &entries);
}

/// Keys may be empty, hold zero bytes and bytes above 127, and be prefixes of each other.
///
/// Hint: keys are bytes with a length before them; nothing ends them, and no byte is special.
///
/// Book: week1/3-blocks.md#a-block-byte-by-byte
#[test]
fn keys_are_any_bytes() {
    let keys: [&[u8]; 11] =
        [b"", b"\0", b"\0\0", b"\0\0\x01", b"\0\x01", b"\x01", b"a", b"a\0", b"aa", b"\x7f", b"\xff\xff"];
    let entries: Vec<Entry> = keys.iter().map(|key| (key.to_vec(), Some(key.to_vec()))).collect();
    for interval in INTERVALS {
        assert_holds(&build(&entries, interval), &entries);
    }
}

/// Lengths that no longer fit one byte, or two, are written as longer varints.
///
/// Hint: `put_varint` of `coding` writes them; a cast to u8 keeps only the lowest bits.
///
/// Book: week1/3-blocks.md#varints
#[test]
fn long_lengths_are_longer_varints() {
    for length in [0, 1, 126, 127, 128, 129, 255, 256, 300, 16_382, 16_383, 16_384, 65_535, 65_536] {
        let entries = [
            (vec![b'k'; length], Some(b"long key".to_vec())),
            (b"l".to_vec(), Some(vec![b'v'; length])),
            (b"m".to_vec(), Some(b"behind a long value".to_vec())),
        ];
        assert_holds(&build(&entries, 16), &entries);
    }
}

/// A key may be 64,010 bytes long: twice the engine's limit and ten bytes.
///
/// Hint: week 3 writes a version behind keys, and escapes them; a block takes what it is given.
///
/// Book: week1/3-blocks.md#task-1-write-a-block
#[test]
fn the_longest_key_fits() {
    let longest = MAX_KEY_LENGTH * 2 + 10;
    let entries = [
        (vec![b'a'; longest - 1], Some(b"first".to_vec())),
        (vec![b'a'; longest], None),
        ([vec![b'a'; longest - 1], vec![b'b']].concat(), Some(b"last".to_vec())),
    ];
    assert_holds(&build(&entries, 16), &entries);
}

/// A value may be far longer than the size at which a table closes its blocks.
///
/// Hint: a block's size is the caller's affair; the builder refuses nothing.
///
/// Book: week1/3-blocks.md#task-1-write-a-block
#[test]
fn a_value_may_be_longer_than_a_usual_block() {
    let large: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    let entries = [entry("a", "small"), (b"b".to_vec(), Some(large)), entry("c", "small again")];
    assert_holds(&build(&entries, 16), &entries);
}

/// `size` is the length that the block would have if it were finished now: tables end their blocks by it.
///
/// Hint: the entries, four bytes for each restart point, four for their count, four for the checksum. Without an entry,
/// the last two are left.
///
/// Book: week1/3-blocks.md#task-1-write-a-block
#[test]
fn size_is_the_length_of_the_finished_block() {
    for interval in INTERVALS {
        let size: usize = BlockBuilder::new(interval).size();
        assert_eq!(size, 8, "size() of a new builder: the count's four bytes, and the checksum's");
        for entries in [fruits(), numbered(60)] {
            for count in 1..=entries.len() {
                let mut builder: BlockBuilder = builder_of(&entries[..count], interval);
                let size: usize = builder.size();
                let block: Vec<u8> = builder.finish();
                assert_eq!(
                    size,
                    block.len(),
                    "interval {interval}, {count} entries: size() before finish, and its length"
                );
            }
        }
    }
}

/// The builder tells the key that was added last, and that it is not empty.
///
/// Hint: a table names each block in its index by the block's last key.
///
/// Book: week1/3-blocks.md#task-1-write-a-block
#[test]
fn the_builder_knows_its_last_key() {
    let mut builder: BlockBuilder = BlockBuilder::new(4);
    for (key, value) in fruits() {
        builder.add(&key, value.as_deref());
        assert!(!builder.is_empty(), "a builder with entries is not empty");
        assert_eq!(builder.last_key(), key, "last_key() after add({})", key.escape_ascii());
    }
}

/// After `finish` the builder is empty, and builds the next block as a new builder would.
///
/// Hint: entries, restart points, and everything that `add` remembers of the key before must go.
///
/// Book: week1/3-blocks.md#task-1-write-a-block
#[test]
fn finish_empties_the_builder() {
    for interval in INTERVALS {
        let mut builder: BlockBuilder = builder_of(&numbered(10), interval);
        for entries in [fruits(), numbered(5), vec![tombstone("apple")]] {
            builder.finish();
            assert!(builder.is_empty(), "interval {interval}: is_empty() after finish");
            assert_eq!(builder.last_key(), b"", "interval {interval}: last_key() after finish");
            assert_eq!(builder.size(), BlockBuilder::new(interval).size(), "interval {interval}: size() after finish");
            for (key, value) in &entries {
                builder.add(key, value.as_deref());
            }
            let fresh = build(&entries, interval);
            assert_eq!(builder.size(), fresh.len(), "interval {interval}: size() of the second block");
            let again: Vec<u8> = build(&entries, interval);
            assert_same(&again, &fresh, "the same entries in two new builders");
        }
        let last: Vec<u8> = builder.finish();
        let what = format!("the block of a used builder beside that of a new one, interval {interval}");
        assert_same(&last, &build(&[tombstone("apple")], interval), &what);
    }
}

proptest! {
    #![proptest_config(Config { cases: 64, rng_seed: RngSeed::Fixed(1_003), failure_persistence: None, ..Config::default() })]

    /// Whatever entries are added, the finished block holds them, and `size` told its length.
    ///
    /// Hint: run the smaller tests first; the case that is printed has been made as small as possible.
    ///
    /// Book: week1/3-blocks.md#a-block-byte-by-byte
    #[test]
    fn any_entries_can_be_built(
        entries in btree_map(vec(any::<u8>(), 0..12), option::of(vec(any::<u8>(), 0..200)), 1..40),
        interval in 1_usize..20,
    ) {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let mut builder: BlockBuilder = builder_of(&entries, interval);
        let size: usize = builder.size();
        let block: Vec<u8> = builder.finish();
        assert_eq!(size, block.len(), "size() before finish, and the length of what finish gave");
        assert_holds(&block, &entries);
    }
}
