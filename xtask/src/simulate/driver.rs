//! Drives a compaction strategy with a workload, on shapes alone: no file, no thread, no clock.
//!
//! `cargo xtask simulate` builds this program against a crate `lsm`, a learner's or the reference, and reads what it
//! prints: a line of JSON for each step. The simulation is exact, only small: its tables are lists of keys, and a merge is
//! a merge. An entry counts 1 KiB, a memtable holds 256 entries, and a table 256 KiB.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use bytes::Bytes;
use lsm::compaction::{
    DropPolicy, Edit, Inputs, Leveled, NoCompaction, Shape, SimpleLeveled, Strategy, TableShape, Task, Tiered,
};
use lsm::whole_key;

const ENTRY_SIZE: u64 = 1 << 10;
const TOMBSTONE_SIZE: u64 = 1 << 6;
const MEMTABLE_ENTRIES: usize = 256;
const TABLE_SIZE: u64 = 256 << 10;
const LEVELS: usize = 6;

/// A strategy that never comes to rest would merge for ever.
const MOST_TASKS_AT_ONCE: usize = 1000;

/// Simulates, and prints each step. The arguments are a strategy, a workload, and how many memtables are flushed.
pub fn run(arguments: &[&str]) -> ExitCode {
    let outcome = match arguments {
        [strategy, workload, flushes] => match (strategy_named(strategy), Workload::named(workload), flushes.parse()) {
            (Some(strategy), Some(workload), Ok(flushes)) => simulate(strategy.as_ref(), workload, flushes),
            _ => Err(format!("no such strategy, workload or number: {strategy} {workload} {flushes}")),
        },
        _ => Err("the arguments are STRATEGY WORKLOAD FLUSHES".to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// The strategies, with their sizes scaled down to the simulation's.
fn strategy_named(name: &str) -> Option<Box<dyn Strategy>> {
    match name {
        "none" => Some(Box::new(NoCompaction)),
        "simple" => Some(Box::new(SimpleLeveled { level_1_size: 1 << 20, ratio: 4, ..SimpleLeveled::default() })),
        "tiered" => Some(Box::new(Tiered::default())),
        "leveled" => Some(Box::new(Leveled { base_size: 1 << 20, ratio: 4, ..Leveled::default() })),
        _ => None,
    }
}

/// Where the next write goes.
struct Workload {
    kind: Kind,
    random: u64,
    writes: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Each key once, in order.
    Sequential,
    /// Keys by chance, of 16,384.
    Random,
    /// The same, and four of five writes go to a fiftieth of the keys.
    Hot,
    /// As random, and every second write is a deletion.
    Deletes,
}

impl Workload {
    const KEYS: u32 = 16_384;

    fn named(name: &str) -> Option<Workload> {
        let kind = match name {
            "sequential" => Kind::Sequential,
            "random" => Kind::Random,
            "hot" => Kind::Hot,
            "deletes" => Kind::Deletes,
            _ => return None,
        };
        Some(Workload { kind, random: 7, writes: 0 })
    }

    /// A key, and whether it is set or deleted.
    fn next(&mut self) -> (u32, bool) {
        self.writes += 1;
        let key = self.below(Self::KEYS);
        match self.kind {
            Kind::Sequential => (self.writes - 1, true),
            Kind::Random => (key, true),
            Kind::Hot => {
                let is_hot = self.below(5) > 0;
                (if is_hot { key / 50 * 50 } else { key }, true)
            }
            Kind::Deletes => (key, self.writes % 2 == 1),
        }
    }

    /// SplitMix64: the same workload each time.
    fn below(&mut self, bound: u32) -> u32 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % u64::from(bound)) as u32
    }
}

/// Keys in order, each set or deleted.
type Entries = BTreeMap<u32, bool>;

/// A tree whose tables are lists of keys.
struct Tree {
    shape: Shape,
    contents: BTreeMap<u64, Entries>,
    next_id: u64,
    /// What a reader would find.
    live: BTreeSet<u32>,
    user_bytes: u64,
    written: u64,
}

fn simulate(strategy: &dyn Strategy, mut workload: Workload, flushes: u32) -> Result<(), String> {
    let mut tree = Tree {
        shape: Shape::new(LEVELS),
        contents: BTreeMap::new(),
        next_id: 1,
        live: BTreeSet::new(),
        user_bytes: 0,
        written: 0,
    };
    for flush in 1..=flushes {
        let mut memtable = Entries::new();
        while memtable.len() < MEMTABLE_ENTRIES {
            let (key, is_set) = workload.next();
            memtable.insert(key, is_set);
            if is_set {
                tree.live.insert(key)
            } else {
                tree.live.remove(&key)
            };
            tree.user_bytes += size_of_entry(is_set);
        }
        tree.flush(memtable);
        tree.print(flush, "flush", &[], 0, 0, 0);
        let mut tasks = 0;
        while let Some(task) = strategy.pick(&tree.shape) {
            tasks += 1;
            if tasks > MOST_TASKS_AT_ONCE {
                return Err(format!("after flush {flush} the strategy does not come to rest; its last task: {task:?}"));
            }
            tree.shape.check(&task).map_err(|error| format!("after flush {flush}: {error}"))?;
            tree.carry_out(flush, &task);
        }
    }
    Ok(())
}

impl Tree {
    fn flush(&mut self, memtable: Entries) {
        let table = self.add(memtable);
        self.written += table.size;
        self.shape = self.shape.apply(&Edit::flush(table, 0));
    }

    fn carry_out(&mut self, flush: u32, task: &Task) {
        let read: u64 = self.shape.tables().filter(|t| task.tables().any(|id| id == t.id)).map(|t| t.size).sum();
        if let Some(edit) = task.trivial_move(&self.shape) {
            self.shape = self.shape.apply(&edit);
            self.print(flush, "move", &task.inputs, task.target, 0, 0);
            return;
        }
        let outputs = self.merge(task);
        let written: u64 = outputs.iter().map(|table| table.size).sum();
        self.written += written;
        let before = std::mem::replace(&mut self.shape, Shape::new(LEVELS));
        self.shape = before.apply(&task.edit(outputs));
        for id in task.tables() {
            self.contents.remove(&id);
        }
        self.print(flush, "merge", &task.inputs, task.target, read, written);
    }

    fn merge(&mut self, task: &Task) -> Vec<TableShape> {
        let mut merged = Entries::new();
        // Older tables first, so that newer entries take their places.
        for inputs in task.inputs.iter().rev() {
            let ids = self.shape.levels[inputs.level].ids();
            for id in ids.iter().rev().filter(|id| inputs.tables.contains(id)) {
                merged.extend(self.contents[id].iter().map(|(key, is_set)| (*key, *is_set)));
            }
        }
        let shape = self.shape.clone();
        let mut policy = DropPolicy::new(&shape, task.target, whole_key);
        merged.retain(|key, is_set| policy.keeps(&encode(*key), is_set.then_some(&[][..])));
        let mut outputs = Vec::new();
        let mut output = Entries::new();
        for (key, is_set) in merged {
            output.insert(key, is_set);
            if size_of(&output) >= TABLE_SIZE {
                outputs.push(self.add(std::mem::take(&mut output)));
            }
        }
        if !output.is_empty() {
            outputs.push(self.add(output));
        }
        outputs
    }

    fn add(&mut self, entries: Entries) -> TableShape {
        let id = self.next_id;
        self.next_id += 1;
        let key = |entry: Option<(&u32, &bool)>| Bytes::from(encode(entry.map_or(0, |(key, _)| *key)));
        let table = TableShape {
            id,
            size: size_of(&entries),
            entries: entries.len() as u64,
            tombstones: entries.values().filter(|is_set| !**is_set).count() as u64,
            first_key: key(entries.first_key_value()),
            last_key: key(entries.last_key_value()),
        };
        self.contents.insert(id, entries);
        table
    }

    /// A line of JSON: what happened, and what the tree looks like now.
    fn print(&self, flush: u32, action: &str, inputs: &[Inputs], target: usize, read: u64, written: u64) {
        let from: Vec<String> = inputs
            .iter()
            .filter(|i| !i.tables.is_empty())
            .map(|i| format!("[{},{}]", i.level, i.tables.len()))
            .collect();
        let levels: Vec<String> =
            self.shape.levels.iter().map(|l| format!("[{},{}]", l.tables.len(), l.size())).collect();
        println!(
            "{{\"flush\":{flush},\"action\":\"{action}\",\"from\":[{}],\"target\":{target},\"read\":{read},\
             \"written\":{written},\"levels\":[{}],\"user_bytes\":{},\"total_written\":{},\"live_bytes\":{}}}",
            from.join(","),
            levels.join(","),
            self.user_bytes,
            self.written,
            self.live.len() as u64 * ENTRY_SIZE,
        );
    }
}

fn size_of(entries: &Entries) -> u64 {
    entries.values().map(|is_set| size_of_entry(*is_set)).sum()
}

fn size_of_entry(is_set: bool) -> u64 {
    if is_set { ENTRY_SIZE } else { TOMBSTONE_SIZE }
}

fn encode(key: u32) -> Vec<u8> {
    key.to_be_bytes().to_vec()
}
