//! Tiered compaction on trees that grow on paper, by chance with a fixed seed.

use std::collections::BTreeSet;

use lsm::compaction::{Shape, SimpleLeveled, Strategy, Task, Tiered};
use proptest::collection::{btree_set, vec};
use proptest::prelude::Strategy as Generator;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use super::model;
use crate::strategies::paper::{ENTRY, Paper, runs_in};
use crate::strategies::shapes::drawing;

const PAGE: &str = "week2/3-tiered.md";

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, rng_seed: RngSeed::Fixed(23), failure_persistence: None, ..Config::default() })
}

fn any_strategy() -> impl Generator<Value = Tiered> {
    (0..7_usize, 0..300_u64, 0..150_u64, 0..10_usize).prop_map(
        |(max_runs, max_space_amplification, size_ratio, max_level_0_tables)| Tiered {
            max_runs,
            max_space_amplification,
            size_ratio,
            max_level_0_tables,
        },
    )
}

/// Whatever the tree: a task is picked exactly when there are `max_runs` runs. It takes as many of the newest runs as
/// the rules want, whole; its output lies just above all others; and afterwards there are fewer runs.
///
/// Hint: the message holds the smallest tree that was found to fail, what the rules want of it, and the section of the
/// page that says so. Make the tests of the rules and of the places pass first.
///
/// Book: week2/3-tiered.md#which-runs
#[test]
fn in_any_tree_the_newest_runs_are_merged() {
    let outcome = runner(1000).run(&model::any_case(), |(strategy, shape)| {
        check_against_the_model(&strategy, &shape);
        Ok(())
    });
    match outcome {
        // The reason shows the tree already.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        outcome => outcome.unwrap_or_else(|failure| panic!("{failure}")),
    }
}

fn check_against_the_model(strategy: &Tiered, shape: &Shape) {
    let runs = model::runs(shape);
    let tree = format!("{} runs, {strategy:?}\n{}", runs.len(), drawing(shape));
    let picked: Option<Task> = strategy.pick(shape);
    let (expected, found) = (runs.len() >= strategy.max_runs.max(2), picked.is_some());
    assert!(
        expected == found,
        "a task is expected: {expected}; found: {found}. See {PAGE}#when-merging-begins\n{tree}"
    );
    let Some(task) = picked else { return };
    let checked: lsm::Result<()> = shape.check(&task);
    checked.unwrap_or_else(|error| panic!("the task breaks the tree's rule: {error}\n{tree}"));
    let (count, why) = model::merged(strategy, &runs);
    let expected: BTreeSet<u64> = runs[..count].iter().flat_map(|run| &run.tables).copied().collect();
    let found: BTreeSet<u64> = task.tables().collect();
    assert!(
        expected == found,
        "expected the newest {count} runs, all their tables: {expected:?}; found: {found:?}.\n{why}. \
         See {PAGE}#which-runs and #what-has-to-come-along\n{tree}"
    );
    let expected = runs.get(count).map_or(shape.last_level(), |next_older| next_older.level - 1);
    let found = task.target;
    assert!(
        expected == found,
        "expected target: level {expected}; found: level {found}. See {PAGE}#where-the-run-goes\n{tree}"
    );
    let upper = shape.levels.iter().find_map(|level| level.tables.first()).expect("there are runs");
    let after: usize = runs_in(&shape.apply(&task.edit(vec![upper.clone()])));
    assert!(after < runs.len(), "{after} runs afterwards\n{tree}");
}

/// Flush after flush: compaction comes to rest after each, with fewer than `max_runs` runs; and a lookup from the top
/// always finds the newest write of each key.
///
/// Hint: the message holds the tree. Does the merge leave fewer runs than it took? Are they the newest?
///
/// Book: week2/3-tiered.md#a-worked-example
#[test]
fn compaction_comes_to_rest_after_every_flush() {
    let flushes = vec(btree_set(0..120_u16, 1..12), 1..25);
    let grow = |(strategy, below, flushes): (Tiered, usize, Vec<BTreeSet<u16>>)| {
        let mut paper = Paper::new(below);
        for keys in &flushes {
            paper.flush(keys);
            let most: usize = runs_in(&paper.shape);
            assert!(most <= strategy.max_runs.max(2), "{most} runs with {strategy:?}\n{}", drawing(&paper.shape));
            paper.settle(&strategy);
            let runs: usize = runs_in(&paper.shape);
            assert!(runs < strategy.max_runs.max(2), "{runs} runs at rest, {strategy:?}\n{}", drawing(&paper.shape));
        }
        Ok(())
    };
    runner(60).run(&(any_strategy(), 1..6_usize, flushes), grow).unwrap_or_else(|failure| panic!("{failure}"));
}

/// Tiers write less than simple levels: that is what they are for. Both get the same 200 flushes of new keys.
///
/// Hint: if everything is merged each time, look at the order of the rules, and at the comparisons of rules 1 and 2.
/// Else: does the output go low enough? Does what is taken count when the next run is compared?
///
/// Book: week2/3-tiered.md#what-it-costs
#[test]
fn tiers_write_less_than_simple_levels() {
    let tiered = Tiered { max_runs: 8, max_space_amplification: 200, size_ratio: 1, max_level_0_tables: 20 };
    let simple = SimpleLeveled { level_0_tables: 4, level_1_size: 160 * ENTRY, ratio: 4, max_level_0_tables: 12 };
    // Percent of the bytes that were flushed.
    let written = |strategy: &dyn Strategy| {
        let mut paper = Paper::new(6);
        for flush in 0..200_u32 {
            // New keys in an order that looks like chance, so that all tables overlap.
            paper.flush(&(0..10).map(|number| ((flush * 10 + number) * 7919 % 65_521) as u16).collect());
            paper.run(strategy);
        }
        100 * paper.bytes_merged / (2000 * ENTRY)
    };
    let (by_tiers, by_levels) = (written(&tiered), written(&simple));
    assert!(by_tiers * 2 < by_levels, "percent of what was flushed: tiered {by_tiers}, simple levels {by_levels}");
    assert!(by_tiers <= 350, "percent of what was flushed: {by_tiers}, with {tiered:?}");
}
