//! Where a merged run goes, and what has to come along, on shapes made by hand.

use lsm::compaction::Tiered;

use crate::strategies::shapes::{check_merges, tree};

/// From 3 runs on. Rule 1 hardly ever applies, and a run joins only if it is no larger than those before it.
fn strategy() -> Tiered {
    Tiered { max_runs: 3, max_space_amplification: 100_000, size_ratio: 0, max_level_0_tables: 8 }
}

/// The merged run goes to the level above the next older run.
///
/// Hint: the next older run's level, minus 1.
///
/// Book: week2/3-tiered.md#where-the-run-goes
#[test]
fn the_output_goes_above_the_next_older_run() {
    check_merges(&strategy(), &tree(&[&[9, 9], &[], &[], &[], &[99]]), &[0], 3, "level 4 has the next older run");
    check_merges(&strategy(), &tree(&[&[9, 9], &[], &[], &[99], &[]]), &[0], 2, "level 3 has the next older run");
    check_merges(&strategy(), &tree(&[&[9, 9], &[], &[99], &[], &[]]), &[0], 1, "level 2 has the next older run");
    let middle = tree(&[&[9], &[], &[8], &[], &[], &[99]]);
    check_merges(
        &strategy(),
        &middle,
        &[0, 2],
        4,
        "the merged runs are in levels 0 and 2, the next older one in level 5",
    );
    let full = tree(&[&[9], &[8], &[], &[], &[99], &[999]]);
    check_merges(&strategy(), &full, &[0, 1], 3, "level 4 has the next older run; level 5 does not matter");
}

/// Where no older run is left, the output goes to the last level.
///
/// Hint: `last_level()`.
///
/// Book: week2/3-tiered.md#where-the-run-goes
#[test]
fn the_oldest_run_goes_to_the_last_level() {
    check_merges(&strategy(), &tree(&[&[9, 9, 9], &[], &[], &[]]), &[0], 3, "nothing lies below level 0");
    check_merges(&strategy(), &tree(&[&[9, 9], &[9], &[], &[]]), &[0, 1], 3, "nothing lies below level 1");
    check_merges(&strategy(), &tree(&[&[9, 9], &[], &[], &[18]]), &[0, 3], 3, "the last level is merged too");
    check_merges(&strategy(), &tree(&[&[9, 9, 9], &[]]), &[0], 1, "there is one level below level 0");
}

/// Level 0 is taken whole, even where the rule wants fewer runs of it.
///
/// Hint: at least as many runs as level 0 has tables.
///
/// Book: week2/3-tiered.md#what-has-to-come-along
#[test]
fn all_of_level_0_comes_along() {
    // Rule 2 wants 9 and 9. 19 is more than both.
    let two_wanted = tree(&[&[9, 9, 19, 200], &[], &[], &[9000]]);
    check_merges(&strategy(), &two_wanted, &[0], 2, "rule 2 wants two of the four tables of level 0");
    // Rule 3 wants 5 - 3 + 2 = 4 of the five.
    let four_wanted = tree(&[&[9, 10, 100, 1000, 9000], &[], &[], &[]]);
    check_merges(&strategy(), &four_wanted, &[0], 3, "rule 3 wants four of the five tables of level 0");
    // Rule 2 wants both tables of level 0. 19 is more than both.
    let below = tree(&[&[9, 9], &[], &[19], &[], &[200]]);
    check_merges(&strategy(), &below, &[0], 1, "rule 2 wants both tables of level 0, and no more has to come");
}

/// A run of level 1 comes along, since above it there is only level 0.
///
/// Hint: the output has to lie above the next older run, and not in level 0. If that run stayed in level 1, no level would
/// be left. So level 1 is taken, whatever its size; and the run behind it says where the output goes.
///
/// Book: week2/3-tiered.md#what-has-to-come-along
#[test]
fn a_run_of_level_1_comes_along() {
    let shape = tree(&[&[9, 9], &[1000], &[9000], &[]]);
    check_merges(&strategy(), &shape, &[0, 1], 1, "rule 2 wants level 0, but its output has no place above level 1");
    let shape = tree(&[&[9, 9], &[1000], &[], &[], &[9000]]);
    check_merges(&strategy(), &shape, &[0, 1], 3, "with level 1 the output goes above level 4");
    let shape = tree(&[&[9, 9], &[1000], &[], &[]]);
    check_merges(&strategy(), &shape, &[0, 1], 3, "with level 1 everything is merged, into the last level");
    let shape = tree(&[&[9, 9], &[1000]]);
    check_merges(&strategy(), &shape, &[0, 1], 1, "level 1 is the last level");
}

