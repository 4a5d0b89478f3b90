//! Walking a table, or a part of it.

use std::ops::Bound;

use bytes::Bytes;
use lsm::table::TableIterator;
use lsm::{KeyRange, StorageIterator};

use super::support::{
    Entries, Fixture, assert_same, collect, entries_of, expect, is_inside, key, keys_of, lookup, numbered, scan, show,
};

/// All nine combinations of bounds give just the entries between them, wherever the bounds fall and however the table
/// is cut into blocks.
///
/// Hint: the lower bound is where the scan begins; the upper one is asked after every step.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn all_nine_kinds_of_bounds() {
    for block_size in [1, 60, 4096] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        let entries = numbered(9);
        let table = fixture.table(1, &entries);
        // On each key, between any two, below the first, above the last.
        let places: Vec<Vec<u8>> = (0..18).map(|half| key(half * 5)).chain([b"k".to_vec(), b"z".to_vec()]).collect();
        let bounds = |place: &Vec<u8>| [Bound::Included(place.clone()), Bound::Excluded(place.clone())];
        let all: Vec<Bound<Vec<u8>>> = places.iter().flat_map(bounds).chain([Bound::Unbounded]).collect();
        for lower in &all {
            for upper in &all {
                let found = collect(scan(&table, (lower.clone(), upper.clone())));
                let inside = entries.iter().filter(|(key, _)| is_inside(key, lower, upper));
                let expected: Vec<_> = inside.map(|(key, value)| (key.clone(), value.clone())).collect();
                let range = KeyRange::from((lower.clone(), upper.clone()));
                assert_same(found, expected, &format!("the range {range:?} with block_size {block_size}"));
            }
        }
    }
}

/// A scan that begins behind a block's last key begins with the next block's first.
///
/// Hint: seek to the excluded key; if the iterator stands on it, step once. That step may enter the next block.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn an_exclusive_start_at_a_blocks_last_key() {
    let fixture = Fixture::with(|options| options.block_size = 100);
    let table = fixture.table(1, &numbered(40));
    let blocks = fixture.layout(1).blocks;
    assert!(blocks.len() > 4, "this test needs several blocks");
    for pair in blocks.windows(2) {
        let last = pair[0].last_key().to_vec();
        let (reads, iterator) = fixture.count_reads(|| scan(&table, (Bound::Excluded(last.clone()), Bound::Unbounded)));
        assert_same(show(iterator.key()), show(pair[1].first_key()), &format!("first key behind {}", show(&last)));
        assert!(reads <= 2, "beginning behind {} read {reads} blocks", show(&last));
    }
    let last = blocks[blocks.len() - 1].last_key().to_vec();
    let iterator = scan(&table, (Bound::Excluded(last), Bound::Unbounded));
    assert!(!iterator.is_valid(), "behind the table's last key there is {}", show(iterator.key()));
}

/// A scan reads a block when it gets there: one for its first entry, the next when the block has ended.
///
/// Hint: `Table::scan` enters the first block only; `next` enters another where the current one has no more entries.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_scan_reads_its_blocks_one_by_one() {
    let fixture = Fixture::with(|options| options.block_size = 100);
    let entries = numbered(40);
    let table = fixture.table(1, &entries);
    let blocks = fixture.layout(1).blocks;
    let (reads, mut iterator) = fixture.count_reads(|| scan(&table, ..));
    assert_same(reads, 1, "reads for a scan's first entry");
    for (index, block) in blocks.iter().enumerate() {
        for (place, (key, _)) in block.entries.iter().enumerate() {
            assert_same(show(iterator.key()), show(key), "the scan's next key");
            let (reads, outcome) = fixture.count_reads(|| iterator.next());
            expect("going on", outcome);
            let enters_another = place + 1 == block.entries.len() && index + 1 < blocks.len();
            let what = format!("reads for the step behind entry {place} of block {index}");
            assert_same(reads, u64::from(enters_another), &what);
        }
    }
}

