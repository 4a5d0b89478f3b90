//! A level as one source: what happens when a table cannot be read.

use std::sync::Arc;

use lsm::disk::Fault;
use lsm::{ConcatIterator, Error, KeyRange, StorageIterator};

use super::fixture::{Entries, Workbench, rest_of, text};

const LEVEL: &str = "a=1 b=2 | c=3 d=4 | e=5";

/// After an error the iterator is not valid, and going on does nothing.
fn check_ended(iterator: &mut ConcatIterator, when: &str) {
    for _ in 0..3 {
        assert!(!iterator.is_valid(), "after an error the iterator is not valid, {when}");
        assert_eq!((iterator.key(), iterator.value()), (&b""[..], None), "after an error there is no entry, {when}");
        iterator.next().unwrap_or_else(|error| panic!("an error is told once, {when}; again: {error}"));
    }
}

/// An error while a walk enters the next table is returned by that step, and ends the walk: what follows is not taken for
/// the next entry, nor the error for the end.
///
/// Hint: `None` stands for the end only when no call failed. Return every error with `?`, after `current` was emptied.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn an_error_ends_the_walk() {
    for (failing, steps) in [(1, 2), (2, 4)] {
        let bench = Workbench::new();
        let tables = Arc::new(bench.run(LEVEL));
        let first: u64 = bench.disk.reads();
        bench.disk.fail_read(first + failing, Fault::Broken);
        let mut iterator = ConcatIterator::new(tables, &KeyRange::all()).expect("the first table can be read");
        for step in 1..steps {
            iterator.next().unwrap_or_else(|error| panic!("step {step} stays in a table that was read: {error}"));
        }
        let when = format!("when the block of table {} cannot be read", failing + 1);
        let outcome: Result<(), Error> = iterator.next();
        assert!(matches!(outcome, Err(Error::Io { .. })), "the step into that table gives {outcome:?}, {when}");
        check_ended(&mut iterator, &when);
        iterator.seek(b"b").expect("a seek on a disk that works again");
        let found: Entries = rest_of(&mut iterator);
        assert_eq!(text(&found), "b=2 c=3 d=4 e=5", "a seek makes the iterator usable again, {when}");
    }
}

/// An iterator whose first table cannot be read is not made.
///
/// Hint: `new` reads a block, so it can fail; it returns the error.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn an_iterator_on_a_broken_table_is_an_error() {
    let bench = Workbench::new();
    let tables = Arc::new(bench.run(LEVEL));
    for from in ["a", "c", "e"] {
        bench.disk.fail_read(bench.disk.reads(), Fault::Broken);
        let made = ConcatIterator::new(tables.clone(), &KeyRange::from(from..)).err();
        assert!(matches!(made, Some(Error::Io { .. })), "an iterator from {from}, a broken table, gives {made:?}");
    }
}

/// A seek that fails leaves the iterator without an entry, wherever it stood before. A later seek may succeed.
///
/// Hint: give up the table that you stand in before you try to enter another.
///
/// Book: week2/1-compaction.md#seek
#[test]
fn a_seek_that_fails_leaves_no_entry() {
    for (target, rest) in [("a", "a=1 b=2 c=3 d=4 e=5"), ("c", "c=3 d=4 e=5"), ("e", "e=5")] {
        // A cache without room: every table that is entered is read.
        let bench = Workbench::with(|options| options.cache_size = 0);
        let tables = Arc::new(bench.run(LEVEL));
        let mut iterator = ConcatIterator::new(tables, &KeyRange::all()).expect("an iterator");
        bench.disk.fail_read(bench.disk.reads(), Fault::Broken);
        let outcome: Result<(), Error> = iterator.seek(target.as_bytes());
        assert!(matches!(outcome, Err(Error::Io { .. })), "seek({target}) into a broken table gives {outcome:?}");
        check_ended(&mut iterator, &format!("after seek({target})"));
        iterator.seek(target.as_bytes()).expect("a seek on a disk that works again");
        assert_eq!(text(&rest_of(&mut iterator)), rest, "the walk after the second seek({target})");
    }
}

/// A damaged block in the middle of a table is `Corruption`, and ends the walk.
///
/// Hint: the same: what a table's iterator returns as an error, yours returns.
///
/// Book: week2/1-compaction.md#task-3-a-level-as-one-source
#[test]
fn damage_inside_a_table_ends_the_walk() {
    // A block for each entry.
    let bench = Workbench::with(|options| options.block_size = 1);
    let tables = Arc::new(bench.run("a=1 b=2 c=3 | d=4"));
    let path = bench.files().into_iter().next().expect("the first table");
    let mut bytes: Vec<u8> = bench.disk.contents(&path).expect("its bytes");
    let at = bytes.iter().position(|byte| *byte == b'b').expect("the second block's key");
    bytes[at] ^= 1;
    bench.disk.set_contents(&path, &bytes);
    // The file was opened before it was damaged: open it again.
    let damaged = lsm::table::Table::open(1, &path, &bench.resources).expect("index and footer are whole");
    let tables = Arc::new(vec![damaged, tables[1].clone()]);
    let mut iterator = ConcatIterator::new(tables, &KeyRange::all()).expect("the first block is whole");
    let outcome: Result<(), Error> = iterator.next();
    assert!(matches!(outcome, Err(Error::Corruption { .. })), "the step into a damaged block gives {outcome:?}");
    check_ended(&mut iterator, "after a damaged block");
}
