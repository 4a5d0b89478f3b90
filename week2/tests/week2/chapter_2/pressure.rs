//! Back-pressure from level 0: writes wait while it is full, and who waits is woken by everything that ends the waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm::compaction::{Inputs, Shape, SimpleLeveled, Strategy, Task};
use lsm::disk::{Fault, SimDisk};
use lsm::{Engine, Error, Options, Stats};

use crate::strategies::engines::{
    Gate, Pending, background, check_holds, eventually, fill, key, open, promptly, start, value,
};
use crate::strategies::shapes::drawing;

/// Level 0 begins a merge at 2 tables, and writes wait at 4.
const STRATEGY: SimpleLeveled =
    SimpleLeveled { level_0_tables: 2, level_1_size: 1 << 20, ratio: 4, max_level_0_tables: 4 };

/// Flushes by hand, which no back-pressure holds back, until level 0 has `wanted` tables. The tables overlap, so that
/// they do not just move. Gives the number of the next key.
fn fill_level_0(engine: &Arc<Engine>, wanted: usize) -> usize {
    let writer = engine.clone();
    promptly(&format!("{wanted} flushes"), move || {
        for table in 0..wanted {
            fill(&writer, [table, 99_000 - table]);
            writer.flush().expect("a flush");
        }
        2 * wanted
    });
    let shape: Shape = engine.shape();
    assert_eq!(shape.levels[0].tables.len(), wanted, "tables of level 0 after flushes by hand\n{}", drawing(&shape));
    wanted
}

/// The keys that [`fill_level_0`] wrote, and those from there to `next`.
fn written(tables: usize, next: usize) -> impl Iterator<Item = usize> {
    (0..next).chain((0..tables).rev().map(|table| 99_000 - table))
}

/// An engine whose compactor is held at its first table, with as many tables in level 0.
fn held_engine(disk: &SimDisk, level_0: usize, max_frozen: usize) -> (Arc<Engine>, Gate, usize) {
    let mut options: Options = background(disk, Arc::new(STRATEGY));
    options.max_frozen_memtables = max_frozen;
    let engine: Arc<Engine> = open(options);
    let held = Gate::before_merged_tables(disk);
    let next = fill_level_0(&engine, level_0);
    // What is not written yet fails here, and not after a long wait.
    let task: Option<Task> = STRATEGY.pick(&engine.shape());
    assert!(task.is_some(), "{level_0} tables of level 0 are enough for a merge");
    held.wait_for_arrival();
    (engine, held, next)
}

fn write(engine: &Arc<Engine>, from: usize, to: usize) -> Pending<()> {
    let writer = engine.clone();
    start(move || fill(&writer, from..to))
}

/// While the compactor is held, level 0 is bounded: a writer waits when its memtable is full and level 0 has
/// `level_0_limit` tables. When the compactor goes on, so does the writer.
///
/// Hint: in `make_room` there is room if not too many memtables are frozen *and* level 0 is below its limit.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn level_0_is_bounded_while_the_compactor_is_held() {
    let disk = SimDisk::new();
    let (engine, held, next) = held_engine(&disk, 2, 1);
    let mut writes = write(&engine, next, next + 300);
    writes.wait_for_stall(&engine, "300 writes, with a compactor that is held");
    let is_full = |stats: Stats| stats.memtable_bytes >= 1000 && stats.frozen_memtables == 0;
    let level_0 = || engine.shape().levels[0].tables.len();
    eventually("a full memtable above 4 tables of level 0", || is_full(engine.stats()) && level_0() >= 4);
    let shape: Shape = engine.shape();
    assert_eq!(level_0(), 4, "tables of level 0 when a writer waits: the limit is 4\n{}", drawing(&shape));
    assert!(!writes.has_ended(), "the writer waits; {:?}", engine.stats());
    held.open();
    writes.wait("the writer, when the compactor goes on");
    check_holds(&engine, written(2, next + 300), "after the compactor caught up");
}

