//! Prints targets, scores and the steps of a small tree under leveled compaction, for chapter 2.4.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lsm::compaction::{Edit, Leveled, Shape, Strategy, TableShape, Targets, Task};

const MIB: u64 = 1 << 20;

fn main() {
    println!("== targets ==");
    print_targets();
    println!("== scores ==");
    print_scores();
    println!("== down ==");
    print_down();
    println!("== steps ==");
    print_steps();
}

/// Which levels are used as the last one grows.
fn print_targets() {
    println!("last level    base level    targets of levels 1 to 6, in MiB");
    for last in [10, 64, 65, 640, 650, 3000, 6400, 65_000, 650_000] {
        let targets = Leveled::default().targets(&with_sizes(0, &[0, 0, 0, 0, 0, last * MIB]));
        let shown: String = targets.sizes[1..].iter().map(|size| format!("{:>7}", in_mib(*size))).collect();
        println!("{:<14}{:<10}{shown}", format!("{last} MiB"), targets.base_level);
    }
}

fn print_scores() {
    let strategy = Leveled::default();
    let shape = with_sizes(3, &[0, 0, 0, 20 * MIB, 330 * MIB, 3000 * MIB]);
    let Targets { base_level, sizes } = strategy.targets(&shape);
    println!("level      has         target      score");
    println!("0          3 tables    4 tables    0.75");
    let levels = shape.levels.iter().zip(sizes).enumerate().take(shape.last_level()).skip(base_level);
    for (level, (tables, target)) in levels {
        let score = tables.size() as f64 / target as f64;
        let (size, target) = (format!("{} MiB", tables.size() / MIB), format!("{} MiB", target / MIB));
        println!("{level:<11}{size:<12}{target:<12}{score:.2}");
    }
    println!("6          3000 MiB");
    let task = strategy.pick(&shape).expect("a score is above 1");
    println!("picked: from level {} to level {}", task.inputs[0].level, task.target);
}

/// What happens when the last level is small and a level far up still has tables.
fn print_down() {
    let strategy = Leveled::default();
    for (when, below) in [("before", [0, 0, 5, 60, 600, 6500]), ("after", [0, 0, 5, 60, 600, 10])] {
        let shape = with_sizes(0, &below.map(|mib| mib * MIB));
        let targets = strategy.targets(&shape);
        let shown: Vec<String> = targets.sizes[1..].iter().map(|size| in_mib(*size)).collect();
        let way = strategy.pick(&shape).map(|task| format!("{} to {}", task.inputs[0].level, task.target));
        println!("{when:<8}base level {}, targets {}", targets.base_level, shown.join("  "));
        println!("        picked: {}", way.unwrap_or("nothing".to_string()));
    }
}

fn in_mib(size: u64) -> String {
    match size {
        0 => "–".to_string(),
        _ => format!("{:.2}", size as f64 / MIB as f64).trim_end_matches('0').trim_end_matches('.').to_string(),
    }
}

/// `level_0` tables in level 0, and one table of the given size in each level below that has any.
fn with_sizes(level_0: u64, below: &[u64]) -> Shape {
    let mut shape = Shape::new(below.len());
    let table = |id, size| TableShape {
        id,
        size,
        entries: 1,
        tombstones: 0,
        first_key: Bytes::from_static(b"a"),
        last_key: Bytes::from_static(b"z"),
    };
    shape.levels[0].tables = (1..=level_0).map(|id| table(id, MIB)).collect();
    for (level, size) in (1..).zip(below).filter(|(_, size)| **size > 0) {
        shape.levels[level].tables = vec![table(100 + level as u64, *size)];
    }
    shape
}

/// A tree whose keys are letters, a byte each.
struct Letters {
    strategy: Leveled,
    shape: Shape,
    contents: BTreeMap<u64, String>,
}

/// All letters are in level 2, and then some are written again.
fn print_steps() {
    let strategy = Leveled { level_0_tables: 2, base_size: 9, ratio: 3, max_level_0_tables: 4 };
    let mut tree = Letters { strategy, shape: Shape::new(2), contents: BTreeMap::new() };
    let all: String = ('a'..='z').collect();
    let tables = tree.cut(&all);
    tree.shape =
        tree.shape.apply(&Edit { added: tables.into_iter().map(|table| (2, table)).collect(), ..Edit::default() });
    println!("level 2: {}", tree.draw(2));
    println!("target of level 1: {}", tree.strategy.targets(&tree.shape).sizes[1]);
    println!();
    println!("what                          level 0          level 1                      cursor");
    for letters in ["bkpw", "cgms", "ahqx", "dnru", "eijy", "fltv"] {
        let table = tree.table(letters);
        tree.shape = tree.shape.apply(&Edit::flush(table, 0));
        tree.print(&format!("flush {letters}"));
        while let Some(task) = tree.strategy.pick(&tree.shape) {
            let what = tree.describe(&task);
            let merged: BTreeSet<char> =
                task.tables().flat_map(|id| tree.contents[&id].chars().collect::<Vec<_>>()).collect();
            let outputs = tree.cut(&merged.into_iter().collect::<String>());
            tree.shape = tree.shape.apply(&task.edit(outputs));
            tree.print(&what);
        }
    }
    println!();
    println!("level 2: {}", tree.draw(2));
}

impl Letters {
    fn table(&mut self, letters: &str) -> TableShape {
        let id = self.contents.len() as u64 + 1;
        self.contents.insert(id, letters.to_string());
        let size = letters.len() as u64;
        let (first_key, last_key) = (letters[..1].to_string().into(), letters[letters.len() - 1..].to_string().into());
        TableShape { id, size, entries: size, tombstones: 0, first_key, last_key }
    }

    /// Tables of at most four letters.
    fn cut(&mut self, letters: &str) -> Vec<TableShape> {
        letters.as_bytes().chunks(4).map(|part| self.table(str::from_utf8(part).expect("letters"))).collect()
    }

    fn draw(&self, level: usize) -> String {
        let tables = self.shape.levels[level].ids().into_iter().map(|id| self.contents[&id].as_str());
        tables.collect::<Vec<_>>().join(" ")
    }

    fn describe(&self, task: &Task) -> String {
        let names = |inputs: &[u64]| match inputs {
            [] => "nothing".to_string(),
            _ => inputs.iter().map(|id| self.contents[id].as_str()).collect::<Vec<_>>().join(" "),
        };
        match task.inputs[0].level {
            0 => format!("0 to 1, along: {}", names(&task.inputs[1].tables)),
            _ => format!("{} to 2, along: {}", names(&task.inputs[0].tables), names(&task.inputs[1].tables)),
        }
    }

    fn print(&self, what: &str) {
        let cursor = self.shape.levels[1].cursor.as_ref().map_or("", |cursor| str::from_utf8(cursor).expect("letters"));
        let line = format!("{what:<30}{:<17}{:<29}{cursor}", self.draw(0), self.draw(1));
        println!("{}", line.trim_end());
    }
}
