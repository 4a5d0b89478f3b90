//! Filters and shared keys in tables.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::table::{Footer, Resources, Section, Table, TableBuilder, key_hash};
use lsm::{Error, Options};

use super::filter_format::{LINE, TRAILER, says_maybe};

pub const PATH: &str = "000001.sst";

/// Options on this disk, without a cache, so that every block that is looked at is read.
pub fn options(disk: &SimDisk) -> Options {
    let mut options: Options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.cache_size = 0;
    options.block_size = 1000;
    options.bits_per_key = 10;
    options
}

/// Writes a table with these entries.
pub fn write<'a>(options: &Options, entries: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) {
    let resources: Arc<Resources> = Resources::new(options.clone());
    let mut builder: TableBuilder = TableBuilder::create(Path::new(PATH), &resources).expect("the disk is empty");
    for (key, value) in entries {
        builder.add(key.as_bytes(), value.map(str::as_bytes)).expect("the keys ascend");
    }
    builder.finish().expect("the disk works");
}

pub fn open(options: &Options) -> (Arc<Table>, Arc<Resources>) {
    let resources: Arc<Resources> = Resources::new(options.clone());
    let table: Arc<Table> = Table::open(1, Path::new(PATH), &resources).expect("the table is sound");
    (table, resources)
}

pub fn lookup(table: &Table, target: &str, user_part: &str) -> Option<Option<Bytes>> {
    let found: lsm::Result<Option<Option<Bytes>>> = table.lookup(target.as_bytes(), key_hash(user_part.as_bytes()));
    found.unwrap_or_else(|error| panic!("lookup({target:?}) failed: {error}"))
}

pub fn footer(disk: &SimDisk) -> Footer {
    let bytes: Vec<u8> = disk.contents(Path::new(PATH)).expect("the table's file is there");
    let start: usize = bytes.len() - Footer::LENGTH;
    Footer::decode(&bytes[start..], Path::new(PATH), bytes.len() as u64).expect("the footer is sound")
}

/// The bytes of the filter in the table's file.
pub fn filter(disk: &SimDisk) -> Vec<u8> {
    let Section { offset, length } = footer(disk).filter;
    assert!(length > 0, "the footer says that the table has no filter (its length is 0)");
    disk.contents(Path::new(PATH)).expect("the file is there")[offset as usize..][..length as usize].to_vec()
}

/// `key0000`, `key0002`, …: a thousand keys with gaps between them.
pub fn even_keys() -> Vec<String> {
    (0..1000).map(|number| format!("key{:04}", 2 * number)).collect()
}

pub fn odd_keys() -> Vec<String> {
    (0..999).map(|number| format!("key{:04}", 2 * number + 1)).collect()
}

/// A table of a thousand even keys.
fn thousand_keys(options: &Options) {
    write(options, even_keys().iter().map(|key| (key.as_str(), Some("value"))));
}

/// A lookup of a missing key reads no block when the filter rules it out, and counts in `filter_hits`.
///
/// Hint: ask the filter before the index; `resources.counters.filter_hits.add(1)`. A filter that always says "maybe"
/// shows here.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn a_missing_key_is_ruled_out_without_a_read() {
    let disk: SimDisk = SimDisk::new();
    thousand_keys(&options(&disk));
    let (table, resources) = open(&options(&disk));
    let before: u64 = disk.reads();
    for key in odd_keys() {
        assert_eq!(lookup(&table, &key, &key), None, "lookup of {key}, which is not there");
    }
    let (reads, hits): (u64, u64) = (disk.reads() - before, resources.counters.filter_hits.get());
    assert!(reads <= 30, "999 missing keys cost {reads} reads at 10 bits a key; 30 at most");
    assert!((969..=999).contains(&hits), "filter_hits after 999 missing keys is {hits}; expected 969 to 999");
    assert!(reads + hits <= 999, "{hits} of 999 lookups were ruled out, and yet there were {reads} reads");
}

/// Every key that is there is found, tombstones included, and counts no filter hit.
///
/// Hint: the filter takes every key that `TableBuilder::add` gets, whatever its value.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn every_key_that_is_there_gets_past_the_filter() {
    for bits_per_key in [1, 5, 10, 30] {
        let disk: SimDisk = SimDisk::new();
        let mut options: Options = options(&disk);
        options.bits_per_key = bits_per_key;
        let keys: Vec<String> = even_keys();
        let value = |place: usize| (!place.is_multiple_of(3)).then_some("value");
        write(&options, keys.iter().enumerate().map(|(place, key)| (key.as_str(), value(place))));
        let (table, resources) = open(&options);
        assert!(
            footer(&disk).filter.length > 0,
            "the footer's filter length, for a table with {bits_per_key} bits a key"
        );
        for (place, key) in keys.iter().enumerate() {
            let expected: Option<Option<Bytes>> = Some(value(place).map(Bytes::from));
            assert_eq!(lookup(&table, key, key), expected, "lookup of {key} at {bits_per_key} bits a key");
        }
        assert_eq!(resources.counters.filter_hits.get(), 0, "filter_hits after lookups of keys that are there");
        let counted: (u64, u64) = (table.entries(), table.tombstones());
        assert_eq!(counted, (1000, 334), "entries and tombstones that the footer beside the filter tells");
    }
}