/// No block is read that lies behind the scan's end.
///
/// Hint: the index has each block's first key. Ask the range about it before you read the block.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_scan_reads_no_block_behind_its_bound() {
    let fixture = Fixture::with(|options| {
        options.block_size = 100;
        options.cache_size = 0;
    });
    let table = fixture.table(1, &numbered(40));
    let blocks = fixture.layout(1).blocks;
    for (index, pair) in blocks.windows(2).enumerate() {
        let last = pair[0].last_key().to_vec();
        let ends = [
            Bound::Included(last.clone()),
            Bound::Excluded([last.as_slice(), b"\0"].concat()),
            Bound::Excluded(pair[1].first_key().to_vec()),
            Bound::Excluded(last),
        ];
        for end in ends {
            let range = KeyRange::from((Bound::Unbounded, end));
            let (reads, _) = fixture.count_reads(|| collect(scan(&table, range.clone())));
            assert_same(reads, index as u64 + 1, &format!("blocks read by a scan of {range:?}"));
        }
        let end = pair[1].first_key().to_vec();
        let (reads, found) = fixture.count_reads(|| collect(scan(&table, ..=end.clone())));
        assert_same(reads, index as u64 + 2, &format!("blocks read up to {}, which is in the next block", show(&end)));
        assert_same(found.last().map(|(key, _)| show(key)), Some(show(&end)), "the last key of an inclusive range");
    }
}

/// A range that lies between two blocks, or outside of the table, reads nothing.
///
/// Hint: the seek finds the block in the index; whether the range reaches it is known before it is read.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_range_between_two_blocks_reads_nothing() {
    let fixture = Fixture::with_a_block_for_each_entry();
    let table = fixture.table(1, &numbered(10));
    for (from, to) in [(b"a".to_vec(), b"b".to_vec()), (key(41), key(49)), (key(41), key(50)), (key(91), key(99))] {
        let (reads, found) = fixture.count_reads(|| collect(scan(&table, from.clone()..to.clone())));
        assert_same(keys_of(&found), vec![], &format!("the keys from {} to {}", show(&from), show(&to)));
        assert_same(reads, 0, &format!("blocks read for {} to {}, where no block is", show(&from), show(&to)));
    }
}

/// A seek goes forward and backward, over blocks and within one, and finds the first key at or after its target.
///
/// Hint: seek in the index, then in the block; what the iterator did before does not matter.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_seek_goes_both_ways() {
    for block_size in [1, 100, 4096] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        let table = fixture.table(1, &numbered(40));
        let mut iterator: TableIterator = scan(&table, ..);
        for (target, expected) in [
            (200, Some(200)),
            (201, Some(210)),
            (199, Some(200)),
            (0, Some(0)),
            (390, Some(390)),
            (391, None),
            (5, Some(10)),
            (385, Some(390)),
        ] {
            expect("seeking", iterator.seek(&key(target)));
            let found = iterator.is_valid().then(|| show(iterator.key()));
            let what = format!("after seeking {} with block_size {block_size}", show(&key(target)));
            assert_same(found, expected.map(|number| show(&key(number))), &what);
        }
        expect("seeking", iterator.seek(&key(371)));
        assert_same(keys_of(&collect(iterator)), vec![show(&key(380)), show(&key(390))], "what follows a seek");
    }
}

/// A seek respects the upper bound, and not the lower: that is only where the scan begins.
///
/// Hint: the range's end is asked after a seek as after a step.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_seek_respects_the_upper_bound_alone() {
    for block_size in [1, 100, 4096] {
        let fixture = Fixture::with(|options| options.block_size = block_size);
        let table = fixture.table(1, &numbered(40));
        let mut iterator = scan(&table, key(100)..key(200));
        for (target, expected) in [(150, Some(150)), (190, Some(190)), (191, None), (50, Some(50)), (300, None)] {
            expect("seeking", iterator.seek(&key(target)));
            let found = iterator.is_valid().then(|| show(iterator.key()));
            let what = format!("after seeking {} with a bound at 200, block_size {block_size}", show(&key(target)));
            assert_same(found, expected.map(|number| show(&key(number))), &what);
        }
        expect("seeking", iterator.seek(&key(180)));
        assert_same(keys_of(&collect(iterator)), vec![show(&key(180)), show(&key(190))], "up to the bound at 200");
    }
}

