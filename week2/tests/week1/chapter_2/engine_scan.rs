//! Scans of an engine over memtables.

use std::ops::Bound;

use bytes::Bytes;
use lsm::{Engine, Result, Scan};

use super::{Entry, collect, entries, is_in, new_engine, ranges_between, scan, write_all};

/// What `layered` holds, as a scan must show it.
const LIVE: [(&str, Option<&str>); 6] = [
    ("apple", Some("green")),
    ("banana", Some("")),
    ("date", Some("brown")),
    ("elderberry", Some("black")),
    ("grape", Some("white")),
    ("kiwi", Some("brown")),
];

/// An engine with three memtables that tell different stories.
fn layered() -> Engine {
    let engine: Engine = new_engine();
    write_all(
        &engine,
        &[
            ("apple", Some("red")),
            ("banana", Some("green")),
            ("cherry", Some("dark")),
            ("grape", None),
            ("kiwi", Some("brown")),
            ("freeze", None),
            ("banana", None),
            ("cherry", None),
            ("date", Some("brown")),
            ("fig", None),
            ("grape", Some("white")),
            ("freeze", None),
            ("apple", Some("green")),
            ("banana", Some("")),
            ("elderberry", Some("black")),
            ("fig", None),
        ],
    );
    engine
}

/// A scan gives the live entries of all memtables in key order: each key once, from the newest; no tombstones and
/// nothing that they hide; empty values.
///
/// Hint: merge one iterator for each of `state.memtables()`, in that order; `Scan` leaves tombstones out.
///
/// Book: week1/2-merge-iterators.md#task-6-enginescan
#[test]
fn a_scan_gives_what_is_live() {
    assert_eq!(collect(scan(&layered(), ..)), entries(&LIVE), "scan(..) over three memtables");
}

/// All nine combinations of bounds hold in a scan, at keys that are here, deleted, and not here.
///
/// Hint: hand the range to every source.
///
/// Book: week1/2-merge-iterators.md#bounds
#[test]
fn every_combination_of_bounds_holds() {
    let engine: Engine = layered();
    for range in ranges_between(&["apple", "b", "cherry", "elderberry", "fig", "kiwi", "z"]) {
        let expected: Vec<(&str, Option<&str>)> = LIVE.into_iter().filter(|(key, _)| is_in(&range, key)).collect();
        let found: Vec<Entry> = collect(scan(&engine, range.clone()));
        assert_eq!(found, entries(&expected), "scan({range:?}) over {:?}", LIVE.map(|(key, _)| key));
    }
}

/// Every kind of range that Rust can write is a scan's range.
///
/// Hint: `KeyRange` has all the conversions; `range.into()` is enough.
///
/// Book: week1/2-merge-iterators.md#bounds
#[test]
fn every_form_of_range_works() {
    let engine: Engine = layered();
    let scans: [(&str, Scan, std::ops::Range<usize>); 8] = [
        ("..", scan(&engine, ..), 0..6),
        ("banana..grape", scan(&engine, "banana".."grape"), 1..4),
        ("banana..=grape", scan(&engine, b"banana".to_vec()..=b"grape".to_vec()), 1..5),
        ("date..", scan(&engine, String::from("date")..), 2..6),
        ("..date", scan(&engine, ..&b"date"[..]), 0..2),
        ("..=date", scan(&engine, ..=Bytes::from("date")), 0..3),
        ("(Excluded(date), Unbounded)", scan(&engine, (Bound::Excluded("date"), Bound::Unbounded)), 3..6),
        (
            "(Excluded(apple), Excluded(grape))",
            scan(&engine, (Bound::Excluded("apple"), Bound::Excluded("grape"))),
            1..4,
        ),
    ];
    for (range, scan, expected) in scans {
        assert_eq!(collect(scan), entries(&LIVE[expected]), "scan({range})");
    }
}

/// Empty ranges, ranges the wrong way round, and ranges that hold only tombstones give nothing.
///
/// Hint: none of them is an error.
///
/// Book: week1/2-merge-iterators.md#bounds
#[test]
fn an_empty_range_gives_nothing() {
    let engine: Engine = layered();
    for range in ["b".."b", "grape".."apple", "cherry".."cherry\0", "f".."g", "x".."z"] {
        assert_eq!(collect(scan(&engine, range.clone())), [], "scan({range:?})");
    }
    assert_eq!(collect(scan(&engine, "kiwi"..="date")), [], "scan(kiwi..=date), the wrong way round");
    assert_eq!(collect(scan(&new_engine(), ..)), [], "scan(..) of an empty engine");
}

