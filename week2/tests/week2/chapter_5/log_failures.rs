//! A log whose file fails: nothing is written behind what nobody knows.

use lsm::disk::{Fault, Operation, SimDisk, Survival};
use lsm::log::{LogContents, LogWriter};
use lsm::{Error, Result};

use super::support::{LOG, contents_of, create_log, is_change, read, record_steps, sync_names};

/// A log with one durable record and one more that is added.
fn begin(disk: &SimDisk) -> LogWriter {
    let mut log: LogWriter = create_log(disk);
    sync_names(disk);
    log.add(b"apple").expect("adding a record");
    log.sync().expect("a sync");
    log.add(b"berry").expect("adding a record");
    log
}

/// Demands that the log refuses everything with `first`, and leaves its file alone.
fn assert_refuses(disk: &SimDisk, log: &mut LogWriter, first: &Error, when: &str) {
    let steps = record_steps(disk, |step| is_change(step.operation));
    let bytes: Vec<u8> = contents_of(disk, LOG);
    for attempt in 0..3 {
        for (what, outcome) in [("write", log.write()), ("sync", log.sync())] {
            let error: Error = outcome.err().unwrap_or_else(|| panic!("{what} {attempt} succeeds {when}"));
            assert_eq!(error.to_string(), first.to_string(), "{what} {attempt} {when}: the first error again");
        }
        // Whether more may be added is not said; it must not reach the file.
        let _ = log.add(b"cacao");
    }
    assert!(!log.is_durable(), "what failed to be written or synced is not durable, {when}");
    assert_eq!(steps.lock().len(), 0, "changes of the file {when}: {:?}", steps.lock());
    assert!(contents_of(disk, LOG) == bytes, "the file has changed {when}");
}

/// After an append has failed, every later write and sync fails with that error and leaves the file alone: nobody knows
/// where the file ends.
///
/// Hint: keep the first error, and look for it at the beginning of `write`. `sync` calls `write`.
///
/// Book: week2/5-manifest.md#task-2-write-and-sync
#[test]
fn a_failed_append_ends_the_log() {
    for fault in [Fault::Broken, Fault::Full] {
        for is_synced in [false, true] {
            let disk = SimDisk::new();
            let mut log: LogWriter = begin(&disk);
            disk.fail_change(disk.changes(), fault);
            let outcome: Result<()> = if is_synced { log.sync() } else { log.write() };
            let first: Error = outcome.expect_err("the disk fails, and the caller should hear of it");
            assert!(matches!(first, Error::Io { .. }), "expected the disk's error, found {first:?}");
            assert_refuses(&disk, &mut log, &first, &format!("after an append that failed ({fault:?})"));
            let found: LogContents = read(&contents_of(&disk, LOG), "a log whose last append failed");
            assert_eq!(found.records, [&b"apple"[..]], "what can be read after an append that failed ({fault:?})");
        }
    }
}

/// After a sync has failed it is not tried again: a second sync may report success for bytes that the system has dropped.
/// What was added is not called durable any more.
///
/// Hint: remember a failed sync as you remember a failed append. Do not note the length as durable before the sync has
/// succeeded.
///
/// Book: week2/5-manifest.md#task-2-write-and-sync
#[test]
fn a_failed_sync_is_never_followed_by_a_good_one() {
    let disk = SimDisk::new();
    let mut log: LogWriter = begin(&disk);
    log.write().expect("a write");
    disk.fail_change(disk.changes(), Fault::Broken);
    let first: Error = log.sync().expect_err("the sync fails, and the caller should hear of it");
    // From here on the disk would do everything that it is asked for.
    assert_refuses(&disk, &mut log, &first, "after a sync that failed");
    let left: LogContents = read(&contents_of(&disk.after_power_cut(Survival::Nothing, 1), LOG), "after the power cut");
    assert_eq!(left.records, [&b"apple"[..]], "what was durable before");
}

/// A sync whose mark cannot be written fails as well: what the log's file holds at its end is not known.
///
/// Hint: the mark is written with `write`, whose error is `sync`'s.
///
/// Book: week2/5-manifest.md#task-2-write-and-sync
#[test]
fn a_sync_whose_mark_fails_ends_the_log() {
    let disk = SimDisk::new();
    let mut log: LogWriter = begin(&disk);
    // The append, the sync, the mark.
    disk.fail_change(disk.changes() + 2, Fault::Full);
    let first: Error = log.sync().expect_err("the mark fails, and the caller should hear of it");
    assert_refuses(&disk, &mut log, &first, "after a mark that failed");
    let found: LogContents = read(&contents_of(&disk, LOG), "a log whose last mark is torn");
    assert_eq!(found.records.len(), 2, "both records were durable before the mark failed");
}

/// The power may be cut at any change of a log: what was synced is read, what is read is a beginning of what was added,
/// and it is never taken for damage.
///
/// Hint: the mark says what was durable *before* it was written, never what is about to be.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn a_power_cut_is_never_taken_for_damage() {
    let records: Vec<Vec<u8>> = (0..8_u8).map(|number| vec![number + 1; 300 * usize::from(number % 3) + 10]).collect();
    let run = |log: &mut LogWriter, synced: &mut usize| -> Result<()> {
        for (number, record) in records.iter().enumerate() {
            log.add(record)?;
            if number % 2 == 1 {
                log.sync()?;
                *synced = number + 1;
            } else {
                log.write()?;
            }
        }
        Ok(())
    };
    let dry = SimDisk::new();
    let mut log: LogWriter = create_log(&dry);
    sync_names(&dry);
    let first: u64 = dry.changes();
    run(&mut log, &mut 0).expect("a run without faults");
    let last: u64 = dry.changes();
    assert_eq!(last - first, 4 + 3 * 4, "four writes, and four syncs of three changes each");
    for cut in first..last {
        let disk = SimDisk::new();
        let mut log: LogWriter = create_log(&disk);
        sync_names(&disk);
        disk.cut_power_at(cut);
        let mut synced = 0;
        run(&mut log, &mut synced).expect_err("the power is cut, and the caller should hear of it");
        for (survival, seed) in
            (0..40).map(|seed| (Survival::Some, seed)).chain([(Survival::Everything, 0), (Survival::Nothing, 0)])
        {
            let what = format!("the power is cut at change {cut}, of the unsynced {survival:?} survives (seed {seed})");
            let left: LogContents = read(&contents_of(&disk.after_power_cut(survival, seed), LOG), &what);
            let count = left.records.len();
            assert!(count >= synced, "{what}: {count} of {synced} synced records are there");
            assert!(left.records[..] == records[..count], "{what}: the records are not those that were added");
        }
    }
}

/// The number of operations that a sync takes does not depend on how often one asks: nothing to sync, nothing asked.
///
/// Hint: `is_durable` answers from what the writer knows, without the disk.
///
/// Book: week2/5-manifest.md#task-2-write-and-sync
#[test]
fn is_durable_asks_no_disk() {
    let disk = SimDisk::new();
    let log: LogWriter = begin(&disk);
    disk.cut_power();
    let steps = record_steps(&disk, |_| true);
    assert!(!log.is_durable(), "a record waits");
    let found: Vec<Operation> = steps.lock().iter().map(|step| step.0).collect();
    assert_eq!(found, [], "what is_durable asks of the disk");
}
