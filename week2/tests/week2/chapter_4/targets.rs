//! Target sizes and the base level.

use lsm::compaction::{Leveled, Shape, Targets};

use super::support::{MIB, Random, shape, sizes, small, table};

fn targets(strategy: &Leveled, shape: &Shape) -> (usize, Vec<u64>) {
    let targets: Targets = strategy.targets(shape);
    assert_eq!(targets.sizes.len(), shape.levels.len(), "one target for each level, level 0 included: {targets:?}");
    (targets.base_level, targets.sizes)
}

/// In a tree of no tables the last level is the base level, and its target is `base_size`.
///
/// Hint: begin at the last level, not at level 1. Small data go straight to the bottom.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn an_empty_tree_is_fed_at_its_last_level() {
    assert_eq!(targets(&small(), &Shape::new(6)), (6, vec![0, 0, 0, 0, 0, 0, 1000]));
    assert_eq!(targets(&small(), &Shape::new(3)), (3, vec![0, 0, 0, 1000]));
    assert_eq!(targets(&small(), &Shape::new(1)), (1, vec![0, 1000]));
}

/// The last level's true size sets the targets above it: each is the one below divided by `ratio`, up to the first that
/// is not above `base_size`. That level is the base level.
///
/// Hint: start with the last level's bytes and divide while the number is above `base_size`.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn targets_follow_from_the_size_of_the_last_level() {
    let strategy = Leveled::default();
    let found = targets(&strategy, &sizes(3, &[0, 0, 0, 20 * MIB, 330 * MIB, 3000 * MIB]));
    assert_eq!(found, (4, vec![0, 0, 0, 0, 30 * MIB, 300 * MIB, 3000 * MIB]), "3,000 MiB, base_size 64 MiB, ratio 10");
    // What the upper levels hold makes no difference.
    let found = targets(&strategy, &sizes(0, &[0, 0, 0, 900 * MIB, 7 * MIB, 3000 * MIB]));
    assert_eq!(found, (4, vec![0, 0, 0, 0, 30 * MIB, 300 * MIB, 3000 * MIB]), "the same last level");
}

/// A level whose target is exactly `base_size` is the base level; with a byte more there is another level above it.
///
/// Hint: a further level is needed only for a target *above* `base_size`.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn a_target_of_base_size_is_small_enough() {
    assert_eq!(
        targets(&small(), &sizes(0, &[0, 0, 0, 999])),
        (4, vec![0, 0, 0, 0, 1000]),
        "999 bytes in the last level"
    );
    assert_eq!(targets(&small(), &sizes(0, &[0, 0, 0, 1000])), (4, vec![0, 0, 0, 0, 1000]), "1,000 in the last level");
    assert_eq!(
        targets(&small(), &sizes(0, &[0, 0, 0, 1001])),
        (3, vec![0, 0, 0, 100, 1001]),
        "1,001 in the last level"
    );
    assert_eq!(targets(&small(), &sizes(0, &[0, 0, 0, 10_000])), (3, vec![0, 0, 0, 1000, 10_000]));
    assert_eq!(targets(&small(), &sizes(0, &[0, 0, 0, 10_010])), (2, vec![0, 0, 100, 1001, 10_010]));
}

/// Each target is rounded down before the next is computed from it.
///
/// Hint: whole numbers all the way; no floating point.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn targets_are_rounded_down() {
    let strategy = Leveled { base_size: 5, ratio: 3, ..small() };
    assert_eq!(targets(&strategy, &sizes(0, &[0, 0, 0, 0, 98])), (2, vec![0, 0, 3, 10, 32, 98]), "98, 32.7, 10.7, 3.3");
}

/// Level 1 is as far up as targets go, however large the last level is.
///
/// Hint: level 0 has no target. Stop at level 1.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn the_base_level_is_never_level_0() {
    let huge = 1 << 50;
    assert_eq!(targets(&small(), &sizes(0, &[0, huge])), (1, vec![0, huge / 10, huge]), "two levels below level 0");
    assert_eq!(targets(&small(), &sizes(0, &[huge])), (1, vec![0, huge]), "one level below level 0");
    let strategy = Leveled { base_size: 0, ..small() };
    assert_eq!(targets(&strategy, &sizes(0, &[0, 0, 50])), (1, vec![0, 0, 5, 50]), "base_size 0, and then target 0");
}

