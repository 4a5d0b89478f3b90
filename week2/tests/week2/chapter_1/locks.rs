//! Nobody waits for a compaction: at each of its operations on the disk, everything else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use bytes::Bytes;
use lsm::disk::{Operation, SimDisk, Step};
use lsm::{Engine, Error, Options};
use parking_lot::Mutex;

use super::fixture::{Pairs, check_tree, contents, flush, is_table, manual, open, table_files};
use super::threads::{DEADLINE, Gate, Pending, meanwhile, promptly, start};

/// An engine with a level and two tables above it. Every read goes to the disk.
fn prepare(disk: &SimDisk) -> Arc<Engine> {
    let mut options: Options = manual(disk);
    options.table_size = 1;
    options.cache_size = 0;
    let engine: Arc<Engine> = open(options);
    flush(&engine, "a=1 b=1 c=1");
    flush(&engine, "b=2");
    engine.compact().expect("a first compaction");
    flush(&engine, "c=3 d=3");
    flush(&engine, "a=4 d=×");
    engine
}

/// What a compaction asks of its tables and of the directory, in order.
fn operations() -> Vec<Operation> {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let seen: Arc<Mutex<Vec<Operation>>> = Arc::default();
    let steps = seen.clone();
    disk.on_operation(move |step| {
        if is_its_own(&step) {
            steps.lock().push(step.operation);
        }
    });
    engine.compact().expect("a compaction");
    let steps: Vec<Operation> = seen.lock().clone();
    steps
}

fn is_its_own(step: &Step<'_>) -> bool {
    is_table(step.path) || step.operation == Operation::SyncDirectory
}

/// Does everything that a user may do beside a compaction, and sees to it that what was written is read.
///
/// Beside a read it asks for nothing that it did not write itself: who wants a block that somebody is reading already may
/// wait for that one.
fn use_engine(engine: &Engine, operation: Operation) {
    engine.put(b"b", b"5").expect("a put");
    engine.delete(b"c").expect("a delete");
    engine.freeze().expect("freezing");
    engine.put(b"e", b"5").expect("a put");
    for (key, expected) in [("a", Some("4")), ("b", Some("5")), ("c", None), ("d", None), ("e", Some("5"))] {
        if operation != Operation::Read || ["b", "c", "e"].contains(&key) {
            let found: Option<Bytes> = engine.get(key.as_bytes()).expect("a get");
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "get({key}) beside a compaction");
        }
    }
    if operation != Operation::Read {
        let found: Result<Pairs, Error> = engine.scan(..).expect("a scan").collect();
        assert_eq!(found.expect("a scan").len(), 3, "entries of a scan beside a compaction");
    }
    engine.flush().expect("a flush");
    assert!(engine.stats().tables >= 2 && engine.shape().levels[0].tables.len() >= 2, "two flushed tables are there");
}

/// Whatever a compaction asks the disk for, and however long that takes: reads, writes, freezes and flushes go on, and
/// what they wrote is above the compaction's outputs.
///
/// Hint: hold `compacting` alone while there is I/O. That includes the removal of the inputs' files: drop the old
/// state's handle when you hold no other lock.
///
/// Book: week2/1-compaction.md#which-locks-are-held
#[test]
fn everything_goes_on_beside_a_compaction() {
    let steps: Vec<Operation> = operations();
    let count = |operation: Operation| steps.iter().filter(|step| **step == operation).count();
    assert!(
        count(Operation::Create) >= 3 && count(Operation::Read) >= 5 && count(Operation::Remove) >= 5,
        "a compaction of five tables into three reads, creates and removes them: {steps:?}"
    );
    for (number, operation) in steps.iter().enumerate() {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = prepare(&disk);
        let outcome: Arc<Mutex<Option<Result<(), String>>>> = Arc::default();
        let (told, user) = (outcome.clone(), engine.clone());
        let (reached, is_busy) = (Mutex::new(0), AtomicBool::new(false));
        disk.on_operation(move |step| {
            if !is_its_own(&step) || is_busy.load(Ordering::SeqCst) {
                return;
            }
            let at = std::mem::replace(&mut *reached.lock(), usize::MAX);
            if at != number {
                *reached.lock() = at.saturating_add(1);
                return;
            }
            is_busy.store(true, Ordering::SeqCst);
            *told.lock() = Some(beside(&user, step.operation));
        });
        engine.compact().expect("a compaction");
        disk.on_operation(|_| {});
        let when = format!("beside operation {number} of a compaction, {operation:?}");
        match outcome.lock().take() {
            Some(Ok(())) => {}
            Some(Err(complaint)) => panic!("{when}: {complaint}"),
            None => panic!("{when}: the operation did not come"),
        }
        assert_eq!(contents(&engine, &when), "a=4 b=5 e=5", "what there is after the compaction, {when}");
        assert_eq!(engine.shape().levels[0].tables.len(), 2, "what was flushed {when} stands above its outputs");
        check_tree(&engine, &disk, &when);
    }
}