/// The empty key is a key like any other, for the filter too.
///
/// Hint: the hash of no bytes is a hash.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn the_filter_knows_the_empty_key() {
    let disk: SimDisk = SimDisk::new();
    let options: Options = options(&disk);
    write(&options, [("", Some("empty")), ("a", None)]);
    assert!(says_maybe(&filter(&disk), key_hash(b"")), "the filter in the file denies the empty key, which is there");
    let (table, _) = open(&options);
    let found: Option<Option<Bytes>> = lookup(&table, "", "");
    assert_eq!(found, Some(Some(Bytes::from("empty"))), "lookup of the empty key");
}

/// The filter in the file is one of the published layout, with all keys in it, between the data and the index.
///
/// Hint: append it after the last data block, and before the index; its place goes into the footer.
///
/// Book: week1/7-bloom-and-prefixes.md#the-layout-bit-by-bit
#[test]
fn the_file_holds_a_filter_as_published() {
    let disk: SimDisk = SimDisk::new();
    thousand_keys(&options(&disk));
    let bytes: Vec<u8> = filter(&disk);
    assert_eq!(bytes.len(), 20 * LINE + TRAILER, "bytes of a filter of 1000 keys at 10 bits: 20 lines and a trailer");
    for key in even_keys() {
        assert!(says_maybe(&bytes, key_hash(key.as_bytes())), "the filter in the file denies {key}, which is there");
    }
    let denied: usize = odd_keys().iter().filter(|key| !says_maybe(&bytes, key_hash(key.as_bytes()))).count();
    assert!(denied >= 969, "the filter in the file denies {denied} of 999 missing keys; 969 at least");
    let footer: Footer = footer(&disk);
    let end: u64 = footer.filter.offset + u64::from(footer.filter.length);
    assert!(end <= footer.index.offset, "the filter ends at {end}; the index begins at {}", footer.index.offset);
}

/// The filter's size follows `bits_per_key`.
///
/// Hint: hand the option to `FilterBuilder::finish`.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn the_filter_is_as_large_as_the_option_says() {
    for (bits_per_key, lines) in [(1, 2), (5, 10), (10, 20), (16, 32), (20, 40)] {
        let disk: SimDisk = SimDisk::new();
        let mut options: Options = options(&disk);
        options.bits_per_key = bits_per_key;
        thousand_keys(&options);
        let found: usize = filter(&disk).len();
        assert_eq!(found, lines * LINE + TRAILER, "bytes of the filter of 1000 keys at {bits_per_key} bits each");
    }
}

fn before_hash_sign(key: &[u8]) -> &[u8] {
    key.split(|byte| *byte == b'#').next().unwrap_or(key)
}

/// The filter holds the keys' user parts: a lookup that knows only the user part passes, and all versions of a key
/// cost its bits once.
///
/// Hint: hash `(options.user_part)(key)`, not `key`.
///
/// Book: week1/7-bloom-and-prefixes.md#what-is-hashed
#[test]
fn the_filter_holds_user_parts() {
    let disk: SimDisk = SimDisk::new();
    let mut options: Options = options(&disk);
    options.user_part = before_hash_sign;
    let keys: Vec<String> =
        (0..100).flat_map(|user| (0..10).map(move |version| format!("user{user:02}#{version}"))).collect();
    write(&options, keys.iter().map(|key| (key.as_str(), Some(key.as_str()))));
    let (table, resources) = open(&options);
    for user in 0..100 {
        let (target, user_part): (String, String) = (format!("user{user:02}#"), format!("user{user:02}"));
        let expected: Option<Option<Bytes>> = Some(Some(Bytes::from(format!("user{user:02}#0"))));
        assert_eq!(lookup(&table, &target, &user_part), expected, "the first entry at or after {target:?}");
    }
    assert_eq!(resources.counters.filter_hits.get(), 0, "filter_hits after lookups of users that are there");
    let found: usize = filter(&disk).len();
    assert_eq!(found, 2 * LINE + TRAILER, "bytes of the filter of 100 users with 10 versions each, at 10 bits a user");
    for user in 0..99 {
        let (target, user_part): (String, String) = (format!("user{user:02}x#"), format!("user{user:02}x"));
        assert_eq!(lookup(&table, &target, &user_part), None, "lookup of {target:?}, who is not there");
    }
    let hits: u64 = resources.counters.filter_hits.get();
    assert!(hits >= 90, "filter_hits after lookups of 99 users who are not there is {hits}; 90 at least");
}