/// A ratio of 0 or 1 counts as 2.
///
/// Hint: dividing by 0 panics, and dividing by 1 never gets anywhere.
///
/// Book: week2/4-leveled.md#task-1-targets
#[test]
fn the_ratio_is_at_least_2() {
    for ratio in [0, 1, 2] {
        let strategy = Leveled { ratio, ..small() };
        let found = targets(&strategy, &sizes(0, &[0, 0, 0, 0, 3000]));
        assert_eq!(found, (3, vec![0, 0, 0, 750, 1500, 3000]), "ratio {ratio}");
    }
    let strategy = Leveled { ratio: 3, ..small() };
    assert_eq!(targets(&strategy, &sizes(0, &[0, 0, 0, 0, 3000])), (4, vec![0, 0, 0, 0, 1000, 3000]), "ratio 3");
}

/// A level that has tables is never above the base level: targets go on upwards until they have reached it.
///
/// Hint: after a change of the options, or when much was deleted, a level can have tables although the last level is
/// small. Level 0 must not be merged past it.
///
/// Book: week2/4-leveled.md#when-the-base-level-moves-down
#[test]
fn a_level_with_tables_is_not_left_above_the_base_level() {
    let found = targets(&small(), &sizes(0, &[0, 7, 0, 0, 500]));
    assert_eq!(found, (2, vec![0, 0, 1, 10, 100, 1000]), "tables in level 2, and a last level of 500 bytes");
    let found = targets(&small(), &sizes(0, &[5, 7, 0, 0, 500]));
    assert_eq!(found, (1, vec![0, 0, 1, 10, 100, 1000]), "1 / 10 is 0, rounded down");
    let found = targets(&small(), &sizes(0, &[0, 0, 7, 0, 0]));
    assert_eq!(found, (3, vec![0, 0, 0, 10, 100, 1000]), "an empty last level");
    let found = targets(&small(), &sizes(0, &[0, 0, 7, 0, 30_000]));
    assert_eq!(found, (3, vec![0, 0, 0, 300, 3000, 30_000]), "level 3 would be the base level anyway");
    let found = targets(&small(), &sizes(0, &[0, 0, 0, 7, 30_000]));
    assert_eq!(found, (3, vec![0, 0, 0, 300, 3000, 30_000]), "a base level without tables");
    let found = targets(&small(), &sizes(9, &[0, 0, 0, 0, 500]));
    assert_eq!(found, (5, vec![0, 0, 0, 0, 0, 1000]), "level 0 is no such level");
}

/// A level's size is that of all its tables.
///
/// Hint: `LevelShape::size`.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn all_tables_of_the_last_level_count() {
    let tables = (0..30).map(|id| table(id, 100, &format!("{id:02}a"), &format!("{id:02}z"))).collect();
    assert_eq!(targets(&small(), &shape(2, [(2, tables)])), (1, vec![0, 300, 3000]));
}

/// Over all shapes: between the base level and the last each target is a `ratio`th of the next, only the base level's
/// may be `base_size` or less, and no level above it has tables or a target.
///
/// Hint: the message holds a shape for which this is not so. Compute its targets by hand.
///
/// Book: week2/4-leveled.md#level-sizes-from-below
#[test]
fn targets_hold_together_on_any_shape() {
    let mut random = Random(24);
    for _ in 0..2000 {
        let below = 1 + random.below(7) as usize;
        let sparse = random.below(4) == 0;
        let largest = 1_u64 << random.below(40);
        let level = |random: &mut Random| if sparse && random.below(3) == 0 { 1 + random.below(3000) } else { 0 };
        let mut bytes: Vec<u64> = (0..below).map(|_| level(&mut random)).collect();
        bytes[below - 1] = random.below(largest);
        let shape = sizes(random.below(6), &bytes);
        let strategy = Leveled { base_size: 1 + random.below(5000), ratio: 2 + random.below(12), ..small() };
        let (base, found) = targets(&strategy, &shape);
        let context = || format!("base level {base}, targets {found:?} for {strategy:?} and the sizes {bytes:?}");
        assert!((1..=below).contains(&base), "the base level is one below level 0: {}", context());
        assert_eq!(found[below], bytes[below - 1].max(strategy.base_size), "the last level's target: {}", context());
        assert!(found[..base].iter().all(|target| *target == 0), "targets above the base level: {}", context());
        for level in base..below {
            assert_eq!(found[level], found[level + 1] / strategy.ratio, "level {level}'s target: {}", context());
        }
        let first_with_tables = (1..below).find(|level| bytes[level - 1] > 0).unwrap_or(below);
        assert!(first_with_tables >= base, "tables above the base level: {}", context());
        assert!(base == 1 || found[base] <= strategy.base_size, "one more level is needed: {}", context());
        let is_needed = |level: usize| found[level] > strategy.base_size || first_with_tables < level;
        assert!((base + 1..=below).all(is_needed), "a level fewer would do: {}", context());
    }
}
