//! The engine beside a map that is too simple to be wrong, while tables are merged by hand and in the background.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, Options, Result};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use proptest::{collection, prop_assert, prop_assert_eq};

use super::fixture::{Pairs, manual, open};
use super::toys::{Toy, compacting, open_compacting};

#[derive(Clone, Debug)]
enum Action {
    Put(u8, u8),
    Delete(u8),
    Flush,
    Ingest(u8, u8),
    Compact,
    Get(u8),
    Scan(u8, u8),
}

fn key(number: u8) -> Vec<u8> {
    // Prefixes of each other, and zero bytes: 0, 00, 000, 1, 10, 100, …
    let (head, tail) = (number / 3, usize::from(number % 3));
    [vec![head], vec![0; tail]].concat()
}

fn value(number: u8) -> Vec<u8> {
    vec![b'a' + number / 24; usize::from(number % 24)]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (0..30_u8, any::<u8>()).prop_map(|(key, value)| Action::Put(key, value)),
        4 => (0..30_u8).prop_map(Action::Delete),
        3 => Just(Action::Flush),
        1 => (0..28_u8, any::<u8>()).prop_map(|(key, value)| Action::Ingest(key, value)),
        1 => Just(Action::Compact),
        4 => (0..30_u8).prop_map(Action::Get),
        2 => (0..30_u8, 0..30_u8).prop_map(|(first, end)| Action::Scan(first, end)),
    ]
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn check_scan(engine: &Engine, model: &Model, first: &[u8], end: &[u8]) -> Result<(), TestCaseError> {
    let found: Result<Pairs> = engine.scan(first..end).and_then(Iterator::collect);
    let found: Pairs = found.map_err(|error| TestCaseError::fail(format!("a scan: {error}")))?;
    let expected = model.iter().filter(|(key, _)| first <= key.as_slice() && key.as_slice() < end);
    let expected: Pairs = expected.map(|(key, value)| (key.clone().into(), value.clone().into())).collect();
    prop_assert_eq!(found, expected, "a scan of {:?}..{:?}", first, end);
    Ok(())
}

fn run(engine: &Engine, actions: &[Action]) -> Result<(), TestCaseError> {
    let mut model: Model = BTreeMap::new();
    for action in actions {
        match action {
            Action::Put(number, content) => {
                engine.put(&key(*number), &value(*content)).expect("a put");
                model.insert(key(*number), value(*content));
            }
            Action::Delete(number) => {
                engine.delete(&key(*number)).expect("a delete");
                model.remove(&key(*number));
            }
            Action::Flush => engine.flush().expect("a flush"),
            Action::Ingest(number, content) => {
                engine.flush().expect("a flush");
                let (first, second, content) = (key(*number), key(*number + 1), value(*content));
                // The compactor may swap at the same time, which refuses the ingest.
                let entries = [(&first[..], Some(&content[..])), (&second[..], None)];
                if engine.ingest(entries).is_ok() {
                    model.insert(first, content);
                    model.remove(&second);
                }
            }
            Action::Compact => engine.compact().expect("a compaction"),
            Action::Get(number) => {
                let found: Option<Bytes> = engine.get(&key(*number)).expect("a get");
                let expected = model.get(&key(*number)).map(|value| &value[..]);
                prop_assert_eq!(found.as_deref(), expected, "get({:?})", key(*number));
            }
            Action::Scan(first, end) => check_scan(engine, &model, &key(*first), &key(*end))?,
        }
    }
    check_scan(engine, &model, &[], &[255])?;
    engine.compact().expect("a last compaction");
    check_scan(engine, &model, &[], &[255])?;
    prop_assert_eq!(engine.stats().entries, model.len() as u64, "entries after a full compaction");
    let is_last = |(level, tables): (usize, usize)| tables == 0 || level + 1 == engine.shape().levels.len();
    let counts = engine.shape().levels.into_iter().map(|level| level.tables.len());
    prop_assert!(counts.enumerate().all(is_last), "all tables are in the last level");
    Ok(())
}

fn check(cases: u32, seed: u64, options: impl Fn(&SimDisk, u64) -> Options) {
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let strategy = (collection::vec(action(), 1..120), 0..400_u64);
    let outcome = TestRunner::new(config).run(&strategy, |(actions, table_size)| {
        let disk = SimDisk::new();
        let options: Options = options(&disk, table_size);
        let engine: Arc<Engine> = if options.background { open_compacting(options) } else { open(options) };
        run(&engine, &actions)
    });
    outcome.unwrap_or_else(|error| panic!("the engine and a map differ:\n{error}"));
}

/// Whatever is written, flushed, ingested and compacted by hand, in any order: the engine answers as a map does.
///
/// Hint: the smallest failing sequence is printed. Play it through with the shape after each step.
///
/// Book: week2/1-compaction.md#one-rule
#[test]
fn an_engine_compacted_by_hand_is_a_map() {
    check(60, 0x2100, |disk, table_size| {
        let mut options: Options = manual(disk);
        options.block_size = 64;
        options.table_size = table_size;
        options.levels = (table_size % 3) as usize;
        options
    });
}

/// The same while a strategy merges in the background.
///
/// Hint: if only this one fails, look at what the compactor does between asking for the task and the swap.
///
/// Book: week2/1-compaction.md#one-rule
#[test]
fn an_engine_compacted_in_the_background_is_a_map() {
    check(30, 0x2101, |disk, table_size| {
        let mut options: Options = compacting(disk, Toy { level_1: 2, ..Toy::new(2) });
        options.block_size = 64;
        options.table_size = table_size;
        options.memtable_size = 1500;
        options
    });
}
