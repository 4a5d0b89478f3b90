//! Faults and power cuts at every operation of the manifest's file.

use lsm::compaction::Edit;
use lsm::disk::{Fault, Operation, SimDisk, Survival};
use lsm::manifest::{Contents, Manifest};
use lsm::table::table_path;
use lsm::{Error, Result};

use super::manifest::{history, sum};
use super::support::{
    DIRECTORY, adds, after_power_cuts, all_files, changes_of_writing_anew, fresh_manifest, ids, is_table,
    read_manifest, record_steps, shared, sync_names, table,
};

/// The power may be cut anywhere while the manifest is written anew: afterwards the old or the new one is there, whole.
///
/// Hint: sync the new file before you rename it: a name may become durable before the bytes. Sync the directory before you
/// return: else the old manifest may come back, without the records that follow.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn a_power_cut_while_writing_anew_leaves_one_whole_manifest() {
    let (old, new): (Contents, Contents) = (sum(&history(6)), sum(&history(13)));
    let prepare = || {
        let disk = SimDisk::new();
        let mut manifest: Manifest = Manifest::new(DIRECTORY.as_ref(), &shared(&disk));
        manifest.restore(old.clone(), 1).expect("restoring");
        (disk, manifest)
    };
    let (dry, mut manifest) = prepare();
    let before = dry.changes();
    manifest.restore(new.clone(), 1).expect("restoring");
    for nth in 0..dry.changes() - before {
        let (disk, mut manifest) = prepare();
        disk.cut_power_at(disk.changes() + nth);
        let outcome: Result<()> = manifest.restore(new.clone(), 1);
        assert!(outcome.is_err(), "the power is cut at change {nth}, and restore should say so");
        for (how, left) in after_power_cuts(&disk, 24) {
            let found: Contents = read_manifest(&left, &format!("after a power cut at change {nth}; {how}"));
            assert!(found == old || found == new, "after a power cut at change {nth}; {how}: {found:?}");
        }
    }
    let (disk, mut manifest) = prepare();
    manifest.restore(new.clone(), 1).expect("restoring");
    for (how, left) in after_power_cuts(&disk, 24) {
        assert_eq!(read_manifest(&left, &how), new, "a power cut after restore; {how}");
    }
    manifest.record(&adds(vec![(0, table(90, "a", "b"))])).expect("a record");
    for (how, left) in after_power_cuts(&disk, 24) {
        assert_eq!(read_manifest(&left, &how).next_id, 91, "a record after restore, and a power cut; {how}");
    }
}

/// The power may be cut anywhere while a record is written: the edit is there or not, and what was recorded before it is.
///
/// Hint: nothing to add to what the log does, if `record` appends to it and syncs.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn a_power_cut_while_recording_leaves_the_edit_whole_or_not_there() {
    let edits: Vec<Edit> = history(6);
    for nth in 0..3 {
        let disk = SimDisk::new();
        let mut manifest: Manifest = fresh_manifest(&disk);
        for edit in &edits[..5] {
            manifest.record(edit).expect("a record");
        }
        disk.cut_power_at(disk.changes() + nth);
        manifest.record(&edits[5]).expect_err("the power is cut, and the caller should hear of it");
        for (how, left) in after_power_cuts(&disk, 24) {
            let found: Contents = read_manifest(&left, &format!("after a power cut at change {nth}; {how}"));
            let is_right = found == sum(&edits[..5]) || found == sum(&edits);
            assert!(is_right, "after a power cut at change {nth} of a record; {how}: {found:?}");
        }
    }
}

