//! The engine over memtables: writes, freezing, lookups newest first, limits.

use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, Error, MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Options, Result, Stats};

use super::{bytes, delete, freeze, get, new_engine, put};

/// What was put is read, what was overwritten is read anew, what was deleted or never written is not there.
///
/// Hint: `commit` writes into the current state's memtable; `get` asks it.
///
/// Book: week1/1-memtable.md#task-3-one-turn-for-writers
#[test]
fn what_was_written_is_read() {
    let engine: Engine = new_engine();
    put(&engine, b"apple", b"red");
    put(&engine, b"banana", b"green");
    put(&engine, b"banana", b"yellow");
    put(&engine, b"cherry", b"");
    put(&engine, b"date", b"brown");
    delete(&engine, b"date");
    delete(&engine, b"elderberry");
    let expected = [
        ("apple", bytes("red")),
        ("banana", bytes("yellow")),
        ("cherry", bytes("")),
        ("date", None),
        ("elderberry", None),
        ("fig", None),
        ("appl", None),
        ("apple\0", None),
    ];
    for (key, expected) in expected {
        let found: Option<Bytes> = get(&engine, key.as_bytes());
        assert_eq!(found, expected, "get({key:?})");
    }
}

/// A frozen memtable takes no more writes but goes on answering.
///
/// Hint: `State::with_frozen_memtable` keeps the old memtable; `State::memtables` walks it too.
///
/// Book: week1/1-memtable.md#freezing
#[test]
fn a_frozen_memtable_keeps_answering() {
    let engine: Engine = new_engine();
    put(&engine, b"apple", b"red");
    freeze(&engine);
    let found: Option<Bytes> = get(&engine, b"apple");
    assert_eq!(found, bytes("red"), "get(apple) after its memtable was frozen");
    put(&engine, b"banana", b"yellow");
    freeze(&engine);
    put(&engine, b"cherry", b"dark");
    for (key, value) in [("apple", "red"), ("banana", "yellow"), ("cherry", "dark")] {
        let found: Option<Bytes> = get(&engine, key.as_bytes());
        assert_eq!(found, bytes(value), "get({key}): apple and banana are in two frozen memtables, cherry is not");
    }
}

/// Of several memtables that hold a key, the newest decides.
///
/// Hint: `State::memtables` gives them newest first; stop at the first that knows the key.
///
/// Book: week1/1-memtable.md#newest-first
#[test]
fn the_newest_memtable_decides() {
    let engine: Engine = new_engine();
    for round in 0..6 {
        put(&engine, b"every round", format!("round {round}").as_bytes());
        put(&engine, format!("only in {round}").as_bytes(), b"once");
        let found: Option<Bytes> = get(&engine, b"every round");
        assert_eq!(found, bytes(&format!("round {round}")), "a key written in {round} older memtables and in this one");
        freeze(&engine);
        let found: Option<Bytes> = get(&engine, b"every round");
        assert_eq!(found, bytes(&format!("round {round}")), "the same key after this memtable was frozen too");
    }
    for round in 0..6 {
        let found: Option<Bytes> = get(&engine, format!("only in {round}").as_bytes());
        assert_eq!(found, bytes("once"), "a key that is only in memtable {round} of 6, counted from the oldest");
    }
}

/// A tombstone in a newer memtable hides an older value.
///
/// Hint: `lookup` gives `Some(None)` for a tombstone: an answer, so do not ask older memtables.
///
/// Book: week1/1-memtable.md#newest-first
#[test]
fn a_tombstone_hides_an_older_value() {
    let engine: Engine = new_engine();
    put(&engine, b"apple", b"red");
    put(&engine, b"banana", b"yellow");
    freeze(&engine);
    delete(&engine, b"apple");
    let found: Option<Bytes> = get(&engine, b"apple");
    assert_eq!(found, None, "get(apple): a frozen memtable has a value, the current one a tombstone");
    freeze(&engine);
    put(&engine, b"cherry", b"dark");
    let found: Option<Bytes> = get(&engine, b"apple");
    assert_eq!(found, None, "get(apple): the oldest memtable has a value, a newer frozen one a tombstone");
    let found: Option<Bytes> = get(&engine, b"banana");
    assert_eq!(found, bytes("yellow"), "get(banana), which nobody deleted");
}

/// A value that is newer than a tombstone is read.
///
/// Hint: the first memtable that knows the key decides, whatever older ones say.
///
/// Book: week1/1-memtable.md#newest-first
#[test]
fn a_value_newer_than_a_tombstone_is_read() {
    let engine: Engine = new_engine();
    put(&engine, b"apple", b"red");
    freeze(&engine);
    delete(&engine, b"apple");
    freeze(&engine);
    put(&engine, b"apple", b"");
    let found: Option<Bytes> = get(&engine, b"apple");
    assert_eq!(found, bytes(""), "get(apple): an empty value is newer than a tombstone and an older value");
}

/// Freezing an empty memtable changes nothing.
///
/// Hint: look at `is_empty` before you swap.
///
/// Book: week1/1-memtable.md#task-4-freeze
#[test]
fn freezing_an_empty_memtable_changes_nothing() {
    let engine: Engine = new_engine();
    freeze(&engine);
    freeze(&engine);
    let stats: Stats = engine.stats();
    assert_eq!(stats.frozen_memtables, 0, "frozen memtables after freeze() of an empty engine, twice");
    put(&engine, b"apple", b"red");
    freeze(&engine);
    freeze(&engine);
    freeze(&engine);
    let stats: Stats = engine.stats();
    assert_eq!(stats.frozen_memtables, 1, "frozen memtables after one put and three times freeze()");
    assert_eq!(get(&engine, b"apple"), bytes("red"), "get(apple) after them");
}

