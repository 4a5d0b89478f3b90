//! A flush that fails: its error reaches the caller, nothing is lost, nothing is left over, and it can be repaired.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use lsm::disk::{Fault, Operation, SimDisk, Step};
use lsm::{Engine, Error, Result, Stats};
use parking_lot::Mutex;

use super::support::{
    check_holds, eventually, fill, fill_until, flushing, io_error, is_table, key, makes_a_table, manual, open,
    promptly, table_files, value,
};

/// An operation that a flush asked for: what it was, and its number among the changes or among the reads.
type Recorded = (Operation, u64);

/// An engine with two memtables to flush, of which the first makes a table of more than one append.
fn prepare(disk: &SimDisk) -> Arc<Engine> {
    let engine: Arc<Engine> = open(manual(disk));
    for number in 0..10 {
        engine.put(&key(number), &large_value(number)).expect("a put");
    }
    engine.freeze().expect("freezing");
    fill(&engine, 10..20);
    engine
}

fn large_value(number: usize) -> Vec<u8> {
    vec![number as u8; 30_000]
}

fn check_all(engine: &Engine, when: &str) {
    let found: Result<Vec<(Bytes, Bytes)>> = engine.scan(..).and_then(Iterator::collect);
    let expected: Vec<(Bytes, Bytes)> = (0..20)
        .map(|number| (key(number).into(), if number < 10 { large_value(number) } else { value(number) }.into()))
        .collect();
    assert!(found.expect("a scan") == expected, "a scan gives other entries than were written, {when}");
    for (key, value) in &expected {
        assert!(engine.get(key).expect("a get").as_ref() == Some(value), "the value of {key:?}, {when}");
    }
}

/// The operations of a flush that `is_meant` picks, learnt from a run without faults.
fn dry_run(is_meant: fn(&Step<'_>) -> bool) -> Vec<Recorded> {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let steps: Arc<Mutex<Vec<Recorded>>> = Arc::default();
    let seen = steps.clone();
    disk.on_operation(move |step| {
        if is_meant(&step) {
            seen.lock().push((step.operation, step.number));
        }
    });
    engine.flush().expect("a flush without faults");
    let steps: Vec<Recorded> = steps.lock().clone();
    steps
}

/// A flush meets `fault`, by `arm`, and a second flush repairs it.
fn check_failing_flush(step: Recorded, fault: Fault, arm: fn(&SimDisk, u64, Fault)) {
    let when = format!("when the flush's {:?}, operation {}, fails once ({fault:?})", step.0, step.1);
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    arm(&disk, step.1, fault);
    let error: Error = engine.flush().err().unwrap_or_else(|| panic!("the flush's caller should hear of it, {when}"));
    let (path, kind) = io_error(&error, &when);
    assert!(is_table(&path) || step.0 == Operation::SyncDirectory, "the error names the file, {when}: {error}");
    assert_eq!(kind == ErrorKind::StorageFull, fault == Fault::Full, "the error is the disk's own, {when}: {error}");
    let failed: Stats = engine.stats();
    assert_eq!(
        failed.tables + failed.frozen_memtables,
        2,
        "what is not a table is still in memory, {when}: {failed:?}"
    );
    assert_eq!(table_files(&disk).len() as u64, failed.tables, "a file that is no table was left over, {when}");
    check_all(&engine, &when);
    engine.flush().unwrap_or_else(|error| panic!("the second flush, {when}: {error}"));
    let repaired: Stats = engine.stats();
    assert_eq!((repaired.tables, repaired.frozen_memtables), (2, 0), "after the second flush, {when}: {repaired:?}");
    check_all(&engine, &format!("after the second flush, {when}"));
    engine.delete(&key(3)).unwrap_or_else(|error| panic!("a write after the repair, {when}: {error}"));
    engine.flush().unwrap_or_else(|error| panic!("a third flush, {when}: {error}"));
    assert_eq!(engine.get(&key(3)).expect("a get"), None, "what is written after the repair is read, {when}");
}

/// Whatever a flush changes on the disk, if that fails, `flush` returns the disk's error, everything stays readable, no
/// file is left over, and a second flush succeeds.
///
/// Hint: return every error with `?` before the swap. A builder that is dropped removes its file; after `finish`,
/// `adopt_table` does.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_flush_that_cannot_write_loses_nothing_and_leaves_nothing() {
    let steps: Vec<Recorded> = dry_run(makes_a_table);
    let is_there = |operation: Operation| steps.iter().filter(|step| step.0 == operation).count() >= 2;
    assert!(
        [Operation::Create, Operation::Append, Operation::Sync, Operation::SyncDirectory].into_iter().all(is_there),
        "two tables are created, written, synced and named: {steps:?}"
    );
    for step in steps {
        for fault in [Fault::Broken, Fault::Full] {
            check_failing_flush(step, fault, SimDisk::fail_change);
        }
    }
}

/// A new table that cannot be opened is no table: the flush fails, loses nothing, and leaves no file.
///
/// Hint: open the table before the swap.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_flush_that_cannot_read_its_table_loses_nothing_and_leaves_nothing() {
    let steps: Vec<Recorded> = dry_run(|step| {
        let is_read = matches!(step.operation, Operation::Open | Operation::Length | Operation::Read);
        is_read && is_table(step.path)
    });
    assert!(steps.len() >= 4, "both tables are opened and read: {steps:?}");
    for step in steps {
        check_failing_flush(step, Fault::Broken, SimDisk::fail_read);
    }
}

