//! Walking a memtable, or a range of it.

use bytes::Bytes;
use lsm::{KeyRange, MemTable, MemTableIterator, StorageIterator};

use super::{Entry, bounds_at, current, entries, entry, is_in, memtable, ranges_between, text, walk};

const FRUIT: [(&str, Option<&str>); 5] =
    [("apple", Some("red")), ("banana", None), ("cherry", Some("")), ("date", Some("brown")), ("fig", Some("blue"))];

/// An iterator stands on the first entry when it is made, and walks all entries in key order, tombstones included.
///
/// Hint: take the range's first node before `scan` returns.
///
/// Book: week1/2-merge-iterators.md#task-1-an-iterator-that-owns-its-map
#[test]
fn a_memtable_is_walked_in_key_order() {
    let memtable: MemTable = memtable(&[FRUIT[3], FRUIT[0], FRUIT[4], FRUIT[1], FRUIT[2]]);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    assert!(iterator.is_valid(), "a new iterator over five entries must stand on the first");
    assert_eq!(text(iterator.key()), "apple", "key() of a new iterator");
    assert_eq!(walk(&mut iterator), entries(&FRUIT), "all entries, in key order");
}

/// Over an empty memtable an iterator is not valid from the start.
///
/// Hint: `current` is `None`.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn an_empty_memtable_gives_nothing() {
    let memtable: MemTable = MemTable::new(1);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    assert_eq!(current(&iterator), None, "an iterator over an empty memtable");
    iterator.next().expect("next() of an iterator that is not valid does nothing");
    iterator.seek(b"a").expect("seeking in an empty memtable");
    assert_eq!(current(&iterator), None, "after next() and seek() in an empty memtable");
}

/// A tombstone is an entry without a value, and an empty value is a value.
///
/// Hint: `value()` is `None` for a tombstone, `Some(&[])` for an empty value, and both are valid entries.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn tombstones_and_empty_values_differ() {
    let memtable: MemTable = memtable(&[("deleted", None), ("empty", Some(""))]);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    assert_eq!(current(&iterator), Some(entry("deleted", None)), "a tombstone");
    iterator.next().expect("a step");
    assert_eq!(current(&iterator), Some(entry("empty", Some(""))), "an empty value");
}

/// All nine combinations of bounds hold, at keys that are here and at keys that are not.
///
/// Hint: hand both bounds of the range to the map's `range`.
///
/// Book: week1/2-merge-iterators.md#bounds
#[test]
fn every_combination_of_bounds_holds() {
    let memtable: MemTable = memtable(&FRUIT);
    for range in ranges_between(&["apple", "b", "banana", "date", "e", "fig", "z"]) {
        let expected: Vec<Entry> =
            FRUIT.iter().filter(|(key, _)| is_in(&range, key)).map(|(key, value)| entry(key, *value)).collect();
        let found = walk(&mut memtable.scan(&range));
        assert_eq!(found, expected, "a memtable of apple, banana, cherry, date, fig; scan({range:?})");
    }
}

/// An empty range, or one whose bounds are the wrong way round, gives nothing and does not panic.
///
/// Hint: the map's `range` allows such bounds; a slice or a `BTreeMap` would panic.
///
/// Book: week1/2-merge-iterators.md#bounds
#[test]
fn an_empty_range_gives_nothing() {
    let memtable: MemTable = memtable(&FRUIT);
    let ranges: [KeyRange; 6] = [
        ("cherry".."cherry").into(),
        ("date".."banana").into(),
        ("date"..="banana").into(),
        ("bb".."bz").into(),
        (.."").into(),
        ("g"..).into(),
    ];
    for range in ranges {
        let found = walk(&mut memtable.scan(&range));
        assert_eq!(found, [], "a memtable of apple, banana, cherry, date, fig; scan({range:?})");
    }
}

