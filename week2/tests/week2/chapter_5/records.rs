//! The manifest's records as bytes.

use std::path::Path;

use bytes::Bytes;
use lsm::compaction::{Edit, TableShape};
use lsm::manifest::{FORMAT_VERSION, decode_edit, decode_header, encode_edit, encode_header};
use lsm::{Error, Result};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use proptest::test_runner::RngSeed;

use super::support::{adds, table};
use crate::support::longest_request;

const FILE: &str = "db/MANIFEST";

/// A record that stands at byte 77.
fn decode(bytes: &[u8]) -> Result<(Edit, u64)> {
    decode_edit(&Bytes::copy_from_slice(bytes), Path::new(FILE), 77)
}

fn assert_refused(bytes: &[u8], what: &str) {
    match decode(bytes) {
        Err(Error::Corruption { file, offset, .. }) => {
            assert_eq!((file.as_path(), offset), (Path::new(FILE), 77), "{what}: what the error names");
        }
        other => panic!("{what}: expected Corruption of {FILE} at 77, found {other:?}"),
    }
}

/// An edit with something in each of its fields.
fn example() -> Edit {
    let mut edit: Edit = adds(vec![(0, table(0x0506, "apple", "fig")), (6, table(3, "", "z"))]);
    edit.removed = vec![0x0102_0304, 9];
    edit.cursor = Some((2, Bytes::from("kiwi")));
    edit.flushed_through = 0x0A0B;
    edit.last_version = 0x0C0D;
    edit
}

/// The first record has the bytes of the format: the magic and the version.
///
/// Hint: eight bytes of text, then the version as a `u32`, lowest byte first.
///
/// Book: week2/5-manifest.md#task-4-records
#[test]
fn the_header_has_the_bytes_of_the_format() {
    assert_eq!(encode_header(), b"lsm-tree\x01\0\0\0");
    assert_eq!(FORMAT_VERSION, 1, "the format version");
    decode_header(&encode_header(), Path::new(FILE)).expect("decoding the header");
}

/// What does not begin with twelve bytes of which the first eight are the magic is no manifest: `Corruption` at offset 0.
///
/// Hint: look at the length and the magic before you look at the version: a file of another kind has none.
///
/// Book: week2/5-manifest.md#task-4-records
#[test]
fn a_header_that_is_none_is_corruption() {
    let header: Vec<u8> = encode_header();
    let mut wrong: Vec<Vec<u8>> = (0..12).map(|length| header[..length].to_vec()).collect();
    for bit in 0..64 {
        // Version 9: the magic is checked before it.
        let mut flipped = [&header[..8], &[9, 0, 0, 0]].concat();
        flipped[bit / 8] ^= 1 << (bit % 8);
        wrong.push(flipped);
    }
    for bytes in wrong {
        match decode_header(&bytes, Path::new(FILE)) {
            Err(Error::Corruption { file, offset: 0, .. }) => assert_eq!(file, Path::new(FILE), "the file"),
            other => panic!("the header {bytes:?}: expected Corruption at 0, found {other:?}"),
        }
    }
}

/// A manifest of a later version is refused by its number, and a header may be longer than this version's.
///
/// Hint: compare with `FORMAT_VERSION`; do not compare the whole header with what `encode_header` gives.
///
/// Book: week2/5-manifest.md#task-4-records
#[test]
fn a_later_version_is_refused_by_its_number() {
    for version in [2_u32, 3, 0x0100_0000, u32::MAX] {
        let bytes = [&b"lsm-tree"[..], &version.to_le_bytes(), b"more"].concat();
        for bytes in [&bytes[..12], &bytes] {
            match decode_header(bytes, Path::new(FILE)) {
                Err(Error::UnsupportedVersion { file, found, supported }) => {
                    assert_eq!((found, supported), (version, 1), "the versions that the error names");
                    assert_eq!(file, Path::new(FILE), "the file that the error names");
                }
                other => panic!("version {version}: expected UnsupportedVersion, found {other:?}"),
            }
        }
    }
    let longer: Vec<u8> = [encode_header(), b"more".to_vec()].concat();
    decode_header(&longer, Path::new(FILE)).expect("version 1 with a longer header");
}

