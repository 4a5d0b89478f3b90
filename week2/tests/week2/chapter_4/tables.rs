//! Which tables are picked: whose turn it is, and what goes along.

use bytes::Bytes;
use lsm::compaction::{Edit, Leveled, Shape, TableShape, Task};

use super::support::{inputs, picked, shape, small, table};

/// A table: its id, its first key, its last key.
type Span = (u64, &'static str, &'static str);

/// Five tables of 100 bytes: 1 is a–c, 2 is e–g, 3 is i–k, 4 is m–o, 5 is q–s.
fn five() -> Vec<TableShape> {
    [(1, "a", "c"), (2, "e", "g"), (3, "i", "k"), (4, "m", "o"), (5, "q", "s")]
        .map(|(id, first_key, last_key)| table(id, 100, first_key, last_key))
        .to_vec()
}

/// Five tables in level 2, above a last level whose size makes 200 bytes of them too many, with its own keys elsewhere.
fn five_above(cursor: Option<&str>) -> Shape {
    let mut shape = shape(3, [(2, five()), (3, vec![table(90, 2000, "x", "z")])]);
    shape.levels[2].cursor = cursor.map(|cursor| Bytes::copy_from_slice(cursor.as_bytes()));
    shape
}

fn cursor_of(task: &Task) -> Option<(usize, &str)> {
    let (level, cursor) = task.cursor.as_ref()?;
    Some((*level, str::from_utf8(cursor).expect("the tests' keys are text")))
}

/// From a level below level 0 one table goes at a time, and the first of all when there is no cursor.
///
/// Hint: the tables of a level are in key order. Small steps are what this strategy is about.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn without_a_cursor_the_first_table_goes() {
    let task: Task = picked(&small(), &five_above(None), "level 2 has 500 bytes, and its target is 200");
    assert_eq!((inputs(&task), task.target), (vec![(2, vec![1])], 3), "the first table, and nothing else");
}

/// The next table is the first whose first key is greater than the cursor.
///
/// Hint: compare *first* keys with the cursor: a table that begins at or before it has had its turn.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn the_table_behind_the_cursor_goes() {
    for (cursor, expected) in [
        ("", 1),
        ("A", 1),
        ("a", 2),
        ("b", 2),
        ("c", 2),
        ("d", 2),
        ("e", 3),
        ("f", 3),
        ("g", 3),
        ("h", 3),
        ("h\u{0}", 3),
        ("k", 4),
        ("l", 4),
        ("o", 5),
        ("p", 5),
    ] {
        let task: Task = picked(&small(), &five_above(Some(cursor)), "level 2 is above its target");
        let context = format!("cursor {cursor:?}; tables 1 a–c, 2 e–g, 3 i–k, 4 m–o, 5 q–s");
        assert_eq!(inputs(&task), vec![(2, vec![expected])], "{context}");
    }
}

/// When no table is behind the cursor, the first of all goes: a new round begins.
///
/// Hint: a level that is due always has a table to give.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn behind_the_last_table_a_new_round_begins() {
    for cursor in ["q", "r", "s", "t", "zzz", "\u{ff}"] {
        let task: Task = picked(&small(), &five_above(Some(cursor)), "level 2 is above its target");
        assert_eq!(inputs(&task), vec![(2, vec![1])], "cursor {cursor:?}; the last table is q–s");
    }
}

/// The task's cursor is the level that the table leaves, with the table's last key. A task from level 0 has none.
///
/// Hint: not the target's number, and not the first key: a merge from above may cut the level's tables anew.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn the_cursor_is_the_last_key_of_the_table_that_went() {
    for (before, after) in [(None, "c"), (Some("c"), "g"), (Some("h"), "k"), (Some("p"), "s"), (Some("s"), "c")] {
        let task: Task = picked(&small(), &five_above(before), "level 2 is above its target");
        assert_eq!(cursor_of(&task), Some((2, after)), "cursor before: {before:?}; tables a–c, e–g, i–k, m–o, q–s");
    }
    let mut full = five_above(Some("c"));
    full.levels[0].tables = (11..=22).rev().map(|id| table(id, 10, "a", "c")).collect();
    let task: Task = picked(&small(), &full, "level 0 has 12 tables instead of 4");
    assert_eq!((inputs(&task)[0].0, cursor_of(&task)), (0, None), "all of level 0 goes, so it needs no cursor");
}

