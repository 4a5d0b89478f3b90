//! Databases that must not be opened as they are: told with an error, and left as they were.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm::compaction::TableShape;
use lsm::disk::{Fault, RealDisk, SimDisk};
use lsm::manifest::{Contents, Manifest, NEW_MANIFEST};
use lsm::table::table_path;
use lsm::{Engine, Error, Options, Result};

use super::support::{
    DIRECTORY, Model, RECORD, all_files, check_holds, compact_some, contents_of, flush_round, frame, is_change,
    manifest_path, manual, open, read_manifest, record_steps, shared, small, table_files,
};

/// A database with two tables at level 0 and several below; in its directory a file that is nobody's, an orphan, and what
/// is left of a manifest.
fn prepare() -> (SimDisk, Model) {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    compact_some(&engine, &mut model, 30);
    flush_round(&engine, &mut model, 10..13, 1);
    flush_round(&engine, &mut model, 11..20, 2);
    drop(engine);
    let orphan: Vec<u8> = contents_of(&disk, &table_files(&disk)[0].to_string_lossy());
    disk.set_contents(&table_path(DIRECTORY.as_ref(), 900), &orphan);
    disk.set_contents(&Path::new(DIRECTORY).join(NEW_MANIFEST), b"half of a manifest");
    (disk, model)
}

/// Opens, demands an error, and that no byte and no name on the disk has changed.
fn refused(disk: &SimDisk, what: &str) -> Error {
    let before: BTreeMap<PathBuf, Vec<u8>> = all_files(disk);
    let outcome: Result<Engine> = Engine::open(DIRECTORY, manual(disk));
    let error: Error = outcome.err().unwrap_or_else(|| panic!("{what}: the database opens"));
    let after: BTreeMap<PathBuf, Vec<u8>> = all_files(disk);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before), "{what}: the files before and after the refusal");
    assert!(after == before, "{what}: the refusal changed a file's bytes");
    error
}

fn assert_corruption(error: &Error, of: &Path, what: &str) {
    match error {
        Error::Corruption { file, .. } => assert_eq!(file, of, "{what}: the file that the error names"),
        other => panic!("{what}: expected Corruption of {}, found {other:?}", of.display()),
    }
}

/// A table that the manifest names and that is not there is `Corruption` that names the table. Nothing is changed, and
/// when the table is back, so are the data.
///
/// Hint: look for the name in the directory before you open the file; `Error::Io` would say that the disk failed.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_missing_table_is_told() {
    let (disk, model) = prepare();
    let named: Vec<u64> = read_manifest(&disk, "before").shape.tables().map(|table| table.id).collect();
    assert!(named.len() > 4, "the manifest names tables: {named:?}");
    for id in named {
        let path = table_path(DIRECTORY.as_ref(), id);
        let bytes: Vec<u8> = disk.contents(&path).expect("the table's file");
        lsm::disk::Disk::remove(&disk, &path).expect("removing the table's file");
        let what = format!("table {id} is missing");
        assert_corruption(&refused(&disk, &what), &path, &what);
        disk.set_contents(&path, &bytes);
    }
    check_holds(&open(manual(&disk)), &model, "when all tables are back");
}

/// A table that was cut, or has bytes behind it, is told when the database is opened.
///
/// Hint: `Table::open` reads the footer, where the file ends; a file of another length has none there.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_table_of_another_length_is_told() {
    let (disk, model) = prepare();
    let id: u64 = read_manifest(&disk, "before").shape.levels[0].tables[1].id;
    let path = table_path(DIRECTORY.as_ref(), id);
    let whole: Vec<u8> = disk.contents(&path).expect("the table's file");
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        disk.set_contents(&path, &whole[..length]);
        let what = format!("a table of {} bytes is cut to {length}", whole.len());
        assert_corruption(&refused(&disk, &what), &path, &what);
    }
    disk.set_contents(&path, &[&whole[..], &[0]].concat());
    assert_corruption(&refused(&disk, "a table with a byte more"), &path, "a table with a byte more");
    disk.set_contents(&path, &whole);
    check_holds(&open(manual(&disk)), &model, "when the table is whole again");
}

/// A table in whose place there is another one, sound by itself, is told.
///
/// Hint: compare the whole `TableShape` of the table that you opened with the one in the manifest.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_table_replaced_by_another_is_told() {
    let (disk, model) = prepare();
    let paths: Vec<PathBuf> = table_files(&disk).into_iter().filter(|path| !path.ends_with("000900.sst")).collect();
    let bytes: Vec<Vec<u8>> = paths.iter().map(|path| disk.contents(path).expect("a file")).collect();
    for (at, path) in paths.iter().enumerate() {
        let other = (at + 1) % paths.len();
        disk.set_contents(path, &bytes[other]);
        let what = format!("{} in the place of {}", paths[other].display(), path.display());
        assert_corruption(&refused(&disk, &what), path, &what);
        disk.set_contents(path, &bytes[at]);
    }
    check_holds(&open(manual(&disk)), &model, "when each table is in its place again");
}

/// Each of the things that the manifest says of a table is compared: size, entries, tombstones, first and last key.
///
/// Hint: `found == *shape`, with `TableShape::of(&table, user_part)`.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn everything_that_the_manifest_says_of_a_table_is_compared() {
    type Change = (&'static str, fn(&mut TableShape));
    let changes: [Change; 5] = [
        ("size", |table| table.size += 1),
        ("entries", |table| table.entries -= 1),
        ("tombstones", |table| table.tombstones += 1),
        ("first key", |table| table.first_key = b"kex".as_slice().into()),
        ("last key", |table| table.last_key = b"kez".as_slice().into()),
    ];
    for (what, change) in changes {
        let (disk, _) = prepare();
        let mut contents: Contents = read_manifest(&disk, "before");
        let table: &mut TableShape = &mut contents.shape.levels[6].tables[1];
        change(table);
        let path = table_path(DIRECTORY.as_ref(), table.id);
        let mut manifest: Manifest = Manifest::new(DIRECTORY.as_ref(), &shared(&disk));
        manifest.restore(contents, 1).expect("restoring");
        let what = format!("the manifest says another {what}");
        assert_corruption(&refused(&disk, &what), &path, &what);
    }
}

