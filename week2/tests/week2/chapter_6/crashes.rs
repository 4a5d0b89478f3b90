//! A database that is disturbed at every step, with a log: what was synced is there, and what is there is the beginning of
//! what was written.

use crate::support::{
    Profile, check_cuts, check_failing_changes, check_failing_reads, check_flips, check_power_cuts, check_retries,
};

const PROFILE: Profile = Profile { wal: true, batches: false, background: false };

/// Wherever a crash stops the engine, in a write, a sync, a flush, a compaction or an opening, what was synced before is
/// there, and nothing that was written later without what was written before it. A process that is killed loses nothing.
///
/// Hint: the message says before which change of the disk it was, and what the crash left. A log goes only when its table
/// and the record are durable; a log that follows another says how long that was.
///
/// Book: week2/6-write-ahead-log.md
#[test]
fn a_crash_takes_no_synced_write() {
    check_power_cuts(PROFILE);
}

/// Whichever change of the disk fails once, no acknowledged write is lost, and reads go on. If it was the log's, the engine
/// takes no more writes until it is opened anew, and says why: the write that failed may be there then, or not.
///
/// Hint: a log that failed is neither written nor synced again. Whatever fails in writing or syncing a log is
/// `Error::Poisoned`; a poisoned engine still flushes.
///
/// Book: week2/6-write-ahead-log.md
#[test]
fn a_failing_change_loses_no_acknowledged_write() {
    check_failing_changes(PROFILE);
}

/// Whichever read of the disk fails once, no write is lost, and what failed succeeds when it is tried again.
///
/// Hint: if a log cannot be read, the opening fails and has changed nothing. It is no empty log.
///
/// Book: week2/6-write-ahead-log.md
#[test]
fn a_failing_read_loses_no_write() {
    check_failing_reads(PROFILE);
}

/// A flush or a compaction that fails a hundred times leaves no more files behind than it needs; the logs of what was
/// flushed are gone.
///
/// Hint: a memtable's log goes when its table is in the manifest. If the removal fails, the next open removes it.
///
/// Book: week2/6-write-ahead-log.md
#[test]
fn a_hundred_failures_leave_no_file_behind() {
    check_retries(PROFILE);
}

/// Whichever byte of a file is another, it is reported as `Corruption` or `UnsupportedVersion`, or the answers are right:
/// what was synced is there. An open that is refused changes no file.
///
/// Hint: replay changes nothing before all logs have been read. A mark behind the damage proves that it is no torn end.
///
/// Book: week2/6-write-ahead-log.md
#[test]
fn a_changed_byte_gives_no_wrong_answer() {
    check_flips(PROFILE);
}

/// Wherever a file ends early, it is reported as `Corruption`, or the database is as it once was, with all that the marks
/// which are left vouch for.
///
/// Hint: a log names its predecessor and how long that was. If the predecessor is shorter, or is not there, and a mark
/// proves that it was durable, it is damaged. A log that follows an ingest names the memtable that the ingest took the
/// place of.
///
/// Book: week2/6-write-ahead-log.md
#[test]
fn a_file_that_ends_early_gives_no_wrong_answer() {
    check_cuts(PROFILE);
}
