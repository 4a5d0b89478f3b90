//! Finding one key.

use std::sync::Arc;

use bytes::Bytes;
use lsm::Options;
use lsm::disk::Disk;
use lsm::table::Table;

use super::support::{Entries, Fixture, assert_same, entries_of, key, lookup, numbered, show};

/// A lookup finds every entry: values, empty values and tombstones, each told from the others and from a miss.
///
/// Hint: `None` is "no such entry", `Some(None)` a tombstone, `Some(Some(b""))` an empty value.
///
/// Book: week1/4-tables.md#task-5-lookup
#[test]
fn a_lookup_finds_what_is_there() {
    for block_size in [1, 100, 4096] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        let entries = numbered(50);
        let table = fixture.table(1, &entries);
        for (key, value) in &entries {
            let found: Option<Option<Bytes>> = lookup(&fixture, &table, key);
            let expected = Some(value.clone().map(Bytes::from));
            assert_same(found, expected, &format!("{} with block_size {block_size}", show(key)));
        }
    }
}

/// A lookup of a key that is not there finds nothing: below the first, above the last, between two, or a part of one.
///
/// Hint: a seek gives the first key *at or after* the target. Compare what it found with the target.
///
/// Book: week1/4-tables.md#task-5-lookup
#[test]
fn a_lookup_of_a_missing_key_finds_nothing() {
    for block_size in [1, 100, 4096] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        let table = fixture.table(1, &numbered(50));
        let mut missing: Vec<Vec<u8>> = (0..50).flat_map(|index| [key(index * 10 + 1), key(index * 10 + 9)]).collect();
        missing.extend([b"".to_vec(), b"a".to_vec(), b"key".to_vec(), b"key00010\0".to_vec(), b"key0001".to_vec()]);
        missing.extend([b"key00490\0".to_vec(), b"zebra".to_vec(), vec![0xFF; 20]]);
        for key in missing {
            let found: Option<Option<Bytes>> = lookup(&fixture, &table, &key);
            assert_same(found, None, &format!("{}, which is not there, with block_size {block_size}", show(&key)));
        }
    }
}

/// A lookup reads one block at most.
///
/// Hint: the index says which block it is: the first whose last key is not below the target.
///
/// Book: week1/4-tables.md#task-5-lookup
#[test]
fn a_lookup_reads_one_block_at_most() {
    let fixture = Fixture::with(|options| {
        options.block_size = 100;
        options.cache_size = 0;
    });
    let table = fixture.table(1, &numbered(50));
    for target in (0..500).map(key) {
        let (reads, _) = fixture.count_reads(|| lookup(&fixture, &table, &target));
        assert!(reads <= 1, "looking up {} read the disk {reads} times", show(&target));
    }
}

/// A lookup reads no block if the index shows that none can hold the key: above the last key, below the first, and
/// between the last key of a block and the first key of the next.
///
/// Hint: if the target is below the block's first key, the lookup's answer could only be that first key.
///
/// Book: week1/4-tables.md#task-5-lookup
#[test]
fn a_lookup_outside_of_all_blocks_reads_nothing() {
    let fixture = Fixture::with(|options| options.block_size = 150);
    let table = fixture.table(1, &numbered(50));
    let blocks = fixture.layout(1).blocks;
    let mut targets = vec![b"a".to_vec(), b"key00490\0".to_vec(), b"zebra".to_vec()];
    for block in &blocks {
        // Just behind each block's last key: no block has such a key.
        targets.push([block.last_key(), b"\0"].concat());
    }
    for target in targets {
        let (reads, found) = fixture.count_reads(|| lookup(&fixture, &table, &target));
        assert_same(found, None, &format!("{}, which is not there", show(&target)));
        assert_same(reads, 0, &format!("reads for {}, which is in no block's range", show(&target)));
    }
}

fn first_two(key: &[u8]) -> &[u8] {
    &key[..key.len().min(2)]
}

/// "aa" and "bb" are users' keys here; what follows them is written behind them by the engine.
fn with_user_parts(block_size: usize) -> (Fixture, Arc<Table>) {
    let fixture = Fixture::with(|options: &mut Options| {
        options.user_part = first_two;
        options.block_size = block_size;
    });
    let table = fixture.table(1, &entries_of(&["aa2", "aa5", "bb2", "bb4", "bb6", "dd1"]));
    (fixture, table)
}

