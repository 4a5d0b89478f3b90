//! The thread that compacts: what wakes it, whom it asks, and that it holds up nobody.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lsm::compaction::{Shape, Strategy, Task};
use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, Error, Options};
use parking_lot::Mutex;

use super::fixture::{check_tree, contents, flush, flush_keys, is_table, key, manual, open};
use super::threads::{Gate, Pending, eventually, meanwhile, promptly, start};
use super::toys::{Toy, compacting, open_compacting, wait_for_compactions};

/// After a flush the strategy is asked, and its task is carried out.
///
/// Hint: start the thread in `Engine::open`, beside the flusher. A flush announces already.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn a_flush_wakes_the_compactor() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(2)));
    flush(&engine, "a=1 b=1 c=1");
    assert_eq!(engine.stats().compactions, 0, "one table at level 0 is no work for this strategy");
    flush(&engine, "b=2 c=×");
    wait_for_compactions(&engine, 1);
    let tables: Vec<usize> = engine.shape().levels.iter().map(|level| level.tables.len()).collect();
    assert_eq!(tables, [0, 2, 0, 0], "tables of each level after a merge into level 1, an entry each");
    assert_eq!(contents(&engine, "after a compaction in the background"), "a=1 b=2");
    flush(&engine, "b=3");
    flush(&engine, "d=3");
    wait_for_compactions(&engine, 2);
    assert_eq!(contents(&engine, "after the second one"), "a=1 b=3 d=3");
    check_tree(&engine, &disk, "after two compactions in the background");
}

/// An ingest wakes the compactor as a flush does.
///
/// Hint: it adds a table at level 0. Announce it, after the swap.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn an_ingest_wakes_the_compactor() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(2)));
    for value in [b"1", b"2"] {
        // Between the two, the compactor falls asleep: it has nothing to do.
        meanwhile();
        engine.ingest([(&b"a"[..], Some(&value[..])), (&b"b"[..], Some(&value[..]))]).expect("an ingest");
    }
    wait_for_compactions(&engine, 1);
    assert_eq!(contents(&engine, "after two ingests"), "a=2 b=2");
    check_tree(&engine, &disk, "after two ingests");
}

/// When a task is done the strategy is asked again, until it has none.
///
/// Hint: a loop, and no sleep after a task.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn the_strategy_is_asked_until_it_has_no_task() {
    let disk = SimDisk::new();
    let toy = Toy { level_1: 1, ..Toy::new(2) };
    let engine: Arc<Engine> = open_compacting(compacting(&disk, toy));
    flush(&engine, "a=1 b=1 c=1");
    flush(&engine, "a=2 d=2");
    eventually("level 0 goes to level 1, and that to level 2", || engine.stats().compactions == 2);
    let tables: Vec<usize> = engine.shape().levels.iter().map(|level| level.tables.len()).collect();
    assert!(tables == [0, 0, 4, 0], "tables of each level: {tables:?}");
    assert_eq!(contents(&engine, "after two merges"), "a=2 b=1 c=1 d=2");
    check_tree(&engine, &disk, "after two merges");
}

/// What the thread merges, a tombstone above older tables, is still deleted.
///
/// Hint: the policy needs the shape before the compaction, and the task's target.
///
/// Book: week2/1-compaction.md#what-may-be-left-out
#[test]
fn what_is_deleted_stays_deleted() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(2)));
    flush(&engine, "a=1 b=1 c=1 d=1");
    engine.compact().expect("everything goes to the last level");
    flush(&engine, "a=× c=2");
    flush(&engine, "c=× e=× z=×");
    wait_for_compactions(&engine, 2);
    assert_eq!(contents(&engine, "with tombstones in level 1"), "b=1 d=1");
    let tombstones: u64 = engine.shape().levels[1].tables.iter().map(|table| table.tombstones).sum();
    assert_eq!(tombstones, 2, "tombstones in level 1: a and c hide values below, e and z hide nothing");
    engine.compact().expect("everything goes to the last level");
    assert_eq!((contents(&engine, "in the end"), engine.stats().entries), ("b=1 d=1".to_string(), 2));
}

