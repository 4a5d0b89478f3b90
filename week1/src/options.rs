//! How an engine is set up.

use std::sync::Arc;

use crate::disk::{Disk, RealDisk};

/// The longest key, in bytes. Block entries hold lengths up to twice this and ten bytes, since a key may grow when
/// week 3 writes a version behind it.
pub const MAX_KEY_LENGTH: usize = 32_000;

/// The longest value, in bytes.
pub const MAX_VALUE_LENGTH: usize = 64 << 20;

/// The part of a stored key that the user of the engine gave. Filters hash this part, and a lookup compares it.
///
/// It must be a prefix of what it is given and must not panic, whatever bytes it gets: they may come from a damaged
/// file. (RocksDB's prefix extractor is such a function.)
pub type UserPart = fn(&[u8]) -> &[u8];

/// The [`UserPart`] of keys that are stored as the user gave them.
pub fn whole_key(key: &[u8]) -> &[u8] {
    key
}

/// Options of an engine. Make one with [`Options::default`] or [`Options::manual`] and assign the fields that should
/// differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// A memtable that has reached this size, in bytes as [`MemTable::size`](crate::MemTable::size) counts them,
    /// takes no further write: it is frozen and a new one begins. An empty memtable takes a write whatever the limit,
    /// so 0 gives each write a memtable of its own. Only with `background`: without it, memtables grow until they are
    /// frozen by hand.
    pub memtable_size: usize,

    /// How many frozen memtables may wait for their flush. A write that would add another waits until one is done, so
    /// memtables hold at most `(max_frozen_memtables + 1) * memtable_size` bytes and the last write to each. What
    /// [`Engine::freeze`](crate::Engine::freeze) and [`Engine::flush`](crate::Engine::flush) freeze beside is not
    /// held back. 0 counts as 1.
    pub max_frozen_memtables: usize,

    /// A data block is closed as soon as it has reached this size, in bytes.
    pub block_size: usize,

    /// Every how many entries a data block stores a whole key, so that a search can begin there. At least 1.
    pub restart_interval: usize,

    /// Size of a table's bloom filter, in bits for each key; 0 makes tables without a filter.
    pub bits_per_key: usize,

    /// How many bytes of blocks are kept in memory, over all tables.
    pub cache_size: usize,

    /// Whether the engine freezes full memtables and flushes them by itself. Without it, both happen only when asked
    /// for ([`Engine::freeze`](crate::Engine::freeze), [`Engine::flush`](crate::Engine::flush)), and memory is
    /// bounded by the caller's care alone.
    pub background: bool,

    /// What identifies a key to its user.
    pub user_part: UserPart,

    /// Where files are.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            memtable_size: 16 << 20,
            max_frozen_memtables: 2,
            block_size: 4096,
            restart_interval: 16,
            bits_per_key: 10,
            cache_size: 64 << 20,
            background: true,
            user_part: whole_key,
            disk: Arc::new(RealDisk),
        }
    }
}

impl Options {
    /// An engine that does nothing in the background that it is not asked for, and from week 2 on neither compacts by
    /// itself nor writes a log: for tests that look at every step.
    pub fn manual() -> Options {
        Options { background: false, ..Options::default() }
    }
}
