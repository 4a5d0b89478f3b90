//! Simple leveled compaction on trees that grow on paper, by chance with a fixed seed.

use std::collections::BTreeSet;

use lsm::compaction::{Shape, SimpleLeveled, Strategy, Task};
use proptest::collection::{btree_set, vec};
use proptest::prelude::Strategy as Generator;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::strategies::paper::{ENTRY, Paper};
use crate::strategies::shapes::{check_merges, drawing, tree};

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, rng_seed: RngSeed::Fixed(22), failure_persistence: None, ..Config::default() })
}

fn any_strategy() -> impl Generator<Value = SimpleLeveled> {
    (0..4_usize, 0..300_u64, 0..6_u64, 0..6_usize).prop_map(
        |(level_0_tables, level_1_size, ratio, max_level_0_tables)| SimpleLeveled {
            level_0_tables,
            level_1_size,
            ratio,
            max_level_0_tables,
        },
    )
}

/// Sizes of tables, a list for each level.
fn any_sizes() -> impl Generator<Value = Vec<Vec<u64>>> {
    vec(vec(1..400_u64, 0..5), 2..6)
}

/// Whatever the tree: a task is picked exactly when a level above the last is too large. It takes the uppermost of them
/// and the next one, whole. So no table is left behind that overlaps.
///
/// Hint: the message holds the smallest tree that was found to fail.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn in_any_tree_the_uppermost_level_that_is_too_large_is_picked() {
    let picks = |(strategy, sizes): (SimpleLeveled, Vec<Vec<u64>>)| {
        let shape: Shape = tree(&sizes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let mut too_large = Vec::new();
        let mut limit = strategy.level_1_size;
        if sizes[0].len() >= strategy.level_0_tables.max(1) {
            too_large.push(0);
        }
        for (level, sizes) in sizes.iter().enumerate().skip(1) {
            if sizes.iter().sum::<u64>() > limit {
                too_large.push(level);
            }
            limit *= strategy.ratio;
        }
        let first = too_large.first().copied().filter(|level| *level < shape.last_level());
        let why = format!("levels {too_large:?} are above their limits");
        match first {
            Some(level) => {
                let levels = [level, level + 1];
                let levels: Vec<usize> = levels.into_iter().filter(|level| !sizes[*level].is_empty()).collect();
                check_merges(&strategy, &shape, &levels, first.map_or(0, |level| level + 1), &why);
            }
            None => assert_eq!(strategy.pick(&shape), None, "{why}\n{strategy:?}\n{}", drawing(&shape)),
        }
        Ok(())
    };
    runner(300).run(&(any_strategy(), any_sizes()), picks).unwrap_or_else(|failure| panic!("{failure}"));
}

/// The same shape gives the same task, and asking changes nothing.
///
/// Hint: a strategy has no clock, no chance and no memory.
///
/// Book: week2/2-simple-leveled.md#a-strategy-is-a-pure-function
#[test]
fn the_same_shape_gives_the_same_task() {
    let shape: Shape = tree(&[&[1, 1, 1, 1], &[700, 700], &[1]]);
    let strategy = SimpleLeveled::default();
    let first: Option<Task> = strategy.pick(&shape);
    assert!(first.is_some(), "4 tables of level 0 are too many by default");
    for _ in 0..3 {
        assert_eq!(strategy.pick(&shape), first, "the task for the same shape, asked again");
    }
}

/// Flush after flush: compaction comes to rest after each, with every level within its limit; and a lookup from the top
/// always finds the newest write of each key.
///
/// Hint: the message holds the tree. Which level is above its limit and not picked, or picked again and again?
///
/// Book: week2/2-simple-leveled.md#a-worked-example
#[test]
fn compaction_comes_to_rest_after_every_flush() {
    let strategies = any_strategy().prop_map(|strategy| SimpleLeveled { ratio: strategy.ratio.max(1), ..strategy });
    let flushes = vec(btree_set(0..120_u16, 1..12), 1..25);
    let grow = |(strategy, below, flushes): (SimpleLeveled, usize, Vec<BTreeSet<u16>>)| {
        let mut paper = Paper::new(below);
        for keys in &flushes {
            paper.flush(keys);
            let picked: usize = paper.settle(&strategy);
            assert!(picked <= below, "{picked} tasks after one flush into {below} levels: each goes one level down");
            let shape: &Shape = &paper.shape;
            let why = format!("at rest, with {strategy:?}\n{}", drawing(shape));
            assert!(shape.levels[0].tables.len() < strategy.level_0_tables.max(1), "level 0 is below its limit {why}");
            let mut limit = strategy.level_1_size;
            for level in 1..shape.last_level() {
                assert!(shape.levels[level].size() <= limit, "level {level} may have {limit} bytes {why}");
                limit *= strategy.ratio;
            }
        }
        Ok(())
    };
    runner(60).run(&(strategies, 1..5_usize, flushes), grow).unwrap_or_else(|failure| panic!("{failure}"));
}

/// Tables that come in key order are moved down, not rewritten, as long as the level below is empty.
///
/// Hint: `trivial_move` of what `pick` picks.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn tables_that_come_in_key_order_move() {
    let strategy = SimpleLeveled { level_0_tables: 2, level_1_size: 1000, ratio: 10, max_level_0_tables: 4 };
    let mut paper = Paper::new(3);
    for flush in 0..2_u16 {
        paper.flush(&(flush * 10..flush * 10 + 10).collect());
        paper.settle(&strategy);
    }
    assert_eq!((paper.moves, paper.merges), (1, 0), "two tables apart, into an empty level 1: moves and merges");
    assert_eq!(paper.shape.levels[1].ids(), [1, 2], "level 1 has the tables themselves, in key order");
    assert_eq!(paper.shape.levels[1].size(), 20 * ENTRY, "the size of level 1");
    paper.flush(&(0..20).collect());
    paper.flush(&(0..20).collect());
    paper.settle(&strategy);
    assert_eq!((paper.moves, paper.merges), (1, 1), "tables that overlap are merged: moves and merges");
}
