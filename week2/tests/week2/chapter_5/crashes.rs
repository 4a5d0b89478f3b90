//! A crash at every step, without a log: what was flushed is there, and what is there is the beginning of what was written.

use crate::support::{Profile, check_power_cuts};

const PROFILE: Profile = Profile { wal: false, batches: false };

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
