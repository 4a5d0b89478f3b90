//! Disks that fail.

use lsm::disk::Fault;
use lsm::table::{TableBuilder, TableIterator};
use lsm::{Error, Result, StorageIterator};

use super::support::{
    Entries, Fixture, assert_same, collect, expect, key, keys_of, lookup, numbered, scan, show, try_collect, try_lookup,
};

/// More than one part of 256 KiB.
fn large() -> Entries {
    (0..150).map(|index| (key(index), Some(vec![index as u8; 4000]))).collect()
}

fn is_io<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Io { .. }))
}

/// Whatever fails while a table is built, creating, appending or syncing, reaches the caller, and no file is left.
///
/// Hint: pass every error on with `?`. The builder is dropped on the way, and removes its file.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn every_failing_change_reaches_the_caller() {
    let dry = Fixture::with(|options| options.block_size = 4096);
    expect("building", dry.build(1, &large()));
    let changes = dry.disk.changes();
    assert!(
        changes >= 5,
        "building {} bytes takes {changes} changes of the disk; a test of appends needs more",
        600_000
    );
    for number in 0..changes {
        for fault in [Fault::Broken, Fault::Full] {
            let fixture = Fixture::with(|options| options.block_size = 4096);
            fixture.disk.fail_change(number, fault);
            let outcome: Result<()> = fixture.build(1, &large());
            assert!(is_io(&outcome), "change {number} of {changes} failed, and building gave {outcome:?}");
            assert!(fixture.disk.paths().is_empty(), "change {number} failed, and left {:?}", fixture.disk.paths());
        }
    }
}

/// After a failed append no table comes of it: finish fails too, though the disk works again.
///
/// Hint: a part of the bytes may be in the file, so all that follows would stand at a wrong offset. `write_pending`
/// keeps the error in `failure`.
///
/// Book: week1/4-tables.md#task-2-the-builder
#[test]
fn a_failed_append_is_not_forgotten() {
    let fixture = Fixture::with(|options| options.block_size = 4096);
    let mut builder: TableBuilder = expect("creating", fixture.create(1));
    fixture.disk.fail_change(fixture.disk.changes(), Fault::Broken);
    let mut failures = 0;
    for (key, value) in large() {
        let outcome: Result<()> = builder.add(&key, value.as_deref());
        failures += u64::from(is_io(&outcome));
    }
    assert!(failures > 0, "an append failed, and every add said that all was well");
    let changes = fixture.disk.changes();
    let outcome = builder.finish();
    assert!(is_io(&outcome), "finish after a failed append gave {outcome:?}");
    assert_same(fixture.disk.changes() - changes, 1, "changes after the failure: the file's removal and nothing else");
    assert!(fixture.disk.paths().is_empty(), "files that are left: {:?}", fixture.disk.paths());
}

/// Whatever read fails while a table is opened reaches the caller as an I/O error, and opening it again works.
///
/// Hint: opening the file, measuring it, reading footer and index: pass each error on.
///
/// Book: week1/4-tables.md#task-4-opening-a-table
#[test]
fn every_failing_read_of_an_open_reaches_the_caller() {
    let fixture = Fixture::new();
    expect("building", fixture.build(1, &numbered(30)));
    let (reads, _) = fixture.count_reads(|| expect("opening", fixture.open(1)));
    for number in 0..reads {
        fixture.disk.fail_read(fixture.disk.reads() + number, Fault::Broken);
        let outcome = fixture.open(1);
        assert!(is_io(&outcome), "read {number} of {reads} failed, and opening gave {outcome:?}");
        let table = expect("opening again", fixture.open(1));
        assert_same(table.entries(), 30, "entries");
    }
}

/// A lookup whose read fails gives an I/O error; nothing of it is cached, and the next lookup is right.
///
/// Hint: `get_or_read` gives the reader's error to the caller and keeps nothing.
///
/// Book: week1/4-tables.md#task-3-the-cache
#[test]
fn a_failing_read_of_a_lookup_is_not_remembered() {
    let fixture = Fixture::new();
    let entries = numbered(30);
    let table = fixture.table(1, &entries);
    for block in fixture.layout(1).blocks {
        let key = block.last_key();
        fixture.disk.fail_read(fixture.disk.reads(), Fault::Broken);
        let outcome = try_lookup(&fixture, &table, key);
        assert!(is_io(&outcome), "the read for {} failed, and the lookup gave {outcome:?}", show(key));
        let expected = Some(entries[key].clone().map(bytes::Bytes::from));
        assert_same(lookup(&fixture, &table, key), expected, &format!("{} at the second try", show(key)));
    }
}

/// A scan whose read fails tells it once, is not valid then, and gives nothing more until a seek succeeds.
///
/// Hint: leave the current block *before* you ask for the next, so that an error leaves no entry behind.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_failing_read_ends_a_scan() {
    let fixture = Fixture::with(|options| {
        options.block_size = 100;
        options.cache_size = 0;
    });
    let entries = numbered(40);
    let table = fixture.table(1, &entries);
    let blocks = fixture.layout(1).blocks;
    // The first read belongs to `scan` itself.
    fixture.disk.fail_read(fixture.disk.reads(), Fault::Broken);
    assert!(is_io(&table.scan(&(..).into())), "the first read of a scan failed, and the scan began all the same");
    for number in 1..blocks.len() {
        let first_read = fixture.disk.reads();
        let mut iterator: TableIterator = scan(&table, ..);
        fixture.disk.fail_read(first_read + number as u64, Fault::Broken);
        let outcome = try_collect(&mut iterator);
        assert!(is_io(&outcome), "the read of block {number} failed, and the scan gave {outcome:?}");
        for _ in 0..2 {
            assert!(!iterator.is_valid(), "after its error the scan stands on {}", show(iterator.key()));
            assert_eq!((iterator.key(), iterator.value()), (&b""[..], None), "key and value after an error");
            let (reads, outcome) = fixture.count_reads(|| iterator.next());
            expect("next after an error: it does nothing", outcome);
            assert_same(reads, 0, "reads of next after an error");
        }
        expect("seeking after an error", iterator.seek(blocks[number].first_key()));
        let expected: Vec<_> = blocks[number..].iter().flat_map(|block| block.entries.clone()).collect();
        assert_same(collect(iterator), expected, "what a seek after the error gives");
    }
}

/// A seek whose read fails leaves no entry behind; the next seek is right.
///
/// Hint: the same as for `next`: leave the current block first.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_failing_read_ends_a_seek() {
    let fixture = Fixture::with_a_block_for_each_entry();
    let table = fixture.table(1, &numbered(10));
    let mut iterator = scan(&table, ..);
    fixture.disk.fail_read(fixture.disk.reads(), Fault::Broken);
    let outcome: Result<()> = iterator.seek(&key(50));
    assert!(is_io(&outcome), "the read of a seek failed, and it gave {outcome:?}");
    assert!(!iterator.is_valid(), "after its error the iterator stands on {}", show(iterator.key()));
    expect("seeking again", iterator.seek(&key(80)));
    assert_same(keys_of(&collect(iterator)), vec![show(&key(80)), show(&key(90))], "the keys after the second seek");
}
