//! When the inputs' files go: with their last reader, neither earlier nor later.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use lsm::compaction::{DropPolicy, Shape};
use lsm::disk::SimDisk;
use lsm::{Engine, Error, Options, Scan};

use super::fixture::{Pairs, Workbench, check_tree, contents, flush, flush_keys, key, manual, open, table_files};

/// All that a scan still gives.
fn rest(scan: &mut Scan, when: &str) -> Pairs {
    let found: Result<Pairs, Error> = scan.collect();
    found.unwrap_or_else(|error| panic!("an open scan, {when}: {error}"))
}

/// Small blocks and no cache: a reader needs its files up to the end.
fn small(disk: &SimDisk) -> Options {
    let mut options: Options = manual(disk);
    options.block_size = 200;
    options.table_size = 2000;
    options.cache_size = 0;
    options
}

/// An engine with a level and two tables above it, in which every key was overwritten.
fn prepare(disk: &SimDisk) -> Arc<Engine> {
    let engine: Arc<Engine> = open(small(disk));
    flush_keys(&engine, 0..100, "one");
    flush_keys(&engine, 0..50, "two");
    engine.compact().expect("a first compaction");
    flush_keys(&engine, 50..100, "three");
    flush_keys(&engine, 0..100, "four");
    engine
}

/// When a compaction returns and nobody reads, the files are those of the tree: its inputs' are gone.
///
/// Hint: `remove_when_unused` for each input, after the swap; and then let go of your own handles, the old state's too.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn without_readers_the_inputs_are_gone_at_once() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let before: Vec<PathBuf> = table_files(&disk);
    engine.compact().expect("a compaction");
    let after: Vec<PathBuf> = table_files(&disk);
    assert!(before.iter().all(|path| !after.contains(path)), "inputs' files are left: {before:?}, then {after:?}");
    check_tree(&engine, &disk, "after two compactions");
}

/// A scan that was begun before a compaction reads to its end what there was when it began. The inputs' files stay as
/// long as it needs them, and go when it is dropped.
///
/// Hint: the file goes when the last `Arc<Table>` does. Do not remove it yourself.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn an_open_scan_keeps_its_files() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let before: Vec<PathBuf> = table_files(&disk);
    let mut scan: Scan = engine.scan(..).expect("a scan");
    let first: (Bytes, Bytes) = scan.next().expect("an entry").expect("the first entry");
    assert_eq!(first.0, key(0), "the first key");
    engine.compact().expect("a compaction beside an open scan");
    flush_keys(&engine, 0..100, "five");
    engine.compact().expect("a second compaction beside an open scan");
    let files: Vec<PathBuf> = table_files(&disk);
    assert!(before.iter().all(|path| files.contains(path)), "an open scan reads {before:?}; there are {files:?}");
    let found: Pairs = rest(&mut scan, "after two compactions");
    assert_eq!(found.len(), 99, "entries that the scan still gives");
    let is_old = |(key, value): &(Bytes, Bytes)| value.starts_with(b"four") && key.starts_with(b"key");
    assert!(found.iter().all(is_old), "the scan gives what there was when it began");
    drop(scan);
    check_tree(&engine, &disk, "when the scan is dropped");
}

/// Each reader keeps its own tables alive: of several, the oldest keeps the oldest.
///
/// Hint: nothing has to be counted: a table's handles are counted already.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn readers_of_different_ages_keep_different_files() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let mut scans: Vec<(Scan, Vec<PathBuf>, String)> = Vec::new();
    for round in 0..3 {
        let tables: Vec<PathBuf> =
            engine.shape().tables().map(|table| lsm::table::table_path("db".as_ref(), table.id)).collect();
        scans.push((engine.scan(..).expect("a scan"), tables, contents(&engine, "when the scan begins")));
        flush_keys(&engine, (0..100).filter(|number| number % 3 == round), &format!("round {round}"));
        engine.compact().expect("a compaction");
    }
    // The one in the middle, the oldest, the youngest.
    for turn in [1, 0, 0] {
        let (mut scan, tables, expected) = scans.remove(turn);
        assert!(tables.iter().all(|path| table_files(&disk).contains(path)), "files of an open scan are gone");
        let found: Pairs = rest(&mut scan, "rounds later");
        let found: Vec<_> = found.into_iter().map(|(key, value)| (key, Some(value))).collect();
        assert_eq!(super::fixture::text(&found), expected, "an open scan gives what there was when it began");
        drop(scan);
        assert!(
            tables.iter().all(|path| !table_files(&disk).contains(path)),
            "files are left when their scan is dropped"
        );
    }
    check_tree(&engine, &disk, "when all scans are dropped");
}

/// A scan may outlive its engine, and takes away then what the compaction left to it.
///
/// Hint: nothing to do: a table holds what it needs.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn a_scan_may_outlive_its_engine() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let mut scan: Scan = engine.scan(..).expect("a scan");
    engine.compact().expect("a compaction");
    let tables: Vec<PathBuf> =
        engine.shape().tables().map(|table| lsm::table::table_path("db".as_ref(), table.id)).collect();
    engine.close().expect("closing");
    drop(engine);
    assert_eq!(rest(&mut scan, "when the engine is gone").len(), 100, "entries of a scan that outlives its engine");
    drop(scan);
    let mut files: Vec<PathBuf> = table_files(&disk);
    files.sort();
    let mut expected = tables;
    expected.sort();
    assert_eq!(files, expected, "files when engine and scan are gone: those of the tree stay");
}

/// A compaction that finds nothing to keep lets its inputs go all the same.
///
/// Hint: letting the inputs go does not depend on the outputs.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn inputs_without_outputs_go_too() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    flush(&engine, "a=1 b=1");
    flush(&engine, "a=× b=×");
    let mut scan: Scan = engine.scan(..).expect("a scan");
    engine.compact().expect("a compaction");
    assert_eq!(table_files(&disk).len(), 2, "an open scan keeps its files");
    assert_eq!(rest(&mut scan, "of deleted keys").len(), 0, "all keys were deleted when the scan began");
    drop(scan);
    assert_eq!(table_files(&disk).len(), 0, "files when the scan is dropped");
}

/// Outputs are ordinary tables: nothing removes their files when their handles go.
///
/// Hint: `remove_when_unused` is for inputs, and for outputs of a merge that failed.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn outputs_stay() {
    let bench = Workbench::with(|options| options.table_size = 1);
    let shape = Shape::new(1);
    let policy = DropPolicy::new(&shape, 1, bench.resources.options.user_part);
    let runs = vec![bench.run("a=1 b=2")];
    let outputs = bench.job(runs, policy, &|| false).expect("a merge").expect("nobody calls it off");
    assert_eq!((outputs.len(), bench.files().len()), (2, 3), "outputs, and files with the input's");
    drop(outputs);
    assert_eq!(bench.files().len(), 3, "files when the outputs' handles are dropped");
}
