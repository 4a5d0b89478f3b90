//! A tree whose tables are lists of numbers: what an engine's flushes and compactions do to a shape, with no file.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lsm::compaction::{Edit, LevelShape, Leveled, Shape, TableShape, Task};

use super::support::{inputs, pick};

/// What an entry takes, in bytes.
pub const ENTRY: u64 = 10;

/// A settled tree needs no more steps. Some hundred are normal after a flush into a tree of these sizes.
const STEPS: usize = 3000;

pub struct Tree {
    pub strategy: Leveled,
    pub shape: Shape,
    /// A merge cuts its outputs after so many entries.
    pub table_entries: usize,
    /// The numbers in each table.
    contents: BTreeMap<u64, BTreeSet<u32>>,
    next_id: u64,
    /// In bytes.
    pub flushed: u64,
    pub compacted: u64,
}

impl Tree {
    pub fn new(strategy: Leveled, below: usize, table_entries: usize) -> Tree {
        let (shape, contents) = (Shape::new(below), BTreeMap::new());
        Tree { strategy, shape, table_entries, contents, next_id: 1, flushed: 0, compacted: 0 }
    }

    /// A table of these numbers at level 0.
    pub fn flush(&mut self, numbers: impl IntoIterator<Item = u32>) {
        let table: TableShape = self.make_table(numbers.into_iter().collect());
        self.flushed += table.size;
        self.shape = self.shape.apply(&Edit::flush(table, 0));
    }

    /// Picks a task and carries it out, if there is one.
    pub fn step(&mut self) -> Option<Task> {
        let task: Task = pick(&self.strategy, &self.shape)?;
        let mut merged: BTreeSet<u32> = BTreeSet::new();
        for id in task.tables() {
            let numbers = self.contents.remove(&id);
            merged.extend(numbers.unwrap_or_else(|| panic!("table {id} is there, and named once: {task:?}")));
        }
        let merged: Vec<u32> = merged.into_iter().collect();
        let outputs: Vec<TableShape> = merged
            .chunks(self.table_entries)
            .map(|numbers| self.make_table(numbers.iter().copied().collect()))
            .collect();
        self.compacted += outputs.iter().map(|table| table.size).sum::<u64>();
        self.shape = self.shape.apply(&task.edit(outputs));
        Some(task)
    }

    /// Carries out what there is to do. Gives the tasks.
    pub fn settle(&mut self) -> Vec<Task> {
        let mut tasks = Vec::new();
        while let Some(task) = self.step() {
            tasks.push(task);
            if tasks.len() == STEPS {
                let way = |task: &Task| (inputs(task), task.target);
                let last: Vec<_> = tasks.iter().rev().take(4).map(way).collect();
                panic!("{STEPS} tasks in a row, and no end; the last ones: {last:?}\nthe tree: {}", self.draw());
            }
        }
        tasks
    }

    /// How many distinct numbers there are.
    pub fn live(&self) -> u64 {
        self.contents.values().flatten().collect::<BTreeSet<_>>().len() as u64
    }

    /// Level by level: tables and bytes.
    pub fn draw(&self) -> String {
        let level = |(level, shape): (usize, &LevelShape)| {
            format!("level {level}: {} tables, {} bytes", shape.tables.len(), shape.size())
        };
        self.shape.levels.iter().enumerate().map(level).collect::<Vec<_>>().join("; ")
    }

    fn make_table(&mut self, numbers: BTreeSet<u32>) -> TableShape {
        let id = self.next_id;
        self.next_id += 1;
        let key = |number: Option<&u32>| Bytes::from(format!("{:06}", number.expect("a table is never empty")));
        let entries = numbers.len() as u64;
        let (first_key, last_key) = (key(numbers.first()), key(numbers.last()));
        self.contents.insert(id, numbers);
        TableShape { id, size: entries * ENTRY, entries, tombstones: 0, first_key, last_key }
    }
}
