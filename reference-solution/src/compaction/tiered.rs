//@ 2.3
//! Tiered compaction: runs of about the same size merge into a larger one. Chapter 2.3.
//!
//! Here the tree is a list of *sorted runs*: each table of level 0 is one, and each level below that has tables is
//! one. When there are too many, some of the newest merge into one; no older run is touched. So a byte is rewritten
//! only when a run of its own size comes together, not with every small merge from above:
//!
//! ```text
//!   runs, newest first         the level
//!   [·] [·] [·]                0              three flushed tables
//!   [····]                     4              ─┐
//!   [·····]                    5               ├▶ too many: which of the newest merge?
//!   [····················]     6              ─┘
//! ```
//!
//! In our trees a run lives in a level, and the lowest levels fill first. A merged run goes as low as it can: to the
//! level above the next older run.
//!
//! RocksDB calls it universal compaction, and the three rules of [`Tiered::pick`] are close to its (RocksDB wiki,
//! "Universal Compaction"); Cassandra's SizeTieredCompactionStrategy is the same idea. What it costs, with *n* runs: writes about
//! log(size) times instead of leveled's ratio times log(size); a lookup asks up to *n* tables; space up to
//! `max_space_amplification` more than the live data, and twice the tree while everything merges into one. Dayan and
//! Idreos, "Dostoevsky" (SIGMOD 2018), draw the whole field between tiered and leveled.

use super::{Inputs, Shape, Strategy, Task};

/// Merges the newest runs when there are too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiered {
    /// Merging begins when there are this many runs; less than 2 counts as 2.
    pub max_runs: usize,
    /// If all newer runs together have at least this many percent of the oldest run's bytes, everything is merged.
    pub max_space_amplification: u64,
    /// A run joins newer ones if it has at most this many percent more bytes than they have together.
    pub size_ratio: u64,
    /// Writes wait when level 0 has this many tables; less than `max_runs` counts as that.
    pub max_level_0_tables: usize,
}

impl Default for Tiered {
    fn default() -> Tiered {
        Tiered { max_runs: 8, max_space_amplification: 200, size_ratio: 1, max_level_0_tables: 20 }
    }
}

//@ 2.3 only
/// A sorted run.
#[derive(Clone, Copy, Debug)]
struct Run {
    level: usize,
    size: u64,
}

impl Strategy for Tiered {
    fn name(&self) -> &'static str {
        "tiered"
    }

    /// With fewer than `max_runs` runs there is nothing to do. Otherwise the first of these rules that applies says
    /// how many of the runs are merged at least, counted from the newest:
    ///
    /// 1. *Space.* All, if all but the oldest have together at least `max_space_amplification` percent of the oldest
    ///    one's bytes.
    /// 2. *Size ratio.* Two, if the second has at most `size_ratio` percent more bytes than the newest.
    /// 3. *Number.* As many as it takes to have fewer than `max_runs` afterwards.
    ///
    /// Then the merge is widened. It takes in the next older run as long as that
    ///
    /// - is a table of level 0: a merge takes all of level 0 or nothing of it;
    /// - or is level 1: the output has to lie above the next older run, and not in level 0;
    /// - or has at most `size_ratio` percent more bytes than all runs taken so far have together: a run that is merged
    ///   with less than its own size is written too often.
    ///
    /// The widening ends at the first run that does not join, whatever lies below.
    ///
    /// The output goes to the level above the next older run, or to the last level if there is none. Inputs: each level
    /// with tables down to the target, whole, upper first; no cursor.
    ///
    /// Percents are exact: nothing is rounded, and nothing overflows, whatever the fields and sizes are, as long as the
    /// tree's bytes fit into 64 bits.
    fn pick(&self, shape: &Shape) -> Option<Task> {
        //@ 2.3: count the newest runs to merge by the three rules, then widen and find the level
        let runs = runs_of(shape);
        if runs.len() < self.max_runs.max(2) {
            return None;
        }
        let mut count = self.at_least(&runs);
        let mut taken: u64 = runs[..count].iter().map(|run| run.size).sum();
        while let Some(run) = runs.get(count).filter(|run| run.level <= 1 || self.is_within_ratio(run.size, taken)) {
            taken += run.size;
            count += 1;
        }
        let target = runs.get(count).map_or(shape.last_level(), |next_older| next_older.level - 1);
        let levels = (0..=target).filter(|level| !shape.levels[*level].tables.is_empty());
        let inputs = levels.map(|level| Inputs { level, tables: shape.levels[level].ids() }).collect();
        Some(Task { inputs, target, cursor: None })
    }

    fn level_0_limit(&self) -> Option<usize> {
        //@ 2.3: where writes wait for level 0
        Some(self.max_level_0_tables.max(self.max_runs).max(2))
    }
}

//@ 2.3 only
impl Tiered {
    /// How many of the newest runs the rules want to be merged. There are `max_runs` at least.
    fn at_least(&self, runs: &[Run]) -> usize {
        let size: u64 = runs.iter().map(|run| run.size).sum();
        let oldest = runs[runs.len() - 1].size;
        if is_at_least_percent(size - oldest, self.max_space_amplification, oldest) {
            runs.len()
        } else if self.is_within_ratio(runs[1].size, runs[0].size) {
            2
        } else {
            runs.len() - self.max_runs.max(2) + 2
        }
    }

    fn is_within_ratio(&self, size: u64, taken: u64) -> bool {
        u128::from(size) * 100 <= u128::from(taken) * (100 + u128::from(self.size_ratio))
    }
}

//@ 2.3 only
fn is_at_least_percent(part: u64, percent: u64, whole: u64) -> bool {
    u128::from(part) * 100 >= u128::from(percent) * u128::from(whole)
}

//@ 2.3 only
/// The sorted runs, newest first.
fn runs_of(shape: &Shape) -> Vec<Run> {
    let flushed = shape.levels[0].tables.iter().map(|table| Run { level: 0, size: table.size });
    let levels = shape.levels.iter().enumerate().skip(1).filter(|(_, level)| !level.tables.is_empty());
    flushed.chain(levels.map(|(level, tables)| Run { level, size: tables.size() })).collect()
}
