//! Closing an engine with a log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lsm::disk::{Fault, Operation, SimDisk};
use lsm::{Engine, Error, Options, Result, Stats};

use super::support::{
    check_after_power_cut, check_holds, fill, filled, is_log, is_table, key, logged, logs, open, synced, value,
};

/// With a log, `close` syncs it and makes no tables: what was acknowledged survives a power cut.
///
/// Hint: `self.sync()` in place of `flush_all`. The next open replays.
///
/// Book: week2/6-write-ahead-log.md#task-9-close
#[test]
fn closing_syncs_the_log_and_flushes_nothing() {
    for background in [false, true] {
        let disk = SimDisk::new();
        let mut options: Options = logged(&disk);
        options.background = background;
        let engine: Engine = open(options);
        fill(&engine, 0..5);
        engine.close().expect("closing");
        let stats: Stats = engine.stats();
        assert_eq!((stats.tables, logs(&disk).len()), (0, 1), "tables and logs after the close");
        check_after_power_cut(&disk, &filled(0..5), &format!("a close with a log, background: {background}"));
        let changes = disk.changes();
        engine.close().expect("closing again");
        engine.sync().expect("a sync after the close");
        assert_eq!(disk.changes(), changes, "the second close, and the sync, find nothing to do");
        check_holds(&engine, &filled(0..5), "reads after the close");
    }
}

/// After a close a write is refused and reaches neither the log nor the memtable.
///
/// Hint: the health is asked first, in `make_room`; the log comes after that.
///
/// Book: week2/6-write-ahead-log.md#task-9-close
#[test]
fn a_write_after_the_close_is_not_logged() {
    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    fill(&engine, 0..3);
    engine.close().expect("closing");
    let changes = disk.changes();
    for outcome in [engine.put(b"late", b""), engine.delete(&key(0))] {
        assert!(matches!(outcome, Err(Error::Closed)), "a write after the close gives {outcome:?}");
    }
    assert_eq!(disk.changes(), changes, "a refused write asks nothing of the disk");
    drop(engine);
    let engine: Engine = open(synced(&disk));
    check_holds(&engine, &filled(0..3), "opened again");
    assert_eq!(engine.stats().frozen_memtables, 1, "the log was replayed, for the close did not flush");
}

/// If the log cannot be synced, `close` flushes: what was acknowledged is saved all the same, and the answer is `Ok`.
///
/// Hint: `flush_all` if the engine has no log, or if `sync` fails. If that fails too, its error is the answer.
///
/// Book: week2/6-write-ahead-log.md#task-9-close
#[test]
fn closing_flushes_when_the_log_fails() {
    for tables_fail in [false, true] {
        let disk = SimDisk::new();
        let engine: Engine = open(logged(&disk));
        fill(&engine, 0..3);
        engine.freeze().expect("freezing");
        fill(&engine, 3..5);
        assert_eq!(logs(&disk).len(), 2, "logs of two memtables");
        let (breaks, is_full) = (disk.clone(), Arc::new(AtomicBool::new(tables_fail)));
        let full = is_full.clone();
        disk.on_operation(move |step| {
            if step.operation == Operation::Sync && is_log(step.path) {
                breaks.fail_change(step.number, Fault::Broken);
            } else if step.operation == Operation::Create && is_table(step.path) && full.load(Ordering::SeqCst) {
                breaks.fail_change(step.number, Fault::Full);
            }
        });
        let outcome: Result<()> = engine.close();
        if tables_fail {
            assert!(matches!(outcome, Err(Error::Io { .. })), "neither log nor table can be written: {outcome:?}");
            check_holds(&engine, &filled(0..5), "after a close that failed");
            is_full.store(false, Ordering::SeqCst);
            engine.close().expect("closing again, when there is space for tables");
        } else {
            outcome.expect("closing, when the log cannot be synced and tables can be written");
        }
        assert_eq!((engine.stats().tables, logs(&disk).len()), (2, 0), "everything is in tables");
        let put: Result<()> = engine.put(&key(9), &value(9));
        assert!(matches!(put, Err(Error::Closed)), "a write after the close gives {put:?}");
        check_after_power_cut(&disk, &filled(0..5), "a close that flushed");
    }
}
