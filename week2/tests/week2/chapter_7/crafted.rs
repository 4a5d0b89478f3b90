//! Tables put together by hand, so that any part of them may lie while every checksum is right.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm::Options;
use lsm::coding::put_varint;
use lsm::disk::SimDisk;
use lsm::table::{FilterBuilder, Footer, Resources, Section, Table, key_hash, table_path};

/// A key and its value; `None` is a tombstone.
pub type Entry = (&'static str, Option<&'static str>);

/// What a table is made of.
#[derive(Clone)]
pub struct Parts {
    pub blocks: Vec<Vec<Entry>>,
    /// What the index says of each block: its number among the blocks, its first key and its last key.
    pub index: Vec<(usize, &'static str, &'static str)>,
    /// The keys in the filter; `None`: the table has no filter.
    pub filter: Option<Vec<&'static str>>,
    pub entries: u64,
    pub tombstones: u64,
}

/// A table's bytes, and where its parts are.
pub struct Crafted {
    pub bytes: Vec<u8>,
    pub blocks: Vec<Section>,
    pub footer: Footer,
}

impl Parts {
    /// A sound table of these blocks.
    pub fn of(blocks: &[&[Entry]]) -> Parts {
        let entries = || blocks.iter().flat_map(|block| block.iter());
        let ends = |block: &&[Entry]| Some((block.first()?.0, block.last()?.0));
        Parts {
            blocks: blocks.iter().map(|block| block.to_vec()).collect(),
            index: blocks.iter().filter_map(ends).enumerate().map(|(at, (first, last))| (at, first, last)).collect(),
            filter: Some(entries().map(|(key, _)| *key).collect()),
            entries: entries().count() as u64,
            tombstones: entries().filter(|(_, value)| value.is_none()).count() as u64,
        }
    }

    pub fn build(&self) -> Crafted {
        let mut bytes: Vec<u8> = Vec::new();
        let mut append = |part: Vec<u8>| {
            let section = Section { offset: bytes.len() as u64, length: part.len() as u32 };
            bytes.extend(part);
            section
        };
        let encode = |block: &Vec<Entry>| {
            let entries =
                block.iter().map(|(key, value)| (key.as_bytes(), value.map(|value| value.as_bytes().to_vec())));
            encode_block(entries)
        };
        let blocks: Vec<Section> = self.blocks.iter().map(|block| append(encode(block))).collect();
        let mut footer = Footer { entries: self.entries, tombstones: self.tombstones, ..Footer::default() };
        if let Some(keys) = &self.filter {
            let mut filter = FilterBuilder::new();
            keys.iter().for_each(|key| filter.add(key_hash(key.as_bytes())));
            footer.filter = append(filter.finish(10));
        }
        let index = self.index.iter().map(|(block, first, last)| {
            let Section { offset, length } = blocks[*block];
            let value = [&offset.to_le_bytes()[..], &length.to_le_bytes(), first.as_bytes()].concat();
            (last.as_bytes(), Some(value))
        });
        footer.index = append(encode_block(index));
        append(footer.encode());
        Crafted { bytes, blocks, footer }
    }
}

/// A block's bytes, as the book says, each entry with its whole key.
fn encode_block<'a>(entries: impl Iterator<Item = (&'a [u8], Option<Vec<u8>>)>) -> Vec<u8> {
    let (mut bytes, mut restarts): (Vec<u8>, Vec<u32>) = (Vec::new(), Vec::new());
    for (key, value) in entries {
        restarts.push(bytes.len() as u32);
        put_varint(&mut bytes, 0);
        put_varint(&mut bytes, key.len() as u32);
        put_varint(&mut bytes, value.as_ref().map_or(0, |value| value.len() as u32 + 1));
        bytes.extend_from_slice(key);
        bytes.extend(value.unwrap_or_default());
    }
    for number in restarts.iter().copied().chain([restarts.len() as u32]) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    let checksum = crc32(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// CRC-32, as in zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
        crc
    })
}

/// Where the tables of these tests are.
pub fn path() -> PathBuf {
    table_path(Path::new("tables"), 1)
}

/// What the tables on a disk share.
pub fn resources(disk: &SimDisk) -> Arc<Resources> {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    Resources::new(options)
}

/// Puts these bytes on a disk of their own, and opens the table.
pub fn open(bytes: &[u8]) -> (SimDisk, Arc<Table>) {
    let disk = SimDisk::new();
    disk.set_contents(&path(), bytes);
    let table: Arc<Table> =
        Table::open(1, &path(), &resources(&disk)).unwrap_or_else(|error| panic!("the table does not open: {error}"));
    (disk, table)
}
