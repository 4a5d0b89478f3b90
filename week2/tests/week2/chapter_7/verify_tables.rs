//! Verifying one table: which parts are read, and what is demanded of them.

use std::sync::Arc;

use lsm::Error;
use lsm::disk::{Disk, SimDisk};
use lsm::table::{Footer, Table};

use super::crafted::{Crafted, Entry, Parts, open, path};
use super::support::file_of;

const A: &[Entry] = &[("a", Some("1")), ("b", None)];
const C: &[Entry] = &[("c", Some("3")), ("d", Some("4"))];
const E: &[Entry] = &[("e", None), ("f", Some("6"))];

/// The offsets of what `verify` finds, each of which has to be [`Error::Corruption`] of the table's file.
fn offsets(table: &Table, what: &str) -> Vec<u64> {
    let offset = |error: Error| match error {
        Error::Corruption { file, offset, .. } if file == path() => offset,
        other => panic!("{what}: expected Corruption of {}, found {other:?}", path().display()),
    };
    table.verify().into_iter().map(offset).collect()
}

/// In a sound table verify finds nothing: with a filter or without, with one block or more, of one entry or more.
///
/// Hint: walk the blocks by the index that you have just read, and compare with what the index says of each.
///
/// Book: week2/7-batches.md#task-4-verify-a-table
#[test]
fn nothing_is_found_in_a_sound_table() {
    let tables: [&[&[Entry]]; 5] =
        [&[A, C, E], &[A], &[&[("a", Some(""))]], &[&[("", None)]], &[&[("", Some("1"))], A]];
    for blocks in tables {
        for has_filter in [true, false] {
            let mut parts = Parts::of(blocks);
            parts.filter = parts.filter.filter(|_| has_filter);
            let (_, table) = open(&parts.build().bytes);
            assert_eq!(offsets(&table, "a sound table"), [], "blocks {blocks:?}, with a filter: {has_filter}");
        }
    }
}

/// Every part that is damaged is found, all of them at once: each data block and the filter. Only behind a damaged index
/// or footer there is nothing more to find.
///
/// Hint: gather the errors in a list and go on. `?` ends at the first one.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn every_damaged_part_is_found_at_once() {
    let crafted: Crafted = Parts::of(&[A, C, E]).build();
    let [a, c, e] = [0, 1, 2].map(|block: usize| crafted.blocks[block].offset);
    let (filter, index) = (crafted.footer.filter.offset, crafted.footer.index.offset);
    let footer = (crafted.bytes.len() - Footer::LENGTH) as u64;
    let cases: [(&[u64], &[u64]); 8] = [
        (&[a], &[a]),
        (&[c], &[c]),
        (&[a, c, e], &[a, c, e]),
        (&[a, e, filter], &[filter, a, e]),
        (&[filter], &[filter]),
        (&[a, index], &[index]),
        (&[a, filter, footer], &[footer]),
        (&[index, footer], &[footer]),
    ];
    for (damaged, expected) in cases {
        let (disk, table) = open(&crafted.bytes);
        let mut bytes = crafted.bytes.clone();
        damaged.iter().for_each(|offset| bytes[*offset as usize] ^= 1);
        disk.set_contents(&path(), &bytes);
        let found: Vec<u64> = offsets(&table, "a damaged table");
        let what = format!("blocks at {a}, {c}, {e}, filter at {filter}, index at {index}, footer at {footer}");
        assert_eq!(found, expected, "offsets of what is found, where the bytes at {damaged:?} are flipped: {what}");
    }
}

