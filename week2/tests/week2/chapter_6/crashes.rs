//! A crash at every step, with a log: what was synced is there, and what is there is the beginning of what was written.

use crate::support::{Profile, check_power_cuts};

const PROFILE: Profile = Profile { wal: true, batches: false };

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
