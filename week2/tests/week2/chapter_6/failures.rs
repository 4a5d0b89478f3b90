//! A log that fails poisons the engine: later writes are refused, reads go on, a flush saves what was acknowledged, and
//! opening anew recovers.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lsm::disk::{Fault, Operation, SimDisk, Step};
use lsm::{Engine, Error, Options, Result};
use parking_lot::Mutex;

use super::support::{
    Model, cause_of_poison, check_holds, check_same, contents, fill, filled, is_log, is_table, key, logged, logs, open,
    synced, value,
};

/// An operation of a write or a sync, and its number among the changes.
type Recorded = (Operation, u64);

/// An engine with two memtables, both logged and synced.
fn prepare(options: Options) -> Engine {
    let engine: Engine = open(options);
    fill(&engine, 0..3);
    engine.freeze().expect("freezing");
    fill(&engine, 3..6);
    engine.sync().expect("a sync");
    engine
}

/// The operations of `action`, learnt from a run without faults.
fn dry_run(action: fn(&Engine) -> Result<()>) -> Vec<Recorded> {
    let disk = SimDisk::new();
    let engine: Engine = prepare(synced(&disk));
    let steps: Arc<Mutex<Vec<Recorded>>> = Arc::default();
    let seen = steps.clone();
    disk.on_operation(move |step: Step<'_>| seen.lock().push((step.operation, step.number)));
    action(&engine).expect("an action without faults");
    let steps: Vec<Recorded> = std::mem::take(&mut steps.lock());
    steps
}

fn write(engine: &Engine) -> Result<()> {
    engine.put(&key(6), &value(6))
}

fn write_into_a_new_memtable(engine: &Engine) -> Result<()> {
    engine.freeze()?;
    engine.put(&key(6), &value(6))
}

/// The answer is the same poison, with the same cause.
fn check_cause<T: std::fmt::Debug>(outcome: Result<T>, cause: &str, when: &str) {
    assert_eq!(cause_of_poison(outcome, when).to_string(), cause, "the cause that is told, {when}");
}

/// Whatever a write asks of its log's file, if that fails, the write fails with `Error::Poisoned`, and every later write
/// and sync with the same cause. Reads go on, the write that failed is not seen, and opening anew recovers.
///
/// Hint: put `Error::Poisoned` with the cause into `Background::fail`, within the turn, and return it. `Status::check`
/// tells the writers that follow.
///
/// Book: week2/6-write-ahead-log.md#task-8-poison
#[test]
fn a_log_that_fails_poisons_the_engine() {
    for action in [write, write_into_a_new_memtable] {
        let steps: Vec<Recorded> = dry_run(action);
        assert!(steps.len() >= 2, "a synced write appends and syncs; it did {steps:?}");
        for (operation, number) in steps {
            for fault in [Fault::Broken, Fault::Full] {
                check_poisoned(action, operation, number, fault);
            }
        }
    }
}

fn check_poisoned(action: fn(&Engine) -> Result<()>, operation: Operation, number: u64, fault: Fault) {
    let when = format!("when the write's {operation:?}, change {number}, fails once ({fault:?})");
    let disk = SimDisk::new();
    let engine: Engine = prepare(synced(&disk));
    disk.fail_change(number, fault);
    let first: Error = cause_of_poison(action(&engine), &when);
    assert!(matches!(first, Error::Io { .. }), "the cause is the disk's own error, {when}: {first:?}");
    let cause = first.to_string();
    let changes = disk.changes();
    check_cause(engine.put(&key(7), &value(7)), &cause, &format!("a put, {when}"));
    check_cause(engine.delete(&key(0)), &cause, &format!("a deletion, {when}"));
    check_cause(engine.sync(), &cause, &format!("a sync, {when}"));
    check_cause(engine.put(&key(7), &value(7)), &cause, &format!("a put after that sync, {when}"));
    assert_eq!(disk.changes(), changes, "what is refused asks nothing of the disk, {when}");
    check_holds(&engine, &filled(0..6), &format!("reads go on, {when}"));
    drop(engine);
    let engine: Engine = open(synced(&disk));
    let mut found: Model = contents(&engine);
    // The write that failed is unknown until now: it may be there or not.
    found.remove(&key(6));
    check_same(&found, &filled(0..6), &format!("opened anew, {when}"));
    fill(&engine, 6..9);
    drop(engine);
    check_holds(&open(logged(&disk)), &filled(0..9), &format!("written and opened once more, {when}"));
}

/// A poisoned engine can be flushed, which saves what was acknowledged. It stays poisoned.
///
/// Hint: `recovered` takes a failure of rank 0 away and no other. A flush does not ask for the engine's health.
///
/// Book: week2/6-write-ahead-log.md#task-8-poison
#[test]
fn a_poisoned_engine_can_be_flushed_and_stays_poisoned() {
    let disk = SimDisk::new();
    let engine: Engine = prepare(synced(&disk));
    disk.fail_change(disk.changes(), Fault::Broken);
    let cause = cause_of_poison(write(&engine), "an append that fails").to_string();
    engine.flush().expect("flushing a poisoned engine");
    assert_eq!((engine.stats().tables, engine.stats().memtable_bytes), (2, 0), "everything is in tables");
    check_cause(write(&engine), &cause, "a write after that flush");
    check_cause(engine.sync(), &cause, "a sync after that flush");
    engine.close().expect("closing a poisoned engine, whose memory is in tables");
    check_holds(&engine, &filled(0..6), "after the close");
    drop(engine);
    check_holds(&open(logged(&disk)), &filled(0..6), "opened anew: the flush has outdated the log's torn end");
}

/// A sync that fails is never tried again on the same file: the system may have dropped the bytes, and would report
/// success. What it was to save is never acknowledged.
///
/// Hint: after the failure the engine is poisoned, and neither a write nor a sync reaches the log.
///
/// Book: week2/6-write-ahead-log.md#after-a-failure
#[test]
fn a_failing_sync_is_not_followed_by_a_good_one() {
    let by_sync: fn(&Engine) -> Result<()> = |engine| engine.sync();
    for (options, fails) in [(synced as fn(&SimDisk) -> Options, write as fn(&Engine) -> Result<()>), (logged, by_sync)]
    {
        let disk = SimDisk::new();
        let engine: Engine = prepare(options(&disk));
        // With Sync::Os it is acknowledged as handed to the system, and no more.
        engine.put(&key(5), &value(50)).expect("a put before the failure");
        let (tries, breaks) = (Arc::new(AtomicUsize::new(0)), disk.clone());
        let counted = tries.clone();
        disk.on_operation(move |step| {
            if step.operation == Operation::Sync && is_log(step.path) && counted.fetch_add(1, Ordering::SeqCst) == 0 {
                breaks.fail_change(step.number, Fault::Broken);
            }
        });
        cause_of_poison(fails(&engine), "a sync of the log that fails");
        for _ in 0..3 {
            cause_of_poison(engine.sync(), "a sync after the one that failed");
            cause_of_poison(write(&engine), "a write after the sync that failed");
        }
        assert_eq!(tries.load(Ordering::SeqCst), 1, "how often the log was synced, the failure included");
        engine.close().expect("closing flushes what the log does not have");
        let mut expected = filled(0..6);
        expected.insert(key(5), value(50));
        super::support::check_after_power_cut(&disk, &expected, "a close of a poisoned engine");
    }
}

/// When an older log cannot be synced, the newer one's write is not acknowledged, nor written.
///
/// Hint: `seal` comes before the record, and its error is returned.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn an_older_log_that_cannot_be_synced_poisons_too() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..3);
    engine.freeze().expect("freezing");
    fill(&engine, 3..4);
    let [old, _]: [PathBuf; 2] = super::support::these_logs(&disk, "after a freeze");
    let (synced, breaks) = (Arc::new(Mutex::new(Vec::<PathBuf>::new())), disk.clone());
    let seen = synced.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Sync {
            seen.lock().push(step.path.to_path_buf());
            breaks.fail_change(step.number, Fault::Broken);
        }
    });
    match cause_of_poison(engine.sync(), "the older log cannot be synced") {
        Error::Io { path, .. } => assert_eq!(path, old, "the file in the cause"),
        other => panic!("the cause should be the disk's error, it is {other:?}"),
    }
    assert_eq!(*synced.lock(), [old], "the newer log is not synced then");
    check_holds(&engine, &filled(0..4), "reads go on");
}

