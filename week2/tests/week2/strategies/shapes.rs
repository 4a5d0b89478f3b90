//! Shapes made by hand, and tasks compared with what was expected of them.

use bytes::Bytes;
use lsm::compaction::{Inputs, LevelShape, Shape, Strategy, TableShape, Task};

/// A table without tombstones.
pub fn table(id: u64, size: u64, first_key: &str, last_key: &str) -> TableShape {
    TableShape {
        id,
        size,
        entries: size,
        tombstones: 0,
        first_key: Bytes::copy_from_slice(first_key.as_bytes()),
        last_key: Bytes::copy_from_slice(last_key.as_bytes()),
    }
}

/// The tables of each level, level 0 first.
pub fn shape(levels: &[Vec<TableShape>]) -> Shape {
    let levels = levels.iter().map(|tables| LevelShape { tables: tables.clone(), cursor: None });
    Shape { levels: levels.collect() }
}

/// A tree whose tables have these sizes. Their ids count from 1, in the order they are written here. All tables of
/// level 0 overlap everything; in the other levels each has keys of its own.
pub fn tree(sizes: &[&[u64]]) -> Shape {
    let mut id = 0;
    let mut levels = Vec::new();
    for (level, sizes) in sizes.iter().enumerate() {
        let mut tables = Vec::new();
        for (at, size) in sizes.iter().enumerate() {
            id += 1;
            let (first, last) = match level {
                0 => ("a".to_string(), "z".to_string()),
                _ => (format!("k{at:04}"), format!("k{at:04}x")),
            };
            tables.push(table(id, *size, &first, &last));
        }
        levels.push(tables);
    }
    shape(&levels)
}

/// A tree in a few lines, for messages.
pub fn drawing(shape: &Shape) -> String {
    let of_table = |table: &TableShape| {
        let dead = if table.tombstones > 0 { ", with tombstones" } else { "" };
        let (first, last) = (table.first_key.escape_ascii(), table.last_key.escape_ascii());
        format!("table {}: {} bytes, {first} to {last}{dead}", table.id, table.size)
    };
    let of_level = |(number, level): (usize, &LevelShape)| {
        let tables: Vec<String> = level.tables.iter().map(of_table).collect();
        format!("  level {number}: [{}]", tables.join("; "))
    };
    shape.levels.iter().enumerate().map(of_level).collect::<Vec<_>>().join("\n")
}

/// A task without what may differ: inputs of no table, and the order of the tables within a level.
fn plain(task: Task) -> Task {
    let mut inputs: Vec<Inputs> = task.inputs.into_iter().filter(|inputs| !inputs.tables.is_empty()).collect();
    inputs.iter_mut().for_each(|inputs| inputs.tables.sort_unstable());
    Task { inputs, ..task }
}

/// All tables of these levels, to be merged into `target`.
pub fn whole(shape: &Shape, levels: &[usize], target: usize) -> Task {
    let of_level = |level: &usize| Inputs { level: *level, tables: shape.levels[*level].ids() };
    Task { inputs: levels.iter().map(of_level).collect(), target, cursor: None }
}

/// Demands that the strategy picks exactly this.
pub fn check_picks(strategy: &dyn Strategy, shape: &Shape, expected: Option<Task>, why: &str) {
    let found: Option<Task> = strategy.pick(shape);
    if let Some(task) = &found {
        let checked: lsm::Result<()> = shape.check(task);
        checked.unwrap_or_else(|error| panic!("{why}: the task breaks the tree's rule: {error}\n{}", drawing(shape)));
    }
    let (found, expected) = (found.map(plain), expected.map(plain));
    assert!(
        found == expected,
        "{why}.\n{strategy:?}\n{}\n  expected: {}\n  found:    {}",
        drawing(shape),
        in_words(&expected),
        in_words(&found)
    );
}

/// Demands that the strategy picks all of these levels, for `target`.
pub fn check_merges(strategy: &dyn Strategy, shape: &Shape, levels: &[usize], target: usize, why: &str) {
    check_picks(strategy, shape, Some(whole(shape, levels, target)), why);
}

/// Demands that the strategy sees nothing to do.
pub fn check_rests(strategy: &dyn Strategy, shape: &Shape, why: &str) {
    check_picks(strategy, shape, None, why);
}

fn in_words(task: &Option<Task>) -> String {
    let Some(task) = task else { return "no task".to_string() };
    let inputs = task.inputs.iter().map(|inputs| format!("tables {:?} of level {}", inputs.tables, inputs.level));
    let cursor = task.cursor.as_ref().map_or(String::new(), |cursor| format!(", cursor {cursor:?}"));
    format!("{} into level {}{cursor}", inputs.collect::<Vec<_>>().join(" and "), task.target)
}
