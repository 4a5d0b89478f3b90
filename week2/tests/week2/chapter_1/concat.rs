//! A level as one source: order, ranges, seeks, and how little is read for them.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use lsm::{ConcatIterator, KeyRange, StorageIterator};

use super::fixture::{Entries, Workbench, entries, reads_of, rest_of, text};

const LEVEL: &str = "b=1 d=× | f=3 | h=4 j= l=6 | n=× p=8";

/// A fixed set of keys: those of the level, and others between, before and behind them.
fn all_keys() -> Vec<Bytes> {
    (b'a'..=b'q').map(|letter| Bytes::copy_from_slice(&[letter])).collect()
}

/// Every bound that these keys make.
fn all_bounds() -> Vec<Bound<Bytes>> {
    let keys = all_keys().into_iter();
    let both = keys.flat_map(|key| [Bound::Included(key.clone()), Bound::Excluded(key)]);
    [Bound::Unbounded].into_iter().chain(both).collect()
}

/// Entries of the level within a range, from a key on.
fn expected(range: &KeyRange, from: &[u8]) -> Entries {
    let mut all: Entries = entries(&LEVEL.replace('|', " "));
    all.retain(|(key, _)| range.reaches_down_to(key) && range.reaches_up_to(key) && key >= from);
    all
}

/// The tables of a level are walked one after the other, in key order, tombstones included.
///
/// Hint: when a table has ended, begin the next one in the same call of `next`.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn a_level_is_walked_table_by_table() {
    let bench = Workbench::new();
    for level in [LEVEL, "a=1", "a=1 | b=2", "a=× | b=× | c=×", "a=1 b=2 c=3 | d=4", ""] {
        let found: Entries = rest_of(&mut bench.concat(level, &KeyRange::all()));
        assert_eq!(text(&found), text(&entries(&level.replace('|', " "))), "walking the level {level}");
    }
}

/// At its end the iterator is not valid, has no key and no value, and stays so however often it is told to go on.
///
/// Hint: without a table to stand in there is no entry. `next` then does nothing.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn behind_the_last_table_there_is_nothing() {
    let bench = Workbench::new();
    let mut iterator: ConcatIterator = bench.concat("a=1 | b=2", &KeyRange::all());
    for expected in ["a", "b"] {
        assert!(iterator.is_valid(), "the iterator stands on {expected}");
        assert_eq!(iterator.key(), expected.as_bytes(), "the key");
        iterator.next().expect("a step");
    }
    for _ in 0..3 {
        assert!(!iterator.is_valid(), "behind the last entry the iterator is not valid");
        assert_eq!((iterator.key(), iterator.value(), iterator.value_bytes()), (&b""[..], None, None), "at the end");
        iterator.next().expect("a step behind the end is no error");
    }
}

/// Whatever the range, the iterator begins with the first entry in it and ends with the last one.
///
/// Hint: begin with the first table whose last key is in or above the range. End before a table whose first key is
/// above it.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn a_range_is_walked_and_nothing_else() {
    let bench = Workbench::new();
    let tables = Arc::new(bench.run(LEVEL));
    for lower in all_bounds() {
        for upper in all_bounds() {
            let range = KeyRange { lower: lower.clone(), upper };
            let mut iterator: ConcatIterator = ConcatIterator::new(tables.clone(), &range).expect("an iterator");
            let found: Entries = rest_of(&mut iterator);
            assert_eq!(text(&found), text(&expected(&range, b"")), "walking {range:?} of the level {LEVEL}");
        }
    }
}

/// A seek goes to the first entry at or after its target, forward and backward, over any number of tables, and the
/// walk goes on from there to the range's upper bound. A lower bound does not hold it.
///
/// Hint: after a seek below the range's lower bound, all tables from there on are walked whole. The bound that the
/// iterator was made with must not be asked again when the next table begins.
///
/// Book: week2/1-compaction.md#seek
#[test]
fn a_seek_finds_the_first_entry_at_or_after_its_target() {
    let bench = Workbench::new();
    let tables = Arc::new(bench.run(LEVEL));
    for lower in
        [Bound::Unbounded, Bound::Included("g".into()), Bound::Excluded("j".into()), Bound::Included("q".into())]
    {
        for upper in all_bounds() {
            let range = KeyRange { lower: lower.clone(), upper: upper.clone() };
            let mut iterator: ConcatIterator = ConcatIterator::new(tables.clone(), &range).expect("an iterator");
            // Forward and backward, by turns.
            for (number, target) in all_keys().iter().chain(all_keys().iter().rev()).enumerate() {
                iterator.seek(target).expect("a seek");
                let whole = expected(&KeyRange { lower: Bound::Unbounded, upper: upper.clone() }, target);
                let first = whole.first().map_or(&b""[..], |(key, _)| key);
                assert_eq!(iterator.key(), first, "the key after seek({target:?}) in {range:?} of {LEVEL}");
                assert_eq!(iterator.is_valid(), !whole.is_empty(), "valid after seek({target:?}) in {range:?}");
                if number % 3 == 0 {
                    let found: Entries = rest_of(&mut iterator);
                    assert_eq!(text(&found), text(&whole), "the walk after seek({target:?}) in {range:?} of {LEVEL}");
                }
            }
        }
    }
}

