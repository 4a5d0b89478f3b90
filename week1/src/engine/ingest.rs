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
        todo!(
            "1.5: build the table and make it durable; then, within the turn, check that it is the newest data and \
             swap it in"
        )
    }
}
