//! What a sync promises, and which logs it syncs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm::disk::{Operation, SimDisk, Survival};
use lsm::log::HEADER_LENGTH;
use lsm::{Engine, Stats};
use parking_lot::Mutex;

use super::support::{
    bytes_of, check_after_power_cut, check_holds, contents, fill, filled, is_log, logged, logs, open, read, synced,
    these_logs, unlogged,
};

/// After `sync`, everything that was acknowledged before it survives a power cut, in whichever memtable it is.
///
/// Hint: sync the logs of the frozen memtables, then the current one. (A sync that returns without asking the disk
/// passes every test but a power cut.)
///
/// Book: week2/6-write-ahead-log.md#what-a-sync-promises
#[test]
fn a_sync_makes_everything_durable_that_came_before_it() {
    for frozen in 0..4 {
        let disk = SimDisk::new();
        let engine: Engine = open(logged(&disk));
        for number in 0..frozen {
            fill(&engine, 2 * number..2 * number + 2);
            engine.freeze().expect("freezing");
        }
        fill(&engine, 2 * frozen..2 * frozen + 1);
        engine.sync().expect("a sync");
        check_after_power_cut(&disk, &filled(0..2 * frozen + 1), &format!("a sync with {frozen} memtables frozen"));
        fill(&engine, 100..101);
        engine.freeze().expect("freezing");
        engine.sync().expect("a sync of a log that is not the current one any more");
        let mut expected = filled(0..2 * frozen + 1);
        expected.extend(filled(100..101));
        check_after_power_cut(&disk, &expected, &format!("a second sync, of {} frozen memtables", frozen + 1));
    }
}

/// With `Sync::EveryCommit` each write survives a power cut as soon as it has returned.
///
/// Hint: in `Logs::write`: write, then sync the log's writer.
///
/// Book: week2/6-write-ahead-log.md#what-a-sync-promises
#[test]
fn every_synced_commit_survives() {
    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    for number in 0..12 {
        fill(&engine, number..number + 1);
        check_after_power_cut(&disk, &filled(0..number + 1), &format!("write {number}, synced"));
        if number % 3 == 2 {
            engine.freeze().expect("freezing");
            check_after_power_cut(&disk, &filled(0..number + 1), &format!("a freeze after write {number}"));
        }
    }
    engine.delete(b"key00004").expect("deleting");
    let mut expected = filled(0..12);
    expected.remove(&b"key00004"[..]);
    check_after_power_cut(&disk, &expected, "a synced deletion");
}

/// With `Sync::Os` a write waits for no sync: it appends to the log, once, and returns.
///
/// Hint: sync only if `sync` is `Sync::EveryCommit`. The operating system has the bytes; a killed process does not lose
/// them.
///
/// Book: week2/6-write-ahead-log.md#what-a-sync-promises
#[test]
fn an_unsynced_write_asks_for_one_append() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..1);
    let steps: Arc<Mutex<Vec<Operation>>> = Arc::default();
    let seen = steps.clone();
    disk.on_operation(move |step| seen.lock().push(step.operation));
    fill(&engine, 1..20);
    assert_eq!(*steps.lock(), [Operation::Append; 19], "19 writes with Sync::Os, all into one memtable");
    check_holds(&open_after_kill(engine, &disk), &filled(0..20), "after the process was killed");
}

fn open_after_kill(engine: Engine, disk: &SimDisk) -> Engine {
    drop(engine);
    open(logged(disk))
}

/// Older logs are synced before a newer one: what is durable is always a beginning of what was written.
///
/// Hint: in `seal`, the logs before the current one, the oldest first. Only then the current one's turn comes.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn older_logs_are_synced_first() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for number in 0..4 {
        fill(&engine, number..number + 1);
        if number < 3 {
            engine.freeze().expect("freezing");
        }
    }
    let all: Vec<PathBuf> = logs(&disk);
    let synced: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
    let seen = synced.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Sync && is_log(step.path) {
            seen.lock().push(step.path.to_path_buf());
        }
    });
    engine.sync().expect("a sync");
    assert_eq!(*synced.lock(), all, "the order in which the logs are synced, each once");
}

/// A log that has a synced write has a mark: it proves that the logs before it were durable. A log without one has none.
///
/// Hint: `seal` adds a mark to the current log when the logs before it are durable, once, before the synced record.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn a_synced_write_leaves_a_mark() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..3);
    let [first]: [PathBuf; 1] = these_logs(&disk, "after three writes");
    assert!(!read(&disk, &first).has_mark, "a log that was never synced promises nothing");
    engine.freeze().expect("freezing");
    fill(&engine, 3..4);
    engine.sync().expect("a sync");
    let [first, second]: [PathBuf; 2] = these_logs(&disk, "after a freeze");
    assert!(read(&disk, &first).has_mark, "the older log was synced");
    // The last mark of a log may be lost with the power, but the one that stands before what was synced may not.
    let left = disk.after_power_cut(Survival::Nothing, 1);
    assert!(read(&left, &second).has_mark, "the mark is durable together with the first synced write");
}

