//! Tables that only move, in an engine: no byte is written, and nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lsm::compaction::{NoCompaction, Shape, SimpleLeveled, Strategy};
use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, Options, Result, Scan, Stats};

use crate::strategies::engines::{
    background, check_holds, eventually, fill, is_table, key, manual, open, promptly, settle,
};
use crate::strategies::shapes::drawing;

/// Counts the tables that are begun on a disk.
fn count_tables(disk: &SimDisk) -> Arc<AtomicU64> {
    let count: Arc<AtomicU64> = Arc::default();
    let counter = count.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_table(step.path) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    count
}

/// An engine that was filled with tables of ten keys each, apart from each other, and then compacted.
fn compacted(disk: &SimDisk, tables: usize) -> (Arc<Engine>, Shape) {
    let options: Options = manual(disk, Arc::new(NoCompaction));
    let engine: Arc<Engine> = open(options);
    for table in 0..tables {
        fill(&engine, table * 10..table * 10 + 10);
        engine.flush().expect("a flush");
    }
    let before: Shape = engine.shape();
    engine.compact().expect("a compaction");
    (engine, before)
}

/// A compaction of tables that only have to move writes no table: the same files are in the last level then.
///
/// Hint: in `carry_out`, ask `trivial_move` before you merge; install its edit, and no new handles.
///
/// Book: week2/2-simple-leveled.md#in-the-engine
#[test]
fn a_move_writes_no_table() {
    let disk = SimDisk::new();
    let begun = count_tables(&disk);
    let (engine, before) = compacted(&disk, 3);
    let (after, stats): (Shape, Stats) = (engine.shape(), engine.stats());
    let mut moved: Vec<u64> = before.levels[0].ids();
    moved.reverse();
    assert_eq!(after.levels[after.last_level()].ids(), moved, "the last level's tables, in key order");
    assert_eq!(after.tables().count(), 3, "how many tables there are\n{}", drawing(&after));
    assert_eq!(stats.bytes_compacted, 0, "bytes that compactions wrote: {stats:?}");
    assert_eq!(begun.load(Ordering::SeqCst), 3, "how many tables were begun: one a flush");
    check_holds(&engine, 0..30, "after a move");
}

/// A move counts as a compaction.
///
/// Hint: `counters.compactions`, after the swap.
///
/// Book: week2/2-simple-leveled.md#in-the-engine
#[test]
fn a_move_is_counted() {
    let (engine, _before) = compacted(&SimDisk::new(), 2);
    let stats: Stats = engine.stats();
    assert_eq!((stats.compactions, stats.bytes_compacted), (1, 0), "compactions, and the bytes that they wrote");
    engine.compact().expect("a compaction of what is compacted");
    assert_eq!(engine.stats().compactions, 1, "compactions, after one that found nothing to do");
}

/// The files of moved tables stay: they can be read, by scans that began before the move too, and until the end.
///
/// Hint: the inputs of a move are its outputs. Who removes them when their last reader is gone?
///
/// Book: week2/2-simple-leveled.md#in-the-engine
#[test]
fn moved_tables_keep_their_files() {
    let disk = SimDisk::new();
    let mut options: Options = manual(&disk, Arc::new(NoCompaction));
    options.cache_size = 0;
    let engine: Arc<Engine> = open(options);
    for table in 0..3 {
        fill(&engine, table * 10..table * 10 + 10);
        engine.flush().expect("a flush");
    }
    let mut scan: Scan = engine.scan(..).expect("a scan");
    let first: Option<Result<(Bytes, Bytes)>> = scan.next();
    assert!(matches!(first, Some(Ok(_))), "the scan's first entry");
    engine.compact().expect("a compaction");
    assert_eq!(engine.stats().bytes_compacted, 0, "bytes that compactions wrote: the tables only move");
    let rest: Result<Vec<(Bytes, Bytes)>> = scan.collect();
    assert_eq!(rest.expect("a scan that began before the move").len(), 29, "the other entries of the scan");
    check_holds(&engine, 0..30, "after the move, without a cache");
    drop(engine);
    let files = disk.paths().into_iter().filter(|path| is_table(path)).count();
    assert_eq!(files, 3, "table files when the last reader of the moved tables is gone");
}

/// The compactor moves too: what comes in key order sinks as it is, while level 1 is empty.
///
/// Hint: `carry_out` is the same for a full compaction and for the compactor.
///
/// Book: week2/2-simple-leveled.md#in-the-engine
#[test]
fn the_compactor_moves_what_it_can() {
    let disk = SimDisk::new();
    let strategy = SimpleLeveled { level_0_tables: 1, level_1_size: 1, ratio: 1, max_level_0_tables: 2 };
    let engine: Arc<Engine> = open(background(&disk, Arc::new(strategy.clone())));
    let writer = engine.clone();
    promptly("writes and a flush", move || {
        fill(&writer, 0..5);
        writer.flush().expect("a flush");
    });
    let shape: Shape = settle(&engine, &strategy);
    assert_eq!(shape.levels[shape.last_level()].tables.len(), 1, "the table sank to the bottom\n{}", drawing(&shape));
    // The tree may be seen before the last move is counted.
    eventually("four moves are counted, one a level", || engine.stats().compactions == 4);
    let stats: Stats = engine.stats();
    assert_eq!(stats.bytes_compacted, 0, "bytes that compactions wrote: {stats:?}");
    check_holds(&engine, 0..5, "at the bottom");
}

/// A table with deletions is rewritten when it goes to the bottom, and takes their space along; above something older it
/// moves.
///
/// Hint: it is `trivial_move` that looks at the tombstones.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn deletions_are_rewritten_at_the_bottom_and_move_above_it() {
    let disk = SimDisk::new();
    let strategy: Arc<dyn Strategy> = Arc::new(NoCompaction);
    let engine: Arc<Engine> = open(manual(&disk, strategy));
    fill(&engine, 0..10);
    engine.compact().expect("a move");
    assert_eq!(engine.stats().bytes_compacted, 0, "bytes that were compacted: ten puts only move");
    for number in 3..20 {
        engine.delete(&key(number)).expect("a delete");
    }
    engine.compact().expect("a compaction");
    assert_eq!(engine.stats().entries, 3, "entries, after a full compaction of 10 puts and 17 deletions");
    assert!(engine.stats().bytes_compacted > 0, "bytes that were compacted: the deletions had to go");
    check_holds(&engine, 0..3, "after the compaction");
    // Deletions of keys that never were, alone.
    for number in 30..40 {
        engine.delete(&key(number)).expect("a delete");
    }
    engine.compact().expect("a compaction");
    assert_eq!(engine.stats().entries, 3, "entries: a deletion of nothing takes no space");
}