/// A directory with tables and without a manifest is no new database: its manifest is lost.
///
/// Hint: only where no file is named like a table of ours, a missing manifest means an empty tree.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn tables_without_a_manifest_are_told() {
    let (disk, model) = prepare();
    let bytes: Vec<u8> = contents_of(&disk, "db/MANIFEST");
    lsm::disk::Disk::remove(&disk, &manifest_path()).expect("removing the manifest");
    let error: Error = refused(&disk, "the manifest is missing");
    assert_corruption(&error, &manifest_path(), "the manifest is missing");
    disk.set_contents(&manifest_path(), &bytes);
    check_holds(&open(manual(&disk)), &model, "when the manifest is back");
    let other = SimDisk::new();
    for name in ["notes.txt", "000007.txt", "old.sst", "7.sst", "MANIFEST.new"] {
        other.set_contents(&Path::new(DIRECTORY).join(name), b"not ours");
    }
    let engine: Engine = open(manual(&other));
    assert_eq!(engine.stats().tables, 0, "a directory with files, none of which is named as a table of ours");
}

/// A manifest of a later version is refused by its name, a broken one as `Corruption`; both stay as they are, and so does
/// everything else.
///
/// Hint: read the manifest before you change anything.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_manifest_that_cannot_be_read_is_left_as_it_is() {
    let (disk, model) = prepare();
    let good: Vec<u8> = contents_of(&disk, "db/MANIFEST");
    let later: Vec<u8> = [&b"lsm-tree"[..], &2_u32.to_le_bytes()].concat();
    disk.set_contents(&manifest_path(), &[frame(0, 0, RECORD, &later), good.clone()].concat());
    match refused(&disk, "a manifest of version 2") {
        Error::UnsupportedVersion { file, found, supported } => {
            assert_eq!((file, found, supported), (manifest_path(), 2, 1), "what the error names");
        }
        other => panic!("a manifest of version 2: expected UnsupportedVersion, found {other:?}"),
    }
    // All but the last mark is vouched for.
    for byte in (0..good.len() - 17).step_by(5) {
        let mut broken = good.clone();
        broken[byte] ^= 0x10;
        disk.set_contents(&manifest_path(), &broken);
        let what = format!("byte {byte} of a manifest of {} bytes is broken", good.len());
        assert_corruption(&refused(&disk, &what), &manifest_path(), &what);
    }
    disk.set_contents(&manifest_path(), &good);
    check_holds(&open(manual(&disk)), &model, "when the manifest is whole again");
}

/// Two engines never have one directory. The second is told so and changes nothing, and the first goes on. When the first
/// is dropped, or its opening failed, the directory is free.
///
/// Hint: take the lock before you look at anything, and keep it in `Recovered` until the engine has it. Dropping it gives
/// it back.
///
/// Book: week2/5-manifest.md#a-lock
#[test]
fn a_directory_has_one_engine() {
    let (disk, mut model) = prepare();
    let engine: Engine = open(manual(&disk));
    let steps = record_steps(&disk, |step| is_change(step.operation) && step.path != Path::new(DIRECTORY));
    for attempt in 0..2 {
        match refused(&disk, "another engine has the directory") {
            Error::Io { path, source, .. } => {
                assert_eq!(path, Path::new(DIRECTORY).join("LOCK"), "the file that the error names");
                assert_eq!(source.kind(), std::io::ErrorKind::WouldBlock, "attempt {attempt}: the system's error");
            }
            other => panic!("another engine has the directory: expected Error::Io, found {other:?}"),
        }
    }
    assert!(steps.lock().iter().all(|step| step.1.ends_with("LOCK")), "what the second did: {:?}", steps.lock());
    flush_round(&engine, &mut model, 0..9, 5);
    check_holds(&engine, &model, "after another engine was refused");
    drop(engine);
    // An opening that fails later gives the lock back.
    disk.fail_read(disk.reads() + 2, Fault::Broken);
    let failed: Result<Engine> = Engine::open(DIRECTORY, manual(&disk));
    assert!(failed.is_err(), "a read fails, and the database opens");
    let engine: Engine = open(manual(&disk));
    check_holds(&engine, &model, "when the first engine is gone");
    let elsewhere: Engine = Engine::open("other", manual(&disk)).expect("a database in another directory");
    assert_eq!(elsewhere.stats().tables, 0, "the other database");
}

/// The same on the machine's own disk: the data are there again, and one engine at a time has them.
///
/// Hint: all of it goes through `Options::disk`.
///
/// Book: week2/5-manifest.md#a-lock
#[test]
fn a_real_directory_is_locked_and_recovered() {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let mut options: Options = Options::manual();
    options.wal = false;
    options.disk = Arc::new(RealDisk);
    let mut model = Model::new();
    for round in 0..3 {
        let engine: Engine = Engine::open(directory.path(), options.clone()).expect("opening");
        check_holds(&engine, &model, &format!("round {round} on the real disk"));
        let second: Result<Engine> = Engine::open(directory.path(), options.clone());
        assert!(matches!(second, Err(Error::Io { .. })), "a second engine on the real disk gives {second:?}");
        flush_round(&engine, &mut model, round..round + 4, round);
        if round == 1 {
            engine.compact().expect("a compaction");
        }
        engine.close().expect("closing");
    }
}
