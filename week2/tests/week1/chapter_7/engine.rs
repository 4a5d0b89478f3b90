//! What filters do for an engine.

use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, Options, Stats};

use super::tables::{even_keys, odd_keys, options};

fn open(disk: &SimDisk) -> Engine {
    let options: Options = options(disk);
    Engine::open("db", options).expect("an engine opens in an empty directory")
}

fn ingest(engine: &Engine, keys: &[String], value: Option<&str>) {
    let entries = keys.iter().map(|key| (key.as_bytes(), value.map(str::as_bytes)));
    engine.ingest(entries).unwrap_or_else(|error| panic!("ingest of {} keys failed: {error}", keys.len()));
}

fn get(engine: &Engine, key: &str) -> Option<Bytes> {
    engine.get(key.as_bytes()).unwrap_or_else(|error| panic!("get({key:?}) failed: {error}"))
}

/// A key that no table has costs next to no read, however many tables there are; `stats` counts the spared ones.
///
/// Hint: hash the key once, ask each table's filter, and count each "no".
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn missing_keys_cost_no_reads() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    for _ in 0..6 {
        ingest(&engine, &even_keys(), Some("value"));
    }
    let (reads, stats): (u64, Stats) = (disk.reads(), engine.stats());
    for key in odd_keys().iter().step_by(5) {
        assert_eq!(get(&engine, key), None, "get({key:?}), which was never written");
    }
    let (reads, now): (u64, Stats) = (disk.reads() - reads, engine.stats());
    assert!(reads <= 40, "200 missing keys in 6 tables cost {reads} reads; 40 at most");
    let hits: u64 = now.filter_hits - stats.filter_hits;
    assert!((1160..=1200).contains(&hits), "filter_hits rose by {hits}; 200 keys in 6 tables are 1200 questions");
    assert!(now.blocks_read - stats.blocks_read <= 40, "blocks_read rose by {}", now.blocks_read - stats.blocks_read);
}

/// Only tables that could have the key are asked: a table whose keys lie elsewhere counts no filter hit.
///
/// Hint: leave out by key range first (`Table::covers`), then by filter.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn a_table_elsewhere_is_not_asked() {
    let engine: Engine = open(&SimDisk::new());
    let keys: Vec<String> = even_keys();
    for part in keys.chunks(200) {
        ingest(&engine, part, Some("value"));
    }
    let before: u64 = engine.stats().filter_hits;
    for key in odd_keys().iter().step_by(9) {
        assert_eq!(get(&engine, key), None, "get({key:?}), which was never written");
    }
    let hits: u64 = engine.stats().filter_hits - before;
    assert!((100..=111).contains(&hits), "111 missing keys, each covered by one table of five: {hits} filter hits");
    for key in ["", "a", "key", "key1998\0", "key2", "z"] {
        assert_eq!(get(&engine, key), None, "get({key:?}), which was never written");
    }
    let more: u64 = engine.stats().filter_hits - before - hits;
    assert_eq!(more, 0, "filter hits of keys outside of all tables' key ranges");
}

/// Flushed tables have filters as ingested ones have.
///
/// Hint: both are made by `TableBuilder`, so there is nothing to do twice.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn flushed_tables_have_filters() {
    let engine: Engine = open(&SimDisk::new());
    for key in even_keys() {
        engine.put(key.as_bytes(), b"value").expect("a put in memory succeeds");
    }
    engine.flush().expect("the disk works");
    for key in even_keys() {
        assert_eq!(get(&engine, &key), Some(Bytes::from("value")), "get({key:?}) after the flush");
    }
    let before: u64 = engine.stats().filter_hits;
    for key in odd_keys() {
        assert_eq!(get(&engine, &key), None, "get({key:?}), which was never written");
    }
    let hits: u64 = engine.stats().filter_hits - before;
    assert!(hits >= 960, "filter_hits after 999 missing keys in a flushed table is {hits}; 960 at least");
}

/// Filters change no answer: the newest table decides, tombstones hide, and scans see everything.
///
/// Hint: a filter says "not in this table", never "not at all": the search goes on with the next table.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn filters_change_no_answer() {
    let engine: Arc<Engine> = Arc::new(open(&SimDisk::new()));
    let keys: Vec<String> = even_keys();
    let every = |step: usize| -> Vec<String> { keys.iter().step_by(step).cloned().collect() };
    ingest(&engine, &keys, Some("all"));
    ingest(&engine, &every(2), Some("second"));
    ingest(&engine, &every(3), None);
    ingest(&engine, &every(7), Some("seventh"));
    let mut live: usize = 0;
    for (place, key) in keys.iter().enumerate() {
        let expected: Option<&str> = match place {
            _ if place.is_multiple_of(7) => Some("seventh"),
            _ if place.is_multiple_of(3) => None,
            _ if place.is_multiple_of(2) => Some("second"),
            _ => Some("all"),
        };
        live += usize::from(expected.is_some());
        assert_eq!(get(&engine, key), expected.map(Bytes::from), "get({key:?}), entry {place}, over four tables");
    }
    let scanned: usize = engine.scan(..).expect("the disk works").filter(|entry| entry.is_ok()).count();
    assert_eq!(scanned, live, "live entries in scan(..)");
    let hits: u64 = engine.stats().filter_hits;
    assert!(hits >= 1000, "filter_hits after lookups that pass many tables without the key is {hits}");
}
