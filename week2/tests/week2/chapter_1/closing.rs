//! Closing and dropping an engine that compacts.

use std::sync::Arc;

use lsm::compaction::{Inputs, Shape, Task};
use lsm::disk::{Disk, Operation, SimDisk};
use lsm::table::table_path;
use lsm::{Engine, Error, Options};

use super::fixture::{check_tree, contents, flush, is_table, manual, open, table_files};
use super::threads::{Gate, Pending, eventually, promptly, start};
use super::toys::{Picks, Toy, compacting, open_compacting, wait_for_compactions};

/// Whether the engine is being closed. The same entry again and again: until it is refused, it changes nothing.
fn is_closing(engine: &Engine) -> bool {
    matches!(engine.put(b"b", b"2"), Err(Error::Closed))
}

/// A close gives a merge in the background up as soon as an output ends: nothing of it is in the tree, and no file is
/// left. What is in memory is saved.
///
/// Hint: `is_cancelled` looks at `closing`. A merge that was called off gives `None`: end without an error.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn a_close_gives_up_the_compactors_merge() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(2)));
    flush(&engine, "a=1 b=1 c=1 d=1");
    let held = Gate::before(&disk, |step| {
        std::thread::current().name() == Some("compact") && step.operation == Operation::Create
    });
    flush(&engine, "b=2");
    held.wait_for_arrivals(1, "the compactor creates its first output");
    let shape: Shape = engine.shape();
    let closed = engine.clone();
    let close: Pending<Result<(), Error>> = start(move || closed.close());
    eventually("writes are refused while the engine is being closed", || is_closing(&engine));
    held.open();
    close.wait("a close while the compactor merges").expect("closing");
    assert_eq!(held.arrivals(), 1, "outputs that the compactor began; each is full with one entry");
    assert_eq!(engine.stats().compactions, 0, "a merge that was given up is not counted");
    assert_eq!(engine.shape().levels[1..], shape.levels[1..], "the levels are what they were");
    assert_eq!(contents(&engine, "after the close"), "a=1 b=2 c=1 d=1");
    check_tree(&engine, &disk, "after the close");
}

/// A close ends a compaction by hand in the same way; it returns early, without an error.
///
/// Hint: the same `is_cancelled`, whoever calls `carry_out`.
///
/// Book: week2/1-compaction.md#task-6-carry-a-task-out
#[test]
fn a_close_gives_up_a_compaction_by_hand() {
    let disk = SimDisk::new();
    let mut options: Options = manual(&disk);
    options.table_size = 1;
    let engine: Arc<Engine> = open(options);
    flush(&engine, "a=1 b=1 c=1 d=1");
    flush(&engine, "b=2");
    let held = Gate::before_tables(&disk);
    let compactor = engine.clone();
    let mut compaction: Pending<Result<(), Error>> = start(move || compactor.compact());
    held.wait_for_arrival_of(&mut compaction, "the compaction creates its first output");
    let closed = engine.clone();
    let close: Pending<Result<(), Error>> = start(move || closed.close());
    eventually("writes are refused while the engine is being closed", || is_closing(&engine));
    held.open();
    compaction.wait("a compaction while the engine is closed").expect("a compaction that ends early is no error");
    close.wait("a close beside a compaction").expect("closing");
    assert_eq!(engine.stats().compactions, 0, "a merge that was given up is not counted");
    assert_eq!(contents(&engine, "after the close"), "a=1 b=2 c=1 d=1");
    check_tree(&engine, &disk, "after the close");
}

