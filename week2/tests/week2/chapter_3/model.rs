//! What the rules want of any tree, said once more and without a loop: the least number of runs that nothing joins.
//! Bytes and percents are of 128 bits here, so that nothing overflows and nothing is rounded.

use lsm::compaction::{Shape, Tiered};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy as Generator, any};
use proptest::prop_oneof;

use crate::strategies::shapes::tree;

pub struct Run {
    pub level: usize,
    pub size: u128,
    pub tables: Vec<u64>,
}

/// The runs of a tree, newest first.
pub fn runs(shape: &Shape) -> Vec<Run> {
    let mut runs = Vec::new();
    for (level, tables) in shape.levels.iter().enumerate() {
        let at_once = if level == 0 { 1 } else { tables.tables.len().max(1) };
        runs.extend(tables.tables.chunks(at_once).map(|tables| Run {
            level,
            size: tables.iter().map(|table| u128::from(table.size)).sum(),
            tables: tables.iter().map(|table| table.id).collect(),
        }));
    }
    runs
}

/// How many of the newest of these runs are merged, where there are enough for a merge; and why, in words.
pub fn merged(strategy: &Tiered, runs: &[Run]) -> (usize, String) {
    let (all, last) = (runs.len(), runs.len() - 1);
    let newer_than = |run: usize| runs[..run].iter().map(|run| run.size).sum::<u128>();
    let within = |run: usize| runs[run].size * 100 <= newer_than(run) * (100 + u128::from(strategy.size_ratio));
    let stays = |run: usize| run == all || runs[run].level > 1 && !within(run);
    let (rule, least) = if newer_than(last) * 100 >= u128::from(strategy.max_space_amplification) * runs[last].size {
        (1, all)
    } else if within(1) {
        (2, 2)
    } else {
        (3, all + 2 - strategy.max_runs.max(2))
    };
    let count = (least..=all).find(|run| stays(*run)).expect("nothing is behind the oldest run");
    (count, format!("Rule {rule} wants {least} of {all} runs, and {} more come along", count - least))
}

/// A tree and a strategy for it. Many of the strategies have a percentage that the tree just reaches, or just does not.
pub fn any_case() -> impl Generator<Value = (Tiered, Shape)> {
    let size = prop_oneof![1..12_u64, 1..400_u64];
    // 24 tables of less than 400 units fit into 64 bits.
    let unit = prop_oneof![3 => Just(1_u64), 1 => Just((1 << 50) + 1)];
    let sizes = (vec(vec(size, 0..5), 2..7), unit);
    (0..7_usize, any_percentage(), any_percentage(), sizes).prop_map(|(max_runs, space, ratio, (mut sizes, unit))| {
        sizes.iter_mut().flatten().for_each(|size| *size *= unit);
        let shape = tree(&sizes.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let runs = runs(&shape);
        let percent_of = |part: u128, whole: u128| u64::try_from(part * 100 / whole).expect("sizes of one tree");
        let newer_than = |run: usize| runs[..run].iter().map(|run| run.size).sum::<u128>();
        let max_space_amplification = space.of(|_| {
            let last = runs.len().checked_sub(1)?;
            Some(percent_of(newer_than(last), runs[last].size))
        });
        let size_ratio = ratio.of(|chosen| {
            let run = 1 + chosen % runs.len().checked_sub(1).filter(|older| *older > 0)?;
            percent_of(runs[run].size, newer_than(run)).checked_sub(100)
        });
        (Tiered { max_runs, max_space_amplification, size_ratio, max_level_0_tables: 8 }, shape)
    })
}

#[derive(Clone, Debug)]
enum Percentage {
    Free(u64),
    /// What some run of the tree has, rounded down, and 0 or 1 more.
    AtTheLimit {
        run: usize,
        more: u64,
    },
}

impl Percentage {
    fn of(&self, exact: impl Fn(usize) -> Option<u64>) -> u64 {
        match self {
            Percentage::Free(percent) => *percent,
            Percentage::AtTheLimit { run, more } => exact(*run).unwrap_or(0) + more,
        }
    }
}

fn any_percentage() -> impl Generator<Value = Percentage> {
    let at_the_limit =
        (0..8_usize, any::<bool>()).prop_map(|(run, more)| Percentage::AtTheLimit { run, more: u64::from(more) });
    prop_oneof![(0..300_u64).prop_map(Percentage::Free), Just(Percentage::Free(u64::MAX)), at_the_limit]
}
