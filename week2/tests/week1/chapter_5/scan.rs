//! `Engine::scan` over memtables and tables.

use std::ops::Bound;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, KeyRange, Scan};

use super::fixture::{Pairs, delete, ingest, ingest_all, key, open, pairs, put, reads_of, scan};

/// A scan merges memtables and tables: each key once, from its newest source, without what is deleted.
///
/// Hint: the memtables' iterators come first among the sources, then the tables', newest first.
///
/// Book: week1/5-read-path.md#task-4-scan-walks-the-tables
#[test]
fn a_scan_merges_memtables_and_tables() {
    let engine: Engine = open(&SimDisk::new());
    ingest(&engine, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1")), ("d", Some("1")), ("g", Some("1"))]);
    ingest(&engine, &[("b", Some("2")), ("c", None), ("e", Some("2")), ("g", None)]);
    put(&engine, "d", "3");
    put(&engine, "g", "3");
    engine.freeze().expect("freezing needs nothing that can fail");
    delete(&engine, "e");
    put(&engine, "f", "4");
    let expected: Pairs = pairs([("a", "1"), ("b", "2"), ("d", "3"), ("f", "4"), ("g", "3")]);
    assert_eq!(scan(&engine, ..), expected, "scan(..) over two memtables and two tables");
}

/// Of many tables with the same key, a scan gives the newest table's value, once.
///
/// Hint: `state.level_0` has the newest first, and so has the merge.
///
/// Book: week1/5-read-path.md#task-4-scan-walks-the-tables
#[test]
fn a_scan_takes_the_newest_of_many_tables() {
    let engine: Engine = open(&SimDisk::new());
    for round in 0..20 {
        ingest_all(&engine, (0..5).map(key), &format!("round {round}"));
    }
    let found: Pairs = scan(&engine, ..);
    let expected: Pairs = (0..5).map(|number| (Bytes::from(key(number)), Bytes::from("round 19"))).collect();
    assert_eq!(found, expected, "scan(..) over 20 tables with the same five keys");
}

/// Every kind of bound holds for tables as it does for memtables.
///
/// Hint: an excluded lower bound that is a key of the table leaves this key out.
///
/// Book: week1/5-read-path.md#task-4-scan-walks-the-tables
#[test]
fn all_bounds_hold_over_tables() {
    let engine: Engine = open(&SimDisk::new());
    ingest_all(&engine, (0..8).map(|number| key(10 * number)), "older");
    ingest_all(&engine, (0..8).map(|number| key(10 * number + 5)), "newer");
    let all: Pairs = scan(&engine, ..);
    assert_eq!(all.len(), 16, "scan(..) over two tables of eight keys each");
    let ends: Vec<String> = [0, 3, 10, 15, 35, 40, 70, 75, 80].map(key).to_vec();
    for lower in ends.iter().flat_map(bounds) {
        for upper in ends.iter().flat_map(bounds) {
            let range: KeyRange = (lower, upper).into();
            let inside = |key: &Bytes| range.reaches_down_to(key) && range.reaches_up_to(key);
            let expected: Pairs = all.iter().filter(|(key, _)| inside(key)).cloned().collect();
            let found: Pairs = scan(&engine, range);
            assert_eq!(found, expected, "scan from {lower:?} to {upper:?}");
        }
    }
}

/// A scan does not read past its end: with one entry a block, ten entries cost at most ten blocks.
///
/// Hint: give the range to `Table::scan`; it stops where the range does.
///
/// Book: week1/5-read-path.md#task-4-scan-walks-the-tables
#[test]
fn a_scan_reads_nothing_past_its_bound() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    ingest_all(&engine, (0..100).map(key), "value");
    for (first, last) in [(0, 10), (45, 55), (89, 99)] {
        let mut found: Pairs = Vec::new();
        let reads: u64 = reads_of(&disk, || found = scan(&engine, key(first)..key(last)));
        assert_eq!(found.len(), 10, "entries of scan({:?}..{:?})", key(first), key(last));
        assert!(reads <= 10, "a scan of ten entries, each in a block of its own, read the disk {reads} times");
    }
}

