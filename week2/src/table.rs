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
mod verify;

pub use builder::TableBuilder;
pub use cache::{BlockCache, BlockKey};
pub use filter::{Filter, FilterBuilder, key_hash};
pub use footer::{FORMAT_VERSION, Footer, MAGIC, Section};
pub use iterator::TableIterator;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

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
    /// Ids of tables whose files go when the last reader lets go of them.
    obsolete: Mutex<BTreeSet<u64>>,
}

impl Resources {
    /// An empty cache and counters at zero.
    pub fn new(options: Options) -> Arc<Resources> {
        let cache = BlockCache::new(options.cache_size);
        Arc::new(Resources { options, cache, counters: Counters::default(), obsolete: Mutex::default() })
    }

    /// Removes the file of an open table when its last handle is dropped: nothing refers to it any more, but somebody
    /// may still be reading it.
    pub fn remove_when_unused(&self, id: u64) {
        self.obsolete.lock().insert(id);
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
        let file = resources.options.disk.open(path)?;
        let size = file.length()?;
        let footer = read_footer(file.as_ref(), size)?;
        let index = read_section(file.as_ref(), footer.index)?;
        let index = Block::decode(index, path, footer.index.offset)?;
        let (first_key, last_key) = check_index(&index, path, footer)?;
        let filter = match footer.filter.length {
            0 => None,
            _ => {
                let bytes = read_section(file.as_ref(), footer.filter)?;
                Some(Filter::decode(bytes, path, footer.filter.offset)?)
            }
        };
        let resources = resources.clone();
        Ok(Arc::new(Table { id, file, size, footer, index, filter, first_key, last_key, resources }))
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
        let user_part = self.resources.options.user_part;
        let target = user_part(target);
        user_part(&self.first_key) <= target && target <= user_part(&self.last_key)
    }

    /// Whether any key between the table's first and its last may be in `range`.
    pub fn overlaps(&self, range: &KeyRange) -> bool {
        range.reaches_down_to(&self.last_key) && range.reaches_up_to(&self.first_key)
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
        if self.filter.as_ref().is_some_and(|filter| !filter.may_contain(hash)) {
            self.resources.counters.filter_hits.add(1);
            return Ok(None);
        }
        let user_part = self.resources.options.user_part;
        let mut index = BlockIterator::new(self.index.clone());
        index.seek(target);
        let Some((section, first_key)) = index_entry(&index) else { return Ok(None) };
        if target < first_key && user_part(first_key) != user_part(target) {
            return Ok(None);
        }
        let mut entries = BlockIterator::new(self.block(section)?);
        entries.seek(target);
        let is_same = entries.is_valid() && user_part(entries.key()) == user_part(target);
        Ok(is_same.then(|| entries.value_bytes()))
    }

    /// A data block, from the cache or from the file. Its checksum is verified when it comes from the file. Counts
    /// one `blocks_read` if the file was asked, one `cache_hits` otherwise.
    fn block(&self, section: Section) -> Result<Block> {
        let counters = &self.resources.counters;
        let mut was_read = false;
        let block = self.resources.cache.get_or_read((self.id, section.offset), || {
            was_read = true;
            let bytes = read_section(self.file.as_ref(), section)?;
            Block::decode(bytes, self.file.path(), section.offset)
        });
        let counter = if was_read { &counters.blocks_read } else { &counters.cache_hits };
        counter.add(1);
        block
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if self.resources.obsolete.lock().remove(&self.id) {
            // A file that cannot be removed takes space, no more. From chapter 2.5 on, the next open removes it.
            let _ = self.resources.options.disk.remove(self.file.path());
        }
    }
}

/// The data block that an index iterator stands on: where it is, and its first key. `None` at the index's end.
fn index_entry(index: &BlockIterator) -> Option<(Section, &[u8])> {
    let value = index.value()?;
    let section = Section { offset: read_u64(value, 0)?, length: read_u32(value, 8)? };
    Some((section, &value[12..]))
}

/// The first and the last key of the table, once every index entry is known to lead into the file.
fn check_index(index: &Block, path: &Path, footer: Footer) -> Result<(Bytes, Bytes)> {
    let damaged = |what| Error::corruption(path, footer.index.offset, what);
    let mut entries = BlockIterator::new(index.clone());
    entries.seek_to_first();
    let mut first_key = None;
    let mut last_key = Bytes::new();
    while entries.is_valid() {
        let (section, first) = index_entry(&entries).ok_or_else(|| damaged("an index entry is too short"))?;
        if section.end().is_none_or(|end| end > footer.index.offset) {
            return Err(damaged("an index entry leads outside of the data blocks"));
        }
        first_key.get_or_insert_with(|| Bytes::copy_from_slice(first));
        last_key = Bytes::copy_from_slice(entries.key());
        entries.next();
    }
    Ok((first_key.unwrap_or_default(), last_key))
}

fn read_footer(file: &dyn DiskFile, size: u64) -> Result<Footer> {
    let length = size.min(Footer::LENGTH as u64);
    let mut bytes = vec![0; length as usize];
    file.read_at(size - length, &mut bytes)?;
    Footer::decode(&bytes, file.path(), size)
}

/// Reads a section that is known to lie inside of the file, so that its length is no more than the file's.
fn read_section(file: &dyn DiskFile, section: Section) -> Result<Bytes> {
    let mut bytes = vec![0; section.length as usize];
    file.read_at(section.offset, &mut bytes)?;
    Ok(bytes.into())
}
