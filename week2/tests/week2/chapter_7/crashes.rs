//! A database that is disturbed at every step, with batches: each is there whole or not at all.

use crate::support::{
    Profile, check_cuts, check_failing_changes, check_failing_reads, check_flips, check_power_cuts, check_retries,
};

const PROFILE: Profile = Profile { wal: true, batches: true, background: false };

/// Wherever a crash stops the engine, each batch is there whole or not at all, and with it all that was written before
/// it. A batch that waited for the disk is there.
///
/// Hint: the message says before which change of the disk it was, and what the crash left. A batch is one record of the
/// log; what one writer of a group wants synced is synced for the group.
///
/// Book: week2/7-batches.md
#[test]
fn a_crash_takes_no_part_of_a_batch() {
    check_power_cuts(PROFILE);
}

/// Whichever change of the disk fails once, no acknowledged batch is lost or cut in two, and reads go on. If it was the log's, the engine
/// takes no more writes until it is opened anew, and says why: the write that failed may be there then, or not.
///
/// Hint: a log that failed is neither written nor synced again. Whatever fails in writing or syncing a log is
/// `Error::Poisoned`; a poisoned engine still flushes.
///
/// Book: week2/7-batches.md
#[test]
fn a_failing_change_loses_no_acknowledged_batch() {
    check_failing_changes(PROFILE);
}

/// Whichever read of the disk fails once, no batch is lost, and what failed succeeds when it is tried again.
///
/// Hint: if a log cannot be read, the opening fails and has changed nothing. It is no empty log.
///
/// Book: week2/7-batches.md
#[test]
fn a_failing_read_loses_no_batch() {
    check_failing_reads(PROFILE);
}

/// A flush or a compaction that fails a hundred times leaves no more files behind than it needs; the logs of what was
/// flushed are gone.
///
/// Hint: a memtable's log goes when its table is in the manifest. If the removal fails, the next open removes it.
///
/// Book: week2/7-batches.md
#[test]
fn a_hundred_failures_leave_no_file_behind() {
    check_retries(PROFILE);
}

/// Whichever byte of a file is another, it is reported as `Corruption` or `UnsupportedVersion`, or the answers are right:
/// each batch is there whole or not at all. `verify` finds every damage of a table.
///
/// Hint: a batch is one record, so that one checksum covers it. `verify` reads all parts of a table from its file.
///
/// Book: week2/7-batches.md
#[test]
fn a_changed_byte_gives_no_wrong_answer() {
    check_flips(PROFILE);
}

/// Wherever a file ends early, it is reported as `Corruption`, or the database is as it once was, each batch whole or not
/// there at all.
///
/// Hint: a batch is one record. A record that does not lie whole inside of the file is not there.
///
/// Book: week2/7-batches.md
#[test]
fn a_file_that_ends_early_gives_no_wrong_answer() {
    check_cuts(PROFILE);
}

/// Wherever a crash stops an engine whose threads flush and compact, what was synced before is there, each batch whole.
///
/// Hint: tables move and merge here, a few at a time. The message says which change of the disk was the next.
///
/// Book: week2/7-batches.md
#[test]
fn a_crash_beside_compactions_takes_no_part_of_a_batch() {
    check_power_cuts(Profile { background: true, ..PROFILE });
}
