//! What a batch is, and what writing one does.

use std::collections::BTreeMap;

use bytes::Bytes;
use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, Error, MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Result, Stats, Sync, WriteBatch};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::{RngSeed, TestRunner};

use super::support::{Gate, batch_of, get, is_table, logging, named_batch, open, reopen, scan};

/// A batch keeps its entries in the order in which they were added: deletions without a value, empty values as values,
/// and a key that comes twice twice.
///
/// Hint: push an entry to the list; copy the bytes. Leave it to the memtable to find out which entry of a key counts.
///
/// Book: week2/7-batches.md#task-1-a-batch
#[test]
fn a_batch_keeps_its_entries_in_order() {
    let mut batch: WriteBatch = batch_of(&[("b", Some("1")), ("a", None), ("b", Some("")), ("", Some("2"))]);
    let entries = |batch: &WriteBatch| -> Vec<(Bytes, Option<Bytes>)> {
        batch.iter().map(|(key, value)| (key.clone(), value.cloned())).collect()
    };
    let expected: [(&str, Option<&str>); 4] = [("b", Some("1")), ("a", None), ("b", Some("")), ("", Some("2"))];
    let expected: Vec<(Bytes, Option<Bytes>)> =
        expected.into_iter().map(|(key, value)| (key.into(), value.map(Bytes::from))).collect();
    assert_eq!(entries(&batch), expected, "put b=1, delete a, put b=(empty), put (empty)=2");
    assert_eq!(batch.len(), 4, "puts and deletions are counted, twice the same key twice");
    assert!(!batch.is_empty(), "a batch of four entries is not empty");
    batch.clear();
    assert!(batch.is_empty(), "a batch that was cleared is empty");
    batch.delete(b"c");
    assert_eq!(entries(&batch), [(Bytes::from("c"), None)], "a batch is filled anew after clear");
}

/// Writing a batch sets and deletes its keys, and leaves all others alone. The batch stays as it is and may be written
/// again.
///
/// Hint: `write` calls `write_with`, which turns the batch's entries into `WriteEntry`s and submits them.
///
/// Book: week2/7-batches.md#task-2-from-the-engine-into-the-queue
#[test]
fn a_batch_sets_and_deletes_its_keys() {
    for wal in [true, false] {
        let mut options = logging(&SimDisk::new());
        options.wal = wal;
        let engine: &Engine = &open(options);
        engine.write(&batch_of(&[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))])).expect("a batch");
        let second: WriteBatch = batch_of(&[("b", None), ("c", Some("")), ("d", Some("2")), ("x", None)]);
        let expected: Vec<(String, String)> =
            [("a", "1"), ("c", ""), ("d", "2")].map(|(key, value)| (key.to_string(), value.to_string())).into();
        for round in ["once", "twice"] {
            engine.write(&second).expect("a batch");
            assert_eq!(scan(engine, "after two batches"), expected, "with wal = {wal}, the second written {round}");
            assert_eq!(get(engine, "b", "after it was deleted"), None, "with wal = {wal}");
        }
        engine.flush().expect("a flush");
        assert_eq!(scan(engine, "after a flush"), expected, "with wal = {wal}");
    }
}