/// A memtable that holds only a tombstone is not empty: freezing it freezes it.
///
/// Hint: a deletion is an entry.
///
/// Book: week1/1-memtable.md#a-deletion-is-an-entry
#[test]
fn a_memtable_with_only_a_tombstone_is_frozen() {
    let engine: Engine = new_engine();
    put(&engine, b"apple", b"red");
    freeze(&engine);
    delete(&engine, b"apple");
    freeze(&engine);
    let stats: Stats = engine.stats();
    assert_eq!(stats.frozen_memtables, 2, "frozen memtables after put, freeze, delete, freeze");
    assert_eq!(get(&engine, b"apple"), None, "get(apple) after them");
}

/// Statistics count every entry of every memtable, tombstones and shadowed ones included, and the memtables' bytes.
///
/// Hint: nothing to write here: `stats` adds up what `MemTable::len` and `MemTable::size` say.
///
/// Book: week1/1-memtable.md#task-4-freeze
#[test]
fn statistics_count_entries_and_bytes() {
    let engine: Engine = new_engine();
    put(&engine, b"apple", &[b'v'; 1000]);
    freeze(&engine);
    put(&engine, b"apple", b"red");
    delete(&engine, b"banana");
    freeze(&engine);
    put(&engine, b"cherry", &[b'v'; 500]);
    let stats: Stats = engine.stats();
    assert_eq!(stats.frozen_memtables, 2, "frozen memtables after two times put and freeze");
    assert_eq!(stats.entries, 4, "entries: apple twice, banana's tombstone, cherry");
    let least = 1000 + 3 + 500 + 5 + 5 + 6 + 6;
    let most = least + 4 * 200;
    let found: u64 = stats.memtable_bytes;
    assert!(
        (least..most).contains(&found),
        "keys and values have {least} bytes, four entries' overhead comes on top, memtable_bytes is {found}"
    );
    assert_eq!(stats.tables, 0, "nothing was flushed");
}

/// `Options::manual()` freezes nothing that it was not told to freeze, however small `memtable_size` is.
///
/// Hint: freezing at the limit comes in chapter 1.6, and only with `background`.
///
/// Book: week1/1-memtable.md#freezing
#[test]
fn a_manual_engine_freezes_only_when_told() {
    let mut options: Options = Options::manual();
    options.disk = Arc::new(SimDisk::new());
    options.memtable_size = 1;
    let engine: Engine = Engine::open("db", options).expect("an engine opens in an empty directory");
    for number in 0..20_u8 {
        put(&engine, &[number], b"value");
    }
    let stats: Stats = engine.stats();
    assert_eq!(stats.frozen_memtables, 0, "frozen memtables after 20 puts and no freeze()");
    assert_eq!(stats.entries, 20, "entries after 20 puts");
}

/// A key may have `MAX_KEY_LENGTH` bytes; one more is `Error::KeyTooLong`, and nothing is written.
///
/// Hint: `check_limits` is there; call it for every entry before the first is written.
///
/// Book: week1/1-memtable.md#task-3-one-turn-for-writers
#[test]
fn a_key_above_the_limit_is_refused() {
    let engine: Engine = new_engine();
    let longest = vec![b'k'; MAX_KEY_LENGTH];
    put(&engine, &longest, b"fits");
    assert_eq!(get(&engine, &longest), bytes("fits"), "a key of just MAX_KEY_LENGTH bytes");
    let too_long = vec![b'k'; MAX_KEY_LENGTH + 1];
    let before: Stats = engine.stats();
    for (call, outcome) in [("put", engine.put(&too_long, b"value")), ("delete", engine.delete(&too_long))] {
        let outcome: Result<()> = outcome;
        match outcome {
            Err(Error::KeyTooLong { length, limit }) => {
                assert_eq!((length, limit), (MAX_KEY_LENGTH + 1, MAX_KEY_LENGTH), "what KeyTooLong says after {call}");
            }
            other => panic!("{call} of a key of MAX_KEY_LENGTH + 1 bytes gave {other:?}, not KeyTooLong"),
        }
    }
    assert_eq!(engine.stats(), before, "a refused write must not write");
    delete(&engine, &longest);
    assert_eq!(get(&engine, &longest), None, "a key of MAX_KEY_LENGTH bytes can be deleted");
}

/// A value may have `MAX_VALUE_LENGTH` bytes; one more is `Error::ValueTooLong`, and the old value stays.
///
/// Hint: check before you write, not after.
///
/// Book: week1/1-memtable.md#task-3-one-turn-for-writers
#[test]
fn a_value_above_the_limit_is_refused() {
    let engine: Engine = new_engine();
    put(&engine, b"apple", b"red");
    let too_long = vec![0; MAX_VALUE_LENGTH + 1];
    let outcome: Result<()> = engine.put(b"apple", &too_long);
    match outcome {
        Err(Error::ValueTooLong { length, limit }) => {
            assert_eq!((length, limit), (MAX_VALUE_LENGTH + 1, MAX_VALUE_LENGTH), "what ValueTooLong says");
        }
        other => panic!("a value of MAX_VALUE_LENGTH + 1 bytes gave {other:?}, not ValueTooLong"),
    }
    assert_eq!(get(&engine, b"apple"), bytes("red"), "get(apple) after a put that was refused");
    put(&engine, b"apple", &too_long[..MAX_VALUE_LENGTH]);
    let length = get(&engine, b"apple").map(|value| value.len());
    assert_eq!(length, Some(MAX_VALUE_LENGTH), "length of apple's value of just MAX_VALUE_LENGTH bytes");
}
