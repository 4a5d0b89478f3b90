//! Building tables.

use lsm::block::BlockBuilder;
use lsm::disk::{Operation, SimDisk, Survival};
use lsm::table::TableBuilder;
use lsm::{Error, Result, StorageIterator};

use super::support::{
    Entries, Entry, Fixture, assert_same, collect, entries_of, expect, key, lookup, numbered, scan, show,
};

/// An opened table knows its first key, its last key, its counts, its length and its id.
///
/// Hint: first and last key stand in the index, in its first and its last entry; the counts stand in the footer.
///
/// Book: week1/4-tables.md#task-4-opening-a-table
#[test]
fn a_table_knows_its_ends_and_its_counts() {
    for count in [1, 2, 3, 40, 200] {
        let fixture = Fixture::new();
        let entries = numbered(count);
        let table = fixture.table(7, &entries);
        let tombstones = entries.values().filter(|value| value.is_none()).count() as u64;
        assert_same(show(table.first_key()), show(&key(0)), &format!("first key of {count} entries"));
        assert_same(show(table.last_key()), show(&key((count - 1) * 10)), &format!("last key of {count} entries"));
        assert_same(table.entries(), count as u64, "number of entries, tombstones included");
        assert_same(table.tombstones(), tombstones, &format!("number of tombstones among {count} entries"));
        assert_same(table.size(), fixture.bytes(7).len() as u64, "size: the file's length");
        assert_same(table.id(), 7, "id");
    }
}

/// A key that is not greater than the one before is refused with InvalidInput, and is not in the table; building goes
/// on.
///
/// Hint: `last_key` remembers the key before. It says nothing while there is no entry: the first key may be empty.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn keys_that_do_not_ascend_are_refused() {
    let fixture = Fixture::new();
    let mut builder: TableBuilder = expect("creating a builder", fixture.create(1));
    for (key, is_good) in [
        ("", true),
        ("", false),
        ("b", true),
        ("b", false),
        ("a", false),
        ("", false),
        ("b\0", true),
        ("b", false),
        ("bb", true),
        ("c", true),
        ("bbb", false),
    ] {
        let outcome: Result<()> = builder.add(key.as_bytes(), Some(key.as_bytes()));
        match outcome {
            Ok(()) => assert!(is_good, "{key:?} is not greater than the key before it, but was taken"),
            Err(Error::InvalidInput(_)) => assert!(!is_good, "{key:?} is greater than the key before it, but refused"),
            Err(other) => panic!("adding {key:?} gave {other:?}"),
        }
    }
    assert_same(builder.entries(), 5, "entries of the builder");
    expect("finishing", builder.finish());
    let table = expect("opening the table", fixture.open(1));
    assert_same(table.entries(), 5, "entries of the table");
    let expected: Vec<_> = entries_of(&["", "b", "b\0", "bb", "c"]).into_iter().collect();
    assert_same(collect(scan(&table, ..)), expected, "the entries that were taken");
}

/// The order of keys is kept across blocks too: a key that is smaller than the last of the block before is refused.
///
/// Hint: the block builder is empty at a block's beginning and knows no last key; the table builder has its own.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn keys_ascend_across_blocks_too() {
    let fixture = Fixture::with_a_block_for_each_entry();
    let mut builder = expect("creating a builder", fixture.create(1));
    expect("adding m", builder.add(b"m", Some(b"1")));
    for key in ["m", "a", ""] {
        let outcome: Result<()> = builder.add(key.as_bytes(), None);
        assert!(matches!(outcome, Err(Error::InvalidInput(_))), "{key:?} after \"m\", in a new block: {outcome:?}");
    }
}

/// A table without entries is refused, and no file is left of it.
///
/// Hint: a table has a first and a last key. An early return drops the builder, and that removes the file.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn a_table_without_entries_is_refused() {
    let fixture = Fixture::new();
    let builder = expect("creating a builder", fixture.create(1));
    let outcome: Result<()> = builder.finish();
    assert!(matches!(outcome, Err(Error::InvalidInput(_))), "finishing an empty table gave {outcome:?}");
    assert!(fixture.disk.paths().is_empty(), "files that are left: {:?}", fixture.disk.paths());
}

/// A builder that is dropped leaves no file; one that is finished does.
///
/// Hint: `finish` takes the builder, so it is dropped there as well. What tells the two apart is `is_finished`.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn only_a_finished_table_leaves_a_file() {
    let fixture = Fixture::new();
    let mut builder = expect("creating a builder", fixture.create(1));
    expect("adding", builder.add(b"a", Some(&[7; 300_000])));
    drop(builder);
    assert!(fixture.disk.paths().is_empty(), "a dropped builder left {:?}", fixture.disk.paths());
    expect("building", fixture.build(1, &numbered(3)));
    assert_eq!(fixture.disk.paths(), [Fixture::path(1)], "files after a finished table");
}

