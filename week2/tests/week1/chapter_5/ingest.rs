//! What `Engine::ingest` promises, on a disk that works.

use bytes::Bytes;
use lsm::disk::{SimDisk, Survival};
use lsm::{Engine, Error, MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Stats};

use super::fixture::{Pairs, delete, get, ingest, open, pairs, put, scan, table_files, try_ingest};

/// An ingest makes one table, whose entries the engine counts.
///
/// Hint: build it with `TableBuilder`, open it with `Table::open`, and swap in `State::with_table`.
///
/// Book: week1/5-read-path.md#task-2-ingest-a-table
#[test]
fn an_ingest_makes_one_table() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    ingest(&engine, &[("a", Some("1")), ("b", None), ("c", Some(""))]);
    let stats: Stats = engine.stats();
    assert_eq!((stats.tables, stats.entries), (1, 3), "tables and entries in stats() after an ingest of 3 entries");
    assert_eq!(table_files(&disk).len(), 1, "files that end in .sst after one ingest");
    ingest(&engine, &[("a", Some("2"))]);
    let stats: Stats = engine.stats();
    assert_eq!((stats.tables, stats.entries), (2, 4), "tables and entries in stats() after a second ingest");
    assert_eq!(table_files(&disk).len(), 2, "files that end in .sst after two ingests: each has a name of its own");
}

/// An empty list changes nothing and writes nothing.
///
/// Hint: look at the first entry before you create a file; `Iterator::peekable` lets you.
///
/// Book: week1/5-read-path.md#task-2-ingest-a-table
#[test]
fn an_ingest_of_nothing_changes_nothing() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    let changes: u64 = disk.changes();
    try_ingest(&engine, &[]).expect("an empty list is no error");
    assert_eq!(disk.changes(), changes, "changes that an ingest of no entries made to the disk");
    assert_eq!(engine.stats().tables, 0, "tables after an ingest of no entries");
}

/// Keys that do not ascend strictly are refused, wherever it happens, and nothing of the list remains.
///
/// Hint: `TableBuilder::add` sees it. Its builder removes the file when it is dropped unfinished.
///
/// Book: week1/5-read-path.md#task-2-ingest-a-table
#[test]
fn keys_out_of_order_are_refused() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    let lists: [&[(&str, Option<&str>)]; 4] = [
        &[("b", Some("1")), ("a", Some("1"))],
        &[("a", Some("1")), ("a", Some("2"))],
        &[("a", Some("1")), ("b", Some("1")), ("b", None)],
        &[("a", Some("1")), ("c", Some("1")), ("b", Some("1")), ("d", Some("1"))],
    ];
    for list in lists {
        let outcome: Result<(), Error> = try_ingest(&engine, list);
        let is_refused: bool = matches!(outcome, Err(Error::InvalidInput(_)));
        assert!(is_refused, "ingest({list:?}) gave {outcome:?}; expected Error::InvalidInput");
        assert_untouched(&disk, &engine, "keys out of order");
    }
}

/// Keys and values have the limits of `put`: at the limit they are taken, above it the whole ingest is refused.
///
/// Hint: `check_limits` for every entry, before it goes into the builder.
///
/// Book: week1/5-read-path.md#task-2-ingest-a-table
#[test]
fn an_entry_above_the_limits_refuses_the_ingest() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    let long_key: Vec<u8> = vec![b'k'; MAX_KEY_LENGTH + 1];
    let entries: [(&[u8], Option<&[u8]>); 2] = [(b"a", Some(b"1")), (&long_key, None)];
    let outcome: Result<(), Error> = engine.ingest(entries);
    let is_refused: bool =
        matches!(outcome, Err(Error::KeyTooLong { length, limit }) if length == limit + 1 && limit == MAX_KEY_LENGTH);
    assert!(is_refused, "a key one byte above the limit gave {outcome:?}; expected Error::KeyTooLong");
    assert_untouched(&disk, &engine, "a key above the limit");
    let long_value: Vec<u8> = vec![0; MAX_VALUE_LENGTH + 1];
    let entries: [(&[u8], Option<&[u8]>); 2] = [(b"a", Some(b"1")), (b"b", Some(&long_value))];
    let outcome: Result<(), Error> = engine.ingest(entries);
    let is_refused: bool = matches!(outcome, Err(Error::ValueTooLong { limit, .. }) if limit == MAX_VALUE_LENGTH);
    assert!(is_refused, "a value one byte above the limit gave {outcome:?}; expected Error::ValueTooLong");
    assert_untouched(&disk, &engine, "a value above the limit");
    let longest: &[u8] = &long_key[1..];
    engine.ingest([(longest, Some(&b"1"[..]))]).expect("a key of exactly the limit is taken");
    let found: Option<Bytes> = engine.get(longest).expect("the disk works");
    assert_eq!(found, Some(Bytes::from("1")), "get of a key of the greatest length, out of a table");
}

