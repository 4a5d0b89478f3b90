//! Simple leveled compaction: whole levels merge into the next. Chapter 2.2.
//!
//! Each level has a limit, and the limits grow by a constant ratio. A level that has outgrown its limit is merged,
//! all of it, with all of the next:
//!
//! ```text
//!   level 0      4 tables                    merged into level 1 when it has 4
//!   level 1      ████████                    64 MiB, then all of it goes to level 2
//!   level 2      ████████████████ … ████     256 MiB
//!   last level   whatever there is
//! ```
//!
//! This is the LSM-tree of the paper that named it: O'Neil, Cheng, Gawlick, O'Neil, "The Log-Structured Merge-Tree"
//! (Acta Informatica 1996), where each component merges into the next and a constant size ratio is shown to be best.
//! bLSM (Sears and Ramakrishnan, SIGMOD 2012) builds on the same three-level form.
//!
//! What it costs, with ratio *r* and *L* levels: a byte is rewritten up to *r + 1* times a level, since the level that
//! it joins is rewritten with every merge from above. A lookup asks the tables of level 0 and one table a level. Space:
//! about *1 + 1/r* for overwritten entries, and at its worst moment the two levels twice, since inputs stay until the
//! outputs are complete. That moment, all of the largest level at once, is why nobody runs it at scale; chapter 2.4
//! merges a table at a time.

use super::{Inputs, Shape, Strategy, Task};

/// Merges a whole level into the next when it has outgrown its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleLeveled {
    /// Level 0 is merged into level 1 when it has this many tables; 0 counts as 1.
    pub level_0_tables: usize,
    /// Level 1 is merged into level 2 when it has more bytes than this.
    pub level_1_size: u64,
    /// Each further level may have this many times the bytes of the one above it.
    pub ratio: u64,
    /// Writes wait when level 0 has this many tables; less than `level_0_tables` counts as that.
    pub max_level_0_tables: usize,
}

impl Default for SimpleLeveled {
    fn default() -> SimpleLeveled {
        SimpleLeveled { level_0_tables: 4, level_1_size: 64 << 20, ratio: 4, max_level_0_tables: 12 }
    }
}

impl Strategy for SimpleLeveled {
    fn name(&self) -> &'static str {
        "simple"
    }

    /// Level 0 comes first, then the uppermost level that is above its limit. The last level has none.
    fn pick(&self, shape: &Shape) -> Option<Task> {
        todo!("2.2: level 0 if it has enough tables, else the uppermost level above its limit")
    }

    fn level_0_limit(&self) -> Option<usize> {
        todo!("2.2: where writes wait for level 0")
    }
}

impl SimpleLeveled {
    /// How many bytes a level, of 1 and below, may have. A number beyond `u64::MAX` counts as that.
    pub fn limit(&self, level: usize) -> u64 {
        todo!("2.2: the first level's limit, times the ratio for each level below it")
    }
}
