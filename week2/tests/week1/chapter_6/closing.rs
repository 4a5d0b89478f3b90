//! Closing and dropping: threads end, memory is saved, and what comes afterwards is answered.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use bytes::Bytes;
use lsm::disk::{Disk, Fault, Operation, SimDisk, Survival};
use lsm::{Engine, Error, Options, Result, Stats};
use parking_lot::Mutex;

use super::support::{
    Gate, Pending, check_holds, entries_of, eventually, fill, fill_until, flushing, is_table, key, open, promptly,
    start, table_files, value,
};

thread_local! {
    /// What goes when the thread ends.
    static LAST_WORDS: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

struct LastWords(Arc<AtomicUsize>);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// All keys that the tables of a disk hold, each once.
fn keys_in_tables(disk: &SimDisk) -> Vec<Bytes> {
    let tables = table_files(disk);
    let entries = tables.iter().flat_map(|path| entries_of(disk, path, key(0).len()));
    let mut keys: Vec<Bytes> = entries.map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    keys
}

fn keys(numbers: impl IntoIterator<Item = usize>) -> Vec<Bytes> {
    numbers.into_iter().map(|number| key(number).into()).collect()
}

/// Closing writes what is in memory to tables that a power cut leaves alone. Later writes are refused, reads are
/// answered, and closing, freezing or flushing again does nothing.
///
/// Hint: stop the threads, then flush everything. `Status::check` refuses the writes; `flush_all` does not ask it.
///
/// Book: week1/6-write-path.md#task-5-close
#[test]
fn a_closed_engine_has_saved_its_memory_and_refuses_writes() {
    for background in [false, true] {
        let disk = SimDisk::new();
        let mut options: Options = flushing(&disk, 4096, 2);
        options.background = background;
        let engine: Arc<Engine> = open(options);
        let writer = engine.clone();
        promptly("a hundred writes", move || fill(&writer, 0..100));
        let closed = engine.clone();
        promptly("a close", move || closed.close()).expect("closing");
        let stats: Stats = engine.stats();
        assert_eq!((stats.memtable_bytes, stats.frozen_memtables), (0, 0), "nothing is left in memory: {stats:?}");
        let found: Vec<Bytes> = keys_in_tables(&disk.after_power_cut(Survival::Nothing, 1));
        assert!(found == keys(0..100), "the tables hold what was written, background: {background}; found {found:?}");
        for outcome in [engine.put(&key(1), b"late"), engine.delete(&key(1))] {
            assert!(matches!(outcome, Err(Error::Closed)), "a write to a closed engine gives {outcome:?}");
        }
        let entries = [(&b"late"[..], Some(&b"late"[..]))];
        let outcome: Result<()> = engine.ingest(entries);
        assert!(matches!(outcome, Err(Error::Closed)), "an ingest into a closed engine gives {outcome:?}");
        check_holds(&engine, 0..100, "after the close");
        let again = engine.clone();
        promptly("a second close", move || again.close()).expect("closing a closed engine");
        engine.freeze().expect("freezing a closed engine, which has nothing to freeze");
        engine.flush().expect("a flush of a closed engine, which has nothing to flush");
        assert_eq!(engine.stats().tables, stats.tables, "the second close had nothing to do");
    }
}

/// When `close` returns, the engine's threads have ended.
///
/// Hint: `Background::stop` tells them and waits for them; the flusher looks at `closing` whenever it wakes.
///
/// Book: week1/6-write-path.md#task-5-close
#[test]
fn closing_ends_the_threads() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 2));
    let ended: Arc<AtomicUsize> = Arc::default();
    let counted = ended.clone();
    disk.on_operation(move |_| LAST_WORDS.set(Some(LastWords(counted.clone()))));
    let next: usize =
        fill_until(&engine, 0, "a memtable that was frozen", |stats| stats.frozen_memtables + stats.tables > 0);
    eventually("the flusher flushes", || engine.stats().flushes > 0);
    let before: usize = ended.load(Ordering::SeqCst);
    // From here on no thread has last words but the flusher.
    disk.on_operation(|_| {});
    let closed = engine.clone();
    promptly("a close", move || closed.close()).expect("closing");
    assert_eq!(ended.load(Ordering::SeqCst), before + 1, "the thread that flushed is gone");
    check_holds(&engine, 0..next, "after the close");
}

