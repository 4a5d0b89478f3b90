//! What holds without this chapter's work, and has to stay so.

use std::path::{Path, PathBuf};

use lsm::disk::SimDisk;
use lsm::wal::log_path;
use lsm::{Engine, Error, MAX_KEY_LENGTH, Result};

use super::support::{check_after_power_cut, check_holds, fill, filled, logged, logs, open, synced, unlogged};

/// A log's name is its memtable's number, with at least six digits.
///
/// Hint: `log_path` is given.
///
/// Book: week2/6-write-ahead-log.md#the-format
#[test]
fn a_logs_name_is_its_number() {
    for (number, name) in [(1, "000001.log"), (123_456, "123456.log"), (12_345_678, "12345678.log")] {
        let found: PathBuf = log_path(Path::new("db"), number);
        assert_eq!(found, Path::new("db").join(name), "the path of log {number}");
    }
}

/// An engine without a log makes none, whatever `Options::sync` says.
///
/// Hint: `if self.options().wal`.
///
/// Book: week2/6-write-ahead-log.md#task-4-write
#[test]
fn an_engine_without_a_log_makes_none() {
    let disk = SimDisk::new();
    let mut options = unlogged(&disk);
    options.sync = lsm::Sync::EveryCommit;
    let engine: Engine = open(options);
    fill(&engine, 0..3);
    engine.freeze().expect("freezing");
    fill(&engine, 3..6);
    assert_eq!(logs(&disk), Vec::<PathBuf>::new(), "logs of an engine without a log");
    assert_eq!((engine.stats().bytes_logged, engine.stats().log_syncs), (0, 0), "what is counted of logs");
    engine.close().expect("closing");
    assert_eq!(engine.stats().tables, 2, "without a log, close flushes");
    check_after_power_cut(&disk, &filled(0..6), "a close without a log");
}

/// A write that breaks a limit is refused before it reaches the log, and harms nothing.
///
/// Hint: the limits come first.
///
/// Book: week2/6-write-ahead-log.md#task-4-write
#[test]
fn a_key_that_is_too_long_is_not_logged() {
    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    let changes = disk.changes();
    let put: Result<()> = engine.put(&vec![b'k'; MAX_KEY_LENGTH + 1], b"");
    assert!(matches!(put, Err(Error::KeyTooLong { .. })), "a key that is too long gives {put:?}");
    assert_eq!(disk.changes(), changes, "a refused write asks nothing of the disk");
    fill(&engine, 0..3);
    engine.close().expect("closing");
    drop(engine);
    check_holds(&open(logged(&disk)), &filled(0..3), "opened again");
}
