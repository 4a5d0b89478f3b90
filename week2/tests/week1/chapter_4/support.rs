//! What the tests of this chapter share: a simulated disk with tables on it, and the layout of a table's file, read
//! as the book's format says.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lsm::block::{Block, BlockIterator};
use lsm::disk::SimDisk;
use lsm::table::{Footer, Resources, Section, Table, TableBuilder, TableIterator, key_hash, table_path};
use lsm::{KeyRange, Options, Result, StorageIterator};

/// Entries by key; `None` is a tombstone.
pub type Entries = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What a scan gives for a key.
pub type Entry = (Vec<u8>, Option<Vec<u8>>);

/// A simulated disk, and what the tables on it share.
pub struct Fixture {
    pub disk: SimDisk,
    pub resources: Arc<Resources>,
}

impl Fixture {
    /// Small blocks, and a cache with room for all of them.
    pub fn new() -> Fixture {
        Fixture::with(|_| {})
    }

    /// One entry a block: whatever ends a block ends it at each entry.
    pub fn with_a_block_for_each_entry() -> Fixture {
        Fixture::with(|options| options.block_size = 1)
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Fixture {
        Fixture::on(SimDisk::new(), change)
    }

    /// Fresh resources, hence an empty cache, for tables on a disk.
    pub fn on(disk: SimDisk, change: impl FnOnce(&mut Options)) -> Fixture {
        let mut options = Options::manual();
        options.disk = Arc::new(disk.clone());
        options.block_size = 128;
        options.restart_interval = 4;
        options.cache_size = 200 << 10;
        change(&mut options);
        Fixture { disk, resources: Resources::new(options) }
    }

    pub fn path(id: u64) -> PathBuf {
        table_path(Path::new("tables"), id)
    }

    pub fn create(&self, id: u64) -> Result<TableBuilder> {
        TableBuilder::create(&Fixture::path(id), &self.resources)
    }

    pub fn build(&self, id: u64, entries: &Entries) -> Result<()> {
        let mut builder = self.create(id)?;
        for (key, value) in entries {
            builder.add(key, value.as_deref())?;
        }
        builder.finish()
    }

    pub fn open(&self, id: u64) -> Result<Arc<Table>> {
        Table::open(id, &Fixture::path(id), &self.resources)
    }

    /// A table of these entries, built and opened.
    pub fn table(&self, id: u64, entries: &Entries) -> Arc<Table> {
        expect("building the table", self.build(id, entries));
        expect("opening the table", self.open(id))
    }

    pub fn bytes(&self, id: u64) -> Vec<u8> {
        self.disk.contents(&Fixture::path(id)).expect("the table's file is not there")
    }

    /// How often `work` read from the disk, and what it gave.
    pub fn count_reads<T>(&self, work: impl FnOnce() -> T) -> (u64, T) {
        let before = self.disk.reads();
        let outcome = work();
        (self.disk.reads() - before, outcome)
    }

    pub fn layout(&self, id: u64) -> Layout {
        Layout::of(&self.bytes(id))
    }
}

pub fn expect<T>(what: &str, outcome: Result<T>) -> T {
    outcome.unwrap_or_else(|error| panic!("{what} failed: {error}"))
}

/// `count` entries "key00000", "key00010", … with values of about 20 bytes. Every seventh is a tombstone, every
/// seventh an empty value.
pub fn numbered(count: usize) -> Entries {
    let value = |index: usize| match index % 7 {
        3 => None,
        5 => Some(Vec::new()),
        _ => Some(format!("the value of no. {index}").into_bytes()),
    };
    (0..count).map(|index| (key(index * 10), value(index))).collect()
}

pub fn key(number: usize) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// Entries of text keys, each with its own key as its value.
pub fn entries_of(keys: &[&str]) -> Entries {
    keys.iter().map(|key| (key.as_bytes().to_vec(), Some(key.as_bytes().to_vec()))).collect()
}

/// A lookup as the engine does it: with the hash of the target's user part.
pub fn try_lookup(fixture: &Fixture, table: &Table, target: &[u8]) -> Result<Option<Option<Bytes>>> {
    table.lookup(target, key_hash((fixture.resources.options.user_part)(target)))
}

pub fn lookup(fixture: &Fixture, table: &Table, target: &[u8]) -> Option<Option<Bytes>> {
    expect(&format!("looking up {}", show(target)), try_lookup(fixture, table, target))
}

pub fn scan(table: &Arc<Table>, range: impl Into<KeyRange>) -> TableIterator {
    let range: KeyRange = range.into();
    expect("beginning a scan", table.scan(&range))
}

/// All that an iterator still gives.
pub fn try_collect(iterator: &mut TableIterator) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    while iterator.is_valid() {
        let value: Option<&[u8]> = iterator.value();
        found.push((iterator.key().to_vec(), value.map(<[u8]>::to_vec)));
        iterator.next()?;
        assert!(found.len() < 10_000, "the iterator does not end: it has given {} entries", found.len());
    }
    Ok(found)
}

