//! The manifest's file: written, read back, written anew.

use std::path::Path;

use bytes::Bytes;
use lsm::compaction::Edit;
use lsm::disk::{Operation, SimDisk, Survival};
use lsm::manifest::{Contents, MANIFEST, Manifest, NEW_MANIFEST, encode_edit, encode_header};
use lsm::{Error, Result};

use super::support::{
    DIRECTORY, HEADER, MARK, RECORD, adds, all_files, contents_of, frame, fresh_manifest, ids, is_change,
    manifest_path, read_manifest, record_steps, shared, table,
};

/// Flushes of tables 2, 4, 6, … at level 0, and now and then a compaction of all of them into one table of level 1.
pub fn history(length: u64) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut above: Vec<u64> = Vec::new();
    for id in 2..length + 2 {
        if id % 5 == 0 {
            let mut edit: Edit = adds(vec![(1, table(id, "a", "z"))]);
            edit.removed = std::mem::replace(&mut above, vec![id]);
            edit.cursor = (id % 2 == 0).then(|| (1, Bytes::from(format!("cursor {id}"))));
            edits.push(edit);
        } else {
            let mut edit: Edit = Edit::flush(table(id, "a", "z"), id - 1);
            edit.last_version = 100 + id;
            edits.push(edit);
            above.push(id);
        }
    }
    edits
}

/// What these edits add up to.
pub fn sum(edits: &[Edit]) -> Contents {
    let mut contents = Contents::default();
    for edit in edits {
        contents.apply(edit);
    }
    contents
}

/// A record that was acknowledged is durable, and what is read are all edits together.
///
/// Hint: append the edit's record to the log, and sync it, before you return `Ok`. Apply the edits in their order when you
/// read; the header is the first record and no edit.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn a_recorded_edit_survives_a_power_cut() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    let edits: Vec<Edit> = history(24);
    for (index, edit) in edits.iter().enumerate() {
        manifest.record(edit).expect("a record");
        let when = format!("after record {index}");
        let now: Contents = read_manifest(&disk, &when);
        assert_eq!(now, sum(&edits[..=index]), "what the manifest says {when}");
        let left: Contents =
            read_manifest(&disk.after_power_cut(Survival::Nothing, 1), &format!("{when} and a power cut"));
        assert_eq!(left, now, "what the manifest says {when}, and a power cut that leaves nothing unsynced");
    }
}

/// A record is appended to the file and synced: it does not write the manifest anew.
///
/// Hint: `add`, then `sync`, on the log that you kept.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn a_record_costs_an_append_and_a_sync() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    let steps = record_steps(&disk, |step| is_change(step.operation));
    for edit in history(3) {
        manifest.record(&edit).expect("a record");
        let found: Vec<Operation> = std::mem::take(&mut *steps.lock()).into_iter().map(|step| step.0).collect();
        // The second append is the log's mark.
        assert_eq!(found, [Operation::Append, Operation::Sync, Operation::Append], "what a record asks of the disk");
    }
    manifest.repair().expect("repairing what is well");
    assert_eq!(steps.lock().len(), 0, "a manifest that is well needs no repair: {:?}", steps.lock());
}

/// `restore` takes what was read, and writes it down: tables, cursors and numbers. Its `next_id` is the greater of the two.
///
/// Hint: write the header, and then each edit of the snapshot, each with the `next_id` of the contents.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn restore_writes_what_it_is_given() {
    for (given, expected) in [(1, 27), (27, 27), (4000, 4000)] {
        let disk = SimDisk::new();
        let contents: Contents = sum(&history(25));
        assert_eq!(contents.next_id, 27, "the greatest id is 26");
        let mut manifest: Manifest = Manifest::new(DIRECTORY.as_ref(), &shared(&disk));
        manifest.restore(contents.clone(), given).expect("restoring");
        let mut found: Contents = read_manifest(&disk.after_power_cut(Survival::Nothing, 1), "after restoring");
        assert_eq!(found.next_id, expected, "next_id, where {given} was given and the contents say 27");
        manifest.record(&Edit::flush(table(5000, "a", "b"), 0)).expect("a record behind what was restored");
        let after: Contents = read_manifest(&disk, "after a record");
        assert_eq!((after.next_id, ids(&after.shape)[0][0]), (5001, 5000), "next_id and the newest table");
        found.next_id = 27;
        assert_eq!(found, contents, "what was restored");
    }
}

/// The manifest's file is a log with the number 0, whose first record is the header; each record has the `next_id` that
/// holds after it.
///
/// Hint: `encode_header`, then for each edit `encode_edit(edit, next_id)`, where `next_id` is above all ids of the edit.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn a_manifest_has_the_bytes_of_the_format() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    let edit = Edit::flush(table(3, "apple", "fig"), 1);
    manifest.record(&edit).expect("a record");
    let mut expected = Vec::new();
    for payload in [encode_header(), encode_edit(&Edit::default(), 1)] {
        expected.extend_from_slice(&frame(0, expected.len(), RECORD, &payload));
    }
    for payload in [None, Some(encode_edit(&edit, 4))] {
        if let Some(payload) = payload {
            expected.extend_from_slice(&frame(0, expected.len(), RECORD, &payload));
        }
        let durable = (expected.len() as u64).to_le_bytes();
        expected.extend_from_slice(&frame(0, expected.len(), MARK, &durable));
    }
    let found: Vec<u8> = contents_of(&disk, "db/MANIFEST");
    assert_eq!(found.len(), expected.len(), "the length of a manifest with one flush; its bytes are {found:02x?}");
    assert_eq!(found, expected, "a manifest of an empty tree, and the record of a flush");
    assert_eq!((MANIFEST, NEW_MANIFEST), ("MANIFEST", "MANIFEST.new"), "the names");
}