/// Without `background` no strategy is asked.
///
/// Hint: the thread is started where the flusher is.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn without_background_nothing_is_merged_by_itself() {
    let disk = SimDisk::new();
    let toy = Arc::new(Toy::new(1));
    let mut options: Options = manual(&disk);
    options.strategy = toy.clone();
    let engine: Arc<Engine> = open(options);
    for round in 1..4 {
        flush(&engine, &format!("a={round}"));
    }
    meanwhile();
    assert_eq!((engine.stats().tables, engine.stats().compactions), (3, 0), "nobody asked for a compaction");
    assert_eq!(toy.asked.load(Ordering::SeqCst), 0, "how often the strategy was asked");
    engine.compact().expect("a compaction that somebody asks for");
    assert_eq!((engine.stats().tables, engine.stats().compactions), (1, 1), "after a compaction by hand");
}

/// The thread sleeps while nothing changes: the strategy is asked about once for each change of the state.
///
/// Hint: wait on `changed`, as the flusher does. Do not look every few milliseconds, and do not spin.
///
/// Book: week2/1-compaction.md#sleep-until-the-state-is-another
#[test]
fn a_strategy_is_not_asked_without_need() {
    let disk = SimDisk::new();
    let toy = Arc::new(Toy::new(1000));
    let mut options: Options = compacting(&disk, Toy::new(1));
    options.strategy = toy.clone();
    let engine: Arc<Engine> = open_compacting(options);
    eventually("the strategy is asked", || toy.asked.load(Ordering::SeqCst) > 0);
    for number in 0..10 {
        flush(&engine, &format!("k{number}=1"));
        meanwhile();
    }
    let asked: usize = toy.asked.load(Ordering::SeqCst);
    // A freeze and a flush are two changes each.
    assert!(
        (2..=40).contains(&asked),
        "ten flushes changed the state twenty times; the strategy was asked {asked} times"
    );
}

/// The strategy sees the tree as it is: the levels that the options want, tables by user keys, the newest of level 0
/// first.
///
/// Hint: `State::shape` makes it.
///
/// Book: week2/1-compaction.md#task-7-a-thread-that-compacts
#[test]
fn the_strategy_sees_the_tree() {
    #[derive(Debug, Default)]
    struct Witness(Mutex<Vec<Shape>>);
    impl Strategy for Witness {
        fn name(&self) -> &'static str {
            "witness"
        }
        fn pick(&self, shape: &Shape) -> Option<Task> {
            self.0.lock().push(shape.clone());
            None
        }
    }
    let (disk, witness) = (SimDisk::new(), Arc::new(Witness::default()));
    let mut options: Options = compacting(&disk, Toy::new(1));
    options.strategy = witness.clone();
    let engine: Arc<Engine> = open_compacting(options);
    flush(&engine, "a=1 c=1");
    flush(&engine, "b=× d=2");
    let expected: Shape = engine.shape();
    assert_eq!(expected.levels.len(), 4, "level 0 and the three that the options want");
    eventually("the strategy is shown the tree", || witness.0.lock().last() == Some(&expected));
    engine.compact().expect("a compaction by hand");
    let expected: Shape = engine.shape();
    assert_eq!(expected.levels[3].tables.len(), 3, "outputs of an entry each");
    eventually("the strategy is shown the compacted tree", || witness.0.lock().last() == Some(&expected));
}

