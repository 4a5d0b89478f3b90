//! When a log goes: after its memtable is in a table that the manifest names, and not a moment earlier; and that it goes.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm::disk::{Disk, Fault, Operation, SimDisk, Survival};
use lsm::{Engine, Options};
use parking_lot::Mutex;

use super::support::{
    DIRECTORY, Model, check_holds, contents, fill, filled, is_log, logged, logs, open, these_logs, try_open,
};

/// A log is removed when its memtable's table, and the manifest's record of it, would survive a power cut without the log.
///
/// Hint: after `install`, which returns when the record is durable. The swap of the state alone is only memory.
///
/// Book: week2/6-write-ahead-log.md#when-a-log-goes
#[test]
fn a_log_goes_when_the_manifest_has_its_table() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for number in 0..3 {
        fill(&engine, 4 * number..4 * number + 4);
        engine.freeze().expect("freezing");
    }
    engine.sync().expect("a sync");
    let (watched, removed) = (disk.clone(), Arc::new(Mutex::new(Vec::<PathBuf>::new())));
    let seen = removed.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Remove && is_log(step.path) {
            seen.lock().push(step.path.to_path_buf());
            let left: SimDisk = watched.after_power_cut(Survival::Nothing, 1);
            left.remove(step.path).expect("removing the log");
            let when = format!("a power cut when {} has just gone", step.path.display());
            let engine: Engine = try_open(logged(&left)).unwrap_or_else(|error| panic!("{when}: {error}"));
            check_holds(&engine, &filled(0..12), &when);
        }
    });
    let all: Vec<PathBuf> = logs(&disk);
    engine.flush().expect("a flush");
    assert_eq!(*removed.lock(), all, "each memtable's log goes, the oldest first");
    assert_eq!(logs(&disk), Vec::<PathBuf>::new(), "no log is left when everything is in tables");
    check_holds(&engine, &filled(0..12), "after the flush");
}

/// A log stays as long as its memtable: a flush that fails, at whatever operation, leaves everything recoverable.
///
/// Hint: `?` on `install` returns before the log is removed.
///
/// Book: week2/6-write-ahead-log.md#when-a-log-goes
#[test]
fn a_log_stays_if_its_flush_fails() {
    let prepare = || {
        let disk = SimDisk::new();
        let engine: Engine = open(logged(&disk));
        fill(&engine, 0..4);
        engine.freeze().expect("freezing");
        fill(&engine, 4..6);
        engine.sync().expect("a sync");
        (disk, engine)
    };
    let (disk, engine) = prepare();
    let before = disk.changes();
    engine.flush().expect("a flush without faults");
    let steps = before..disk.changes();
    for number in steps {
        let (disk, engine) = prepare();
        disk.fail_change(number, Fault::Full);
        let outcome = engine.flush();
        let when = format!("a flush whose change {number} fails gives {outcome:?}");
        check_holds(&engine, &filled(0..6), &when);
        for survival in [Survival::Nothing, Survival::Everything] {
            let left: SimDisk = disk.after_power_cut(survival, 1);
            let opened: Engine = try_open(logged(&left)).unwrap_or_else(|error| panic!("{when}; then {error}"));
            check_holds(&opened, &filled(0..6), &format!("{when}; then a power cut that leaves {survival:?}"));
        }
        engine.flush().unwrap_or_else(|error| panic!("{when}; then a second flush: {error}"));
        engine.close().unwrap_or_else(|error| panic!("{when}; then a close: {error}"));
        drop(engine);
        check_holds(&open(logged(&disk)), &filled(0..6), &format!("{when}; opened again"));
        assert_eq!(logs(&disk), Vec::<PathBuf>::new(), "logs of flushed memtables, opened again; {when}");
    }
}

/// A log whose removal fails takes space until the next open, and harms nothing.
///
/// Hint: the flush was a success: the error of the removal is nobody's business.
///
/// Book: week2/6-write-ahead-log.md#when-a-log-goes
#[test]
fn a_log_that_cannot_be_removed_does_no_harm() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..4);
    let [log]: [PathBuf; 1] = these_logs(&disk, "after four writes");
    let breaks = disk.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Remove && is_log(step.path) {
            breaks.fail_change(step.number, Fault::Broken);
        }
    });
    engine.flush().expect("a flush whose log cannot be removed");
    fill(&engine, 4..6);
    assert!(logs(&disk).contains(&log), "the removal failed");
    disk.on_operation(|_| {});
    drop(engine);
    let engine: Engine = open(logged(&disk));
    check_holds(&engine, &filled(0..6), "opened with a log that is flushed");
    assert!(!logs(&disk).contains(&log), "opening removes a log that is flushed");
    assert_eq!(engine.stats().frozen_memtables, 1, "only the other log is replayed");
}

