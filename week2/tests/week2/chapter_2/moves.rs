//! Tasks whose tables only have to move, on shapes made by hand.

use bytes::Bytes;
use lsm::compaction::{Edit, Inputs, Shape, TableShape, Task};

use crate::strategies::shapes::{drawing, shape, table, whole};

/// A table of level `from` with tombstones.
fn with_tombstones(id: u64, first_key: &str, last_key: &str) -> TableShape {
    TableShape { tombstones: 2, ..table(id, 10, first_key, last_key) }
}

/// Demands that the task is a move of exactly these tables.
fn check_moves(shape: &Shape, task: &Task, ids: &[u64], why: &str) {
    shape.check(task).expect("the task of a test keeps the tree's rule");
    let found: Option<Edit> = task.trivial_move(shape);
    let Some(mut edit) = found else {
        panic!("{why}: the tables only have to move, but trivial_move gives None\n{}\n{task:?}", drawing(shape))
    };
    // In which order they are named is open.
    edit.removed.sort_unstable();
    edit.added.sort_by_key(|(_, table)| table.id);
    let mut tables: Vec<TableShape> = shape.tables().filter(|table| ids.contains(&table.id)).cloned().collect();
    tables.sort_by_key(|table| table.id);
    let mut expected: Edit = task.edit(tables);
    expected.removed.sort_unstable();
    assert_eq!(edit, expected, "{why}: the edit removes each table, and adds each as it is to the target");
}

/// Demands that the task has to be carried out as a merge.
fn check_merges(shape: &Shape, task: &Task, why: &str) {
    shape.check(task).expect("the task of a test keeps the tree's rule");
    let found: Option<Edit> = task.trivial_move(shape);
    assert_eq!(found, None, "{why}: the tables have to be merged\n{}\n{task:?}", drawing(shape));
}

/// A table above an empty place of the target moves: the edit removes it and adds it to the target, unchanged.
///
/// Hint: `Task::edit`, with the shapes of the inputs as outputs.
///
/// Book: week2/2-simple-leveled.md#task-3-tables-that-only-move
#[test]
fn a_table_that_overlaps_nothing_moves() {
    let one = vec![table(1, 10, "a", "f")];
    let above = shape(&[vec![], one.clone(), vec![table(2, 10, "k", "p")], vec![table(3, 10, "a", "z")]]);
    let only_one = Task { inputs: vec![Inputs { level: 1, tables: vec![1] }], target: 2, cursor: None };
    check_moves(&above, &only_one, &[1], "level 2 has nothing between a and f");
    let empty = shape(&[vec![], one, vec![], vec![]]);
    check_moves(&empty, &whole(&empty, &[1], 2), &[1], "level 2 is empty");
    check_moves(&empty, &whole(&empty, &[1], 3), &[1], "level 3 is empty, and so is level 2 on the way");
}

/// After the move the tables are in the target, in key order, and the others are where they were.
///
/// Hint: an id that an edit removes and adds is taken out of its level first, then put into its new one.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn a_moved_table_is_in_its_new_level_alone() {
    let level_0 = vec![table(7, 10, "s", "u"), table(5, 10, "e", "f"), table(6, 10, "g", "h")];
    let before = shape(&[level_0, vec![table(1, 10, "c", "d"), table(2, 10, "w", "x")], vec![table(3, 10, "a", "z")]]);
    let task = Task { inputs: vec![Inputs { level: 0, tables: vec![7, 5, 6] }], target: 1, cursor: None };
    check_moves(
        &before,
        &task,
        &[5, 6, 7],
        "no two tables of level 0 overlap, and level 1 has nothing between e and u",
    );
    let edit: Edit = task.trivial_move(&before).expect("a move");
    let after: Shape = before.apply(&edit);
    let levels: Vec<Vec<u64>> = after.levels.iter().map(|level| level.ids()).collect();
    assert_eq!(levels, [vec![], vec![1, 5, 6, 7, 2], vec![3]], "the ids of each level after the move");
}

/// Tables of level 0 that overlap do not move: a level below has at most one entry of a key.
///
/// Hint: sort them by their first keys. Two neighbours overlap unless one ends before the next begins.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn tables_that_overlap_each_other_are_merged() {
    let overlapping = [
        ("two that share some keys", vec![table(2, 10, "c", "k"), table(1, 10, "a", "e")]),
        ("two that share one key", vec![table(2, 10, "e", "k"), table(1, 10, "a", "e")]),
        ("one inside the other", vec![table(2, 10, "c", "d"), table(1, 10, "a", "k")]),
        (
            "the newest and the oldest of three",
            vec![table(3, 10, "a", "e"), table(2, 10, "p", "q"), table(1, 10, "d", "f")],
        ),
        (
            "the first and the last in key order",
            vec![table(3, 10, "a", "q"), table(2, 10, "c", "d"), table(1, 10, "p", "r")],
        ),
        ("the same key alone", vec![table(2, 10, "a", "a"), table(1, 10, "a", "a")]),
    ];
    for (why, level_0) in overlapping {
        let shape = shape(&[level_0, vec![], vec![]]);
        check_merges(&shape, &whole(&shape, &[0], 1), why);
    }
    let apart = shape(&[vec![table(2, 10, "f", "k"), table(1, 10, "a", "e")], vec![], vec![]]);
    check_moves(&apart, &whole(&apart, &[0], 1), &[1, 2], "one ends at e, the other begins at f");
}

