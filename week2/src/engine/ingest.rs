//! Loading a sorted run of entries as a table. Chapter 1.5.

use std::path::Path;
use std::sync::Arc;

use super::{Core, check_limits};
use crate::state::State;
use crate::table::{Table, TableBuilder, table_path};
use crate::{Error, Result};

impl Core {
    /// See [`Engine::ingest`](crate::Engine::ingest). The table is built, synced and opened, and its name made durable
    /// by a sync of the directory, before the turn is taken: readers and writers go on meanwhile. Within the turn it is
    /// checked that the engine takes writes ([`Status::check`](crate::background::Status)), that the memtables are
    /// empty, and that no table came in since the ingest began; only then is the table swapped in. After an error no
    /// file is left over, as far as the disk allows (from chapter 2.5 on, but for a table whose record failed: see
    /// `Core::install`).
    ///
    /// An ingest is durable without a log. So that from chapter 2.6 on a later log proves that its record was there, with
    /// a log it uses up the empty memtable's number: the edit's `flushed_through` is its id, a fresh memtable takes its
    /// place in the same swap, and `Logs::follow` gets this id with the length 0.
    pub(super) fn ingest<'a>(&self, entries: &mut dyn Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Result<()> {
        let before = self.state();
        let mut entries = entries.peekable();
        if entries.peek().is_none() {
            return Ok(());
        }
        // 2.5: first see to it that the manifest can be written: no table is built in vain
        let id = self.take_id();
        let path = table_path(&self.directory, id);
        let mut builder = TableBuilder::create(&path, &self.resources)?;
        for (key, value) in entries {
            check_limits(key, value)?;
            builder.add(key, value)?;
        }
        builder.finish()?;
        let table = self.adopt_table(id, &path)?;
        let turn = self.turn.lock();
        let checked = self.check_is_newest(&before);
        if checked.is_ok() {
            // 2.1: count the table's bytes in `bytes_flushed`
            // 2.5: let `install` record the table in the manifest before it is visible
            self.replace_state(|state| state.with_table(table));
            // 2.6: with a log: the record says the empty memtable's id, a fresh one takes its place, and the next log follows that id, of length 0
            // 2.1: tell the compactor, which may be asleep
            return Ok(());
        }
        // Nothing has seen the table. Writers need not wait for its file to go.
        drop(turn);
        drop(table);
        let _ = self.options().disk.remove(&path);
        checked
    }

    /// Whether a table that was begun in state `before` is newer than all that was written. Called within the turn.
    fn check_is_newest(&self, before: &Arc<State>) -> Result<()> {
        self.background.status.lock().check()?;
        let now = self.state();
        if Arc::ptr_eq(before, &now) && now.memtables().all(|memtable| memtable.is_empty()) {
            return Ok(());
        }
        Err(Error::InvalidInput("an ingest beside other writes, or while the memtables hold entries".to_string()))
    }

    /// Makes the name of a finished table durable and opens it. On failure the file is removed: nothing refers to it.
    pub(super) fn adopt_table(&self, id: u64, path: &Path) -> Result<Arc<Table>> {
        let synced = self.options().disk.sync_directory(&self.directory);
        let opened = synced.and_then(|()| Table::open(id, path, &self.resources));
        if opened.is_err() {
            let _ = self.options().disk.remove(path);
        }
        opened
    }
}
