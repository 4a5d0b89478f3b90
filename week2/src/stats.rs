//! What an engine tells about itself: counters that run while it works, and a picture of its size.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that several threads advance. Its value orders nothing, so relaxed operations do.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the parts of an engine count, since it was opened.
#[derive(Debug, Default)]
pub struct Counters {
    /// Blocks that were read from a disk.
    pub blocks_read: Counter,
    /// Blocks that were found in the cache.
    pub cache_hits: Counter,
    /// Tables that a lookup left out because their filter said that the key is not there.
    pub filter_hits: Counter,
    /// Times that a writer had to wait for a flush, or from chapter 2.2 on for a compaction.
    pub stalls: Counter,
    /// Memtables that were written to tables.
    pub flushes: Counter,
    /// Compactions that were carried out, moves included.
    pub compactions: Counter,
    /// Bytes of the tables that flushes and ingests wrote.
    pub bytes_flushed: Counter,
    /// Bytes of the tables that compactions wrote.
    pub bytes_compacted: Counter,
    /// Bytes that were written to logs.
    pub bytes_logged: Counter,
    /// Times that a log was synced for writers.
    pub log_syncs: Counter,
}

/// An engine at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Entries in the memtables and tables, deletions and shadowed entries included.
    pub entries: u64,
    /// Bytes of the memtables, as [`MemTable::size`](crate::MemTable::size) counts them.
    pub memtable_bytes: u64,
    /// Memtables that wait for their flush.
    pub frozen_memtables: u64,
    pub tables: u64,
    /// Bytes of the tables' files.
    pub table_bytes: u64,
    /// Bytes of blocks in the cache.
    pub cache_bytes: u64,
    /// See [`Counters`], also for the fields that follow.
    pub blocks_read: u64,
    pub cache_hits: u64,
    pub filter_hits: u64,
    pub stalls: u64,
    pub flushes: u64,
    pub compactions: u64,
    pub bytes_flushed: u64,
    pub bytes_compacted: u64,
    pub bytes_logged: u64,
    pub log_syncs: u64,
    /// Writers that wait in the queue until somebody has written.
    pub waiting_writers: u64,
}