/// An edit has the bytes of the format.
///
/// Hint: go through the drawing at the top of `record.rs`. Counts, levels and lengths are `u32`, all else is `u64`.
///
/// Book: week2/5-manifest.md#task-4-records
#[test]
fn an_edit_has_the_bytes_of_the_format() {
    let u32 = |number: u32| number.to_le_bytes().to_vec();
    let u64 = |number: u64| number.to_le_bytes().to_vec();
    let text = |text: &str| [u32(text.len() as u32), text.as_bytes().to_vec()].concat();
    let first: TableShape = table(0x0506, "apple", "fig");
    let parts: [(&str, Vec<u8>); 10] = [
        ("flushed_through", u64(0x0A0B)),
        ("last_version", u64(0x0C0D)),
        ("next_id", u64(0x0708_0910)),
        ("two removed tables", [u32(2), u64(0x0102_0304), u64(9)].concat()),
        ("two added tables, the first in level 0", [u32(2), u32(0)].concat()),
        ("its numbers", [u64(0x0506), u64(first.size), u64(first.entries), u64(first.tombstones)].concat()),
        ("its keys", [text("apple"), text("fig")].concat()),
        ("the second in level 6, its numbers", [u32(6), u64(3), u64(1003), u64(30), u64(1)].concat()),
        ("its keys, of which the first is empty", [text(""), text("z")].concat()),
        ("a cursor of level 2", [u32(1), u32(2), text("kiwi")].concat()),
    ];
    let found: Vec<u8> = encode_edit(&example(), 0x0708_0910);
    let mut at = 0;
    for (what, expected) in &parts {
        let end = (at + expected.len()).min(found.len());
        assert_eq!(&found[at..end], &expected[..], "bytes {at} to {end}: {what}");
        at = end;
    }
    assert_eq!(found.len(), at, "the record's length");
    assert_eq!(
        encode_edit(&Edit::default(), 1),
        [&[0; 16][..], &u64(1), &[0; 12]].concat(),
        "an edit without a change"
    );
    let read: (Edit, u64) = decode(&found).expect("decoding the edit");
    assert_eq!(read, (example(), 0x0708_0910), "the edit as it is read");
}

fn a_key() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

