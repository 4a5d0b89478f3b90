//! Which data lives where: the memtables and the tables, at one moment. Given; later chapters add to it.
//!
//! ```text
//!   memtable ─▶ frozen[0] ─▶ frozen[1] ─▶ …   memory, newest first
//!   level_0[0] ─▶ level_0[1] ─▶ …              tables, newest first; their key ranges overlap
//!   levels[0] ─▶ levels[1] ─▶ …                from 2.1 on: sorted runs of tables, which are levels 1, 2, …
//! ```
//!
//! A state never changes. Who changes the tree makes a new state out of the old one and swaps it in; who reads takes
//! the one that is current and keeps it for as long as the reading lasts. (RocksDB calls this a SuperVersion.)

use std::sync::Arc;

use bytes::Bytes;

use crate::UserPart;
use crate::compaction::{Edit, LevelShape, Shape, TableShape};
use crate::memtable::MemTable;
use crate::table::Table;

/// All data of an engine at one moment.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The one that takes writes.
    pub memtable: Arc<MemTable>,
    /// Full ones on their way to a table, newest first.
    pub frozen: Vec<Arc<MemTable>>,
    /// Flushed and ingested tables, newest first.
    pub level_0: Vec<Arc<Table>>,
    /// The levels below level 0, upper ones first: `levels[0]` is level 1.
    pub levels: Vec<Level>,
}

/// A level below level 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    /// In key order; no two overlap. Shared with the scans that walk it.
    pub tables: Arc<Vec<Arc<Table>>>,
    /// See [`LevelShape::cursor`].
    pub cursor: Option<Bytes>,
}

impl State {
    /// No data.
    pub fn new(memtable: MemTable) -> State {
        State { memtable: Arc::new(memtable), frozen: Vec::new(), level_0: Vec::new(), levels: Vec::new() }
    }

    /// All memtables, newest first.
    pub fn memtables(&self) -> impl Iterator<Item = &Arc<MemTable>> {
        std::iter::once(&self.memtable).chain(&self.frozen)
    }

    /// The same data with the memtable frozen and `fresh` in its place.
    pub fn with_frozen_memtable(&self, fresh: Arc<MemTable>) -> State {
        let mut state = self.clone();
        state.frozen.insert(0, std::mem::replace(&mut state.memtable, fresh));
        state
    }

    /// The same data with one more table at level 0, the newest.
    pub fn with_table(&self, table: Arc<Table>) -> State {
        let mut state = self.clone();
        state.level_0.insert(0, table);
        state
    }

    /// The same data, with `memtable`'s part of it in `table`.
    pub fn with_flushed(&self, memtable: &MemTable, table: Arc<Table>) -> State {
        let mut state = self.with_table(table);
        state.frozen.retain(|frozen| frozen.id() != memtable.id());
        state
    }

    /// All tables, level 0 first.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.level_0.iter().chain(self.levels.iter().flat_map(|level| level.tables.iter()))
    }

    /// Where the tables are, for who decides on a compaction. It has at least `below` levels below level 0.
    pub fn shape(&self, below: usize, user_part: UserPart) -> Shape {
        let shapes = |tables: &[Arc<Table>]| tables.iter().map(|table| TableShape::of(table, user_part)).collect();
        let mut shape = Shape::new(below.max(self.levels.len()));
        shape.levels[0].tables = shapes(&self.level_0);
        for (level, into) in self.levels.iter().zip(&mut shape.levels[1..]) {
            *into = LevelShape { tables: shapes(&level.tables), cursor: level.cursor.clone() };
        }
        shape
    }

    /// The data after a change of the tables, with the same rules as [`Shape::apply`]. `tables` are handles of added tables; those that only move are here already.
    pub fn with_edit(&self, edit: &Edit, tables: &[Arc<Table>]) -> State {
        let mut state = self.clone();
        let is_removed = |table: &Arc<Table>| edit.removed.contains(&table.id());
        state.level_0.retain(|table| !is_removed(table));
        for level in &mut state.levels {
            if level.tables.iter().any(is_removed) {
                Arc::make_mut(&mut level.tables).retain(|table| !is_removed(table));
            }
        }
        for (level, shape) in &edit.added {
            let handle = tables.iter().chain(self.tables()).find(|table| table.id() == shape.id);
            // An edit adds what was just built or what moves, so that there always is a handle.
            let Some(handle) = handle.cloned() else { continue };
            let Some(index) = level.checked_sub(1) else {
                state.level_0.insert(0, handle);
                continue;
            };
            let tables = Arc::make_mut(&mut state.level_mut(index).tables);
            tables.insert(tables.partition_point(|other| other.first_key() < handle.first_key()), handle);
        }
        if let Some((level, cursor)) = &edit.cursor {
            state.level_mut(level.saturating_sub(1)).cursor = Some(cursor.clone());
        }
        state
    }

    fn level_mut(&mut self, index: usize) -> &mut Level {
        if self.levels.len() <= index {
            self.levels.resize(index + 1, Level::default());
        }
        &mut self.levels[index]
    }
}