/// However often the power fails while a database opens, the next open gives the same, or an earlier beginning of it.
///
/// Hint: logs that are dropped go newest first, each durably before the next. The other way round a log could be left
/// whose predecessor is gone, which is damage.
///
/// Book: week2/6-write-ahead-log.md#task-7-recover
#[test]
fn a_power_cut_while_opening_does_no_harm() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..2);
    engine.flush().expect("a flush");
    for number in 1..5 {
        fill(&engine, 2 * number..2 * number + 2);
        engine.freeze().expect("freezing");
    }
    drop(engine);
    // The first log has lost its end, so the three others are dropped.
    let all: [PathBuf; 4] = these_logs(&disk, "after a flush and writes into four memtables");
    let length = disk.contents(&all[0]).expect("a log").len();
    super::support::truncate(&disk, &all[0], length - 1);
    let dry_run: SimDisk = super::support::copy(&disk);
    drop(open(logged(&dry_run)));
    let changes = dry_run.changes();
    assert!(changes >= 8, "opening drops three logs, with {changes} changes");
    for at in 0..=changes {
        let cut: SimDisk = super::support::copy(&disk);
        cut.cut_power_at(at);
        // In the end, when the database is open and nothing was written.
        let is_open = try_open(logged(&cut)).is_ok();
        assert_eq!(is_open, at == changes, "whether it opens if the power fails at change {at} of {changes}");
        for seed in 0..16 {
            let left: SimDisk = cut.after_power_cut(Survival::Some, seed);
            let when = format!("the power failed at change {at} of {changes} of opening, seed {seed}");
            let engine: Engine = try_open(logged(&left)).unwrap_or_else(|error| panic!("{when}: {error}"));
            check_holds(&engine, &filled(0..3), &when);
            fill(&engine, 3..5);
            drop(engine);
            check_holds(&open(logged(&left)), &filled(0..5), &format!("{when}; after two more writes"));
        }
    }
}

/// If a dropped log cannot be removed, opening fails, and no older log goes: as soon as it can be removed, the database
/// opens.
///
/// Hint: `?` on each removal. An older log that went in spite of it would be missed by the one that stayed.
///
/// Book: week2/6-write-ahead-log.md#task-7-recover
#[test]
fn a_dropped_log_that_cannot_be_removed_stops_the_opening() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for number in 0..4 {
        fill(&engine, 2 * number..2 * number + 2);
        engine.freeze().expect("freezing");
    }
    drop(engine);
    let all: [PathBuf; 4] = these_logs(&disk, "after writes into four memtables");
    let length = disk.contents(&all[0]).expect("a log").len();
    super::support::truncate(&disk, &all[0], length - 1);
    for stays in &all[1..] {
        let broken: SimDisk = super::support::copy(&disk);
        let (breaks, stuck) = (broken.clone(), stays.clone());
        broken.on_operation(move |step| {
            if step.operation == Operation::Remove && step.path == stuck {
                breaks.fail_change(step.number, Fault::Broken);
            }
        });
        let when = format!("when {} is to be dropped and cannot be removed", stays.display());
        assert!(try_open(logged(&broken)).is_err(), "opening fails {when}");
        let left: Vec<PathBuf> = logs(&broken);
        let older: Vec<PathBuf> = all.iter().filter(|log| *log <= stays).cloned().collect();
        assert_eq!(left, older, "logs that are left {when}: those that are newer have gone, no older one");
        broken.on_operation(|_| {});
        let engine: Engine = try_open(logged(&broken)).unwrap_or_else(|error| panic!("{when}, then it can: {error}"));
        check_holds(&engine, &filled(0..1), &format!("{when}, then it can"));
        assert_eq!(logs(&broken), all[..1], "logs, {when}, then it can");
    }
}

/// A power cut between creating a log and its first record leaves what was there before.
///
/// Hint: an empty log has no first record: nothing to replay, nothing to check.
///
/// Book: week2/6-write-ahead-log.md#a-torn-end
#[test]
fn a_power_cut_while_a_log_begins_does_no_harm() {
    let prepare = || {
        let disk = SimDisk::new();
        let engine: Engine = open(logged(&disk));
        fill(&engine, 0..4);
        engine.sync().expect("a sync");
        engine.freeze().expect("freezing");
        (disk, engine)
    };
    let (disk, engine) = prepare();
    let before = disk.changes();
    fill(&engine, 4..5);
    engine.sync().expect("a sync");
    for at in before..disk.changes() {
        let (disk, engine) = prepare();
        disk.cut_power_at(at);
        let written = engine.put(&super::support::key(4), &super::support::value(4)).and_then(|()| engine.sync());
        for (survival, seed) in [(Survival::Nothing, 0), (Survival::Everything, 0)]
            .into_iter()
            .chain((0..8).map(|seed| (Survival::Some, seed)))
        {
            let left: SimDisk = disk.after_power_cut(survival, seed);
            let when = format!("the power failed at change {at}, {survival:?} survives (seed {seed})");
            let engine: Engine = try_open(logged(&left)).unwrap_or_else(|error| panic!("{when}: {error}"));
            let found: Model = contents(&engine);
            let count = if found.len() == 5 || written.is_ok() { 5 } else { 4 };
            check_holds(&engine, &filled(0..count), &when);
        }
    }
}

/// An engine that flushes by itself leaves no log behind: there are as many as memtables with entries.
///
/// Hint: one log a memtable, removed by the flush of this memtable.
///
/// Book: week2/6-write-ahead-log.md#when-a-log-goes
#[test]
fn there_are_no_more_logs_than_memtables() {
    let disk = SimDisk::new();
    let mut options: Options = logged(&disk);
    options.background = true;
    options.memtable_size = 1000;
    let engine: Engine = open(options);
    let made: Arc<AtomicUsize> = Arc::default();
    let counted = made.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_log(step.path) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    for round in 0..5 {
        fill(&engine, 100 * round..100 * round + 100);
        engine.flush().expect("a flush");
        assert_eq!(logs(&disk), Vec::<PathBuf>::new(), "logs after flush {round}");
    }
    fill(&engine, 500..501);
    assert_eq!(logs(&disk).len(), 1, "logs after another write");
    assert!(made.load(Ordering::SeqCst) > 20, "logs that were made, of memtables of 1,000 bytes");
    drop(engine);
    check_holds(&open(logged(&disk)), &filled(0..501), &format!("what {DIRECTORY} holds"));
}
