//! A tree on paper: it has keys and sizes, and no file. Flushes come in, a strategy picks, tasks are carried out, and
//! after each step the tree's rule is checked: a lookup from the top finds the newest write of every key.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lsm::compaction::{Edit, Shape, Strategy, TableShape, Task};

use super::shapes::drawing;

/// Bytes that an entry takes on paper.
pub const ENTRY: u64 = 10;

/// Entries in a merged table, at most.
const MAX_ENTRIES: usize = 16;

/// For each key the number of the write that it comes from.
type Entries = BTreeMap<u16, u64>;

pub struct Paper {
    pub shape: Shape,
    tables: BTreeMap<u64, Entries>,
    newest: Entries,
    writes: u64,
    next_id: u64,
    /// Bytes of the tables that merges wrote.
    pub bytes_merged: u64,
    pub merges: u64,
    pub moves: u64,
}

impl Paper {
    pub fn new(levels_below: usize) -> Paper {
        Paper {
            shape: Shape::new(levels_below),
            tables: BTreeMap::new(),
            newest: Entries::new(),
            writes: 0,
            next_id: 1,
            bytes_merged: 0,
            merges: 0,
            moves: 0,
        }
    }

    /// A table with these keys at level 0. There must be one.
    pub fn flush(&mut self, keys: &BTreeSet<u16>) {
        let mut entries = Entries::new();
        for key in keys {
            self.writes += 1;
            entries.insert(*key, self.writes);
        }
        self.newest.extend(&entries);
        let table = self.add_table(entries);
        self.shape = self.shape.apply(&Edit::flush(table, 0));
    }

    /// Lets the strategy pick until it is content, and demands that a lookup finds the newest writes then. Gives how many
    /// tasks it picked.
    pub fn settle(&mut self, strategy: &dyn Strategy) -> usize {
        let picked = self.run(strategy);
        self.check_newest_is_found();
        picked
    }

    /// Lets the strategy pick until it is content. Gives how many tasks it picked.
    pub fn run(&mut self, strategy: &dyn Strategy) -> usize {
        for picked in 0..100 {
            let Some(task) = strategy.pick(&self.shape) else { return picked };
            self.carry_out(&task);
        }
        panic!("{strategy:?} is not content after 100 tasks:\n{}", drawing(&self.shape));
    }

    fn carry_out(&mut self, task: &Task) {
        let checked: lsm::Result<()> = self.shape.check(task);
        checked.unwrap_or_else(|error| panic!("the task breaks the tree's rule: {error}\n{}", drawing(&self.shape)));
        // No table of paper has a tombstone.
        if let Some(edit) = task.trivial_move(&self.shape) {
            self.moves += 1;
            self.shape = self.shape.apply(&edit);
            return;
        }
        let mut merged = Entries::new();
        for id in task.tables() {
            for (key, write) in self.tables.remove(&id).expect("each table is an input once") {
                let newest = merged.entry(key).or_insert(write);
                *newest = (*newest).max(write);
            }
        }
        let merged: Vec<(u16, u64)> = merged.into_iter().collect();
        let outputs: Vec<TableShape> =
            merged.chunks(MAX_ENTRIES).map(|part| self.add_table(part.iter().copied().collect())).collect();
        self.merges += 1;
        self.bytes_merged += outputs.iter().map(|table| table.size).sum::<u64>();
        self.shape = self.shape.apply(&task.edit(outputs));
    }

    fn add_table(&mut self, entries: Entries) -> TableShape {
        let name = |key: &u16| Bytes::copy_from_slice(&key.to_be_bytes());
        let (first, last) = (entries.keys().next().expect("an entry"), entries.keys().next_back().expect("an entry"));
        let table = TableShape {
            id: self.next_id,
            size: entries.len() as u64 * ENTRY,
            entries: entries.len() as u64,
            tombstones: 0,
            first_key: name(first),
            last_key: name(last),
        };
        self.tables.insert(self.next_id, entries);
        self.next_id += 1;
        table
    }

    fn check_newest_is_found(&self) {
        for (key, newest) in &self.newest {
            let found = self.shape.tables().find_map(|table| self.tables[&table.id].get(key));
            assert_eq!(
                found,
                Some(newest),
                "the write of key {key} that a lookup finds from the top\n{}",
                drawing(&self.shape)
            );
        }
    }
}

/// The sorted runs: each table of level 0, and each other level that has tables.
pub fn runs_in(shape: &Shape) -> usize {
    shape.levels[0].tables.len() + shape.levels[1..].iter().filter(|level| !level.tables.is_empty()).count()
}
