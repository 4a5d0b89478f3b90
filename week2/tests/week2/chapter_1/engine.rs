//! A full compaction of an engine: what the tree is and what it counts afterwards.

use std::sync::Arc;

use lsm::compaction::{Shape, TableShape};
use lsm::disk::{SimDisk, Survival};
use lsm::table::{Resources, Table};
use lsm::{Engine, Options, Stats};

use super::fixture::{check_tree, contents, filled, flush, flush_keys, key, manual, open, table_files, tree};

/// The number of tables of each level.
fn counts(shape: &Shape) -> Vec<usize> {
    shape.levels.iter().map(|level| level.tables.len()).collect()
}

/// A full compaction leaves each key once, with its newest value, in the last level, and no deleted one.
///
/// Hint: level 0 is in `state.level_0`, the newest first. What stands behind a table there is older.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn a_full_compaction_keeps_the_newest_of_each_key() {
    for levels in [0, 1, 2, 6] {
        let disk = SimDisk::new();
        let mut options: Options = manual(&disk);
        options.levels = levels;
        let engine: Arc<Engine> = open(options);
        flush(&engine, "a=1 b=1 c=1 d=1 e=1");
        flush(&engine, "b=2 c=× e=×");
        flush(&engine, "c=3 d=× f=3");
        engine.put(b"b", b"4").expect("a put");
        engine.delete(b"f").expect("a delete");
        engine.compact().expect("a compaction");
        let when = format!("after a compaction with {levels} levels");
        assert_eq!(contents(&engine, &when), "a=1 b=4 c=3", "the live entries, {when}");
        let mut expected: Vec<usize> = vec![0; levels.max(1)];
        expected.push(1);
        assert_eq!(counts(&engine.shape()), expected, "tables of each level, {when}");
        assert_eq!((engine.stats().entries, engine.stats().tables), (3, 1), "entries and tables, {when}");
        check_tree(&engine, &disk, &when);
    }
}

/// Compaction after compaction: what is above is newer than what is below, tombstones included.
///
/// Hint: the last level's tables are inputs too, as the oldest run.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn what_was_compacted_is_older_than_what_comes_later() {
    let disk = SimDisk::new();
    let mut options: Options = manual(&disk);
    options.table_size = 1;
    let engine: Arc<Engine> = open(options);
    let rounds = [
        ("a=1 b=1 c=1", "a=1 b=1 c=1"),
        ("b=2 d=2", "a=1 b=2 c=1 d=2"),
        ("a=× c=3", "b=2 c=3 d=2"),
        ("a=4 b=× e=4", "a=4 c=3 d=2 e=4"),
        ("a=× b=× c=× d=× e=×", ""),
        ("c=6", "c=6"),
    ];
    for (written, expected) in rounds {
        flush(&engine, written);
        assert_eq!(contents(&engine, "before the compaction"), expected, "the live entries after {written}");
        engine.compact().expect("a compaction");
        assert_eq!(contents(&engine, "after the compaction"), expected, "the live entries, {written} compacted");
        let stats: Stats = engine.stats();
        assert_eq!(stats.entries as usize, expected.split_whitespace().count(), "entries, {written} compacted");
        check_tree(&engine, &disk, &format!("{written} compacted"));
    }
}

/// Where everything was deleted, a full compaction leaves no table and no file.
///
/// Hint: a task without outputs changes the tree too: its inputs go.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn a_tree_of_deletions_becomes_empty() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    flush(&engine, "a=1 b=1");
    engine.compact().expect("a compaction");
    flush(&engine, "a=× b=× c=×");
    engine.compact().expect("a compaction of nothing but what is deleted");
    assert_eq!(counts(&engine.shape()).iter().sum::<usize>(), 0, "tables in {:?}", engine.shape());
    assert_eq!((engine.stats().entries, engine.stats().tables, engine.stats().table_bytes), (0, 0, 0));
    check_tree(&engine, &disk, "when everything is deleted");
    flush(&engine, "b=2");
    assert_eq!(contents(&engine, "after a new write"), "b=2");
    flush(&engine, "b=×");
    flush(&engine, "c=×");
    engine.compact().expect("a compaction of tombstones alone");
    assert_eq!(table_files(&disk).len(), 0, "files of tables when only tombstones were compacted");
}