/// A hundred flushes that fail leave no file, and no entry is lost.
///
/// Hint: each attempt takes a new number and makes a new file. Whoever makes a file sees to its end.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_hundred_failing_flushes_leave_no_file() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    fill(&engine, 0..10);
    for attempt in 0..100 {
        disk.fail_change(disk.changes() + attempt % 4, Fault::Full);
        let outcome: Result<()> = engine.flush();
        assert!(matches!(outcome, Err(Error::Io { .. })), "flush {attempt} meets a full disk, and gives {outcome:?}");
        assert_eq!(table_files(&disk), [""; 0].map(std::path::PathBuf::from), "files left over by flush {attempt}");
    }
    check_holds(&engine, 0..10, "after a hundred flushes that failed");
    assert_eq!((engine.stats().tables, engine.stats().flushes), (0, 0), "a flush that failed is not counted");
    engine.flush().expect("a flush on a disk that works again");
    assert_eq!(table_files(&disk).len(), 1, "one memtable, one table");
    check_holds(&engine, 0..10, "after the flush");
}

/// When the flusher fails, writes are refused with the cause, and reads go on. The flusher does not try again by
/// itself; a flush that succeeds repairs the engine, and the flusher works again.
///
/// Hint: the flusher reports its error with `fail`, and sleeps as long as there is a failure. `flush_all` ends with
/// `recovered`.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_failing_flusher_stops_the_writes_until_a_flush_succeeds() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 2));
    let (is_full, attempts): (Arc<AtomicBool>, Arc<AtomicUsize>) = Default::default();
    let (full, tried, broken) = (is_full.clone(), attempts.clone(), disk.clone());
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_table(step.path) && full.load(Ordering::SeqCst) {
            tried.fetch_add(1, Ordering::SeqCst);
            broken.fail_change(step.number, Fault::Full);
        }
    });
    is_full.store(true, Ordering::SeqCst);
    let next: usize = fill_until(&engine, 0, "a frozen memtable", |stats| stats.frozen_memtables == 1);
    let refused: Mutex<Option<Error>> = Mutex::default();
    eventually("writes are refused after the flusher failed", || {
        // The same entry again and again: until it is refused, it changes nothing.
        *refused.lock() = engine.put(&key(next - 1), &value(next - 1)).err();
        refused.lock().is_some()
    });
    let error: Option<Error> = refused.into_inner();
    let Some(Error::Background(cause)) = &error else { panic!("expected Error::Background, found {error:?}") };
    let (path, kind) = io_error(cause, "the cause of the failure");
    assert!(is_table(&path) && kind == ErrorKind::StorageFull, "the cause is the disk's error: {cause}");
    for attempt in 0..3 {
        let delete: Result<()> = engine.delete(&key(0));
        assert!(matches!(delete, Err(Error::Background(_))), "a delete is a write, and gives {delete:?}");
        let flushed = engine.clone();
        let outcome: Result<()> = promptly("a flush on a full disk", move || flushed.flush());
        assert!(matches!(outcome, Err(Error::Io { .. })), "flush {attempt} on a full disk gives {outcome:?}");
        check_holds(&engine, 0..next, "while writes are refused");
    }
    assert_eq!(attempts.load(Ordering::SeqCst), 4, "the flusher tried once, and each of three flushes once");
    is_full.store(false, Ordering::SeqCst);
    let flushed = engine.clone();
    promptly("a flush on a disk with room", move || flushed.flush()).expect("a flush on a disk with room");
    assert_eq!(table_files(&disk).len() as u64, engine.stats().tables, "no file is left over by the failures");
    let flushes: u64 = engine.stats().flushes;
    let writer = engine.clone();
    promptly("writes after the repair", move || fill(&writer, next..next + 100));
    eventually("the flusher works again", || engine.stats().flushes > flushes);
    check_holds(&engine, 0..next + 100, "after the repair");
}

/// When the flusher panics, writes are refused with the thread's name and the panic's message; reads go on. A flush
/// still saves what is in memory, but only a new engine takes writes again.
///
/// Hint: do not catch the panic: the wrapper that starts the thread does. `recovered` leaves a panic in place.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_panicking_flusher_stops_the_writes_for_good() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 4));
    let name: Arc<Mutex<Option<String>>> = Arc::default();
    let panicked = name.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Sync && is_table(step.path) && panicked.lock().is_none() {
            *panicked.lock() = Some(std::thread::current().name().unwrap_or_default().to_string());
            panic!("a bug at {}", step.path.display());
        }
    });
    let next: usize = fill_until(&engine, 0, "a frozen memtable", |stats| stats.frozen_memtables == 1);
    let refused: Mutex<Option<Error>> = Mutex::default();
    eventually("writes are refused after the flusher panicked", || {
        *refused.lock() = engine.put(&key(next - 1), &value(next - 1)).err();
        refused.lock().is_some()
    });
    let error: Option<Error> = refused.into_inner();
    let Some(Error::Panicked { thread, message }) = &error else { panic!("expected Error::Panicked, found {error:?}") };
    assert_eq!(Some(thread), name.lock().as_ref(), "the thread that panicked");
    assert!(message.starts_with("a bug at "), "the panic's own message: {message}");
    check_holds(&engine, 0..next, "after the panic");
    let flushed = engine.clone();
    promptly("a flush after the panic", move || flushed.flush()).expect("a flush after the panic");
    assert_eq!(engine.stats().memtable_bytes, 0, "the flush saved what was in memory: {:?}", engine.stats());
    let put: Result<()> = engine.put(b"key", b"value");
    assert!(matches!(put, Err(Error::Panicked { .. })), "no flush repairs a bug; a put gives {put:?}");
    let closed = engine.clone();
    let close: Result<()> = promptly("a close after the panic", move || closed.close());
    assert!(matches!(close, Err(Error::Panicked { .. })), "closing tells of the panic too, and gives {close:?}");
    check_holds(&engine, 0..next, "after the close");
}
