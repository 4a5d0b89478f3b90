//@ 2.4
//! Leveled compaction: a table at a time, into levels whose sizes follow the last one. Chapter 2.4.
//!
//! Whole levels need not be merged at once: a level is cut into tables, and one table can go down alone, merged with
//! the few of the next level that it overlaps. So each step is small, and the work spreads evenly.
//!
//! **Level sizes are computed from below.** Nearly all data is in the last level. If each level above has a tenth of
//! the next one's bytes, then overwritten entries take at most about 1/10 + 1/100 + … = 11 % of the space. So the
//! last level's true size sets the target of the one above, and so on, until a target is small enough to be fed from
//! level 0: that level is the *base level*. Levels above it stay empty.
//!
//! ```text
//!              bytes       target                    ratio 10, base_size 64 MiB
//!   level 0    3 tables    4 tables
//!   level 1–3  –           –
//!   level 4    20 MiB      30 MiB     base level     score 0.67
//!   level 5    330 MiB     300 MiB                   score 1.10 ─▶ one table of it, and what it overlaps
//!   level 6    3000 MiB    –
//! ```
//!
//! Which table of the level goes is decided by going round: the one behind the last that went, which is remembered as
//! the level's cursor. So over time every part of the key space has its turn.
//!
//! Source: RocksDB, `level_compaction_dynamic_level_bytes` (its wiki, "Leveled Compaction"; Dong et al., "Optimizing
//! Space Amplification in RocksDB", CIDR 2017); the cursor is LevelDB's `compact_pointer_` (`db/version_set.cc`). What
//! it costs with ratio *r* and *L* levels in use: a byte is written about *L · r / 2* times; a lookup asks level 0 and
//! one table a level; space about *1 + 1/(r − 1)*.

use bytes::Bytes;

use super::{Inputs, Shape, Strategy, TableShape, Task};

/// Merges one table at a time into the next level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leveled {
    /// Level 0 should be merged when it has this many tables; 0 counts as 1.
    pub level_0_tables: usize,
    /// The greatest target of the base level, in bytes.
    pub base_size: u64,
    /// A level's target is this many times that of the level above it; less than 2 counts as 2.
    pub ratio: u64,
    /// Writes wait when level 0 has this many tables; less than `level_0_tables` counts as that.
    pub max_level_0_tables: usize,
}

impl Default for Leveled {
    fn default() -> Leveled {
        Leveled { level_0_tables: 4, base_size: 64 << 20, ratio: 10, max_level_0_tables: 12 }
    }
}

/// What each level should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// The level into which level 0 is merged.
    pub base_level: usize,
    /// For each level, in bytes. Level 0 and the levels above the base level have 0.
    pub sizes: Vec<u64>,
}

impl Leveled {
    /// The base level and the levels' target sizes.
    ///
    /// The last level's target is its size, or `base_size` if that is greater. As long as a level's target is above
    /// `base_size` and there is a level between it and level 0, the level above has a target too: this one's, divided
    /// by `ratio`, rounded down. The base level is the uppermost with a target. But a level that has tables is never
    /// above the base level: where that would be so (the options have changed), targets go on upwards to it in the
    /// same way.
    pub fn targets(&self, shape: &Shape) -> Targets {
        //@ 2.4: from the last level's size upwards
        let last = shape.last_level();
        let has_tables = |level: &usize| !shape.levels[*level].tables.is_empty();
        let uppermost = (1..last).find(has_tables).unwrap_or(last);
        let mut targets = Targets { base_level: last, sizes: vec![0; shape.levels.len()] };
        let mut size = shape.levels[last].size().max(self.base_size);
        targets.sizes[last] = size;
        while targets.base_level > 1 && (size > self.base_size || targets.base_level > uppermost) {
            size /= self.ratio.max(2);
            targets.base_level -= 1;
            targets.sizes[targets.base_level] = size;
        }
        targets
    }
}

impl Strategy for Leveled {
    fn name(&self) -> &'static str {
        "leveled"
    }

    /// Level 0's score is its number of tables divided by `level_0_tables`. The score of a level from the base level to
    /// the one above the last is its bytes divided by its target (a target of 0 counts as 1). The level with the
    /// greatest score is picked, if that is at least 1; of equal scores the upper level's.
    ///
    /// From level 0 all tables go, to the base level. From another level one table goes to the next: the first whose
    /// first key is greater than the level's cursor, or the first of all if there is none or no cursor; its last key is
    /// the task's cursor, and a task from level 0 has none. With them go the tables of the target that overlap the
    /// range from the smallest to the greatest of their keys.
    fn pick(&self, shape: &Shape) -> Option<Task> {
        //@ 2.4: find the level with the greatest score, choose its tables, add what overlaps in the target
        let targets = self.targets(shape);
        let (level, target) = self.most_overfull(shape, &targets)?;
        if level == 0 {
            return Some(with_overlapping(shape, 0, shape.levels[0].ids(), target, None));
        }
        let table = next_table(shape, level)?;
        let cursor = Some((level, table.last_key.clone()));
        Some(with_overlapping(shape, level, vec![table.id], target, cursor))
    }

    fn level_0_limit(&self) -> Option<usize> {
        //@ 2.4: where writes wait for level 0
        Some(self.max_level_0_tables.max(self.level_0_tables).max(1))
    }
}

//@ 2.4 only
impl Leveled {
    /// The level with the greatest score, if it is at least 1, and the level that it is merged into.
    fn most_overfull(&self, shape: &Shape, targets: &Targets) -> Option<(usize, usize)> {
        let tables = shape.levels[0].tables.len() as u64;
        let mut greatest = (tables, self.level_0_tables.max(1) as u64);
        let mut found = (0, targets.base_level);
        for level in targets.base_level..shape.last_level() {
            let score = (shape.levels[level].size(), targets.sizes[level].max(1));
            if is_greater(score, greatest) {
                (greatest, found) = (score, (level, level + 1));
            }
        }
        (greatest.0 >= greatest.1).then_some(found)
    }
}

//@ 2.4 only
/// Compares two fractions without a division.
fn is_greater(one: (u64, u64), other: (u64, u64)) -> bool {
    u128::from(one.0) * u128::from(other.1) > u128::from(other.0) * u128::from(one.1)
}

//@ 2.4 only
/// The table whose turn it is.
fn next_table(shape: &Shape, level: usize) -> Option<&TableShape> {
    let level = &shape.levels[level];
    let behind = |table: &&TableShape| level.cursor.as_ref().is_none_or(|cursor| table.first_key > *cursor);
    level.tables.iter().find(behind).or_else(|| level.tables.first())
}

//@ 2.4 only
fn with_overlapping(
    shape: &Shape,
    level: usize,
    tables: Vec<u64>,
    target: usize,
    cursor: Option<(usize, Bytes)>,
) -> Task {
    let mut inputs = Vec::new();
    let range = shape.range_of(level, &tables);
    inputs.push(Inputs { level, tables });
    if let Some((first, last)) = range {
        inputs.push(Inputs { level: target, tables: shape.overlapping(target, &first, &last) });
    }
    Task { inputs, target, cursor }
}
