//! What a memtable knows of a key.

use bytes::Bytes;
use lsm::MemTable;

use super::bytes;

/// What was put is found.
///
/// Hint: `write` makes a node with the key and the value; `lookup` finds the node.
///
/// Book: week1/1-memtable.md#task-1-write-into-the-memtable
#[test]
fn what_was_put_is_found() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"banana", b"yellow");
    memtable.put(b"apple", b"red");
    let found: Option<Option<Bytes>> = memtable.get(b"apple");
    assert_eq!(found, Some(bytes("red")), "get(apple) after put(apple, red)");
    let found: Option<Option<Bytes>> = memtable.get(b"banana");
    assert_eq!(found, Some(bytes("yellow")), "get(banana) after put(banana, yellow)");
}

/// Of a key that was never written a memtable knows nothing: `None`, not a tombstone and not a neighbour's value.
///
/// Hint: the first node at or after the target may be another key's.
///
/// Book: week1/1-memtable.md#task-2-look-a-key-up
#[test]
fn a_key_that_was_never_written_is_unknown() {
    let memtable: MemTable = MemTable::new(1);
    let found: Option<Option<Bytes>> = memtable.get(b"apple");
    assert_eq!(found, None, "get(apple) of an empty memtable");
    memtable.put(b"banana", b"yellow");
    memtable.delete(b"date");
    for absent in ["", "a", "banan", "banana\0", "bananas", "cherry", "date2", "zzz"] {
        let found: Option<Option<Bytes>> = memtable.get(absent.as_bytes());
        assert_eq!(found, None, "get({absent:?}) of a memtable that holds only banana and date's tombstone");
    }
}

/// A later value takes the place of an earlier one.
///
/// Hint: `get_or_insert_with` gives the node that is there already; its value has to be swapped.
///
/// Book: week1/1-memtable.md#a-node-is-never-replaced
#[test]
fn a_later_value_takes_the_earlier_ones_place() {
    let memtable: MemTable = MemTable::new(1);
    for value in ["green", "yellow", "", "brown", "brown", "b"] {
        memtable.put(b"banana", value.as_bytes());
        let found: Option<Option<Bytes>> = memtable.get(b"banana");
        assert_eq!(found, Some(bytes(value)), "get(banana) right after put(banana, {value:?})");
    }
    let count: usize = memtable.len();
    assert_eq!(count, 1, "len() after one key was written six times");
}

/// A deleted key is found as deleted: a memtable that forgot it could not hide an older value elsewhere.
///
/// Hint: a deletion is an entry without a value; `Some(None)` is the answer, `None` would mean "never heard of it".
///
/// Book: week1/1-memtable.md#a-deletion-is-an-entry
#[test]
fn a_deleted_key_is_found_as_deleted() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"apple", b"red");
    memtable.delete(b"apple");
    let found: Option<Option<Bytes>> = memtable.get(b"apple");
    assert_eq!(found, Some(None), "get(apple) after put and delete");
    let count: usize = memtable.len();
    assert_eq!(count, 1, "len() counts deleted keys too");
}

/// Deleting a key that is not here writes a tombstone all the same.
///
/// Hint: older memtables and tables may hold the key; this one cannot know.
///
/// Book: week1/1-memtable.md#a-deletion-is-an-entry
#[test]
fn deleting_an_absent_key_leaves_a_tombstone() {
    let memtable: MemTable = MemTable::new(1);
    memtable.delete(b"apple");
    let found: Option<Option<Bytes>> = memtable.get(b"apple");
    assert_eq!(found, Some(None), "get(apple) after delete(apple) in an empty memtable");
    assert!(!memtable.is_empty(), "a memtable that holds a tombstone is not empty");
}

/// A key that is put after its deletion is back.
///
/// Hint: a tombstone is a value like any other to the swap.
///
/// Book: week1/1-memtable.md#a-deletion-is-an-entry
#[test]
fn a_key_that_is_put_again_is_back() {
    let memtable: MemTable = MemTable::new(1);
    memtable.delete(b"apple");
    memtable.put(b"apple", b"green");
    let found: Option<Option<Bytes>> = memtable.get(b"apple");
    assert_eq!(found, Some(bytes("green")), "get(apple) after delete and put");
    memtable.write(b"apple", None);
    memtable.write(b"apple", Some(b"red"));
    let found: Option<Option<Bytes>> = memtable.get(b"apple");
    assert_eq!(found, Some(bytes("red")), "get(apple) after write(apple, None) and write(apple, Some(red))");
}

/// An empty value is a value, not a deletion.
///
/// Hint: keep `Option<Bytes>` in the node; an empty `Bytes` must not stand for a tombstone.
///
/// Book: week1/1-memtable.md#a-deletion-is-an-entry
#[test]
fn an_empty_value_is_a_value() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"fig", b"");
    let found: Option<Option<Bytes>> = memtable.get(b"fig");
    assert_eq!(found, Some(bytes("")), "get(fig) after put(fig, \"\")");
    memtable.put(b"grape", b"green");
    memtable.put(b"grape", b"");
    let found: Option<Option<Bytes>> = memtable.get(b"grape");
    assert_eq!(found, Some(bytes("")), "get(grape) after put(grape, green) and put(grape, \"\")");
}

/// Keys are byte strings in plain byte order: the empty key, zero bytes, keys that begin like others, all count.
///
/// Hint: do not turn keys into text, and do not end them at a zero byte.
///
/// Book: week1/1-memtable.md#task-2-look-a-key-up
#[test]
fn any_bytes_are_a_key() {
    let keys: [&[u8]; 9] = [b"", b"\0", b"\0\0", b"a", b"a\0", b"a\0b", b"ab", b"\xff", b"\xff\xff"];
    let memtable: MemTable = MemTable::new(1);
    for key in keys.iter().rev() {
        memtable.put(key, &[b"value of ", *key].concat());
    }
    let count: usize = memtable.len();
    assert_eq!(count, keys.len(), "len() after {} different keys", keys.len());
    for key in keys {
        let found: Option<Option<Bytes>> = memtable.get(key);
        let expected = Some(Some(Bytes::from([b"value of ", key].concat())));
        assert_eq!(found, expected, "get({:?})", key.escape_ascii().to_string());
    }
}

/// A value that a reader holds stays what it was when the key is written again.
///
/// Hint: give out a clone of the `Bytes`; swap a new one in, never write into the old one.
///
/// Book: week1/1-memtable.md#a-node-is-never-replaced
#[test]
fn a_value_in_hand_does_not_change() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"apple", b"red");
    let in_hand: Option<Option<Bytes>> = memtable.get(b"apple");
    memtable.put(b"apple", b"raw");
    memtable.delete(b"apple");
    drop(memtable);
    assert_eq!(in_hand, Some(bytes("red")), "a value that was read before the key was overwritten and deleted");
}
