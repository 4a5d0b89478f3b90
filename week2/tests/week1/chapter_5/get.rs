//! `Engine::get` over memtables and tables.

use bytes::Bytes;
use lsm::Engine;
use lsm::disk::SimDisk;

use super::fixture::{delete, get, ingest, ingest_all, key, open, put, reads_of};

/// Entries of an ingested table are found, and keys that it does not have are not.
///
/// Hint: after the memtables, `get` goes through `state.level_0` and asks each table with `Table::lookup`.
///
/// Book: week1/5-read-path.md#task-3-get-asks-the-tables
#[test]
fn an_ingested_table_is_read() {
    let engine: Engine = open(&SimDisk::new());
    ingest(&engine, &[("b", Some("1")), ("d", Some("")), ("f", Some("3"))]);
    for (key, expected) in [("a", None), ("b", Some("1")), ("c", None), ("d", Some("")), ("e", None), ("f", Some("3"))]
    {
        let found: Option<Bytes> = get(&engine, key);
        assert_eq!(found, expected.map(Bytes::from), "get({key:?}) of a table with b, d (an empty value) and f");
    }
    assert_eq!(get(&engine, "g"), None, "get(\"g\"), behind the table's last key");
}

/// Of several tables with a key, the one that was ingested last decides.
///
/// Hint: `state.level_0` has the newest table first. Stop at the first that knows the key.
///
/// Book: week1/5-read-path.md#task-3-get-asks-the-tables
#[test]
fn the_newest_table_decides() {
    let engine: Engine = open(&SimDisk::new());
    for round in 0..20 {
        let value: String = format!("round {round}");
        ingest(&engine, &[("a", Some(value.as_str())), ("z", Some("last"))]);
        let found: Option<Bytes> = get(&engine, "a");
        assert_eq!(found, Some(Bytes::from(value)), "get(\"a\") after {} tables with this key", round + 1);
    }
}

/// A tombstone in a newer table hides an older table's value; a value in a newer one shows the key again.
///
/// Hint: `lookup` gives `Some(None)` for a tombstone. That is an answer: the search ends with it.
///
/// Book: week1/5-read-path.md#a-tombstone-is-an-answer
#[test]
fn a_tombstone_in_a_newer_table_hides_an_older_value() {
    let engine: Engine = open(&SimDisk::new());
    ingest(&engine, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))]);
    ingest(&engine, &[("a", None), ("b", None), ("d", None)]);
    let found: [Option<Bytes>; 4] = ["a", "b", "c", "d"].map(|key| get(&engine, key));
    let one: Option<Bytes> = Some(Bytes::from("1"));
    assert_eq!(found, [None, None, one, None], "get of a, b, c, d; the newer table deletes a, b and d");
    ingest(&engine, &[("b", Some("3"))]);
    assert_eq!(get(&engine, "b"), Some(Bytes::from("3")), "get(\"b\"): value, then tombstone, then value");
    assert_eq!(get(&engine, "a"), None, "get(\"a\"), which the third table does not have");
}

/// What a memtable knows of a key, its deletion too, comes before what any table knows.
///
/// Hint: ask all memtables, frozen ones included, before the first table.
///
/// Book: week1/5-read-path.md#a-tombstone-is-an-answer
#[test]
fn a_memtable_decides_before_the_tables() {
    let engine: Engine = open(&SimDisk::new());
    ingest(&engine, &[("a", Some("table")), ("b", Some("table")), ("c", Some("table")), ("d", None), ("e", None)]);
    put(&engine, "a", "frozen");
    delete(&engine, "b");
    put(&engine, "d", "frozen");
    engine.freeze().expect("freezing needs nothing that can fail");
    put(&engine, "a", "memtable");
    delete(&engine, "d");
    put(&engine, "e", "memtable");
    let cases = [("a", Some("memtable")), ("b", None), ("c", Some("table")), ("d", None), ("e", Some("memtable"))];
    for (key, expected) in cases {
        let found: Option<Bytes> = get(&engine, key);
        assert_eq!(found, expected.map(Bytes::from), "get({key:?}), with a memtable over a frozen one over a table");
    }
}

