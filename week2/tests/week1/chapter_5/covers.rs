//! Which tables can be left out: `Table::covers` and `Table::overlaps`.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use lsm::disk::SimDisk;
use lsm::table::{Resources, Table, TableBuilder};
use lsm::{KeyRange, Options, UserPart, whole_key};

/// An open table with these keys.
fn table(keys: &[&[u8]], user_part: UserPart) -> Arc<Table> {
    let mut options: Options = Options::manual();
    options.disk = Arc::new(SimDisk::new());
    options.block_size = 32;
    options.user_part = user_part;
    let resources: Arc<Resources> = Resources::new(options);
    let path: &Path = Path::new("one.sst");
    let mut builder: TableBuilder = TableBuilder::create(path, &resources).expect("the disk is empty");
    for key in keys {
        builder.add(key, Some(b"value")).expect("the keys ascend");
    }
    builder.finish().expect("the disk works");
    Table::open(1, path, &resources).expect("the table was just written")
}

fn two_bytes(key: &[u8]) -> &[u8] {
    &key[..key.len().min(2)]
}

/// A table covers a key that is neither below its first key nor above its last; both ends count.
///
/// Hint: compare with `first_key` and `last_key`, and take equality in on both sides.
///
/// Book: week1/5-read-path.md#task-1-which-tables-a-read-can-leave-out
#[test]
fn a_table_covers_the_keys_from_its_first_to_its_last() {
    let table: Arc<Table> = table(&[b"d", b"f", b"m", b"m\0"], whole_key);
    let cases: [(&[u8], bool); 10] = [
        (b"", false),
        (b"c", false),
        (b"c\xFF", false),
        (b"d", true),
        (b"d\0", true),
        (b"e", true),
        (b"m", true),
        (b"m\0", true),
        (b"m\0\0", false),
        (b"n", false),
    ];
    for (key, expected) in cases {
        let found: bool = table.covers(key);
        assert_eq!(found, expected, "covers(b\"{}\") of a table from b\"d\" to b\"m\\0\"", key.escape_ascii());
    }
}

/// A table of a single key covers this key alone, the empty key included.
///
/// Hint: a first key of no bytes is a key like any other, not the mark of an empty table.
///
/// Book: week1/5-read-path.md#task-1-which-tables-a-read-can-leave-out
#[test]
fn a_table_of_one_key_covers_it_alone() {
    let one: Arc<Table> = table(&[b"k"], whole_key);
    let found: [bool; 3] = [one.covers(b"j"), one.covers(b"k"), one.covers(b"l")];
    assert_eq!(found, [false, true, false], "covers of j, k and l by a table that holds k");
    let empty: Arc<Table> = table(&[b""], whole_key);
    let found: [bool; 2] = [empty.covers(b""), empty.covers(b"\0")];
    assert_eq!(found, [true, false], "covers of the empty key and of b\"\\0\" by a table that holds the empty key");
}

/// Whether a table covers a key is a question of user parts: a target below the first key, or above the last, may
/// still have the same user part.
///
/// Hint: put `options.user_part` around all three keys.
///
/// Book: week1/5-read-path.md#task-1-which-tables-a-read-can-leave-out
#[test]
fn a_table_covers_by_user_part() {
    let table: Arc<Table> = table(&[b"bb5", b"cc1", b"dd3"], two_bytes);
    let cases: [(&[u8], bool); 9] = [
        (b"ba9", false),
        (b"b", false),
        (b"bb", true),
        (b"bb1", true),
        (b"bb9", true),
        (b"dd3", true),
        (b"dd9", true),
        (b"dd", true),
        (b"de0", false),
    ];
    for (key, expected) in cases {
        let found: bool = table.covers(key);
        assert_eq!(
            found,
            expected,
            "covers({:?}) of a table from \"bb5\" to \"dd3\" whose user part is two bytes",
            key.escape_ascii().to_string()
        );
    }
}

/// A table overlaps a range exactly if some key from its first to its last can be in it, whatever the bounds' kind.
///
/// Hint: the range must not end before the first key, and must not begin behind the last. An excluded bound that
/// equals one of them keeps that key out.
///
/// Book: week1/5-read-path.md#task-1-which-tables-a-read-can-leave-out
#[test]
fn a_table_overlaps_the_ranges_that_reach_it() {
    let table: Arc<Table> = table(&[b"d", b"f", b"m"], whole_key);
    let ends: [&str; 9] = ["", "b", "c", "d", "g", "h", "m", "n", "p"];
    for lower in ends.iter().flat_map(|end| bounds(end)) {
        for upper in ends.iter().flat_map(|end| bounds(end)) {
            let range: KeyRange = (lower, upper).into();
            if range.is_empty() {
                continue;
            }
            let begins_in_time: bool = match lower {
                Bound::Unbounded => true,
                Bound::Included(lower) => lower <= "m",
                Bound::Excluded(lower) => lower < "m",
            };
            let ends_in_time: bool = match upper {
                Bound::Unbounded => false,
                Bound::Included(upper) => upper < "d",
                Bound::Excluded(upper) => upper <= "d",
            };
            let expected: bool = begins_in_time && !ends_in_time;
            let found: bool = table.overlaps(&range);
            assert_eq!(found, expected, "overlaps({lower:?}, {upper:?}) of a table from \"d\" to \"m\"");
        }
    }
}

/// The three kinds of bound at one key.
fn bounds<'a>(end: &&'a str) -> [Bound<&'a str>; 3] {
    [Bound::Included(*end), Bound::Excluded(*end), Bound::Unbounded]
}