/// While a memtable holds anything, the active one or a frozen one, even a tombstone, an ingest is refused.
///
/// Hint: what is ingested counts as newest, but a read asks the memtables first. Ask all of `memtables()`.
///
/// Book: week1/5-read-path.md#why-the-memtables-must-be-empty
#[test]
fn an_ingest_is_refused_while_a_memtable_holds_entries() {
    type Write = fn(&Engine);
    let writes: [(&str, Write); 3] = [
        ("a value in the memtable", |engine| put(engine, "k", "written")),
        ("a tombstone in the memtable", |engine| delete(engine, "k")),
        ("a value in a frozen memtable", |engine| {
            put(engine, "k", "written");
            engine.freeze().expect("freezing needs nothing that can fail");
        }),
    ];
    for (what, write) in writes {
        let disk: SimDisk = SimDisk::new();
        let engine: Engine = open(&disk);
        ingest(&engine, &[("j", Some("table")), ("k", Some("table"))]);
        write(&engine);
        let before: Pairs = scan(&engine, ..);
        let outcome: Result<(), Error> = try_ingest(&engine, &[("j", None), ("k", Some("late")), ("l", Some("late"))]);
        let is_refused: bool = matches!(outcome, Err(Error::InvalidInput(_)));
        assert!(is_refused, "an ingest over {what} gave {outcome:?}; expected Error::InvalidInput");
        assert_eq!(scan(&engine, ..), before, "scan(..) after an ingest that {what} refused");
        assert_eq!(table_files(&disk).len(), 1, "files that end in .sst after an ingest that {what} refused");
        assert_eq!(engine.stats().tables, 1, "tables after an ingest that {what} refused");
    }
}

/// Freezing an empty memtable changes nothing: an ingest is taken afterwards.
///
/// Hint: ask whether the memtables are empty, not how many there are.
///
/// Book: week1/5-read-path.md#why-the-memtables-must-be-empty
#[test]
fn an_ingest_is_taken_after_an_empty_freeze() {
    let engine: Engine = open(&SimDisk::new());
    engine.freeze().expect("freezing needs nothing that can fail");
    ingest(&engine, &[("a", Some("1"))]);
    assert_eq!(scan(&engine, ..), pairs([("a", "1")]), "scan(..) after a freeze of nothing and an ingest");
}

/// Writes go on after an ingest, and are newer than it.
///
/// Hint: the state that takes the table keeps its memtables.
///
/// Book: week1/5-read-path.md#task-2-ingest-a-table
#[test]
fn writes_go_on_after_an_ingest() {
    let engine: Engine = open(&SimDisk::new());
    ingest(&engine, &[("a", Some("table")), ("b", Some("table"))]);
    put(&engine, "a", "written");
    put(&engine, "c", "written");
    let expected: Pairs = pairs([("a", "written"), ("b", "table"), ("c", "written")]);
    assert_eq!(scan(&engine, ..), expected, "scan(..) after an ingest and two writes");
    assert_eq!(get(&engine, "a"), Some(Bytes::from("written")), "get(\"a\"), ingested and then written");
}

/// When an ingest has returned, its table survives a power cut: its bytes and its name.
///
/// Hint: `finish` syncs the bytes. The name is durable when `sync_directory` has returned, on the table's directory.
///
/// Book: week1/5-read-path.md#task-2-ingest-a-table
#[test]
fn an_ingested_table_survives_a_power_cut() {
    let disk: SimDisk = SimDisk::new();
    let engine: Engine = open(&disk);
    for round in 1..=3 {
        ingest(&engine, &[("a", Some("1")), ("b", Some("2"))]);
        let after: SimDisk = disk.after_power_cut(Survival::Nothing, 1);
        let files = table_files(&after);
        assert_eq!(files.len(), round, "tables' files that a power cut leaves after {round} ingests");
        for path in files {
            let is_whole: bool = after.contents(&path) == disk.contents(&path);
            assert!(is_whole, "{} lost bytes in a power cut after its ingest had returned", path.display());
        }
    }
}

fn assert_untouched(disk: &SimDisk, engine: &Engine, why: &str) {
    assert_eq!(table_files(disk).len(), 0, "files left over by an ingest that was refused for {why}");
    assert_eq!(engine.stats().tables, 0, "tables after an ingest that was refused for {why}");
    assert_eq!(scan(engine, ..), Pairs::new(), "scan(..) after an ingest that was refused for {why}");
}
