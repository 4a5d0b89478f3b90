//! The tree's shape: which table is where and how large, without any file. Chapter 2.1.
//!
//! A strategy is given a shape, a simulator changes one, the manifest (chapter 2.5) stores one. Keys in a shape are
//! *user* keys ([`Options::user_part`](crate::Options)): what overlaps is decided by what the user calls a key, so that
//! two entries of one key never come to lie in two tables of a level.

use bytes::Bytes;

use super::{Edit, Inputs, Task};
use crate::table::Table;
use crate::{Error, Result, UserPart};

/// All tables of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Level 0 first. There is always a level 0 and at least one below.
    pub levels: Vec<LevelShape>,
}

/// A level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LevelShape {
    /// Of level 0: newest first, and they may overlap. Of any other: in key order, and no two overlap.
    pub tables: Vec<TableShape>,
    /// The last key of the table that was taken from here last, where a strategy goes round and round (chapter 2.4).
    pub cursor: Option<Bytes>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    pub id: u64,
    /// Of the file, in bytes.
    pub size: u64,
    /// Tombstones included.
    pub entries: u64,
    pub tombstones: u64,
    pub first_key: Bytes,
    pub last_key: Bytes,
}

impl Default for Shape {
    /// An empty tree with one level below level 0.
    fn default() -> Shape {
        Shape::new(1)
    }
}

impl TableShape {
    /// What a strategy sees of an open table.
    pub fn of(table: &Table, user_part: UserPart) -> TableShape {
        let part = |key: &Bytes| key.slice_ref(user_part(key));
        TableShape {
            id: table.id(),
            size: table.size(),
            entries: table.entries(),
            tombstones: table.tombstones(),
            first_key: part(table.first_key()),
            last_key: part(table.last_key()),
        }
    }

    /// Whether `key` is not below the first key and not above the last.
    pub fn covers(&self, key: &[u8]) -> bool {
        self.first_key <= key && key <= self.last_key
    }

    /// Whether a key can be in both this table and the range from `first` to `last`, both included.
    pub fn overlaps(&self, first: &[u8], last: &[u8]) -> bool {
        self.first_key <= last && first <= self.last_key
    }
}

impl LevelShape {
    /// In bytes.
    pub fn size(&self) -> u64 {
        self.tables.iter().map(|table| table.size).sum()
    }

    /// The ids of all tables, in their order.
    pub fn ids(&self) -> Vec<u64> {
        self.tables.iter().map(|table| table.id).collect()
    }
}

impl Shape {
    /// An empty tree with level 0 and `below` levels, of which there is at least 1, below it.
    pub fn new(below: usize) -> Shape {
        Shape { levels: vec![LevelShape::default(); below.max(1) + 1] }
    }

    /// The number of the lowest level.
    pub fn last_level(&self) -> usize {
        self.levels.len() - 1
    }

    /// Every table, level 0 first.
    pub fn tables(&self) -> impl Iterator<Item = &TableShape> {
        self.levels.iter().flat_map(|level| &level.tables)
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.levels.iter().map(LevelShape::size).sum()
    }

    /// The ids of the tables of a level that overlap the range from `first` to `last`, both included, in the level's
    /// order.
    pub fn overlapping(&self, level: usize, first: &[u8], last: &[u8]) -> Vec<u64> {
        //@ 2.1: the tables of the level whose ranges overlap
        let tables = self.levels[level].tables.iter();
        tables.filter(|table| table.overlaps(first, last)).map(|table| table.id).collect()
    }

    /// The smallest and the greatest key of these tables of a level; `None` if there is no such table.
    pub fn range_of(&self, level: usize, ids: &[u64]) -> Option<(Bytes, Bytes)> {
        //@ 2.1: the least first key and the greatest last key
        let tables = || self.levels[level].tables.iter().filter(|table| ids.contains(&table.id));
        let first = tables().map(|table| &table.first_key).min()?;
        let last = tables().map(|table| &table.last_key).max()?;
        Some((first.clone(), last.clone()))
    }

    /// Whether a table in a level below `level` may hold `key`: whether its range covers the key.
    pub fn may_hold_below(&self, level: usize, key: &[u8]) -> bool {
        //@ 2.1: search the levels below, in each of which one table at most covers the key
        self.levels.iter().skip(level + 1).any(|level| {
            let at = level.tables.partition_point(|table| table.last_key < key);
            level.tables.get(at).is_some_and(|table| table.covers(key))
        })
    }

    /// The task of a full compaction: every table, merged into the last level. `None` if all tables are there already,
    /// without a tombstone among them.
    pub fn full_compaction(&self) -> Option<Task> {
        //@ 2.1: take every level that has tables, or none if there is nothing to gain
        let last = self.last_level();
        let is_done = |(level, tables): (usize, &LevelShape)| {
            tables.tables.iter().all(|table| level == last && table.tombstones == 0)
        };
        if self.levels.iter().enumerate().all(is_done) {
            return None;
        }
        let levels = self.levels.iter().enumerate().filter(|(_, level)| !level.tables.is_empty());
        let inputs = levels.map(|(level, tables)| Inputs { level, tables: tables.ids() }).collect();
        Some(Task { inputs, target: last, cursor: None })
    }

