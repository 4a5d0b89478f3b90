//! The engine: what its user opens, reads and writes. Chapter 1.1 begins it, and nearly every chapter adds to it.
//!
//! ```text
//!        put, delete                                    get, scan
//!             │                                             │ newest first
//!             ▼          freeze              flush          ▼
//!        ┌──────────┐  ──────────▶ ┌────────┐ ───────▶ ┌─────────┐
//!        │ memtable │              │ frozen │          │ level 0 │
//!        └──────────┘              └────────┘          └─────────┘
//!           memory                   memory               disk
//! ```
//!
//! Two locks matter. The *turn* is held by whoever writes or freezes, so writes have one order. The lock around the
//! state is held only to read or to swap a pointer; nobody does I/O, or anything else that takes time, while holding
//! it. Readers never take the turn.

mod flush;
mod ingest;
mod recover;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::background::Background;
use crate::iterator::{MergeIterator, Scan, Source};
use crate::options::{MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Options};
use crate::state::State;
use crate::stats::Stats;
use crate::table::{Resources, key_hash};
use crate::{Error, KeyRange, Result};

use recover::recover;
use write::{Turn, WriteEntry};

/// A database in a directory. All methods may be called from several threads; share it in an [`Arc`].
///
/// Dropping an engine ends its threads and loses what is only in memory; [`Engine::close`] writes it to tables first.
#[derive(Debug)]
pub struct Engine {
    core: Arc<Core>,
}

/// What the engine shares with its threads.
#[derive(Debug)]
pub(crate) struct Core {
    directory: PathBuf,
    resources: Arc<Resources>,
    state: RwLock<Arc<State>>,
    /// Held by whoever writes or freezes.
    turn: Mutex<Turn>,
    /// Held by whoever flushes: memtables become tables one at a time, the oldest first.
    flushing: Mutex<()>,
    /// The number of the next memtable or table.
    next_id: AtomicU64,
    background: Arc<Background>,
}