/// Level 0 is full when it has as many tables as the limit says, and not one earlier. A memtable that is not full, or
/// empty, takes the write all the same.
///
/// Hint: fewer than `level_0_limit`, looked at only when the memtable has to be frozen.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn only_a_full_memtable_above_a_full_level_0_waits() {
    let disk = SimDisk::new();
    let (engine, held, next) = held_engine(&disk, 3, 1);
    let mut writes = write(&engine, next, next + 1);
    writes.wait_for_end(&engine, "a write into an empty memtable");
    let mut number = next + 1;
    while engine.stats().flushes == 3 && engine.stats().frozen_memtables == 0 {
        assert!(number < next + 100, "100 writes fill a memtable of 1000 bytes");
        let mut writes = write(&engine, number, number + 1);
        writes.wait_for_end(&engine, "a write above a level 0 with 3 tables, and 4 are the limit");
        number += 1;
    }
    eventually("4 tables of level 0", || engine.shape().levels[0].tables.len() == 4);
    let mut writes = write(&engine, number, number + 1);
    writes.wait_for_end(&engine, "a write into a memtable that is not full, above a level 0 with 4 tables");
    assert_eq!(engine.stats().stalls, 0, "nobody waited so far");
    let mut writes = write(&engine, number + 1, number + 30);
    let stats: Stats = writes.wait_for_stall(&engine, "30 writes above a full level 0");
    assert!(stats.memtable_bytes >= 1000, "the memtable is full before a writer waits: {stats:?}");
    eventually("nothing is frozen", || engine.stats().frozen_memtables == 0);
    let shape: Shape = engine.shape();
    assert_eq!(shape.levels[0].tables.len(), 4, "tables of level 0 when a writer waits\n{}", drawing(&shape));
    held.open();
    writes.wait("the writer, when the compactor goes on");
    check_holds(&engine, written(3, number + 30), "after the wait");
}

/// A writer that waits for level 0 counts as one stall.
///
/// Hint: count before the loop that waits.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn a_wait_for_level_0_counts_as_one_stall() {
    let disk = SimDisk::new();
    let (engine, held, next) = held_engine(&disk, 6, 8);
    let mut writes = write(&engine, next, next + 12);
    let stats: Stats = writes.wait_for_stall(&engine, "12 writes above a level 0 with 6 tables");
    assert_eq!(stats.stalls, 1, "one writer waits: {stats:?}");
    held.open();
    writes.wait("the writer, when the compactor goes on");
    assert_eq!(engine.stats().stalls, 1, "stalls after the wait: once level 0 is merged there is room for all");
}

/// A strategy that says `None` never compacts level 0, so nobody waits for it; and an engine without background work
/// has nobody to wait for.
///
/// Hint: `level_0_limit()` is an `Option`. Without `background`, `make_room` asks for the health alone.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn nobody_waits_for_a_level_0_that_is_never_compacted() {
    /// Never picks anything, whatever it says of its limit.
    #[derive(Debug)]
    struct Idle(Option<usize>);
    impl Strategy for Idle {
        fn name(&self) -> &'static str {
            "idle"
        }
        fn pick(&self, _shape: &Shape) -> Option<Task> {
            None
        }
        fn level_0_limit(&self) -> Option<usize> {
            self.0
        }
    }
    for (limit, background_work) in [(None, true), (Some(2), false)] {
        let disk = SimDisk::new();
        let mut options: Options = background(&disk, Arc::new(Idle(limit)));
        options.background = background_work;
        let engine: Arc<Engine> = open(options);
        let writer = engine.clone();
        promptly(
            &format!("20 flushed memtables with level_0_limit {limit:?}, background {background_work}"),
            move || {
                for table in 0..20 {
                    fill(&writer, table * 20..table * 20 + 20);
                    writer.flush().expect("a flush");
                }
            },
        );
        assert!(engine.shape().levels[0].tables.len() >= 20, "each flush made a table of level 0, and they stay");
        check_holds(&engine, 0..400, "with many tables in level 0");
    }
    // The same strategy with a limit, in the background: here a writer has to wait, until the engine is closed.
    let disk = SimDisk::new();
    let mut options: Options = background(&disk, Arc::new(Idle(Some(2))));
    options.max_frozen_memtables = 100;
    let engine: Arc<Engine> = open(options);
    fill_level_0(&engine, 2);
    let writer = engine.clone();
    let mut writes = start(move || (0..200).find_map(|number| writer.put(&key(number), &value(number, 0)).err()));
    writes.wait_for_stall(&engine, "200 writes above a level 0 that is full at 2 tables");
    promptly("closing", move || engine.close()).expect("closing");
    let refused: Option<Error> = writes.wait("the waiting writer, when the engine is closed");
    assert!(matches!(refused, Some(Error::Closed)), "expected Error::Closed, found {refused:?}");
}

