//! The compactor hears of every table that comes to level 0.

use std::sync::Arc;

use lsm::Engine;
use lsm::compaction::{Shape, SimpleLeveled};
use lsm::disk::SimDisk;

use crate::strategies::engines::{background, check_holds, eventually, key, open, settle, value};
use crate::strategies::shapes::drawing;

/// Tables that were ingested are merged as flushed ones are.
///
/// Hint: `ingest` puts a table into level 0, so it has to announce it, or the compactor sleeps on.
///
/// Book: week2/2-simple-leveled.md#in-the-engine
#[test]
fn ingested_tables_are_merged() {
    let strategy = SimpleLeveled { level_0_tables: 3, level_1_size: 1 << 20, ratio: 4, max_level_0_tables: 3 };
    for round in 0..20 {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(background(&disk, Arc::new(strategy.clone())));
        for table in 0..3 {
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