/// A strategy that always has another task does not keep the engine from closing.
///
/// Hint: look at `closing` before you ask for a task, each time.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn an_endless_strategy_ends_with_the_engine() {
    // Level 1 is merged with itself, over and over.
    let endless = |shape: &Shape| -> Option<Task> {
        let level = if shape.levels[0].tables.len() >= 2 { 0 } else { 1 };
        let inputs: Vec<Inputs> = (level..2).map(|level| Inputs { level, tables: shape.levels[level].ids() }).collect();
        let has_tables = inputs.iter().any(|inputs| !inputs.tables.is_empty());
        has_tables.then_some(Task { inputs, target: 1, cursor: None })
    };
    let disk = SimDisk::new();
    let mut options: Options = compacting(&disk, Picks(endless));
    options.table_size = 1 << 20;
    let engine: Arc<Engine> = open_compacting(options);
    flush(&engine, "a=1 b=1 c=1");
    flush(&engine, "b=2");
    wait_for_compactions(&engine, 3);
    let closed = engine.clone();
    promptly("a close beside an endless strategy", move || closed.close()).expect("closing");
    let compactions: u64 = engine.stats().compactions;
    assert_eq!(contents(&engine, "after the close"), "a=1 b=2 c=1");
    assert_eq!(engine.stats().compactions, compactions, "compactions go on after the close");
    check_tree(&engine, &disk, "after the close");
}

/// A close that comes while the compactor sleeps, after a failure too, ends the thread.
///
/// Hint: whatever it sleeps for, it looks at `closing` first when it wakes.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn a_sleeping_compactor_ends() {
    for fails in [false, true] {
        let sim = SimDisk::new();
        let disk: Arc<dyn Disk> = Arc::new(sim.clone());
        let mut options: Options = compacting(&sim, Toy::new(2));
        options.disk = disk.clone();
        let engine: Arc<Engine> = open_compacting(options);
        let broken = sim.clone();
        sim.on_operation(move |step| {
            let is_compactor = std::thread::current().name() == Some("compact");
            if fails && is_compactor && step.operation == Operation::Create {
                broken.fail_change(step.number, lsm::disk::Fault::Broken);
            }
        });
        flush(&engine, "a=1 b=1");
        flush(&engine, "b=2");
        if fails {
            eventually("writes are refused after the compactor failed", || engine.put(b"b", b"2").is_err());
        } else {
            wait_for_compactions(&engine, 1);
        }
        let closed = engine.clone();
        promptly("a close", move || closed.close()).expect("closing");
        assert_eq!(contents(&engine, "after the close"), "a=1 b=2");
        drop(engine);
        assert_eq!(Arc::strong_count(&disk), 1, "somebody still holds the engine's disk, and with it the engine");
    }
}

/// Dropping an engine in the middle of a merge ends its threads, and leaves no file of the merge.
///
/// Hint: `Drop` of the engine stops the threads and waits for them.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn dropping_an_engine_ends_its_compactor() {
    let sim = SimDisk::new();
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let mut options: Options = compacting(&sim, Toy::new(2));
    options.disk = disk.clone();
    let engine: Arc<Engine> = open_compacting(options);
    flush(&engine, "a=1 b=1 c=1 d=1");
    let held = Gate::before(&sim, |step| {
        is_table(step.path) && step.operation == Operation::Sync && std::thread::current().name() == Some("compact")
    });
    flush(&engine, "b=2");
    held.wait_for_arrivals(1, "the compactor syncs its first output");
    let inputs: Vec<std::path::PathBuf> =
        engine.shape().levels[0].tables.iter().rev().map(|table| table_path("db".as_ref(), table.id)).collect();
    let mut dropped = start(move || drop(engine));
    assert!(!dropped.has_ended(), "the compactor is held, and dropping waits for it");
    held.open();
    dropped.wait("dropping the engine");
    assert_eq!(Arc::strong_count(&disk), 1, "somebody still holds the engine's disk, and with it the engine");
    let files: Vec<std::path::PathBuf> = table_files(&sim);
    // The merge was given up, or it had ended before the engine heard of the drop.
    let is_whole = files == inputs || (files.len() == 4 && inputs.iter().all(|path| !files.contains(path)));
    assert!(is_whole, "files when the engine is dropped: {files:?}; the inputs: {inputs:?}; there are four outputs");
}