/// A strategy that takes its time holds up neither readers nor writers nor flushes.
///
/// Hint: ask it when you hold `compacting` and nothing else, `status` least of all: each write looks there.
///
/// Book: week2/1-compaction.md#sleep-until-the-state-is-another
#[test]
fn a_slow_strategy_holds_up_nobody() {
    let disk = SimDisk::new();
    let held = Gate::closed();
    let toy = Toy { gate: Some(held.inner()), ..Toy::new(2) };
    let engine: Arc<Engine> = open(compacting(&disk, toy));
    // What is not written yet fails here.
    assert_eq!(engine.shape().full_compaction(), None, "an empty tree");
    held.wait_for_arrivals(1, "the strategy is asked");
    let user = engine.clone();
    promptly("reads, writes and flushes while the strategy thinks", move || {
        flush(&user, "a=1 b=1");
        flush(&user, "b=2");
        user.put(b"c", b"3").expect("a put");
        assert_eq!(contents(&user, "while the strategy thinks"), "a=1 b=2 c=3");
    });
    held.open();
    wait_for_compactions(&engine, 1);
    assert_eq!(contents(&engine, "after the compaction"), "a=1 b=2 c=3");
    // So that the engine can be dropped while the gate is closed no more.
    drop(engine);
}

/// Whoever waits in a condition of the thread's sleep does no I/O there: a writer gets its turn while the thread removes
/// files.
///
/// Hint: a handle of the state that is dropped while you hold `status` may be the last one, and its tables' files go then.
///
/// Book: week2/1-compaction.md#sleep-until-the-state-is-another
#[test]
fn the_compactor_removes_files_outside_of_locks() {
    let disk = SimDisk::new();
    let asking = Gate::closed();
    let toy = Toy { gate: Some(asking.inner()), ..Toy::new(1000) };
    let engine: Arc<Engine> = open(compacting(&disk, toy));
    assert_eq!(engine.shape().full_compaction(), None, "an empty tree");
    asking.wait_for_arrivals(1, "the strategy is asked about the empty tree");
    flush_keys(&engine, 0..3, "one");
    flush_keys(&engine, 0..3, "two");
    // The compactor holds the state with two tables now, or will not see it at all; either way writes go on.
    asking.let_pass(1);
    asking.wait_for_arrivals(2, "the strategy is asked about two tables");
    let removing = Gate::before(&disk, |step| step.operation == Operation::Remove);
    let compactor = engine.clone();
    let compaction: Pending<Result<(), Error>> = start(move || compactor.compact());
    asking.open();
    removing.wait_for_arrivals(1, "somebody removes the inputs' files");
    let user = engine.clone();
    promptly("writes while the inputs' files are being removed", move || {
        for number in 0..10 {
            user.put(&key(number), b"three").expect("a put");
        }
        user.freeze().expect("freezing");
    });
    removing.open();
    compaction.wait("a compaction by hand").expect("a compaction by hand");
}

/// A compaction by hand waits for the one in the background, and both are right.
///
/// Hint: both hold `compacting` from asking for the task to the end.
///
/// Book: week2/1-compaction.md#which-locks-are-held
#[test]
fn a_compaction_by_hand_waits_for_the_compactor() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(compacting(&disk, Toy::new(3)));
    flush(&engine, "a=1 b=1 c=1");
    flush(&engine, "a=2 d=2");
    let created: Arc<Mutex<BTreeSet<std::path::PathBuf>>> = Arc::default();
    let seen = created.clone();
    let held = Gate::before(&disk, move |step| {
        let is_output = step.operation == Operation::Create && is_table(step.path);
        if is_output {
            seen.lock().insert(step.path.to_path_buf());
        }
        is_output
    });
    held.let_pass(1);
    flush(&engine, "b=×");
    held.wait_for_arrivals(2, "the flush, and then the compactor creates an output");
    let by_hand = engine.clone();
    let by_hand: Pending<Result<(), Error>> = start(move || by_hand.compact());
    meanwhile();
    assert_eq!(created.lock().len(), 2, "the flushed table, and one output: the second compaction waits");
    held.open();
    by_hand.wait("a compaction by hand").expect("a compaction by hand");
    assert_eq!(contents(&engine, "after both"), "a=2 c=1 d=2");
    assert_eq!(engine.stats().entries, 3, "everything is in the last level: {:?}", engine.shape());
    check_tree(&engine, &disk, "after both");
}
