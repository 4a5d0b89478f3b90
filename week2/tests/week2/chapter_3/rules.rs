//! The three rules that say how many runs are merged, on shapes made by hand.

use lsm::compaction::{Shape, Strategy, Tiered};

use crate::strategies::shapes::{check_merges, check_rests, tree};

/// From 4 runs on; everything if the newer runs have twice the oldest one's bytes; a run joins with 10 % more bytes.
fn strategy() -> Tiered {
    Tiered { max_runs: 4, max_space_amplification: 200, size_ratio: 10, max_level_0_tables: 8 }
}

/// With fewer than `max_runs` runs nothing is merged; with that many, something is.
///
/// Hint: `<` against `max_runs`: the trigger is the number of runs alone, not what the rules say.
///
/// Book: week2/3-tiered.md#when-merging-begins
#[test]
fn merging_begins_at_max_runs() {
    for below in 1..6 {
        check_rests(&strategy(), &Shape::new(below), "an empty tree needs no compaction");
    }
    check_rests(&strategy(), &tree(&[&[10], &[], &[]]), "1 run, and 4 begin a merge");
    check_rests(&strategy(), &tree(&[&[10, 10, 10], &[], &[]]), "3 runs of one size, and 4 begin a merge");
    check_rests(&strategy(), &tree(&[&[90, 90], &[], &[10]]), "3 runs, far above any space limit; 4 begin a merge");
    check_merges(&strategy(), &tree(&[&[10, 10, 10, 10], &[], &[]]), &[0], 2, "4 runs begin a merge");
    check_merges(&strategy(), &tree(&[&[10, 10, 10, 10, 10], &[], &[]]), &[0], 2, "5 runs are above the limit");
}

/// Each table of level 0 is a run. A level below is one run, however many tables it has, and none if it has none.
///
/// Hint: count levels that have tables, not tables.
///
/// Book: week2/3-tiered.md#runs
#[test]
fn a_level_is_one_run() {
    check_rests(&strategy(), &tree(&[&[], &[9; 20], &[9; 20], &[9; 20]]), "60 tables, and 3 runs");
    check_rests(&strategy(), &tree(&[&[10, 10], &[], &[], &[900; 20], &[], &[]]), "2 flushed runs and level 3");
    let four = tree(&[&[10, 10, 10], &[], &[], &[900; 20], &[], &[]]);
    check_merges(&strategy(), &four, &[0], 2, "3 flushed runs and level 3: those of level 0 are of one size");
}

/// A `max_runs` of 0 or 1 counts as 2: a single run is never merged.
///
/// Hint: `.max(2)`, in the trigger and in rule 3.
///
/// Book: week2/3-tiered.md#when-merging-begins
#[test]
fn a_single_run_is_never_merged() {
    for max_runs in [0, 1, 2] {
        let strategy = Tiered { max_runs, ..strategy() };
        check_rests(&strategy, &tree(&[&[10], &[], &[]]), "one flushed run");
        check_rests(&strategy, &tree(&[&[], &[10, 10, 10], &[]]), "one run in level 1");
        check_rests(&strategy, &tree(&[&[], &[], &[10, 10, 10]]), "one run in the last level");
        // 10 bytes above 1000: neither rule 1 nor rule 2 applies.
        check_merges(&strategy, &tree(&[&[10], &[], &[1000]]), &[0, 2], 2, "two runs: one too many, so both");
    }
}

/// Rule 1: all runs are merged if all but the oldest have at least `max_space_amplification` percent of its bytes.
///
/// Hint: `newer * 100 >= percent * oldest`. The oldest run is the last one. Do not divide by 100: that rounds.
///
/// Book: week2/3-tiered.md#rule-1-space
#[test]
fn everything_is_merged_when_the_newer_runs_are_large() {
    // Sizes fall from run to run, so that rule 2 would take no older run: only rule 1 takes all.
    let at_the_limit = tree(&[&[10], &[50], &[400, 200], &[1540], &[1100]]);
    check_merges(&strategy(), &at_the_limit, &[0, 1, 2, 3, 4], 4, "2200 newer bytes are 200 % of 1100");
    let below = tree(&[&[9], &[50], &[600], &[1540], &[1100]]);
    // Rule 2 takes nothing: 50 is more than 9. Rule 3: 5 runs, so 3 of them, to have 3.
    check_merges(&strategy(), &below, &[0, 1, 2], 2, "2199 newer bytes are less than 200 % of 1100");
    let percent = Tiered { max_space_amplification: 50, ..strategy() };
    check_merges(&percent, &tree(&[&[10], &[40], &[450], &[1000]]), &[0, 1, 2, 3], 3, "500 bytes are 50 % of 1000");
    check_merges(&percent, &tree(&[&[9], &[40], &[450], &[1000]]), &[0, 1], 1, "499 bytes are less than 50 % of 1000");
    let odd = Tiered { max_space_amplification: 150, ..strategy() };
    let beside = tree(&[&[1], &[8], &[], &[40], &[], &[33]]);
    check_merges(&odd, &beside, &[0, 1], 2, "49 newer bytes are less than 150 % of 33, which are 49.5");
}