/// Reading a manifest changes nothing on the disk; where there is none, it says so.
///
/// Hint: ask the directory for the name first. A file that is not there is no error here.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn reading_changes_nothing() {
    let disk = SimDisk::new();
    disk.set_contents(&Path::new(DIRECTORY).join(NEW_MANIFEST), b"half of one");
    let steps = record_steps(&disk, |step| is_change(step.operation));
    let none: Result<Option<Contents>> = Manifest::read(DIRECTORY.as_ref(), &shared(&disk));
    assert!(matches!(none, Ok(None)), "a directory without a manifest gave {none:?}");
    let good = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&good);
    manifest.record(&Edit::flush(table(3, "a", "b"), 1)).expect("a record");
    disk.set_contents(&manifest_path(), &contents_of(&good, "db/MANIFEST"));
    let before = all_files(&disk);
    assert_eq!(ids(&read_manifest(&disk, "beside half of a new one").shape), [vec![3]], "the tables");
    assert_eq!(steps.lock().len(), 0, "changes by reading: {:?}", steps.lock());
    assert!(all_files(&disk) == before, "the files before and after");
}

/// A manifest with a torn end is read up to there. One that is broken before its durable end is `Corruption`.
///
/// Hint: `read_log` tells the two apart; the manifest adds nothing to it.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn a_torn_record_is_not_there_and_a_broken_one_is_corruption() {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    let edits: Vec<Edit> = history(3);
    let mut ends = vec![contents_of(&disk, "db/MANIFEST").len()];
    for edit in &edits {
        manifest.record(edit).expect("a record");
        ends.push(contents_of(&disk, "db/MANIFEST").len());
    }
    let whole: Vec<u8> = contents_of(&disk, "db/MANIFEST");
    let torn: Vec<u8> = [&whole[..ends[2]], &whole[ends[2]..ends[3] - 30]].concat();
    disk.set_contents(&manifest_path(), &torn);
    assert_eq!(read_manifest(&disk, "with a torn record"), sum(&edits[..2]), "the third record is torn");
    let mut broken = whole.clone();
    broken[ends[1] + HEADER + 2] ^= 1;
    disk.set_contents(&manifest_path(), &broken);
    match Manifest::read(DIRECTORY.as_ref(), &shared(&disk)) {
        Err(Error::Corruption { file, offset, .. }) => {
            assert_eq!((file, offset), (manifest_path(), ends[1] as u64), "what the error names");
        }
        other => panic!("the second record is broken: expected Corruption, found {other:?}"),
    }
}

/// A file in the manifest's place that is none is refused: with no record, with a first record that is no header, with a
/// later version, with a record that is no edit, which the error finds by its frame's offset.
///
/// Hint: the first record is the header, without which there is no manifest. Give `decode_edit` the frame's offset, which
/// `LogContents::offsets` has.
///
/// Book: week2/5-manifest.md#task-6-the-manifests-file
#[test]
fn what_is_no_manifest_is_refused() {
    let log = |records: &[&[u8]]| -> Vec<u8> {
        let mut log = Vec::new();
        for record in records {
            log.extend_from_slice(&frame(0, log.len(), RECORD, record));
        }
        log
    };
    let header: Vec<u8> = encode_header();
    let edit: Vec<u8> = encode_edit(&Edit::default(), 2);
    let bad_edit_at = (HEADER + header.len() + HEADER + edit.len()) as u64;
    let wrong = [
        ("an empty file", Vec::new(), 0),
        ("no frame", b"something else".to_vec(), 0),
        ("a record that is no header", log(&[&edit, &edit]), 0),
        ("a log of another number", frame(1, 0, RECORD, &header), 0),
        ("an edit with a byte too many", log(&[&header, &edit, &[&edit[..], &[0]].concat(), &edit]), bad_edit_at),
        ("a second header", log(&[&header, &edit, &header]), bad_edit_at),
    ];
    for (what, bytes, at) in wrong {
        let disk = SimDisk::new();
        disk.set_contents(&manifest_path(), &bytes);
        match Manifest::read(DIRECTORY.as_ref(), &shared(&disk)) {
            Err(Error::Corruption { file, offset, .. }) => {
                assert_eq!((file, offset), (manifest_path(), at), "{what}: what the error names");
            }
            other => panic!("{what}: expected Corruption, found {other:?}"),
        }
    }
    let disk = SimDisk::new();
    let later = [&b"lsm-tree"[..], &2_u32.to_le_bytes()].concat();
    disk.set_contents(&manifest_path(), &log(&[&later, b"a record of that version"]));
    match Manifest::read(DIRECTORY.as_ref(), &shared(&disk)) {
        Err(Error::UnsupportedVersion { file, found, supported }) => {
            assert_eq!((file, found, supported), (manifest_path(), 2, 1), "what the error names");
        }
        other => panic!("a manifest of version 2: expected UnsupportedVersion, found {other:?}"),
    }
}
