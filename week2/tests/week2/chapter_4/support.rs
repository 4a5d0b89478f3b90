//! What the tests of this chapter share: shapes made by hand, and a way to compare tasks.

use bytes::Bytes;
use lsm::compaction::{Leveled, Shape, Strategy, TableShape, Task};

pub const MIB: u64 = 1 << 20;

/// A table without tombstones.
pub fn table(id: u64, size: u64, first_key: &str, last_key: &str) -> TableShape {
    TableShape {
        id,
        size,
        entries: 10,
        tombstones: 0,
        first_key: Bytes::copy_from_slice(first_key.as_bytes()),
        last_key: Bytes::copy_from_slice(last_key.as_bytes()),
    }
}

/// A tree with `below` levels below level 0, in some of which there are tables.
pub fn shape<const N: usize>(below: usize, levels: [(usize, Vec<TableShape>); N]) -> Shape {
    let mut shape = Shape::new(below);
    for (level, tables) in levels {
        shape.levels[level].tables = tables;
    }
    shape
}

/// A tree with these bytes in its levels, each in one table; 0 for none. The first number is level 0's *count* of
/// tables, of 1,000 bytes each. The table of level 5 has the id 50; those of level 0 have 1, 2, 3, …
pub fn sizes(level_0: u64, below: &[u64]) -> Shape {
    let mut shape = Shape::new(below.len());
    shape.levels[0].tables = (1..=level_0).rev().map(|id| table(id, 1000, "a", "z")).collect();
    for (level, size) in (1..).zip(below).filter(|(_, size)| **size > 0) {
        shape.levels[level].tables = vec![table(10 * level as u64, *size, "a", "z")];
    }
    shape
}

/// A strategy with small numbers: 4 tables in level 0, a base level of 1,000 bytes at most, a ratio of 10.
pub fn small() -> Leveled {
    Leveled { level_0_tables: 4, base_size: 1000, ratio: 10, max_level_0_tables: 8 }
}

/// The task for a shape, which has to keep the tree's rule.
pub fn pick(strategy: &Leveled, shape: &Shape) -> Option<Task> {
    let task: Option<Task> = strategy.pick(shape);
    if let Some(task) = &task {
        shape.check(task).unwrap_or_else(|error| panic!("a task that breaks the tree: {error}\nof {shape:?}"));
    }
    task
}

/// The task for a shape that needs one.
pub fn picked(strategy: &Leveled, shape: &Shape, why: &str) -> Task {
    pick(strategy, shape).unwrap_or_else(|| panic!("there should be a task, since {why}; {shape:?}"))
}

/// A task's levels with the ids of its tables there, sorted. Levels of which it names no table are left out.
pub fn inputs(task: &Task) -> Vec<(usize, Vec<u64>)> {
    let mut levels = Vec::new();
    for inputs in task.inputs.iter().filter(|inputs| !inputs.tables.is_empty()) {
        let mut tables: Vec<u64> = inputs.tables.clone();
        tables.sort();
        levels.push((inputs.level, tables));
    }
    levels
}

/// The level that a task takes from, and its target.
pub fn way(task: &Task) -> (usize, usize) {
    (inputs(task)[0].0, task.target)
}

/// Numbers that look random and are the same in each run (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
