//! Seeking in a memtable.

use bytes::Bytes;
use lsm::{KeyRange, MemTable, MemTableIterator, StorageIterator};

use super::{Entry, current, entries, entry, is_in, memtable, ranges_between, walk};

const LETTERS: [(&str, Option<&str>); 6] =
    [("b", Some("1")), ("d", None), ("f", Some("3")), ("h", Some("")), ("j", Some("5")), ("l", Some("6"))];

fn seek(iterator: &mut MemTableIterator, target: &str) -> Option<Entry> {
    iterator.seek(target.as_bytes()).unwrap_or_else(|error| panic!("seek({target:?}) failed: {error}"));
    current(iterator)
}

/// A seek goes to the first entry at or after its target, forward and backward.
///
/// Hint: begin a new range of the map at the target.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_seek_finds_the_first_entry_at_or_after() {
    let memtable: MemTable = memtable(&LETTERS);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    let targets =
        [("f", "f"), ("g", "h"), ("a", "b"), ("", "b"), ("l", "l"), ("d", "d"), ("d\0", "f"), ("k", "l"), ("b", "b")];
    for (target, expected) in targets {
        let expected = LETTERS.iter().find(|(key, _)| *key == expected).map(|(key, value)| entry(key, *value));
        assert_eq!(seek(&mut iterator, target), expected, "seek({target:?}) in b, d, f, h, j, l");
    }
    assert_eq!(walk(&mut iterator), entries(&LETTERS), "the walk goes on from where the last seek, to b, led");
}

/// With nothing at or after the target an iterator is not valid, and a later seek brings it back.
///
/// Hint: a seek makes everything anew; it does not matter whether the iterator was valid.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_seek_past_the_end_can_be_undone() {
    let memtable: MemTable = memtable(&LETTERS);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    assert_eq!(seek(&mut iterator, "m"), None, "seek(m), after the last key");
    assert_eq!(seek(&mut iterator, "j"), Some(entry("j", Some("5"))), "seek(j) after seek(m)");
    assert_eq!(walk(&mut iterator), entries(&LETTERS[4..]), "the walk from j");
    assert_eq!(seek(&mut iterator, "c"), Some(entry("d", None)), "seek(c) after the walk to the end");
}

/// A seek respects the upper bound that the iterator was made with.
///
/// Hint: keep the bound (`upper`) and hand it to the new range.
///
/// Book: week1/2-merge-iterators.md#bounds
#[test]
fn a_seek_respects_the_upper_bound() {
    let memtable: MemTable = memtable(&LETTERS);
    let mut below: MemTableIterator = memtable.scan(&(.."h").into());
    assert_eq!(seek(&mut below, "h"), None, "scan(..h), seek(h): h is excluded");
    assert_eq!(seek(&mut below, "g"), None, "scan(..h), seek(g): the next key, h, is excluded");
    assert_eq!(seek(&mut below, "z"), None, "scan(..h), seek(z)");
    assert_eq!(seek(&mut below, "e"), Some(entry("f", Some("3"))), "scan(..h), seek(e)");
    assert_eq!(walk(&mut below), entries(&LETTERS[2..3]), "scan(..h), the walk from f ends before h");
    let mut up_to: MemTableIterator = memtable.scan(&(..="h").into());
    assert_eq!(seek(&mut up_to, "h"), Some(entry("h", Some(""))), "scan(..=h), seek(h): h is included");
    assert_eq!(seek(&mut up_to, "h\0"), None, "scan(..=h), seek(h\\0)");
    assert_eq!(seek(&mut up_to, "d"), Some(entry("d", None)), "scan(..=h), seek(d)");
    assert_eq!(walk(&mut up_to), entries(&LETTERS[1..4]), "scan(..=h), the walk from d ends with h");
}

/// A lower bound is where an iterator begins, and nothing more: a seek may go below it.
///
/// Hint: the new range begins at the target, whatever the old lower bound was.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_seek_may_go_below_the_lower_bound() {
    let memtable: MemTable = memtable(&LETTERS);
    let mut iterator: MemTableIterator = memtable.scan(&("f".."j").into());
    assert_eq!(current(&iterator), Some(entry("f", Some("3"))), "scan(f..j) begins at f");
    assert_eq!(seek(&mut iterator, "a"), Some(entry("b", Some("1"))), "scan(f..j), seek(a)");
    assert_eq!(walk(&mut iterator), entries(&LETTERS[..4]), "scan(f..j), the walk from b");
}

/// A seek sees what was written since the iterator was made.
///
/// Hint: seek in the map itself.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_seek_sees_later_writes() {
    let memtable: MemTable = memtable(&LETTERS);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    memtable.put(b"c", b"new");
    memtable.put(b"b", b"changed");
    assert_eq!(seek(&mut iterator, "c"), Some(entry("c", Some("new"))), "seek(c) after put(c)");
    assert_eq!(seek(&mut iterator, "a"), Some(entry("b", Some("changed"))), "seek(a) after b was overwritten");
    let value: Option<Bytes> = iterator.value_bytes();
    assert_eq!(value.as_deref(), Some(&b"changed"[..]), "value_bytes() after that seek");
}

/// In every range, a seek to any target and a walk from there give just what is at or after the target and not above
/// the range.
///
/// Hint: the target takes the place of the lower bound, the upper bound stays.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn seeks_hold_in_every_range() {
    let memtable: MemTable = memtable(&LETTERS);
    for range in ranges_between(&["a", "d", "g", "l"]).into_iter().filter(|range| !range.is_empty()) {
        let mut iterator: MemTableIterator = memtable.scan(&range);
        for target in ["g", "", "d", "z", "l", "b", "h"] {
            seek(&mut iterator, target);
            let rest = KeyRange { lower: std::ops::Bound::Included(Bytes::from(target)), upper: range.upper.clone() };
            let expected: Vec<Entry> =
                LETTERS.iter().filter(|(key, _)| is_in(&rest, key)).map(|(key, value)| entry(key, *value)).collect();
            assert_eq!(
                walk(&mut iterator),
                expected,
                "b, d, f, h, j, l: scan({range:?}), the walk after seek({target:?})"
            );
        }
    }
}
