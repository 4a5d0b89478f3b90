//! Chapter 1.2: iterators over memtables, merging them, scans.

// In the order in which they build on each other: a failure's cause is told first.
mod fake;

mod memtable_scan;
mod memtable_seek;

mod merge;
mod merge_seek;

mod merge_errors;

mod engine_scan;
mod model;
mod threads;

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, KeyRange, MemTable, Options, Result, Scan, StorageIterator};

/// An entry as text; a tombstone's value is `None`.
type Entry = (String, Option<String>);

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn entry(key: &str, value: Option<&str>) -> Entry {
    (text(key.as_bytes()), value.map(|value| text(value.as_bytes())))
}

fn entries(expected: &[(&str, Option<&str>)]) -> Vec<Entry> {
    expected.iter().map(|(key, value)| entry(key, *value)).collect()
}

/// The entry that an iterator stands on, if it is valid. Checks what must always hold of an iterator.
fn current(iterator: &impl StorageIterator) -> Option<Entry> {
    let value: Option<&[u8]> = iterator.value();
    let handle: Option<Bytes> = iterator.value_bytes();
    assert_eq!(handle.as_deref(), value, "value_bytes() and value() of the same entry");
    if !iterator.is_valid() {
        let key: &[u8] = iterator.key();
        assert_eq!((key, value), (&b""[..], None), "key() and value() of an iterator that is not valid");
        return None;
    }
    Some((text(iterator.key()), value.map(text)))
}

/// What an iterator gives from where it stands to its end.
fn walk(iterator: &mut impl StorageIterator) -> Vec<Entry> {
    let mut found = Vec::new();
    while let Some(entry) = current(iterator) {
        found.push(entry);
        assert!(
            found.len() <= 100_000,
            "an iterator gave 100,000 entries and did not end; the last: {:?}",
            found.last()
        );
        iterator.next().expect("next() fails only if a source fails");
    }
    found
}

/// A memtable with these entries.
fn memtable(written: &[(&str, Option<&str>)]) -> MemTable {
    let memtable: MemTable = MemTable::new(1);
    for (key, value) in written {
        memtable.write(key.as_bytes(), value.map(str::as_bytes));
    }
    memtable
}

/// An empty engine that does only what it is told, on a simulated disk.
fn new_engine() -> Engine {
    let mut options: Options = Options::manual();
    options.disk = Arc::new(SimDisk::new());
    Engine::open("db", options).expect("an engine opens in an empty directory")
}

/// Writes entries, and freezes the memtable before each `("freeze", _)`.
fn write_all(engine: &Engine, written: &[(&str, Option<&str>)]) {
    for (key, value) in written {
        let outcome: Result<()> = match (*key, value) {
            ("freeze", _) => engine.freeze(),
            (key, Some(value)) => engine.put(key.as_bytes(), value.as_bytes()),
            (key, None) => engine.delete(key.as_bytes()),
        };
        outcome.unwrap_or_else(|error| panic!("writing {key:?} = {value:?} failed: {error}"));
    }
}

fn scan(engine: &Engine, range: impl Into<KeyRange>) -> Scan {
    engine.scan(range).expect("a scan of memtables cannot fail")
}

/// What a scan gives from where it is to its end.
fn collect(scan: Scan) -> Vec<Entry> {
    let mut found = Vec::new();
    for item in scan {
        let (key, value): (Bytes, Bytes) = item.expect("a scan of memtables cannot fail");
        found.push((text(&key), Some(text(&value))));
        assert!(found.len() <= 100_000, "a scan gave 100,000 entries and did not end; the last: {:?}", found.last());
    }
    found
}

/// The three kinds of a bound at a key.
fn bounds_at(key: &str) -> [Bound<Bytes>; 3] {
    let key = Bytes::copy_from_slice(key.as_bytes());
    [Bound::Included(key.clone()), Bound::Excluded(key), Bound::Unbounded]
}

/// All nine combinations of bounds, for each pair of these keys as the lower and the upper one.
fn ranges_between(keys: &[&str]) -> Vec<KeyRange> {
    let mut ranges = Vec::new();
    for (lower, upper) in keys.iter().flat_map(|lower| keys.iter().map(move |upper| (lower, upper))) {
        for lower in bounds_at(lower) {
            ranges.extend(bounds_at(upper).map(|upper| KeyRange { lower: lower.clone(), upper }));
        }
    }
    ranges
}

/// Whether a key is in a range, said without the engine's help.
fn is_in(range: &KeyRange, key: &str) -> bool {
    let key = key.as_bytes();
    let above = match &range.lower {
        Bound::Included(lower) => key >= &lower[..],
        Bound::Excluded(lower) => key > &lower[..],
        Bound::Unbounded => true,
    };
    let below = match &range.upper {
        Bound::Included(upper) => key <= &upper[..],
        Bound::Excluded(upper) => key < &upper[..],
        Bound::Unbounded => true,
    };
    above && below
}
