//! What held before this chapter, and still has to.

use std::sync::Arc;

use lsm::disk::SimDisk;
use lsm::{Engine, Stats};

use super::support::{check_holds, fill, manual, open, table_files};

/// Without `background`, writes freeze nothing and make no file, however large the memtable grows.
///
/// Hint: `make_room` looks at `options.background` before it looks at the memtable's size.
///
/// Book: week1/6-write-path.md#task-1-make-room
#[test]
fn without_the_background_writes_only_fill_the_memtable() {
    let disk = SimDisk::new();
    let mut options = manual(&disk);
    options.memtable_size = 1024;
    let engine: Arc<Engine> = open(options);
    fill(&engine, 0..100);
    engine.freeze().expect("freezing");
    fill(&engine, 100..200);
    let stats: Stats = engine.stats();
    assert_eq!((stats.frozen_memtables, stats.tables, stats.stalls), (1, 0, 0), "{stats:?}");
    assert!(table_files(&disk).is_empty(), "no file was asked for");
    check_holds(&engine, 0..200, "all in memory");
}
