//! A database that is disturbed at every step, without a log: what was flushed is there, and what is there is the beginning
//! of what was written.

use crate::support::{
    Profile, check_cuts, check_failing_changes, check_failing_reads, check_flips, check_power_cuts, check_retries,
};

const PROFILE: Profile = Profile { wal: false, batches: false, background: false };

/// Wherever a crash stops the engine, in a flush, a compaction or an opening, what was flushed before is there, and
/// nothing that was written later without what was written before it.
///
/// Hint: the message says before which change of the disk it was, and what the crash left. The record comes before the
/// change can be seen, and the table, with its name, before the record; old files go last of all.
///
/// Book: week2/5-manifest.md
#[test]
fn a_crash_takes_no_flushed_write() {
    check_power_cuts(PROFILE);
}

/// Whichever change of the disk fails once, no flushed write is lost, reads go on, and what failed succeeds when it is
/// tried again. Of all files, only those stay that are needed.
///
/// Hint: nobody knows whether a record that failed is in the manifest. So the manifest is written anew before it takes
/// another, and a new table's file stays until that is done.
///
/// Book: week2/5-manifest.md
#[test]
fn a_failing_change_loses_no_flushed_write() {
    check_failing_changes(PROFILE);
}

/// Whichever read of the disk fails once, no write is lost, and what failed succeeds when it is tried again.
///
/// Hint: an error of the disk is no damage. Give it to the caller, and remember nothing of what was not read.
///
/// Book: week2/5-manifest.md
#[test]
fn a_failing_read_loses_no_write() {
    check_failing_reads(PROFILE);
}

/// A flush or a compaction that fails a hundred times leaves no more files behind than it needs.
///
/// Hint: who makes a file removes it when the work fails; a table whose record failed goes when the manifest has been
/// written anew without it.
///
/// Book: week2/5-manifest.md
#[test]
fn a_hundred_failures_leave_no_file_behind() {
    check_retries(PROFILE);
}

/// Whichever byte of a file is another, it is reported as `Corruption` or `UnsupportedVersion`, or the answers are right.
/// An open that is refused changes no file, and no damage makes it ask for much memory.
///
/// Hint: each checksum has to be compared before what it covers is believed. In the manifest, a mark behind the damage
/// proves that it is no torn end.
///
/// Book: week2/5-manifest.md
#[test]
fn a_changed_byte_gives_no_wrong_answer() {
    check_flips(PROFILE);
}

/// Wherever a file ends early, it is reported as `Corruption`, or the database is as it once was: a manifest that ends
/// with a whole record looks as a crash would have left it. But what it had when it got its name is there.
///
/// Hint: a table is compared with what the manifest says of it, and a manifest has a header and at least one edit.
///
/// Book: week2/5-manifest.md
#[test]
fn a_file_that_ends_early_gives_no_wrong_answer() {
    check_cuts(PROFILE);
}

/// Wherever a crash stops an engine whose threads flush and compact, what was flushed before is there.
///
/// Hint: tables move and merge here, a few at a time. The message says which change of the disk was the next.
///
/// Book: week2/5-manifest.md
#[test]
fn a_crash_beside_compactions_takes_no_flushed_write() {
    check_power_cuts(Profile { background: true, ..PROFILE });
}
