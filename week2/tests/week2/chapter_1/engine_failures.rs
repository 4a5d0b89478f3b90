//! A full compaction that fails: the error reaches the caller, nothing changed, and the next one succeeds.

use std::io::ErrorKind;
use std::sync::Arc;

use lsm::compaction::Shape;
use lsm::disk::{Fault, Operation, SimDisk, Step};
use lsm::{Engine, Error, Options};
use parking_lot::Mutex;

use super::fixture::{check_tree, contents, flush, is_table, manual, open, table_files};

/// An operation: what it was, and its number among the changes or among the reads.
type Recorded = (Operation, u64);

/// An engine with a level of three tables, and two tables above it, of which nothing is in memory.
fn prepare(disk: &SimDisk) -> Arc<Engine> {
    let mut options: Options = manual(disk);
    options.table_size = 1;
    options.block_size = 1;
    options.cache_size = 0;
    let engine: Arc<Engine> = open(options);
    flush(&engine, "a=1 b=1 c=0");
    flush(&engine, "b=1 c=1");
    engine.compact().expect("a first compaction");
    flush(&engine, "b=× c=2");
    flush(&engine, "a=3 d=3");
    engine
}

/// What a compaction asks of its tables and of the directory, and `is_meant` picks.
fn dry_run(is_meant: fn(&Step<'_>) -> bool) -> Vec<Recorded> {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let seen: Arc<Mutex<Vec<Recorded>>> = Arc::default();
    let steps = seen.clone();
    disk.on_operation(move |step| {
        if is_meant(&step) {
            steps.lock().push((step.operation, step.number));
        }
    });
    engine.compact().expect("a compaction without faults");
    let steps: Vec<Recorded> = seen.lock().clone();
    steps
}

/// A compaction meets `fault`, by `arm`, and a second one repairs it.
fn check_failing_compaction(step: Recorded, fault: Fault, arm: fn(&SimDisk, u64, Fault)) {
    let when = format!("when the compaction's {:?}, operation {}, fails once ({fault:?})", step.0, step.1);
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let (shape, stats): (Shape, _) = (engine.shape(), engine.stats());
    arm(&disk, step.1, fault);
    let error: Error = engine.compact().err().unwrap_or_else(|| panic!("the caller should hear of it, {when}"));
    let Error::Io { path, source, .. } = &error else {
        panic!("expected the disk's own Error::Io, {when}, found {error:?}")
    };
    assert!(is_table(path) || step.0 == Operation::SyncDirectory, "the error names the file, {when}: {error}");
    assert_eq!(source.kind() == ErrorKind::StorageFull, fault == Fault::Full, "the disk's own error, {when}: {error}");
    assert_eq!(engine.shape(), shape, "the tree is what it was, {when}");
    let failed = engine.stats();
    let counted = (failed.compactions, failed.bytes_compacted);
    assert_eq!(counted, (stats.compactions, stats.bytes_compacted), "a compaction that failed is not counted, {when}");
    check_tree(&engine, &disk, &when);
    assert_eq!(contents(&engine, &when), "a=3 c=2 d=3", "the live entries, {when}");
    engine.put(b"e", b"4").unwrap_or_else(|error| panic!("a put after the failure, {when}: {error}"));
    engine.compact().unwrap_or_else(|error| panic!("the second compaction, {when}: {error}"));
    assert_eq!(contents(&engine, &when), "a=3 c=2 d=3 e=4", "the live entries after the second compaction, {when}");
    assert_eq!(engine.stats().entries, 4, "the second compaction left out what is dead, {when}");
    check_tree(&engine, &disk, &format!("after the second compaction, {when}"));
}

/// Whatever a compaction changes on the disk to make its outputs, if that fails, the error reaches the caller, the tree
/// is what it was, no file is left, and the next compaction succeeds.
///
/// Hint: everything that can fail comes before the swap. Let no input go before it.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_compaction_that_cannot_write_changes_nothing() {
    let steps: Vec<Recorded> = dry_run(|step| {
        let changes_a_file = matches!(step.operation, Operation::Create | Operation::Append | Operation::Sync);
        (changes_a_file && is_table(step.path)) || step.operation == Operation::SyncDirectory
    });
    let count = |operation: Operation| steps.iter().filter(|step| step.0 == operation).count();
    assert!(
        count(Operation::Create) == 3 && count(Operation::Sync) == 3 && count(Operation::SyncDirectory) >= 1,
        "three outputs of an entry each: {steps:?}"
    );
    for step in steps {
        for fault in [Fault::Broken, Fault::Full] {
            check_failing_compaction(step, fault, SimDisk::fail_change);
        }
    }
}

