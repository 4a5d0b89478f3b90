//! The tree's shape: questions to it, and changes of it.

use bytes::Bytes;
use lsm::compaction::{Edit, LevelShape, Shape, TableShape, Task};

use super::fixture::{table_shape, task, tree};

/// The ids of each level's tables.
fn ids(shape: &Shape) -> Vec<Vec<u64>> {
    shape.levels.iter().map(LevelShape::ids).collect()
}

fn edit(removed: &[u64], added: &[(usize, &str)]) -> Edit {
    let added = added.iter().map(|(level, table)| (*level, table_shape(table))).collect();
    Edit { removed: removed.to_vec(), added, ..Edit::default() }
}

/// `overlapping` gives the tables of one level that have a key in common with the range, both ends included, in the
/// level's order.
///
/// Hint: keep the tables for which `TableShape::overlaps` holds. Do not sort: level 0 is in the order of age.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn overlapping_gives_the_tables_that_touch_a_range() {
    let shape: Shape = tree(&["9:m-p 7:c-x 8:a-b 5:a-r", "1:a-f 2:g-n 3:p-z", "4:a-z"]);
    let cases: [(usize, &str, &str, &[u64]); 10] = [
        (0, "n", "o", &[9, 7, 5]),
        (0, "b", "c", &[7, 8, 5]),
        (0, "y", "z", &[]),
        (0, "r", "r", &[7, 5]),
        (1, "a", "z", &[1, 2, 3]),
        (1, "f", "g", &[1, 2]),
        (1, "fa", "fz", &[]),
        (1, "o", "o", &[]),
        (1, "n", "p", &[2, 3]),
        (2, "m", "m", &[4]),
    ];
    for (level, first, last, expected) in cases {
        let found: Vec<u64> = shape.overlapping(level, first.as_bytes(), last.as_bytes());
        assert_eq!(found, expected, "the tables of level {level} that overlap {first} to {last}");
    }
}

/// `range_of` gives the least first key and the greatest last key of the tables that are named, wherever in the level
/// they stand; of no table, `None`.
///
/// Hint: at level 0 the first table need not have the least key, nor the last one the greatest.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn the_range_of_tables_spans_all_of_them() {
    let shape: Shape = tree(&["9:m-p 7:c-x 8:b-d 5:a-r", "1:a-f 2:g-n 3:p-z"]);
    type Case<'a> = (usize, &'a [u64], Option<(&'a str, &'a str)>);
    let cases: [Case<'_>; 8] = [
        (0, &[9, 7, 8, 5], Some(("a", "x"))),
        (0, &[9, 8], Some(("b", "p"))),
        (0, &[5, 7], Some(("a", "x"))),
        (0, &[8], Some(("b", "d"))),
        (1, &[2, 3], Some(("g", "z"))),
        (1, &[1, 3], Some(("a", "z"))),
        (1, &[], None),
        (1, &[5], None),
    ];
    for (level, ids, expected) in cases {
        let found: Option<(Bytes, Bytes)> = shape.range_of(level, ids);
        let expected = expected.map(|(first, last)| (Bytes::from(first), Bytes::from(last)));
        assert_eq!(found, expected, "the range of tables {ids:?} of level {level}");
    }
}

/// `may_hold_below` looks at every level below the given one, never at that one or those above, and says yes where a
/// table's range covers the key, ends included.
///
/// Hint: `levels[level + 1..]`. In each, only the first table whose last key is not below the key can cover it.
///
/// Book: week2/1-compaction.md#what-may-be-left-out
#[test]
fn every_level_below_is_asked_for_a_key() {
    let shape: Shape = tree(&["9:a-z", "1:c-f 2:m-n", "3:a-b 4:p-p", "5:e-g 6:m-m 7:x-y"]);
    let cases: [(usize, &str, bool); 20] = [
        (0, "c", true),
        (0, "f", true),
        (0, "h", false),
        (0, "z", false),
        (0, "x", true),
        (1, "a", true),
        (1, "b", true),
        (1, "c", false),
        (1, "e", true),
        (1, "g", true),
        (1, "ga", false),
        (1, "n", false),
        (1, "p", true),
        (1, "q", false),
        (2, "p", false),
        (2, "m", true),
        (2, "d", false),
        (2, "y", true),
        (2, "ya", false),
        (3, "m", false),
    ];
    for (level, key, expected) in cases {
        let found: bool = shape.may_hold_below(level, key.as_bytes());
        assert_eq!(found, expected, "whether a level below level {level} may hold {key}");
    }
}