/// Sixty tables of one block each, `key00 …`, in fresh memory.
fn long_level() -> (Workbench, Arc<Vec<Arc<lsm::table::Table>>>) {
    let bench = Workbench::new();
    let table = |number: usize| format!("key{number:02}a=1 key{number:02}b=2");
    let run = bench.run(&(0..60).map(table).collect::<Vec<_>>().join(" | "));
    (bench, Arc::new(run))
}

/// A table is read when the walk gets there and not before.
///
/// Hint: keep the tables, and an iterator for one of them. An iterator for each reads a block for each.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn a_table_is_not_read_before_the_walk_gets_there() {
    let (bench, tables) = long_level();
    let (reads, mut iterator) =
        reads_of(&bench.disk, || ConcatIterator::new(tables, &KeyRange::all()).expect("an iterator"));
    assert_eq!(reads, 1, "reads for an iterator over 60 tables of one block, which stands in the first");
    let (reads, ()) = reads_of(&bench.disk, || iterator.next().expect("a step"));
    assert_eq!(reads, 0, "reads for a step inside of a table's block");
    let (reads, ()) = reads_of(&bench.disk, || iterator.next().expect("a step"));
    assert_eq!((reads, iterator.key()), (1, &b"key01a"[..]), "reads for the step into the second table");
    let (reads, ()) = reads_of(&bench.disk, || iterator.seek(b"key40b").expect("a seek"));
    assert_eq!((reads, iterator.key()), (1, &b"key40b"[..]), "reads for a seek far ahead, into one table");
    let (reads, ()) = reads_of(&bench.disk, || iterator.seek(b"key20c").expect("a seek"));
    assert_eq!((reads, iterator.key()), (1, &b"key21a"[..]), "reads for a seek between two tables");
}

/// Tables outside of the range are not read: not those before it, not those behind it, and none where the range falls
/// between two tables.
///
/// Hint: the tables' first and last keys are in memory. Ask them before you ask the disk.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn tables_outside_of_the_range_are_not_read() {
    let cases: [(&str, &str, u64, usize); 7] = [
        ("key30a", "key31a", 1, 2),
        ("key30a", "key31b", 2, 3),
        ("key30c", "key30d", 0, 0),
        ("key59c", "key99", 0, 0),
        ("a", "b", 0, 0),
        ("key10b", "key13b", 4, 6),
        ("key59b", "key99", 1, 1),
    ];
    for (first, end, expected_reads, expected_entries) in cases {
        let (bench, tables) = long_level();
        let range = KeyRange::from(first..end);
        let (reads, found) =
            reads_of(&bench.disk, || rest_of(&mut ConcatIterator::new(tables, &range).expect("an iterator")).len());
        assert_eq!((reads, found), (expected_reads, expected_entries), "reads and entries from {first} to below {end}");
    }
    let (bench, tables) = long_level();
    let mut iterator = ConcatIterator::new(tables, &KeyRange::from(.."key10b")).expect("an iterator");
    for target in ["key10c", "key11a", "key59a", "zzz"] {
        let (reads, ()) = reads_of(&bench.disk, || iterator.seek(target.as_bytes()).expect("a seek"));
        assert_eq!((reads, iterator.is_valid()), (0, false), "reads for a seek to {target}, behind the range's end");
    }
}

/// The iterator keeps what it reads from: a table's handle may be dropped elsewhere.
///
/// Hint: share the list, an `Arc`, and do not copy it.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn the_list_is_shared() {
    let (_bench, tables) = long_level();
    let iterator = ConcatIterator::new(tables.clone(), &KeyRange::all()).expect("an iterator");
    assert_eq!(Arc::strong_count(&tables), 2, "the test has the list and the iterator has it");
    let last = tables.last().expect("60 tables").clone();
    assert_eq!(Arc::strong_count(&last), 2, "a table that was not reached is in the one list, and in the test's hands");
    drop(iterator);
}