/// Each change of a record fails once: the caller hears of it, the manifest says what it did before or with the edit, and
/// the next record repairs it, in a file of its own. A sync that failed is not tried again.
///
/// Hint: after a failure give the log up. `record` begins with what `repair` does when there is none.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_record_that_fails_is_repaired_by_the_next() {
    for nth in 0..3 {
        for fault in [Fault::Broken, Fault::Full] {
            let when = format!("where change {nth} of a record fails ({fault:?})");
            let disk = SimDisk::new();
            let mut manifest: Manifest = fresh_manifest(&disk);
            manifest.record(&Edit::flush(table(3, "a", "b"), 1)).expect("a record");
            disk.fail_change(disk.changes() + nth, fault);
            let outcome: Result<()> = manifest.record(&Edit::flush(table(5, "a", "b"), 2));
            assert!(
                matches!(outcome, Err(Error::Io { .. })),
                "the disk's error reaches the caller {when}: {outcome:?}"
            );
            let found: Vec<u64> = ids(&read_manifest(&disk, &when).shape)[0].clone();
            assert!(found == [3] || found == [5, 3], "the tables {when}: {found:?}");
            manifest
                .record(&Edit::flush(table(7, "a", "b"), 2))
                .unwrap_or_else(|error| panic!("repair {when}: {error}"));
            let left = disk.after_power_cut(Survival::Nothing, 1);
            let found: Contents = read_manifest(&left, &format!("after the repair, {when}"));
            assert_eq!(ids(&found.shape), [vec![7, 3]], "what failed is not there, what followed is, {when}");
            assert_eq!((found.next_id, found.flushed_through), (8, 2), "the numbers {when}");
        }
    }
}

/// Each change of writing anew fails once: the caller hears of it, the old manifest or the new one is there, and the next
/// call writes it anew. No file is left over.
///
/// Hint: what is left of an attempt has the name that the next one wants. Remove it first.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn writing_anew_may_fail_anywhere() {
    let (old, new): (Contents, Contents) = (sum(&history(6)), sum(&history(13)));
    for nth in 0..changes_of_writing_anew() {
        for fault in [Fault::Broken, Fault::Full] {
            let when = format!("where change {nth} of writing anew fails ({fault:?})");
            let disk = SimDisk::new();
            let mut manifest: Manifest = Manifest::new(DIRECTORY.as_ref(), &shared(&disk));
            manifest.restore(old.clone(), 1).expect("restoring");
            disk.fail_change(disk.changes() + nth, fault);
            let outcome: Result<()> = manifest.restore(new.clone(), 1);
            assert!(
                matches!(outcome, Err(Error::Io { .. })),
                "the disk's error reaches the caller {when}: {outcome:?}"
            );
            let found: Contents = read_manifest(&disk, &when);
            assert!(found == old || found == new, "what the manifest says {when}: {found:?}");
            manifest.repair().unwrap_or_else(|error| panic!("the repair {when}: {error}"));
            let left = disk.after_power_cut(Survival::Nothing, 1);
            assert_eq!(read_manifest(&left, &when), new, "after the repair and a power cut, {when}");
            assert_eq!(disk.paths().len(), 1, "files after the repair {when}: {:?}", disk.paths());
        }
    }
}

/// Each read of writing anew fails once: the caller hears of it, and the next call succeeds.
///
/// Hint: whether something is left of an earlier attempt is asked of the directory. `?`.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_read_that_fails_while_writing_anew_is_told() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    let before = disk.reads();
    manifest.restore(sum(&history(6)), 1).expect("restoring");
    for nth in 0..disk.reads() - before {
        disk.fail_read(disk.reads() + nth, Fault::Broken);
        let outcome: Result<()> = manifest.restore(sum(&history(6)), 1);
        assert!(matches!(outcome, Err(Error::Io { .. })), "read {nth} fails, and restore gives {outcome:?}");
        manifest.repair().expect("the repair");
    }
    assert_eq!(read_manifest(&disk, "in the end"), sum(&history(6)), "what the manifest says");
}