/// Whatever a compaction reads, of inputs or of outputs: the same.
///
/// Hint: `ConcatIterator::new`, `next` and `Table::open` can fail. Return it.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_compaction_that_cannot_read_changes_nothing() {
    let steps: Vec<Recorded> = dry_run(|step| {
        let is_read = matches!(step.operation, Operation::Open | Operation::Length | Operation::Read);
        is_read && is_table(step.path)
    });
    assert!(steps.len() >= 6, "six blocks of inputs are read, and outputs are opened: {steps:?}");
    for step in steps {
        check_failing_compaction(step, Fault::Broken, SimDisk::fail_read);
    }
}

/// An input's file that cannot be removed is no failure of the compaction: the tree is new, and the file takes space.
///
/// Hint: nothing to do; the table's `Drop` removes the file, and cannot fail.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_file_that_cannot_be_removed_takes_space_and_no_more() {
    let steps: Vec<Recorded> = dry_run(|step| step.operation == Operation::Remove && is_table(step.path));
    assert_eq!(steps.len(), 5, "five inputs are removed: {steps:?}");
    for step in steps {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = prepare(&disk);
        disk.fail_change(step.1, Fault::Broken);
        engine.compact().unwrap_or_else(|error| panic!("a compaction whose {step:?} fails: {error}"));
        assert_eq!(contents(&engine, "after a removal that failed"), "a=3 c=2 d=3");
        assert_eq!(engine.stats().tables, 3, "outputs");
        assert_eq!(table_files(&disk).len(), 4, "the outputs' files and the one that could not be removed");
    }
}

/// A hundred compactions that fail leave no file, and no entry is lost.
///
/// Hint: each attempt takes new numbers and makes new files. Whoever makes a file sees to its end.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_hundred_failing_compactions_leave_no_file() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let made: Vec<Recorded> = dry_run(|step| {
        matches!(step.operation, Operation::Create | Operation::Append | Operation::Sync) && is_table(step.path)
    });
    for attempt in 0..100 {
        let failing = Arc::new(Mutex::new(attempt % made.len()));
        let broken = disk.clone();
        disk.on_operation(move |step| {
            let is_making = matches!(step.operation, Operation::Create | Operation::Append | Operation::Sync);
            if is_making && is_table(step.path) {
                let mut left = failing.lock();
                if *left == 0 {
                    broken.fail_change(step.number, Fault::Full);
                }
                *left = left.wrapping_sub(1);
            }
        });
        let outcome: Result<(), Error> = engine.compact();
        assert!(
            matches!(outcome, Err(Error::Io { .. })),
            "compaction {attempt} meets a full disk, and gives {outcome:?}"
        );
        check_tree(&engine, &disk, &format!("after compaction {attempt}, which failed"));
    }
    assert_eq!(contents(&engine, "after a hundred failures"), "a=3 c=2 d=3");
    disk.on_operation(|_| {});
    engine.compact().expect("a compaction on a disk that works again");
    assert_eq!(contents(&engine, "after the compaction"), "a=3 c=2 d=3");
    check_tree(&engine, &disk, "after the compaction");
}

/// If the flush before a compaction fails, that is the compaction's error, and nothing was merged.
///
/// Hint: `flush_all` comes first, with `?`.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn a_compaction_whose_flush_fails_changes_nothing() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let shape: Shape = engine.shape();
    engine.put(b"e", b"4").expect("a put");
    let broken = disk.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_table(step.path) {
            broken.fail_change(step.number, Fault::Full);
        }
    });
    let outcome: Result<(), Error> = engine.compact();
    assert!(matches!(outcome, Err(Error::Io { .. })), "a compaction whose flush meets a full disk gives {outcome:?}");
    disk.on_operation(|_| {});
    assert_eq!(engine.shape(), shape, "the tree is what it was");
    assert_eq!(contents(&engine, "after the failed flush"), "a=3 c=2 d=3 e=4");
    engine.compact().expect("a compaction on a disk that works again");
    assert_eq!((contents(&engine, "in the end"), engine.stats().entries), ("a=3 c=2 d=3 e=4".to_string(), 4));
}