/// A full compaction takes all tables of all levels, upper levels first, into the last level.
///
/// Hint: one `Inputs` for each level that has tables, the last one too: its tables hold what the others shadow.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn a_full_compaction_takes_every_table() {
    type Case<'a> = (&'a [&'a str], &'a [(usize, &'a [u64])]);
    let cases: [Case<'_>; 5] = [
        (&["9:a-z 8:c-d", "1:a-f 2:g-n", "3:p-z"], &[(0, &[9, 8]), (1, &[1, 2]), (2, &[3])]),
        (&["9:a-z", "", "", "3:p-z"], &[(0, &[9]), (3, &[3])]),
        (&["9:a-z", ""], &[(0, &[9])]),
        (&["", "1:a-b", ""], &[(1, &[1])]),
        (&["", "1:a-b 2:c-d×"], &[(1, &[1, 2])]),
    ];
    for (levels, expected) in cases {
        let shape: Shape = tree(levels);
        let found: Option<Task> = shape.full_compaction();
        let mut found: Task = found.unwrap_or_else(|| panic!("{levels:?} can be compacted, and there is no task"));
        found.inputs.retain(|inputs| !inputs.tables.is_empty());
        assert_eq!(found, task(expected, levels.len() - 1), "the full compaction of {levels:?}");
        shape.check(&found).expect("a full compaction keeps the tree's rule");
    }
}

/// There is nothing to compact in an empty tree, and in one with all tables in the last level and no tombstone.
///
/// Hint: a tombstone in the last level can go. Nothing else there can: no key stands twice.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn a_tree_that_is_compacted_needs_no_compaction() {
    let trees: [&[&str]; 4] = [&["", ""], &["", "", "", ""], &["", "1:a-b 2:c-d"], &["", "", "7:a-z"]];
    for levels in trees {
        let found: Option<Task> = tree(levels).full_compaction();
        assert_eq!(found, None, "the full compaction of {levels:?}");
    }
}

/// The edit of a task removes all inputs and adds the outputs to the target, in their order, with the task's cursor.
///
/// Hint: nothing else is in it: `flushed_through` and `last_version` stay 0.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn a_tasks_edit_exchanges_inputs_for_outputs() {
    let mut merge: Task = task(&[(0, &[9, 8]), (2, &[3])], 2);
    merge.cursor = Some((1, Bytes::from("k")));
    let outputs: Vec<TableShape> = vec![table_shape("11:a-k"), table_shape("12:m-z")];
    let mut found: Edit = merge.edit(outputs);
    found.removed.sort_unstable();
    let mut expected: Edit = edit(&[3, 8, 9], &[(2, "11:a-k"), (2, "12:m-z")]);
    expected.cursor = Some((1, Bytes::from("k")));
    assert_eq!(found, expected, "the edit of {merge:?}");
    let none: Edit = task(&[(1, &[4])], 1).edit(Vec::new());
    assert_eq!(none, edit(&[4], &[]), "the edit of a task without outputs");
}

/// `apply` takes tables away from wherever they are, and adds others: at level 0 as the newest, below in key order.
///
/// Hint: first all that goes, then what comes, one after the other. A table that moves is in both lists.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn a_change_is_applied_to_the_shape() {
    let shape: Shape = tree(&["9:m-p 7:c-x", "1:a-f 2:g-n 3:p-z", "4:a-c 5:x-z"]);
    type Case<'a> = (&'a [u64], &'a [(usize, &'a str)], &'a [&'a [u64]]);
    let cases: [Case<'_>; 9] = [
        (&[], &[], &[&[9, 7], &[1, 2, 3], &[4, 5]]),
        (&[7, 2, 5], &[], &[&[9], &[1, 3], &[4]]),
        (&[], &[(0, "10:a-b")], &[&[10, 9, 7], &[1, 2, 3], &[4, 5]]),
        (&[], &[(0, "10:a-b"), (0, "11:a-b")], &[&[11, 10, 9, 7], &[1, 2, 3], &[4, 5]]),
        (&[9, 7, 1, 2, 3], &[(1, "10:a-k"), (1, "11:l-z")], &[&[], &[10, 11], &[4, 5]]),
        (&[], &[(2, "10:f-g"), (2, "11:d-e"), (2, "12:zz-zz")], &[&[9, 7], &[1, 2, 3], &[4, 11, 10, 5, 12]]),
        (&[2], &[(2, "2:g-n")], &[&[9, 7], &[1, 3], &[4, 2, 5]]),
        (&[9, 7], &[(2, "7:f-g"), (2, "9:d-e")], &[&[], &[1, 2, 3], &[4, 9, 7, 5]]),
        (&[], &[(4, "10:a-b")], &[&[9, 7], &[1, 2, 3], &[4, 5], &[], &[10]]),
    ];
    for (removed, added, expected) in cases {
        let found: Shape = shape.apply(&edit(removed, added));
        assert_eq!(ids(&found), expected, "after removing {removed:?} and adding {added:?}");
    }
    let found: Shape = shape.apply(&edit(&[7], &[(1, "10:o-o")]));
    assert_eq!(found.levels[1].tables[2], table_shape("10:o-o"), "an added table is in the shape as it was given");
}

/// A cursor in an edit replaces its level's; those of other levels stay, and a level that is not there yet is made.
///
/// Hint: see to the number of levels before you set the cursor, not only before you add tables.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn a_cursor_is_applied_to_its_level() {
    let mut shape: Shape = tree(&["", "1:a-f", "4:a-c"]);
    for level in [1, 2] {
        shape.levels[level].cursor = Some(Bytes::from("old"));
    }
    let cursors =
        |shape: &Shape| -> Vec<Option<Bytes>> { shape.levels.iter().map(|level| level.cursor.clone()).collect() };
    let (old, new) = (Some(Bytes::from("old")), Some(Bytes::from("new")));
    let kept: Shape = shape.apply(&edit(&[1], &[(2, "9:x-y")]));
    assert_eq!(cursors(&kept), [None, old.clone(), old.clone()], "an edit without a cursor");
    let with_cursor = |level: usize| Edit { cursor: Some((level, Bytes::from("new"))), ..Edit::default() };
    let set: Shape = shape.apply(&with_cursor(1));
    assert_eq!(cursors(&set), [None, new.clone(), old.clone()], "an edit with a cursor of level 1");
    let made: Shape = shape.apply(&with_cursor(4));
    assert_eq!(cursors(&made), [None, old.clone(), old, None, new], "an edit with a cursor of a level that is made");
    assert_eq!(ids(&made), [vec![], vec![1], vec![4], vec![], vec![]], "the levels of the same");
}
