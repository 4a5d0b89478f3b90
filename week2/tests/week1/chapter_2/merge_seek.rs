//! Seeking in a merge.

use std::collections::BTreeMap;

use lsm::{MergeIterator, StorageIterator};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::fake::FakeSource;
use super::{Entry, current, entries, entry, walk};

fn three_sources() -> MergeIterator<FakeSource> {
    let sources: [&[(&str, Option<&str>)]; 3] = [
        &[("c", Some("c of 0")), ("e", None)],
        &[("a", Some("a of 1")), ("c", Some("c of 1"))],
        &[("b", Some("b of 2")), ("e", Some("e of 2")), ("g", Some("g of 2"))],
    ];
    let sources = sources.iter().enumerate();
    MergeIterator::new(sources.map(|(age, entries)| FakeSource::new(&format!("source {age}"), entries).0).collect())
}

const ALL: [(&str, Option<&str>); 5] =
    [("a", Some("a of 1")), ("b", Some("b of 2")), ("c", Some("c of 0")), ("e", None), ("g", Some("g of 2"))];

fn seek(merge: &mut MergeIterator<FakeSource>, target: &str) -> Option<Entry> {
    merge.seek(target.as_bytes()).unwrap_or_else(|error| panic!("seek({target:?}) failed: {error}"));
    current(merge)
}

/// A merge seeks forward and backward; the newest source wins there too.
///
/// Hint: seek in every source, and build the heap anew.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_merge_seeks_forward_and_backward() {
    let mut merge: MergeIterator<FakeSource> = three_sources();
    for (target, expected) in [("d", 3), ("c", 2), ("g", 4), ("", 0), ("b\0", 2), ("a", 0), ("f", 4), ("e", 3)] {
        let (key, value) = ALL[expected];
        assert_eq!(seek(&mut merge, target), Some(entry(key, value)), "seek({target:?}) in a, b, c, e, g");
        assert_eq!(walk(&mut merge), entries(&ALL[expected..]), "the walk after seek({target:?})");
    }
}

/// A seek brings back sources that had come to their end, at their own age.
///
/// Hint: keep the sources that have ended, with their index: a seek backward needs them again.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_seek_brings_ended_sources_back() {
    let mut merge: MergeIterator<FakeSource> = three_sources();
    assert_eq!(walk(&mut merge), entries(&ALL), "the walk to the end");
    assert_eq!(seek(&mut merge, "z"), None, "seek(z), after the last key of all sources");
    assert_eq!(seek(&mut merge, "a"), Some(entry("a", Some("a of 1"))), "seek(a) after the end");
    assert_eq!(walk(&mut merge), entries(&ALL), "the second walk: the newest still wins at c and e");
    seek(&mut merge, "f");
    assert_eq!(
        seek(&mut merge, "c"),
        Some(entry("c", Some("c of 0"))),
        "seek(c) after seek(f), which ended two sources"
    );
}

/// A source that had no entry when the merge was made can get one by a seek.
///
/// Hint: keep every source that `new` is given, the empty-handed ones too.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_source_that_began_at_its_end_can_come_back() {
    let (mut newer, _) = FakeSource::new("newer", &[("a", Some("new"))]);
    let (older, _) = FakeSource::new("older", &[("a", Some("old")), ("b", Some("2"))]);
    newer.next().expect("a step that the test makes itself");
    let mut merge: MergeIterator<FakeSource> = MergeIterator::new(vec![newer, older]);
    assert_eq!(current(&merge), Some(entry("a", Some("old"))), "the newer source is past a");
    assert_eq!(seek(&mut merge, ""), Some(entry("a", Some("new"))), "after a seek the newer source stands on a");
}