/// What kinds of frames a log has: 1 for a record, 2 for a mark.
fn kinds(disk: &SimDisk, log: &Path) -> Vec<u8> {
    let bytes: Vec<u8> = bytes_of(disk, log);
    let mut kinds = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length: [u8; 4] = bytes[at + 4..at + 8].try_into().expect("four bytes");
        kinds.push(bytes[at + 8]);
        at += HEADER_LENGTH + u32::from_le_bytes(length) as usize;
    }
    kinds
}

/// The first synced write of a log puts the mark before its record: link, mark, record. With `sync` the mark stands behind
/// what was written. Each sync leaves one more mark.
///
/// Hint: in `write`, seal before the record is added. All goes to the file with one append.
///
/// Book: week2/6-write-ahead-log.md#task-4-write
#[test]
fn the_mark_stands_before_the_synced_record() {
    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    fill(&engine, 0..1);
    let [log]: [PathBuf; 1] = these_logs(&disk, "after a synced write");
    assert_eq!(kinds(&disk, &log), [1, 2, 1, 2], "frames of a log with one synced write");
    fill(&engine, 1..2);
    assert_eq!(kinds(&disk, &log), [1, 2, 1, 2, 1, 2], "frames of a log with two synced writes");

    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..2);
    engine.sync().expect("a sync");
    let [log]: [PathBuf; 1] = these_logs(&disk, "after two writes and a sync");
    assert_eq!(kinds(&disk, &log), [1, 1, 1, 2, 2], "frames of a log with two writes and a sync");
}

/// The log of a memtable that is in a table is not synced any more, and its file not kept open.
///
/// Hint: when a log is begun, the logs of memtables that `is_in_memory` does not know leave `before`.
///
/// Book: week2/6-write-ahead-log.md#task-3-begin-a-log
#[test]
fn a_flushed_log_is_not_synced() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    let synced: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
    let seen = synced.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Sync && is_log(step.path) {
            seen.lock().push(step.path.to_path_buf());
        }
    });
    for number in 0..3 {
        fill(&engine, number..number + 1);
        engine.flush().expect("a flush");
    }
    fill(&engine, 3..4);
    let last: [PathBuf; 1] = these_logs(&disk, "after three flushes and a write");
    engine.sync().expect("a sync");
    assert_eq!(*synced.lock(), last, "the logs that are synced, when all but the last memtable are in tables");
}

/// A synced log whose own last mark was lost with the power is as long as its successor demands.
///
/// Hint: a sync leaves a mark that is itself not synced. The link must not count on it: `LogWriter::length_to_keep`.
///
/// Book: week2/6-write-ahead-log.md#task-3-begin-a-log
#[test]
fn a_successor_does_not_count_on_the_last_mark() {
    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    for number in 0..4 {
        fill(&engine, number..number + 1);
        engine.freeze().expect("freezing");
    }
    check_after_power_cut(&disk, &filled(0..4), "four logs with one synced write each");
    for log in &logs(&disk) {
        // The same in another way: the file ends where the power cut left it.
        let left = disk.after_power_cut(Survival::Nothing, 1);
        assert!(read(&left, log).length <= read(&disk, log).length, "{} has grown in a power cut", log.display());
    }
}

/// What a killed process left unsynced is durable when the engine that read it back syncs, or has written a synced entry
/// behind it.
///
/// Hint: `replay` syncs each log whose entries it takes. The engine that wrote it cannot any more.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn replayed_logs_are_durable() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..3);
    engine.freeze().expect("freezing");
    fill(&engine, 3..5);
    drop(engine);
    let engine: Engine = open(logged(&disk));
    engine.sync().expect("a sync of an engine that has written nothing");
    check_after_power_cut(&disk, &filled(0..5), "a kill, opening, a sync");
    drop(engine);

    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..3);
    drop(engine);
    let engine: Engine = open(synced(&disk));
    fill(&engine, 3..4);
    check_after_power_cut(&disk, &filled(0..4), "a kill, opening, a synced write");
    drop(engine);
}

/// A `sync` asks the disk for nothing when there is nothing to sync.
///
/// Hint: `LogWriter::is_durable` says so of one log.
///
/// Book: week2/6-write-ahead-log.md#task-5-sync
#[test]
fn a_second_sync_asks_for_nothing() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    engine.sync().expect("a sync before anything is written");
    fill(&engine, 0..3);
    engine.freeze().expect("freezing");
    fill(&engine, 3..5);
    engine.sync().expect("a sync");
    let before: u64 = disk.changes();
    engine.sync().expect("a second sync");
    engine.freeze().expect("freezing");
    engine.sync().expect("a sync after a freeze");
    assert_eq!(disk.changes(), before, "changes of the disk, when everything was durable already");
}

/// An engine without a log flushes when it is asked to sync.
///
/// Hint: without a log the only durable place is a table: `flush_all`.
///
/// Book: week2/6-write-ahead-log.md#task-5-sync
#[test]
fn without_a_log_a_sync_flushes() {
    let disk = SimDisk::new();
    let engine: Engine = open(unlogged(&disk));
    fill(&engine, 0..5);
    engine.sync().expect("a sync");
    let stats: Stats = engine.stats();
    assert_eq!((stats.tables, stats.memtable_bytes, stats.log_syncs), (1, 0, 0), "after a sync without a log");
    check_after_power_cut(&disk, &filled(0..5), "a sync without a log");
    assert_eq!(contents(&engine), filled(0..5), "and the engine goes on reading it");
}
