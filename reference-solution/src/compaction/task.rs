//! What a strategy asks for, and what comes of it. Chapter 2.1.

use bytes::Bytes;

use super::{Shape, TableShape};

/// Tables to be merged into a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The tables to merge, upper levels first. The target's own tables that overlap are among them.
    pub inputs: Vec<Inputs>,
    /// The level that takes the outputs: the lowest of the inputs' levels, or one below. Never 0.
    pub target: usize,
    /// A level and its new [`cursor`](super::LevelShape::cursor), for strategies that use it.
    pub cursor: Option<(usize, Bytes)>,
}

/// Tables of one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    pub level: usize,
    /// Their ids.
    pub tables: Vec<u64>,
}

/// A change of the tree, as data. The manifest (chapter 2.5) is a list of them. LevelDB calls it a VersionEdit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The ids of tables that go.
    pub removed: Vec<u64>,
    /// Tables that come, with their levels.
    pub added: Vec<(usize, TableShape)>,
    /// A level and its new cursor.
    pub cursor: Option<(usize, Bytes)>,
    /// Memtables with ids up to this are in tables now; 0 says nothing new.
    pub flushed_through: u64,
    /// The greatest version in the added tables, which week 3 brings in; 0 says nothing new.
    pub last_version: u64,
}

impl Task {
    /// The ids of all inputs.
    pub fn tables(&self) -> impl Iterator<Item = u64> {
        self.inputs.iter().flat_map(|inputs| inputs.tables.iter().copied())
    }

    /// The change that the task makes when it has been carried out: the inputs go, the outputs are in the target.
    pub fn edit(&self, outputs: Vec<TableShape>) -> Edit {
        //@ 2.1: what goes, what comes, and the cursor
        Edit {
            removed: self.tables().collect(),
            added: outputs.into_iter().map(|table| (self.target, table)).collect(),
            cursor: self.cursor.clone(),
            ..Edit::default()
        }
    }

    /// The change, if the tables only have to move: none of them is rewritten, and the edit removes and adds each.
    ///
    /// That is so if all inputs are of one level above the target, no two of them overlap, and none has a tombstone
    /// that a merge could drop, because nothing below the target overlaps it. (LevelDB moves single tables.)
    pub fn trivial_move(&self, shape: &Shape) -> Option<Edit> {
        //@ 2.2: the inputs themselves as outputs, if nothing of them has to be merged
        let mut sources = self.inputs.iter().filter(|inputs| !inputs.tables.is_empty());
        let source = sources.next().filter(|source| source.level < self.target)?;
        if sources.next().is_some() {
            return None;
        }
        let tables = shape.levels.get(source.level)?.tables.iter();
        let mut moved: Vec<TableShape> = tables.filter(|table| source.tables.contains(&table.id)).cloned().collect();
        moved.sort_by(|one, other| one.first_key.cmp(&other.first_key));
        let is_apart = moved.windows(2).all(|pair| pair[0].last_key < pair[1].first_key);
        let has_older = |table: &TableShape| {
            let mut below = self.target + 1..shape.levels.len();
            below.any(|level| !shape.overlapping(level, &table.first_key, &table.last_key).is_empty())
        };
        let keeps_no_dead = moved.iter().all(|table| table.tombstones == 0 || has_older(table));
        (is_apart && keeps_no_dead).then(|| self.edit(moved))
    }
}

impl Edit {
    /// A new table at level 0, with what was in the memtables up to `flushed_through`.
    pub fn flush(table: TableShape, flushed_through: u64) -> Edit {
        Edit { added: vec![(0, table)], flushed_through, ..Edit::default() }
    }
}
