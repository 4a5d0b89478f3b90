//! Flushing: a frozen memtable becomes a table of level 0. Chapter 1.6.
//!
//! The order is what makes a flush safe. The table is built and synced while readers still find the entries in the
//! memtable; then its name is made durable; then, in one swap, the table appears and the memtable goes. At no moment
//! can a reader find neither, and a failure anywhere before the swap has changed nothing.
//!
//! ```text
//!   build and sync 7.sst ─▶ sync the directory ─▶ swap the state ─▶ wake writers that wait for room
//!   └───────── no lock that a reader or writer waits for ────────┘
//! ```

use std::sync::Arc;

use parking_lot::MutexGuard;

use super::Core;
use crate::iterator::StorageIterator;
use crate::memtable::MemTable;
use crate::table::{Table, TableBuilder, table_path};
use crate::{Error, KeyRange, Result};

impl Core {
    /// Flushes the oldest frozen memtable whose id is below `limit`; `false` if there is none. Who calls holds
    /// [`Core::flushing`], so that no memtable is flushed twice.
    ///
    /// Counts in `flushes` and announces the room that it made. After an error the state is what it was, and no file
    /// is left over; from chapter 2.5 on, a table whose record failed stays until the manifest has been written anew.
    pub(super) fn flush_oldest(&self, limit: u64, _alone: &MutexGuard<'_, ()>) -> Result<bool> {
        todo!("1.6: build the oldest frozen memtable's table, then swap it in for the memtable, then announce")
    }

    /// Freezes the memtable, within the turn, and flushes all that is frozen then; what writers freeze later is not
    /// waited for. After that a failure of an earlier flush has been made good, and the engine takes writes again:
    /// [`Background::recovered`](crate::background::Background) is called also when there was nothing to flush, and
    /// not after an error. Flushing and forgetting the failure happen under one hold of [`Core::flushing`], which is
    /// taken when the turn has been given up.
    ///
    /// The engine's health is not asked: an engine that failed or was closed can be flushed.
    pub(super) fn flush_all(&self) -> Result<()> {
        todo!("1.6: freeze, flush what is frozen, and clear the failure")
    }

    /// The flusher's life: sleeps until there is a frozen memtable, flushes the oldest, and looks again. After a failure
    /// it sleeps until [`Background::recovered`](crate::background::Background). It reports a failure while it still
    /// holds [`Core::flushing`]: reported later, it could reach the writers after somebody made it good.
    ///
    /// It looks at `closing` before each flush, and ends when it is set, whatever is still frozen. A flush that it has
    /// begun by then, or for which it waits for [`Core::flushing`], it ends first.
    pub(super) fn flush_until_closed(&self) {
        todo!("1.6: in a loop: wait for work, flush the oldest, and report what goes wrong")
    }

    /// Ends the engine. The threads are told to end, and waited for, before the turn is taken: a writer that waits
    /// for room wakes, fails, and gives the turn up. Then everything in memory is flushed; if that fails, its error is
    /// the answer. Only then a thread's panic is reported, with [`Error::Panicked`].
    ///
    /// From chapter 2.6 on it flushes only if the engine has no log, or if the log cannot be synced.
    pub(super) fn close(&self) -> Result<()> {
        todo!("1.6: stop the threads, flush everything, report a panic")
    }
}
