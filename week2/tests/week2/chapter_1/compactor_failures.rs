//! The thread that compacts, when something goes wrong.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lsm::compaction::{Shape, Task};
use lsm::disk::{Fault, Operation, SimDisk};
use lsm::{Engine, Error};
use parking_lot::Mutex;

use super::fixture::{check_tree, contents, flush, is_table, task};
use super::threads::{eventually, meanwhile, promptly};
use super::toys::{Picks, Toy, compacting, open_compacting, wait_for_compactions};

/// Waits until a write is refused. The same entry again and again: until it is refused, it changes nothing.
fn refusal(engine: &Engine, key: &[u8], value: &[u8]) -> Error {
    let refused: Mutex<Option<Error>> = Mutex::default();
    eventually("writes are refused after the compactor failed", || {
        *refused.lock() = engine.put(key, value).err();
        refused.lock().is_some()
    });
    refused.into_inner().expect("it was refused")
}

/// When the compactor fails, the tree is what it was, writes are refused with the cause, and reads go on. It does not
/// try again by itself; after a flush that succeeds it does.
///
/// Hint: report the error with `fail`, and sleep as long as there is a failure, as the flusher does.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_failing_compactor_stops_the_writes_until_a_flush_succeeds() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(2)));
    let (is_full, attempts): (Arc<AtomicBool>, Arc<AtomicUsize>) = Default::default();
    let (full, tried, broken) = (is_full.clone(), attempts.clone(), disk.clone());
    disk.on_operation(move |step| {
        let is_compactor = std::thread::current().name() == Some("compact");
        let creates = step.operation == Operation::Create && is_table(step.path);
        if is_compactor && creates && full.load(Ordering::SeqCst) {
            tried.fetch_add(1, Ordering::SeqCst);
            broken.fail_change(step.number, Fault::Full);
        }
    });
    is_full.store(true, Ordering::SeqCst);
    flush(&engine, "a=1 b=1");
    flush(&engine, "b=2");
    let error: Error = refusal(&engine, b"b", b"2");
    let Error::Background(cause) = &error else { panic!("expected Error::Background, found {error:?}") };
    let Error::Io { path, source, .. } = &**cause else { panic!("expected the disk's Error::Io, found {cause:?}") };
    assert!(is_table(path) && source.kind() == ErrorKind::StorageFull, "the cause is the disk's error: {cause}");
    assert_eq!(contents(&engine, "while writes are refused"), "a=1 b=2");
    assert_eq!(engine.stats().compactions, 0, "compactions that succeeded");
    check_tree(&engine, &disk, "after the compactor failed");
    // Once, or twice if it failed before the second flush had ended, which then made the failure good.
    let tried: usize = attempts.load(Ordering::SeqCst);
    assert!((1..=2).contains(&tried), "the compactor tried {tried} times");
    meanwhile();
    assert_eq!(attempts.load(Ordering::SeqCst), tried, "the compactor tries again and again");
    let repairer = engine.clone();
    promptly("a flush", move || repairer.flush()).expect("a flush, which meets no fault");
    eventually("the compactor tries again after a flush", || attempts.load(Ordering::SeqCst) == tried + 1);
    is_full.store(false, Ordering::SeqCst);
    refusal(&engine, b"b", b"2");
    let repairer = engine.clone();
    promptly("a flush", move || repairer.flush()).expect("a flush");
    wait_for_compactions(&engine, 1);
    flush(&engine, "c=3");
    flush(&engine, "d=3");
    wait_for_compactions(&engine, 2);
    assert_eq!(contents(&engine, "after the repair"), "a=1 b=2 c=3 d=3");
    check_tree(&engine, &disk, "after the repair");
}

/// A compaction by hand that succeeds makes an earlier failure good.
///
/// Hint: `compact_all` ends with `recovered`.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_compaction_by_hand_repairs_the_engine() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(2)));
    let broken = disk.clone();
    disk.on_operation(move |step| {
        let is_compactor = std::thread::current().name() == Some("compact");
        if is_compactor && step.operation == Operation::Sync && is_table(step.path) {
            broken.fail_change(step.number, Fault::Broken);
        }
    });
    flush(&engine, "a=1 b=1");
    flush(&engine, "b=2");
    refusal(&engine, b"b", b"2");
    let by_hand = engine.clone();
    promptly("a compaction by hand", move || by_hand.compact()).expect("a compaction by hand, which meets no fault");
    let entries = engine.stats().entries;
    assert_eq!((contents(&engine, "after the compaction"), entries), ("a=1 b=2".to_string(), 2));
    engine.put(b"c", b"3").expect("a write after the repair");
    check_tree(&engine, &disk, "after the repair");
}

