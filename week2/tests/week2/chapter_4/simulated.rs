//! A tree that is flushed into and compacted, again and again: what holds at each step, and when it has settled.

use std::collections::BTreeSet;

use lsm::compaction::{Leveled, Targets};

use super::support::{Random, inputs};
use super::tree::{ENTRY, Tree};

/// Demands that no level is as large as its target, that nothing is above the base level, and that level 0 is short.
fn check_settled(tree: &Tree, when: &str) {
    let targets: Targets = tree.strategy.targets(&tree.shape);
    let levels = &tree.shape.levels;
    let context = || format!("{when}; {}; {targets:?}", tree.draw());
    assert!(levels[0].tables.len() < tree.strategy.level_0_tables.max(1), "level 0 is due: {}", context());
    let below = levels.iter().zip(&targets.sizes).enumerate().take(tree.shape.last_level()).skip(1);
    for (level, (tables, target)) in below {
        let is_used = level >= targets.base_level;
        assert!(is_used || tables.tables.is_empty(), "level {level}, above the base level, has tables: {}", context());
        assert!(!is_used || tables.size() < (*target).max(1), "level {level} is due: {}", context());
    }
}

/// Whatever is flushed, compaction comes to an end, and then every level is below its target. Each task on the way
/// keeps the tree's rule.
///
/// Hint: a task that breaks the rule is refused by `Shape::check`, whose message names the table. If it does not end,
/// look whether the same tables are picked again.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn under_random_flushes_every_level_keeps_its_target() {
    for seed in 0..24 {
        let mut random = Random(seed);
        let strategy = Leveled {
            level_0_tables: random.below(6) as usize,
            base_size: random.below(100) * ENTRY,
            ratio: random.below(8),
            max_level_0_tables: 8,
        };
        let mut tree = Tree::new(strategy, 1 + random.below(6) as usize, 1 + random.below(40) as usize);
        let keys = 50 + random.below(1500);
        for flush in 0..60 {
            let (begin, width) = (random.below(keys), 1 + random.below(keys));
            let numbers = (0..1 + random.below(40)).map(|_| ((begin + random.below(width)) % keys) as u32);
            let numbers: BTreeSet<u32> = numbers.collect();
            tree.flush(numbers);
            // Sometimes several flushes come before the compactor does.
            if random.below(3) > 0 {
                tree.settle();
                check_settled(&tree, &format!("seed {seed}, flush {flush}, {:?}", tree.strategy));
            }
        }
    }
}

/// A level that is fed evenly gives its tables away evenly: between two turns of one part of the key space, every other
/// part has a turn.
///
/// Hint: the cursor moves with every task, and begins anew behind the last table.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn every_part_of_the_key_space_has_its_turn() {
    let strategy = Leveled { level_0_tables: 2, base_size: 1000, ratio: 4, max_level_0_tables: 8 };
    let mut tree = Tree::new(strategy, 4, 10);
    let mut random = Random(7);
    // The last number of each table that left level 3.
    let mut turns: Vec<u32> = Vec::new();
    for _ in 0..400 {
        tree.flush((0..50).map(|_| random.below(2000) as u32));
        for task in tree.settle() {
            if let Some((3, last_key)) = &task.cursor {
                turns.push(str::from_utf8(last_key).expect("digits").parse::<u32>().expect("a number"));
            }
        }
    }
    let rounds = turns.windows(2).filter(|pair| pair[1] <= pair[0]).count();
    assert!(
        turns.len() > 200,
        "level 3 should have given away hundreds of tables, not {}: {}",
        turns.len(),
        tree.draw()
    );
    assert!(rounds >= 3, "in {} turns of level 3 the cursor began anew {rounds} times: {turns:?}", turns.len());
    for (at, pair) in turns.windows(2).enumerate() {
        let is_new_round = pair[1] <= pair[0];
        assert!(!is_new_round || pair[0] > 1600, "turn {at}: back from {} to {} of 2,000", pair[0], pair[1]);
        assert!(is_new_round || pair[1] - pair[0] < 600, "turn {at}: from {} to {} of 2,000", pair[0], pair[1]);
    }
}