/// Inputs of two levels are merged, even where their tables are apart. An input without a table is none.
///
/// Hint: leave out inputs of no table; then there must be one left, above the target.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn inputs_of_two_levels_are_merged() {
    let two = shape(&[vec![table(2, 10, "f", "k")], vec![table(1, 10, "a", "e")], vec![]]);
    check_merges(&two, &whole(&two, &[0, 1], 1), "levels 0 and 1 into level 1");
    check_merges(&two, &whole(&two, &[0, 1], 2), "levels 0 and 1 into level 2");
    let one = shape(&[vec![table(2, 10, "f", "k")], vec![], vec![]]);
    check_moves(&one, &whole(&one, &[0, 1], 1), &[2], "level 1 is named, and has no table");
    let lower = shape(&[vec![], vec![table(2, 10, "f", "k")], vec![]]);
    check_moves(&lower, &whole(&lower, &[0, 1, 2], 2), &[2], "levels 0 and 2 are named, and have no table");
}

/// A task on the target's own tables is a merge: it is asked for to rewrite them.
///
/// Hint: the inputs' level is above the target, or it is not a move.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn tables_of_the_target_do_not_move() {
    let full = shape(&[vec![], vec![], vec![table(1, 10, "a", "e"), table(2, 10, "f", "k")]]);
    check_merges(&full, &whole(&full, &[2], 2), "level 2 into level 2");
}

/// Tombstones at the bottom do not move: a merge would drop them, and their space with them.
///
/// Hint: `TableShape::tombstones`, and what overlaps in the levels below the target.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn tombstones_are_not_carried_to_the_bottom() {
    let dead = || vec![with_tombstones(1, "f", "k")];
    let bottom = shape(&[vec![], dead(), vec![]]);
    check_merges(&bottom, &whole(&bottom, &[1], 2), "nothing lies below level 2");
    let upper = shape(&[dead(), vec![], vec![], vec![]]);
    check_merges(&upper, &whole(&upper, &[0], 1), "levels 2 and 3 have nothing that the tombstones could hide");
    let beside = shape(&[dead(), vec![], vec![table(2, 10, "a", "e")], vec![table(3, 10, "l", "z")]]);
    check_merges(&beside, &whole(&beside, &[0], 1), "levels 2 and 3 have nothing between f and k");
    let alive = shape(&[vec![], vec![table(1, 10, "f", "k")], vec![]]);
    check_moves(&alive, &whole(&alive, &[1], 2), &[1], "the same table without tombstones");
}

/// Where something below the target overlaps, a merge would keep the tombstones too: the table moves.
///
/// Hint: any level below the target will do, not just the next.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn tombstones_that_may_hide_something_move() {
    let dead = || vec![with_tombstones(1, "f", "k")];
    for (why, older) in [
        ("the whole range", table(2, 10, "a", "z")),
        ("a part", table(2, 10, "g", "h")),
        ("the last key", table(2, 10, "k", "z")),
        ("the first key", table(2, 10, "a", "f")),
    ] {
        let next = shape(&[dead(), vec![], vec![older.clone()]]);
        check_moves(&next, &whole(&next, &[0], 1), &[1], &format!("level 2 overlaps: {why}"));
        let deeper = shape(&[dead(), vec![], vec![], vec![], vec![older]]);
        check_moves(&deeper, &whole(&deeper, &[0], 1), &[1], &format!("level 4 overlaps: {why}"));
    }
}

/// Each table is looked at alone: one with tombstones that hide nothing is enough for a merge.
///
/// Hint: all tables without tombstones, or with something older below *them*.
///
/// Book: week2/2-simple-leveled.md#tables-that-only-move
#[test]
fn one_table_with_useless_tombstones_is_enough_for_a_merge() {
    let hides = with_tombstones(2, "m", "p");
    let hides_nothing = with_tombstones(3, "a", "c");
    let below = vec![table(9, 10, "n", "o")];
    let mixed = shape(&[vec![hides_nothing, hides.clone()], vec![], below.clone()]);
    check_merges(&mixed, &whole(&mixed, &[0], 1), "table 2 may hide something in table 9, table 3 hides nothing");
    let useful = shape(&[vec![table(3, 10, "a", "c"), hides], vec![], below]);
    check_moves(&useful, &whole(&useful, &[0], 1), &[2, 3], "table 2 may hide something, table 3 has no tombstone");
}

/// A move keeps the task's cursor, as a merge does.
///
/// Hint: `Task::edit` copies it.
///
/// Book: week2/2-simple-leveled.md#task-3-tables-that-only-move
#[test]
fn a_move_keeps_the_cursor() {
    let one = shape(&[vec![], vec![table(1, 10, "a", "f"), table(2, 10, "g", "h")], vec![]]);
    let cursor: Option<(usize, Bytes)> = Some((1, Bytes::from_static(b"f")));
    let task = Task { inputs: vec![Inputs { level: 1, tables: vec![1] }], target: 2, cursor: cursor.clone() };
    check_moves(&one, &task, &[1], "one table of level 1");
    assert_eq!(task.trivial_move(&one).expect("a move").cursor, cursor, "the edit's cursor");
}
