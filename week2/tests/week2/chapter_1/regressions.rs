//! What holds without this chapter's work: what is given, and what earlier chapters do.

use bytes::Bytes;
use lsm::Error;
use lsm::compaction::{Edit, NoCompaction, Shape, Strategy, TableShape, Task};
use lsm::disk::SimDisk;

use super::fixture::{Workbench, contents, entries, first_four, flush, manual, open, table_shape, task, tree};

/// `check` accepts a task that keeps the tree's rule.
///
/// Hint: it is given.
///
/// Book: week2/1-compaction.md#one-rule
#[test]
fn tasks_that_keep_the_rule_are_accepted() {
    let shape: Shape = tree(&["9:m-p 7:c-x 5:a-b", "1:a-f 2:g-n 3:p-z", "4:e-h", ""]);
    type Case<'a> = (&'a [(usize, &'a [u64])], usize);
    let cases: [Case<'_>; 6] = [
        (&[(0, &[9, 7, 5]), (1, &[1, 2, 3])], 1),
        (&[(0, &[7]), (1, &[1, 2, 3])], 1),
        (&[(0, &[5]), (1, &[1])], 1),
        (&[(1, &[3])], 2),
        (&[(1, &[1, 2]), (2, &[4])], 3),
        (&[(2, &[4])], 2),
    ];
    for (inputs, target) in cases {
        shape.check(&task(inputs, target)).unwrap_or_else(|error| panic!("{inputs:?} into level {target}: {error}"));
    }
}

/// `check` refuses a task that would put newer entries below older ones, let two tables of a level overlap, or that
/// names what is not there.
///
/// Hint: it is given.
///
/// Book: week2/1-compaction.md#one-rule
#[test]
fn tasks_that_break_the_rule_are_refused() {
    let shape: Shape = tree(&["9:m-p 7:c-x 5:a-d", "1:a-f 2:g-n 3:p-z", "4:e-h", ""]);
    type Case<'a> = (&'a str, &'a [(usize, &'a [u64])], usize);
    let cases: [Case<'_>; 9] = [
        ("an older table of level 0 is left behind", &[(0, &[7]), (1, &[1, 2, 3])], 1),
        ("a table of the target overlaps", &[(0, &[5])], 1),
        ("a table of the target lies between the inputs", &[(0, &[9, 7, 5]), (1, &[1, 3])], 1),
        ("a table on the way is left behind", &[(1, &[1])], 3),
        ("a table that is not there", &[(1, &[8])], 2),
        ("a table of another level", &[(1, &[4])], 2),
        ("level 0 as the target", &[(0, &[9])], 0),
        ("a target above the inputs", &[(2, &[4])], 1),
        ("no table at all", &[(1, &[])], 2),
    ];
    for (what, inputs, target) in cases {
        let outcome: Result<(), Error> = shape.check(&task(inputs, target));
        assert!(
            matches!(outcome, Err(Error::InvalidInput(_))),
            "{what}: {inputs:?} into level {target} gives {outcome:?}"
        );
    }
    let outcome: Result<(), Error> = shape.check(&task(&[(0, &[9, 7, 5])], 4));
    assert!(matches!(outcome, Err(Error::InvalidInput(_))), "a level that does not exist gives {outcome:?}");
    for level in [0, 3] {
        let mut with_cursor: Task = task(&[(1, &[3])], 2);
        with_cursor.cursor = Some((level, Bytes::from_static(b"z")));
        let outcome: Result<(), Error> = shape.check(&with_cursor);
        assert!(matches!(outcome, Err(Error::InvalidInput(_))), "a cursor of level {level} gives {outcome:?}");
    }
}

/// A table's shape has its user keys.
///
/// Hint: it is given.
///
/// Book: week2/1-compaction.md#one-rule
#[test]
fn a_tables_shape_is_in_user_keys() {
    let bench = Workbench::with(|options| options.user_part = first_four);
    let table = bench.table(&entries("aaaa1=1 aaaa2=× bbbb7=2"));
    let found: TableShape = TableShape::of(&table, first_four);
    let mut expected: TableShape = table_shape("1:aaaa-bbbb×");
    (expected.size, expected.entries) = (table.size(), 3);
    assert_eq!(found, expected, "the shape of a table whose user keys are 4 bytes");
}

/// `NoCompaction` never has a task; what flushes write is what `Edit::flush` says.
///
/// Hint: both are given.
///
/// Book: week2/1-compaction.md#task-1-the-shape
#[test]
fn given_values_are_what_they_say() {
    assert_eq!(NoCompaction.pick(&tree(&["9:a-z 8:a-z 7:a-z", "1:a-f"])), None, "a task of NoCompaction");
    assert_eq!(NoCompaction.level_0_limit(), None, "where writes wait for NoCompaction");
    let edit: Edit = Edit::flush(table_shape("9:a-z"), 4);
    let expected = Edit { added: vec![(0, table_shape("9:a-z"))], flushed_through: 4, ..Edit::default() };
    assert_eq!(edit, expected, "the edit of a flush");
    assert_eq!(Shape::new(0), Shape::default(), "a tree has a level below level 0, whatever was asked for");
}

/// Without a compaction everything stands at level 0, and `shape` shows it.
///
/// Hint: it is given.
///
/// Book: week2/1-compaction.md#levels
#[test]
fn without_a_compaction_everything_is_at_level_0() {
    let disk = SimDisk::new();
    let engine = open(manual(&disk));
    flush(&engine, "a=1 c=1");
    flush(&engine, "b=2 c=×");
    let shape: Shape = engine.shape();
    let tables: Vec<usize> = shape.levels.iter().map(|level| level.tables.len()).collect();
    assert_eq!(tables[0], 2, "tables of level 0: {tables:?}");
    assert!(shape.levels[0].tables[0].id > shape.levels[0].tables[1].id, "the newest table comes first");
    assert_eq!(contents(&engine, "without a compaction"), "a=1 b=2");
}