/// Uses the engine in another thread, and waits for it. If a lock keeps that from ending, that is a complaint.
fn beside(engine: &Arc<Engine>, operation: Operation) -> Result<(), String> {
    let (sender, receiver) = channel();
    let engine = engine.clone();
    let user = thread::spawn(move || {
        use_engine(&engine, operation);
        // The other side may have given up waiting, and says so itself.
        let _ = sender.send(());
    });
    match receiver.recv_timeout(DEADLINE / 2) {
        Ok(()) => Ok(()),
        Err(_) if user.is_finished() => Err("what is done there panicked: see its message".to_string()),
        Err(_) => Err("what is done there waits for a lock that the compaction holds".to_string()),
    }
}

/// One who reads while inputs are removed is not held up either when it is the reader that lets them go: the last handle
/// may be dropped anywhere.
///
/// Hint: nothing to do in the engine; a scan that is dropped removes files in the thread that drops it.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn a_reader_that_removes_files_holds_up_nobody() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let scan = engine.scan(..).expect("a scan");
    engine.compact().expect("a compaction beside an open scan");
    let is_first = AtomicBool::new(true);
    let held =
        Gate::before(&disk, move |step| step.operation == Operation::Remove && is_first.swap(false, Ordering::SeqCst));
    let mut dropping: Pending<()> = start(move || drop(scan));
    held.wait_for_arrival_of(&mut dropping, "dropping the scan removes its files");
    let user = engine.clone();
    promptly("work while a reader removes files", move || {
        user.put(b"b", b"5").expect("a put");
        assert_eq!(contents(&user, "while a reader removes files"), "a=4 b=5 c=3");
        user.flush().expect("a flush");
        user.compact().expect("a compaction");
    });
    held.open();
    dropping.wait("dropping the scan");
    check_tree(&engine, &disk, "when the scan is dropped");
}

/// Two compactions at once do not merge a table twice: the second begins when the first has ended.
///
/// Hint: take `compacting` before you ask for the shape, and keep it to the end.
///
/// Book: week2/1-compaction.md#which-locks-are-held
#[test]
fn one_compaction_at_a_time() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = prepare(&disk);
    let held = Gate::before_tables(&disk);
    let compact = || {
        let engine = engine.clone();
        start(move || engine.compact())
    };
    let mut first: Pending<Result<(), Error>> = compact();
    held.wait_for_arrival_of(&mut first, "the first compaction creates an output");
    let second: Pending<Result<(), Error>> = compact();
    // Enough for the second to begin, if nothing stopped it.
    meanwhile();
    assert_eq!(held.arrivals(), 1, "compactions that create outputs at the same time");
    held.open();
    first.wait("the first of two compactions").expect("the first of two compactions");
    second.wait("the second of two compactions").expect("the second of two compactions");
    assert_eq!(contents(&engine, "after two compactions at once"), "a=4 b=2 c=3");
    assert_eq!(engine.stats().compactions, 2, "the first in `prepare`, one of these; the other found nothing to do");
    assert_eq!(table_files(&disk).len(), 3, "one output for each of three keys");
    check_tree(&engine, &disk, "after two compactions at once");
}