pub fn collect(mut iterator: TableIterator) -> Vec<Entry> {
    expect("going on in a scan", try_collect(&mut iterator))
}

pub fn keys_of(found: &[Entry]) -> Vec<String> {
    found.iter().map(|(key, _)| show(key)).collect()
}

/// Whether a key lies within two bounds: what every range must mean.
pub fn is_inside(key: &[u8], lower: &Bound<Vec<u8>>, upper: &Bound<Vec<u8>>) -> bool {
    let is_above = match lower {
        Bound::Included(lower) => key >= lower.as_slice(),
        Bound::Excluded(lower) => key > lower.as_slice(),
        Bound::Unbounded => true,
    };
    let is_below = match upper {
        Bound::Included(upper) => key <= upper.as_slice(),
        Bound::Excluded(upper) => key < upper.as_slice(),
        Bound::Unbounded => true,
    };
    is_above && is_below
}

pub fn show(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

pub fn assert_same<T: Debug + PartialEq>(found: T, expected: T, what: &str) {
    assert_eq!(found, expected, "{what}: found left, expected right");
}

/// A table's file, taken apart by the format in the book.
pub struct Layout {
    pub footer: Footer,
    pub blocks: Vec<DataBlock>,
}

/// What the index says of a data block, and what stands in the block.
pub struct DataBlock {
    pub section: Section,
    pub index_key: Vec<u8>,
    pub index_first_key: Vec<u8>,
    pub entries: Vec<Entry>,
}

impl DataBlock {
    pub fn first_key(&self) -> &[u8] {
        &self.entries[0].0
    }

    pub fn last_key(&self) -> &[u8] {
        &self.entries[self.entries.len() - 1].0
    }
}

impl Layout {
    pub fn of(bytes: &[u8]) -> Layout {
        let tail = &bytes[bytes.len().saturating_sub(Footer::LENGTH)..];
        let footer: Footer = expect("reading the footer", Footer::decode(tail, Path::new("table"), bytes.len() as u64));
        let blocks = entries_in(bytes, footer.index).into_iter().map(|(index_key, value)| {
            let value = value.unwrap_or_else(|| panic!("the index entry {} is a tombstone", show(&index_key)));
            assert!(value.len() >= 12, "the index entry {} has a value of {} bytes", show(&index_key), value.len());
            let offset = u64::from_le_bytes(value[..8].try_into().expect("8 bytes"));
            let length = u32::from_le_bytes(value[8..12].try_into().expect("4 bytes"));
            let section = Section { offset, length };
            let entries = entries_in(bytes, section);
            DataBlock { section, index_key, index_first_key: value[12..].to_vec(), entries }
        });
        Layout { footer, blocks: blocks.collect() }
    }
}

fn entries_in(bytes: &[u8], section: Section) -> Vec<Entry> {
    let (start, length) = (section.offset as usize, section.length as usize);
    let part = bytes.get(start..start + length).unwrap_or_else(|| panic!("{section:?} is outside of the file"));
    let decoded = Block::decode(Bytes::copy_from_slice(part), Path::new("table"), section.offset);
    let mut iterator = BlockIterator::new(expect("decoding a block of the table", decoded));
    let mut entries = Vec::new();
    iterator.seek_to_first();
    while iterator.is_valid() {
        entries.push((iterator.key().to_vec(), iterator.value().map(<[u8]>::to_vec)));
        iterator.next();
    }
    entries
}
