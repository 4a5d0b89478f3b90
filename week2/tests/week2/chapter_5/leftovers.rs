//! What opening cleans up, when it does, and that it may be cut short anywhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm::disk::{Disk, Fault, Operation, SimDisk, Survival};
use lsm::manifest::{Contents, NEW_MANIFEST};
use lsm::table::table_path;
use lsm::{Engine, Error, Result};
use parking_lot::Mutex;

use super::support::{
    DIRECTORY, Model, after_power_cuts, all_files, check_holds, compact_some, flush_round, is_table, manual, open,
    read_manifest, record_steps, small, table_files,
};

/// A database as a process leaves it that was killed in the middle of a compaction: the record of the compaction is in the
/// manifest's file, but was not synced; inputs and outputs are there. A power cut may still take the record back.
fn killed_in_a_compaction() -> (SimDisk, Model) {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    for round in 0..3 {
        flush_round(&engine, &mut model, 10 * round..10 * round + 15, round);
    }
    let failing = disk.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Sync && !is_table(step.path) {
            failing.fail_change(step.number, Fault::Broken);
        }
    });
    let outcome: Result<()> = engine.compact();
    assert!(matches!(outcome, Err(Error::Io { .. })), "the sync of the record fails, and compact gives {outcome:?}");
    drop(engine);
    disk.on_operation(|_| {});
    let (now, durable): (Contents, Contents) = (
        read_manifest(&disk, "as the process left it"),
        read_manifest(&disk.after_power_cut(Survival::Nothing, 1), "as a power cut would leave it"),
    );
    assert_ne!(now.shape, durable.shape, "the record is there, and not durable");
    (disk, model)
}

/// Opening removes tables that the manifest does not name, and what is left of a manifest that was being written. All other
/// files stay, whatever they are called. What was removed does not come back.
///
/// Hint: a file is ours if its name is just the one that `table_path` gives for its number. Sync the directory when you
/// have removed something.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn orphans_go_and_foreign_files_stay() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    compact_some(&engine, &mut model, 40);
    drop(engine);
    let mut expected = table_files(&disk);
    let inside = |name: &str| Path::new(DIRECTORY).join(name);
    let orphans = [inside("000500.sst"), inside("1000001.sst"), inside(NEW_MANIFEST)];
    let foreign = [
        "notes.txt",
        "000500.txt",
        "000500.sst.bak",
        "x000501.sst",
        "501.sst",
        "0000501.sst",
        "+00501.sst",
        ".sst",
        "sst",
        "000502.SST",
        "-00503.sst",
        "MANIFEST.old",
        "CURRENT",
    ];
    for path in &orphans {
        disk.set_contents(path, b"a half-written file");
    }
    for name in foreign {
        disk.set_contents(&inside(name), name.as_bytes());
    }
    disk.set_contents(Path::new("elsewhere/000500.sst"), b"in another directory");
    let engine: Engine = open(small(&disk));
    check_holds(&engine, &model, "beside orphans and foreign files");
    for (how, left) in [("now", disk.clone()), ("after a power cut", disk.after_power_cut(Survival::Nothing, 1))] {
        let files = all_files(&left);
        for path in &orphans {
            assert!(!files.contains_key(path), "{} is still there {how}", path.display());
        }
        for name in foreign {
            assert_eq!(files.get(&inside(name)).map(Vec::as_slice), Some(name.as_bytes()), "the foreign {name}, {how}");
        }
        assert!(files.contains_key(Path::new("elsewhere/000500.sst")), "a file of another directory, {how}");
    }
    expected.extend(foreign.map(inside).into_iter().filter(|path| is_table(path)));
    expected.push(PathBuf::from("elsewhere/000500.sst"));
    expected.sort();
    assert_eq!(table_files(&disk), expected, "the tables' files");
    engine.put(b"fig", b"green").expect("a put");
    engine.flush().expect("a flush");
    let id: u64 = engine.shape().levels[0].tables[0].id;
    assert!(id > 1_000_001, "a new table has the id {id}, and there was a file with the number 1000001");
}

/// Opening a database where there is nothing to remove removes nothing.
///
/// Hint: keep the files of all tables of the recovered state.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn nothing_is_removed_that_the_manifest_names() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    compact_some(&engine, &mut model, 40);
    flush_round(&engine, &mut model, 3..9, 1);
    drop(engine);
    let before = table_files(&disk);
    let steps = record_steps(&disk, |step| step.operation == Operation::Remove);
    check_holds(&open(small(&disk)), &model, "after reopening");
    assert_eq!(steps.lock().len(), 0, "removed by opening: {:?}", steps.lock());
    assert_eq!(table_files(&disk), before, "the tables' files");
}

/// Opening removes nothing before the manifest that it read is durable: the power may fail right after.
///
/// Hint: the manifest's file may hold a record that the system has not written to the disk yet, and reading does not tell.
/// So write it anew first (`restore`), then remove.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn orphans_go_when_the_manifest_is_durable() {
    let (disk, model) = killed_in_a_compaction();
    let expected: Contents = read_manifest(&disk, "before opening");
    let durable: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (seen, disk_then, meant) = (durable.clone(), disk.clone(), expected.clone());
    disk.on_operation(move |step| {
        if step.operation == Operation::Remove && is_table(step.path) {
            let left: Contents = read_manifest(&disk_then.after_power_cut(Survival::Nothing, 1), "at a removal");
            seen.lock().push(left.shape == meant.shape);
        }
    });
    let engine: Engine = open(small(&disk));
    assert_eq!(
        *durable.lock(),
        [true; 3],
        "for each input that is removed: whether the manifest without it is durable"
    );
    check_holds(&engine, &model, "after opening");
}

