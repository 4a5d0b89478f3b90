//! An engine that compacts by itself, and the default.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::compaction::{Leveled, Shape, Strategy, Targets, Task};
use lsm::disk::SimDisk;
use lsm::{Engine, Options, Result, Stats};

use super::support::{MIB, Random, pick, sizes};

/// How long anybody waits for what must happen. It takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(6);

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// An engine with threads and small sizes, so that some hundred writes fill several levels.
fn compacting(strategy: Leveled) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(SimDisk::new());
    options.background = true;
    options.strategy = Arc::new(strategy);
    options.levels = 4;
    options.memtable_size = 4 << 10;
    options.table_size = 2 << 10;
    options.block_size = 512;
    options
}

fn tiny() -> Leveled {
    Leveled { level_0_tables: 2, base_size: 6 << 10, ratio: 3, max_level_0_tables: 6 }
}

fn key(number: u64) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// Runs work that may wait for the compactor, in a thread of its own: if nobody wakes it, the test fails and says so.
fn with_a_deadline(what: &str, work: impl FnOnce() + Send + 'static) {
    let (sender, outcome) = channel();
    let worker = thread::spawn(move || {
        work();
        let _ = sender.send(());
    });
    match outcome.recv_timeout(DEADLINE) {
        Ok(()) => {}
        // The work panicked: its own message is the test's.
        Err(RecvTimeoutError::Disconnected) => worker.join().unwrap_or_else(|panic| resume_unwind(panic)),
        Err(RecvTimeoutError::Timeout) => panic!(
            "{what}: still at it after {DEADLINE:?}. Perhaps writes wait for level 0 to become shorter, and `pick` gives \
             no task for it; or the same task comes again and again."
        ),
    }
}

/// Waits until the compactor has nothing left to do.
fn settle(engine: &Engine, strategy: &Leveled, when: &str) -> Shape {
    engine.flush().unwrap_or_else(|error| panic!("a flush, {when}: {error}"));
    let started = Instant::now();
    loop {
        let shape: Shape = engine.shape();
        let Some(task) = pick(strategy, &shape) else { return shape };
        if started.elapsed() > DEADLINE / 2 {
            let health: Result<()> = engine.delete(b"~");
            panic!(
                "{when}: after {DEADLINE:?} there still is this to do: {task:?}\nin {shape:?}; a delete gives {health:?}"
            );
        }
        thread::yield_now();
    }
}

/// Demands that the tree keeps its rule: sorted levels of tables that do not overlap, none above its target.
fn check_shape(shape: &Shape, strategy: &Leveled, when: &str) {
    let targets: Targets = strategy.targets(shape);
    assert!(shape.levels[0].tables.len() < strategy.level_0_tables, "level 0, {when}: {shape:?}");
    for (level, tables) in shape.levels.iter().enumerate().skip(1) {
        let is_apart = tables.tables.windows(2).all(|pair| pair[0].last_key < pair[1].first_key);
        assert!(is_apart, "level {level} is sorted and without overlap, {when}: {tables:?}");
        let is_last = level == shape.last_level();
        let (size, target) = (tables.size(), targets.sizes[level]);
        assert!(is_last || size < target.max(1), "level {level} has {size} bytes of {target}, {when}");
    }
}

fn check_reads(engine: &Engine, model: &Model, when: &str) {
    let found: Vec<(Bytes, Bytes)> = engine.scan(..).and_then(Iterator::collect).expect("a scan");
    for (at, (key, value)) in model.iter().enumerate() {
        let expected = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        assert_eq!(found.get(at), Some(&expected), "entry {at} of a scan of everything, {when}");
    }
    assert_eq!(found.len(), model.len(), "how many entries a scan gives, {when}");
}

/// Puts, deletions and reads in any order, with a compactor that works when it likes: the engine reads like a sorted
/// map, and when all is quiet its tree is in good shape.
///
/// Hint: first see that the tests of `pick` hold. A value that comes back here was left behind by a task: in a gap of
/// level 0, or at a bound.
///
/// Book: week2/4-leveled.md#what-goes-along
#[test]
fn an_engine_that_compacts_by_itself_reads_like_a_map() {
    with_a_deadline("2,500 random steps, three times", || (0..3).for_each(run_beside_a_model));
}