impl Engine {
    /// Opens the database in `directory`, which is made if it is not there.
    ///
    /// Until chapter 2.5 a new engine is empty: tables that an earlier one left in the directory stay there unread.
    ///
    /// Fails with [`Error::Io`] if the directory cannot be made or listed, and from chapter 2.5 on if another engine has it
    /// open or a file cannot be read; with [`Error::Corruption`] or [`Error::UnsupportedVersion`] if a file is not what it
    /// should be. Then nothing has been changed.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Engine> {
        let directory = directory.as_ref().to_path_buf();
        options.disk.create_directory(&directory)?;
        let resources = Resources::new(options);
        let recovered = recover(&directory, &resources)?;
        let core = Arc::new(Core {
            directory,
            resources,
            state: RwLock::new(Arc::new(recovered.state)),
            turn: Mutex::new(recovered.turn),
            flushing: Mutex::default(),
            next_id: AtomicU64::new(recovered.next_id),
            background: Arc::default(),
        });
        if core.resources.options.background {
            // 1.6: start the flusher, a thread with the name "flush"
        }
        Ok(Engine { core })
    }

    /// Sets a key's value. An empty value is a value, and the empty key is a key.
    ///
    /// When the memtable is full, the write first freezes it, and waits as long as too many frozen ones are
    /// unflushed.
    ///
    /// Fails with [`Error::KeyTooLong`] or [`Error::ValueTooLong`]; with [`Error::Closed`] after [`Engine::close`];
    /// with [`Error::Background`] or [`Error::Panicked`] after a failure in the background.
    pub fn put(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.core.commit(&[WriteEntry { key, value: Some(value) }])
    }

    /// Removes a key; whether or not it exists makes no difference. Fails as [`Engine::put`] does.
    pub fn delete(&self, key: &[u8]) -> Result<()> {
        self.core.commit(&[WriteEntry { key, value: None }])
    }

    /// A key's value, or `None` if it has none or was deleted.
    ///
    /// The newest source that knows the key decides; none is asked after it. Fails with [`Error::Io`] or
    /// [`Error::Corruption`] if a table cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        // 1.5: then the tables of level 0, the newest first, leaving out those whose keys lie elsewhere
        todo!("1.1: ask the memtables, the newest first, until one knows the key; a tombstone is an answer")
    }

    /// The live entries of a range, in key order: `scan(..)`, `scan("a".."b")`, or any other range of byte strings.
    ///
    /// The scan sees a memtable's later writes to keys that it has not reached (until chapter 3.2); a freeze or a
    /// flush does not disturb it. Fails with [`Error::Io`] or [`Error::Corruption`] if a table cannot be read.
    pub fn scan(&self, range: impl Into<KeyRange>) -> Result<Scan> {
        // 1.5: and those of the tables of level 0 that overlap the range
        todo!("1.2: merge the memtables' entries in the range, newest first")
    }

    /// Adds a table at level 0 with these entries, which are newer than all that were written before: a fast way to
    /// load many. `None` is a tombstone. An empty list changes nothing.
    ///
    /// The memtables, frozen ones included, must be empty, and nobody may write, flush or ingest meanwhile: otherwise,
    /// and if the keys do not ascend strictly, it fails with [`Error::InvalidInput`]. It fails with [`Error::Io`] if
    /// the table cannot be written, and otherwise as [`Engine::put`] does. After an error nothing has changed, and no
    /// file is left (but from chapter 2.5 on, if the manifest cannot be written, one until it can). When it returns `Ok`, the entries survive a power cut in a table's file.
    pub fn ingest<'a>(&self, entries: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Result<()> {
        self.core.ingest(&mut entries.into_iter())
    }

    /// Freezes the memtable, if it is not empty: it takes no more writes, and a new one begins.
    ///
    /// It writes nothing new, so it is allowed on an engine that failed or was closed too.
    pub fn freeze(&self) -> Result<()> {
        let mut turn = self.core.turn.lock();
        self.core.freeze(&mut turn);
        Ok(())
    }

    /// Writes everything that is in memory to tables, and returns when those are durable.
    ///
    /// It also tries again what failed in the background; if it succeeds, writes are taken again. Fails with the
    /// [`Error`] that the disk gave, and loses nothing: what could not be written stays readable in memory. An engine
    /// that works in the background tries it at once by itself; if that fails too, writes are refused with
    /// [`Error::Background`].
    ///
    /// It writes nothing new, so it is allowed on an engine that failed or was closed: after a close that failed it
    /// tries again what the close could not write.
    pub fn flush(&self) -> Result<()> {
        self.core.flush_all()
    }

    /// Ends the engine: refuses further writes, wakes those that wait, ends the threads, and writes what is in memory
    /// to tables. Reading what the engine holds remains possible. After a failure it may be called again, to try
    /// again.
    ///
    /// Fails as [`Engine::flush`] does; if everything could be written, with [`Error::Panicked`] if a thread panicked.
    pub fn close(&self) -> Result<()> {
        self.core.close()
    }

    /// What the engine holds and what it did so far.
    pub fn stats(&self) -> Stats {
        let state = self.core.state();
        let counters = &self.core.resources.counters;
        let in_memory: u64 = state.memtables().map(|memtable| memtable.len() as u64).sum();
        Stats {
            entries: in_memory + state.level_0.iter().map(|table| table.entries()).sum::<u64>(),
            memtable_bytes: state.memtables().map(|memtable| memtable.size() as u64).sum(),
            frozen_memtables: state.frozen.len() as u64,
            tables: state.level_0.len() as u64,
            table_bytes: state.level_0.iter().map(|table| table.size()).sum(),
            cache_bytes: self.core.resources.cache.bytes(),
            blocks_read: counters.blocks_read.get(),
            cache_hits: counters.cache_hits.get(),
            filter_hits: counters.filter_hits.get(),
            stalls: counters.stalls.get(),
            flushes: counters.flushes.get(),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.core.background.stop();
    }
}

impl Core {
    /// The current state, to keep for as long as it is needed.
    fn state(&self) -> Arc<State> {
        self.state.read().clone()
    }

    /// Puts a new state in the place of the current one. `change` only puts pointers together: readers wait for it.
    fn replace_state(&self, change: impl FnOnce(&State) -> State) {
        let mut current = self.state.write();
        let fresh = Arc::new(change(&current));
        let replaced = std::mem::replace(&mut *current, fresh);
        drop(current);
        // The last reader of an old state frees memtables and closes files: not while others wait for the lock.
        drop(replaced);
    }

    fn take_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn options(&self) -> &Options {
        &self.resources.options
    }
}

fn check_limits(key: &[u8], value: Option<&[u8]>) -> Result<()> {
    if key.len() > MAX_KEY_LENGTH {
        return Err(Error::KeyTooLong { length: key.len(), limit: MAX_KEY_LENGTH });
    }
    match value.map(<[u8]>::len) {
        Some(length) if length > MAX_VALUE_LENGTH => Err(Error::ValueTooLong { length, limit: MAX_VALUE_LENGTH }),
        _ => Ok(()),
    }
}