/// Rule 1 compares with the oldest run, not with the largest, nor with the whole tree.
///
/// Hint: `split_last`.
///
/// Book: week2/3-tiered.md#rule-1-space
#[test]
fn space_is_compared_with_the_oldest_run() {
    let small_oldest = tree(&[&[10], &[], &[50], &[100_000], &[30]]);
    check_merges(&strategy(), &small_oldest, &[0, 2, 3, 4], 4, "the oldest run has 30 bytes, the newer ones 100,060");
    let all_flushed = tree(&[&[1, 30, 300, 100], &[], &[]]);
    check_merges(&strategy(), &all_flushed, &[0], 2, "the oldest run is the last table of level 0");
    let always = Tiered { max_space_amplification: 0, ..strategy() };
    check_merges(&always, &tree(&[&[1], &[20], &[400], &[9000]]), &[0, 1, 2, 3], 3, "0 percent are always reached");
}

/// From the newest on, an older run joins if it has at most `size_ratio` percent more bytes than those taken before it
/// have together.
///
/// Hint: `size * 100 <= taken * (100 + size_ratio)`, and `taken` grows by each run that joins.
///
/// Book: week2/3-tiered.md#what-has-to-come-along
#[test]
fn a_run_joins_those_that_are_as_large_together() {
    // 110 is 10 % more than 100; 231 is 10 % more than 210; 486 is more than 110 % of 441 (485.1).
    let shape = tree(&[&[100], &[110], &[231], &[486], &[9000]]);
    check_merges(&strategy(), &shape, &[0, 1, 2], 2, "level 3 has more than 110 % of the 441 bytes before it");
    let shape = tree(&[&[100], &[110], &[231], &[485], &[9000]]);
    check_merges(&strategy(), &shape, &[0, 1, 2, 3], 3, "level 3 has at most 110 % of the 441 bytes before it");
    let shape = tree(&[&[100], &[110], &[232], &[450], &[9000]]);
    check_merges(
        &strategy(),
        &shape,
        &[0, 1],
        1,
        "level 2 has more than 110 % of 210; what lies below does not matter",
    );
    let smaller = tree(&[&[100], &[1], &[1], &[900], &[9000]]);
    check_merges(&strategy(), &smaller, &[0, 1, 2], 2, "a run that is smaller joins");
    let exactly = Tiered { size_ratio: 0, ..strategy() };
    check_merges(&exactly, &tree(&[&[10], &[10], &[20], &[41], &[900]]), &[0, 1, 2], 2, "20 is not more than 10 + 10");
}

/// Rule 2 takes two runs, if the second has at most `size_ratio` percent more bytes than the newest. Else rule 3 decides.
///
/// Hint: one run alone is no merge.
///
/// Book: week2/3-tiered.md#rule-2-size-ratio
#[test]
fn two_runs_of_about_the_same_size_are_enough() {
    // 6 runs; rule 3: 6 - 4 + 2 = 4 of them, to have 3.
    let steep = tree(&[&[10], &[100], &[1000], &[10_000], &[100_000], &[1_000_000]]);
    check_merges(
        &strategy(),
        &steep,
        &[0, 1, 2, 3],
        3,
        "level 1 has more than 110 % of level 0: rule 2 does not apply",
    );
    let two = tree(&[&[10], &[11], &[1000], &[10_000], &[100_000], &[1_000_000]]);
    check_merges(&strategy(), &two, &[0, 1], 1, "level 1 has 110 % of level 0: rule 2 applies with two runs");
}

/// The tables of level 0 are read as they stand, the newest first: the order of their sizes does not matter.
///
/// Hint: `shape.levels[0].tables` has the newest first already. Do not sort it, nor turn it round.
///
/// Book: week2/3-tiered.md#runs
#[test]
fn level_0_is_read_from_the_newest_on() {
    let newest_is_small = tree(&[&[10, 100], &[], &[1000], &[5000], &[90_000]]);
    let why = "100 is more than 110 % of the newest, 10: rule 2 does not apply, and rule 3 wants 5 - 4 + 2 = 3 runs";
    check_merges(&strategy(), &newest_is_small, &[0, 2], 2, why);
    let newest_is_large = tree(&[&[100, 10], &[], &[1000], &[5000], &[90_000]]);
    let why = "10 is at most 110 % of the newest, 100: rule 2 wants these two";
    check_merges(&strategy(), &newest_is_large, &[0], 1, why);
}

