//! Tiered compaction on trees that grow on paper, by chance with a fixed seed.

use std::collections::BTreeSet;

use lsm::compaction::{Shape, SimpleLeveled, Strategy, Task, Tiered};
use proptest::collection::{btree_set, vec};
use proptest::prelude::Strategy as Generator;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::strategies::paper::{ENTRY, Paper, runs_in};
use crate::strategies::shapes::{drawing, tree};

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

/// Whatever the tree: a task is picked exactly when there are `max_runs` runs. It takes at least two, the newest ones,
/// whole; its output lies above all others; and afterwards there are fewer.
///
/// Hint: the message holds the smallest tree that was found to fail.
///
/// Book: week2/3-tiered.md#task-2-where-to
#[test]
fn in_any_tree_the_newest_runs_are_merged() {
    let sizes = vec(vec(1..400_u64, 0..5), 2..7);
    let picks = |(strategy, sizes): (Tiered, Vec<Vec<u64>>)| {
        let shape: Shape = tree(&sizes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let runs = runs_in(&shape);
        let why = format!("{runs} runs, {strategy:?}\n{}", drawing(&shape));
        let picked: Option<Task> = strategy.pick(&shape);
        assert_eq!(picked.is_some(), runs >= strategy.max_runs.max(2), "whether a task is picked: {why}");
        let Some(task) = picked else { return Ok(()) };
        let checked: lsm::Result<()> = shape.check(&task);
        checked.unwrap_or_else(|error| panic!("{error}: {why}"));
        let taken: BTreeSet<u64> = task.tables().collect();
        let has_run = |level: &usize| !shape.levels[*level].tables.is_empty();
        let levels: Vec<usize> = (0..=task.target).filter(has_run).collect();
        let expected: BTreeSet<u64> = levels.iter().flat_map(|level| shape.levels[*level].ids()).collect();
        assert_eq!(taken, expected, "all tables of the levels down to the target {}: {why}", task.target);
        let older = (task.target + 1..shape.levels.len()).find(has_run);
        let place = older.map_or(shape.last_level(), |level| level - 1);
        assert_eq!(task.target, place, "the target is just above the next older run, or the last level: {why}");
        let after: Shape = shape.apply(&task.edit(vec![shape.levels[levels[0]].tables[0].clone()]));
        assert!(runs_in(&after) < runs, "{} runs afterwards: {why}", runs_in(&after));
        Ok(())
    };
    runner(400).run(&(any_strategy(), sizes), picks).unwrap_or_else(|failure| panic!("{failure}"));
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
