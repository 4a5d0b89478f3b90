//! Prints picks, steps and costs of tiered compaction, for chapter 2.3.

use bytes::Bytes;
use lsm::compaction::{Edit, Shape, SimpleLeveled, Strategy, TableShape, Tiered};

fn main() {
    println!("== space ==");
    print_picks(&[
        (&[10], &[50, 600, 1540, 0, 1100]),
        (&[9], &[50, 600, 1540, 0, 1100]),
        (&[10], &[500, 0, 900, 0, 100_000]),
    ]);
    println!("== ratio ==");
    print_picks(&[
        (&[], &[100, 110, 900, 9000, 80_000]),
        (&[], &[100, 111, 900, 9000, 80_000]),
        (&[], &[100, 110, 231, 486, 80_000]),
    ]);
    println!("== number ==");
    print_picks(&[
        (&[], &[10, 100, 1000, 9000, 0]),
        (&[], &[10, 100, 1000, 9000, 80_000]),
        (&[10], &[100, 1000, 9000, 80_000, 700_000]),
    ]);
    println!("== widened ==");
    print_picks(&[
        (&[9, 9, 30, 300], &[0, 0, 900, 0, 9000]),
        (&[9, 9], &[500, 0, 0, 0, 9000]),
        (&[9, 9], &[500, 0, 520, 0, 9000]),
        (&[10], &[0, 100, 0, 121, 9000]),
        (&[10], &[0, 100, 0, 122, 9000]),
    ]);
    println!("== steps ==");
    print_steps();
    println!("== costs ==");
    print_costs();
}

fn strategy() -> Tiered {
    Tiered { max_runs: 4, max_space_amplification: 200, size_ratio: 10, max_level_0_tables: 8 }
}

fn table(id: u64, size: u64) -> TableShape {
    let (first_key, last_key) = (Bytes::from_static(b"a"), Bytes::from_static(b"z"));
    TableShape { id, size, entries: size, tombstones: 0, first_key, last_key }
}

/// Trees with tables of these sizes, and what is merged in each. Only level 0 has several tables.
fn print_picks(trees: &[(&[u64], &[u64])]) {
    let columns: String = (1..=trees[0].1.len()).map(|level| format!("{:<9}", format!("level {level}"))).collect();
    println!("{:<14}{columns}merged", "level 0");
    for (level_0, below) in trees {
        let mut shape = Shape::new(below.len());
        let mut ids = 1..;
        let mut make = |size: &u64| ids.next().map(|id| table(id, *size));
        shape.levels[0].tables = level_0.iter().filter_map(&mut make).collect();
        for (level, size) in shape.levels[1..].iter_mut().zip(*below).filter(|(_, size)| **size > 0) {
            level.tables = make(size).into_iter().collect();
        }
        let task = strategy().pick(&shape).expect("four runs");
        let count: usize = task.inputs.iter().map(|inputs| inputs.tables.len()).sum();
        println!("{}{count} runs into level {}", sizes(&shape), task.target);
    }
}

fn sizes(shape: &Shape) -> String {
    let flushed: Vec<String> = shape.levels[0].tables.iter().map(|table| table.size.to_string()).collect();
    let mut line = format!("{:<14}", if flushed.is_empty() { "-".to_string() } else { flushed.join(" ") });
    for level in &shape.levels[1..] {
        line += &match level.size() {
            0 => format!("{:<9}", "-"),
            size => format!("{size:<9}"),
        };
    }
    line.trim_end().to_string() + &" ".repeat(line.len() - line.trim_end().len())
}

/// A tree on paper that takes flushes of 10 bytes, all of them new keys.
struct Paper {
    shape: Shape,
    next_id: u64,
    written: u64,
    most_runs: usize,
}

impl Paper {
    fn new() -> Paper {
        Paper { shape: Shape::new(6), next_id: 1, written: 0, most_runs: 0 }
    }

    fn new_table(&mut self, size: u64) -> TableShape {
        self.next_id += 1;
        table(self.next_id, size)
    }

    fn flush(&mut self) {
        let table = self.new_table(10);
        self.shape = self.shape.apply(&Edit::flush(table, 0));
    }

    /// Carries out what the strategy picks, until it is content. Gives how many tasks that were.
    fn settle(&mut self, strategy: &dyn Strategy) -> usize {
        for picked in 0.. {
            let Some(task) = strategy.pick(&self.shape) else { return picked };
            let edit = task.trivial_move(&self.shape).unwrap_or_else(|| {
                let inputs = task.inputs.iter().map(|inputs| self.shape.levels[inputs.level].size());
                let size = inputs.sum();
                self.written += size;
                task.edit(vec![self.new_table(size)])
            });
            self.shape = self.shape.apply(&edit);
        }
        0
    }

    fn note_runs(&mut self) {
        let below = self.shape.levels[1..].iter().filter(|level| !level.tables.is_empty()).count();
        self.most_runs = self.most_runs.max(self.shape.levels[0].tables.len() + below);
    }
}

fn print_steps() {
    let mut paper = Paper::new();
    let columns: String = (1..=6).map(|level| format!("{:<9}", format!("level {level}"))).collect();
    println!("{:<11}{:<14}{}", "", "level 0", columns.trim_end());
    for flush in 1..=20 {
        paper.flush();
        let before = sizes(&paper.shape);
        if paper.settle(&strategy()) > 0 {
            println!("{:<11}{}", format!("flush {flush}"), before.trim_end());
            println!("{:<11}{}", "  merge", sizes(&paper.shape).trim_end());
        }
    }
    println!("flushed {} bytes, merges wrote {}", 20 * 10, paper.written);
}

/// What a thousand flushes cost, by the number of runs that begin a merge.
fn print_costs() {
    println!("{:<24}{:<28}runs at rest, at most", "", "bytes merged a byte flushed");
    let measure = |name: String, strategy: &dyn Strategy| {
        let mut paper = Paper::new();
        for _ in 0..1000 {
            paper.flush();
            paper.settle(strategy);
            paper.note_runs();
        }
        println!("{name:<24}{:<28.1}{}", paper.written as f64 / 10_000.0, paper.most_runs);
    };
    for max_runs in [2, 3, 4, 6, 8, 12, 16] {
        measure(format!("tiered, max_runs {max_runs}"), &Tiered { max_runs, ..Tiered::default() });
    }
    let simple = SimpleLeveled { level_1_size: 160, ..SimpleLeveled::default() };
    measure("simple, ratio 4".to_string(), &simple);
}
