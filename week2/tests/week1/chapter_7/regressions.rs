//! What holds before the chapter, and must still hold after it.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lsm::block::{Block, BlockBuilder, BlockIterator};
use lsm::disk::SimDisk;
use lsm::table::Table;
use lsm::{Engine, Error, Options};

use super::block_format::{Parsed, parse, write as write_block};
use super::tables::{even_keys, footer, lookup, odd_keys, open, options, write};

type Entry<'a> = (usize, &'a [u8], Option<&'a [u8]>);

fn walk(bytes: Vec<u8>) -> Vec<(Vec<u8>, Option<Bytes>)> {
    let block: Block = Block::decode(Bytes::from(bytes), Path::new("000007.sst"), 0).expect("the block is sound");
    let mut iterator: BlockIterator = BlockIterator::new(block);
    iterator.seek_to_first();
    let mut found: Vec<(Vec<u8>, Option<Bytes>)> = Vec::new();
    while iterator.is_valid() {
        found.push((iterator.key().to_vec(), iterator.value_bytes()));
        iterator.next();
    }
    found
}

/// At intervals 1 and 0 every entry stands whole and is a restart point.
///
/// Hint: `BlockBuilder::new` makes a 0 a 1; an entry is a restart point when as many as the interval went before it.
///
/// Book: week1/7-bloom-and-prefixes.md#task-4-leave-out-what-keys-share
#[test]
fn at_interval_one_every_key_stands_whole() {
    for restart_interval in [0, 1] {
        let mut builder: BlockBuilder = BlockBuilder::new(restart_interval);
        for key in ["apple", "applet", "apricot"] {
            builder.add(key.as_bytes(), Some(b"value"));
        }
        let parsed: Parsed = parse(&builder.finish());
        assert_eq!(parsed.shared(), [0, 0, 0], "shared lengths at interval {restart_interval}");
        let offsets: Vec<usize> = parsed.entries.iter().map(|entry| entry.offset).collect();
        assert_eq!(parsed.restarts, offsets, "restart points at interval {restart_interval}");
    }
}

/// Blocks with whole keys, as chapter 1.3 wrote them, are read as ever.
///
/// Hint: `shared` is 0 in such a block, also where keys begin alike.
///
/// Book: week1/7-bloom-and-prefixes.md#keys-that-begin-alike
#[test]
fn blocks_with_whole_keys_are_still_read() {
    let entries: [Entry<'_>; 3] = [(0, b"apple", Some(b"1")), (0, b"applet", None), (0, b"apricot", Some(b""))];
    let expected: Vec<(Vec<u8>, Option<Bytes>)> =
        entries.iter().map(|(_, key, value)| (key.to_vec(), value.map(Bytes::copy_from_slice))).collect();
    for restarts in [&[0, 1, 2][..], &[0, 2], &[0]] {
        let found: Vec<(Vec<u8>, Option<Bytes>)> = walk(write_block(&entries, restarts));
        assert_eq!(found, expected, "entries of a block with whole keys and restart points at {restarts:?}");
    }
}

/// Blocks that another writer made, sharing less than it could, are read as they are written.
///
/// Hint: a reader believes `shared`; it does not work it out anew.
///
/// Book: week1/7-bloom-and-prefixes.md#keys-that-begin-alike
#[test]
fn blocks_of_another_writer_are_read() {
    let entries: [Entry<'_>; 4] =
        [(0, b"apple", Some(b"1")), (5, b"applet", None), (1, b"apricot", Some(b"3")), (2, b"apron", Some(b"4"))];
    let found: Vec<Vec<u8>> = walk(write_block(&entries, &[0])).into_iter().map(|(key, _)| key).collect();
    let expected: Vec<Vec<u8>> = entries.iter().map(|(_, key, _)| key.to_vec()).collect();
    assert_eq!(found, expected, "keys of a block with shared lengths 0, 5, 1 and 2");
}

/// With `bits_per_key` at 0 a table has no filter, and is read as before, by any reader.
///
/// Hint: a filter length of 0 in the footer means: none.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn a_table_without_filter_is_read_by_any_reader() {
    let disk: SimDisk = SimDisk::new();
    let mut writer: Options = options(&disk);
    writer.bits_per_key = 0;
    let keys: Vec<String> = even_keys();
    write(&writer, keys.iter().map(|key| (key.as_str(), Some("value"))));
    assert_eq!(footer(&disk).filter.length, 0, "the footer's filter length with bits_per_key at 0");
    for reader in [writer, options(&disk)] {
        let (table, resources) = open(&reader);
        let table: Arc<Table> = table;
        for key in &keys {
            assert_eq!(lookup(&table, key, key), Some(Some(Bytes::from("value"))), "lookup of {key}");
        }
        for key in odd_keys() {
            assert_eq!(lookup(&table, &key, &key), None, "lookup of {key}");
        }
        assert_eq!(resources.counters.filter_hits.get(), 0, "filter_hits of a table without filter");
    }
}

/// A closed engine refuses an ingest, and no file is left.
///
/// Hint: within the turn, ask the status, as every write does; whatever it says, an unused table's file has to go.
///
/// Book: week1/5-read-path.md#when-an-ingest-fails
#[test]
fn a_closed_engine_refuses_an_ingest() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = Engine::open("db", options(&disk)).expect("an engine opens in an empty directory");
    engine.close().expect("closing an empty engine succeeds");
    let outcome: Result<(), Error> = engine.ingest([(&b"a"[..], Some(&b"1"[..]))]);
    assert!(matches!(outcome, Err(Error::Closed)), "ingest after close gave {outcome:?}; expected Error::Closed");
    let found: Option<Bytes> = engine.get(b"a").expect("a closed engine can be read");
    assert_eq!(found, None, "get(\"a\") after the refused ingest");
    let is_table = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "sst");
    let left: usize = disk.paths().iter().filter(|path| is_table(path)).count();
    assert_eq!(left, 0, "tables' files that a refused ingest left");
}