/// Dropping an engine ends its threads, also one in the middle of a flush: nothing of the engine is left.
///
/// Hint: the flusher ends as soon as it sees `closing`, whatever is still frozen.
///
/// Book: week1/6-write-path.md#task-4-a-thread-that-flushes
#[test]
fn dropping_an_engine_ends_its_threads() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let mut options: Options = flushing(&sim, 4096, 3);
    options.disk = disk.clone();
    let engine: Engine = Engine::open("db", options).expect("opening");
    let held = Gate::before_tables(&sim);
    fill_until(&engine, 0, "three frozen memtables", |stats| stats.frozen_memtables == 3);
    held.wait_for_arrivals(1, "the flusher begins");
    let mut dropped = start(move || drop(engine));
    assert!(!dropped.has_ended(), "the flusher is held, and dropping waits for it");
    held.open();
    dropped.wait("dropping the engine");
    assert_eq!(Arc::strong_count(&disk), 1, "somebody still holds the engine's disk, and with it the engine");
}

/// Closing while the flusher is at work waits for it, and flushes the rest: each memtable once.
///
/// Hint: the threads end first, then `flush_all` does what they left.
///
/// Book: week1/6-write-path.md#task-5-close
#[test]
fn closing_in_the_middle_of_a_flush_flushes_everything_once() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 3));
    let held = Gate::before(&disk, |step| step.operation == Operation::Sync && is_table(step.path));
    let next: usize = fill_until(&engine, 0, "three frozen memtables", |stats| stats.frozen_memtables == 3);
    held.wait_for_arrivals(1, "the flusher is about to sync");
    let closers: [Pending<Result<()>>; 2] = [0; 2].map(|_| {
        let engine = engine.clone();
        start(move || engine.close())
    });
    // The same entry again and again: until it is refused, it changes nothing.
    let is_refused = || engine.put(&key(next - 1), &value(next - 1)).is_err();
    eventually("the engine refuses writes while it is being closed", is_refused);
    check_holds(&engine, 0..next, "while the engine is being closed");
    held.open();
    for close in closers {
        close.wait("one of two closes at once").expect("closing");
    }
    let stats: Stats = engine.stats();
    assert_eq!((stats.tables, stats.flushes, stats.memtable_bytes), (4, 4, 0), "four memtables: {stats:?}");
    assert!(keys_in_tables(&disk) == keys(0..next), "the tables hold what was written");
}

/// Closing stops the flusher: it ends the flush that it is at, and leaves what else is frozen to `close`.
///
/// Hint: the flusher looks at `closing` before each flush, so it flushes one memtable and then looks again.
///
/// Book: week1/6-write-path.md#task-4-a-thread-that-flushes
#[test]
fn the_flusher_leaves_to_the_close_what_it_has_not_begun() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 1 << 20, 4));
    // What is not written yet fails here, and not after a long wait.
    engine.flush().expect("a flush of nothing");
    let makers: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let seen = makers.clone();
    let held = Gate::before(&disk, move |step| {
        let is_new_table = step.operation == Operation::Create && is_table(step.path);
        if is_new_table {
            seen.lock().push(thread::current().id());
        }
        is_new_table
    });
    for number in 0..3 {
        fill(&engine, [number]);
        engine.freeze().expect("freezing");
    }
    held.wait_for_arrivals(1, "the flusher begins");
    let closed = engine.clone();
    let close = start(move || (closed.close(), thread::current().id()));
    // The same entry again and again: until it is refused, it changes nothing.
    eventually("the engine refuses writes while it is being closed", || engine.put(&key(2), &value(2)).is_err());
    held.open();
    let (outcome, closer): (Result<()>, ThreadId) = close.wait("a close");
    outcome.expect("closing");
    let makers: Vec<bool> = makers.lock().iter().map(|maker| *maker == closer).collect();
    assert!(!makers[0], "the flusher made the first table");
    assert!(
        makers.len() >= 3 && makers[1..].iter().all(|is_closer| *is_closer),
        "close makes the other tables, when the flusher has ended; by the closer, one after the other: {makers:?}"
    );
    check_holds(&engine, 0..3, "after the close");
}