/// A table's filter is used whatever the reader's own `bits_per_key` is: the file says what it has.
///
/// Hint: `Table::open` looks at the footer's filter length, `lookup` at the open table's filter; neither at options.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn a_reader_uses_the_filter_that_is_there() {
    let disk: SimDisk = SimDisk::new();
    thousand_keys(&options(&disk));
    for bits_per_key in [0, 3, 40] {
        let mut reader: Options = options(&disk);
        reader.bits_per_key = bits_per_key;
        let (table, resources) = open(&reader);
        for key in even_keys().iter().step_by(50) {
            assert_eq!(lookup(&table, key, key), Some(Some(Bytes::from("value"))), "lookup of {key}");
        }
        for key in odd_keys() {
            assert_eq!(lookup(&table, &key, &key), None, "lookup of {key}");
        }
        let hits: u64 = resources.counters.filter_hits.get();
        assert!(hits >= 969, "filter_hits of a reader whose option is {bits_per_key}, after 999 misses, is {hits}");
    }
}

/// A table whose filter is damaged in any bit is refused when it is opened.
///
/// Hint: `Filter::decode` checks; hand its error on. A damaged filter would hide keys that are there.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn a_table_with_a_damaged_filter_is_refused() {
    let disk: SimDisk = SimDisk::new();
    write(&options(&disk), even_keys()[..40].iter().map(|key| (key.as_str(), Some("value"))));
    let sound: Vec<u8> = disk.contents(Path::new(PATH)).expect("the file is there");
    let length: usize = filter(&disk).len();
    let start: usize = footer(&disk).filter.offset as usize;
    for bit in (0..8 * length).step_by(3) {
        let mut damaged: Vec<u8> = sound.clone();
        damaged[start + bit / 8] ^= 1 << (bit % 8);
        disk.set_contents(Path::new(PATH), &damaged);
        assert_refused(&disk, &format!("bit {bit} of the filter is flipped"));
    }
    for filter in [
        Section { offset: start as u64, length: length as u32 - 1 },
        Section { offset: start as u64, length: TRAILER as u32 },
        Section { offset: start as u64 + 1, length: length as u32 },
        Section { offset: 0, length: LINE as u32 },
    ] {
        disk.set_contents(Path::new(PATH), &sound);
        let misled: Footer = Footer { filter, ..footer(&disk) };
        let body: &[u8] = &sound[..sound.len() - Footer::LENGTH];
        disk.set_contents(Path::new(PATH), &[body, &misled.encode()].concat());
        assert_refused(&disk, &format!("the footer says of the filter {filter:?}"));
    }
}

fn assert_refused(disk: &SimDisk, what: &str) {
    let opened: Result<Arc<Table>, Error> = Table::open(1, Path::new(PATH), &Resources::new(options(disk)));
    match opened {
        Err(Error::Corruption { file, .. }) => assert_eq!(file, Path::new(PATH), "the file that Corruption names"),
        other => panic!("opening a table where {what} gave {other:?}; expected Error::Corruption"),
    }
}

/// A table whose filter cannot be read does not open.
///
/// Hint: the filter is read at `open`, with the index; a failed read is the caller's to know.
///
/// Book: week1/7-bloom-and-prefixes.md#task-3-filters-in-tables
#[test]
fn a_filter_that_cannot_be_read_is_an_error() {
    let disk: SimDisk = SimDisk::new();
    thousand_keys(&options(&disk));
    assert!(footer(&disk).filter.length > 0, "the footer's filter length");
    let before: u64 = disk.reads();
    drop(open(&options(&disk)));
    let reads: u64 = disk.reads() - before;
    for read in 0..reads {
        disk.fail_read(disk.reads() + read, lsm::disk::Fault::Broken);
        let opened: Result<Arc<Table>, Error> = Table::open(1, Path::new(PATH), &Resources::new(options(&disk)));
        let is_error: bool = matches!(opened, Err(Error::Io { .. }));
        assert!(is_error, "read {read} of the {reads} that open a table failed, and the table opened");
    }
}

/// A table of similar keys is smaller with shared beginnings than with whole keys, and holds the same.
///
/// Hint: the builder hands `restart_interval` to its blocks; the block's builder leaves out what is shared.
///
/// Book: week1/7-bloom-and-prefixes.md#keys-that-begin-alike
#[test]
fn a_table_of_similar_keys_is_smaller() {
    let mut sizes: Vec<u64> = Vec::new();
    for restart_interval in [1, 16] {
        let disk: SimDisk = SimDisk::new();
        let mut options: Options = options(&disk);
        options.restart_interval = restart_interval;
        let keys: Vec<String> = (0..1000).map(|number| format!("tenant/0042/user/profile/{number:04}")).collect();
        write(&options, keys.iter().map(|key| (key.as_str(), Some("value"))));
        let (table, _) = open(&options);
        for key in &keys {
            assert_eq!(lookup(&table, key, key), Some(Some(Bytes::from("value"))), "lookup of {key}");
        }
        sizes.push(table.size());
    }
    assert!(2 * sizes[1] < sizes[0], "bytes of a table with keys whole and with keys shared: {sizes:?}");
}
