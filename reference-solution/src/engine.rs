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

//@ 2.1
mod compact;
mod flush;
mod ingest;
//@ 2.7
mod queue;
mod recover;
//@ 2.7
mod verify;
mod write;

//@ 2.5
use std::any::Any;
//@ 2.5
use std::marker;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::background::Background;
//@ 2.7
use crate::batch::WriteBatch;
//@ 2.1
use crate::compaction::Shape;
//@ 2.1 only
use crate::iterator::ConcatIterator;
use crate::iterator::{MergeIterator, Scan, Source};
//@ 2.5
use crate::manifest::Manifest;
//@ 2.7
use crate::options::Sync;
use crate::options::{MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Options};
use crate::state::State;
use crate::stats::Stats;
use crate::table::{Resources, key_hash};
use crate::{Error, KeyRange, Result};

//@ 2.7
use queue::Queue;
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
    //@ 2.1
    /// Held by whoever compacts: no table is merged twice at the same time.
    compacting: Mutex<()>,
    //@ 2.5
    /// Held from writing a change's record to making the change visible.
    manifest: Mutex<Manifest>,
    //@ 2.7
    /// Writers that wait for their turn.
    queue: Queue,
    /// The number of the next memtable or table.
    next_id: AtomicU64,
    //@ 2.6
    /// Memtables with ids up to this came out of logs, also if this engine writes none; 0 if none did.
    replayed_through: u64,
    background: Arc<Background>,
    //@ 2.5
    /// Keeps other engines out of the directory, until the last thread has ended.
    _lock: Box<dyn Any + Send + marker::Sync>,
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
            //@ 2.6
            replayed_through: recovered.state.frozen.first().map_or(0, |newest| newest.id()),
            state: RwLock::new(Arc::new(recovered.state)),
            turn: Mutex::new(recovered.turn),
            flushing: Mutex::default(),
            //@ 2.1
            compacting: Mutex::default(),
            //@ 2.5
            manifest: Mutex::new(recovered.manifest),
            //@ 2.7
            queue: Queue::default(),
            next_id: AtomicU64::new(recovered.next_id),
            background: Arc::default(),
            //@ 2.5
            _lock: recovered.lock,
        });
        if core.resources.options.background {
            //@ 1.6: start the flusher, a thread with the name "flush"
            let flusher = core.clone();
            core.background.spawn("flush", move || flusher.flush_until_closed())?;
            //@ 2.1: and the compactor, a thread with the name "compact"
            let compactor = core.clone();
            core.background.spawn("compact", move || compactor.compact_until_closed())?;
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
        //@ 2.7: let the entry stand in the queue
        //- self.core.commit(&[WriteEntry { key, value: Some(value) }])
        self.core.submit(&[WriteEntry { key, value: Some(value) }], self.core.options().sync)
    }

    /// Removes a key; whether or not it exists makes no difference. Fails as [`Engine::put`] does.
    pub fn delete(&self, key: &[u8]) -> Result<()> {
        //@ 2.7: let the entry stand in the queue
        //- self.core.commit(&[WriteEntry { key, value: None }])
        self.core.submit(&[WriteEntry { key, value: None }], self.core.options().sync)
    }

    //@ 2.7
    /// Writes a batch: after a crash all of its entries are there, or none. It waits for what
    /// [`Options::sync`](crate::Options) says. An empty batch changes nothing.
    ///
    /// Fails as [`Engine::put`] does, and with [`Error::InvalidInput`] if the batch is longer than a log's record can be
    /// (about 1 GiB); no entry is written then. Other threads may see a part of the batch while it is being written (until
    /// chapter 3.2).
    pub fn write(&self, batch: &WriteBatch) -> Result<()> {
        //@ 2.7: as write_with, with the durability of the options
        self.write_with(batch, self.core.options().sync)
    }

    //@ 2.7
    /// As [`Engine::write`], and says for this batch what to wait for. An engine without a log has nothing to wait for,
    /// whatever this says.
    pub fn write_with(&self, batch: &WriteBatch, sync: Sync) -> Result<()> {
        //@ 2.7: let the batch's entries stand in the queue
        let entries = batch.iter().map(|(key, value)| WriteEntry { key, value: value.map(|value| &value[..]) });
        self.core.submit(&entries.collect::<Vec<_>>(), sync)
    }

    //@ 2.6
    /// Makes everything durable that was acknowledged before the call, by whichever thread: it survives a power cut then.
    /// An engine without a log flushes for it.
    ///
    /// Fails with [`Error::Poisoned`] if the log cannot be written, now or before; without a log as [`Engine::flush`].
    pub fn sync(&self) -> Result<()> {
        self.core.sync()
    }

    /// A key's value, or `None` if it has none or was deleted.
    ///
    /// The newest source that knows the key decides; none is asked after it. Fails with [`Error::Io`] or
    /// [`Error::Corruption`] if a table cannot be read.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>> {
        //@ 1.1: ask the memtables, the newest first, until one knows the key; a tombstone is an answer
        let state = self.core.state();
        let user_part = self.core.resources.options.user_part;
        for memtable in state.memtables() {
            if let Some(found) = memtable.lookup(key, user_part) {
                return Ok(found);
            }
        }
        //@ 1.5: then the tables of level 0, the newest first, leaving out those whose keys lie elsewhere
        let hash = key_hash(user_part(key));
        for table in state.level_0.iter().filter(|table| table.covers(key)) {
            if let Some(found) = table.lookup(key, hash)? {
                return Ok(found);
            }
        }
        //@ 2.1: then the levels below, the upper ones first: in each, the one table that may have the key
        for level in &state.levels {
            let at = level.tables.partition_point(|table| user_part(table.last_key()) < user_part(key));
            if let Some(table) = level.tables.get(at).filter(|table| table.covers(key))
                && let Some(found) = table.lookup(key, hash)?
            {
                return Ok(found);
            }
        }
        //@ 1.1
        Ok(None)
    }

    /// The live entries of a range, in key order: `scan(..)`, `scan("a".."b")`, or any other range of byte strings.
    ///
    /// The scan sees a memtable's later writes to keys that it has not reached (until chapter 3.2); a freeze or a
    /// flush does not disturb it. Fails with [`Error::Io`] or [`Error::Corruption`] if a table cannot be read.
    pub fn scan(&self, range: impl Into<KeyRange>) -> Result<Scan> {
        //@ 1.2: merge the memtables' entries in the range, newest first
        let range = range.into();
        let state = self.core.state();
        let mut sources = Vec::new();
        for memtable in state.memtables() {
            sources.push(Source::MemTable(memtable.scan(&range)));
        }
        //@ 1.5: and those of the tables of level 0 that overlap the range
        for table in &state.level_0 {
            if table.overlaps(&range) {
                sources.push(Source::Table(table.scan(&range)?));
            }
        }
        //@ 2.1: and each level below, as one source
        for level in &state.levels {
            sources.push(Source::Concat(ConcatIterator::new(level.tables.clone(), &range)?));
        }
        //@ 1.2
        Ok(Scan::new(MergeIterator::new(sources)))
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

    //@ 2.1
    /// Merges everything into the last level: afterwards each key has one entry, and no deletion takes space. It writes
    /// what is in memory to tables first, and needs up to as much space again as the database has. Writes and reads go on
    /// meanwhile; what is written then stays above.
    ///
    /// Fails as [`Engine::flush`] does, and with [`Error::Corruption`] if a table cannot be read; nothing has changed then.
    /// If the engine is closed meanwhile, it ends early without an error.
    pub fn compact(&self) -> Result<()> {
        self.core.compact_all()
    }

    //@ 2.1
    /// Where the tables are. In user keys.
    pub fn shape(&self) -> Shape {
        self.core.shape()
    }

    //@ 2.7
    /// Reads every block of every table, the logs and the manifest from their files, as the disk has them now, and gives
    /// one error for each damage: none if all is well. An [`Error::Corruption`] names the file and where in it the damage
    /// begins; a file that is not there or cannot be read is an [`Error::Io`].
    ///
    /// Reads, flushes and compactions go on meanwhile; writes wait while the logs are read. The cache is neither asked nor
    /// filled. A closed or failed engine can be verified too.
    pub fn verify(&self) -> Vec<Error> {
        self.core.verify()
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
            //@ 2.1
            //- entries: in_memory + state.level_0.iter().map(|table| table.entries()).sum::<u64>(),
            entries: in_memory + state.tables().map(|table| table.entries()).sum::<u64>(),
            memtable_bytes: state.memtables().map(|memtable| memtable.size() as u64).sum(),
            frozen_memtables: state.frozen.len() as u64,
            //@ 2.1
            //- tables: state.level_0.len() as u64,
            tables: state.tables().count() as u64,
            //@ 2.1
            //- table_bytes: state.level_0.iter().map(|table| table.size()).sum(),
            table_bytes: state.tables().map(|table| table.size()).sum(),
            cache_bytes: self.core.resources.cache.bytes(),
            blocks_read: counters.blocks_read.get(),
            cache_hits: counters.cache_hits.get(),
            filter_hits: counters.filter_hits.get(),
            stalls: counters.stalls.get(),
            flushes: counters.flushes.get(),
            //@ 2.1
            compactions: counters.compactions.get(),
            //@ 2.1
            bytes_flushed: counters.bytes_flushed.get(),
            //@ 2.1
            bytes_compacted: counters.bytes_compacted.get(),
            //@ 2.6
            bytes_logged: counters.bytes_logged.get(),
            //@ 2.6
            log_syncs: counters.log_syncs.get(),
            //@ 2.7
            waiting_writers: self.core.queue.waiting_writers() as u64,
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
