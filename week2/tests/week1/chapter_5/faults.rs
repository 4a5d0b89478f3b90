//! Disks that fail and tables that are damaged: what an ingest leaves, and what a read says.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lsm::disk::{Fault, Operation, SimDisk};
use lsm::{Engine, Error};
use parking_lot::Mutex;

use super::fixture::{
    Pairs, get, ingest, is_table, key, open, pairs, put, scan, scan_until_error, table_files, try_ingest,
};

/// One table is there already; this is the second.
fn second_ingest(engine: &Engine) -> Result<(), Error> {
    let long: String = "x".repeat(100_000);
    let entries: Vec<(String, &str)> = (0..7).map(|number| (key(number), long.as_str())).collect();
    engine.ingest(entries.iter().map(|(key, value)| (key.as_bytes(), Some(value.as_bytes()))))
}

/// The operations of [`second_ingest`] that build its table, make its name durable and open it.
fn operations_of_an_ingest() -> Vec<(u64, Operation)> {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    ingest(&engine, &[("key00", Some("old"))]);
    let seen: Arc<Mutex<Vec<(u64, Operation, PathBuf)>>> = Arc::default();
    let log = seen.clone();
    disk.on_operation(move |step| log.lock().push((step.number, step.operation, step.path.to_path_buf())));
    second_ingest(&engine).expect("nothing fails in the dry run");
    disk.on_operation(|_| ());
    let seen: Vec<(u64, Operation, PathBuf)> = seen.lock().clone();
    let mut is_named: bool = false;
    let mut found: Vec<(u64, Operation)> = Vec::new();
    for (number, operation, path) in seen {
        let names_the_table: bool = operation == Operation::SyncDirectory && !is_named && !found.is_empty();
        is_named |= names_the_table;
        if is_table(&path) || names_the_table {
            found.push((number, operation));
        }
    }
    found
}

fn is_read(operation: Operation) -> bool {
    matches!(operation, Operation::Open | Operation::Length | Operation::Read)
}

/// Runs the second ingest with one operation that fails, and checks that it was as if it had not been.
fn assert_a_fault_leaves_nothing(number: u64, operation: Operation, fault: Fault) {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    ingest(&engine, &[("key00", Some("old"))]);
    if is_read(operation) {
        disk.fail_read(number, fault);
    } else {
        disk.fail_change(number, fault);
    }
    let outcome: Result<(), Error> = second_ingest(&engine);
    let what: String = format!("an ingest whose {operation:?} (operation {number}) failed");
    assert!(matches!(outcome, Err(Error::Io { .. })), "{what} gave {outcome:?}; expected Error::Io");
    assert_eq!(scan(&engine, ..), pairs([("key00", "old")]), "scan(..) after {what}");
    assert_eq!(engine.stats().tables, 1, "tables after {what}");
    let files: Vec<PathBuf> = table_files(&disk);
    assert_eq!(files.len(), 1, "the first table's file alone must be there after {what}, but there are {files:?}");
    second_ingest(&engine).unwrap_or_else(|error| panic!("the next ingest after {what} failed: {error}"));
    assert_eq!(scan(&engine, ..).len(), 7, "entries once the next ingest, after {what}, has succeeded");
}

/// Whichever change of an ingest fails, the error reaches the caller, no file is left over, and no entry is visible.
///
/// Hint: swap the table in last. The name's sync belongs to the ingest: when it fails, the file has to go.
///
/// Book: week1/5-read-path.md#when-an-ingest-fails
#[test]
fn a_failing_change_leaves_no_trace_of_an_ingest() {
    let operations: Vec<(u64, Operation)> = operations_of_an_ingest();
    for wanted in [Operation::Create, Operation::Append, Operation::Sync, Operation::SyncDirectory] {
        let is_there: bool = operations.iter().any(|(_, operation)| *operation == wanted);
        assert!(is_there, "an ingest has to {wanted:?}; it did {operations:?}");
    }
    for (number, operation) in operations.into_iter().filter(|(_, operation)| !is_read(*operation)) {
        assert_a_fault_leaves_nothing(number, operation, Fault::Broken);
        assert_a_fault_leaves_nothing(number, operation, Fault::Full);
    }
}

/// A table that cannot be opened after it was built is no table: the error reaches the caller, and the file goes.
///
/// Hint: between `finish` and the swap stands `Table::open`, which reads and may fail.
///
/// Book: week1/5-read-path.md#when-an-ingest-fails
#[test]
fn a_table_that_cannot_be_opened_leaves_no_trace() {
    let operations: Vec<(u64, Operation)> = operations_of_an_ingest();
    for (number, operation) in operations.into_iter().filter(|(_, operation)| is_read(*operation)) {
        assert_a_fault_leaves_nothing(number, operation, Fault::Broken);
    }
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    damage_tables_as_they_open(&disk, b"lsmtable");
    let outcome: Result<(), Error> = try_ingest(&engine, &[("a", Some("1"))]);
    assert!(matches!(outcome, Err(Error::Corruption { .. })), "a damaged footer gave {outcome:?} to the ingest");
    assert_eq!(table_files(&disk).len(), 0, "files of a table that could not be opened");
    assert_eq!(scan(&engine, ..), Pairs::new(), "scan(..) after an ingest whose table could not be opened");
}

