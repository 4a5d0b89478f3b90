//! Blocks that stay in memory.

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use lsm::block::{Block, BlockBuilder, BlockIterator};
use lsm::table::BlockCache;
use lsm::{Error, Result};

use super::support::{Entries, Fixture, assert_same, collect, expect, key, lookup, numbered, scan};

/// A block with one value of this length.
fn block_of(length: usize) -> Block {
    let mut builder = BlockBuilder::new(1);
    builder.add(b"key", Some(&vec![length as u8; length]));
    expect("decoding a block", Block::decode(Bytes::from(builder.finish()), Path::new("t.sst"), 0))
}

/// The value's length, by which a test knows its blocks.
fn length_in(block: Block) -> usize {
    let mut iterator = BlockIterator::new(block);
    iterator.seek_to_first();
    iterator.value().map_or(0, <[u8]>::len)
}

fn must_hit() -> Result<Block> {
    Err(Error::InvalidInput("this block should have been in the cache".to_string()))
}

/// A block is read once and then comes from the cache, by its table's id and its offset.
///
/// Hint: `quick_cache` has one call for "get it, or insert what this closure gives".
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn a_block_is_read_once() {
    let cache = BlockCache::new(100_000);
    for (table, offset) in [(1, 0), (1, 500), (2, 0), (2, 500)] {
        let length = table * 1000 + offset;
        let block: Block =
            expect("a first read", cache.get_or_read((table as u64, offset as u64), || Ok(block_of(length))));
        assert_same(length_in(block), length, "the block that was read");
    }
    for (table, offset) in [(1, 0), (1, 500), (2, 0), (2, 500)] {
        let block = expect("a second read", cache.get_or_read((table as u64, offset as u64), must_hit));
        assert_same(length_in(block), table * 1000 + offset, &format!("the block at {offset} of table {table}"));
    }
}

/// The cache counts its blocks' bytes, as Block::size says them.
///
/// Hint: the weight of a block is its `size()`, in bytes. A weight of 1 would count entries.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn the_cache_counts_bytes() {
    let cache = BlockCache::new(100_000);
    assert_same(cache.bytes(), 0, "bytes of an empty cache");
    let mut expected = 0;
    for (number, length) in [100, 5000, 1, 20_000].into_iter().enumerate() {
        expected += block_of(length).size() as u64;
        expect("reading", cache.get_or_read((1, number as u64), || Ok(block_of(length))));
        assert_same(cache.bytes(), expected, &format!("bytes with {} blocks in the cache", number + 1));
    }
}

/// However many blocks come, they never take more bytes than the capacity; and the capacity is used.
///
/// Hint: if the cache holds far too much or far too little, look at what `weight` returns.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn the_cache_is_bounded_in_bytes() {
    const CAPACITY: usize = 64 << 10;
    let cache = BlockCache::new(CAPACITY);
    for number in 0..300 {
        let length = 200 + (number as usize * 37) % 5000;
        expect("reading", cache.get_or_read((1, number), || Ok(block_of(length))));
        let bytes: u64 = cache.bytes();
        assert!(bytes <= CAPACITY as u64, "{bytes} bytes in a cache of {CAPACITY}, after {} blocks", number + 1);
    }
    assert!(cache.bytes() >= CAPACITY as u64 / 2, "only {} of {CAPACITY} bytes are used", cache.bytes());
}

/// A failed read reaches the caller and leaves no trace: the next one reads again.
///
/// Hint: give the closure's error back as it is, and put nothing in the cache.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn a_failed_read_is_not_cached() {
    let cache = BlockCache::new(100_000);
    let failing = || Err(Error::InvalidInput("the first read fails".to_string()));
    let outcome: Result<Block> = cache.get_or_read((1, 0), failing);
    assert!(
        matches!(&outcome, Err(Error::InvalidInput(what)) if what == "the first read fails"),
        "a failed read gave {outcome:?}"
    );
    assert_same(cache.bytes(), 0, "bytes in the cache after a failed read");
    let block = expect("the second read", cache.get_or_read((1, 0), || Ok(block_of(9))));
    assert_same(length_in(block), 9, "the block of the second read");
    expect("the third", cache.get_or_read((1, 0), must_hit));
}