/// A strategy's task that would break the tree's rule is not carried out: the error says so, and the data stay whole.
///
/// Hint: `Shape::check` before anything else.
///
/// Book: week2/1-compaction.md#one-rule
#[test]
fn a_wrong_task_is_refused() {
    // The newest table of level 0 alone: older ones with the same keys would stand above it.
    let newest = |shape: &Shape| -> Option<Task> {
        let tables = &shape.levels[0].tables;
        (tables.len() >= 2).then(|| task(&[(0, &[tables[0].id])], 1))
    };
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Picks(newest)));
    flush(&engine, "a=1 b=1");
    flush(&engine, "b=2");
    let error: Error = refusal(&engine, b"b", b"2");
    let Error::Background(cause) = &error else { panic!("expected Error::Background, found {error:?}") };
    assert!(matches!(**cause, Error::InvalidInput(_)), "the cause is the strategy's mistake: {cause:?}");
    assert_eq!(contents(&engine, "after a wrong task"), "a=1 b=2");
    assert_eq!((engine.stats().tables, engine.stats().compactions), (2, 0), "nothing was merged");
    check_tree(&engine, &disk, "after a wrong task");
}

/// A task may name tables in any order: which is newer is decided by the tree.
///
/// Hint: walk the state's levels, and take the tables that the task names.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn the_order_in_a_task_means_nothing() {
    let backward = |shape: &Shape| -> Option<Task> {
        let ids = |level: usize| -> Vec<u64> { shape.levels[level].ids().into_iter().rev().collect() };
        (shape.levels[0].tables.len() >= 2).then(|| task(&[(1, &ids(1)), (0, &ids(0))], 1))
    };
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Picks(backward)));
    for (count, (first, second)) in (1..).zip([("a=1 b=1 c=1", "b=2 c=2 d=2"), ("a=3 c=× d=3", "a=4 d=4")]) {
        flush(&engine, first);
        flush(&engine, second);
        wait_for_compactions(&engine, count);
    }
    assert_eq!(contents(&engine, "after tasks in the wrong order"), "a=4 b=2 d=4");
    check_tree(&engine, &disk, "after tasks in the wrong order");
}

/// When a strategy panics, writes are refused with the thread's name and the panic's message; reads go on.
///
/// Hint: do not catch it: `Background::spawn` does. The thread's name is "compact".
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_panicking_strategy_stops_the_writes() {
    let panics = |shape: &Shape| -> Option<Task> {
        assert!(shape.levels[0].tables.len() < 2, "a bug in the strategy");
        None
    };
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Picks(panics)));
    flush(&engine, "a=1 b=1");
    flush(&engine, "b=2");
    let error: Error = refusal(&engine, b"b", b"2");
    let Error::Panicked { thread, message } = &error else { panic!("expected Error::Panicked, found {error:?}") };
    assert_eq!((thread.as_str(), message.as_str()), ("compact", "a bug in the strategy"), "thread and message");
    assert_eq!(contents(&engine, "after the panic"), "a=1 b=2");
    let by_hand = engine.clone();
    promptly("a compaction by hand", move || by_hand.compact()).expect("a compaction by hand, after the panic");
    let closed = engine.clone();
    let close: Result<(), Error> = promptly("a close after the panic", move || closed.close());
    assert!(matches!(close, Err(Error::Panicked { .. })), "closing tells of the panic, and gives {close:?}");
    assert_eq!(contents(&engine, "after the close"), "a=1 b=2");
}

/// When a merge panics, its thread's locks are given up, and nothing of its outputs is in the tree.
///
/// Hint: the guard of `compacting` is dropped with the stack.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_panic_in_a_merge_leaves_the_tree_alone() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(2)));
    let panicked = AtomicBool::new(false);
    disk.on_operation(move |step| {
        let is_compactor = std::thread::current().name() == Some("compact");
        if is_compactor && step.operation == Operation::Create && !panicked.swap(true, Ordering::SeqCst) {
            panic!("a bug on the way to {}", step.path.display());
        }
    });
    flush(&engine, "a=1 b=1");
    flush(&engine, "b=2");
    let error: Error = refusal(&engine, b"b", b"2");
    assert!(matches!(error, Error::Panicked { .. }), "expected Error::Panicked, found {error:?}");
    assert_eq!((contents(&engine, "after the panic"), engine.stats().compactions), ("a=1 b=2".to_string(), 0));
    check_tree(&engine, &disk, "after the panic");
    let by_hand = engine.clone();
    promptly("a compaction by hand", move || by_hand.compact()).expect("a compaction by hand, after the panic");
    assert_eq!(contents(&engine, "after the compaction by hand"), "a=1 b=2");
}