/// A read that meets a damaged block fails with `Corruption`: it does not answer from an older table.
///
/// Hint: an error of `Table::lookup` is for the caller (`?`). "Not readable" is not "not here".
///
/// Book: week1/5-read-path.md#errors-are-answers-too
#[test]
fn get_reports_a_damaged_block() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    ingest(&engine, &[("a", Some("old")), ("b", Some("old")), ("c", Some("old"))]);
    ingest_with_damage(&disk, &engine);
    let damaged: Result<Option<Bytes>, Error> = engine.get(b"b");
    let is_reported: bool = matches!(damaged, Err(Error::Corruption { .. }));
    assert!(is_reported, "get of a key in a damaged block gave {damaged:?}; an older table has it as \"old\"");
    let sound: [Option<Bytes>; 2] = ["a", "c"].map(|key| get(&engine, key));
    let new: Option<Bytes> = Some(Bytes::from("new"));
    assert_eq!(sound, [new.clone(), new], "get of a and c, whose blocks in the same table are sound");
    put(&engine, "b", "written");
    assert_eq!(get(&engine, "b"), Some(Bytes::from("written")), "a memtable decides before the damaged block is read");
}

/// A scan over a damaged block gives what comes before it, then the error, then nothing; a scan beside it is sound.
///
/// Hint: hand the error of the merge on. What the damaged block would have hidden must not come out instead.
///
/// Book: week1/5-read-path.md#errors-are-answers-too
#[test]
fn a_scan_ends_at_a_damaged_block() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    ingest(&engine, &[("a", Some("old")), ("b", Some("old")), ("c", Some("old")), ("d", Some("old"))]);
    ingest_with_damage(&disk, &engine);
    let (found, error): (Pairs, Option<Error>) = scan_until_error(&engine, ..);
    let is_reported: bool = matches!(error, Some(Error::Corruption { .. }));
    assert!(is_reported, "a scan over a damaged block ended with {error:?} after {found:?}; expected Corruption");
    let before: Pairs = pairs([("a", "new")]);
    assert!(before.starts_with(&found), "a scan gave {found:?} before its error; only {before:?} is before the damage");
    let (found, error): (Pairs, Option<Error>) = scan_until_error(&engine, "b".."c");
    assert!(found.is_empty(), "a scan that begins at a damaged block gave {found:?}");
    assert!(error.is_some(), "a scan that begins at a damaged block must fail");
    assert_eq!(scan(&engine, "c"..), pairs([("c", "new"), ("d", "old")]), "scan(\"c\"..), behind the damaged block");
}

/// Whichever read of a `get` or of a scan fails, the caller learns it; the next try, on a disk that works, succeeds.
///
/// Hint: no error of a source may be dropped, neither when it is made nor when it is stepped.
///
/// Book: week1/5-read-path.md#errors-are-answers-too
#[test]
fn every_failing_read_reaches_the_caller() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    ingest(&engine, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1")), ("d", Some("1"))]);
    ingest(&engine, &[("b", Some("2")), ("c", None)]);
    let all: Pairs = pairs([("a", "1"), ("b", "2"), ("d", "1")]);
    let before: u64 = disk.reads();
    assert_eq!(scan(&engine, ..), all, "scan(..) on a disk that works");
    let reads: u64 = disk.reads() - before;
    assert!(reads > 0, "a scan over two tables without a cache has to read");
    for read in 0..reads {
        disk.fail_read(disk.reads() + read, Fault::Broken);
        let (found, error): (Pairs, Option<Error>) = scan_until_error(&engine, ..);
        let is_reported: bool = matches!(error, Some(Error::Io { .. }));
        assert!(is_reported, "a scan whose read {read} of {reads} failed ended with {error:?} after {found:?}");
        assert!(all.starts_with(&found), "a scan whose read {read} of {reads} failed gave {found:?} before the error");
        assert_eq!(scan(&engine, ..), all, "scan(..) after one that failed");
    }
    disk.fail_read(disk.reads(), Fault::Broken);
    let found: Result<Option<Bytes>, Error> = engine.get(b"b");
    assert!(matches!(found, Err(Error::Io { .. })), "get(\"b\") whose read failed gave {found:?}; expected Error::Io");
    assert_eq!(get(&engine, "b"), Some(Bytes::from("2")), "get(\"b\") after one that failed");
}

/// Takes in a table with "new" at a and c, and a damaged block that holds b.
fn ingest_with_damage(disk: &SimDisk, engine: &Engine) {
    damage_tables_as_they_open(disk, b"to be damaged");
    ingest(engine, &[("a", Some("new")), ("b", Some("to be damaged")), ("c", Some("new"))]);
    disk.on_operation(|_| ());
}

/// From now on a table's file loses a bit of `passage`, once, just before it is opened.
fn damage_tables_as_they_open(disk: &SimDisk, passage: &'static [u8]) {
    let target: SimDisk = disk.clone();
    let is_done: AtomicBool = AtomicBool::new(false);
    disk.on_operation(move |step| {
        if step.operation != Operation::Open || !is_table(step.path) || is_done.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut bytes: Vec<u8> = target.contents(step.path).expect("a file that is opened is there");
        let at: Option<usize> = bytes.windows(passage.len()).rposition(|window| window == passage);
        bytes[at.expect("the passage stands in the file")] ^= 1;
        target.set_contents(step.path, &bytes);
    });
}