    /// The shape after a change.
    ///
    /// First the removed tables go, from whichever level they are in; then the added ones come, in their order: at
    /// level 0 each as the newest, in any other level at its place in key order. A table that is both removed and
    /// added has moved. A cursor replaces that of its level, and every other stays. A level that does not exist yet is
    /// made, with those between.
    pub fn apply(&self, edit: &Edit) -> Shape {
        //@ 2.1: remove, then add, then set the cursor
        let mut shape = self.clone();
        for level in &mut shape.levels {
            level.tables.retain(|table| !edit.removed.contains(&table.id));
        }
        let named = edit.added.iter().map(|(level, _)| *level).chain(edit.cursor.iter().map(|(level, _)| *level));
        let levels = named.max().map_or(0, |deepest| deepest + 1);
        shape.levels.resize(levels.max(shape.levels.len()), LevelShape::default());
        for (level, table) in &edit.added {
            let tables = &mut shape.levels[*level].tables;
            let at = if *level == 0 { 0 } else { tables.partition_point(|other| other.first_key < table.first_key) };
            tables.insert(at, table.clone());
        }
        if let Some((level, cursor)) = &edit.cursor {
            shape.levels[*level].cursor = Some(cursor.clone());
        }
        shape
    }

    /// Whether a task keeps the tree's rule. Given, so that a strategy that is not right yet is told so, and the data
    /// stay whole.
    ///
    /// Fails with [`Error::InvalidInput`] if the task names a table that is not where it says, or none at all, or a target
    /// that is level 0, above an input, or no level; or a cursor of level 0 or of a level below the target; or if it leaves a table behind that overlaps, so that newer
    /// entries would come to lie below older ones, or two tables of the target would overlap.
    pub fn check(&self, task: &Task) -> Result<()> {
        let wrong = |what: String| Err(Error::InvalidInput(format!("{what}: {task:?}")));
        if task.target == 0 || task.target >= self.levels.len() {
            return wrong(format!("a compaction's target is level 1 to {}", self.last_level()));
        }
        for Inputs { level, tables } in &task.inputs {
            let known = |id: &u64| self.levels.get(*level).is_some_and(|shape| shape.ids().contains(id));
            if *level > task.target || !tables.iter().all(known) {
                return wrong(format!("level {level} does not have these tables, or lies below the target"));
            }
        }
        if task.inputs.iter().all(|inputs| inputs.tables.is_empty()) {
            return wrong("a compaction without a table".to_string());
        }
        // Level 0 is taken whole or by age, so that it has no place to go on from.
        if task.cursor.as_ref().is_some_and(|(level, _)| *level == 0 || *level > task.target) {
            return wrong(format!("a cursor is of level 1 to {}", task.target));
        }
        match self.first_left_behind(task) {
            None => Ok(()),
            Some((level, id)) => wrong(format!("table {id} of level {level} overlaps the inputs and is left behind")),
        }
    }

    /// A table that a task should have taken along: one on the way of an input to the target, or one in the target
    /// between the smallest and the greatest key of all inputs.
    fn first_left_behind(&self, task: &Task) -> Option<(usize, u64)> {
        let is_input = |id: u64| task.inputs.iter().any(|inputs| inputs.tables.contains(&id));
        for Inputs { level, tables } in &task.inputs {
            for (at, table) in self.levels[*level].tables.iter().enumerate().filter(|(_, t)| tables.contains(&t.id)) {
                // In level 0, what stands behind a table is older than it.
                let older_beside = if *level == 0 { &self.levels[0].tables[at + 1..] } else { &[] };
                let beside = older_beside.iter().map(|other| (0, other));
                let between = (level + 1..task.target).flat_map(|n| self.levels[n].tables.iter().map(move |t| (n, t)));
                let mut on_the_way = beside.chain(between);
                let left = on_the_way.find(|(_, t)| !is_input(t.id) && t.overlaps(&table.first_key, &table.last_key));
                if let Some((level, left)) = left {
                    return Some((level, left.id));
                }
            }
        }
        let ranges = task.inputs.iter().filter_map(|inputs| self.hull(inputs.level, &inputs.tables));
        let (first, last) = ranges.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))?;
        let mut target = self.levels[task.target].tables.iter();
        target.find(|t| !is_input(t.id) && t.overlaps(first, last)).map(|t| (task.target, t.id))
    }

    fn hull(&self, level: usize, ids: &[u64]) -> Option<(&Bytes, &Bytes)> {
        let tables = || self.levels[level].tables.iter().filter(|table| ids.contains(&table.id));
        Some((tables().map(|table| &table.first_key).min()?, tables().map(|table| &table.last_key).max()?))
    }
}
