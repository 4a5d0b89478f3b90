//! Back-pressure: what is in memory is bounded, and who waits for room is woken by everything that ends the waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lsm::disk::{Fault, Operation, SimDisk};
use lsm::{Engine, Error, Result, Stats};

use super::support::{
    Gate, Pending, check_holds, eventually, fill, fill_until, flushing, io_error, is_table, key, open, promptly, start,
    value,
};

/// Writes one key after the other until a write fails. Gives the number of the write that failed.
fn write_until_refused(engine: &Arc<Engine>, next: usize) -> Pending<(usize, Error)> {
    let engine = engine.clone();
    start(move || {
        let refused = |number: usize| engine.put(&key(number), &value(number)).err().map(|error| (number, error));
        (next..next + 1000).find_map(refused).expect("a write should have been refused")
    })
}

/// An engine whose flusher is held at its first table, with `max_frozen` memtables frozen. No write waits yet.
fn full_engine(disk: &SimDisk, max_frozen: usize) -> (Arc<Engine>, Gate, usize) {
    let engine: Arc<Engine> = open(flushing(disk, 4096, max_frozen));
    let held = Gate::before_tables(disk);
    let wanted: u64 = max_frozen.max(1) as u64;
    let writer = engine.clone();
    let next: usize = promptly(&format!("writes up to {wanted} frozen memtables"), move || {
        fill_until(&writer, 0, "frozen memtables", |stats| stats.frozen_memtables == wanted)
    });
    held.wait_for_arrivals(1, "the flusher begins");
    (engine, held, next)
}

/// While the flusher is held, memory is bounded: `max_frozen_memtables` wait, one more fills up, and then the writer
/// waits. When the flusher goes on, so does the writer.
///
/// Hint: a writer that finds the memtable full and no room sleeps on `changed` until there is room.
///
/// Book: week1/6-write-path.md#back-pressure
#[test]
fn memory_is_bounded_while_the_flusher_is_held() {
    for max_frozen in [0, 1, 2, 4] {
        let disk = SimDisk::new();
        let (engine, held, next) = full_engine(&disk, max_frozen);
        let writer = engine.clone();
        let mut writes = start(move || fill(&writer, next..next + 300));
        eventually("a writer waits for room", || engine.stats().stalls == 1);
        let stats: Stats = engine.stats();
        let frozen: u64 = max_frozen.max(1) as u64;
        assert_eq!(stats.frozen_memtables, frozen, "with max_frozen_memtables = {max_frozen}: {stats:?}");
        // A write of these is 350 bytes at most, in any week.
        let bound: u64 = (frozen + 1) * (4096 + 350);
        assert!(stats.memtable_bytes <= bound, "memory is bounded by {bound} bytes: {stats:?}");
        assert!(stats.memtable_bytes >= (frozen + 1) * 4096, "all memtables are full before a writer waits: {stats:?}");
        assert!(!writes.has_ended(), "the writer waits");
        check_holds(&engine, 0..stats.entries as usize, "while a writer waits");
        held.open();
        writes.wait("the writer, when the flusher goes on");
        let flushed = engine.clone();
        promptly("a flush", move || flushed.flush()).expect("a flush");
        check_holds(&engine, 0..next + 300, "after the flusher caught up");
    }
}

/// A writer that waits counts as one stall, however often it wakes to find that there is no room yet.
///
/// Hint: count before the loop that waits, and only if there is no room.
///
/// Book: week1/6-write-path.md#back-pressure
#[test]
fn a_waiting_writer_counts_once_however_often_it_wakes() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 1));
    // What is not written yet fails here, and not after a long wait.
    engine.flush().expect("a flush of nothing");
    let held = Gate::before_tables(&disk);
    // What is frozen by hand is not held back: four are frozen, three more than may be.
    for number in 0..4 {
        fill(&engine, [number]);
        engine.freeze().expect("freezing");
    }
    held.wait_for_arrivals(1, "the flusher begins");
    let writer = engine.clone();
    let mut writes = start(move || fill(&writer, 4..34));
    eventually("a writer waits for room", || engine.stats().stalls > 0);
    for flushed in 1..=3 {
        held.let_pass(1);
        held.wait_for_arrivals(flushed + 1, "the flusher comes to its next table");
        let stats: Stats = engine.stats();
        assert_eq!(stats.frozen_memtables, 4 - flushed as u64, "after {flushed} flushes: {stats:?}");
        assert!(!writes.has_ended(), "one may be frozen, {} are: the writer goes on waiting", stats.frozen_memtables);
        assert_eq!(stats.stalls, 1, "one writer waits, for the same room as before: {stats:?}");
    }
    held.let_pass(1);
    writes.wait("the writer, when there is room");
    assert_eq!(engine.stats().stalls, 1, "30 writes fill one memtable: {:?}", engine.stats());
    check_holds(&engine, 0..34, "after the wait");
}

