//! Prints limits, steps and moves of simple leveled compaction, for chapter 2.2.

use bytes::Bytes;
use lsm::compaction::{Edit, Inputs, LevelShape, Shape, SimpleLeveled, Strategy, TableShape, Task};

fn main() {
    println!("== limits ==");
    print_limits();
    println!("== picks ==");
    print_picks();
    println!("== steps ==");
    print_steps();
    println!("== moves ==");
    print_moves();
}

fn print_limits() {
    let strategy = SimpleLeveled::default();
    println!("level 0   {} tables", strategy.level_0_tables);
    for level in 1..6 {
        println!("level {level}   {:>6} MiB", strategy.limit(level) >> 20);
    }
    println!("level 6   no limit: the last level");
}

fn strategy() -> SimpleLeveled {
    SimpleLeveled { level_0_tables: 3, level_1_size: 100, ratio: 3, max_level_0_tables: 6 }
}

fn table(id: u64, size: u64, first_key: &str, last_key: &str, tombstones: u64) -> TableShape {
    let (first_key, last_key) =
        (Bytes::copy_from_slice(first_key.as_bytes()), Bytes::copy_from_slice(last_key.as_bytes()));
    TableShape { id, size, entries: size, tombstones, first_key, last_key }
}

/// A tree with tables of these sizes. Only level 0 has several.
fn tree(level_0: &[u64], below: &[u64]) -> Shape {
    let mut shape = Shape::new(below.len());
    let mut ids = 1..;
    let mut make = |size: &u64| ids.next().map(|id| table(id, *size, "a", "z", 0));
    shape.levels[0].tables = level_0.iter().filter_map(&mut make).collect();
    for (level, size) in shape.levels[1..].iter_mut().zip(below).filter(|(_, size)| **size > 0) {
        level.tables = make(size).into_iter().collect();
    }
    shape
}

/// The bytes of each level; of level 0, of each table.
fn sizes(shape: &Shape) -> String {
    let flushed: Vec<String> = shape.levels[0].tables.iter().map(|table| table.size.to_string()).collect();
    let mut line = format!("{:<15}", if flushed.is_empty() { "-".to_string() } else { flushed.join(" ") });
    for level in &shape.levels[1..] {
        line += &match level.size() {
            0 => format!("{:<10}", "-"),
            size => format!("{size:<10}"),
        };
    }
    line
}

fn in_words(task: &Option<Task>) -> String {
    task.as_ref().map_or("nothing".to_string(), |task| format!("level {} into level {}", task.target - 1, task.target))
}

fn print_picks() {
    println!("level 0        level 1   level 2   level 3   picked");
    for (level_0, below) in [
        (&[30, 30][..], [100, 300, 5000]),
        (&[1, 1, 1], [100, 300, 5000]),
        (&[30, 30], [101, 300, 5000]),
        (&[30, 30], [100, 301, 5000]),
        (&[30, 30], [101, 900, 5000]),
        (&[1, 1, 1], [400, 900, 5000]),
    ] {
        let shape = tree(level_0, &below);
        println!("{}{}", sizes(&shape), in_words(&strategy().pick(&shape)));
    }
}

/// Flushes of 20 bytes, all of them new keys.
fn print_steps() {
    let mut shape = Shape::new(3);
    let (mut ids, mut written) = (1.., 0);
    let mut new_table = |size| table(ids.next().expect("an id"), size, "a", "z", 0);
    println!("               level 0        level 1   level 2   level 3");
    println!("limit          3 tables       100       300       none");
    for flush in 1..=24 {
        shape = shape.apply(&Edit::flush(new_table(20), 0));
        if flush <= 3 || flush % 3 == 0 {
            println!("{:<15}{}", format!("flush {flush}"), sizes(&shape));
        }
        while let Some(task) = strategy().pick(&shape) {
            let edit = task.trivial_move(&shape);
            let what = if edit.is_some() { "  move" } else { "  merge" };
            let edit = edit.unwrap_or_else(|| {
                let size = task.inputs.iter().map(|inputs| shape.levels[inputs.level].size()).sum();
                written += size;
                task.edit(vec![new_table(size)])
            });
            shape = shape.apply(&edit);
            println!("{:<15}{}", what, sizes(&shape));
        }
    }
    println!("flushed {} bytes, merges wrote {written}", 24 * 20);
}

/// Tasks, and whether they only move tables.
fn print_moves() {
    let level = |tables: &[TableShape]| LevelShape { tables: tables.to_vec(), cursor: None };
    let alive = |id, first, last| table(id, 10, first, last, 0);
    let dead = |id, first, last| table(id, 10, first, last, 1);
    let cases = [
        ("[a f]", level(&[]), level(&[alive(1, "a", "f")]), level(&[])),
        ("[f k] and [a e]", level(&[alive(2, "f", "k"), alive(1, "a", "e")]), level(&[]), level(&[])),
        ("[c k] and [a e]", level(&[alive(2, "c", "k"), alive(1, "a", "e")]), level(&[]), level(&[])),
        ("[a ×b f]", level(&[dead(1, "a", "f")]), level(&[]), level(&[])),
        ("[a ×b f]", level(&[dead(1, "a", "f")]), level(&[]), level(&[alive(2, "g", "z")])),
        ("[a ×b f]", level(&[dead(1, "a", "f")]), level(&[]), level(&[alive(2, "e", "z")])),
    ];
    println!("goes down          below the target   outcome");
    for (what, level_0, level_1, level_2) in cases {
        let from = if level_0.tables.is_empty() { 1 } else { 0 };
        let below = match (from, level_2.tables.first()) {
            (0, Some(table)) => format!("[{} {}]", text(&table.first_key), text(&table.last_key)),
            _ => "nothing".to_string(),
        };
        let shape = Shape { levels: vec![level_0, level_1, level_2] };
        let inputs = vec![Inputs { level: from, tables: shape.levels[from].ids() }];
        let task = Task { inputs, target: from + 1, cursor: None };
        let moves = if task.trivial_move(&shape).is_some() { "moves" } else { "is merged" };
        println!("{what:<19}{below:<19}{moves}");
    }
}

fn text(key: &Bytes) -> String {
    String::from_utf8_lossy(key).into_owned()
}