/// `get` stops at the first source that decides: at most one block is read, however many tables have the key, and
/// none if a memtable has it.
///
/// Hint: return from the loop as soon as a source knows the key, value or tombstone.
///
/// Book: week1/5-read-path.md#a-tombstone-is-an-answer
#[test]
fn get_reads_no_source_behind_the_one_that_decides() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    for _ in 0..10 {
        ingest(&engine, &[("a", Some("old")), ("b", Some("old")), ("c", Some("old")), ("d", Some("old"))]);
    }
    ingest(&engine, &[("a", Some("new")), ("b", None)]);
    put(&engine, "c", "memory");
    delete(&engine, "d");
    for (key, expected, most) in [("a", Some("new"), 1), ("b", None, 1), ("c", Some("memory"), 0), ("d", None, 0)] {
        let mut found: Option<Bytes> = None;
        let reads: u64 = reads_of(&disk, || found = get(&engine, key));
        assert_eq!(found, expected.map(Bytes::from), "get({key:?}) over 11 tables and a memtable");
        assert!(reads <= most, "get({key:?}) read the disk {reads} times, but its newest source needs {most} at most");
    }
}

/// Tables whose keys lie elsewhere are not read: a lookup reads no more than the one table that can have the key.
///
/// Hint: leave out the tables that do not cover the key.
///
/// Book: week1/5-read-path.md#task-1-which-tables-a-read-can-leave-out
#[test]
fn get_reads_no_table_whose_keys_lie_elsewhere() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    for table in 0..8 {
        ingest_all(&engine, (0..10).map(|place| key(10 * table + place)), "value");
    }
    for number in 0..80 {
        let mut found: Option<Bytes> = None;
        let reads: u64 = reads_of(&disk, || found = get(&engine, &key(number)));
        assert_eq!(found, Some(Bytes::from("value")), "get({:?}), which one of 8 tables has", key(number));
        assert!(reads <= 1, "get({:?}) read the disk {reads} times; one table of 8 covers the key", key(number));
    }
    for elsewhere in ["", "key", "key79\0", "key90", "zzz"] {
        let reads: u64 = reads_of(&disk, || assert_eq!(get(&engine, elsewhere), None, "get({elsewhere:?})"));
        assert_eq!(reads, 0, "reads for {elsewhere:?}, which no table covers");
    }
}

/// A key that no table has costs at most one block a table.
///
/// Hint: one call of `Table::lookup` for each table, no scan.
///
/// Book: week1/5-read-path.md#task-3-get-asks-the-tables
#[test]
fn a_missing_key_costs_at_most_one_block_a_table() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    for _ in 0..5 {
        ingest_all(&engine, (0..40).map(|number| key(2 * number)), "even");
    }
    for number in (1..78).step_by(2) {
        let reads: u64 = reads_of(&disk, || assert_eq!(get(&engine, &key(number)), None, "get({:?})", key(number)));
        assert!(reads <= 5, "a miss over 5 tables read the disk {reads} times");
    }
}

/// Keys are plain bytes in tables too: the empty key, keys with zero bytes, and keys that begin alike.
///
/// Hint: nothing in the read path looks at what the bytes mean.
///
/// Book: week1/5-read-path.md#task-3-get-asks-the-tables
#[test]
fn unusual_keys_are_found_in_tables() {
    let engine: Engine = open(&SimDisk::new());
    let keys: [&str; 7] = ["", "\0", "\0\0", "a", "a\0", "a\0b", "aa"];
    let entries: Vec<(&str, Option<&str>)> = keys.iter().map(|key| (*key, Some(*key))).collect();
    ingest(&engine, &entries);
    for key in keys {
        let found: Option<Bytes> = get(&engine, key);
        assert_eq!(found, Some(Bytes::from(key)), "get({key:?}), whose value is the key");
    }
    for missing in ["\0\0\0", "\0a", "a\0a", "ab"] {
        let found: Option<Bytes> = get(&engine, missing);
        assert_eq!(found, None, "get({missing:?}), which was not ingested");
    }
}
