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
        todo!("2.4: from the last level's size upwards")
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
        todo!("2.4: find the level with the greatest score, choose its tables, add what overlaps in the target")
    }

    fn level_0_limit(&self) -> Option<usize> {
        todo!("2.4: where writes wait for level 0")
    }
}
