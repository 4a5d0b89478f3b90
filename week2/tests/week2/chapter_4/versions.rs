//! What overlaps is decided by user keys: real tables whose stored keys have a version behind them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lsm::compaction::{DropPolicy, Edit, Job, Leveled, Shape, TableShape, Task};
use lsm::disk::{Disk, SimDisk};
use lsm::table::{Resources, Table, TableBuilder, table_path};
use lsm::{KeyRange, Options, StorageIterator};

use super::support::{Random, inputs, pick, picked, shape, small};

const DIRECTORY: &str = "versions";

/// A stored key: the user's, then a version, of which greater ones come first.
fn stored(user_key: &str, version: u64) -> Vec<u8> {
    [user_key.as_bytes(), &(!version).to_be_bytes()].concat()
}

/// The user's part of a stored key.
fn user_part(stored: &[u8]) -> &[u8] {
    &stored[..stored.len().saturating_sub(8)]
}

/// Tables on a simulated disk.
struct Tables {
    resources: Arc<Resources>,
    open: BTreeMap<u64, Arc<Table>>,
    next_id: AtomicU64,
}

impl Tables {
    fn new() -> Tables {
        let mut options = Options::manual();
        let disk = SimDisk::new();
        disk.create_directory(Path::new(DIRECTORY)).expect("making a directory on a simulated disk");
        options.disk = Arc::new(disk);
        options.user_part = user_part;
        options.block_size = 64;
        // Each output has a few entries.
        options.table_size = 200;
        Tables { resources: Resources::new(options), open: BTreeMap::new(), next_id: AtomicU64::new(1) }
    }

    fn build(&mut self, entries: &[(&str, u64)]) -> TableShape {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let path = table_path(Path::new(DIRECTORY), id);
        let mut builder: TableBuilder = TableBuilder::create(&path, &self.resources).expect("creating a table");
        for (user_key, version) in entries {
            builder.add(&stored(user_key, *version), Some(b"value")).expect("entries in order");
        }
        builder.finish().expect("finishing a table");
        let table: Arc<Table> = Table::open(id, &path, &self.resources).expect("opening a table");
        self.adopt(table)
    }

    fn adopt(&mut self, table: Arc<Table>) -> TableShape {
        let shape: TableShape = TableShape::of(&table, user_part);
        self.open.insert(table.id(), table);
        shape
    }

    /// Merges a task's tables.
    fn carry_out(&mut self, shape: &Shape, task: &Task) -> Shape {
        let mut runs: Vec<Vec<Arc<Table>>> = Vec::new();
        for level in 0..shape.levels.len() {
            let taken = shape.levels[level].ids().into_iter().filter(|id| task.tables().any(|taken| taken == *id));
            let tables: Vec<Arc<Table>> = taken.map(|id| self.open[&id].clone()).collect();
            match level {
                0 => runs.extend(tables.into_iter().map(|table| vec![table])),
                _ => runs.push(tables),
            }
        }
        let next_id = &self.next_id;
        let job = Job {
            directory: Path::new(DIRECTORY),
            resources: &self.resources,
            runs,
            policy: DropPolicy::new(shape, task.target, user_part),
            take_id: &|| next_id.fetch_add(1, Ordering::Relaxed),
            is_cancelled: &|| false,
        };
        let outputs: Vec<Arc<Table>> = job.run().expect("a merge").expect("nobody called it off");
        let outputs: Vec<TableShape> = outputs.into_iter().map(|table| self.adopt(table)).collect();
        shape.apply(&task.edit(outputs))
    }

    /// Which tables of a level hold which user key.
    fn holders(&self, shape: &Shape, level: usize) -> BTreeMap<Vec<u8>, Vec<u64>> {
        let mut holders: BTreeMap<Vec<u8>, Vec<u64>> = BTreeMap::new();
        for id in shape.levels[level].ids() {
            let mut entries = self.open[&id].scan(&KeyRange::all()).expect("a scan");
            while entries.is_valid() {
                let tables = holders.entry(user_part(entries.key()).to_vec()).or_default();
                if tables.last() != Some(&id) {
                    tables.push(id);
                }
                entries.next().expect("a step in a whole table");
            }
        }
        holders
    }
}

/// Two tables that meet in one user key overlap, whichever versions of it they hold.
///
/// Hint: a shape's keys are user keys, and both bounds belong to the range. With `<` in place of `<=` the older version
/// is left behind, and a deletion that went down without it brings it back.
///
/// Book: week2/4-leveled.md#what-goes-along
#[test]
fn versions_of_a_key_overlap() {
    let mut tables = Tables::new();
    let upper = tables.build(&[("kiwi", 8), ("lime", 9), ("lime", 7)]);
    let before = tables.build(&[("apple", 1), ("fig", 1)]);
    let meets_first = tables.build(&[("grape", 3), ("kiwi", 5)]);
    let meets_last = tables.build(&[("lime", 2), ("mango", 2)]);
    let after = tables.build(&[("melon", 2), ("pear", 2)]);
    let expected = vec![(1, vec![upper.id]), (2, vec![meets_first.id, meets_last.id])];
    let shape = shape(2, [(1, vec![upper]), (2, vec![before, meets_first, meets_last, after])]);
    // The last level is above base_size, so that level 1's target is a tenth of it.
    let strategy = Leveled { base_size: shape.levels[2].size() - 1, ..small() };
    let task: Task = picked(&strategy, &shape, "level 1 has more than a tenth of level 2's bytes");
    assert_eq!(inputs(&task), expected, "kiwi@8 meets kiwi@5, and lime@7 meets lime@2");
    let merged: Shape = tables.carry_out(&shape, &task);
    for (user_key, tables) in tables.holders(&merged, 2) {
        assert_eq!(tables.len(), 1, "{:?} is in the tables {tables:?} of level 2", String::from_utf8_lossy(&user_key));
    }
}

/// However versions of hot keys are flushed and compacted, no level below level 0 has a user key in two tables.
///
/// Hint: what goes along is decided by `Shape::overlapping`; where an output ends was chapter 2.1.
///
/// Book: week2/4-leveled.md#what-goes-along
#[test]
fn all_versions_of_a_key_stay_together_in_a_level() {
    for seed in 0..4 {
        let mut random = Random(seed);
        let mut tables = Tables::new();
        let mut shape = Shape::new(3);
        let strategy = Leveled { level_0_tables: 2, base_size: 600, ratio: 2, max_level_0_tables: 8 };
        for version in (0..240).step_by(8) {
            let mut entries: Vec<(String, u64)> =
                (0..8).map(|at| (format!("key{:02}", random.below(24)), version + at)).collect();
            entries.sort_by_key(|(user_key, version)| stored(user_key, *version));
            let entries: Vec<(&str, u64)> = entries.iter().map(|(key, version)| (key.as_str(), *version)).collect();
            let flushed: TableShape = tables.build(&entries);
            shape = shape.apply(&Edit::flush(flushed, 0));
            for step in 0.. {
                let Some(task) = pick(&strategy, &shape) else { break };
                assert!(step < 500, "500 tasks in a row and no end, the last one {task:?}");
                shape = tables.carry_out(&shape, &task);
            }
            for level in 1..shape.levels.len() {
                for (user_key, tables) in tables.holders(&shape, level) {
                    let user_key = String::from_utf8_lossy(&user_key);
                    assert_eq!(tables.len(), 1, "seed {seed}: {user_key} is in the tables {tables:?} of level {level}");
                }
            }
        }
        let held: u64 = shape.tables().map(|table| table.entries).sum();
        assert_eq!(held, 240, "seed {seed}: every version is kept, since none is shadowed by an equal key");
    }
}
