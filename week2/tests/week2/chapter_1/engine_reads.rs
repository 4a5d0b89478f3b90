//! Reading levels: one table of a level for a get, and no more of it than a scan needs.

use std::sync::Arc;

use bytes::Bytes;
use lsm::compaction::Shape;
use lsm::disk::SimDisk;
use lsm::{Engine, Error, Options};

use super::fixture::{Pairs, filled, flush_keys, key, manual, open, reads_of};
use super::toys::{Picks, compacting, open_compacting, wait_for_compactions};

/// A level of many tables of two blocks each, with the keys that are multiples of 10, read by nobody so far.
fn one_level(disk: &SimDisk) -> Arc<Engine> {
    let mut options: Options = manual(disk);
    options.table_size = 1000;
    options.block_size = 600;
    options.bits_per_key = 0;
    options.cache_size = 0;
    let engine: Arc<Engine> = open(options);
    flush_keys(&engine, (0..4000).step_by(20), "first");
    flush_keys(&engine, (10..4000).step_by(20), "second");
    engine.compact().expect("a compaction");
    let shape: Shape = engine.shape();
    let last = shape.levels.last().expect("a last level");
    assert!(last.tables.len() >= 20, "a level of many tables: {}", last.tables.len());
    engine
}

/// A get asks one table of a level, and none where the key falls between two tables or outside of the level.
///
/// Hint: search the tables' last keys with `partition_point`; `covers` says whether the table that you found can have it.
///
/// Book: week2/1-compaction.md#task-5-read-the-levels
#[test]
fn a_get_asks_one_table_of_a_level() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = one_level(&disk);
    for number in (0..4000).step_by(10) {
        let (reads, found) = reads_of(&disk, || engine.get(&key(number)).expect("a get"));
        assert!(found.is_some(), "key {number} is in the level");
        assert_eq!(reads, 1, "reads for key {number}");
    }
    for number in (5..4000).step_by(50) {
        let (reads, found) = reads_of(&disk, || engine.get(&key(number)).expect("a get"));
        assert_eq!(found, None, "key {number} was never written");
        assert!(reads <= 1, "reads for key {number}, which is nowhere: {reads}");
    }
    let shape: Shape = engine.shape();
    for table in &shape.levels.last().expect("a last level").tables {
        for (outside, side) in
            [([&table.last_key[..], b"+"].concat(), "behind"), (table.first_key[..7].to_vec(), "before")]
        {
            let (reads, found) = reads_of(&disk, || engine.get(&outside).expect("a get"));
            assert_eq!((reads, found), (0, None), "reads for a key {side} table {}", table.id);
        }
    }
}

/// The upper level decides, and a tombstone there hides what is below.
///
/// Hint: ask the levels in their order, after level 0, and stop at the first that knows the key.
///
/// Book: week2/1-compaction.md#task-5-read-the-levels
#[test]
fn the_upper_level_decides() {
    let disk = SimDisk::new();
    // Level 0 goes to the deepest level that is empty.
    let down = Picks(|shape| {
        let target = (1..shape.levels.len()).rev().find(|level| shape.levels[*level].tables.is_empty())?;
        let inputs = vec![lsm::compaction::Inputs { level: 0, tables: shape.levels[0].ids() }];
        (!inputs[0].tables.is_empty()).then_some(lsm::compaction::Task { inputs, target, cursor: None })
    });
    let engine: Arc<Engine> = open_compacting(compacting(&disk, down));
    let rounds = ["a=1 b=1 c=1 d=1 e=1 f=1", "b=2 c=2 d=× e=2", "c=3 d=3 e=×", "d=4 f=×"];
    for (count, written) in (1..).zip(rounds) {
        super::fixture::flush(&engine, written);
        if count < 4 {
            wait_for_compactions(&engine, count);
        }
    }
    let tables: Vec<bool> = engine.shape().levels.iter().map(|level| !level.tables.is_empty()).collect();
    assert_eq!(tables, [true; 4], "each round in a level of its own: {:?}", engine.shape());
    assert_eq!(super::fixture::contents(&engine, "with four levels"), "a=1 b=2 c=3 d=4");
    for key in ["e", "f"] {
        let found: Option<Bytes> = engine.get(key.as_bytes()).expect("a get");
        assert_eq!(found, None, "{key} is deleted in an upper level, and a lower one has it");
    }
}

/// A scan reads a level's tables one after the other, as far as it is asked to go, and none outside of its range.
///
/// Hint: a level is one source, a `ConcatIterator` over the level's own list.
///
/// Book: week2/1-compaction.md#task-5-read-the-levels
#[test]
fn a_scan_reads_what_it_needs_of_a_level() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = one_level(&disk);
    let (reads, found) = reads_of(&disk, || {
        let found: Result<Pairs, Error> = engine.scan(..).expect("a scan").take(3).collect();
        found.expect("three entries")
    });
    let keys: Vec<Vec<u8>> = found.iter().map(|(key, _)| key.to_vec()).collect();
    assert_eq!(keys, [key(0), key(10), key(20)], "the first three entries");
    assert!(reads <= 2, "reads for three entries of a level of many tables: {reads}");
    let (reads, found) = reads_of(&disk, || {
        let found: Result<Pairs, Error> = engine.scan(key(2000)..key(2030)).expect("a scan").collect();
        found.expect("a short range")
    });
    assert_eq!(found.len(), 3, "entries of a short range");
    assert!(reads <= 3, "reads for three entries in the middle: {reads}");
    let (reads, found) = reads_of(&disk, || engine.scan(key(4000)..).expect("a scan").count());
    assert_eq!((reads, found), (0, 0), "reads and entries behind the level");
    let found: Result<Pairs, Error> = engine.scan(..).expect("a scan").collect();
    let found: Pairs = found.expect("a scan of everything");
    let value = |number: usize| filled(if number.is_multiple_of(20) { "first" } else { "second" });
    let expected: Vec<(Vec<u8>, Vec<u8>)> = (0..4000).step_by(10).map(|number| (key(number), value(number))).collect();
    assert!(found.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).eq(expected), "a scan of a whole level");
}

/// A table of a level that cannot be read is an error of the get and of the scan, never an answer.
///
/// Hint: `?`, in both.
///
/// Book: week2/1-compaction.md#task-5-read-the-levels
#[test]
fn a_level_that_cannot_be_read_is_an_error() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = one_level(&disk);
    disk.fail_read(disk.reads(), lsm::disk::Fault::Broken);
    let found: Result<Option<Bytes>, Error> = engine.get(&key(2000));
    assert!(matches!(found, Err(Error::Io { .. })), "a get from a broken table gives {found:?}");
    disk.fail_read(disk.reads(), lsm::disk::Fault::Broken);
    let begun: Option<Error> = engine.scan(..).err();
    assert!(matches!(begun, Some(Error::Io { .. })), "a scan that begins in a broken table gives {begun:?}");
    disk.fail_read(disk.reads() + 10, lsm::disk::Fault::Broken);
    let mut scan = engine.scan(..).expect("a scan");
    let failed = scan.find_map(Result::err);
    assert!(matches!(failed, Some(Error::Io { .. })), "a scan over a broken table ends with {failed:?}");
    assert!(scan.next().is_none(), "after its error a scan gives nothing more");
}
