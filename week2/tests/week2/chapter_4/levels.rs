//! Which level is picked: the one with the greatest score, from 1 on.

use lsm::compaction::{Leveled, Shape, Strategy, Task};

use super::support::{MIB, inputs, pick, picked, sizes, small, way};

/// A tree whose levels are all below their limits needs no compaction.
///
/// Hint: level 0 has a score of 3/4, and the levels one just below 1.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn a_tree_in_good_shape_gives_no_task() {
    let strategy = small();
    assert_eq!(pick(&strategy, &Shape::new(6)), None, "an empty tree");
    assert_eq!(pick(&strategy, &Shape::new(1)), None, "an empty tree with one level");
    assert_eq!(pick(&strategy, &sizes(3, &[0, 0, 998, 9_998, 99_999])), None, "a byte below the targets 999 and 9,999");
    assert_eq!(pick(&strategy, &sizes(3, &[0, 0, 0, 0, 1000])), None, "little data, all in the last level");
}

/// A level that has exactly its target is picked; with a byte less it is not.
///
/// Hint: a score of 1 is enough. `>=`, not `>`.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn a_level_is_due_when_it_has_reached_its_target() {
    let strategy = small();
    for (bytes, expected) in [(99, None), (100, Some((4, 5))), (101, Some((4, 5)))] {
        let found = pick(&strategy, &sizes(0, &[0, 0, 0, bytes, 1001])).map(|task| way(&task));
        assert_eq!(found, expected, "{bytes} bytes in level 4, whose target is 100: from which level to which");
    }
    for (bytes, expected) in [(999, None), (1000, Some((4, 5)))] {
        let found = pick(&strategy, &sizes(0, &[0, 0, 0, bytes, 10_000])).map(|task| way(&task));
        assert_eq!(found, expected, "{bytes} bytes in level 4, whose target is 1,000: from which level to which");
    }
}

/// Level 0 is due when it has `level_0_tables` tables, whatever their sizes; 0 counts as 1.
///
/// Hint: level 0's score counts tables, not bytes. An empty level 0 is never due.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn level_0_is_due_by_its_number_of_tables() {
    let strategy = small();
    for (tables, expected) in [(0, None), (3, None), (4, Some((0, 6))), (5, Some((0, 6)))] {
        let found = pick(&strategy, &sizes(tables, &[0; 6])).map(|task| way(&task));
        assert_eq!(found, expected, "{tables} tables in level 0: from which level to which");
    }
    for level_0_tables in [0, 1] {
        let strategy = Leveled { level_0_tables, ..small() };
        assert_eq!(pick(&strategy, &sizes(0, &[0, 0])), None, "level_0_tables {level_0_tables}, and no table");
        let task: Task = picked(&strategy, &sizes(1, &[0, 0]), "level 0 has a table, and may have none");
        assert_eq!(way(&task), (0, 2), "level_0_tables {level_0_tables}");
    }
}

/// Level 0 is merged into the base level: as long as there are few data, that is the last level, and higher up when
/// there are more.
///
/// Hint: the target is `targets(shape).base_level`. It is not level 1.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn level_0_goes_to_the_base_level() {
    let strategy = small();
    let cases: [(&[u64], usize); 6] = [
        (&[0, 0, 0, 0, 0], 5),
        (&[0, 0, 0, 0, 1000], 5),
        (&[0, 0, 0, 0, 1001], 4),
        (&[0, 0, 0, 50, 9_000], 4),
        (&[0, 0, 0, 50, 20_000], 3),
        (&[0, 1, 0, 0, 1000], 2),
    ];
    for (below, base) in cases {
        let task: Task = picked(&strategy, &sizes(8, below), "level 0 has 8 tables instead of 4");
        let taken: Vec<(usize, Vec<u64>)> = inputs(&task);
        assert_eq!(way(&task), (0, base), "levels 1 to 5 have the bytes {below:?}");
        assert_eq!(taken[0], (0, (1..=8).collect()), "all tables of level 0 go");
    }
}

/// The level with the greatest score is picked, wherever it stands.
///
/// Hint: go through level 0 and all levels from the base level on, and keep the greatest. The first that is due is not
/// enough.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn the_greatest_score_wins() {
    let strategy = small();
    // Targets 100, 1,000 and 10,010 in levels 2, 3 and 4.
    let cases: [(u64, [u64; 4], (usize, usize)); 8] = [
        (4, [0, 150, 1200, 10_010], (2, 3)),
        (4, [0, 120, 1500, 10_010], (3, 4)),
        (5, [0, 120, 1500, 10_010], (3, 4)),
        (5, [0, 150, 1200, 10_010], (2, 3)),
        (6, [0, 120, 1400, 10_010], (0, 2)),
        (8, [0, 120, 1900, 10_010], (0, 2)),
        (3, [0, 99, 1900, 10_010], (3, 4)),
        (3, [0, 190, 1000, 10_010], (2, 3)),
    ];
    for (level_0, below, expected) in cases {
        let task: Task = picked(&strategy, &sizes(level_0, &below), "a score is at least 1");
        let context = format!("{level_0} of 4 tables in level 0; bytes below {below:?}; targets 0, 100, 1001, 10,010");
        assert_eq!(way(&task), expected, "from which level to which; {context}");
    }
}

