//! Writing: one turn for everything that writes. Chapter 1.1; room for the write is chapter 1.6.

use parking_lot::MutexGuard;
use std::sync::Arc;

use super::{Core, check_limits};
use crate::Result;
use crate::memtable::MemTable;
use crate::wal::Logs;

/// What only the writer whose turn it is may use. Who has a `&mut Turn` holds the lock: functions that must be called
/// within the turn ask for it.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The memtables' logs.
    pub logs: Logs,
    /// Where a record for the log is put together; kept for its allocation.
    pub record: Vec<u8>,
}

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
        for entry in entries {
            check_limits(entry.key, entry.value)?;
        }
        let mut turn: MutexGuard<'_, Turn> = self.turn.lock();
        self.make_room(&mut turn)?;
        // Nobody else freezes during this turn, so the memtable stays the current one.
        let memtable = self.state.read().memtable.clone();
        // 2.7: with the caller's word for whether to sync: the parameter `sync`
        // 2.6: before that, write them to the log, synced if the options say so
        for entry in entries {
            memtable.write(entry.key, entry.value);
        }
        drop(turn);
        Ok(())
    }

    /// Freezes the memtable and begins a new one with an id of its own; an empty memtable stays as it is.
    ///
    /// From chapter 1.6 on it announces the work: whoever freezes, the flusher has to hear of it.
    pub(super) fn freeze(&self, _turn: &mut Turn) {
        if self.state().memtable.is_empty() {
            return;
        }
        let fresh = Arc::new(MemTable::new(self.take_id()));
        self.replace_state(|state| state.with_frozen_memtable(fresh));
        self.background.announce();
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
        let mut status = self.background.status.lock();
        status.check()?;
        let options = self.options();
        // An empty memtable, of size 0, always takes the write.
        if !options.background || self.state.read().memtable.size() < options.memtable_size.max(1) {
            return Ok(());
        }
        // 2.2: a level 0 that is full has no room either, if the strategy compacts it
        let has_room = || self.state.read().frozen.len() < options.max_frozen_memtables.max(1);
        if !has_room() {
            self.resources.counters.stalls.add(1);
        }
        while !has_room() {
            self.background.changed.wait(&mut status);
            status.check()?;
        }
        drop(status);
        self.freeze(turn);
        Ok(())
    }

    /// Makes everything durable that was acknowledged before the call: it survives a power cut then. Without a log, it
    /// flushes.
    ///
    /// After a failure the engine is poisoned ([`Error::Poisoned`]), as after a write to the log that fails. A poisoned
    /// engine answers with the first cause again, and asks nothing of the disk. That is the only failure that matters here:
    /// a closed engine can be synced.
    pub(super) fn sync(&self) -> Result<()> {
        todo!("2.6: within the turn, sync the logs, unless the engine is poisoned; without a log, flush")
    }
}