/// The file has the documented form: data blocks one behind the other from byte 0, then an index that names each with
/// its last key, its offset, its length and its first key.
///
/// Hint: the index entry's key is the block's *last* key. Take the offset before the block's bytes are appended.
///
/// Book: week1/4-tables.md#the-file
#[test]
fn the_file_has_the_form_of_the_format() {
    for block_size in [1, 100, 128, 1000, 1 << 20] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        let entries = numbered(60);
        expect("building", fixture.build(1, &entries));
        let layout = fixture.layout(1);
        let mut offset = 0;
        for block in &layout.blocks {
            let at = format!("the block at {} (block_size {block_size})", block.section.offset);
            assert_same(block.section.offset, offset, "where the block begins, behind the one before");
            assert_same(show(&block.index_key), show(block.last_key()), &format!("index key of {at}"));
            let first = show(&block.index_first_key);
            assert_same(first, show(block.first_key()), &format!("first key in the index value of {at}"));
            offset += u64::from(block.section.length);
        }
        let found: Entries = layout.blocks.iter().flat_map(|block| block.entries.iter().cloned()).collect();
        assert_same(found, entries, "the entries of all data blocks");
        assert!(layout.footer.index.offset >= offset, "the index stands behind the data blocks");
        assert_same(layout.footer.entries, 60, "entries in the footer");
    }
}

/// A block ends with the entry that takes it to block_size: not before, and not after. No block is empty.
///
/// Hint: add first, then compare the block's size with `>=`. At `finish` the block may just have ended.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn a_block_ends_when_it_has_reached_block_size() {
    // A block of exactly this size appears: what the first three entries take together.
    let exact = size_of_block(numbered(3).into_iter().collect::<Vec<_>>().as_slice());
    for block_size in [1, 50, exact, exact + 1, 512, 4096] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        expect("building", fixture.build(1, &numbered(150)));
        let blocks = fixture.layout(1).blocks;
        for (index, block) in blocks.iter().enumerate() {
            let what = format!("block {index} of {} with block_size {block_size}", blocks.len());
            let before_last = &block.entries[..block.entries.len() - 1];
            assert!(
                before_last.is_empty() || size_of_block(before_last) < block_size,
                "{what} had reached its size before its last entry"
            );
            let is_last = index + 1 == blocks.len();
            assert!(is_last || block.section.length as usize >= block_size, "{what} ended too early");
        }
    }
}

fn size_of_block(entries: &[Entry]) -> usize {
    let mut builder = BlockBuilder::new(4);
    for (key, value) in entries {
        builder.add(key, value.as_deref());
    }
    builder.size()
}

/// Values far longer than a block are stored whole, between small ones.
///
/// Hint: an entry is never split; its block is just longer. Its index entry has a length, so nothing else changes.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn values_longer_than_a_block_are_stored_whole() {
    let fixture = Fixture::new();
    let mut entries = numbered(6);
    for (index, length) in [(0, 1000), (2, 100_000), (4, 300_000)] {
        let value: Vec<u8> = (0..length).map(|byte| (byte % 251) as u8).collect();
        entries.insert(key(index * 10), Some(value));
    }
    let table = fixture.table(1, &entries);
    for (key, value) in &entries {
        let found: Option<Option<bytes::Bytes>> = lookup(&fixture, &table, key);
        let is_same = found.as_ref().is_some_and(|found| found.as_deref() == value.as_deref());
        assert!(is_same, "the value of {}, {} bytes long", show(key), value.as_ref().map_or(0, Vec::len));
    }
    assert!(collect(scan(&table, ..)) == entries.into_iter().collect::<Vec<_>>(), "a scan of long values");
}

/// Finished blocks go to the file in parts of about 256 KiB: not each by itself, and not all at the end.
///
/// Hint: `append` collects in `pending` and calls `write_pending` once there is more than `WRITE_SIZE`.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn finished_blocks_are_appended_in_large_parts() {
    const PART: u64 = 256 << 10;
    let fixture = Fixture::with(|options| options.block_size = 4096);
    let mut builder = expect("creating a builder", fixture.create(1));
    let before = fixture.disk.changes();
    for index in 0..1000 {
        expect("adding", builder.add(&key(index), Some(&[index as u8; 1500])));
        let written = fixture.bytes(1).len() as u64;
        let waiting = builder.size() - written.min(builder.size());
        assert!(waiting <= PART + 8192, "{waiting} bytes wait in memory after entry {index}; 256 KiB may");
    }
    let appends = fixture.disk.changes() - before;
    let most = builder.size() / PART + 1;
    assert!(appends <= most, "{appends} appends for {} bytes; expected at most {most}", builder.size());
    expect("finishing", builder.finish());
    let table = expect("opening the table", fixture.open(1));
    for index in [0, 1, 170, 171, 500, 999] {
        let found = lookup(&fixture, &table, &key(index)).flatten();
        assert_eq!(found.as_deref(), Some(&[index as u8; 1500][..]), "value {index} of a file of several appends");
    }
}