/// Outputs are cut at `table_size`, and the level is in key order.
///
/// Hint: the `Job` cuts; `with_edit` puts the outputs where they belong.
///
/// Book: week2/1-compaction.md#where-an-output-ends
#[test]
fn outputs_have_the_size_that_the_options_say() {
    let disk = SimDisk::new();
    let mut options: Options = manual(&disk);
    options.table_size = 4096;
    options.levels = 2;
    let engine: Arc<Engine> = open(options);
    flush_keys(&engine, (0..400).filter(|number| number % 2 == 0), "even");
    flush_keys(&engine, (0..400).filter(|number| number % 2 == 1), "odd");
    engine.compact().expect("a compaction");
    let shape: Shape = engine.shape();
    let tables: &[TableShape] = &shape.levels[2].tables;
    assert!((8..=12).contains(&tables.len()), "400 entries of about 110 bytes in tables of 4 KiB: {}", tables.len());
    for table in &tables[..tables.len() - 1] {
        assert!((4096..8192).contains(&table.size), "a table's bytes, index and filter included: {}", table.size);
    }
    assert_eq!(tables.iter().map(|table| table.entries).sum::<u64>(), 400, "entries of all outputs");
    check_tree(&engine, &disk, "after the compaction");
}

/// `shape` tells of each table its level, number, size, entries, tombstones, and first and last user key.
///
/// Hint: `Core::shape` is given. If this fails, look at what your swap does to the state.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn the_shape_is_what_the_files_are() {
    let disk = SimDisk::new();
    let mut options: Options = manual(&disk);
    options.table_size = 1;
    options.levels = 2;
    let engine: Arc<Engine> = open(options);
    flush(&engine, "a=1 b=1");
    flush(&engine, "b=2 d=2");
    engine.compact().expect("a compaction");
    flush(&engine, "c=× e=3");
    flush(&engine, "b=× f=×");
    let mut shape: Shape = engine.shape();
    let resources: Arc<Resources> = Resources::new(manual(&disk));
    for table in shape.levels.iter_mut().flat_map(|level| &mut level.tables) {
        let path = lsm::table::table_path("db".as_ref(), table.id);
        let file: Arc<Table> = Table::open(table.id, &path, &resources).expect("a file for each table of the shape");
        assert_eq!(
            (table.size, table.entries),
            (file.size(), file.entries()),
            "size and entries of table {}",
            table.id
        );
        assert_eq!(table.tombstones, file.tombstones(), "tombstones of table {}", table.id);
        (table.id, table.size, table.entries) = (0, 100, 10);
    }
    let mut expected: Shape = tree(&["0:b-f× 0:c-e×", "", "0:a-a 0:b-b 0:d-d"]);
    expected.levels[0].tables[0].tombstones = 2;
    assert_eq!(shape, expected, "the tree, ids and sizes left out");
}

/// What compactions count: how many there were, and the bytes of their outputs. Flushes and ingests count the bytes of
/// their tables.
///
/// Hint: count `bytes_flushed` in `flush_oldest` and in `ingest`, and `compactions` and `bytes_compacted` after the swap.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn bytes_are_counted() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    flush(&engine, "a=1 b=1");
    let first: u64 = engine.stats().table_bytes;
    assert_eq!(engine.stats().bytes_flushed, first, "bytes_flushed after a flush");
    engine.ingest([(&b"b"[..], None), (&b"c"[..], Some(&b"2"[..]))]).expect("an ingest");
    let flushed: u64 = engine.stats().table_bytes;
    assert_eq!(engine.stats().bytes_flushed, flushed, "bytes_flushed after a flush and an ingest");
    assert_eq!((engine.stats().compactions, engine.stats().bytes_compacted), (0, 0), "before the first compaction");
    engine.compact().expect("a compaction");
    let stats: Stats = engine.stats();
    assert_eq!((stats.compactions, stats.bytes_flushed), (1, flushed), "after a compaction: {stats:?}");
    assert_eq!(stats.bytes_compacted, stats.table_bytes, "bytes_compacted after a compaction: {stats:?}");
    flush(&engine, "a=×");
    let with_tombstone: u64 = engine.stats().table_bytes - stats.table_bytes;
    engine.compact().expect("a second compaction");
    let second: Stats = engine.stats();
    assert_eq!((second.compactions, second.bytes_flushed), (2, flushed + with_tombstone), "after two: {second:?}");
    assert_eq!(second.bytes_compacted, stats.table_bytes + second.table_bytes, "after two: {second:?}");
}