/// Every table of a level has its turn before any has a second one.
///
/// Hint: the shape stores the cursor that your task names, and gives it to you with the next `pick`.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn the_turn_goes_round() {
    let mut shape = five_above(None);
    let mut order = Vec::new();
    for _ in 0..13 {
        let task: Task = picked(&small(), &shape, "level 2 is above its target");
        order.push(inputs(&task)[0].1[0]);
        // The table stays, so that there is a second round: only the cursor moves.
        shape = shape.apply(&Edit { cursor: task.cursor, ..Edit::default() });
    }
    assert_eq!(order, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3], "which table went, step by step");
}

/// Each level has a cursor of its own.
///
/// Hint: `shape.levels[level].cursor`, of the level that the table is taken from.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn levels_have_cursors_of_their_own() {
    let level_3: Vec<TableShape> = [(11, "a", "c"), (12, "d", "f"), (13, "g", "i")]
        .map(|(id, first_key, last_key)| table(id, 900, first_key, last_key))
        .to_vec();
    // Targets 200 and 2,000 in levels 2 and 3: scores 2.5 and 1.35, then 0.5 and 1.35.
    let mut shape = shape(4, [(2, five()), (3, level_3), (4, vec![table(90, 20_000, "x", "z")])]);
    shape.levels[1].cursor = Some(Bytes::from_static(b"e"));
    shape.levels[2].cursor = Some(Bytes::from_static(b"k"));
    shape.levels[3].cursor = Some(Bytes::from_static(b"c"));
    shape.levels[4].cursor = Some(Bytes::from_static(b"a"));
    let task: Task = picked(&small(), &shape, "level 2 has 500 of 200 bytes");
    assert_eq!((inputs(&task)[0].clone(), cursor_of(&task)), ((2, vec![4]), Some((2, "o"))), "level 2's cursor is k");
    shape.levels[2].tables.truncate(1);
    let task: Task = picked(&small(), &shape, "level 3 has 2,700 of 2,000 bytes");
    assert_eq!((inputs(&task)[0].clone(), cursor_of(&task)), ((3, vec![12]), Some((3, "f"))), "level 3's cursor is c");
}

/// With the table go the tables of the next level that overlap it, and no others; both bounds are included.
///
/// Hint: `Shape::overlapping` of the target, with the chosen table's first and last key.
///
/// Book: week2/4-leveled.md#what-goes-along
#[test]
fn what_overlaps_in_the_target_goes_along() {
    let below = |tables: &[Span]| -> Shape {
        let tables = tables.iter().map(|(id, first_key, last_key)| table(*id, 700, first_key, last_key)).collect();
        let deeper = vec![table(90, 20_000, "a", "z")];
        let mut shape = shape(4, [(2, five()), (3, tables), (4, deeper)]);
        shape.levels[2].cursor = Some(Bytes::from_static(b"h"));
        shape
    };
    // The third table's turn, i–k.
    let cases: [(&[Span], &[u64]); 9] = [
        (&[(21, "a", "b"), (22, "x", "y")], &[]),
        (&[(21, "a", "h"), (22, "l", "y")], &[]),
        (&[(21, "a", "i"), (22, "k", "y")], &[21, 22]),
        (&[(21, "a", "hz"), (22, "ka", "y")], &[]),
        (&[(21, "j", "j")], &[21]),
        (&[(21, "a", "z")], &[21]),
        (&[(21, "a", "h"), (22, "i", "k"), (23, "l", "m")], &[22]),
        (&[(21, "a", "i"), (22, "ia", "j"), (23, "jj", "z")], &[21, 22, 23]),
        (&[(21, "a", "d"), (22, "h", "j"), (23, "k", "m"), (24, "n", "p")], &[22, 23]),
    ];
    for (tables, expected) in cases {
        let task: Task = picked(&small(), &below(tables), "level 2 is above its target");
        let along = inputs(&task).get(1).map_or(Vec::new(), |(level, tables)| {
            assert_eq!(*level, 3, "the second level of the inputs is the target: {task:?}");
            tables.clone()
        });
        assert_eq!(inputs(&task)[0], (2, vec![3]), "it is table 3's turn");
        assert_eq!(
            (along, task.target),
            (expected.to_vec(), 3),
            "the chosen table is i–k, the next level is {tables:?}"
        );
        assert!(inputs(&task).len() <= 2, "two levels take part, and none below the target: {task:?}");
    }
}