/// When a record has failed, nobody knows whether the disk has it. So the files of the tables that it adds stay, until the
/// manifest has been written anew without them: then they are removed.
///
/// Hint: remember their ids when a record fails, and remove the files at the end of writing anew, behind the directory's
/// sync.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn doubtful_tables_stay_until_the_manifest_is_written_anew() {
    let changes = changes_of_writing_anew();
    // Of the record: append, sync, mark.
    for (nth, repair_fails_at) in (0..3).flat_map(|nth| (0..changes).map(move |at| (nth, at))) {
        let when = format!("where change {nth} of the record failed, then change {repair_fails_at} of the repair");
        let disk = SimDisk::new();
        let file = |id: u64| table_path(DIRECTORY.as_ref(), id);
        let mut manifest: Manifest = fresh_manifest(&disk);
        for id in [3, 5, 6] {
            disk.set_contents(&file(id), b"a table");
        }
        sync_names(&disk);
        manifest.record(&Edit::flush(table(3, "a", "b"), 1)).expect("a record");
        disk.fail_change(disk.changes() + nth, Fault::Broken);
        let doubtful: Edit = adds(vec![(1, table(5, "a", "b")), (1, table(6, "c", "d"))]);
        manifest.record(&doubtful).expect_err("the record fails");
        disk.fail_change(disk.changes() + repair_fails_at, Fault::Broken);
        manifest.repair().expect_err("the repair fails");
        for (how, left) in after_power_cuts(&disk, 24) {
            let contents: Contents = read_manifest(&left, &format!("{when}; {how}"));
            for named in contents.shape.tables() {
                assert!(
                    left.contents(&file(named.id)).is_some(),
                    "{when}; {how}: table {} is named and gone",
                    named.id
                );
            }
        }
        let steps = record_steps(&disk, |step| step.operation == Operation::Remove && is_table(step.path));
        manifest.repair().unwrap_or_else(|error| panic!("a repair on a disk that works, {when}: {error}"));
        let removed: Vec<_> = steps.lock().iter().map(|step| step.1.clone()).collect();
        assert_eq!(removed, [file(5), file(6)], "what the repair removes, {when}");
        manifest.restore(sum(&history(1)), 1).expect("restoring");
        assert_eq!(steps.lock().len(), 2, "what was removed once is not removed again, {when}");
        assert!(all_files(&disk).contains_key(&file(3)), "table 3 was recorded, {when}");
    }
}

/// A doubtful table's file that cannot be removed is no failure of the manifest.
///
/// Hint: it takes space, no more, and the next open removes it.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_doubtful_table_that_cannot_be_removed_is_left() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    disk.fail_change(disk.changes(), Fault::Broken);
    // There is no file of table 5: removing it fails.
    manifest.record(&Edit::flush(table(5, "a", "b"), 1)).expect_err("the record fails");
    manifest.repair().expect("the manifest itself can be written");
    manifest.record(&Edit::flush(table(7, "a", "b"), 1)).expect("a record");
    assert_eq!(ids(&read_manifest(&disk, "after the repair").shape), [vec![7]], "the tables");
}

/// If the record that fails is of a table that only moves, its file is needed whatever the manifest says: it stays.
///
/// Hint: a table that the contents know before the edit is not in doubt.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_table_that_moves_is_never_in_doubt() {
    let disk = SimDisk::new();
    let file = |id: u64| table_path(DIRECTORY.as_ref(), id);
    for id in [3, 5] {
        disk.set_contents(&file(id), b"a table");
    }
    let mut manifest: Manifest = fresh_manifest(&disk);
    manifest.record(&Edit::flush(table(3, "a", "b"), 1)).expect("a record");
    let mut moved: Edit = adds(vec![(2, table(3, "a", "b")), (2, table(5, "c", "d"))]);
    moved.removed = vec![3];
    disk.fail_change(disk.changes() + 1, Fault::Broken);
    manifest.record(&moved).expect_err("the record fails");
    manifest.repair().expect("the repair");
    assert!(disk.contents(&file(3)).is_some(), "table 3 moves from level 0 to level 2, and its file is gone");
    assert!(disk.contents(&file(5)).is_none(), "table 5 was new in the edit that failed, and its file is still there");
    assert_eq!(ids(&read_manifest(&disk, "after the repair").shape), [vec![3]], "the tables");
}

/// If the manifest cannot even be written anew before the record, the table that it adds is in doubt as well, and its file
/// goes with the next repair.
///
/// Hint: remember the added tables whatever it was that failed.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_table_whose_record_was_never_tried_goes_too() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    for id in [5, 6] {
        disk.set_contents(&table_path(DIRECTORY.as_ref(), id), b"a table");
        // The first is in the record, the second in writing anew before the record.
        disk.fail_change(disk.changes(), Fault::Full);
        manifest.record(&Edit::flush(table(id, "a", "b"), 1)).expect_err("the record fails");
    }
    manifest.repair().expect("the repair");
    let left: Vec<_> = disk.paths().into_iter().filter(|path| is_table(path)).collect();
    assert!(left.is_empty(), "tables that no manifest names: {left:?}");
}
