//! The compactor hears of every table that comes to level 0.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm::Engine;
use lsm::compaction::{Shape, SimpleLeveled, Strategy, Task};
use lsm::disk::SimDisk;

use crate::strategies::engines::{background, check_holds, eventually, key, open, settle, value};
use crate::strategies::shapes::drawing;

/// Simple levels, and a note of what they were asked.
#[derive(Debug)]
struct Watched {
    strategy: SimpleLeveled,
    /// One more than the most tables of level 0 that it was asked about; 0 before it was asked.
    asked: AtomicUsize,
}

impl Strategy for Watched {
    fn name(&self) -> &'static str {
        "watched"
    }

    fn pick(&self, shape: &Shape) -> Option<Task> {
        self.asked.fetch_max(shape.levels[0].tables.len() + 1, Ordering::SeqCst);
        self.strategy.pick(shape)
    }
}

/// Tables that were ingested are merged as flushed ones are: the compactor hears of each.
///
/// Hint: `ingest` puts a table into level 0, so it has to announce it, or the compactor sleeps on.
///
/// Book: week2/2-simple-leveled.md#in-the-engine
#[test]
fn ingested_tables_are_merged() {
    let strategy = SimpleLeveled { level_0_tables: 3, level_1_size: 1 << 20, ratio: 4, max_level_0_tables: 3 };
    // What is not written yet fails here, and not after a long wait.
    assert_eq!(strategy.pick(&Shape::new(1)), None, "what is picked in an empty tree");
    for round in 0..10 {
        let disk = SimDisk::new();
        let watched = Arc::new(Watched { strategy: strategy.clone(), asked: AtomicUsize::new(0) });
        let engine: Arc<Engine> = open(background(&disk, watched.clone()));
        for table in 0..3 {
            let was_asked = || watched.asked.load(Ordering::SeqCst) > table;
            eventually(&format!("the strategy is asked about {table} ingested tables, round {round}"), was_asked);
            let entries: Vec<(Vec<u8>, Vec<u8>)> =
                (0..10).map(|number| (key(number * 3 + table), value(number * 3 + table, 0))).collect();
            let entries = entries.iter().map(|(key, value)| (&key[..], Some(&value[..])));
            engine.ingest(entries).expect("an ingest into an engine without memtables");
        }
        let shape: Shape = settle(&engine, &strategy);
        assert_eq!(shape.levels[0].tables.len(), 0, "round {round}: 3 tables were one too many\n{}", drawing(&shape));
        // The tree may be seen before the merge is counted.
        eventually("one merge of three tables is counted", || engine.stats().compactions == 1);
        check_holds(&engine, 0..30, "after the merge");
    }
}