/// With level 0 go the tables of the base level between the smallest and the greatest of *all* its keys.
///
/// Hint: `Shape::range_of` all tables that go. A table of the base level that lies in a gap between two tables of level
/// 0 must go too: the outputs may span it.
///
/// Book: week2/4-leveled.md#what-goes-along
#[test]
fn what_lies_between_the_tables_of_level_0_goes_along() {
    let level_0 = |tables: [Span; 4]| tables.map(|(id, first, last)| table(id, 10, first, last)).to_vec();
    let tree = |newest_first: [Span; 4]| {
        let last: Vec<TableShape> = [(21, "a", "c"), (22, "e", "g"), (23, "i", "k"), (24, "m", "o"), (25, "q", "s")]
            .map(|(id, first_key, last_key)| table(id, 100, first_key, last_key))
            .to_vec();
        shape(3, [(0, level_0(newest_first)), (3, last)])
    };
    let cases: [([Span; 4], &[u64]); 5] = [
        ([(4, "d", "d"), (3, "d", "d"), (2, "d", "d"), (1, "d", "d")], &[]),
        ([(4, "d", "d"), (3, "f", "f"), (2, "h", "h"), (1, "l", "l")], &[22, 23]),
        ([(4, "l", "l"), (3, "d", "d"), (2, "d", "d"), (1, "d", "d")], &[22, 23]),
        ([(4, "d", "d"), (3, "d", "d"), (2, "d", "d"), (1, "m", "m")], &[22, 23, 24]),
        ([(4, "r", "r"), (3, "d", "d"), (2, "c", "c"), (1, "t", "t")], &[21, 22, 23, 24, 25]),
    ];
    for (newest_first, expected) in cases {
        let task: Task = picked(&small(), &tree(newest_first), "level 0 has 4 tables");
        let mut all = vec![(0, vec![1, 2, 3, 4])];
        if !expected.is_empty() {
            all.push((3, expected.to_vec()));
        }
        assert_eq!((inputs(&task), task.target), (all, 3), "level 0, newest first, is {newest_first:?}");
        assert_eq!(task.cursor, None, "level 0 has no cursor");
    }
}

/// A strategy is a function of the shape: asked again, it gives the same task, and so does an equal one.
///
/// Hint: no counter, no clock, no memory of the last call. The cursor is in the shape.
///
/// Book: week2/4-leveled.md#which-table-the-cursor
#[test]
fn the_same_shape_gives_the_same_task() {
    let (strategy, shape): (Leveled, Shape) = (small(), five_above(Some("c")));
    let first: Task = picked(&strategy, &shape, "level 2 is above its target");
    for _ in 0..3 {
        assert_eq!(picked(&strategy, &shape, "it was due before"), first, "the same strategy, asked again");
    }
    assert_eq!(picked(&small(), &shape.clone(), "it was due before"), first, "another strategy with the same numbers");
}