fn a_table() -> impl Strategy<Value = (usize, TableShape)> {
    (0..=1000_usize, any::<[u64; 4]>(), a_key(), a_key()).prop_map(|(level, numbers, first_key, last_key)| {
        let mut shape = table(numbers[0] >> 8, "", "");
        (shape.size, shape.entries, shape.tombstones) = (numbers[1], numbers[2], numbers[3]);
        (shape.first_key, shape.last_key) = (first_key, last_key);
        (level, shape)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, rng_seed: RngSeed::Fixed(2051), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// An edit is read as it was written. A record that is cut anywhere, or has a byte more, is `Corruption`.
    ///
    /// Hint: take the fields off the front in the order in which they were put there, each if it is whole; in the end
    /// nothing may be left.
    ///
    /// Book: week2/5-manifest.md#task-4-records
    #[test]
    fn an_edit_is_read_as_it_was_written(
        added in proptest::collection::vec(a_table(), 0..4),
        removed in proptest::collection::vec(any::<u64>(), 0..4),
        cursor in proptest::option::of((0..=1000_usize, a_key())),
        numbers in any::<[u64; 3]>(),
    ) {
        let mut edit: Edit = adds(added);
        edit.removed = removed;
        edit.cursor = cursor;
        (edit.flushed_through, edit.last_version) = (numbers[0], numbers[1]);
        let bytes: Vec<u8> = encode_edit(&edit, numbers[2]);
        let read: (Edit, u64) = decode(&bytes).expect("decoding an edit");
        prop_assert_eq!(read, (edit, numbers[2]));
        for length in 0..bytes.len() {
            assert_refused(&bytes[..length], &format!("{length} of a record's {} bytes", bytes.len()));
        }
        assert_refused(&[&bytes[..], &[0]].concat(), "a record and a byte more");
    }

    /// No bytes make the decoder panic, and what it takes for an edit has just these bytes.
    ///
    /// Hint: nothing is read without a look whether it is there; nothing is left over; each field has one form.
    ///
    /// Book: week2/5-manifest.md#task-4-records
    #[test]
    fn garbage_is_refused_or_is_an_edit(at in 0..1000_usize, byte in any::<u8>(), rest in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut bytes: Vec<u8> = encode_edit(&example(), 5);
        let at = at % bytes.len();
        bytes[at] = byte;
        for bytes in [bytes, rest] {
            if let Ok((edit, next_id)) = decode(&bytes) {
                prop_assert_eq!(encode_edit(&edit, next_id), bytes);
            }
        }
    }
}

/// Levels up to 1,000 are read, for tables and cursors. Deeper ones are `Corruption`: a tree is made with as many levels
/// as the record names.
///
/// Hint: check the level where you read it, before it becomes a `usize` that somebody makes a list by.
///
/// Book: week2/5-manifest.md#task-4-records
#[test]
fn a_level_below_the_thousandth_is_refused() {
    let with_levels = |table_level: usize, cursor_level: usize| {
        let mut edit: Edit = adds(vec![(table_level, table(1, "a", "b"))]);
        edit.cursor = Some((cursor_level, Bytes::from("a")));
        encode_edit(&edit, 2)
    };
    let read: (Edit, u64) = decode(&with_levels(1000, 1000)).expect("tables and cursors in level 1,000");
    assert_eq!(read.0.added[0].0, 1000, "the level of the table");
    for (table_level, cursor_level) in [(1001, 1), (1, 1001), (u32::MAX as usize, 1), (1, u32::MAX as usize)] {
        let what = format!("a table in level {table_level} and a cursor of level {cursor_level}");
        assert_refused(&with_levels(table_level, cursor_level), &what);
    }
}

/// A record has one cursor or none.
///
/// Hint: the count is 0 or 1; any other is not well-formed, whatever follows.
///
/// Book: week2/5-manifest.md#task-4-records
#[test]
fn a_record_with_two_cursors_is_refused() {
    let mut bytes: Vec<u8> = encode_edit(&Edit::default(), 2);
    let count_at = bytes.len() - 4;
    let cursor = [&1_u32.to_le_bytes()[..], &1_u32.to_le_bytes(), b"a"].concat();
    for count in [2_u32, 3, 256, u32::MAX] {
        bytes.truncate(count_at);
        bytes.extend_from_slice(&count.to_le_bytes());
        assert_refused(&bytes, &format!("{count} cursors and none there"));
        for _ in 0..2 {
            bytes.extend_from_slice(&cursor);
            assert_refused(&bytes, &format!("{count} cursors"));
        }
    }
}

/// No count and no length in a record makes its reader ask for memory that the record does not fill.
///
/// Hint: let the lists grow with what is read, `Vec::with_capacity(count)` believes the count. Compare a key's length with
/// what is left before you take the key; `slice` and `split_to` panic.
///
/// Book: week2/5-manifest.md#task-4-records
#[test]
fn huge_counts_cost_no_memory() {
    let bytes: Vec<u8> = encode_edit(&example(), 5);
    let fields = [
        (24, "the count of removed tables"),
        (44, "the count of added tables"),
        (84, "the length of a first key"),
        (93, "the length of a last key"),
        (bytes.len() - 8, "the length of the cursor's key"),
    ];
    for (at, what) in fields {
        for huge in [1000_u32, 1 << 20, 1 << 28, 0x7FFF_FFFF, u32::MAX] {
            let mut damaged = bytes.clone();
            damaged[at..at + 4].copy_from_slice(&huge.to_le_bytes());
            let (refused, longest) = longest_request(|| decode(&damaged).is_err());
            assert!(refused, "{what} is {huge}, and the record has {} bytes", bytes.len());
            assert!(longest < 4096, "{what} is {huge}, and the decoder asked for {longest} bytes");
        }
    }
}