/// Overwritten entries take little: when a tree has settled, it has at most 1 + 1/(ratio − 1) times the last level's
/// bytes, and what is in level 0.
///
/// Hint: this is what targets computed from below bring. Targets computed from above, or a base level at level 1, leave
/// a last level that is small against the others.
///
/// Book: week2/4-leveled.md#what-it-costs
#[test]
fn overwritten_entries_take_little_space() {
    for (ratio, keys) in [(4, 2500), (10, 3000), (10, 1100)] {
        let strategy = Leveled { level_0_tables: 2, base_size: 1000, ratio, max_level_0_tables: 8 };
        let mut tree = Tree::new(strategy, 6, 25);
        let mut random = Random(ratio);
        for numbers in (0..keys as u32).collect::<Vec<u32>>().chunks(50) {
            tree.flush(numbers.iter().copied());
            tree.settle();
        }
        for flush in 0..120 {
            tree.flush((0..50).map(|_| random.below(keys) as u32));
            tree.settle();
            let live = keys * ENTRY;
            let below = tree.shape.size() - tree.shape.levels[0].size();
            let bound = live + live / (ratio - 1);
            let context = || format!("ratio {ratio}, {keys} keys, flush {flush}: {}", tree.draw());
            assert!(below <= bound, "{below} bytes for {live} live ones, more than {bound}; {}", context());
        }
        assert_eq!(tree.live(), keys, "no number is lost");
    }
}

/// Each step is small: a table goes with what it overlaps, so a step from a level below level 0 rewrites about `ratio`
/// tables, however large the tree is.
///
/// Hint: one table, not its whole level; and only what overlaps, not all of the target.
///
/// Book: week2/4-leveled.md#what-it-costs
#[test]
fn each_step_is_small() {
    let strategy = Leveled { level_0_tables: 2, base_size: 1000, ratio: 4, max_level_0_tables: 8 };
    let mut tree = Tree::new(strategy, 5, 10);
    let mut random = Random(3);
    let (mut largest, mut steps, mut along) = (0, 0, 0);
    for _ in 0..200 {
        tree.flush((0..50).map(|_| random.below(6000) as u32));
        let tables = tree.shape.tables().count();
        for task in tree.settle() {
            let taken: Vec<(usize, Vec<u64>)> = inputs(&task);
            if taken[0].0 > 0 {
                assert_eq!(taken[0].1.len(), 1, "one table goes down at a time: {task:?}");
                let overlapping = taken.get(1).map_or(0, |(_, tables)| tables.len());
                (steps, along, largest) = (steps + 1, along + overlapping, largest.max(overlapping));
                assert!(overlapping * 4 < tables.max(100), "{overlapping} of {tables} tables went along: {task:?}");
            }
        }
    }
    assert!(steps > 300, "only {steps} tables went down, of {}", tree.draw());
    assert!(along < steps * 8, "with {steps} tables that went down, {along} were rewritten; the ratio is 4");
}

/// All that is flushed is still there after any number of compactions.
///
/// Hint: a task must name each of its tables once, and at the level where it is.
///
/// Book: week2/4-leveled.md#what-goes-along
#[test]
fn no_table_is_lost_or_named_twice() {
    let strategy = Leveled { level_0_tables: 3, base_size: 300, ratio: 3, max_level_0_tables: 8 };
    let mut tree = Tree::new(strategy, 4, 7);
    let mut random = Random(11);
    let mut model: BTreeSet<u32> = BTreeSet::new();
    for flush in 0..150 {
        let numbers: Vec<u32> = (0..1 + random.below(20)).map(|_| random.below(700) as u32).collect();
        model.extend(&numbers);
        tree.flush(numbers);
        while let Some(task) = tree.step() {
            let mut ids: Vec<u64> = task.tables().collect();
            ids.sort();
            assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "a table is named twice: {task:?}");
            assert_eq!(tree.live(), model.len() as u64, "how many numbers there are, after {task:?} at flush {flush}");
        }
    }
}
