//! What simple leveled compaction picks, on shapes made by hand.

use lsm::compaction::{Shape, SimpleLeveled, Strategy};

use crate::strategies::shapes::{check_merges, check_rests, tree};

/// Level 0 from 3 tables on; level 1 above 100 bytes, level 2 above 1000, level 3 above 10,000.
fn strategy() -> SimpleLeveled {
    SimpleLeveled { level_0_tables: 3, level_1_size: 100, ratio: 10, max_level_0_tables: 6 }
}

/// Level 1 may have `level_1_size` bytes, and each further level `ratio` times the one above it.
///
/// Hint: level 1 is multiplied by nothing, level 2 once.
///
/// Book: week2/2-simple-leveled.md#task-1-limits
#[test]
fn limits_grow_by_the_ratio() {
    let limits: Vec<u64> = (1..5).map(|level| strategy().limit(level)).collect();
    assert_eq!(limits, [100, 1000, 10_000, 100_000], "limits of levels 1 to 4 with 100 bytes and ratio 10");
    let default: SimpleLeveled = SimpleLeveled::default();
    let limits: Vec<u64> = (1..4).map(|level| default.limit(level)).collect();
    assert_eq!(limits, [64 << 20, 256 << 20, 1024 << 20], "limits of levels 1 to 3 by default");
}

/// A limit that does not fit into 64 bits is `u64::MAX`.
///
/// Hint: `saturating_mul`, at each level.
///
/// Book: week2/2-simple-leveled.md#task-1-limits
#[test]
fn a_limit_does_not_overflow() {
    let strategy = SimpleLeveled { ratio: 1 << 20, level_1_size: 1 << 20, ..strategy() };
    let limits: Vec<u64> = (1..6).map(|level| strategy.limit(level)).collect();
    assert_eq!(limits, [1 << 20, 1 << 40, 1 << 60, u64::MAX, u64::MAX], "limits with ratio 2^20, from 2^20 on");
    let shape: Shape = tree(&[&[], &[1 << 20], &[1 << 40], &[1 << 60], &[u64::MAX / 2], &[1], &[1]]);
    check_rests(&strategy, &shape, "each level is at most as large as its limit");
}

/// An empty tree needs nothing, and neither does one that is within its limits.
///
/// Hint: if nothing is too large, the answer is `None`.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn a_tree_within_its_limits_is_left_alone() {
    for below in 1..5 {
        check_rests(&strategy(), &Shape::new(below), "an empty tree needs no compaction");
    }
    check_rests(&strategy(), &tree(&[&[900, 900], &[50, 50], &[1000], &[10_000], &[5]]), "no level is above its limit");
}

/// Level 0 is merged when it has `level_0_tables` tables, not one earlier, whatever their bytes.
///
/// Hint: `>=`, and the number of tables.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn level_0_is_merged_when_it_has_enough_tables() {
    check_rests(&strategy(), &tree(&[&[5000, 5000], &[60], &[]]), "2 tables of level 0, and 3 begin a merge");
    check_merges(&strategy(), &tree(&[&[1, 1, 1], &[60], &[]]), &[0, 1], 1, "3 tables of level 0 begin a merge");
    check_merges(&strategy(), &tree(&[&[1, 1, 1, 1], &[60], &[]]), &[0, 1], 1, "and so do 4");
}

/// A `level_0_tables` of 0 counts as 1: a level 0 without tables is never merged.
///
/// Hint: `.max(1)`.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn a_level_0_limit_of_0_counts_as_1() {
    let strategy = SimpleLeveled { level_0_tables: 0, ..strategy() };
    check_rests(&strategy, &Shape::new(3), "an empty tree, with level_0_tables = 0");
    check_rests(&strategy, &tree(&[&[], &[60], &[200]]), "nothing is in level 0, with level_0_tables = 0");
    check_merges(&strategy, &tree(&[&[1], &[60], &[200]]), &[0, 1], 1, "one table is in level 0, level_0_tables = 0");
}

