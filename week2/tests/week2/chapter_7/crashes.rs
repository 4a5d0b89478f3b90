//! A crash at every step, with batches: each is there whole or not at all.

use crate::support::{Profile, check_power_cuts};

const PROFILE: Profile = Profile { wal: true, batches: true };

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