/// With a user part that is shorter than the key, a lookup finds the first entry at or after the target that has the
/// target's user part, in the target's block or in the next.
///
/// Hint: compare `user_part(found key)` with `user_part(target)`; the whole keys differ.
///
/// Book: week1/4-tables.md#task-5-lookup
#[test]
fn a_lookup_finds_the_first_entry_at_or_after_with_the_same_user_part() {
    // All in one block, one entry a block, and about two a block.
    for block_size in [4096, 1, 28] {
        let (fixture, table) = with_user_parts(block_size);
        for (target, expected) in [
            ("aa", Some("aa2")),
            ("aa1", Some("aa2")),
            ("aa2", Some("aa2")),
            ("aa3", Some("aa5")),
            ("aa6", None),
            ("ab", None),
            ("bb1", Some("bb2")),
            ("bb3", Some("bb4")),
            ("bb5", Some("bb6")),
            ("bb7", None),
            ("cc1", None),
            ("dd0", Some("dd1")),
            ("dd1", Some("dd1")),
            ("dd2", None),
            ("a", None),
            ("", None),
            ("ee1", None),
        ] {
            let found: Option<Option<Bytes>> = lookup(&fixture, &table, target.as_bytes());
            let expected = expected.map(|value| Some(Bytes::from(value)));
            assert_same(found, expected, &format!("the entry for {target:?} with block_size {block_size}"));
        }
    }
}

/// Before a block's first key no block is read if that key has another user part; if it has the same, its block is.
///
/// Hint: `target < first_key && user_part(first_key) != user_part(target)`: both halves count.
///
/// Book: week1/4-tables.md#task-5-lookup
#[test]
fn another_user_part_behind_a_gap_costs_no_read() {
    let (fixture, table) = with_user_parts(1);
    for target in ["a", "aa6", "ab", "bb7", "cc1", "dd2"] {
        let (reads, found) = fixture.count_reads(|| lookup(&fixture, &table, target.as_bytes()));
        assert_same(found, None, &format!("{target:?}, which is not there"));
        assert_same(reads, 0, &format!("reads for {target:?}: the next block begins with another user part"));
    }
    for target in ["aa3", "bb3", "dd0"] {
        let (reads, found) = fixture.count_reads(|| lookup(&fixture, &table, target.as_bytes()));
        assert!(found.is_some(), "{target:?} has the user part of the next block's first key, but was not found");
        assert_same(reads, 1, &format!("reads for {target:?}"));
    }
}

/// A second lookup in the same block does not read the disk; blocks_read and cache_hits count both kinds.
///
/// Hint: whether the closure that reads was called tells which counter to advance.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn a_second_lookup_is_a_cache_hit() {
    let fixture = Fixture::with(|options| options.block_size = 4096);
    let entries = numbered(10);
    let table = fixture.table(1, &entries);
    let counters = &fixture.resources.counters;
    let counts = || -> (u64, u64) { (counters.blocks_read.get(), counters.cache_hits.get()) };
    assert_same(counts(), (0, 0), "blocks read and cache hits when the table is open: no data block yet");
    lookup(&fixture, &table, &key(0));
    assert_same(counts(), (1, 0), "blocks read and cache hits after the first lookup");
    let (reads, _) = fixture.count_reads(|| {
        lookup(&fixture, &table, &key(20));
        lookup(&fixture, &table, &key(90));
    });
    assert_same(reads, 0, "reads of the disk for two more keys of the same block");
    assert_same(counts(), (1, 2), "blocks read and cache hits after three lookups in one block");
}

/// Looking up a key twice gives the same memory: a value is a slice of its cached block, not a copy.
///
/// Hint: `BlockIterator::value_bytes`; `Bytes::copy_from_slice(value)` would copy.
///
/// Book: week1/4-tables.md#values-without-copies
#[test]
fn values_share_the_cached_blocks_memory() {
    let fixture = Fixture::new();
    let entries: Entries = entries_of(&["apple", "banana", "cherry"]);
    let table = fixture.table(1, &entries);
    let find = || lookup(&fixture, &table, b"banana").flatten().expect("banana is in the table");
    let (first, second): (Bytes, Bytes) = (find(), find());
    assert_eq!((&first[..], &second[..]), (&b"banana"[..], &b"banana"[..]), "the value");
    assert_eq!(first.as_ptr(), second.as_ptr(), "the same value, looked up twice, lies in two places: it was copied");
}

/// A value outlives its table, the cache and the file.
///
/// Hint: `Bytes` counts who holds the block's memory.
///
/// Book: week1/4-tables.md#values-without-copies
#[test]
fn a_value_outlives_its_table() {
    let fixture = Fixture::new();
    let table = fixture.table(1, &entries_of(&["apple", "banana", "cherry"]));
    let value: Bytes = lookup(&fixture, &table, b"cherry").flatten().expect("cherry is in the table");
    fixture.disk.remove(&Fixture::path(1)).expect("removing the file");
    drop((table, fixture));
    assert_eq!(&value[..], b"cherry", "a value whose table is gone");
}

/// A table whose name is removed goes on being read.
///
/// Hint: keep the open file in the table; do not open it anew for each block.
///
/// Book: week1/4-tables.md#task-4-opening-a-table
#[test]
fn a_removed_table_is_readable_while_it_is_open() {
    let fixture = Fixture::new();
    let entries = numbered(50);
    let table = fixture.table(1, &entries);
    fixture.disk.remove(&Fixture::path(1)).expect("removing the file");
    for (key, value) in &entries {
        let found = lookup(&fixture, &table, key);
        assert_same(found, Some(value.clone().map(Bytes::from)), &format!("{} of a removed table", show(key)));
    }
}
