//! What stands in a log: its first record, and the entries in all others. To the byte.

use std::path::Path;

use lsm::wal::{FORMAT_VERSION, Link, decode_link, encode_link, put_entry, take_entry};
use lsm::{Error, MAX_VALUE_LENGTH, Result};

/// An entry as it is taken off a record, with what stands behind it.
type Taken<'a> = Option<((&'a [u8], Option<&'a [u8]>), &'a [u8])>;

/// What it is, a key, a value, and how they stand in a record.
type Case<'a> = (&'a str, &'a [u8], Option<&'a [u8]>, &'a [u8]);

fn record_of(entries: &[(&[u8], Option<&[u8]>)]) -> Vec<u8> {
    let mut record = Vec::new();
    for (key, value) in entries {
        put_entry(&mut record, key, *value);
    }
    record
}

/// A log's first record is 20 bytes: the format version, the predecessor's number, its length, all little-endian.
///
/// Hint: u32, u64, u64; `to_le_bytes` of each, one after the other.
///
/// Book: week2/6-write-ahead-log.md#the-format
#[test]
fn the_first_record_is_a_version_a_number_and_a_length() {
    let found: Vec<u8> = encode_link(Link { log: 9, length: 8130 });
    let expected: [u8; 20] = [1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0xC2, 0x1F, 0, 0, 0, 0, 0, 0];
    assert_eq!(found, expected, "the link to log 9, which is 8130 (hex 1FC2) bytes long");
    let found: Vec<u8> = encode_link(Link::default());
    assert_eq!(found, [&[1, 0, 0, 0][..], &[0; 16]].concat(), "the link of a log without a predecessor");
}

/// What was encoded as a link is decoded as the same link.
///
/// Hint: the number is at byte 4, the length at byte 12.
///
/// Book: week2/6-write-ahead-log.md#the-format
#[test]
fn a_link_is_read_as_it_was_written() {
    for log in [0, 1, 0x0102_0304_0506_0708, u64::MAX] {
        for length in [0, 1, 0x1122_3344_5566_7788, u64::MAX] {
            let link = Link { log, length };
            let found: Result<Link> = decode_link(&encode_link(link), Path::new("000012.log"));
            assert_eq!(found.unwrap_or_else(|error| panic!("{link:?}: {error}")), link, "a link, written and read");
        }
    }
}

/// A first record that is not 20 bytes long is `Error::Corruption` of the log at offset 0.
///
/// Hint: compare the whole record's length, too: bytes behind the link are not a link.
///
/// Book: week2/6-write-ahead-log.md#task-1-the-first-record
#[test]
fn a_link_of_another_length_is_refused() {
    let file = Path::new("db/000012.log");
    let link: Vec<u8> = [encode_link(Link { log: 9, length: 100 }), vec![0; 20]].concat();
    for length in (0..40).filter(|length| *length != 20) {
        match decode_link(&link[..length], file) {
            Err(Error::Corruption { file: found, offset: 0, .. }) => assert_eq!(found, file, "the file in the error"),
            other => panic!("a first record of {length} bytes: expected Corruption at 0, found {other:?}"),
        }
    }
}

/// A log of a later format version is refused by name, whatever its first record looks like otherwise.
///
/// Hint: look at the version before the length: a later version may have a longer first record, or a shorter one.
///
/// Book: week2/6-write-ahead-log.md#task-1-the-first-record
#[test]
fn a_later_version_is_refused_by_name() {
    let file = Path::new("db/000012.log");
    for later in [FORMAT_VERSION + 1, 1000, u32::MAX] {
        for length in [4, 5, 19, 20, 21, 64] {
            let mut record: Vec<u8> = vec![7; length];
            record[..4].copy_from_slice(&later.to_le_bytes());
            match decode_link(&record, file) {
                Err(Error::UnsupportedVersion { file: at, found, supported }) => {
                    let expected = (file, later, FORMAT_VERSION);
                    assert_eq!((at.as_path(), found, supported), expected, "what the error says");
                }
                other => panic!("version {later}, {length} bytes: expected UnsupportedVersion, found {other:?}"),
            }
        }
    }
}