/// A run that is no larger than the merged ones joins them, by the same measure as in rule 2, whatever made them so many.
/// Else a run that rule 3 has made large would be written again with every flush.
///
/// Hint: a loop: the next older run joins if it is in level 0 or 1, or within the ratio of all that were taken so far.
///
/// Book: week2/3-tiered.md#what-has-to-come-along
#[test]
fn a_run_that_is_no_larger_comes_along() {
    let strategy = Tiered { max_runs: 4, size_ratio: 10, ..strategy() };
    // Rule 2 does not apply: 100 is more than 110 % of 10. Rule 3 wants 4 - 4 + 2 = 2 runs, which have 110 bytes.
    let joins = tree(&[&[10], &[100], &[121], &[9000]]);
    check_merges(&strategy, &joins, &[0, 1, 2], 2, "level 2 has 110 % of the 110 bytes that rule 3 takes");
    let stays = tree(&[&[10], &[100], &[122], &[9000]]);
    check_merges(&strategy, &stays, &[0, 1], 1, "level 2 has more than 110 % of the 110 bytes that rule 3 takes");
    let two_join = tree(&[&[10], &[100], &[], &[90], &[210], &[9000]]);
    check_merges(&strategy, &two_join, &[0, 1, 3, 4], 4, "level 3 joins, and then level 4 has 105 % of 200 bytes");
    let small = tree(&[&[10], &[100], &[300], &[5], &[90_000]]);
    check_merges(&strategy, &small, &[0, 1, 2, 3], 3, "5 runs, so rule 3 wants 3; level 3 is smaller, and joins");
}

/// The merge ends at the first run that does not join. A run behind it stays, even a small one: no run may be left out
/// in between.
///
/// Hint: leave the loop at the first run that does not join, rather than filter all of them.
///
/// Book: week2/3-tiered.md#what-has-to-come-along
#[test]
fn a_small_run_behind_one_that_stays_stays_too() {
    let strategy = Tiered { max_runs: 4, max_space_amplification: u64::MAX, size_ratio: 10, ..strategy() };
    // Rule 3 wants 4 - 4 + 2 = 2 runs.
    let shape = tree(&[&[10], &[], &[], &[1000], &[], &[20_000], &[5]]);
    let why = "level 5 has more than 110 % of 1010 bytes and stays; so does level 6, which has 5";
    check_merges(&strategy, &shape, &[0, 3], 4, why);
}

/// What came along counts when the next run is compared.
///
/// Hint: the bytes of everything that is merged so far, level 0 and level 1 included.
///
/// Book: week2/3-tiered.md#what-has-to-come-along
#[test]
fn what_came_along_counts() {
    // Rule 2 wants 9 and 9; the other two of level 0 come along: 237 bytes.
    let shape = tree(&[&[9, 9, 19, 200], &[], &[237], &[], &[9000]]);
    check_merges(&strategy(), &shape, &[0, 2], 3, "level 2 is not larger than the 237 bytes of level 0");
    let shape = tree(&[&[9, 9, 19, 200], &[], &[238], &[], &[9000]]);
    check_merges(&strategy(), &shape, &[0], 1, "level 2 is larger than the 237 bytes of level 0");
    // Rule 2 wants level 0; level 1 comes along: 1018 bytes.
    let shape = tree(&[&[9, 9], &[1000], &[1018], &[], &[9000]]);
    check_merges(&strategy(), &shape, &[0, 1, 2], 3, "level 2 is not larger than levels 0 and 1 together");
    let shape = tree(&[&[9, 9], &[1000], &[1019], &[], &[9000]]);
    check_merges(&strategy(), &shape, &[0, 1], 1, "level 2 is larger than levels 0 and 1 together");
}

/// A run below the merged ones stays as it is, and is not written again.
///
/// Hint: inputs are the levels down to the target, and the target is above the next older run.
///
/// Book: week2/3-tiered.md#where-the-run-goes
#[test]
fn older_runs_are_not_touched() {
    let shape = tree(&[&[9, 9, 9, 9], &[], &[400, 400], &[5000, 5000], &[90_000]]);
    check_merges(
        &strategy(),
        &shape,
        &[0],
        1,
        "the four tables of level 0 are 36 bytes; levels 2 to 4 are larger and stay",
    );
}
