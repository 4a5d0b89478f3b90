//! Files that are not what was written.

use std::sync::Arc;

use bytes::Bytes;
use lsm::block::BlockBuilder;
use lsm::disk::SimDisk;
use lsm::table::{Footer, Section, Table};
use lsm::{Error, Result, StorageIterator};

use super::support::{
    Entries, Fixture, Layout, assert_same, collect, entries_of, expect, key, lookup, numbered, scan, show, try_collect,
    try_lookup,
};

/// A fresh disk that has just this file.
fn disk_with(bytes: &[u8]) -> Fixture {
    let disk = SimDisk::new();
    disk.set_contents(&Fixture::path(1), bytes);
    Fixture::on(disk, |options| options.cache_size = 8 << 10)
}

fn file_of(entries: &Entries, block_size: usize) -> Vec<u8> {
    let fixture = Fixture::with(|options| options.block_size = block_size);
    expect("building", fixture.build(1, entries));
    fixture.bytes(1)
}

/// Fails if the error is another than one that a damaged file should give.
fn assert_told(error: &Error, what: &str) {
    let is_told = matches!(error, Error::Corruption { .. } | Error::UnsupportedVersion { .. });
    assert!(is_told, "{what}: expected Corruption or UnsupportedVersion, found {error:?}");
}

fn assert_corruption<T>(outcome: Result<T>, what: &str) {
    match outcome {
        Err(Error::Corruption { file, .. }) => assert_same(file, Fixture::path(1), "the file that the error names"),
        Err(other) => panic!("{what}: expected Corruption, found {other:?}"),
        Ok(_) => panic!("{what}: expected Corruption, but nothing was noticed"),
    }
}

/// Reads all of a file that may be damaged: every answer is right, or an error that says so.
fn assert_right_or_told(fixture: &Fixture, entries: &Entries, what: &str) -> bool {
    let table: Arc<Table> = match fixture.open(1) {
        Ok(table) => table,
        Err(error) => {
            assert_told(&error, what);
            return true;
        }
    };
    let mut is_told = false;
    for (key, value) in entries {
        match try_lookup(fixture, &table, key) {
            Ok(found) => {
                assert!(found == Some(value.clone().map(Bytes::from)), "{what}: {} gave {found:?}", show(key));
            }
            Err(error) => {
                assert_told(&error, what);
                is_told = true;
            }
        }
    }
    let mut iterator = match table.scan(&(..).into()) {
        Ok(iterator) => iterator,
        Err(error) => {
            assert_told(&error, what);
            return true;
        }
    };
    match try_collect(&mut iterator) {
        Ok(found) => {
            assert!(found.iter().map(|(key, value)| (key, value)).eq(entries), "{what}: a scan gave {found:?}")
        }
        Err(error) => {
            assert_told(&error, what);
            is_told = true;
        }
    }
    is_told
}

/// Every flipped byte of a table's file is noticed, at the latest when its block is read; no answer is wrong.
///
/// Hint: every part has its checksum: blocks and index by `Block::decode`, the footer by `Footer::decode`.
///
/// Book: week1/4-tables.md#damage
#[test]
fn every_flipped_byte_is_noticed() {
    let entries = numbered(8);
    let bytes = file_of(&entries, 60);
    for offset in 0..bytes.len() {
        for flip in [0x01, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[offset] ^= flip;
            let what = format!("byte {offset} of {} flipped by {flip:#04x}", bytes.len());
            let is_told = assert_right_or_told(&disk_with(&damaged), &entries, &what);
            assert!(is_told, "{what}: nobody noticed");
        }
    }
}

/// A file that was cut short anywhere, or that has bytes behind its end, is damaged: it cannot be opened.
///
/// Hint: read the last `Footer::LENGTH` bytes, or all if there are fewer; a short file is Corruption, not Io.
///
/// Book: week1/4-tables.md#damage
#[test]
fn a_file_of_another_length_cannot_be_opened() {
    let bytes = file_of(&numbered(8), 60);
    for length in 0..bytes.len() {
        let outcome: Result<Arc<Table>> = disk_with(&bytes[..length]).open(1);
        assert_corruption(outcome, &format!("opening the first {length} of {} bytes", bytes.len()));
    }
    for extra in [1, 7, 8, 56, 5000] {
        let longer = [bytes.as_slice(), &vec![0; extra]].concat();
        assert_corruption(disk_with(&longer).open(1), &format!("opening a table with {extra} zeros behind its end"));
    }
}

