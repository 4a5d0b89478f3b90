//! Many sources as one.

use bytes::Bytes;
use lsm::{KeyRange, MemTable, MemTableIterator, MergeIterator, StorageIterator};

use super::fake::FakeSource;
use super::{current, entries, entry, memtable, walk};

/// A merge of fake sources, the newest first.
fn merge(sources: &[&[(&str, Option<&str>)]]) -> MergeIterator<FakeSource> {
    let sources = sources.iter().enumerate();
    MergeIterator::new(sources.map(|(age, entries)| FakeSource::new(&format!("source {age}"), entries).0).collect())
}

/// A merge gives the entries of all its sources, in key order.
///
/// Hint: the smallest of the keys that the sources stand on comes next.
///
/// Book: week1/2-merge-iterators.md#many-sources-as-one
#[test]
fn a_merge_is_in_key_order() {
    let mut merged: MergeIterator<FakeSource> = merge(&[
        &[("b", Some("2")), ("e", Some("5")), ("g", Some("7"))],
        &[("a", Some("1")), ("f", Some("6"))],
        &[("c", Some("3")), ("d", Some("4")), ("h", Some("8"))],
    ]);
    let expected: Vec<(&str, Option<&str>)> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .into_iter()
        .zip(["1", "2", "3", "4", "5", "6", "7", "8"].map(Some))
        .collect();
    assert_eq!(walk(&mut merged), entries(&expected), "b e g, a f and c d h, merged");
}

/// Of sources that hold the same key, the newest, which is the first in the list, is believed; the key comes out once.
///
/// Hint: at equal keys, the source with the smaller index is on top of the heap.
///
/// Book: week1/2-merge-iterators.md#many-sources-as-one
#[test]
fn the_newest_source_wins() {
    let mut merged: MergeIterator<FakeSource> = merge(&[
        &[("b", Some("b of 0")), ("d", Some("d of 0"))],
        &[("a", Some("a of 1")), ("b", Some("b of 1")), ("c", Some("c of 1"))],
        &[("a", Some("a of 2")), ("b", Some("b of 2")), ("c", Some("c of 2")), ("d", Some("d of 2"))],
    ]);
    let expected = [("a", Some("a of 1")), ("b", Some("b of 0")), ("c", Some("c of 1")), ("d", Some("d of 0"))];
    assert_eq!(walk(&mut merged), entries(&expected), "three sources, source 0 the newest");
}

/// Many sources with the same keys: each key once, from the newest.
///
/// Hint: step over the current key in every source that stands on it, not only in the top one.
///
/// Book: week1/2-merge-iterators.md#many-sources-as-one
#[test]
fn many_sources_with_the_same_keys() {
    const KEYS: [&str; 4] = ["", "k", "kk", "l"];
    for count in 1..=20_usize {
        let values: Vec<String> = (0..count).map(|age| format!("of source {age}")).collect();
        // Source `age` has the first `age + 1` keys, so that another source is the newest at each.
        let sources: Vec<Vec<(&str, Option<&str>)>> = values
            .iter()
            .enumerate()
            .map(|(age, value)| KEYS.iter().take(age + 1).map(|key| (*key, Some(value.as_str()))).collect())
            .collect();
        let mut merged = merge(&sources.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let expected: Vec<(&str, Option<&str>)> =
            KEYS.iter().zip(&values).map(|(key, value)| (*key, Some(value.as_str()))).collect();
        assert_eq!(walk(&mut merged), entries(&expected), "{count} sources; the n-th key is in all but the n newest");
    }
}

/// Tombstones come out of a merge: one hides older values of its key, and older tombstones hide nothing.
///
/// Hint: the merge does not look at values; a compaction and a scan need the tombstones.
///
/// Book: week1/2-merge-iterators.md#many-sources-as-one
#[test]
fn tombstones_come_out() {
    let mut merged: MergeIterator<FakeSource> = merge(&[
        &[("a", None), ("c", Some("")), ("e", None)],
        &[("a", Some("1")), ("b", None), ("c", None)],
        &[("b", Some("2")), ("c", Some("3")), ("d", Some("4"))],
    ]);
    let expected = [("a", None), ("b", None), ("c", Some("")), ("d", Some("4")), ("e", None)];
    assert_eq!(
        walk(&mut merged),
        entries(&expected),
        "a, b deleted in newer sources; c an empty value over a tombstone"
    );
}

/// A merge of no source, or of empty ones, is not valid; one source comes out as it is.
///
/// Hint: sources that are at their end do not go into the heap.
///
/// Book: week1/2-merge-iterators.md#many-sources-as-one
#[test]
fn sources_may_be_few_or_empty() {
    let mut none: MergeIterator<FakeSource> = merge(&[]);
    assert_eq!(current(&none), None, "a merge of no sources");
    none.next().expect("next() of a merge of no sources does nothing");
    none.seek(b"a").expect("seek() in a merge of no sources");
    assert_eq!(current(&none), None, "a merge of no sources after next() and seek()");
    let mut empty: MergeIterator<FakeSource> = merge(&[&[], &[], &[]]);
    assert_eq!(walk(&mut empty), [], "a merge of three empty sources");
    let mut one: MergeIterator<FakeSource> = merge(&[&[], &[("a", None), ("b", Some("2"))], &[]]);
    assert_eq!(walk(&mut one), entries(&[("a", None), ("b", Some("2"))]), "one source between two empty ones");
}

/// The empty key is a key: a merge that stands on it is valid, and steps over it once.
///
/// Hint: `key()` is empty also after the end; ask `is_valid` before you compare keys.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn the_empty_key_is_merged() {
    let mut merged: MergeIterator<FakeSource> = merge(&[&[("", Some("new"))], &[("", Some("old")), ("a", None)]]);
    assert_eq!(walk(&mut merged), entries(&[("", Some("new")), ("a", None)]), "the empty key in two sources, and a");
    let mut merged: MergeIterator<FakeSource> = merge(&[&[("", Some("new"))], &[("", Some("old"))]]);
    assert_eq!(walk(&mut merged), entries(&[("", Some("new"))]), "the empty key alone in two sources");
}