fn run_beside_a_model(seed: u64) {
    let strategy = tiny();
    let engine = Engine::open("db", compacting(strategy.clone())).expect("opening an empty directory");
    let (mut random, mut model): (Random, Model) = (Random(seed), Model::new());
    for step in 0..2500 {
        // Most writes go to a part of the keys that moves on.
        let key = key(if random.below(3) == 0 { random.below(900) } else { step / 5 + random.below(100) });
        match random.below(10) {
            0..6 => {
                let value = vec![b'a' + (step % 26) as u8; random.below(60) as usize];
                engine.put(&key, &value).unwrap_or_else(|error| panic!("a put, seed {seed}, step {step}: {error}"));
                model.insert(key, value);
            }
            6..8 => {
                engine.delete(&key).unwrap_or_else(|error| panic!("a delete, seed {seed}, step {step}: {error}"));
                model.remove(&key);
            }
            8 => {
                let found: Option<Bytes> = engine.get(&key).expect("a get");
                let expected = model.get(&key).map(Vec::as_slice);
                assert_eq!(found.as_deref(), expected, "get {key:?}, seed {seed}, step {step}");
            }
            _ => {
                let lower: Bound<&[u8]> = Bound::Included(&key);
                let scan = engine.scan((lower, Bound::Unbounded)).expect("a scan").take(3);
                let found: Vec<(Bytes, Bytes)> = scan.collect::<Result<_>>().expect("a scan");
                let behind = model.range::<[u8], _>((lower, Bound::Unbounded)).take(3);
                let expected: Vec<(Bytes, Bytes)> =
                    behind.map(|(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value))).collect();
                assert_eq!(found, expected, "three entries from {key:?} on, seed {seed}, step {step}");
            }
        }
    }
    let when = format!("seed {seed}, after all writes");
    let shape: Shape = settle(&engine, &strategy, &when);
    check_shape(&shape, &strategy, &when);
    check_reads(&engine, &model, &when);
    for number in 0..900 {
        let found: Option<Bytes> = engine.get(&key(number)).expect("a get");
        assert_eq!(found.as_deref(), model.get(&key(number)).map(Vec::as_slice), "get of key {number}, {when}");
    }
    let stats: Stats = engine.stats();
    assert!(stats.compactions > 20, "an engine of these sizes compacts all the time: {stats:?}");
    engine.close().expect("closing");
    check_reads(&engine, &model, "after the close");
}

/// A small database lies in the last level, and moves up level by level only as it grows.
///
/// Hint: the base level of an empty tree is the last level.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn levels_fill_from_below() {
    with_a_deadline("30 rounds of 40 writes", fill_levels);
}

fn fill_levels() {
    let strategy = tiny();
    let engine = Engine::open("db", compacting(strategy.clone())).expect("opening an empty directory");
    let mut uppermost = 4;
    let mut random = Random(1);
    for round in 0..30 {
        for _ in 0..40 {
            engine.put(&key(random.below(2000)), &[b'v'; 40]).expect("a put");
        }
        let when = format!("after round {round} of 40 writes");
        let shape: Shape = settle(&engine, &strategy, &when);
        let used = (1..=4).find(|level| !shape.levels[*level].tables.is_empty()).unwrap_or(4);
        assert!(used + 1 >= uppermost, "level {used} is used, {when}, and before it was level {uppermost}");
        let last = shape.levels[4].size();
        // A merge may save some bytes, and so bring the last level back below the size at which it got company.
        let is_large = last > strategy.base_size / 2;
        assert!(is_large || used == 4, "level {used} is used while the last level has {last} bytes, {when}");
        uppermost = uppermost.min(used);
    }
    let shape: Shape = engine.shape();
    assert!(uppermost <= 3, "1,200 writes of 48 bytes need more than level 4, with base_size 6 KiB: {shape:?}");
}

/// `Options::default` compacts by levels, with the numbers of `Leveled::default`.
///
/// Hint: `default_strategy` in `src/compaction.rs`.
///
/// Book: week2/4-leveled.md#task-5-the-default
#[test]
fn leveled_is_the_default() {
    let strategy: Arc<dyn Strategy> = Options::default().strategy;
    assert_eq!(strategy.name(), "leveled", "the strategy of Options::default");
    let default = Leveled::default();
    assert_eq!(strategy.level_0_limit(), default.level_0_limit(), "where writes wait");
    let shapes = [
        sizes(3, &[0; 6]),
        sizes(4, &[0; 6]),
        sizes(0, &[0, 0, 0, 0, 6 * MIB, 64 * MIB]),
        sizes(0, &[0, 0, 0, 0, 6 * MIB, 65 * MIB]),
        sizes(0, &[0, 0, 0, 0, 7 * MIB, 65 * MIB]),
        sizes(7, &[0, 0, 0, 11 * MIB, 70 * MIB, 700 * MIB]),
    ];
    for shape in shapes {
        let found: Option<Task> = strategy.pick(&shape);
        assert_eq!(found, default.pick(&shape), "the default's task for {shape:?}");
    }
}

/// An engine with the default strategy merges level 0 by itself.
///
/// Hint: with `background`, the compactor asks `options.strategy`; nothing else has to change.
///
/// Book: week2/4-leveled.md#task-5-the-default
#[test]
fn an_engine_with_the_default_strategy_compacts() {
    with_a_deadline("1,000 writes", write_with_the_default_strategy);
}

fn write_with_the_default_strategy() {
    let mut options = compacting(tiny());
    options.strategy = Options::default().strategy;
    let engine = Engine::open("db", options).expect("opening an empty directory");
    for number in 0..1000 {
        engine.put(&key(number * 7 % 1000), &[b'v'; 30]).expect("a put");
    }
    let shape: Shape = settle(&engine, &Leveled::default(), "after 1,000 writes");
    assert!(shape.levels[0].tables.len() < 4, "level 0 is merged from 4 tables on: {shape:?}");
    let is_used = |level: &usize| !shape.levels[*level].tables.is_empty();
    assert_eq!((1..=4).filter(is_used).collect::<Vec<usize>>(), [4], "few data lie in the last level: {shape:?}");
}