/// A table of a later format version is refused, by the file's name and the version's number.
///
/// Hint: `Table::open` passes on what `Footer::decode` says.
///
/// Book: week1/4-tables.md#damage
#[test]
fn a_table_of_a_later_version_is_refused() {
    let mut bytes = file_of(&numbered(8), 60);
    let version_at = bytes.len() - 16;
    bytes[version_at..version_at + 4].copy_from_slice(&2_u32.to_le_bytes());
    match disk_with(&bytes).open(1) {
        Err(Error::UnsupportedVersion { file, found, supported }) => {
            assert_same((file, found, supported), (Fixture::path(1), 2, 1), "what the error names");
        }
        other => panic!("opening a table of version 2 gave {other:?}"),
    }
}

/// A file that is not there is an I/O error, not a damaged table.
///
/// Hint: pass on what `Disk::open` says.
///
/// Book: week1/4-tables.md#task-4-opening-a-table
#[test]
fn a_missing_file_is_an_io_error() {
    let outcome: Result<Arc<Table>> = Fixture::new().open(1);
    assert!(matches!(outcome, Err(Error::Io { .. })), "opening a file that is not there gave {outcome:?}");
}

/// A damaged data block hides no other: the table opens, and only what is in that block cannot be read.
///
/// Hint: opening reads footer, index and filter; a data block is checked when it is read.
///
/// Book: week1/4-tables.md#damage
#[test]
fn a_damaged_block_hides_no_other() {
    let fixture = Fixture::with(|options| options.block_size = 100);
    let entries = numbered(40);
    expect("building", fixture.build(1, &entries));
    let blocks = fixture.layout(1).blocks;
    let bad = &blocks[blocks.len() / 2];
    let mut bytes = fixture.bytes(1);
    bytes[bad.section.offset as usize + 5] ^= 0x10;
    let damaged = disk_with(&bytes);
    let table = expect("opening a table with a damaged data block", damaged.open(1));
    for (key, value) in &entries {
        let outcome = try_lookup(&damaged, &table, key);
        if bad.entries.iter().any(|(bad_key, _)| bad_key == key) {
            // Twice: what is damaged is not cached either.
            for outcome in [outcome, try_lookup(&damaged, &table, key)] {
                match outcome {
                    Err(Error::Corruption { file, offset, .. }) => {
                        assert_same(file, Fixture::path(1), "the file that the error names");
                        let block = bad.section.offset..bad.section.offset + u64::from(bad.section.length);
                        assert!(block.contains(&offset), "the error names byte {offset}; the block is at {block:?}");
                    }
                    other => panic!("{} is in the damaged block, but gave {other:?}", show(key)),
                }
            }
        } else {
            assert_same(expect("a lookup", outcome), Some(value.clone().map(Bytes::from)), &show(key));
        }
    }
    let mut iterator = scan(&table, ..);
    let outcome = try_collect(&mut iterator);
    assert_corruption(outcome, "a scan over the damaged block");
    let next = blocks[blocks.len() / 2 + 1].first_key().to_vec();
    assert_same(show(scan(&table, next.clone()..).key()), show(&next), "a scan that begins behind the damaged block");
}

/// Puts a table's file together by hand: `data`, then an index with these entries, then a footer.
fn file_with_index(data: &[u8], index: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let mut builder = BlockBuilder::new(1);
    for (key, value) in index {
        builder.add(key, Some(value));
    }
    let index = builder.finish();
    let section = Section { offset: data.len() as u64, length: index.len() as u32 };
    let footer = Footer { index: section, filter: Section::default(), entries: 2, tombstones: 0 };
    [data, &index, &footer.encode()].concat()
}

fn index_value(offset: u64, length: u32, first_key: &[u8]) -> Vec<u8> {
    [&offset.to_le_bytes()[..], &length.to_le_bytes(), first_key].concat()
}

fn data_block(keys: &[&str]) -> Vec<u8> {
    let mut builder = BlockBuilder::new(4);
    for key in keys {
        builder.add(key.as_bytes(), Some(key.as_bytes()));
    }
    builder.finish()
}

/// A file that was put together by hand, by the format alone, is a table: with no filter, and a block that begins
/// where the one before ends.
///
/// Hint: read by the format in the book, not by what your own builder happens to do.
///
/// Book: week1/4-tables.md#the-file
#[test]
fn a_file_made_by_the_format_is_read() {
    let (one, two) = (data_block(&["apple", "banana"]), data_block(&["cherry", "fig"]));
    let data = [one.as_slice(), &two].concat();
    let index: [(&[u8], Vec<u8>); 2] = [
        (b"banana", index_value(0, one.len() as u32, b"apple")),
        (b"fig", index_value(one.len() as u64, two.len() as u32, b"cherry")),
    ];
    let fixture = disk_with(&file_with_index(&data, &index));
    let table = expect("opening a table made by hand", fixture.open(1));
    assert_eq!((&table.first_key()[..], &table.last_key()[..]), (&b"apple"[..], &b"fig"[..]), "first and last key");
    assert_eq!(table.entries(), 2, "entries, as the footer says");
    let expected = entries_of(&["apple", "banana", "cherry", "fig"]);
    assert_same(collect(scan(&table, ..)), expected.clone().into_iter().collect(), "its entries");
    for (key, value) in expected {
        assert_same(lookup(&fixture, &table, &key), Some(value.map(Bytes::from)), &show(&key));
    }
}

