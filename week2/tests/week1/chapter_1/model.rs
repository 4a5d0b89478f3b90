//! Random operations beside a model that is easy to believe: a `BTreeMap`.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use lsm::{Engine, MemTable, UserPart};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::{delete, freeze, get, new_engine, put};

type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

#[derive(Clone, Debug)]
enum Operation {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Freeze,
}

/// Short keys out of few bytes, so that operations meet, with zero bytes, and prefixes of each other.
fn some_key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(b'a'), Just(b'b'), Just(0xff)], 0..4)
}

fn some_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => (some_key(), vec(any::<u8>(), 0..6)).prop_map(|(key, value)| Operation::Put(key, value)),
        3 => some_key().prop_map(Operation::Delete),
        1 => Just(Operation::Freeze),
    ]
}

fn seeded(seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    }
}

fn apply(model: &mut Model, operation: &Operation) {
    match operation {
        Operation::Put(key, value) => drop(model.insert(key.clone(), Some(value.clone()))),
        Operation::Delete(key) => drop(model.insert(key.clone(), None)),
        Operation::Freeze => {}
    }
}

/// The first two bytes, or fewer.
fn first_two(key: &[u8]) -> &[u8] {
    &key[..key.len().min(2)]
}

/// What `lookup` must give: the first entry at or after the target, if it has the target's user part.
fn expected_lookup(model: &Model, target: &[u8], user_part: UserPart) -> Option<Option<Bytes>> {
    let (key, value) = model.range::<[u8], _>((Bound::Included(target), Bound::Unbounded)).next()?;
    (user_part(key) == user_part(target)).then(|| value.clone().map(Bytes::from))
}

proptest! {
    #![proptest_config(seeded(0x11))]

    /// A memtable agrees with a `BTreeMap` about every lookup, its length and its size, whatever was written.
    ///
    /// Hint: proptest shows the shortest list of writes that it found; replay it on paper.
    ///
    /// Book: week1/1-memtable.md#task-1-write-into-the-memtable
    #[test]
    fn a_memtable_agrees_with_a_map(operations in vec(some_operation(), 1..60), targets in vec(some_key(), 20)) {
        let memtable: MemTable = MemTable::new(1);
        let mut model = Model::new();
        for operation in &operations {
            apply(&mut model, operation);
            match operation {
                Operation::Put(key, value) => memtable.put(key, value),
                Operation::Delete(key) => memtable.delete(key),
                Operation::Freeze => {}
            }
            let lengths = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| key.len() + value.as_ref().map_or(0, Vec::len);
            let expected_size: usize = model.iter().map(lengths).sum::<usize>() + model.len() * MemTable::ENTRY_OVERHEAD;
            let (len, size): (usize, usize) = (memtable.len(), memtable.size());
            prop_assert_eq!((len, size), (model.len(), expected_size), "len() and size() after {:?}", operation);
        }
        for target in targets.iter().chain(model.keys()) {
            let found: Option<Option<Bytes>> = memtable.get(target);
            let expected = model.get(target).map(|value| value.clone().map(Bytes::from));
            prop_assert_eq!(found, expected, "get({:?})", target);
            let found: Option<Option<Bytes>> = memtable.lookup(target, first_two);
            let expected = expected_lookup(&model, target, first_two);
            prop_assert_eq!(found, expected, "lookup({:?}) with the first two bytes as the user part", target);
        }
    }

    /// An engine agrees with a `BTreeMap` about every key, however often it was frozen in between.
    ///
    /// Hint: proptest shows the shortest list of operations that it found; which memtable holds what after it?
    ///
    /// Book: week1/1-memtable.md#newest-first
    #[test]
    fn an_engine_agrees_with_a_map(operations in vec(some_operation(), 1..60)) {
        let engine: Engine = new_engine();
        let mut model = Model::new();
        for operation in &operations {
            apply(&mut model, operation);
            match operation {
                Operation::Put(key, value) => put(&engine, key, value),
                Operation::Delete(key) => delete(&engine, key),
                Operation::Freeze => freeze(&engine),
            }
            if let Operation::Put(key, _) | Operation::Delete(key) = operation {
                let found: Option<Bytes> = get(&engine, key);
                let expected = model.get(key).cloned().flatten().map(Bytes::from);
                prop_assert_eq!(found, expected, "get({:?}) right after {:?}", key, operation);
            }
        }
        for (key, value) in &model {
            let found: Option<Bytes> = get(&engine, key);
            prop_assert_eq!(found, value.clone().map(Bytes::from), "get({:?}) after all operations", key);
        }
    }
}
