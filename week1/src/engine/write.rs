//! Writing: one turn for everything that writes. Chapter 1.1; room for the write is chapter 1.6.

use parking_lot::MutexGuard;
use std::sync::Arc;

use super::{Core, check_limits};
use crate::Result;
use crate::memtable::MemTable;

/// What only the writer whose turn it is may use. Who has a `&mut Turn` holds the lock: functions that must be called
/// within the turn ask for it.
#[derive(Debug)]
pub(crate) struct Turn {}

/// An entry to be written; `None` is a tombstone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteEntry<'a> {
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

impl Core {
    /// Writes entries, in their order, within one turn.
    ///
    /// All limits are checked before anything is written. From chapter 2.6 on, they are one record of the log.
    pub(crate) fn commit(&self, entries: &[WriteEntry<'_>]) -> Result<()> {
        // 1.6: within the turn, before writing: make room
        todo!("1.1: check the limits, take the turn, and write the entries into the memtable of the current state")
    }

    /// Freezes the memtable and begins a new one with an id of its own; an empty memtable stays as it is.
    ///
    /// From chapter 1.6 on it announces the work: whoever freezes, the flusher has to hear of it.
    pub(super) fn freeze(&self, _turn: &mut Turn) {
        // 1.6: tell the flusher, which may be asleep
        todo!("1.1: swap in a state with a fresh memtable, unless the current one is empty")
    }

    /// Sees to it that the memtable may take another write.
    ///
    /// First the engine's health: a closed or failed engine takes no writes
    /// ([`Status::check`](crate::background::Status)). Then, if the engine works in the background and its memtable
    /// has reached `memtable_size` and is not empty, the memtable is frozen: an empty memtable always takes the write,
    /// whatever is frozen. If `max_frozen_memtables` (0 counts as 1) are frozen
    /// already, the writer first waits until a flush has made room, which counts as one stall however often it wakes;
    /// it stops waiting, with an error, when the engine is closed or fails. It waits within its turn: the writers
    /// behind it have no room either.
    ///
    /// From chapter 2.2 on there is no room either while level 0 has as many tables as the strategy's `level_0_limit`.
    fn make_room(&self, turn: &mut Turn) -> Result<()> {
        todo!("1.6: check the health; if the memtable is full, wait for room among the frozen ones, then freeze it")
    }
}