/// Where a key comes several times in a batch, its last entry counts: at once, in the tables, and after a reopening.
///
/// Hint: write the entries in the batch's order, into the log's record and into the memtable.
///
/// Book: week2/7-batches.md#task-2-from-the-engine-into-the-queue
#[test]
fn the_last_entry_of_a_key_counts() {
    /// A batch's entries, and the value of "k" behind it.
    type Case = (&'static [(&'static str, Option<&'static str>)], Option<&'static str>);
    let cases: [Case; 5] = [
        (&[("k", Some("1")), ("k", Some("2"))], Some("2")),
        (&[("k", Some("1")), ("k", None)], None),
        (&[("k", None), ("k", Some("1"))], Some("1")),
        (&[("k", Some("1")), ("a", Some("9")), ("k", None), ("z", None), ("k", Some("3"))], Some("3")),
        (&[("k", Some("2")), ("k", Some("1")), ("k", None), ("a", Some("9"))], None),
    ];
    for (entries, expected) in cases {
        let expected: Option<Bytes> = expected.map(|value| Bytes::copy_from_slice(value.as_bytes()));
        let disk = SimDisk::new();
        let engine = open(logging(&disk));
        engine.write(&batch_of(&[("k", Some("0"))])).expect("a batch");
        engine.write(&batch_of(entries)).expect("a batch");
        assert_eq!(get(&engine, "k", "after the batch"), expected, "the batch {entries:?}");
        drop(engine);
        let engine: Engine = reopen(&disk, "what the log holds");
        assert_eq!(get(&engine, "k", "replayed"), expected, "the batch {entries:?}, replayed from the log");
        engine.flush().expect("a flush");
        assert_eq!(get(&engine, "k", "flushed"), expected, "the batch {entries:?}, in a table");
    }
}

/// An empty batch changes nothing: no entry, no byte of a log, no sync.
///
/// Hint: without entries there is nothing to do; return before you look at the queue.
///
/// Book: week2/7-batches.md#task-3-the-queue
#[test]
fn an_empty_batch_changes_nothing() {
    let disk = SimDisk::new();
    let engine = open(logging(&disk));
    let mut cleared: WriteBatch = named_batch("a");
    cleared.clear();
    for when in ["in a new engine", "after a batch"] {
        let (before, changes): (Stats, u64) = (engine.stats(), disk.changes());
        for sync in [Sync::Os, Sync::EveryCommit] {
            engine.write_with(&WriteBatch::new(), sync).unwrap_or_else(|error| panic!("an empty batch: {error}"));
            engine.write_with(&cleared, sync).unwrap_or_else(|error| panic!("a cleared batch: {error}"));
        }
        assert_eq!(disk.changes(), changes, "an empty batch, {when}, does nothing to the disk");
        assert_eq!(engine.stats(), before, "an empty batch, {when}, changes nothing");
        engine.write(&named_batch("b")).expect("a batch");
    }
}

/// A batch with one entry that is too long is refused as a whole: nothing of it is written, to memory or to the log, and
/// the engine goes on.
///
/// Hint: check the limits of all entries before the first one is written anywhere.
///
/// Book: week2/7-batches.md#task-3-the-queue
#[test]
fn one_entry_that_is_too_long_refuses_the_whole_batch() {
    let disk = SimDisk::new();
    let engine = open(logging(&disk));
    engine.write(&batch_of(&[("a", Some("old"))])).expect("a batch");
    let long_key: String = "k".repeat(MAX_KEY_LENGTH + 1);
    for position in 0..3 {
        for is_deleted in [false, true] {
            let mut entries: Vec<(&str, Option<&str>)> = vec![("a", Some("new")), ("b", None)];
            entries.insert(position, (&long_key, if is_deleted { None } else { Some("v") }));
            let (stats, changes): (Stats, u64) = (engine.stats(), disk.changes());
            let refused: Result<()> = engine.write_with(&batch_of(&entries), Sync::EveryCommit);
            let what = format!("a key of {} bytes as entry {position}, deleted: {is_deleted}", long_key.len());
            let is_told =
                matches!(refused, Err(Error::KeyTooLong { length, limit: MAX_KEY_LENGTH }) if length == long_key.len());
            assert!(is_told, "{what}: expected KeyTooLong with both lengths, found {refused:?}");
            assert_eq!(engine.stats(), stats, "{what}: nothing of the batch is written");
            assert_eq!(disk.changes(), changes, "{what}: nothing is done to the disk");
        }
    }
    let mut batch: WriteBatch = batch_of(&[("a", Some("new"))]);
    batch.put(b"b", &vec![0; MAX_VALUE_LENGTH + 1]);
    let refused: Result<()> = engine.write(&batch);
    let is_told = matches!(refused, Err(Error::ValueTooLong { length, limit: MAX_VALUE_LENGTH }) if length == MAX_VALUE_LENGTH + 1);
    assert!(is_told, "a value that is a byte too long: expected ValueTooLong with both lengths, found {refused:?}");
    assert_eq!(get(&engine, "a", "after refused batches"), Some(Bytes::from("old")), "nothing of the batch is written");
    engine.write(&batch_of(&[(&long_key[1..], Some("new"))])).expect("a key of the greatest length in a batch");
    drop(engine);
    let engine: Engine = reopen(&disk, "after refused batches");
    assert_eq!(scan(&engine, "replayed"), [("a".into(), "old".into()), (long_key[1..].into(), "new".into())]);
}

