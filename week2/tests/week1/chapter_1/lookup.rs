//! `lookup`: the first entry at or after a target, if it is of the same user key.

use bytes::Bytes;
use lsm::{MemTable, UserPart, whole_key};

use super::bytes;

/// What precedes the first zero byte, or the whole key where there is none.
fn up_to_zero(key: &[u8]) -> &[u8] {
    key.split(|byte| *byte == 0).next().unwrap_or(key)
}

fn first_three(key: &[u8]) -> &[u8] {
    &key[..key.len().min(3)]
}

fn check(memtable: &MemTable, user_part: UserPart, target: &[u8], expected: Option<Option<Bytes>>, why: &str) {
    let found: Option<Option<Bytes>> = memtable.lookup(target, user_part);
    assert_eq!(found, expected, "lookup({:?}): {why}", target.escape_ascii().to_string());
}

/// A lookup gives the first entry at or after its target when that one's key has the target's user part.
///
/// Hint: `lower_bound` with `Bound::Included`, then compare the user parts, not the keys.
///
/// Book: week1/1-memtable.md#task-2-look-a-key-up
#[test]
fn the_first_entry_at_or_after_the_target_answers() {
    let memtable: MemTable = MemTable::new(1);
    for (key, value) in [("apple\x001", "first"), ("apple\x003", "third"), ("apple\x005", "fifth")] {
        memtable.put(key.as_bytes(), value.as_bytes());
    }
    check(&memtable, up_to_zero, b"apple\x001", Some(bytes("first")), "the target itself is here");
    check(&memtable, up_to_zero, b"apple\x003", Some(bytes("third")), "the target itself is here");
    check(&memtable, up_to_zero, b"apple\x002", Some(bytes("third")), "3 is the first at or after 2");
    check(&memtable, up_to_zero, b"apple\x004", Some(bytes("fifth")), "5 is the first at or after 4");
    check(&memtable, up_to_zero, b"apple\0", Some(bytes("first")), "1 is the first of all");
    check(&memtable, up_to_zero, b"apple", Some(bytes("first")), "the user part alone comes before all its entries");
}

/// An entry of another user key is no answer, even if it is the first at or after the target.
///
/// Hint: `user_part(node's key)` must equal `user_part(target)`.
///
/// Book: week1/1-memtable.md#task-2-look-a-key-up
#[test]
fn an_entry_of_another_user_key_is_no_answer() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"apple\x005", b"apple's");
    memtable.put(b"apples\x001", b"apples'");
    memtable.put(b"cherry\x001", b"cherry's");
    check(&memtable, up_to_zero, b"apple\x006", None, "what follows belongs to apples");
    check(&memtable, up_to_zero, b"apples\x002", None, "what follows belongs to cherry");
    check(&memtable, up_to_zero, b"banana\x001", None, "banana has no entry");
    check(&memtable, up_to_zero, b"appl\x001", None, "what follows belongs to apple");
    check(&memtable, up_to_zero, b"cherry\x002", None, "nothing follows");
    check(&memtable, up_to_zero, b"apples\x000", Some(bytes("apples'")), "what follows is apples' own");
}

/// A tombstone that is the first entry at or after the target is the answer; what follows it is not asked.
///
/// Hint: do not go on to the next node when the first one has no value.
///
/// Book: week1/1-memtable.md#a-deletion-is-an-entry
#[test]
fn a_tombstone_ends_the_lookup() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"apple\x001", b"first");
    memtable.delete(b"apple\x002");
    memtable.put(b"apple\x003", b"third");
    check(&memtable, up_to_zero, b"apple\x002", Some(None), "a tombstone is here");
    check(&memtable, up_to_zero, b"apple\x001\xff", Some(None), "the tombstone is the first that follows");
    check(&memtable, up_to_zero, b"apple\x001", Some(bytes("first")), "the tombstone comes later");
}

/// The user part is whatever the function says, for short keys too.
///
/// Hint: call `user_part` on both keys; do not guess from the target's length.
///
/// Book: week1/1-memtable.md#task-2-look-a-key-up
#[test]
fn the_function_decides_what_the_user_part_is() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"ab", b"short");
    memtable.put(b"abc9", b"long");
    check(&memtable, first_three, b"ab", Some(bytes("short")), "ab's user part is ab");
    check(&memtable, first_three, b"ab\0", None, "the next entry, abc9, has the user part abc, the target ab\\0");
    check(&memtable, first_three, b"abc1", Some(bytes("long")), "both begin with abc");
    check(&memtable, first_three, b"abc", Some(bytes("long")), "both begin with abc");
    check(&memtable, first_three, b"abd", None, "nothing follows");
    check(&memtable, whole_key, b"abc1", None, "with whole keys, abc9 is another key");
    check(&memtable, whole_key, b"abc9", Some(bytes("long")), "with whole keys, just this key");
}
