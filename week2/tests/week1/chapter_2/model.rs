//! Random writes, freezes, lookups and scans beside a `BTreeMap`.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use lsm::{Engine, KeyRange};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::{collect, new_engine, scan, text};

#[derive(Clone, Debug)]
enum Operation {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Freeze,
    Get(Vec<u8>),
    Scan(Bound<Vec<u8>>, Bound<Vec<u8>>),
}

/// Short keys out of few bytes, so that operations meet, with zero bytes, and prefixes of each other.
fn some_key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(b'a'), Just(b'b')], 0..4)
}

fn some_bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![some_key().prop_map(Bound::Included), some_key().prop_map(Bound::Excluded), Just(Bound::Unbounded)]
}

fn some_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (some_key(), vec(any::<u8>(), 0..4)).prop_map(|(key, value)| Operation::Put(key, value)),
        4 => some_key().prop_map(Operation::Delete),
        2 => Just(Operation::Freeze),
        1 => some_key().prop_map(Operation::Get),
        3 => (some_bound(), some_bound()).prop_map(|(lower, upper)| Operation::Scan(lower, upper)),
    ]
}

fn is_in(lower: &Bound<Vec<u8>>, upper: &Bound<Vec<u8>>, key: &Vec<u8>) -> bool {
    let above = match lower {
        Bound::Included(lower) => key >= lower,
        Bound::Excluded(lower) => key > lower,
        Bound::Unbounded => true,
    };
    let below = match upper {
        Bound::Included(upper) => key <= upper,
        Bound::Excluded(upper) => key < upper,
        Bound::Unbounded => true,
    };
    above && below
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(0x12),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]

    /// An engine agrees with a `BTreeMap` about every lookup and every scan, whatever was written and frozen before.
    ///
    /// Hint: proptest shows the shortest list of operations that it found; which memtable holds what after it?
    ///
    /// Book: week1/2-merge-iterators.md#task-6-enginescan
    #[test]
    fn scans_agree_with_a_map(operations in vec(some_operation(), 1..60)) {
        let engine: Engine = new_engine();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let all = Operation::Scan(Bound::Unbounded, Bound::Unbounded);
        for operation in operations.iter().chain([&all]) {
            match operation {
                Operation::Put(key, value) => {
                    model.insert(key.clone(), value.clone());
                    engine.put(key, value).expect("a put");
                }
                Operation::Delete(key) => {
                    model.remove(key);
                    engine.delete(key).expect("a deletion");
                }
                Operation::Freeze => engine.freeze().expect("a freeze"),
                Operation::Get(key) => {
                    let found: Option<Bytes> = engine.get(key).expect("a lookup");
                    prop_assert_eq!(found.as_deref(), model.get(key).map(Vec::as_slice), "get({:?})", key);
                }
                Operation::Scan(lower, upper) => {
                    let found = collect(scan(&engine, KeyRange::from((lower.clone(), upper.clone()))));
                    let in_range = model.iter().filter(|(key, _)| is_in(lower, upper, key));
                    let expected: Vec<_> = in_range.map(|(key, value)| (text(key), Some(text(value)))).collect();
                    prop_assert_eq!(found, expected, "scan({:?}, {:?})", lower, upper);
                }
            }
        }
    }
}