/// The empty key, zero bytes, and keys that begin like others are found in plain byte order.
///
/// Hint: `scan("")` begins at the empty key, which is a key.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn any_bytes_are_a_key() {
    let engine: Engine = new_engine();
    let newer = [("a\0b", Some("4")), ("", Some("0")), ("a", Some("2")), ("b", None)];
    let older = [("a\0", Some("3")), ("\0", Some("1")), ("", Some("old")), ("ab", Some("5")), ("b", Some("gone"))];
    write_all(&engine, &older);
    write_all(&engine, &[("freeze", None)]);
    write_all(&engine, &newer);
    let expected = [
        ("", Some("0")),
        ("\0", Some("1")),
        ("a", Some("2")),
        ("a\0", Some("3")),
        ("a\0b", Some("4")),
        ("ab", Some("5")),
    ];
    assert_eq!(collect(scan(&engine, ..)), entries(&expected), "scan(..)");
    assert_eq!(collect(scan(&engine, ""..)), entries(&expected), "scan(\"\"..)");
    assert_eq!(collect(scan(&engine, "a".."ab")), entries(&expected[2..5]), "scan(a..ab)");
}

/// A scan that has ended gives `None` for ever, also when more is written behind its end.
///
/// Hint: a merge that has ended stays at its end. Does your memtable's iterator too?
///
/// Book: week1/2-merge-iterators.md#task-5-scan
#[test]
fn a_scan_is_fused() {
    let engine: Engine = layered();
    let mut walked: Scan = scan(&engine, ..);
    assert_eq!(walked.by_ref().take(2 * LIVE.len()).count(), LIVE.len(), "entries of scan(..)");
    write_all(&engine, &[("zucchini", Some("green"))]);
    for _ in 0..3 {
        let after: Option<Result<(Bytes, Bytes)>> = walked.next();
        assert!(after.is_none(), "next() of a scan that has ended gave {after:?}");
    }
}

/// A scan outlives the engine that it came from.
///
/// Hint: the iterators own what they walk.
///
/// Book: week1/2-merge-iterators.md#task-1-an-iterator-that-owns-its-map
#[test]
fn a_scan_outlives_its_engine() {
    let engine: Engine = layered();
    let mut walked: Scan = scan(&engine, "b"..);
    assert!(walked.next().is_some(), "the first entry at or after b");
    drop(engine);
    assert_eq!(collect(walked), entries(&LIVE[2..]), "the rest of scan(b..), after the engine was dropped");
}

/// A scan holds no lock: the engine can be written, frozen and read while a scan is under way, and the scan goes on
/// undisturbed.
///
/// Hint: take a clone of the state's `Arc`; hold neither the turn nor the state's lock.
///
/// Book: week1/2-merge-iterators.md#task-6-enginescan
#[test]
fn a_scan_does_not_stand_in_the_way() {
    let engine: Engine = layered();
    let walked: Scan = scan(&engine, ..);
    let mut found: Vec<Bytes> = Vec::new();
    for item in walked {
        let (key, _): (Bytes, Bytes) = item.expect("a scan of memtables cannot fail");
        // Behind the scan, so that no version of the engine shows it.
        write_all(&engine, &[("aaa", Some("written meanwhile")), ("freeze", None)]);
        found.push(key);
    }
    assert_eq!(found, LIVE.map(|(key, _)| key), "keys of a scan, with a put and a freeze after each");
}

/// A scan's values share the engine's memory; no bytes are copied.
///
/// Hint: take the value with `value_bytes`, not `Bytes::copy_from_slice(value)`.
///
/// Book: week1/2-merge-iterators.md#task-5-scan
#[test]
fn values_share_memory() {
    let engine: Engine = layered();
    let values =
        || -> Vec<Bytes> { scan(&engine, ..).map(|item| item.expect("a scan of memtables cannot fail").1).collect() };
    let (one, other): (Vec<Bytes>, Vec<Bytes>) = (values(), values());
    for (index, (one, other)) in one.iter().zip(&other).enumerate().filter(|(_, (one, _))| !one.is_empty()) {
        assert_eq!(one.as_ptr(), other.as_ptr(), "two scans' values of {} must share memory", LIVE[index].0);
    }
    assert_eq!(one.len(), LIVE.len(), "entries");
}

/// What is taken from a scan is right even if the scan is not walked to its end, and a second scan begins anew.
///
/// Hint: each call of `Engine::scan` makes its own iterators.
///
/// Book: week1/2-merge-iterators.md#task-5-scan
#[test]
fn a_part_of_a_scan_can_be_taken() {
    let engine: Engine = layered();
    for count in 0..=LIVE.len() {
        let taken: Vec<Bytes> =
            scan(&engine, ..).take(count).map(|item| item.expect("a scan of memtables cannot fail").0).collect();
        let expected: Vec<&str> = LIVE[..count].iter().map(|(key, _)| *key).collect();
        assert_eq!(taken, expected, "scan(..).take({count})");
    }
}
