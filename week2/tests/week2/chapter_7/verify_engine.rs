//! Verifying an engine: every byte of its tables, logs and manifest.

use std::path::Path;
use std::sync::Arc;

use lsm::disk::{Disk, Fault, SimDisk};
use lsm::{Engine, Error, Options, Stats, Sync};

use super::support::{batch_of, file_of, get, is_log, is_table, log_files, logging, named_batch, open, table_files};

fn small_blocks(disk: &SimDisk) -> Options {
    let mut options = logging(disk);
    options.block_size = 64;
    options
}

/// An engine with two tables of several blocks, two logs, and a manifest of some records.
fn small_database(disk: &SimDisk) -> Arc<Engine> {
    let engine: Arc<Engine> = open(small_blocks(disk));
    for table in ["one", "two"] {
        engine.write(&named_batch(table)).expect("a batch");
        engine.write(&batch_of(&[("deleted", None), ("long", Some(&"v".repeat(70)))])).expect("a batch");
        engine.flush().expect("a flush");
    }
    engine.write(&named_batch("frozen")).expect("a batch");
    engine.freeze().expect("freezing");
    engine.write_with(&named_batch("synced"), Sync::EveryCommit).expect("a batch");
    engine.write(&named_batch("unsynced")).expect("a batch");
    engine
}

fn is_verified(path: &Path) -> bool {
    is_table(path) || is_log(path) || path.file_name().is_some_and(|name| name == "MANIFEST")
}

/// Damages each file in many ways, and demands that verify finds something each time, and names this file only.
fn check_all_damage(disk: &SimDisk, engine: &Engine, when: &str) {
    for path in disk.paths().into_iter().filter(|path| is_verified(path)) {
        let sound: Vec<u8> = disk.contents(&path).expect("a file that is listed");
        let check = |bytes: &[u8], what: String| {
            disk.set_contents(&path, bytes);
            let found: Vec<Error> = engine.verify();
            let what = format!("{when}, {}, {} bytes, {what}", path.display(), sound.len());
            assert!(!found.is_empty(), "verify finds nothing: {what}");
            assert!(found.iter().all(|error| file_of(error) == path), "verify names another file: {found:?}: {what}");
            assert!(found.iter().all(|error| !matches!(error, Error::Io { .. })), "not a fault: {found:?}: {what}");
        };
        for at in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[at] ^= if at % 2 == 0 { 0x01 } else { 0xFF };
            check(&bytes, format!("byte {at} flipped"));
            check(&sound[..at], format!("cut off at byte {at}"));
        }
        disk.set_contents(&path, &sound);
        assert_no_damage(engine, &format!("{when}, and {} put right", path.display()));
    }
}

fn assert_no_damage(engine: &Engine, when: &str) {
    let found: Vec<Error> = engine.verify();
    assert!(found.is_empty(), "{when}: nothing is damaged, and verify finds {found:?}");
}

/// In a sound database verify finds nothing, at any moment of its life: new, written, synced, frozen, flushed, compacted,
/// emptied, reopened, closed, with a log or without one.
///
/// Hint: each of the three parts may raise a false alarm. A log may be there for only some of the memtables; a manifest
/// that was written anew knows nothing of empty levels; a table's counts include tombstones.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn nothing_is_found_in_a_sound_database() {
    for wal in [true, false] {
        let disk = SimDisk::new();
        let options = || {
            let mut options = small_blocks(&disk);
            options.wal = wal;
            options
        };
        let mut engine: Arc<Engine> = open(options());
        assert_no_damage(&engine, "a new engine");
        for round in 0..3 {
            for step in 0..9 {
                let outcome = match step {
                    0 => engine.write(&named_batch("one")),
                    1 => engine.sync(),
                    2 => engine.freeze(),
                    3 => engine.write_with(&batch_of(&[("one-0", None), ("two", Some("2"))]), Sync::EveryCommit),
                    4 => engine.freeze().and_then(|()| engine.put(b"three", b"3")),
                    5 => engine.flush(),
                    6 => engine.compact(),
                    7 => engine.write(&batch_of(&[("one-1", None), ("one-2", None), ("two", None), ("three", None)])),
                    // In the last round nothing is left, not even a tombstone.
                    _ if round == 2 => engine.compact(),
                    _ => engine.freeze().and_then(|()| engine.write(&named_batch("four"))),
                };
                outcome.unwrap_or_else(|error| panic!("step {step}: {error}"));
                assert_no_damage(&engine, &format!("wal = {wal}, round {round}, after step {step}"));
            }
            if round == 1 {
                engine.close().expect("closing");
                assert_no_damage(&engine, &format!("wal = {wal}, round {round}, closed"));
            }
            drop(engine);
            engine = open(options());
            assert_no_damage(&engine, &format!("wal = {wal}, round {round}, opened again"));
        }
    }
}

/// Every flipped byte and every cut of every table, log and manifest is found while the engine is open, and the error
/// names the file.
///
/// Hint: a log's and a manifest's last frames have no mark behind them that vouches for them, so that a reader takes
/// damage there for a torn end. But who wrote them knows how long they are: compare `read_log`'s length with that.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn every_damaged_byte_is_found() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = small_database(&disk);
    assert_eq!(
        (table_files(&disk).len(), log_files(&disk).len()),
        (2, 2),
        "two tables and two logs: {:?}",
        disk.paths()
    );
    check_all_damage(&disk, &engine, "an open engine");
}