/// Of threads that miss the same block at once, one reads; the others wait and get what it read.
///
/// Hint: "look, and if it is not there read and insert" in two calls lets several threads read.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn threads_that_miss_a_block_read_it_once() {
    const THREADS: usize = 4;
    let cache = BlockCache::new(1 << 20);
    for round in 0..60 {
        let reads = AtomicU64::new(0);
        let start = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    let block = cache.get_or_read((1, round), || {
                        reads.fetch_add(1, Ordering::Relaxed);
                        (0..50).for_each(|_| std::thread::yield_now());
                        Ok(block_of(round as usize))
                    });
                    assert_same(length_in(expect("reading", block)), round as usize, "the block that a thread got");
                });
            }
        });
        assert_same(reads.into_inner(), 1, &format!("reads of block {round} by {THREADS} threads at once"));
    }
}

/// Tables that share a cache do not mix: the table's id is a part of the key.
///
/// Hint: blocks of two tables have the same offsets. `(self.id, section.offset)`.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn tables_that_share_a_cache_do_not_mix() {
    let fixture = Fixture::with(|options| options.block_size = 100);
    let entries_of = |id: u64| -> Entries {
        (0..30).map(|index| (key(index), Some(format!("table {id}, {index:02}").into_bytes()))).collect()
    };
    let tables: Vec<_> = (1..4).map(|id| (id, fixture.table(id, &entries_of(id)))).collect();
    for round in 0..2 {
        for (id, table) in &tables {
            let expected = entries_of(*id);
            for (key, value) in &expected {
                let found = lookup(&fixture, table, key);
                assert_same(found, Some(value.clone().map(Bytes::from)), &format!("table {id}, round {round}"));
            }
            assert_same(collect(scan(table, ..)), expected.into_iter().collect(), &format!("scan of table {id}"));
        }
    }
}

/// A table works with a cache that is smaller than a block, and with none: it reads more, that is all.
///
/// Hint: return the block that was read, whether or not the cache has kept it.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn a_cache_smaller_than_a_block_is_no_hindrance() {
    for cache_size in [0, 1, 50] {
        let fixture = Fixture::with(|options| options.cache_size = cache_size);
        let entries = numbered(50);
        let table = fixture.table(1, &entries);
        for (key, value) in &entries {
            let (reads, found) = fixture.count_reads(|| lookup(&fixture, &table, key));
            assert_same(found, Some(value.clone().map(Bytes::from)), &format!("with a cache of {cache_size} bytes"));
            assert_same(reads, 1, &format!("reads of a lookup with a cache of {cache_size} bytes"));
        }
        assert_same(collect(scan(&table, ..)), entries.into_iter().collect(), "a scan");
        assert_same(fixture.resources.cache.bytes(), 0, &format!("bytes in a cache of {cache_size}"));
    }
}

/// Tables together keep no more bytes of blocks than the cache may have; what is kept is not read again.
///
/// Hint: `Table::block` asks the cache of its `Resources`, and nothing else keeps blocks.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn tables_keep_within_the_caches_bound() {
    let entries: Entries = (0..200).map(|index| (key(index), Some(vec![index as u8; 300]))).collect();
    for cache_size in [20 << 10, 190 << 10] {
        let fixture = Fixture::with(|options| {
            options.block_size = 1000;
            options.cache_size = cache_size;
        });
        let tables = [fixture.table(1, &entries), fixture.table(2, &entries)];
        for _ in 0..2 {
            for table in &tables {
                assert_same(collect(scan(table, ..)).len(), 200, "entries of a scan");
                let bytes = fixture.resources.cache.bytes();
                assert!(bytes <= cache_size as u64, "{bytes} bytes are cached; {cache_size} may be");
            }
        }
        let (reads, _) =
            fixture.count_reads(|| tables.iter().map(|table| collect(scan(table, ..)).len()).sum::<usize>());
        let fits = cache_size > 150 << 10;
        assert_same(reads == 0, fits, &format!("whether a third scan reads nothing (it read {reads} blocks)"));
    }
}

/// Every block that a table needs is counted once, as read or as found, whoever asks.
///
/// Hint: count in `Table::block`, where both scans and lookups pass.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn scans_count_their_blocks() {
    let fixture = Fixture::new();
    let table = fixture.table(1, &numbered(50));
    let blocks = fixture.layout(1).blocks.len() as u64;
    let counters = &fixture.resources.counters;
    for round in 0..3 {
        let (reads, _) = fixture.count_reads(|| collect(scan(&table, ..)));
        let counted = (counters.blocks_read.get(), counters.cache_hits.get());
        assert_same(counted, (blocks, round * blocks), &format!("blocks_read and cache_hits after scan {round}"));
        assert_same(reads, if round == 0 { blocks } else { 0 }, &format!("reads of the disk in scan {round}"));
    }
}