/// A level below level 0 is merged into the next when it has more bytes than its limit, all its tables counted.
///
/// Hint: `>`, against `limit(level)`, and the bytes of the whole level.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn a_level_is_merged_when_it_is_above_its_limit() {
    check_rests(&strategy(), &tree(&[&[], &[40, 40, 20], &[7]]), "level 1 has 100 bytes and may have 100");
    check_merges(&strategy(), &tree(&[&[], &[40, 40, 21], &[7]]), &[1, 2], 2, "level 1 has 101 bytes and may have 100");
    check_rests(&strategy(), &tree(&[&[], &[], &[1000], &[7]]), "level 2 has 1000 bytes and may have 1000");
    check_merges(
        &strategy(),
        &tree(&[&[], &[], &[999, 2], &[7]]),
        &[2, 3],
        3,
        "level 2 has 1001 bytes and may have 1000",
    );
    check_rests(&strategy(), &tree(&[&[], &[1; 100], &[], &[]]), "100 tables of a byte are 100 bytes");
}

/// All tables of the level go, and all of the next one are merged with them, overlapping or not.
///
/// Hint: `ids()` of both levels.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn whole_levels_are_merged() {
    let many = tree(&[&[1, 1, 1, 1, 1], &[9, 9, 9], &[9]]);
    check_merges(&strategy(), &many, &[0, 1], 1, "all 5 tables of level 0 and all 3 of level 1");
    let lower = tree(&[&[1, 1], &[60, 60, 60], &[9, 9, 9, 9, 9], &[9]]);
    check_merges(&strategy(), &lower, &[1, 2], 2, "all 3 tables of level 1 and all 5 of level 2; level 0 stays");
}

/// Where the next level is empty, the level goes there alone.
///
/// Hint: nothing special: the next level has no ids.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn an_empty_level_is_a_target_too() {
    check_merges(&strategy(), &tree(&[&[1, 1, 1], &[], &[7]]), &[0], 1, "level 1 is empty, and still the next one");
    check_merges(&strategy(), &tree(&[&[], &[101], &[], &[7]]), &[1], 2, "level 2 is empty, and still the next one");
}

/// Level 0 comes first, even where a level below it is further above its limit.
///
/// Hint: from the top down, the first that is too large.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn level_0_comes_first() {
    let shape = tree(&[&[1, 1, 1], &[9000], &[90_000], &[7]]);
    check_merges(&strategy(), &shape, &[0, 1], 1, "levels 0, 1 and 2 are too large: level 0 is first");
}

/// Of several levels that are too large, the uppermost is picked, however far the others are above their limits.
///
/// Hint: from the top down, the first that is too large.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn the_uppermost_level_above_its_limit_is_picked() {
    let shape = tree(&[&[1], &[101], &[50_000], &[90_000], &[7]]);
    check_merges(&strategy(), &shape, &[1, 2], 2, "levels 1, 2 and 3 are too large: level 1 is first");
    let shape = tree(&[&[1], &[100], &[1001], &[90_000], &[7]]);
    check_merges(&strategy(), &shape, &[2, 3], 3, "levels 2 and 3 are too large: level 2 is first");
}

/// The last level has no limit: there is nowhere to go.
///
/// Hint: ask the levels above `last_level()` only.
///
/// Book: week2/2-simple-leveled.md#task-2-pick
#[test]
fn the_last_level_may_be_of_any_size() {
    check_rests(&strategy(), &tree(&[&[], &[90_000]]), "level 1 is the last level");
    check_rests(&strategy(), &tree(&[&[1, 1], &[], &[], &[1 << 40]]), "level 3 is the last level");
    check_merges(&strategy(), &tree(&[&[1, 1, 1], &[90_000]]), &[0, 1], 1, "level 0 still merges into the last level");
}

/// Writes wait when level 0 has `max_level_0_tables`; less than `level_0_tables` counts as that, and 0 as 1: at the
/// limit there is always something to pick.
///
/// Hint: the greatest of the two fields and 1.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn at_the_limit_of_level_0_there_is_a_task() {
    for (level_0_tables, max_level_0_tables, expected) in
        [(3, 6, 6), (3, 3, 3), (3, 2, 3), (5, 0, 5), (0, 0, 1), (0, 1, 1), (1, 0, 1), (0, 4, 4)]
    {
        let strategy = SimpleLeveled { level_0_tables, max_level_0_tables, ..strategy() };
        let found: Option<usize> = strategy.level_0_limit();
        assert_eq!(found, Some(expected), "the limit of level 0 of {strategy:?}");
        let full = tree(&[&vec![1; expected], &[], &[]]);
        check_merges(&strategy, &full, &[0], 1, "level 0 is at its limit, so that writes wait for a compaction");
    }
}