/// A merge begins where its sources stand, which need not be their first entries.
///
/// Hint: `new` moves no source.
///
/// Book: week1/2-merge-iterators.md#task-3-merge
#[test]
fn a_merge_begins_where_its_sources_stand() {
    let (mut newer, newer_control) = FakeSource::new("newer", &[("a", Some("1")), ("c", Some("3"))]);
    let (older, older_control) = FakeSource::new("older", &[("b", Some("2")), ("c", Some("old"))]);
    newer.next().expect("a step that the test makes itself");
    let mut merged: MergeIterator<FakeSource> = MergeIterator::new(vec![newer, older]);
    assert_eq!((newer_control.calls(), older_control.calls()), (1, 0), "new() must not move a source");
    assert_eq!(walk(&mut merged), entries(&[("b", Some("2")), ("c", Some("3"))]), "the newer source stood on c");
}

/// A merge moves only the sources that stand on the key it steps over, and each entry is stepped over once.
///
/// Hint: sources that stand on a greater key stay where they are.
///
/// Book: week1/2-merge-iterators.md#task-3-merge
#[test]
fn a_merge_moves_no_source_without_need() {
    let (one, one_control) = FakeSource::new("one", &[("a", Some("1")), ("d", Some("4"))]);
    let (two, two_control) = FakeSource::new("two", &[("b", Some("2")), ("d", Some("old"))]);
    let (three, three_control) = FakeSource::new("three", &[("c", Some("3"))]);
    let mut merged: MergeIterator<FakeSource> = MergeIterator::new(vec![one, two, three]);
    let calls = || (one_control.calls(), two_control.calls(), three_control.calls());
    assert_eq!(current(&merged), Some(entry("a", Some("1"))), "where the merge begins");
    assert_eq!(calls(), (0, 0, 0), "calls of next and seek before the first step");
    merged.next().expect("a step");
    assert_eq!(calls(), (1, 0, 0), "calls after the step over a, which only the first source has");
    merged.next().expect("a step");
    assert_eq!(calls(), (1, 1, 0), "calls after the step over b, which only the second source has");
    walk(&mut merged);
    assert_eq!(calls(), (2, 2, 1), "calls after the walk to the end: one for each entry of each source");
    merged.next().expect("next() after the end does nothing");
    assert_eq!(calls(), (2, 2, 1), "calls after next() at the end");
}

/// `value_bytes` of a merge is the source's own handle; no bytes are copied.
///
/// Hint: ask the source for its `value_bytes`.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn value_bytes_is_the_sources_own() {
    let (source, _) = FakeSource::new("only", &[("a", Some("a value"))]);
    let own: Bytes = source.value_of(0).expect("the entry has a value");
    let merged: MergeIterator<FakeSource> = MergeIterator::new(vec![source]);
    let handle: Option<Bytes> = merged.value_bytes();
    assert_eq!(
        handle.map(|handle| handle.as_ptr()),
        Some(own.as_ptr()),
        "value_bytes() must share the source's memory"
    );
    let borrowed: Option<*const u8> = merged.value().map(<[u8]>::as_ptr);
    assert_eq!(borrowed, Some(own.as_ptr()), "value() must be the source's memory");
}

/// Memtables' iterators merge like any others, bounds included.
///
/// Hint: `MergeIterator` asks nothing but `StorageIterator` of its sources.
///
/// Book: week1/2-merge-iterators.md#one-trait-for-every-source
#[test]
fn memtables_are_merged() {
    let newer: MemTable = memtable(&[("b", None), ("d", Some("new")), ("f", Some("6"))]);
    let older: MemTable = memtable(&[("a", Some("1")), ("b", Some("2")), ("c", Some("3")), ("d", Some("4"))]);
    let range: KeyRange = ("b"..="d").into();
    let mut merged: MergeIterator<MemTableIterator> = MergeIterator::new(vec![newer.scan(&range), older.scan(&range)]);
    let expected = entries(&[("b", None), ("c", Some("3")), ("d", Some("new"))]);
    assert_eq!(walk(&mut merged), expected, "two memtables from b to d");
    merged.seek(b"c\0").expect("a seek");
    assert_eq!(walk(&mut merged), expected[2..], "the walk after seek(c\\0)");
    merged.seek(b"e").expect("a seek");
    assert_eq!(current(&merged), None, "seek(e), above the sources' bound d, although the newer memtable has f");
}
