//! An engine whose manifest cannot be written: nothing is lost, nothing is seen too early, no file is left for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lsm::disk::{Fault, Operation, SimDisk, Survival};
use lsm::{Engine, Error, Result};

use super::support::{
    Model, after_power_cuts, check_holds, compact_some, flush_round, ids, is_manifest, key, manual, open, small,
    table_files,
};

/// A change of the tree, and what it is called.
type Change = (&'static str, fn(&Engine) -> Result<()>);

const CHANGES: [Change; 3] = [
    ("a flush", |engine| engine.flush()),
    ("an ingest", |engine| engine.ingest([(&b"key00004"[..], Some(&b"ingested"[..]))])),
    ("a compaction", |engine| engine.compact()),
];

/// An engine with tables at level 0 and below; for a flush, something in memory.
fn prepare(disk: &SimDisk, what: &str) -> (Engine, Model) {
    let mut model = Model::new();
    let engine: Engine = open(small(disk));
    compact_some(&engine, &mut model, 20);
    flush_round(&engine, &mut model, 3..9, 1);
    if what == "a flush" {
        engine.put(&key(5), b"in memory").expect("a put");
        model.insert(key(5), b"in memory".to_vec());
    }
    (engine, model)
}

/// Each change of the manifest's file fails once, in a flush, an ingest, a compaction: the caller gets the disk's error,
/// the tree is what it was, reads go on, and the same call succeeds afterwards. No file is left over.
///
/// Hint: `install` returns before the swap when the record fails. Flush, compaction and ingest begin with `repair`, so
/// that no table is built for a manifest that cannot be written.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_change_whose_record_fails_can_be_repeated() {
    for (what, change) in CHANGES {
        for (operation, fault) in [(Operation::Append, Fault::Full), (Operation::Sync, Fault::Broken)] {
            let when = format!("when {operation:?} of the record of {what} fails ({fault:?})");
            let disk = SimDisk::new();
            let (engine, mut model) = prepare(&disk, what);
            let before = ids(&engine.shape());
            let (failing, has_failed) = (disk.clone(), AtomicBool::new(false));
            disk.on_operation(move |step| {
                let is_meant = step.operation == operation && is_manifest(step.path);
                if is_meant && !has_failed.swap(true, Ordering::SeqCst) {
                    failing.fail_change(step.number, fault);
                }
            });
            let outcome: Result<()> = change(&engine);
            assert!(matches!(outcome, Err(Error::Io { .. })), "expected the disk's error {when}, found {outcome:?}");
            assert_eq!(ids(&engine.shape()), before, "the tables {when}");
            check_holds(&engine, &model, &when);
            for (how, left) in after_power_cuts(&disk, 4) {
                let opened: Engine = open(manual(&left));
                assert!(opened.get(&key(0)).expect("a get").is_some(), "what was flushed before, {when}; {how}");
            }
            change(&engine).unwrap_or_else(|error| panic!("{what} on a disk that works again, {when}: {error}"));
            if what == "an ingest" {
                model.insert(key(4), b"ingested".to_vec());
            }
            check_holds(&engine, &model, &format!("after {what} was repeated, {when}"));
            assert_eq!(table_files(&disk).len(), engine.stats().tables as usize, "files of tables {when}");
            drop(engine);
            let left = disk.after_power_cut(Survival::Nothing, 1);
            check_holds(&open(manual(&left)), &model, &format!("after {what} was repeated and a power cut, {when}"));
        }
    }
}

/// As long as the manifest cannot be written, however often one tries, nothing piles up: no table is built in vain, and the
/// first attempt after that succeeds.
///
/// Hint: `repair` at the beginning of each change; the tables of a record that failed are removed by the first `repair`
/// that succeeds.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_hundred_failures_leave_no_file() {
    for (what, change) in CHANGES {
        let disk = SimDisk::new();
        let (engine, model) = prepare(&disk, what);
        let files = table_files(&disk).len();
        let is_full = Arc::new(AtomicBool::new(true));
        let (failing, full) = (disk.clone(), is_full.clone());
        disk.on_operation(move |step| {
            if full.load(Ordering::SeqCst) && is_manifest(step.path) {
                failing.fail_change(step.number, Fault::Full);
            }
        });
        let mut after_first = 0;
        for attempt in 0..100 {
            let outcome: Result<()> = change(&engine);
            assert!(matches!(outcome, Err(Error::Io { .. })), "{what}, attempt {attempt} gives {outcome:?}");
            let now = table_files(&disk).len();
            after_first = if attempt == 0 { now } else { after_first };
            assert_eq!(now, after_first, "files of tables after attempt {attempt} of {what}; {files} before the first");
        }
        check_holds(&engine, &model, &format!("after a hundred failures of {what}"));
        is_full.store(false, Ordering::SeqCst);
        change(&engine).unwrap_or_else(|error| panic!("{what} when there is space again: {error}"));
        let stats = engine.stats();
        assert_eq!(table_files(&disk).len() as u64, stats.tables, "files of tables after {what} has succeeded");
        let names: Vec<_> = disk.paths().into_iter().filter(|path| is_manifest(path)).collect();
        assert_eq!(names.len(), 1, "files of the manifest: {names:?}");
    }
}