/// Scores are compared as they are, not rounded: 1.9 is more than 1.1.
///
/// Hint: whole-number division gives 1 for both. Compare a/b with c/d as a·d with c·b.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn scores_are_not_rounded() {
    let strategy = small();
    let task: Task = picked(&strategy, &sizes(5, &[0, 110, 1990, 10_010]), "all three are due");
    assert_eq!(way(&task), (3, 4), "scores 1.25, 1.1 and 1.99");
    let task: Task = picked(&strategy, &sizes(7, &[0, 174, 1700, 10_010]), "all three are due");
    assert_eq!(way(&task), (0, 2), "scores 1.75, 1.74 and 1.7");
    let task: Task = picked(&strategy, &sizes(7, &[0, 176, 1700, 10_010]), "all three are due");
    assert_eq!(way(&task), (2, 3), "scores 1.75, 1.76 and 1.7");
}

/// Of equal scores the upper level's wins.
///
/// Hint: replace the greatest score only by a greater one.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn of_equal_scores_the_upper_level_wins() {
    let strategy = small();
    let task: Task = picked(&strategy, &sizes(4, &[0, 100, 1001, 10_010]), "all three scores are 1");
    assert_eq!(way(&task), (0, 2), "scores 1, 1 and 1");
    let task: Task = picked(&strategy, &sizes(6, &[0, 150, 1001, 10_010]), "two scores are 1.5");
    assert_eq!(way(&task), (0, 2), "scores 1.5, 1.5 and 1");
    let task: Task = picked(&strategy, &sizes(6, &[0, 200, 2002, 10_010]), "two scores are 2");
    assert_eq!(way(&task), (2, 3), "scores 1.5, 2 and 2");
}

/// The last level is never picked: there is no level below it to merge into.
///
/// Hint: scores are asked of the levels from the base level to the one *above* the last.
///
/// Book: week2/4-leveled.md#which-level-the-score
#[test]
fn the_last_level_stays() {
    let strategy = small();
    assert_eq!(pick(&strategy, &sizes(3, &[0, 0, 0, 0, 1 << 40])), None, "all data are in the last of 5 levels");
    assert_eq!(pick(&strategy, &sizes(3, &[1 << 40])), None, "all data are in the only level");
    assert_eq!(way(&picked(&strategy, &sizes(4, &[1 << 40]), "level 0 is full")), (0, 1), "with one level");
}

/// A target of 0 counts as 1: a level that should be empty is due with a single byte.
///
/// Hint: no division by the target, or by 1 at least.
///
/// Book: week2/4-leveled.md#when-the-base-level-moves-down
#[test]
fn a_target_of_0_counts_as_1() {
    let strategy = small();
    // Targets 0, 1, 10, 100 and 1,000.
    let task: Task = picked(&strategy, &sizes(3, &[5, 0, 0, 0, 300]), "level 1 has 5 bytes, and should have none");
    assert_eq!(way(&task), (1, 2), "5 bytes in level 1");
    let task: Task = picked(&strategy, &sizes(8, &[2, 0, 0, 0, 300]), "level 0 and level 1 have scores of 2");
    assert_eq!(way(&task), (0, 1), "scores 8/4 and 2/1: level 0 is the upper one");
    let task: Task = picked(&strategy, &sizes(8, &[3, 0, 0, 0, 300]), "level 1 has a score of 3");
    assert_eq!(way(&task), (1, 2), "scores 8/4 and 3/1");
}

/// Sizes as large as disks are compared without an overflow.
///
/// Hint: the product of two sizes does not fit into a `u64`. Multiply as `u128`.
///
/// Book: week2/4-leveled.md#task-2-pick-a-level
#[test]
fn large_sizes_do_not_overflow() {
    let strategy = Leveled::default();
    let tebibyte = MIB << 20;
    // Targets of 50 TiB, 5 TiB and 0.5 TiB.
    let task: Task = picked(&strategy, &sizes(4, &[tebibyte, 20 * tebibyte, 500 * tebibyte]), "levels 0 and 1 are due");
    assert_eq!(way(&task), (0, 1), "1 TiB of 5 in level 1, 20 of 50 in level 2");
    let task: Task = picked(&strategy, &sizes(4, &[6 * tebibyte, 65 * tebibyte, 500 * tebibyte]), "all are due");
    assert_eq!(way(&task), (2, 3), "6 TiB of 5 in level 1, 65 of 50 in level 2");
}

/// Writes wait when level 0 has `max_level_0_tables` tables, but not before compaction begins; and never at 0.
///
/// Hint: the greatest of `max_level_0_tables`, `level_0_tables` and 1. A limit below `level_0_tables` would stop
/// writers while nobody works.
///
/// Book: week2/4-leveled.md#task-4-where-writes-wait
#[test]
fn writes_wait_where_level_0_is_being_compacted() {
    for (level_0_tables, max_level_0_tables, expected) in
        [(4, 12, 12), (4, 4, 4), (4, 3, 4), (4, 0, 4), (0, 0, 1), (0, 1, 1), (1, 0, 1), (0, 5, 5), (9, 5, 9)]
    {
        let strategy = Leveled { level_0_tables, max_level_0_tables, ..small() };
        let limit: Option<usize> = strategy.level_0_limit();
        assert_eq!(limit, Some(expected), "{strategy:?}");
        let full = sizes(expected as u64, &[0, 0, 0]);
        assert!(
            pick(&strategy, &full).is_some(),
            "writers wait at {expected} tables, and nothing is picked: {strategy:?}"
        );
    }
}
