//! Tables beside a BTreeMap, over many shapes of both.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use lsm::StorageIterator;
use lsm::table::{Table, TableIterator};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use super::support::{Entries, Fixture, collect, expect, is_inside, lookup, scan, show};

/// Short keys of few letters, so that keys are prefixes of each other and targets hit; zero bytes among them.
fn a_key() -> impl Strategy<Value = Vec<u8>> {
    vec(select(vec![0x00, b'a', b'b', 0xFF]), 0..5)
}

fn a_value() -> impl Strategy<Value = Option<Vec<u8>>> {
    option::weighted(0.8, prop_oneof![4 => vec(any::<u8>(), 0..12), 1 => vec(any::<u8>(), 150..300)])
}

fn some_entries() -> impl Strategy<Value = Entries> {
    btree_map(a_key(), a_value(), 1..60)
}

fn a_bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![a_key().prop_map(Bound::Included), a_key().prop_map(Bound::Excluded), Just(Bound::Unbounded)]
}

#[derive(Clone, Debug)]
enum Step {
    Next,
    Seek(Vec<u8>),
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![2 => Just(Step::Next), 1 => a_key().prop_map(Step::Seek)]
}

fn table_of(entries: &Entries, block_size: usize, restart_interval: usize) -> (Fixture, Arc<Table>) {
    let fixture = Fixture::with(|options| {
        options.block_size = block_size;
        options.restart_interval = restart_interval;
        options.cache_size = 4096;
    });
    let table = fixture.table(1, entries);
    (fixture, table)
}

fn config(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(48, 141))]

    /// What is built is found again, by lookups and by a scan, whatever the block size.
    ///
    /// Hint: try the failing input by hand: one entry a block (block_size 1) and all in one are the simplest cases.
    ///
    /// Book: week1/4-tables.md#the-idea
    #[test]
    fn a_table_gives_back_what_was_built(
        entries in some_entries(),
        block_size in 1_usize..400,
        restart_interval in 1_usize..6,
        others in vec(a_key(), 0..20),
    ) {
        let (fixture, table) = table_of(&entries, block_size, restart_interval);
        for key in entries.keys().chain(&others) {
            let found: Option<Option<Bytes>> = lookup(&fixture, &table, key);
            let expected = entries.get(key).map(|value| value.clone().map(Bytes::from));
            prop_assert_eq!(found, expected, "looking up {}", show(key));
        }
        let found: BTreeMap<_, _> = collect(scan(&table, ..)).into_iter().collect();
        prop_assert_eq!(found, entries, "a scan of everything");
    }
}

proptest! {
    #![proptest_config(config(64, 142))]

    /// An iterator over any range walks and seeks as one over a BTreeMap would.
    ///
    /// Hint: a seek may go below the range's lower bound; never at or behind its upper one.
    ///
    /// Book: week1/4-tables.md#task-6-the-table-iterator
    #[test]
    fn an_iterator_walks_and_seeks_like_a_model(
        entries in some_entries(),
        block_size in 1_usize..400,
        lower in a_bound(),
        upper in a_bound(),
        steps in vec(a_step(), 0..30),
    ) {
        let (_fixture, table) = table_of(&entries, block_size, 3);
        let mut iterator: TableIterator = scan(&table, (lower.clone(), upper.clone()));
        let first_from = |lower: &Bound<Vec<u8>>| {
            let found = entries.iter().find(|(key, _)| is_inside(key, lower, &upper));
            found.map(|(key, value)| (key.clone(), value.clone()))
        };
        let mut expected = first_from(&lower);
        let at = |iterator: &TableIterator| {
            let entry = || (iterator.key().to_vec(), iterator.value().map(<[u8]>::to_vec));
            iterator.is_valid().then(entry)
        };
        prop_assert_eq!(at(&iterator), expected.clone(), "where the scan begins");
        for step in steps {
            match &step {
                Step::Next => {
                    expect("next", iterator.next());
                    expected = expected.and_then(|(key, _)| first_from(&Bound::Excluded(key)));
                }
                Step::Seek(target) => {
                    expect("seek", iterator.seek(target));
                    expected = first_from(&Bound::Included(target.clone()));
                }
            }
            prop_assert_eq!(at(&iterator), expected.clone(), "after {:?}", step);
        }
    }
}