/// An entry is two varints, the key's length and the value's length + 1, then the key, then the value. A tombstone has 0
/// in the value's place.
///
/// Hint: `put_varint` writes a length. 0 says "no value", so a value's length is stored one greater, and an empty
/// value's as 1.
///
/// Book: week2/6-write-ahead-log.md#the-format
#[test]
fn an_entry_is_two_lengths_a_key_and_a_value() {
    let cases: [Case<'_>; 4] = [
        ("fig = ripe", b"fig", Some(b"ripe"), b"\x03\x05figripe"),
        ("a tombstone of fig", b"fig", None, b"\x03\x00fig"),
        ("fig with an empty value", b"fig", Some(b""), b"\x03\x01fig"),
        ("the empty key with an empty value", b"", Some(b""), b"\x00\x01"),
    ];
    for (what, key, value, expected) in cases {
        assert_eq!(record_of(&[(key, value)]), expected, "{what}");
    }
    let (key, value) = ([b'k'; 300], [b'v'; 127]);
    let expected = [&[0xAC, 0x02, 0x80, 0x01][..], &key, &value].concat();
    assert_eq!(
        record_of(&[(&key, Some(&value))]),
        expected,
        "a key of 300 bytes, a value of 127: varints of two bytes"
    );
}

/// Entries of a record are added behind each other, and taken off in the same order.
///
/// Hint: `put_entry` appends, and leaves alone what is there. `take_entry` gives what stands behind the entry.
///
/// Book: week2/6-write-ahead-log.md#task-2-entries
#[test]
fn entries_are_taken_off_in_the_order_of_their_writing() {
    let (long_key, long_value) = ([b'k'; 32_000], vec![b'v'; 70_000]);
    let entries: [(&[u8], Option<&[u8]>); 6] =
        [(b"a", Some(b"1")), (b"a", None), (b"", Some(b"")), (&long_key, Some(&long_value)), (b"", None), (b"z", None)];
    let record: Vec<u8> = record_of(&entries);
    let mut rest: &[u8] = &record;
    for (index, (key, value)) in entries.into_iter().enumerate() {
        let taken: Taken<'_> = take_entry(rest);
        let (entry, behind) = taken.unwrap_or_else(|| panic!("entry {index} of a good record is not taken"));
        assert!(entry == (key, value), "entry {index} is another one than was written");
        rest = behind;
    }
    assert_eq!(rest, b"", "what stands behind the last entry");
    assert_eq!(take_entry(rest), None, "there is no entry in nothing");
}

/// An entry that does not fit into its record is no entry: at whatever byte the record ends, `None`.
///
/// Hint: `take_varint` gives `None` by itself; `split_at_checked` does, too. Nothing here may panic: the bytes come
/// from a file.
///
/// Book: week2/6-write-ahead-log.md#task-2-entries
#[test]
fn an_entry_that_is_cut_is_no_entry() {
    let value = [b'v'; 200];
    for entry in [(&b"cherry"[..], Some(&value[..])), (b"cherry", None), (b"", Some(b"")), (b"k", Some(b"v"))] {
        let record: Vec<u8> = record_of(&[entry]);
        for length in 0..record.len() {
            let taken: Taken<'_> = take_entry(&record[..length]);
            assert_eq!(taken, None, "the first {length} of {} bytes of {:?}", record.len(), entry.0);
        }
    }
    let lies: [&[u8]; 5] = [
        b"\xFF\xFF\xFF\xFF\x0F\x00key",
        b"\x03\xFF\xFF\xFF\xFF\x0Fkey",
        b"\x04\x00key",
        b"\x03\x03keyv",
        b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    ];
    for record in lies {
        assert_eq!(take_entry(record), None, "a length that leads out of the record: {record:?}");
    }
}

/// A value may be as long as the limit says, and an entry with a longer one is no entry.
///
/// Hint: the length that is stored is one greater than the value's.
///
/// Book: week2/6-write-ahead-log.md#task-2-entries
#[test]
fn a_value_above_the_limit_is_no_entry() {
    let zeros = vec![0; MAX_VALUE_LENGTH + 10];
    for (length, is_taken) in [(MAX_VALUE_LENGTH, true), (MAX_VALUE_LENGTH + 1, false)] {
        let mut record = vec![1];
        let mut stored = length + 1;
        while stored > 0x7F {
            record.push(stored as u8 | 0x80);
            stored >>= 7;
        }
        record.push(stored as u8);
        record.extend_from_slice(&zeros[..length + 1]);
        let taken: Taken<'_> = take_entry(&record);
        let found: Option<usize> = taken.and_then(|((_, value), _)| value.map(<[u8]>::len));
        assert_eq!(found, is_taken.then_some(length), "an entry with a value of {length} bytes");
    }
}