/// The empty key, zero bytes, and keys that begin like others come in plain byte order.
///
/// Hint: an iterator on the empty key is valid although `key()` is empty: `is_valid` must not look at the key.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn any_bytes_are_a_key() {
    let written = [
        ("", Some("empty")),
        ("\0", None),
        ("\0\0", Some("zeros")),
        ("a", Some("1")),
        ("a\0", None),
        ("ab", Some("2")),
    ];
    let memtable: MemTable = memtable(&written);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    assert!(iterator.is_valid(), "an iterator that stands on the empty key is valid");
    assert_eq!(walk(&mut iterator), entries(&written), "all entries, in key order");
}

/// After the last entry an iterator is not valid, and `next` does nothing, even when more is written behind the end.
///
/// Hint: do not ask the map's range again once it has ended.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn after_the_last_entry_next_does_nothing() {
    let memtable: MemTable = memtable(&[("apple", Some("red")), ("banana", None)]);
    let mut iterator: MemTableIterator = memtable.scan(&KeyRange::all());
    assert_eq!(walk(&mut iterator).len(), 2, "entries");
    memtable.put(b"cherry", b"dark");
    for _ in 0..3 {
        iterator.next().expect("next() after the end does nothing");
        assert_eq!(current(&iterator), None, "an iterator after its end, with a key written behind it later");
    }
    iterator.seek(b"b").expect("a seek");
    let expected = entries(&[("banana", None), ("cherry", Some("dark"))]);
    assert_eq!(walk(&mut iterator), expected, "a seek brings it back");
}

/// An iterator keeps what it walks alive: the memtable itself may be gone.
///
/// Hint: the iterator owns a clone of the `Arc` around the map.
///
/// Book: week1/2-merge-iterators.md#task-1-an-iterator-that-owns-its-map
#[test]
fn an_iterator_outlives_its_memtable() {
    let memtable: MemTable = memtable(&FRUIT);
    let mut iterator: MemTableIterator = memtable.scan(&("b"..).into());
    drop(memtable);
    iterator.seek(b"c").expect("a seek after the memtable was dropped");
    assert_eq!(walk(&mut iterator), entries(&FRUIT[2..]), "what follows c, after the memtable was dropped");
}

/// What is written to keys that the iterator has not reached is seen.
///
/// Hint: walk the map itself, not a copy that was made at the start.
///
/// Book: week1/2-merge-iterators.md#task-1-an-iterator-that-owns-its-map
#[test]
fn what_is_written_ahead_is_seen() {
    let memtable: MemTable = memtable(&FRUIT);
    let mut iterator: MemTableIterator = memtable.scan(&(.."f").into());
    memtable.put(b"apricot", b"orange");
    memtable.put(b"banana", b"yellow");
    memtable.delete(b"date");
    memtable.put(b"elderberry", b"black");
    memtable.put(b"aaa", b"behind");
    memtable.put(b"grape", b"above the bound");
    let expected = entries(&[
        ("apple", Some("red")),
        ("apricot", Some("orange")),
        ("banana", Some("yellow")),
        ("cherry", Some("")),
        ("date", None),
        ("elderberry", Some("black")),
    ]);
    assert_eq!(walk(&mut iterator), expected, "entries below f, five of them written after the scan began");
}

/// `value_bytes` shares the memory of the value; no bytes are copied.
///
/// Hint: cloning a `Bytes` shares; `Bytes::copy_from_slice` copies.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn value_bytes_shares_memory() {
    let memtable: MemTable = memtable(&FRUIT);
    for lower in bounds_at("apple") {
        let iterator: MemTableIterator = memtable.scan(&KeyRange { lower, ..KeyRange::all() });
        let one: Option<Bytes> = iterator.value_bytes();
        let other: Option<Bytes> = memtable.scan(&KeyRange::all()).value_bytes();
        if text(iterator.key()) == "apple" {
            let (one, other) = (one.expect("apple has a value"), other.expect("apple has a value"));
            assert_eq!(one.as_ptr(), other.as_ptr(), "two value_bytes() of one entry must share its memory");
            let borrowed: Option<*const u8> = iterator.value().map(<[u8]>::as_ptr);
            assert_eq!(borrowed, Some(one.as_ptr()), "value() and value_bytes() must share memory");
        }
    }
}
