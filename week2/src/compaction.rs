//! Compaction: merging tables into fewer, so that reads have fewer to look at and dead entries give their space back.
//! Chapter 2.1; the strategies are chapters 2.2 to 2.4.
//!
//! Flushing alone makes level 0 longer and longer. Its tables overlap, so a lookup may have to ask all of them, and a
//! value that was overwritten stays where it is. Compaction merges tables into *levels* below: in a level no two
//! tables overlap, so a lookup asks one of them.
//!
//! ```text
//!   level 0    [c····x]  [a···r]  [b·······y]     newest first; may overlap
//!   level 1    [a··f]   [g···n]   [p····z]        sorted, without overlap
//!   level 2    [a·b] [c··e] [f···m] [n·p] [q··z]  older than level 1
//! ```
//!
//! What is where in the tree follows one rule: **of two tables that may hold the same key, the upper one is newer.** A
//! compaction takes tables out of some levels, merges them, and puts the outputs into the lowest of these levels, the
//! *target*; the rule holds afterwards if it takes along everything on the way that overlaps.
//!
//! The work is split so that each part can be tested alone:
//!
//! | part | what it is | knows |
//! |---|---|---|
//! | [`Strategy::pick`] | says what is worth merging, and where to: a [`Task`] | the [`Shape`]: no file, no clock |
//! | [`Job`] | merges the tables of a task into new ones | tables: not why |
//! | [`DropPolicy`] | says which entries the outputs do without | what lies below the target |
//! | [`Edit`] | the change, as data: what goes, what comes | ids and levels |
//!
//! Every strategy trades three costs against each other: *write amplification* (bytes written to the disk for a byte
//! of the user), *read amplification* (tables asked for a key), and *space amplification* (bytes on the disk for a
//! live byte). No strategy wins at all three: Athanassoulis et al., "Designing Access Methods: The RUM Conjecture"
//! (EDBT 2016).

mod job;
mod leveled;
mod policy;
mod shape;
mod simple;
mod task;
mod tiered;

pub use job::Job;
pub use leveled::{Leveled, Targets};
pub use policy::DropPolicy;
pub use shape::{LevelShape, Shape, TableShape};
pub use simple::SimpleLeveled;
pub use task::{Edit, Inputs, Task};
pub use tiered::Tiered;

use std::fmt::Debug;
use std::sync::Arc;

/// Decides when to merge what. A pure function of the tree's shape: the same shape gives the same task.
///
/// The engine calls it with the shape of the moment, carries the task out, and calls it again, until there is none.
pub trait Strategy: Debug + Send + Sync + 'static {
    /// A word for people: "leveled".
    fn name(&self) -> &'static str;

    /// The merge that is worth most now; `None` if the tree is in good shape.
    fn pick(&self, shape: &Shape) -> Option<Task>;

    /// How many tables level 0 may have before writes wait for a compaction; `None` if level 0 is never compacted, so
    /// that there would be nothing to wait for. Whenever level 0 has that many, [`Strategy::pick`] must give a task.
    fn level_0_limit(&self) -> Option<usize> {
        None
    }
}

/// Never merges by itself: only [`Engine::compact`](crate::Engine::compact) does.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCompaction;

impl Strategy for NoCompaction {
    fn name(&self) -> &'static str {
        "none"
    }

    fn pick(&self, _shape: &Shape) -> Option<Task> {
        None
    }
}

/// What [`Options::default`](crate::Options) takes.
pub(crate) fn default_strategy() -> Arc<dyn Strategy> {
    // 2.4: make leveled compaction the default
    Arc::new(NoCompaction)
}