/// The same in an engine that has been opened again: for logs that were replayed it is known how long they were. So it is
/// for logs of frozen memtables that have been synced.
///
/// Hint: keep the logs of frozen memtables as long as the memtables are there, and the lengths of replayed ones.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn damage_is_found_in_logs_that_are_no_longer_written() {
    let disk = SimDisk::new();
    drop(small_database(&disk));
    let engine: Arc<Engine> = open(small_blocks(&disk));
    engine.write(&named_batch("new")).expect("a batch");
    engine.freeze().expect("freezing");
    engine.write_with(&named_batch("newer"), Sync::EveryCommit).expect("a batch, which syncs the logs before it");
    assert_eq!(log_files(&disk).len(), 4, "two logs that were replayed, a frozen memtable's, and the current one");
    check_all_damage(&disk, &engine, "an engine that was opened again");
}

/// Damages in several files, and several in one, give an error each.
///
/// Hint: three lists put together; none of them ends at its first error.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn several_damages_give_several_errors() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = small_database(&disk);
    let flip = |path: &Path, places: &[usize]| {
        let mut bytes: Vec<u8> = disk.contents(path).expect("a file");
        places.iter().for_each(|at| bytes[*at] ^= 1);
        disk.set_contents(path, &bytes);
    };
    let (tables, logs) = (table_files(&disk), log_files(&disk));
    let manifest = disk.paths().into_iter().find(|path| path.ends_with("MANIFEST")).expect("a manifest");
    // A block is 64 bytes and some more, and the value of 70 bytes has one of its own.
    flip(&tables[0], &[0, 130]);
    flip(&tables[1], &[0]);
    flip(&logs[0], &[20]);
    flip(&logs[1], &[20]);
    flip(&manifest, &[20]);
    let found: Vec<Error> = engine.verify();
    let count = |path: &Path| found.iter().filter(|error| file_of(error) == path).count();
    let counts = [&tables[0], &tables[1], &logs[0], &logs[1], &manifest].map(|path| count(path));
    assert_eq!(counts, [2, 1, 1, 1, 1], "errors for each of two tables, two logs and the manifest: {found:#?}");
    assert_eq!(found.len(), 6, "one error for each damage: {found:#?}");
}

/// A file that is gone is found: a table, a log of a memtable that is not flushed, a manifest.
///
/// Hint: what cannot be opened is an error like any other, unless a flush has taken it away meanwhile.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn a_file_that_is_gone_is_found() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = small_database(&disk);
    for path in disk.paths().into_iter().filter(|path| is_verified(path)) {
        let sound: Vec<u8> = disk.contents(&path).expect("a file that is listed");
        disk.remove(&path).expect("removing a file");
        let found: Vec<Error> = engine.verify();
        assert!(found.len() == 1 && file_of(&found[0]) == path, "{} is gone, found {found:?}", path.display());
        disk.set_contents(&path, &sound);
    }
    assert_no_damage(&engine, "all files are there again");
}

/// Verify asks the disk, not the cache: damage is found in a block that every reader finds whole in the cache. And it
/// leaves the cache as it is, for the readers.
///
/// Hint: `Table::block` goes through the cache; read the section from the file instead.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn verify_does_not_ask_the_cache() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = small_database(&disk);
    let cold: Stats = engine.stats();
    assert_no_damage(&engine, "a cold cache");
    assert_eq!(engine.stats(), cold, "verify fills no cache and counts no block");
    let table = table_files(&disk).pop().expect("a table");
    assert!(get(&engine, "two-0", "before the damage").is_some(), "the block is in the cache now");
    let mut bytes: Vec<u8> = disk.contents(&table).expect("a table");
    let at = bytes.windows(5).position(|window| window == b"two-0").expect("the key in the table");
    bytes[at] ^= 1;
    disk.set_contents(&table, &bytes);
    assert!(get(&engine, "two-0", "after the damage").is_some(), "a reader is served by the cache");
    let found: Vec<Error> = engine.verify();
    assert!(found.len() == 1 && file_of(&found[0]) == table, "the block in the file is damaged, found {found:?}");
}

/// A read that fails is reported with its file, and everything else is looked at all the same.
///
/// Hint: an error of the disk is one more error of the list.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn a_read_that_fails_is_reported_and_the_rest_is_read() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = small_database(&disk);
    let manifest = disk.paths().into_iter().find(|path| path.ends_with("MANIFEST")).expect("a manifest");
    let before: u64 = disk.reads();
    assert_no_damage(&engine, "a disk that works");
    let reads: u64 = disk.reads() - before;
    assert!(reads >= 10, "a footer, an index, a filter and blocks of two tables, two logs, a manifest: {reads} reads");
    let mut bytes: Vec<u8> = disk.contents(&manifest).expect("a manifest");
    bytes[0] ^= 1;
    disk.set_contents(&manifest, &bytes);
    for read in 0..reads {
        disk.fail_read(disk.reads() + read, Fault::Broken);
        let found: Vec<Error> = engine.verify();
        let faults = found.iter().filter(|error| matches!(error, Error::Io { .. })).count();
        let of_manifest = found.iter().filter(|error| file_of(error) == manifest).count();
        // Where the manifest itself cannot be read, the fault is all there is to say of it; it may need fewer reads now.
        assert!(found.len() == faults + 1 || (found.len(), of_manifest) == (1, 1), "read {read} fails: {found:?}");
        assert!(faults <= 1 && of_manifest == 1, "read {read} fails, and the manifest is damaged: {found:?}");
    }
}