/// A seek of the merge is one seek of each source, whether it has ended or not, and no step.
///
/// Hint: first put all sources together, then seek in each. A seek may read a block, so one too many costs.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn each_source_is_sought_once() {
    for steps in 0..=4 {
        let (newer, newer_control) = FakeSource::new("newer", &[("a", Some("1")), ("b", None)]);
        let (older, older_control) = FakeSource::new("older", &[("b", Some("2")), ("c", Some("3")), ("d", None)]);
        let mut merge: MergeIterator<FakeSource> = MergeIterator::new(vec![newer, older]);
        (0..steps).for_each(|_| merge.next().expect("these sources do not fail"));
        let calls = || [&newer_control, &older_control].map(|control| (control.seeks.get(), control.calls()));
        let before = calls();
        for (target, count) in [("b", 1), ("z", 2), ("", 3)] {
            seek(&mut merge, target);
            let expected = before.map(|(_, all)| (count, all + count));
            assert_eq!(
                calls(),
                expected,
                "(seeks, all calls) of the newer and the older source after {steps} steps and {count} seeks, the last \
                 seek({target:?})"
            );
        }
    }
}

/// A seek to where the merge stands leaves it there.
///
/// Hint: at or after the target, not after it.
///
/// Book: week1/2-merge-iterators.md#seeking
#[test]
fn a_seek_to_the_current_key_stays() {
    let mut merge: MergeIterator<FakeSource> = three_sources();
    merge.next().expect("a step");
    assert_eq!(current(&merge), Some(entry("b", Some("b of 2"))), "after one step");
    assert_eq!(seek(&mut merge, "b"), Some(entry("b", Some("b of 2"))), "after seek(b)");
    merge.next().expect("a step");
    assert_eq!(seek(&mut merge, "c"), Some(entry("c", Some("c of 0"))), "after a step and seek(c)");
}

#[derive(Clone, Debug)]
enum Move {
    Next,
    Seek(String),
}

fn some_key() -> impl Strategy<Value = String> {
    vec(prop_oneof![Just('\0'), Just('a'), Just('b'), Just('c')], 0..3).prop_map(String::from_iter)
}

fn some_source() -> impl Strategy<Value = BTreeMap<String, Option<String>>> {
    btree_map(some_key(), option::weighted(0.7, Just(String::new())), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100,
        rng_seed: RngSeed::Fixed(0x12),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]

    /// Any sources, walked and sought in any order, come out as if they had been one sorted map.
    ///
    /// Hint: proptest shows the smallest case it found; draw the heap for it.
    ///
    /// Book: week1/2-merge-iterators.md#many-sources-as-one
    #[test]
    fn a_merge_agrees_with_a_map(
        mut sources in vec(some_source(), 0..6),
        moves in vec(prop_oneof![3 => Just(Move::Next), 1 => some_key().prop_map(Move::Seek)], 0..30),
    ) {
        // Values tell their source, so that nobody can take one for another's.
        for (age, source) in sources.iter_mut().enumerate() {
            source.values_mut().flatten().for_each(|value| *value = format!("of source {age}"));
        }
        let mut model = BTreeMap::new();
        sources.iter().rev().for_each(|source| model.extend(source.clone()));
        let fakes = sources.iter().enumerate().map(|(age, source)| {
            let entries: Vec<(&str, Option<&str>)> =
                source.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
            FakeSource::new(&format!("source {age}"), &entries).0
        });
        let mut merge: MergeIterator<FakeSource> = MergeIterator::new(fakes.collect());
        let mut expected = model.iter().collect::<Vec<_>>();
        let expect = |expected: &[(&String, &Option<String>)]| {
            expected.first().map(|(key, value)| entry(key, value.as_deref()))
        };
        prop_assert_eq!(current(&merge), expect(&expected), "where a new merge stands");
        for step in &moves {
            match step {
                Move::Next => {
                    merge.next().expect("these sources do not fail");
                    expected.drain(..1.min(expected.len()));
                }
                Move::Seek(target) => {
                    merge.seek(target.as_bytes()).expect("these sources do not fail");
                    expected = model.range(target.clone()..).collect();
                }
            }
            prop_assert_eq!(current(&merge), expect(&expected), "where the merge stands after {:?}", step);
        }
    }
}
