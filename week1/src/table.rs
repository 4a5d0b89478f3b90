//! A sorted string table: a file of entries in key order, written once. Chapter 1.4; its filter is chapter 1.7.
//!
//! ```text
//!   ┌──────────────┬───┬──────────────┬────────┬─────────────┬────────┐
//!   │ data block 0 │ … │ data block n │ filter │ index block │ footer │
//!   └──────────────┴───┴──────────────┴────────┴─────────────┴────────┘
//!
//!   index entry:   key    the last key of a data block
//!                  value  offset u64, length u32, then the block's first key
//! ```
//!
//! The index is a block like any other and stays in memory as long as the table is open. With both ends of every
//! block it tells without a look at the disk whether a key can be in a block, and whether a scan's bound falls before
//! the next one. So a lookup reads one data block, or none. The filter is described in [`filter`](self::Filter), the
//! footer in [`Footer`].
//!
//! A table never changes. That is why readers need no lock, why blocks can be cached without ever becoming stale, and
//! why a crash cannot damage what was there before.
//!
//! LevelDB keeps shortened separators in its index instead of whole keys; RocksDB cuts large indexes in parts that
//! are cached like data. Source of the layout: LevelDB, `doc/table_format.md`.

mod builder;
mod cache;
mod filter;
mod footer;
mod iterator;

pub use builder::TableBuilder;
pub use cache::{BlockCache, BlockKey};
pub use filter::{Filter, FilterBuilder, key_hash};
pub use footer::{FORMAT_VERSION, Footer, MAGIC, Section};
pub use iterator::TableIterator;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::block::{Block, BlockIterator};
use crate::coding::{read_u32, read_u64};
use crate::disk::DiskFile;
use crate::options::Options;
use crate::stats::Counters;
use crate::{Error, KeyRange, Result};

/// What all tables of an engine share.
#[derive(Debug)]
pub struct Resources {
    pub options: Options,
    pub cache: BlockCache,
    pub counters: Counters,
}

impl Resources {
    /// An empty cache and counters at zero.
    pub fn new(options: Options) -> Arc<Resources> {
        let cache = BlockCache::new(options.cache_size);
        Arc::new(Resources { options, cache, counters: Counters::default() })
    }
}

/// An open table.
#[derive(Debug)]
pub struct Table {
    id: u64,
    file: Arc<dyn DiskFile>,
    size: u64,
    footer: Footer,
    index: Block,
    filter: Option<Filter>,
    first_key: Bytes,
    last_key: Bytes,
    resources: Arc<Resources>,
}

/// Where a table's file is: `000012.sst` for table 12.
pub fn table_path(directory: &Path, id: u64) -> PathBuf {
    directory.join(format!("{id:06}.sst"))
}

impl Table {
    /// Opens the file of table `id` and reads its footer, its index and its filter. `id` has to be unlike those of
    /// the other tables that share the resources: the cache knows blocks by it.
    ///
    /// Fails with [`Error::Io`] if the file cannot be read, with what [`Footer::decode`] says, and with
    /// [`Error::Corruption`] if the index or the filter is damaged, if an index entry's value is shorter than 12
    /// bytes, or if the block that it names does not end at or before the index's beginning. (So no length that a
    /// damaged file holds makes a reader ask for more memory than the file is long.)
    pub fn open(id: u64, path: &Path, resources: &Arc<Resources>) -> Result<Arc<Table>> {
        // 1.7: and the filter, if the table has one
        todo!("1.4: read the footer, then the index; the first and the last key stand in the index")
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// The file's length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many entries the table has, tombstones included.
    pub fn entries(&self) -> u64 {
        self.footer.entries
    }

    /// How many of the entries are tombstones.
    pub fn tombstones(&self) -> u64 {
        self.footer.tombstones
    }

    pub fn first_key(&self) -> &Bytes {
        &self.first_key
    }

    pub fn last_key(&self) -> &Bytes {
        &self.last_key
    }

    /// Whether `target`'s user part is not below that of the table's first key, and not above that of its last.
    pub fn covers(&self, target: &[u8]) -> bool {
        todo!("1.5: compare the user parts")
    }

    /// Whether any key between the table's first and its last may be in `range`.
    pub fn overlaps(&self, range: &KeyRange) -> bool {
        todo!("1.5: compare the range's bounds with the table's first and last key")
    }

    /// The value, or the tombstone, of the first entry at or after `target`, provided that its key has the same user
    /// part as `target` (see [`MemTable::lookup`](crate::MemTable::lookup)).
    ///
    /// `hash` is [`key_hash`] of the target's user part: the caller looks in many tables and computes it once. From
    /// chapter 1.7 on, a filter that rules the hash out ends the lookup, and `filter_hits` counts it.
    ///
    /// Reads one data block at most, and none if the index shows that no block can hold such an entry: that is so
    /// after the last key, and before a block's first key if that key has another user part.
    pub fn lookup(&self, target: &[u8], hash: u64) -> Result<Option<Option<Bytes>>> {
        // 1.7: ask the filter first
        todo!("1.4: find the block by the index, the entry by the block, and compare the user parts")
    }

    /// A data block, from the cache or from the file. Its checksum is verified when it comes from the file. Counts
    /// one `blocks_read` if the file was asked, one `cache_hits` otherwise.
    fn block(&self, section: Section) -> Result<Block> {
        todo!("1.4: ask the cache; on a miss read and decode, and count it")
    }
}