/// The index has to be true: each block's first and last key are those that it says, the keys ascend from block to block,
/// and no block is left out or named twice.
///
/// Hint: compare the first entry's key before the loop and the last one's behind it; begin the loop with the last key of
/// the block before. What is left out shows in the counts.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn an_index_that_lies_is_found() {
    /// A lie, the index that tells it, and the blocks at whose offsets it is found; none: the footer's.
    type Case = (&'static str, Vec<(usize, &'static str, &'static str)>, Vec<Option<usize>>);
    let cases: [Case; 7] = [
        ("a first key that is too small", vec![(0, "a", "b"), (1, "bb", "d"), (2, "e", "f")], vec![Some(1)]),
        ("a first key that is too great", vec![(0, "a", "b"), (1, "cc", "d"), (2, "e", "f")], vec![Some(1)]),
        ("a last key that is too great", vec![(0, "a", "b"), (1, "c", "dd"), (2, "e", "f")], vec![Some(1)]),
        ("a last key that is too small", vec![(0, "a", "aa"), (1, "c", "d"), (2, "e", "f")], vec![Some(0)]),
        ("a block that is left out", vec![(0, "a", "b"), (2, "e", "f")], vec![None]),
        ("two blocks in each other's place", vec![(0, "a", "b"), (2, "c", "d"), (1, "e", "f")], vec![Some(2), Some(1)]),
        ("a block that is named twice", vec![(0, "a", "b"), (0, "a", "b"), (2, "e", "f")], vec![Some(0)]),
    ];
    for (lie, index, expected) in cases {
        let crafted: Crafted = Parts { index, ..Parts::of(&[A, C, E]) }.build();
        let (_, table) = open(&crafted.bytes);
        let footer = (crafted.bytes.len() - Footer::LENGTH) as u64;
        let expected: Vec<u64> =
            expected.into_iter().map(|block| block.map_or(footer, |block| crafted.blocks[block].offset)).collect();
        assert_eq!(offsets(&table, lie), expected, "{lie}: the blocks are {:?}", crafted.blocks);
    }
}

/// Keys ascend strictly, within a block and from one block to the next.
///
/// Hint: keep the last key that was seen, over the end of a block; equal keys do not ascend.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn keys_that_do_not_ascend_are_found() {
    let cases: [(&str, &[&[Entry]], usize); 4] = [
        ("within a block", &[A, &[("c", None), ("e", None), ("d", None), ("f", None)]], 1),
        ("twice the same within a block", &[A, &[("c", None), ("d", None), ("d", None), ("f", None)]], 1),
        ("from block to block", &[&[("a", None), ("d", None)], &[("c", None), ("f", None)]], 1),
        ("the same at a block's end and at the next one's beginning", &[A, &[("b", Some("1")), ("c", None)]], 1),
    ];
    for (what, blocks, damaged) in cases {
        let crafted: Crafted = Parts::of(blocks).build();
        let (_, table) = open(&crafted.bytes);
        assert_eq!(
            offsets(&table, what),
            [crafted.blocks[damaged].offset],
            "keys that do not ascend {what}: {blocks:?}"
        );
    }
}

/// A filter that does not contain a key of the table would hide it: each key is asked for.
///
/// Hint: `may_contain` with the hash of the key's user part must be true for every key.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn a_filter_without_a_key_is_found() {
    let all = ["a", "b", "c", "d", "e", "f"];
    for (missing, block) in [("a", 0), ("b", 0), ("c", 1), ("f", 2)] {
        let keys: Vec<&'static str> = all.into_iter().filter(|key| *key != missing).collect();
        let crafted: Crafted = Parts { filter: Some(keys), ..Parts::of(&[A, C, E]) }.build();
        let (_, table) = open(&crafted.bytes);
        let found: Vec<u64> = offsets(&table, "a filter without a key");
        assert_eq!(found, [crafted.blocks[block].offset], "the filter lacks {missing:?}; blocks {:?}", crafted.blocks);
    }
}