/// The power may be cut at any change of an opening, and again in the next: the data are there.
///
/// Hint: read everything, write the manifest anew, remove. Each step leaves a directory that opens.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_power_cut_inside_of_opening_loses_nothing() {
    let (dry, _) = killed_in_a_compaction();
    dry.set_contents(&Path::new(DIRECTORY).join(NEW_MANIFEST), b"half of a manifest");
    let first = dry.changes();
    drop(open(small(&dry)));
    let count = dry.changes() - first;
    assert!(count > 8, "opening changes the directory: {count} changes");
    for cut in 0..count {
        let (disk, model) = killed_in_a_compaction();
        disk.set_contents(&Path::new(DIRECTORY).join(NEW_MANIFEST), b"half of a manifest");
        disk.cut_power_at(disk.changes() + cut);
        let outcome: Result<Engine> = Engine::open(DIRECTORY, small(&disk));
        assert!(outcome.is_err(), "the power is cut at change {cut}, and the database opens");
        for (index, (how, left)) in after_power_cuts(&disk, 4).enumerate() {
            let when = format!("after a power cut at change {cut} of an opening; {how}");
            // A second cut, somewhere else.
            left.cut_power_at(left.changes() + (cut + 3 * index as u64) % count);
            drop(Engine::open(DIRECTORY, small(&left)));
            let again = left.after_power_cut(Survival::Some, cut);
            let engine: Engine =
                Engine::open(DIRECTORY, small(&again)).unwrap_or_else(|error| panic!("{when}: {error}"));
            check_holds(&engine, &model, &when);
            let tables = engine.stats().tables as usize;
            assert_eq!(table_files(&again).len(), tables, "files of tables {when}");
        }
    }
}

/// The power may be cut at any change of the very first opening: afterwards the directory opens, as an empty database.
///
/// Hint: until the new manifest has its name there is none, and no table either.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_power_cut_inside_of_the_first_opening_leaves_an_empty_database() {
    let dry = SimDisk::new();
    drop(open(manual(&dry)));
    assert!(dry.changes() > 5, "the first opening writes a manifest: {} changes", dry.changes());
    for cut in 0..dry.changes() {
        let disk = SimDisk::new();
        disk.cut_power_at(cut);
        let outcome: Result<Engine> = Engine::open(DIRECTORY, manual(&disk));
        assert!(outcome.is_err(), "the power is cut at change {cut}, and the database opens");
        for (how, left) in after_power_cuts(&disk, 8) {
            let mut model = Model::new();
            let engine: Engine = open(manual(&left));
            check_holds(&engine, &model, &format!("after a power cut at change {cut} of the first opening; {how}"));
            flush_round(&engine, &mut model, 0..3, 0);
            check_holds(&open(manual(&left.after_power_cut(Survival::Nothing, 1))), &model, "after a flush");
        }
    }
}

/// Each change and each read of an opening fails once: the error reaches the caller, and the next opening has all data.
///
/// Hint: `?` at every step. Dropping what was recovered so far gives the lock back.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn an_opening_that_fails_can_be_repeated() {
    let (dry, _) = killed_in_a_compaction();
    let (changes, reads) = (dry.changes(), dry.reads());
    drop(open(small(&dry)));
    let changes = (0..dry.changes() - changes).map(|nth| (nth, true));
    let reads = (0..dry.reads() - reads).map(|nth| (nth, false));
    for (nth, is_change) in changes.chain(reads) {
        let (disk, model) = killed_in_a_compaction();
        let when = format!("{} {nth} of an opening fails", if is_change { "change" } else { "read" });
        if is_change {
            disk.fail_change(disk.changes() + nth, Fault::Full);
        } else {
            disk.fail_read(disk.reads() + nth, Fault::Broken);
        }
        let outcome: Result<Engine> = Engine::open(DIRECTORY, small(&disk));
        assert!(matches!(outcome, Err(Error::Io { .. })), "{when}: expected the disk's error, found {outcome:?}");
        let engine: Engine = open(small(&disk));
        check_holds(&engine, &model, &format!("opened again, where {when}"));
        assert_eq!(table_files(&disk).len(), engine.stats().tables as usize, "files of tables, where {when}");
    }
}

/// A table that was written and never recorded is not part of the database, even if it is whole.
///
/// Hint: what counts is in the manifest. A table that is not was never seen by anybody.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_whole_table_without_a_record_is_an_orphan() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    flush_round(&engine, &mut model, 0..5, 0);
    let id: u64 = engine.shape().levels[0].tables[0].id;
    drop(engine);
    let copy: Vec<u8> = disk.contents(&table_path(DIRECTORY.as_ref(), id)).expect("the table's file");
    disk.set_contents(&table_path(DIRECTORY.as_ref(), id + 50), &copy);
    disk.sync_directory(DIRECTORY.as_ref()).expect("a sync of the directory");
    let engine: Engine = open(small(&disk));
    assert_eq!(engine.shape().levels[0].ids(), [id], "the tables of level 0");
    assert_eq!(table_files(&disk).len(), 1, "the files: {:?}", table_files(&disk));
    check_holds(&engine, &model, "beside a table that was never recorded");
}
