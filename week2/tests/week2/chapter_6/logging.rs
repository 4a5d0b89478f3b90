//! What a write leaves in the logs, and that an engine which is opened again has it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm::disk::{Operation, SimDisk};
use lsm::log::{HEADER_LENGTH, LogContents};
use lsm::wal::Link;
use lsm::{Engine, Stats};
use parking_lot::Mutex;

use super::support::{
    Model, bytes_of, check_holds, fill, filled, is_log, key, link_of, logged, logs, number_of, open, read, synced,
    these_logs, value,
};

/// What was written before the process was killed is there when the database is opened again: values, overwritten values,
/// deletions, empty values, and the empty key.
///
/// Hint: `commit` puts a record with the entries into the log; `recover` lets `replay` read the logs, and its memtables
/// become frozen ones.
///
/// Book: week2/6-write-ahead-log.md#the-idea
#[test]
fn what_was_written_survives_a_killed_process() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..10);
    engine.put(&key(3), &value(100)).expect("overwriting");
    engine.delete(&key(4)).expect("deleting");
    engine.delete(b"never written").expect("deleting what is not there");
    engine.put(&key(5), b"").expect("an empty value");
    engine.put(b"", b"of the empty key").expect("the empty key");
    engine.delete(&key(6)).expect("deleting");
    engine.put(&key(6), &value(101)).expect("writing what was deleted");
    let mut expected: Model = filled(0..10);
    expected.insert(key(3), value(100));
    expected.remove(&key(4));
    expected.insert(key(5), Vec::new());
    expected.insert(Vec::new(), b"of the empty key".to_vec());
    expected.insert(key(6), value(101));
    check_holds(&engine, &expected, "before the process is killed");
    drop(engine);
    check_holds(&open(logged(&disk)), &expected, "after the process was killed");
}

/// Each memtable has a log of its own, which has the memtable's number in its name, and names the log before it and how
/// long that was.
///
/// Hint: a log begins with the first write into its memtable. It follows the one that was current before, which is as
/// long as its writer's `length_to_keep` says.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn each_memtable_has_a_log_that_names_the_one_before() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    assert_eq!(logs(&disk), Vec::<PathBuf>::new(), "before the first write there is no log");
    fill(&engine, 0..3);
    let [first]: [PathBuf; 1] = these_logs(&disk, "after writes into one memtable");
    engine.freeze().expect("freezing");
    assert_eq!(logs(&disk).len(), 1, "a memtable into which nothing was written needs no log");
    fill(&engine, 3..5);
    engine.freeze().expect("freezing");
    fill(&engine, 5..6);
    let [_, second, third]: [PathBuf; 3] = these_logs(&disk, "after writes into three memtables");
    assert_eq!(link_of(&disk, &first), Link::default(), "the very first log has no predecessor");
    for (before, log) in [(&first, &second), (&second, &third)] {
        let expected = Link { log: number_of(before), length: bytes_of(&disk, before).len() as u64 };
        assert_eq!(link_of(&disk, log), expected, "what {} says of its predecessor", log.display());
    }
}

/// A write's entry is handed to the log before anybody can read it, and it is in the log's file when the write returns.
///
/// Hint: in `commit`, the log comes first. A memtable that had more than the log would show what a crash takes back.
///
/// Book: week2/6-write-ahead-log.md#the-idea
#[test]
fn the_log_comes_before_the_memtable() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = Arc::new(open(synced(&disk)));
    fill(&engine, 0..1);
    let (watched, looks) = (Arc::downgrade(&engine), Arc::new(AtomicUsize::new(0)));
    let seen = looks.clone();
    disk.on_operation(move |step| {
        let Some(engine) = watched.upgrade() else { return };
        if is_log(step.path) && matches!(step.operation, Operation::Append | Operation::Sync) {
            let found = engine.get(&key(1)).expect("a get");
            assert_eq!(found, None, "a reader finds the entry before the {:?} of its log", step.operation);
            seen.fetch_add(1, Ordering::SeqCst);
        }
    });
    let [log]: [PathBuf; 1] = these_logs(&disk, "after one write");
    let before: LogContents = read(&disk, &log);
    fill(&engine, 1..2);
    assert!(looks.load(Ordering::SeqCst) >= 2, "a synced write appends to its log and syncs it");
    let after: LogContents = read(&disk, &log);
    assert!(after.records.len() > before.records.len(), "the write's record is in the log when the write returns");
    assert!(engine.get(&key(1)).expect("a get").is_some(), "and its entry is read");
}

