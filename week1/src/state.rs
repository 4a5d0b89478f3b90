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
}

impl State {
    /// No data.
    pub fn new(memtable: MemTable) -> State {
        State { memtable: Arc::new(memtable), frozen: Vec::new(), level_0: Vec::new() }
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
}
