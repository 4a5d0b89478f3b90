//! What a manifest says, as its edits add up.

use bytes::Bytes;
use lsm::compaction::{Edit, TableShape};
use lsm::manifest::Contents;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use proptest::test_runner::RngSeed;

use super::support::{adds, ids, table};

fn apply_all(edits: &[Edit]) -> Contents {
    let mut contents = Contents::default();
    for edit in edits {
        contents.apply(edit);
    }
    contents
}

/// The edit of a flush of memtable `memtable`.
fn flush(id: u64, memtable: u64) -> Edit {
    Edit::flush(table(id, "a", "z"), memtable)
}

/// Edits add up: flushes come in front of level 0, a compaction moves tables down, and each number rises with what
/// an edit names.
///
/// Hint: the shape has `apply` already. `next_id` is above the ids of the added tables *and* `flushed_through`, which
/// was a memtable's id.
///
/// Book: week2/5-manifest.md#task-5-what-a-manifest-says
#[test]
fn edits_add_up() {
    let mut contents = Contents::default();
    contents.apply(&flush(3, 1));
    assert_eq!((contents.next_id, contents.flushed_through), (4, 1), "after memtable 1 became table 3");
    contents.apply(&flush(5, 2));
    assert_eq!(ids(&contents.shape), [vec![5, 3]], "level 0, the newest first");
    let mut compaction: Edit = adds(vec![(2, table(9, "a", "k")), (2, table(8, "l", "z"))]);
    compaction.removed = vec![3, 5];
    compaction.cursor = Some((2, Bytes::from("k")));
    contents.apply(&compaction);
    assert_eq!(ids(&contents.shape), [vec![], vec![], vec![9, 8]], "after the compaction into level 2");
    assert_eq!(contents.shape.levels[2].cursor, Some(Bytes::from("k")), "the cursor of level 2");
    assert_eq!((contents.next_id, contents.flushed_through), (10, 2), "the greatest id is 9, wherever it is named");
    let mut memtable: Edit = Edit::flush(table(11, "a", "a"), 30);
    memtable.last_version = 70;
    contents.apply(&memtable);
    assert_eq!((contents.next_id, contents.flushed_through), (31, 30), "a memtable's id counts, too");
    assert_eq!(contents.last_version, 70, "the greatest version");
}

/// `next_id`, `flushed_through` and `last_version` never fall: not by an edit that says 0, which says nothing new, not by
/// one that says less, not when the table with the greatest id goes.
///
/// Hint: take the greater of what was known and what the edit says.
///
/// Book: week2/5-manifest.md#task-5-what-a-manifest-says
#[test]
fn the_numbers_only_rise() {
    let mut first: Edit = flush(20, 10);
    first.last_version = 99;
    let mut contents: Contents = apply_all(&[first]);
    let mut less: Edit = flush(4, 3);
    less.last_version = 5;
    let gone = Edit { removed: vec![20, 4], ..Edit::default() };
    for (what, edit) in [("an edit without a change", Edit::default()), ("smaller numbers", less), ("a removal", gone)]
    {
        contents.apply(&edit);
        let found = (contents.next_id, contents.flushed_through, contents.last_version);
        assert_eq!(found, (21, 10, 99), "next_id, flushed_through and last_version after {what}");
    }
    assert_eq!(ids(&contents.shape), Vec::<Vec<u64>>::new(), "the tree is empty again");
}

/// A snapshot is one edit with all tables, and then one for each cursor. The first says the two numbers.
///
/// Hint: adding to level 0 puts a table in front of the others, so the oldest of them has to be added first.
///
/// Book: week2/5-manifest.md#task-5-what-a-manifest-says
#[test]
fn a_snapshot_adds_level_0_the_oldest_first() {
    let mut sorted: Edit = adds(vec![(1, table(7, "a", "c")), (3, table(9, "d", "f"))]);
    sorted.cursor = Some((1, Bytes::from("c")));
    let other_cursor = Edit { cursor: Some((3, Bytes::from("f"))), ..Edit::default() };
    let mut numbers: Edit = flush(12, 6);
    numbers.last_version = 44;
    let contents: Contents = apply_all(&[flush(10, 4), sorted, flush(11, 5), numbers, other_cursor]);
    let snapshot: Vec<Edit> = contents.snapshot();
    assert_eq!(snapshot.len(), 3, "one edit with the tables and two cursors: {snapshot:?}");
    let level_0: Vec<u64> =
        snapshot[0].added.iter().filter(|(level, _)| *level == 0).map(|(_, table)| table.id).collect();
    assert_eq!(level_0, [10, 11, 12], "the order in which tables of level 0 are added");
    assert_eq!(snapshot[0].added.len(), 5, "every table is added: {:?}", snapshot[0].added);
    assert!(snapshot.iter().all(|edit| edit.removed.is_empty()), "nothing is removed");
    assert_eq!((snapshot[0].flushed_through, snapshot[0].last_version), (6, 44), "the numbers of the first edit");
    let cursors: Vec<Option<usize>> =
        snapshot.iter().map(|edit| edit.cursor.as_ref().map(|(level, _)| *level)).collect();
    assert_eq!(cursors, [None, Some(1), Some(3)], "the levels of the cursors");
    assert_eq!(Contents::default().snapshot(), [Edit::default()], "the snapshot of an empty tree");
}

/// Tables of one level that do not overlap, and such of level 0, with their levels.
fn some_edits() -> impl Strategy<Value = Vec<Edit>> {
    let table_at = |index: usize, level: usize| -> (usize, TableShape) {
        let (first, last) = (format!("k{:03}", 2 * index), format!("k{:03}", 2 * index + 1));
        (level, table(index as u64 + 1, &first, &last))
    };
    let levels = proptest::collection::vec((0..5_usize, any::<bool>(), any::<bool>()), 0..30);
    levels.prop_map(move |levels| {
        let edits = levels.iter().enumerate().map(|(index, (level, is_removed_later, has_cursor))| {
            let mut edit: Edit = adds(vec![table_at(index, *level)]);
            edit.flushed_through = index as u64 / 2;
            edit.last_version = 1000 - index as u64;
            edit.cursor = has_cursor.then(|| (level + 1, Bytes::from(format!("k{index:03}"))));
            let removed = if *is_removed_later { vec![index as u64 + 1] } else { vec![] };
            [edit, Edit { removed, ..Edit::default() }]
        });
        let (added, removed): (Vec<Edit>, Vec<Edit>) = edits.map(|[added, removed]| (added, removed)).unzip();
        added.into_iter().chain(removed).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, rng_seed: RngSeed::Fixed(2052), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// The edits of a snapshot lead from an empty tree to what it is the snapshot of: each table in its place, each
    /// cursor, both numbers.
    ///
    /// Hint: a level's cursor may be there when its tables are gone.
    ///
    /// Book: week2/5-manifest.md#task-5-what-a-manifest-says
    #[test]
    fn a_snapshot_leads_to_the_same_tree(edits in some_edits()) {
        let contents: Contents = apply_all(&edits);
        let again: Contents = apply_all(&contents.snapshot());
        prop_assert_eq!(ids(&again.shape), ids(&contents.shape));
        let levels = contents.shape.levels.len().max(again.shape.levels.len());
        for level in 0..levels {
            let at = |contents: &Contents| contents.shape.levels.get(level).cloned().unwrap_or_default();
            prop_assert_eq!(at(&again), at(&contents), "level {}", level);
        }
        prop_assert_eq!(again.flushed_through, contents.flushed_through);
        prop_assert_eq!(again.last_version, contents.last_version);
    }
}