/// A writer that waits for room wakes when the flush fails, and its error holds the cause. It has written nothing.
///
/// Hint: look at the engine's health each time you wake, before you look for room again.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_waiting_writer_wakes_when_the_flush_fails() {
    let disk = SimDisk::new();
    let (engine, held, next) = full_engine(&disk, 1);
    let number: u64 = held.wait_for_arrivals(1, "the flusher begins");
    disk.fail_change(number, Fault::Full);
    let writes = write_until_refused(&engine, next);
    eventually("a writer waits for room", || engine.stats().stalls == 1);
    held.open();
    let (refused, error): (usize, Error) = writes.wait("the waiting writer, when the flush failed");
    let Error::Background(cause) = &error else { panic!("expected Error::Background, found {error:?}") };
    let (path, kind) = io_error(cause, "the cause of the failure");
    assert!(is_table(&path), "the cause names the file: {error}");
    assert_eq!(kind, std::io::ErrorKind::StorageFull, "the cause is the disk's: {error}");
    check_holds(&engine, 0..refused, "after the failure: what was refused is not there");
    let flushed = engine.clone();
    promptly("a flush after the failure", move || flushed.flush()).expect("a flush on a disk that works again");
    fill(&engine, [refused]);
    check_holds(&engine, 0..=refused, "after the repair");
}

/// A writer that waits for room wakes when the flusher panics, and its error tells the thread and the message.
///
/// Hint: the thread's wrapper poisons the engine and wakes all who wait; `Status::check` then has the error.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_waiting_writer_wakes_when_the_flusher_panics() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 1));
    let may_panic: Arc<AtomicBool> = Arc::default();
    let has_panicked = AtomicBool::new(false);
    let lit = may_panic.clone();
    let held = Gate::before(&disk, move |step| {
        let is_sync = step.operation == Operation::Sync && is_table(step.path);
        if is_sync && lit.load(Ordering::SeqCst) && !has_panicked.swap(true, Ordering::SeqCst) {
            panic!("the disk is on fire");
        }
        step.operation == Operation::Create && is_table(step.path)
    });
    may_panic.store(true, Ordering::SeqCst);
    let next: usize = fill_until(&engine, 0, "a frozen memtable", |stats| stats.frozen_memtables == 1);
    let writes = write_until_refused(&engine, next);
    eventually("a writer waits for room", || engine.stats().stalls == 1);
    held.open();
    let (refused, error): (usize, Error) = writes.wait("the waiting writer, when the flusher panicked");
    assert!(
        matches!(&error, Error::Panicked { message, .. } if message == "the disk is on fire"),
        "expected Error::Panicked with the panic's message, found {error:?}"
    );
    check_holds(&engine, 0..refused, "after the panic");
}

/// A writer that waits for room wakes when the engine is closed, even while the flusher is still at work.
///
/// Hint: `Background::stop` sets `closing` and wakes all. Call it before you take the turn, which the waiting
/// writer holds.
///
/// Book: week1/6-write-path.md#task-5-close
#[test]
fn a_waiting_writer_wakes_when_the_engine_is_closed() {
    let disk = SimDisk::new();
    let (engine, held, next) = full_engine(&disk, 1);
    let writes = write_until_refused(&engine, next);
    eventually("a writer waits for room", || engine.stats().stalls == 1);
    let closed = engine.clone();
    let mut close = start(move || closed.close());
    let (refused, error): (usize, Error) = writes.wait("the waiting writer, when the engine is being closed");
    assert!(matches!(error, Error::Closed), "expected Error::Closed, found {error:?}");
    assert!(!close.has_ended(), "the flusher is held, and close waits for it");
    held.open();
    close.wait("the close, when the flusher goes on").expect("closing");
    check_holds(&engine, 0..refused, "after the close: what was refused is not there");
}

/// A flush that failed leaves a flusher that works: writers behind it do not wait for ever.
///
/// Hint: a memtable that `flush` froze and could not write is work for the flusher. Has it heard of it?
///
/// Book: week1/6-write-path.md#wait-and-announce
#[test]
fn writers_find_room_after_a_flush_that_failed() {
    for offset in 0..4 {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(flushing(&disk, 4096, 1));
        fill(&engine, 0..5);
        disk.fail_change(disk.changes() + offset, Fault::Broken);
        // Either the caller or the flusher meets the fault; both repair it.
        let flushed = engine.clone();
        let _outcome: Result<()> = promptly("a flush on a disk with a fault", move || flushed.flush());
        let writer = engine.clone();
        promptly("writes after a flush that failed", move || fill(&writer, 5..105));
        check_holds(&engine, 0..105, "after a flush that failed");
    }
}
