//! Loading a sorted run of entries as a table. Chapter 1.5.

use std::path::Path;
use std::sync::Arc;

use super::{Core, check_limits};
use crate::table::{Table, TableBuilder, table_path};
use crate::{Error, Result};

impl Core {
    /// See [`Engine::ingest`](crate::Engine::ingest). The table is built before the turn is taken. Within the turn it
    /// is checked that the memtables are empty and that no table came in meanwhile; only then is the table swapped
    /// in.
    pub(super) fn ingest<'a>(&self, entries: &mut dyn Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Result<()> {
        todo!(
            "1.5: build the table and make it durable; then, within the turn, check that it is the newest data and \
             swap it in"
        )
    }
}
