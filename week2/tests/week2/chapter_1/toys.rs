//! Strategies of the tests' own, too simple to be good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm::compaction::{Inputs, Shape, Strategy, Task};
use lsm::disk::SimDisk;
use lsm::{Engine, Options};

use super::fixture::{manual, open};
use super::threads::{Inner, eventually};

/// Merges all of level 0 with all of level 1 when level 0 has so many tables; then all of level 1 with all of level 2 when
/// level 1 has more than `level_1` tables.
#[derive(Debug)]
pub struct Toy {
    pub level_0: usize,
    pub level_1: usize,
    pub asked: AtomicUsize,
    /// Where the strategy waits each time that it is asked.
    pub gate: Option<Arc<Inner>>,
}

impl Toy {
    pub fn new(level_0: usize) -> Toy {
        Toy { level_0, level_1: usize::MAX, asked: AtomicUsize::new(0), gate: None }
    }

    fn task(&self, shape: &Shape) -> Option<Task> {
        let count = |level: usize| shape.levels[level].tables.len();
        let upper = match () {
            () if count(0) >= self.level_0 => 0,
            () if count(1) > self.level_1 => 1,
            () => return None,
        };
        let inputs = [upper, upper + 1].map(|level| Inputs { level, tables: shape.levels[level].ids() });
        Some(Task { inputs: inputs.to_vec(), target: upper + 1, cursor: None })
    }
}

impl Strategy for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn pick(&self, shape: &Shape) -> Option<Task> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.pass();
        }
        self.task(shape)
    }
}

/// A strategy made of a function.
pub struct Picks(pub fn(&Shape) -> Option<Task>);

impl std::fmt::Debug for Picks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Picks")
    }
}

impl Strategy for Picks {
    fn name(&self) -> &'static str {
        "picks"
    }

    fn pick(&self, shape: &Shape) -> Option<Task> {
        (self.0)(shape)
    }
}

/// An engine with threads and this strategy; tables end behind each entry, memtables hardly ever.
pub fn compacting(disk: &SimDisk, strategy: impl Strategy) -> Options {
    let mut options = manual(disk);
    options.background = true;
    options.strategy = Arc::new(strategy);
    options.levels = 3;
    options.table_size = 1;
    options
}

/// Opens such an engine, and fails at once where nothing is written yet: no test waits for a thread that cannot come.
pub fn open_compacting(options: Options) -> Arc<Engine> {
    let engine: Arc<Engine> = open(options);
    engine.compact().expect("a full compaction of nothing");
    engine
}

/// Waits until the compactor has done so many compactions.
pub fn wait_for_compactions(engine: &Engine, count: u64) {
    eventually(&format!("{count} compactions in the background"), || engine.stats().compactions >= count);
}