/// After a panic of the flusher, `close` saves what is in memory before it tells of the panic. If it cannot, its answer
/// is the disk's error.
///
/// Hint: flush first, and return its error with `?`. Look for a panic after that.
///
/// Book: week1/6-write-path.md#task-5-close
#[test]
fn closing_after_a_panic_saves_the_memory_first() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 1 << 20, 2));
    // What is not written yet fails here, and not after a long wait.
    engine.flush().expect("a flush of nothing");
    fill(&engine, 0..10);
    let (has_panicked, broken): (Arc<AtomicBool>, SimDisk) = (Arc::default(), disk.clone());
    let (is_broken, panicked) = (Arc::new(AtomicBool::new(true)), has_panicked.clone());
    let breaks = is_broken.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_table(step.path) {
            assert!(panicked.swap(true, Ordering::SeqCst), "a bug in the flusher");
            if breaks.load(Ordering::SeqCst) {
                broken.fail_change(step.number, Fault::Full);
            }
        }
    });
    engine.freeze().expect("freezing");
    // The same entry again and again: until it is refused, it changes nothing.
    eventually("writes are refused after the flusher panicked", || engine.put(&key(9), &value(9)).is_err());
    let closed = engine.clone();
    let outcome: Result<()> = promptly("a close on a full disk", move || closed.close());
    assert!(matches!(outcome, Err(Error::Io { .. })), "a close that cannot flush tells so first; it gives {outcome:?}");
    check_holds(&engine, 0..10, "after a close that failed");
    is_broken.store(false, Ordering::SeqCst);
    let closed = engine.clone();
    let outcome: Result<()> = promptly("a close after a panic", move || closed.close());
    assert!(matches!(outcome, Err(Error::Panicked { .. })), "closing tells of the panic, and gives {outcome:?}");
    assert_eq!(engine.stats().memtable_bytes, 0, "close saved what was in memory: {:?}", engine.stats());
    let found: Vec<Bytes> = keys_in_tables(&disk.after_power_cut(Survival::Nothing, 1));
    assert!(found == keys(0..10), "the tables hold what was written: {found:?}");
}

/// A close that failed loses nothing and may be called again, also when the flusher had failed before.
///
/// Hint: return the flush's error. The second call finds the threads gone already, and tries the flush again. The
/// flusher ends when the engine closes, even if something is frozen: on a broken disk it would never be done.
///
/// Book: week1/6-write-path.md#task-5-close
#[test]
fn a_close_that_failed_may_be_called_again() {
    for background in [false, true] {
        let disk = SimDisk::new();
        let mut options: Options = flushing(&disk, 1 << 20, 2);
        options.background = background;
        let engine: Arc<Engine> = open(options);
        fill(&engine, 0..10);
        let is_broken: Arc<AtomicBool> = Arc::new(AtomicBool::new(true));
        let (breaks, broken) = (is_broken.clone(), disk.clone());
        disk.on_operation(move |step| {
            if step.operation == Operation::Sync && is_table(step.path) && breaks.load(Ordering::SeqCst) {
                broken.fail_change(step.number, Fault::Broken);
            }
        });
        engine.freeze().expect("freezing");
        let closed = engine.clone();
        let outcome: Result<()> = promptly("a close on a broken disk", move || closed.close());
        assert!(matches!(outcome, Err(Error::Io { .. })), "a close on a broken disk gives {outcome:?}");
        let put: Result<()> = engine.put(b"late", b"");
        assert!(matches!(put, Err(Error::Closed)), "a write after a close that failed gives {put:?}");
        check_holds(&engine, 0..10, "after a close that failed");
        assert!(table_files(&disk).is_empty(), "no file is left over");
        is_broken.store(false, Ordering::SeqCst);
        let closed = engine.clone();
        promptly("a second close", move || closed.close()).expect("closing on a disk that works again");
        let found: Vec<Bytes> = keys_in_tables(&disk.after_power_cut(Survival::Nothing, 1));
        assert!(found == keys(0..10), "the tables hold what was written: {found:?}");
    }
}

/// Every write that was acknowledged before the close is in a table after it.
///
/// Hint: `flush_all` takes the turn, so a write that came through before it is in the memtable that it freezes.
///
/// Book: week1/6-write-path.md#task-5-close
#[test]
fn what_was_acknowledged_before_the_close_is_saved() {
    for round in 0..10 {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(flushing(&disk, 4096, 1));
        let writers: [Pending<usize>; 2] = [0, 1].map(|writer| {
            let engine = engine.clone();
            start(move || {
                let is_written = |number: &usize| engine.put(&key(*number), &value(*number)).is_ok();
                (0..).map(|count| count * 2 + writer).take_while(is_written).count()
            })
        });
        eventually("some writes", || engine.stats().entries > round * 20);
        let closed = engine.clone();
        promptly("a close while two threads write", move || closed.close()).expect("closing");
        let mut expected: Vec<Bytes> = Vec::new();
        for (writer, pending) in writers.into_iter().enumerate() {
            let acknowledged: usize = pending.wait("a writer, after the close");
            expected.extend(keys((0..acknowledged).map(|count| count * 2 + writer)));
        }
        expected.sort();
        let found: Vec<Bytes> = keys_in_tables(&disk.after_power_cut(Survival::Nothing, round));
        assert_eq!(found.len(), expected.len(), "entries in the tables, and writes that were acknowledged");
        assert!(found == expected, "the tables hold other keys than were acknowledged");
    }
}