/// Poison outranks a failure of a flush, which a flush would take away, and a panic outranks poison.
///
/// Hint: `Background::fail` keeps the failure of the higher rank. The log's failure goes through it.
///
/// Book: week2/6-write-ahead-log.md#task-8-poison
#[test]
fn poison_outranks_a_flush_that_failed() {
    for panics in [false, true] {
        let disk = SimDisk::new();
        let mut options: Options = logged(&disk);
        options.background = true;
        let engine: Engine = open(options);
        fill(&engine, 0..3);
        let (breaks, is_broken) = (disk.clone(), Arc::new(AtomicBool::new(true)));
        let broken = is_broken.clone();
        disk.on_operation(move |step| {
            let is_new_table = step.operation == Operation::Create && is_table(step.path);
            if is_new_table && broken.load(Ordering::SeqCst) {
                assert!(!panics, "a bug in the flusher");
                breaks.fail_change(step.number, Fault::Full);
            }
            if step.operation == Operation::Sync && is_log(step.path) {
                breaks.fail_change(step.number, Fault::Broken);
            }
        });
        engine.freeze().expect("freezing");
        let started = Instant::now();
        // The same entry again and again: until it is refused, it changes nothing.
        while engine.put(&key(2), &value(2)).is_ok() {
            assert!(started.elapsed() < Duration::from_secs(5), "a failing flusher should have the writes refused");
            thread::yield_now();
        }
        cause_of_poison(engine.sync(), "a sync whose log fails, after the flusher has failed");
        let refused: Result<()> = write(&engine);
        match &refused {
            Err(Error::Panicked { .. }) if panics => {}
            Err(Error::Poisoned(_)) if !panics => {}
            _ => panic!("the flusher panicked: {panics}, then the log failed; a write gives {refused:?}"),
        }
        is_broken.store(false, Ordering::SeqCst);
        engine.flush().expect("a flush, when the disk has space again");
        let after: Result<()> = write(&engine);
        assert_eq!(format!("{after:?}"), format!("{refused:?}"), "a write after a flush that succeeded");
        check_holds(&engine, &filled(0..3), "reads go on");
    }
}

/// A hundred failures leave no file behind: each opening removes what the one before could not use.
///
/// Hint: `recover` removes logs that give no memtable.
///
/// Book: week2/6-write-ahead-log.md#task-7-recover
#[test]
fn failures_leave_no_logs_behind() {
    let disk = SimDisk::new();
    drop(prepare(synced(&disk)));
    for time in 0..100 {
        let engine: Engine = open(synced(&disk));
        // Create, sync of the directory, append, sync: one after the other.
        disk.fail_change(disk.changes() + time % 3, Fault::Full);
        cause_of_poison(write(&engine), &format!("failure {time}"));
        assert!(logs(&disk).len() <= 3, "after failure {time} there are too many logs: {:?}", logs(&disk));
    }
    let engine: Engine = open(synced(&disk));
    assert_eq!(logs(&disk).len(), 2, "logs, after a hundred failures: {:?}", logs(&disk));
    check_holds(&engine, &filled(0..6), "after a hundred failures");
    engine.flush().expect("a flush");
    assert_eq!(logs(&disk), Vec::<PathBuf>::new(), "logs, when everything is flushed");
}