/// A compaction of a tree that is compacted already does nothing; it changes nothing on the disk.
///
/// Hint: `full_compaction` gives no task then.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn nothing_to_compact_is_no_work() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    engine.compact().expect("a compaction of an empty engine");
    assert_eq!(engine.stats().compactions, 0, "compactions of an empty engine");
    flush(&engine, "a=1 b=1");
    flush(&engine, "a=2 b=×");
    engine.compact().expect("a compaction");
    let (files, stats) = (table_files(&disk), engine.stats());
    for _ in 0..2 {
        engine.compact().expect("a compaction of what is compacted");
        assert_eq!(table_files(&disk), files, "the files, when there was nothing to compact");
        assert_eq!(
            (engine.stats().compactions, engine.stats().bytes_compacted),
            (stats.compactions, stats.bytes_compacted)
        );
    }
    assert_eq!(contents(&engine, "after compactions of nothing"), "a=2");
}

/// What is in memory is flushed first, and is in the last level afterwards. The outputs survive a power cut.
///
/// Hint: `flush_all`, and then ask for the shape.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn a_compaction_takes_the_memtables_along() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    flush(&engine, "a=1 b=1");
    engine.put(b"b", b"2").expect("a put");
    engine.freeze().expect("freezing");
    engine.put(b"c", b"3").expect("a put");
    engine.compact().expect("a compaction");
    let stats: Stats = engine.stats();
    assert_eq!((stats.memtable_bytes, stats.frozen_memtables, stats.tables), (0, 0, 1), "memory is empty: {stats:?}");
    assert_eq!(contents(&engine, "after the compaction"), "a=1 b=2 c=3");
    let files = table_files(&disk);
    let found: SimDisk = disk.after_power_cut(Survival::Nothing, 7);
    assert_eq!(found.contents(&files[0]), disk.contents(&files[0]), "the output after a power cut");
}

/// An engine that is closed can be compacted as it can be flushed: nothing is lost.
///
/// Hint: `compact_all` does not ask for the engine's health.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn compacting_a_closed_engine_loses_nothing() {
    let disk = SimDisk::new();
    let mut options: Options = manual(&disk);
    options.table_size = 1;
    let engine: Arc<Engine> = open(options);
    flush(&engine, "a=1 b=1 c=1");
    flush(&engine, "b=2 c=×");
    engine.close().expect("closing");
    engine.compact().expect("a compaction of a closed engine");
    assert_eq!(contents(&engine, "after a compaction of a closed engine"), "a=1 b=2");
    check_tree(&engine, &disk, "after a compaction of a closed engine");
}

/// A database in which each key was overwritten and half of them deleted gives the space back.
///
/// Hint: this is what compaction is for. Are the inputs removed?
///
/// Book: week2/1-compaction.md#three-amplifications
#[test]
fn space_comes_back() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    for round in 0..5 {
        flush_keys(&engine, 0..100, &format!("round {round}"));
    }
    for number in 50..100 {
        engine.delete(&key(number)).expect("a delete");
    }
    engine.flush().expect("a flush");
    let before: u64 =
        table_files(&disk).iter().map(|path| disk.contents(path).map_or(0, |bytes| bytes.len() as u64)).sum();
    engine.compact().expect("a compaction");
    let after: u64 =
        table_files(&disk).iter().map(|path| disk.contents(path).map_or(0, |bytes| bytes.len() as u64)).sum();
    assert!(after * 8 < before, "bytes of files: {before} before, {after} after; a tenth of the values is alive");
    assert_eq!(engine.get(&key(7)).expect("a get").as_deref(), Some(&filled("round 4")[..]), "a live value");
    assert_eq!(engine.stats().table_bytes, after, "what the engine says of its files");
}