/// Rule 3: as many runs as it takes to have fewer than `max_runs` afterwards, and no more.
///
/// Hint: merging *n* runs leaves *n - 1* fewer.
///
/// Book: week2/3-tiered.md#rule-3-number
#[test]
fn the_number_of_runs_falls_below_max_runs() {
    let steep = [&[10][..], &[100], &[1000], &[10_000], &[100_000], &[1_000_000]];
    for (max_runs, count) in [(6, 2), (5, 3), (4, 4), (3, 5), (2, 6), (1, 6), (0, 6)] {
        let strategy = Tiered { max_runs, ..strategy() };
        let levels: Vec<usize> = (0..count).collect();
        let why = format!("6 runs, each ten times the newer one: {count} of them, to have {}", 6 - count + 1);
        check_merges(&strategy, &tree(&steep), &levels, count - 1, &why);
    }
    check_rests(&Tiered { max_runs: 7, ..strategy() }, &tree(&steep), "6 runs, and 7 begin a merge");
}

/// The rules are asked in their order: space, size ratio, number.
///
/// Hint: rule 1 first, then 2, then 3. The first that applies says how many; the others are not asked.
///
/// Book: week2/3-tiered.md#which-runs
#[test]
fn the_first_rule_that_applies_decides() {
    let space_and_ratio = tree(&[&[10], &[10], &[], &[500], &[250]]);
    check_merges(&strategy(), &space_and_ratio, &[0, 1, 3, 4], 4, "rule 1 takes all, rule 2 would take two");
    let ratio_and_number = tree(&[&[10], &[10], &[20], &[40], &[80], &[9000]]);
    check_merges(
        &strategy(),
        &ratio_and_number,
        &[0, 1, 2, 3, 4],
        4,
        "rule 2 takes two, and three more are within the ratio; rule 3 would begin with four",
    );
    let few = tree(&[&[10], &[10], &[500], &[4000], &[30_000], &[200_000]]);
    check_merges(&strategy(), &few, &[0, 1], 1, "rule 2 takes two; rule 3 would take four. The next pick goes on");
}

/// Percents of large sizes, and large percents, are exact: they do not overflow.
///
/// Hint: percents in `u128`: first widen both sides, then add and multiply. What saturates at 64 bits looks equal.
///
/// Book: week2/3-tiered.md#task-1-how-many-runs
#[test]
fn large_sizes_do_not_overflow() {
    let tera = 1 << 58;
    let wide = Tiered { size_ratio: u64::MAX, ..strategy() };
    let shape = tree(&[&[tera], &[tera], &[tera, tera], &[4 * tera], &[8 * tera]]);
    check_merges(&strategy(), &shape, &[0, 1, 2, 3, 4], 4, "each run has as many bytes as the newer ones together");
    check_merges(&wide, &shape, &[0, 1, 2, 3, 4], 4, "a size_ratio of u64::MAX takes every run");
    let never = Tiered { max_space_amplification: u64::MAX, ..strategy() };
    let large = 1 << 60;
    check_merges(&never, &tree(&[&[10], &[20], &[large], &[large]]), &[0, 1], 1, "u64::MAX percent are never reached");
    let steep = tree(&[&[1 << 50], &[1 << 58], &[1 << 61], &[1 << 62]]);
    check_merges(
        &never,
        &steep,
        &[0, 1],
        1,
        "level 2 has about eight times the bytes of the two runs that rule 3 wants",
    );
}

/// Writes wait when level 0 has `max_level_0_tables`; less than `max_runs` counts as that, and less than 2 as 2: at the
/// limit there is always something to pick.
///
/// Hint: the greatest of the two fields and 2.
///
/// Book: week2/3-tiered.md#task-3-back-pressure
#[test]
fn at_the_limit_of_level_0_there_is_a_task() {
    for (max_runs, max_level_0_tables, expected) in
        [(4, 8, 8), (4, 4, 4), (4, 3, 4), (5, 0, 5), (0, 0, 2), (1, 1, 2), (2, 1, 2), (0, 3, 3)]
    {
        let strategy = Tiered { max_runs, max_level_0_tables, ..strategy() };
        let found: Option<usize> = strategy.level_0_limit();
        assert_eq!(found, Some(expected), "the limit of level 0 of {strategy:?}");
        let full = tree(&[&vec![1; expected], &[], &[]]);
        check_merges(&strategy, &full, &[0], 2, "level 0 is at its limit, so that writes wait for a compaction");
    }
}