/// An index entry that is too short for an offset and a length is Corruption when the table is opened.
///
/// Hint: 8 bytes of offset, 4 of length, then the first key, which may be empty. A tombstone has no bytes at all.
///
/// Book: week1/4-tables.md#damage
#[test]
fn an_index_entry_that_is_too_short_is_damage() {
    let data = data_block(&["a", "b"]);
    for length in 0..12 {
        let mut value = index_value(0, data.len() as u32, b"");
        value.truncate(length);
        let good = index_value(0, data.len() as u32, b"a");
        for index in [[(&b"b"[..], value.clone()), (&b"c"[..], good.clone())], [(&b"b"[..], good), (&b"c"[..], value)]]
        {
            let outcome = disk_with(&file_with_index(&data, &index)).open(1);
            assert_corruption(outcome, &format!("an index entry with a value of {length} bytes"));
        }
    }
    let empty_key = data_block(&[""]);
    let value = index_value(0, empty_key.len() as u32, b"");
    let fixture = disk_with(&file_with_index(&empty_key, &[(b"", value)]));
    let table = expect("opening a table whose only key is empty", fixture.open(1));
    assert_eq!(lookup(&fixture, &table, b""), Some(Some(Bytes::new())), "the empty key");
}

/// An index entry that leads outside of the data is Corruption when the table is opened: no buffer is made for a
/// block that is longer than the file.
///
/// Hint: compare `Section::end` with the index's offset, for every entry; it is `None` where the sum is too large.
///
/// Book: week1/4-tables.md#damage
#[test]
fn an_index_entry_that_leads_outside_is_damage() {
    let data = data_block(&["a", "b"]);
    let length = data.len() as u32;
    let good = index_value(0, length, b"a");
    let outside = [
        index_value(0, length + 1, b"c"),
        index_value(1, length, b"c"),
        index_value(0, u32::MAX, b"c"),
        index_value(u64::from(length) + 1, 0, b"c"),
        index_value(u64::MAX, length, b"c"),
        index_value(u64::MAX - 3, 2, b"c"),
    ];
    for value in outside {
        for index in [
            [(&b"b"[..], value.clone()), (&b"c"[..], good.clone())],
            [(&b"b"[..], good.clone()), (&b"c"[..], value.clone())],
        ] {
            let outcome = disk_with(&file_with_index(&data, &index)).open(1);
            assert_corruption(outcome, &format!("an index value of {value:?} with {length} bytes of data"));
        }
    }
}

/// A footer that names another part of the file as the index is noticed, even though its own checksum is right.
///
/// Hint: the index is a block: decode it like one.
///
/// Book: week1/4-tables.md#damage
#[test]
fn a_footer_that_names_another_index_is_noticed() {
    let bytes = file_of(&numbered(8), 60);
    let data_length = bytes.len() - Footer::LENGTH;
    let tail: &[u8] = &bytes[data_length..];
    let footer: Footer = expect("the footer", Footer::decode(tail, &Fixture::path(1), bytes.len() as u64));
    let Section { offset, length } = footer.index;
    for index in [
        Section { offset: offset - 1, length },
        Section { offset: offset + 1, length: length - 1 },
        Section { offset, length: length - 1 },
        Section { offset, length: 0 },
        Section { offset: 0, length: 3 },
    ] {
        let damaged = [&bytes[..data_length], &Footer { index, ..footer }.encode()].concat();
        assert_corruption(disk_with(&damaged).open(1), &format!("an index at {index:?} instead of {:?}", footer.index));
    }
    // A whole data block is a well-formed block; as an index it is too short in its values, or leads outside.
    let short = file_of(&[(key(1), Some(vec![0xFF; 5]))].into(), 60);
    let blocks = Layout::of(&short);
    let swapped = Footer { index: blocks.blocks[0].section, ..blocks.footer };
    let damaged = [&short[..short.len() - Footer::LENGTH], &swapped.encode()].concat();
    assert_corruption(disk_with(&damaged).open(1), "a data block in the index's place");
}