/// Moves whatever is in level 0 to the last level, if it may; says that one table is too many.
#[derive(Debug, Default)]
struct Sink {
    most: AtomicUsize,
}

impl Strategy for Sink {
    fn name(&self) -> &'static str {
        "sink"
    }

    fn pick(&self, shape: &Shape) -> Option<Task> {
        let tables = shape.levels[0].ids();
        self.most.fetch_max(tables.len(), Ordering::SeqCst);
        let inputs = vec![Inputs { level: 0, tables }];
        (!inputs[0].tables.is_empty()).then_some(Task { inputs, target: shape.last_level(), cursor: None })
    }

    fn level_0_limit(&self) -> Option<usize> {
        Some(1)
    }
}

/// A move announces the room that it made, as a merge does: no writer waits for ever.
///
/// Hint: `background.announce()` after the swap, on the way of the move too.
///
/// Book: week2/2-simple-leveled.md#in-the-engine
#[test]
fn a_move_wakes_the_writers() {
    let disk = SimDisk::new();
    let sink: Arc<Sink> = Arc::default();
    let engine: Arc<Engine> = open(background(&disk, sink.clone()));
    let writer = engine.clone();
    promptly("800 writes in key order, each memtable waiting for the move of the one before", move || {
        fill(&writer, 0..800);
        writer.flush().expect("a flush");
    });
    eventually("everything is in the last level", || engine.shape().levels[0].tables.is_empty());
    let stats: Stats = engine.stats();
    assert_eq!(stats.bytes_compacted, 0, "bytes that compactions wrote: all tables only move; {stats:?}");
    assert!(stats.tables > 50, "how many memtables of 1000 bytes were filled: {stats:?}");
    // One more than the limit is there if a flush ends just behind a writer that found room.
    let most = sink.most.load(Ordering::SeqCst);
    assert!(most <= 2, "{most} tables were in level 0, with a limit of 1 and one frozen memtable");
    check_holds(&engine, 0..800, "after the moves");
}

/// A writer that waits for level 0 wakes when the compaction fails, and its error holds the cause. After a flush that
/// succeeds the engine works again.
///
/// Hint: each time you wake, ask for the engine's health before you look for room.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn a_waiting_writer_wakes_when_the_compaction_fails() {
    let disk = SimDisk::new();
    let (engine, held, next) = held_engine(&disk, 5, 1);
    disk.fail_change(held.wait_for_arrival(), Fault::Full);
    let writer = engine.clone();
    let refused = move |number: usize| writer.put(&key(number), &value(number, 0)).err().map(|error| (number, error));
    let mut writes = start(move || (next..next + 100).find_map(refused).expect("a write should have been refused"));
    writes.wait_for_stall(&engine, "100 writes above a full level 0");
    held.open();
    let (number, error): (usize, Error) = writes.wait("the waiting writer, when the compaction failed");
    assert!(matches!(error, Error::Background(_)), "expected Error::Background, found {error:?}");
    check_holds(&engine, written(5, number), "after the failure: what was refused is not there");
    let flusher = engine.clone();
    promptly("a flush after the failure", move || flusher.flush()).expect("a flush on a disk that works again");
    write(&engine, number, number + 100).wait("writes after the repair");
    check_holds(&engine, written(5, number + 100), "after the repair");
}

/// A writer that waits for level 0 wakes when the engine is closed, even while the compactor is at work.
///
/// Hint: `Background::stop` wakes all; `Status::check` says that it was because of the closing.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn a_waiting_writer_wakes_when_the_engine_is_closed() {
    let disk = SimDisk::new();
    let (engine, held, next) = held_engine(&disk, 5, 1);
    let writer = engine.clone();
    let refused = move |number: usize| writer.put(&key(number), &value(number, 0)).err().map(|error| (number, error));
    let mut writes = start(move || (next..next + 100).find_map(refused).expect("a write should have been refused"));
    writes.wait_for_stall(&engine, "100 writes above a full level 0");
    let closed = engine.clone();
    let close = start(move || closed.close());
    let (number, error): (usize, Error) = writes.wait("the waiting writer, when the engine is being closed");
    assert!(matches!(error, Error::Closed), "expected Error::Closed, found {error:?}");
    held.open();
    close.wait("the close, when the compactor goes on").expect("closing");
    check_holds(&engine, written(5, number), "after the close: what was refused is not there");
}