/// A log's name is durable before anything is written to it: create, sync of the directory, append.
///
/// Hint: `sync_directory` right after `LogWriter::create`. Then a log that is not there was never needed, and replay can
/// take a missing one for damage.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn a_logs_name_is_durable_before_its_first_bytes() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    let steps: Arc<Mutex<Vec<Operation>>> = Arc::default();
    let seen = steps.clone();
    disk.on_operation(move |step| seen.lock().push(step.operation));
    fill(&engine, 0..1);
    let first: Vec<Operation> = std::mem::take(&mut steps.lock());
    let expected = [Operation::Create, Operation::SyncDirectory, Operation::Append];
    assert_eq!(first, expected, "what the first write into a memtable asks of the disk");
    fill(&engine, 1..2);
    assert_eq!(*steps.lock(), [Operation::Append], "what the second write asks of the disk");
}

/// `stats` counts the bytes that writes put into logs, and the times that logs were synced for writers.
///
/// Hint: `bytes_logged` grows by what the write added to the log's length; `log_syncs` by one for a synced write, and for
/// a `sync` that had something to do.
///
/// Book: week2/6-write-ahead-log.md#task-4-write
#[test]
fn the_bytes_and_the_syncs_are_counted() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for count in 1..=3 {
        fill(&engine, 0..10 * count);
        engine.freeze().expect("freezing");
        let in_files: u64 = logs(&disk).iter().map(|log| bytes_of(&disk, log).len() as u64).sum();
        let stats: Stats = engine.stats();
        assert_eq!((stats.bytes_logged, stats.log_syncs), (in_files, 0), "bytes of {count} logs, none synced");
    }
    engine.sync().expect("a sync");
    assert_eq!(engine.stats().log_syncs, 1, "a sync of three logs counts as one");
    engine.sync().expect("a sync");
    assert_eq!(engine.stats().log_syncs, 1, "a sync that finds nothing to do is not counted");
    fill(&engine, 0..1);
    engine.sync().expect("a sync");
    assert_eq!(engine.stats().log_syncs, 2, "a sync after another write");

    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    fill(&engine, 0..4);
    assert_eq!(engine.stats().log_syncs, 4, "four writes, each synced");
    engine.sync().expect("a sync");
    assert_eq!(engine.stats().log_syncs, 4, "then nothing is left for a sync");
    let [log]: [PathBuf; 1] = these_logs(&disk, "after four synced writes");
    // Behind each sync stands a mark that no write has put there: a frame with eight bytes.
    let marks = 4 * (HEADER_LENGTH as u64 + 8);
    let in_file = bytes_of(&disk, &log).len() as u64;
    assert_eq!(engine.stats().bytes_logged, in_file - marks, "bytes of synced writes, in a log of {in_file} bytes");
}

/// The logs of recovered memtables stay until these are flushed, so that the database may be opened and killed again and
/// again.
///
/// Hint: `recover` keeps the logs of the memtables that `replay` gave, and removes the others.
///
/// Book: week2/6-write-ahead-log.md#task-7-recover
#[test]
fn opening_again_and_again_changes_nothing() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for number in 0..3 {
        fill(&engine, number..number + 2);
        engine.freeze().expect("freezing");
    }
    let files: Vec<PathBuf> = logs(&disk);
    drop(engine);
    for time in 1..4 {
        let engine: Engine = open(logged(&disk));
        check_holds(&engine, &filled(0..4), &format!("opened for the {time}. time"));
        assert_eq!(engine.stats().frozen_memtables, 3, "a memtable for each log");
        assert_eq!(logs(&disk), files, "the logs after opening for the {time}. time");
    }
}
