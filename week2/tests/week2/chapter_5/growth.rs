//! A manifest that grows is written anew, so that it is never much longer than what it says.

use lsm::compaction::Edit;
use lsm::disk::{Fault, Operation, SimDisk};
use lsm::manifest::{Contents, Manifest, encode_edit};

use super::manifest::sum;
use super::support::{
    DIRECTORY, HEADER, adds, changes_of_writing_anew, contents_of, fresh_manifest, ids, is_change, is_manifest,
    read_manifest, record_steps, shared, table,
};

const SMALLEST: usize = 64 << 10;

/// Table `id` takes the place of the one before it.
fn replacement(id: u64) -> Edit {
    let mut edit: Edit = adds(vec![(1, table(id, &"a".repeat(500), &"z".repeat(500)))]);
    edit.removed = vec![id - 1];
    edit
}

/// How many bytes a replacement's record takes in the file, its mark included.
fn record_length() -> usize {
    let record: Vec<u8> = encode_edit(&replacement(2), 3);
    HEADER + record.len() + HEADER + 8
}

fn length(disk: &SimDisk) -> usize {
    contents_of(disk, "db/MANIFEST").len()
}

/// A manifest of few tables is written anew when it is longer than 64 KiB, not before, and says the same afterwards.
///
/// Hint: look at the log's length after each record. It is more than four times what it was when it was written anew long
/// before it is more than 64 KiB; both have to be.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn a_manifest_that_has_grown_is_written_anew() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    let steps = record_steps(&disk, |step| step.operation == Operation::Rename);
    let (mut before, mut rewritten) = (length(&disk), 0);
    for id in 2..302 {
        manifest.record(&replacement(id)).expect("a record");
        let now = length(&disk);
        let is_rewritten = std::mem::take(&mut *steps.lock()).len() == 1;
        let grown = before + record_length();
        assert_eq!(is_rewritten, grown > SMALLEST, "table {id}: whether a manifest of {grown} bytes is written anew");
        assert!(is_rewritten || now == grown, "table {id}: {now} bytes after a record, {before} before it");
        assert!(!is_rewritten || now < 2000, "table {id}: a manifest with one table has {now} bytes");
        rewritten += usize::from(is_rewritten);
        before = now;
        let found: Contents = read_manifest(&disk, &format!("after the record of table {id}"));
        assert_eq!((ids(&found.shape), found.next_id), (vec![vec![], vec![id]], id + 1), "what the manifest says");
    }
    assert!(rewritten > 3, "over 300 records it was written anew {rewritten} times");
}

/// The limit is met to the byte: a manifest of 64 KiB stays as it is, one of a byte more is written anew.
///
/// Hint: longer *than* 64 KiB.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn the_limit_of_growth_is_met_to_the_byte() {
    for (limit, is_rewritten) in [(SMALLEST, false), (SMALLEST + 1, true)] {
        let disk = SimDisk::new();
        let mut manifest: Manifest = fresh_manifest(&disk);
        for id in 2..40 {
            manifest.record(&replacement(id)).expect("a record");
        }
        let with_keys = |first_key: usize| -> Edit {
            let mut edit: Edit = adds(vec![(1, table(40, &"a".repeat(first_key), "z"))]);
            edit.removed = vec![39];
            edit
        };
        let missing = limit - length(&disk) - 2 * HEADER - 8;
        let filler = missing - encode_edit(&with_keys(0), 41).len();
        let steps = record_steps(&disk, |step| step.operation == Operation::Rename);
        manifest.record(&with_keys(filler)).expect("a record");
        assert_eq!(steps.lock().len() == 1, is_rewritten, "whether a manifest of {limit} bytes is written anew");
        assert!(is_rewritten || length(&disk) == limit, "{} bytes, not {limit}", length(&disk));
    }
}

/// A manifest of many tables is written anew when it is more than four times as long as when it was written anew last. So
/// what is written for a record stays a few records' worth, however many tables there are.
///
/// Hint: remember the length when you have written the manifest anew, in `restore` as well.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn a_long_manifest_may_grow_fourfold() {
    let tables: Vec<Edit> = (2..502).map(|id| adds(vec![(1, table(id, &format!("{id:04}"), "z"))])).collect();
    let contents: Contents = sum(&tables);
    let disk = SimDisk::new();
    let mut manifest: Manifest = Manifest::new(DIRECTORY.as_ref(), &shared(&disk));
    manifest.restore(contents, 1).expect("restoring 500 tables");
    let written = length(&disk);
    assert!(4 * written > SMALLEST, "500 tables take {written} bytes");
    let steps = record_steps(&disk, |step| step.operation == Operation::Rename);
    let mut longest = written;
    let mut id = 502;
    while steps.lock().is_empty() {
        assert!(length(&disk) <= 4 * written, "{} bytes, {written} when it was written anew", length(&disk));
        longest = length(&disk);
        manifest.record(&replacement(id)).expect("a record");
        id += 1;
        assert!(id < 1000, "after {id} records it is still not written anew: {} bytes", length(&disk));
    }
    assert!(
        longest + record_length() > 4 * written,
        "written anew behind {longest} bytes, four times {written} are allowed"
    );
    assert_eq!(read_manifest(&disk, "written anew").next_id, id, "what it says is kept");
}

/// When writing the manifest anew fails after a record, the record counts all the same: it is durable. The next call
/// writes the manifest anew.
///
/// Hint: ignore that error, and give the log up: then the next `record` or `repair` has to write anew, and its error tells.
///
/// Book: week2/5-manifest.md#when-the-manifest-cannot-be-written
#[test]
fn a_record_counts_even_if_rewriting_fails() {
    for nth in 0..changes_of_writing_anew() {
        let disk = SimDisk::new();
        let mut manifest: Manifest = fresh_manifest(&disk);
        let mut id = 2;
        while length(&disk) + record_length() <= SMALLEST {
            manifest.record(&replacement(id)).expect("a record");
            id += 1;
            assert!(id < 100, "after {id} records the manifest has {} bytes", length(&disk));
        }
        // The record's own append, sync and mark come first.
        disk.fail_change(disk.changes() + 3 + nth, Fault::Full);
        let when = format!("where change {nth} of writing anew fails");
        manifest.record(&replacement(id)).unwrap_or_else(|error| panic!("the record is durable, {when}: {error}"));
        let found: Contents = read_manifest(&disk, &when);
        assert_eq!((ids(&found.shape), found.next_id), (vec![vec![], vec![id]], id + 1), "what it says, {when}");
        let steps = record_steps(&disk, |step| is_change(step.operation) && is_manifest(step.path));
        disk.fail_change(disk.changes(), Fault::Full);
        let refused = manifest.record(&replacement(id + 1));
        assert!(refused.is_err(), "the next record has to write anew first, which fails again, {when}");
        manifest
            .record(&replacement(id + 1))
            .unwrap_or_else(|error| panic!("a disk that works again, {when}: {error}"));
        let renames = steps.lock().iter().filter(|step| step.0 == Operation::Rename).count();
        assert_eq!(renames, 1, "the manifest is written anew before it takes a record, {when}");
        let found: Contents = read_manifest(&disk, &format!("after the repair, {when}"));
        assert_eq!(ids(&found.shape), [vec![], vec![id + 1]], "what it says after the repair, {when}");
        assert!(length(&disk) < 4000, "{} bytes after the repair, {when}", length(&disk));
    }
}