/// The footer's counts have to be those of the blocks. Where a block is damaged, they are not compared.
///
/// Hint: count while you walk; compare at the end, if all blocks were sound.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn wrong_counts_are_found() {
    let sound = Parts::of(&[A, C, E]);
    for (entries, tombstones) in [(5, 2), (7, 2), (6, 1), (6, 3), (0, 0)] {
        let crafted: Crafted = Parts { entries, tombstones, ..sound.clone() }.build();
        let (disk, table) = open(&crafted.bytes);
        let footer = (crafted.bytes.len() - Footer::LENGTH) as u64;
        let what = format!("a footer that says {entries} entries, {tombstones} tombstones; there are 6 and 2");
        assert_eq!(offsets(&table, &what), [footer], "{what}");
        let mut bytes = crafted.bytes.clone();
        bytes[crafted.blocks[1].offset as usize] ^= 1;
        disk.set_contents(&path(), &bytes);
        assert_eq!(offsets(&table, &what), [crafted.blocks[1].offset], "{what}, and a damaged block");
    }
}

/// What is verified is the file that has the name now, not the one that was opened: another table in its place is found,
/// and so is a file that is longer, shorter, or gone.
///
/// Hint: open the file again by its path. Its length, footer and ends have to be those that the table knows.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn another_file_in_its_place_is_found() {
    let sound: Crafted = Parts::of(&[A, C, E]).build();
    let other_ends: [&[Entry]; 3] = [A, C, &[("e", None), ("g", Some("6"))]];
    let other_start: [&[Entry]; 3] = [&[("A", Some("1")), ("b", None)], C, E];
    let longer: Vec<u8> = [&sound.bytes[..], &sound.footer.encode()].concat();
    let footer = |bytes: &[u8]| (bytes.len() - Footer::LENGTH) as u64;
    /// What is there, its bytes, and where that is found, given the sound table and the offset of a footer in the new file.
    type Case = (&'static str, Vec<u8>, fn(&Crafted, u64) -> u64);
    let cases: [Case; 5] = [
        ("a table with another count", Parts::of(&[A, C, &E[..1]]).build().bytes, |_, footer| footer),
        ("a table with another last key", Parts::of(&other_ends).build().bytes, |sound, _| sound.footer.index.offset),
        ("a table with another first key", Parts::of(&other_start).build().bytes, |sound, _| sound.footer.index.offset),
        ("the same with its footer twice", longer, |_, footer| footer),
        ("a file of a few bytes", b"lsmtable".to_vec(), |_, _| 0),
    ];
    for (what, bytes, expected) in cases {
        let (disk, table) = open(&sound.bytes);
        disk.set_contents(&path(), &bytes);
        let footer = if bytes.len() < Footer::LENGTH { 0 } else { footer(&bytes) };
        assert_eq!(offsets(&table, what), [expected(&sound, footer)], "in the place of the table: {what}");
    }
    let (disk, table): (SimDisk, Arc<Table>) = open(&sound.bytes);
    disk.remove(&path()).expect("removing the file");
    let found: Vec<Error> = table.verify();
    assert!(found.len() == 1 && file_of(&found[0]) == path(), "a file that is gone is found, and named: {found:?}");
}

/// What a filter hashes is a key's user part: a table whose keys have more than that is sound too.
///
/// Hint: `options.user_part` of the table's resources, as `TableBuilder::add` and `get` do.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn filters_are_asked_for_user_parts() {
    fn first_byte(key: &[u8]) -> &[u8] {
        &key[..key.len().min(1)]
    }
    let mut parts = Parts::of(&[&[("a1", None), ("a2", None), ("b1", Some("1"))]]);
    parts.filter = Some(vec!["a", "b"]);
    let crafted: Crafted = parts.build();
    let (disk, table) = open(&crafted.bytes);
    assert_eq!(offsets(&table, "whole keys").len(), 1, "the filter holds user parts, and whole keys are asked for");
    let mut options = lsm::Options::manual();
    options.disk = Arc::new(disk.clone());
    options.user_part = first_byte;
    let table: Arc<Table> = Table::open(1, &path(), &lsm::table::Resources::new(options)).expect("opening the table");
    assert_eq!(offsets(&table, "user parts"), [], "the filter holds each key's user part");
}