/// 256 KiB of finished blocks still wait; with a byte more, all of them are appended at once.
///
/// Hint: `pending.len() > WRITE_SIZE`, asked after the bytes were put in.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn more_than_256_kib_are_appended_at_once() {
    let key = b"key".to_vec();
    let overhead = size_of_block(&[(key.clone(), Some(vec![7; 200_000]))]) - 200_000;
    for (block, expected) in [((256 << 10) - 1, 0), (256 << 10, 0), ((256 << 10) + 1, (256 << 10) + 1)] {
        let fixture = Fixture::with_a_block_for_each_entry();
        let mut builder = expect("creating a builder", fixture.create(1));
        expect("adding", builder.add(&key, Some(&vec![7; block - overhead])));
        assert_same(fixture.bytes(1).len(), expected, &format!("bytes in the file with {block} bytes in one block"));
    }
}

/// size() tells while the table is built how long its data blocks are so far.
///
/// Hint: three parts: what the file has, what waits in `pending`, and the block that is being filled.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn the_builders_size_is_that_of_the_data_so_far() {
    let fixture = Fixture::with(|options| options.block_size = 4096);
    let mut builder = expect("creating a builder", fixture.create(1));
    let mut before = builder.size();
    for index in 0..700 {
        expect("adding", builder.add(&key(index), Some(&[index as u8; 1000])));
        let size: u64 = builder.size();
        assert!(size > before, "size() went from {before} to {size} with entry {index}");
        before = size;
    }
    expect("finishing", builder.finish());
    let blocks = fixture.layout(1).blocks;
    let data: u64 = blocks.iter().map(|block| u64::from(block.section.length)).sum();
    assert!(before.abs_diff(data) <= 64, "size() said {before} before finish; the data blocks take {data} bytes");
}

/// When finish returns and the directory is synced, a power cut takes nothing of the table.
///
/// Hint: `DiskFile::sync`, after the last append and before `finish` returns.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn a_finished_table_survives_a_power_cut() {
    for count in [3, 600] {
        let entries: Entries = (0..count).map(|index| (key(index), Some(vec![index as u8; 1000]))).collect();
        let fixture = Fixture::with(|options| options.block_size = 4096);
        expect("building", fixture.build(1, &entries));
        let directory = Fixture::path(1).parent().expect("a table's path has a directory").to_path_buf();
        expect("syncing the directory", fixture.resources.options.disk.sync_directory(&directory));
        for survival in [Survival::Nothing, Survival::Some] {
            let disk: SimDisk = fixture.disk.after_power_cut(survival, 4);
            let after = Fixture::on(disk, |_| {});
            let table = expect("opening the table after a power cut", after.open(1));
            let found: Entries = collect(scan(&table, ..)).into_iter().collect();
            assert!(found == entries, "{} of {count} entries are left with {survival:?}", found.len());
        }
    }
}

/// finish syncs the file once, and syncing is the last thing that it does.
///
/// Hint: what is appended after a sync is not durable.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn the_sync_comes_last() {
    let fixture = Fixture::new();
    let (sender, receiver) = std::sync::mpsc::channel::<Operation>();
    fixture.disk.on_operation(move |step| {
        let _ = sender.send(step.operation);
    });
    expect("building", fixture.build(1, &numbered(20)));
    let operations: Vec<Operation> = receiver.try_iter().collect();
    assert_eq!(operations.last(), Some(&Operation::Sync), "the operations of a build: {operations:?}");
}

/// A table of one entry has one block, whether or not the entry fills it.
///
/// Hint: if the only block has ended in `add`, `finish` has no block to end: an empty block must not follow.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn a_table_of_one_entry_has_one_block() {
    for block_size in [1, 4096] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        let table = fixture.table(1, &entries_of(&["only"]));
        assert_same(fixture.layout(1).blocks.len(), 1, &format!("data blocks with block_size {block_size}"));
        let mut iterator = scan(&table, ..);
        assert_eq!(iterator.key(), b"only", "the only key");
        expect("going on", iterator.next());
        assert!(!iterator.is_valid(), "there is nothing behind the only entry");
    }
}