/// A batch is written with one append to the log, however many entries it has, and into one memtable, also if it is
/// greater than a memtable should be.
///
/// Hint: `commit` takes all entries at once, makes room once, and logs them as one record.
///
/// Book: week2/7-batches.md#one-record
#[test]
fn a_batch_is_one_append_and_lies_in_one_memtable() {
    let disk = SimDisk::new();
    let mut options = logging(&disk);
    (options.background, options.memtable_size, options.max_frozen_memtables) = (true, 1000, 100);
    let engine = open(options);
    let gate = Gate::before(&disk, |step| step.operation == Operation::Create && is_table(step.path));
    let mut batch = WriteBatch::new();
    for number in 0..500 {
        batch.put(format!("key{number}").as_bytes(), b"value");
    }
    engine.write(&batch).expect("a batch of 500 entries");
    assert_eq!(gate.log_appends_and_syncs(), (1, 0), "appends to logs and syncs of them, for a batch of 500 entries");
    let stats: Stats = engine.stats();
    assert_eq!((stats.entries, stats.frozen_memtables), (500, 0), "entries and frozen memtables: {stats:?}");
}

/// Random batches leave what the same puts and deletions leave in a `BTreeMap`, also after flushes and reopenings.
///
/// Hint: run the failing case's batches by hand, and look at the first key that differs.
///
/// Book: week2/7-batches.md#task-2-from-the-engine-into-the-queue
#[test]
fn batches_are_like_their_puts_and_deletions_one_after_the_other() {
    #[derive(Clone, Debug)]
    enum Action {
        Write(Vec<(u8, Option<u8>)>, bool),
        Flush,
        Reopen,
    }
    let entries = vec((0..12_u8, any::<Option<u8>>()), 0..8);
    let action = prop_oneof![
        8 => (entries, any::<bool>()).prop_map(|(entries, is_synced)| Action::Write(entries, is_synced)),
        1 => Just(Action::Flush),
        1 => Just(Action::Reopen),
    ];
    let config = ProptestConfig {
        cases: 40,
        rng_seed: RngSeed::Fixed(27),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let run = |actions: Vec<Action>| {
        let disk = SimDisk::new();
        let mut engine = open(logging(&disk));
        let mut model: BTreeMap<String, String> = BTreeMap::new();
        for action in actions {
            match action {
                Action::Write(entries, is_synced) => {
                    let mut batch = WriteBatch::new();
                    for (key, value) in entries {
                        let key = format!("key{key:02}");
                        if let Some(value) = value {
                            batch.put(key.as_bytes(), value.to_string().as_bytes());
                            model.insert(key, value.to_string());
                        } else {
                            batch.delete(key.as_bytes());
                            model.remove(&key);
                        }
                    }
                    engine.write_with(&batch, if is_synced { Sync::EveryCommit } else { Sync::Os }).expect("a batch");
                }
                Action::Flush => engine.flush().expect("a flush"),
                Action::Reopen => {
                    drop(engine);
                    engine = open(logging(&disk));
                }
            }
            assert_eq!(scan(&engine, "in between"), model.clone().into_iter().collect::<Vec<_>>());
        }
        Ok(())
    };
    TestRunner::new(config).run(&vec(action, 1..30), run).unwrap_or_else(|error| panic!("{error}"));
}