/// Tables that have no key in the range are not read at all, not even when a bound is one of their ends.
///
/// Hint: leave out the tables that do not overlap the range.
///
/// Book: week1/5-read-path.md#task-1-which-tables-a-read-can-leave-out
#[test]
fn a_scan_reads_no_table_outside_of_its_range() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    for table in 0..9 {
        ingest_all(&engine, (0..10).map(|place| key(10 * table + place)), "value");
    }
    let mut found: Pairs = Vec::new();
    let reads: u64 = reads_of(&disk, || found = scan(&engine, key(40)..key(50)));
    assert_eq!(found.len(), 10, "entries of scan(\"key40\"..\"key50\")");
    assert!(reads <= 10, "ten entries of one table, each in a block of its own, took {reads} reads");
    let behind_all: (Bound<String>, Bound<String>) = (Bound::Excluded(key(89)), Bound::Unbounded);
    let reads: u64 = reads_of(&disk, || assert_eq!(scan(&engine, behind_all).len(), 0, "entries behind key89"));
    assert_eq!(reads, 0, "reads of a scan that begins just behind the last key of all");
    let before_all: (Bound<String>, Bound<String>) = (Bound::Unbounded, Bound::Excluded(key(0)));
    let reads: u64 = reads_of(&disk, || assert_eq!(scan(&engine, before_all).len(), 0, "entries before key00"));
    assert_eq!(reads, 0, "reads of a scan that ends just before the first key of all");
}

/// A scan reads as far as it is asked: each table's first entry, then one block for each further entry.
///
/// Hint: make one iterator for each table and let the merge step them. Collect nothing.
///
/// Book: week1/5-read-path.md#task-4-scan-walks-the-tables
#[test]
fn a_scan_reads_only_as_far_as_it_is_walked() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    for table in 0..3 {
        ingest_all(&engine, (0..30).map(|place| key(30 * table + place)), "value");
    }
    let start: u64 = disk.reads();
    let mut scan: Scan = engine.scan(..).expect("the disk works");
    let reads: u64 = disk.reads() - start;
    assert!(reads <= 3, "beginning a scan of three tables read the disk {reads} times; a block for each is enough");
    for given in 1..=90 {
        let entry: Option<lsm::Result<(Bytes, Bytes)>> = scan.next();
        assert!(matches!(entry, Some(Ok(_))), "entry {given} of 90 was {entry:?}");
        let reads: u64 = disk.reads() - start;
        assert!(reads <= given + 2, "after {given} entries of three tables the scan had read {reads} blocks");
    }
    assert!(scan.next().is_none(), "a scan of 90 entries gave another one");
}

/// A scan keeps to the tables that were there when it began.
///
/// Hint: take the state once, at the beginning.
///
/// Book: week1/5-read-path.md#one-state-for-the-whole-read
#[test]
fn a_scan_does_not_see_a_later_table() {
    let engine: Engine = open(&SimDisk::new());
    ingest(&engine, &[("a", Some("1")), ("c", Some("1")), ("e", Some("1"))]);
    let mut scan: Scan = engine.scan(..).expect("the disk works");
    let first: (Bytes, Bytes) = scan.next().expect("three entries are there").expect("the disk works");
    ingest(&engine, &[("b", Some("2")), ("c", None), ("e", Some("2"))]);
    let rest: Pairs = scan.collect::<lsm::Result<Pairs>>().expect("the disk works");
    assert_eq!(first, (Bytes::from("a"), Bytes::from("1")), "the first entry");
    assert_eq!(rest, pairs([("c", "1"), ("e", "1")]), "the rest of a scan that began before the second ingest");
}

/// Values longer than a block come back whole, from `scan` as from `get`.
///
/// Hint: the engine hands on what the table gives; it knows nothing of blocks.
///
/// Book: week1/5-read-path.md#task-4-scan-walks-the-tables
#[test]
fn a_value_longer_than_a_block_comes_back_whole() {
    let engine: Engine = open(&SimDisk::new());
    let long: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
    let entries: [(&[u8], Option<&[u8]>); 3] = [(b"a", Some(b"short")), (b"b", Some(&long)), (b"c", Some(b"short"))];
    engine.ingest(entries).expect("values of 100 kB are within the limits");
    let found: Option<Bytes> = engine.get(b"b").expect("the disk works");
    assert!(found.as_deref() == Some(&long[..]), "get(\"b\") must give the 100,000 bytes that were ingested");
    let scanned: Pairs = scan(&engine, "b"..="b");
    assert!(scanned.len() == 1 && scanned[0].1 == long, "scan(\"b\"..=\"b\") must give the 100,000 bytes");
}

/// The three kinds of bound at one key.
fn bounds(end: &String) -> [Bound<&String>; 3] {
    [Bound::Included(end), Bound::Excluded(end), Bound::Unbounded]
}