/// A seek behind the bound reads no block.
///
/// Hint: it ends like any other: the block's first key is not within the range.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn a_seek_behind_the_bound_reads_nothing() {
    let fixture = Fixture::with_a_block_for_each_entry();
    let table = fixture.table(1, &numbered(40));
    let mut iterator = scan(&table, ..key(100));
    let (reads, outcome) = fixture.count_reads(|| iterator.seek(&key(200)));
    expect("seeking", outcome);
    assert!(!iterator.is_valid(), "behind the bound the iterator stands on {}", show(iterator.key()));
    assert_same(reads, 0, "blocks read by a seek behind the bound");
}

/// At its end an iterator has no key and no value, and stays there however often it is asked to go on.
///
/// Hint: `next` on an iterator that is not valid does nothing, and is no error.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn an_iterator_at_its_end_stays_there() {
    for end in [key(80), key(90), key(1000)] {
        let fixture = Fixture::with(|options| options.block_size = 100);
        let table = fixture.table(1, &numbered(10));
        let mut iterator = scan(&table, ..end);
        for _ in 0..10 {
            expect("going on", iterator.next());
        }
        for _ in 0..3 {
            let value: Option<Bytes> = iterator.value_bytes();
            assert_eq!((iterator.key(), iterator.value(), value), (&b""[..], None, None), "key and value at the end");
            let (reads, outcome) = fixture.count_reads(|| iterator.next());
            expect("next at the end", outcome);
            assert_same((reads, iterator.is_valid()), (0, false), "reads and validity after next at the end");
        }
    }
}

/// value and value_bytes say the same: a value, an empty value, or a tombstone; and value_bytes copies nothing.
///
/// Hint: both come from the block's iterator.
///
/// Book: week1/4-tables.md#values-without-copies
#[test]
fn a_scans_values_share_the_cached_blocks_memory() {
    let fixture = Fixture::new();
    let entries = numbered(30);
    let table = fixture.table(1, &entries);
    let mut iterator = scan(&table, ..);
    for (key, expected) in &entries {
        let shared: Option<Bytes> = iterator.value_bytes();
        assert_eq!(iterator.value(), expected.as_deref(), "value() at {}", show(key));
        assert_eq!(shared.as_deref(), expected.as_deref(), "value_bytes() at {}", show(key));
        let again = lookup(&fixture, &table, key).flatten();
        let places = (shared.as_ref().map(|value| value.as_ptr()), again.as_ref().map(|value| value.as_ptr()));
        assert_eq!(places.0, places.1, "where the value of {} lies, by scan and by lookup: it was copied", show(key));
        expect("going on", iterator.next());
    }
    assert!(!iterator.is_valid(), "behind the last entry");
}

/// An iterator keeps its table: it goes on when everybody else has let go of it.
///
/// Hint: it holds an `Arc<Table>`; that is why `scan` takes `self: &Arc<Table>`.
///
/// Book: week1/4-tables.md#task-6-the-table-iterator
#[test]
fn an_iterator_keeps_its_table() {
    let fixture = Fixture::with_a_block_for_each_entry();
    let table = fixture.table(1, &entries_of(&["a", "b", "c"]));
    let iterator = scan(&table, ..);
    drop((table, fixture));
    assert_same(keys_of(&collect(iterator)), vec![show(b"a"), show(b"b"), show(b"c")], "keys of a dropped table");
}

/// Many threads scan and look up in one table at once, and each sees all of it.
///
/// Hint: a table never changes, so its readers need no lock; each iterator has a place of its own.
///
/// Book: week1/4-tables.md#the-idea
#[test]
fn a_table_is_read_by_many_threads_at_once() {
    // Room for a third of the blocks: threads evict what others are about to read.
    let fixture = Fixture::with(|options| options.cache_size = 8 << 10);
    let entries: Entries = numbered(400);
    let table = fixture.table(1, &entries);
    let expected: Vec<_> = entries.clone().into_iter().collect();
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let (fixture, table, entries, expected) = (&fixture, &table, &entries, &expected);
            scope.spawn(move || {
                for round in 0..3 {
                    assert!(collect(scan(table, ..)) == *expected, "scan {round} of thread {thread}");
                    for (key, value) in entries.iter().skip(thread).step_by(4) {
                        let found = lookup(fixture, table, key);
                        assert_same(found, Some(value.clone().map(Bytes::from)), &show(key));
                    }
                }
            });
        }
    });
}
