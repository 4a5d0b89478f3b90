//! What a memtable weighs: exact to the byte.

use lsm::MemTable;

/// What one key weighs with a value of this length; a tombstone's is 0.
fn weight(key: &[u8], value_length: usize) -> usize {
    key.len() + value_length + MemTable::ENTRY_OVERHEAD
}

fn check(memtable: &MemTable, expected: usize, after: &str) {
    let size: usize = memtable.size();
    assert_eq!(size, expected, "size() after {after}: key + current value + ENTRY_OVERHEAD, for each key");
}

/// A new key adds its length, its value's length and the overhead of an entry.
///
/// Hint: account in the branch where the node is new.
///
/// Book: week1/1-memtable.md#what-a-memtable-weighs
#[test]
fn a_new_key_adds_key_value_and_overhead() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"apple", b"red");
    check(&memtable, weight(b"apple", 3), "put(apple, red)");
    memtable.put(b"fig", b"");
    check(&memtable, weight(b"apple", 3) + weight(b"fig", 0), "put(fig, \"\") besides");
    memtable.put(b"", b"empty key");
    let expected = weight(b"apple", 3) + weight(b"fig", 0) + weight(b"", 9);
    check(&memtable, expected, "a put of the empty key besides");
}

/// An overwrite changes the size by the difference of the values' lengths, and by nothing else.
///
/// Hint: add the new value's length and take away the old one's; the key and the overhead are counted already.
///
/// Book: week1/1-memtable.md#what-a-memtable-weighs
#[test]
fn an_overwrite_counts_the_difference() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"other", b"12345");
    let other = weight(b"other", 5);
    for (length, what) in
        [(10, "the first put"), (25, "a longer value"), (4, "a shorter one"), (4, "an equally long one")]
    {
        memtable.put(b"apple", &vec![b'v'; length]);
        check(&memtable, other + weight(b"apple", length), &format!("{what} ({length} bytes)"));
    }
    memtable.put(b"apple", b"");
    check(&memtable, other + weight(b"apple", 0), "an empty value over one of 4 bytes");
    memtable.put(b"apple", b"123456");
    check(&memtable, other + weight(b"apple", 6), "a value of 6 bytes over an empty one");
}

/// A deletion takes away the value's length; the key and its overhead stay, since the tombstone is an entry.
///
/// Hint: a tombstone's value counts 0 bytes.
///
/// Book: week1/1-memtable.md#what-a-memtable-weighs
#[test]
fn a_deletion_takes_the_value_away() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"apple", b"0123456789");
    memtable.delete(b"apple");
    check(&memtable, weight(b"apple", 0), "put(apple, 10 bytes) and delete(apple)");
    memtable.delete(b"apple");
    check(&memtable, weight(b"apple", 0), "a second delete(apple)");
    memtable.put(b"apple", b"1234567");
    check(&memtable, weight(b"apple", 7), "put(apple, 7 bytes) over the tombstone");
}

/// A tombstone of a key that was not here weighs its key and the overhead.
///
/// Hint: a new node is a new node, with a value or without.
///
/// Book: week1/1-memtable.md#what-a-memtable-weighs
#[test]
fn a_tombstone_of_an_absent_key_weighs_its_key() {
    let memtable: MemTable = MemTable::new(1);
    memtable.delete(b"pear");
    check(&memtable, weight(b"pear", 0), "delete(pear) in an empty memtable");
    memtable.put(b"pear", b"green");
    check(&memtable, weight(b"pear", 5), "put(pear, green) over the tombstone");
}

/// Looking does not change the size.
///
/// Hint: only `write` accounts.
///
/// Book: week1/1-memtable.md#what-a-memtable-weighs
#[test]
fn a_lookup_weighs_nothing() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"apple", b"red");
    let _ = (memtable.get(b"apple"), memtable.get(b"banana"), memtable.get(b"a"));
    check(&memtable, weight(b"apple", 3), "put(apple, red) and three lookups");
    let count: usize = memtable.len();
    assert_eq!(count, 1, "len() after lookups of keys that are not here");
}
