//! Measures what the compaction strategies cost, for the appendix on amplification.
//!
//! A thousandth of the default sizes: memtables of 16 KiB, tables of 8 KiB, a base level of 64 KiB, about 1 MiB of live
//! data. After each flush the program waits until the tree has settled, so that each run gives the same numbers.

use std::sync::Arc;
use std::thread;

use lsm::compaction::{Leveled, NoCompaction, Shape, SimpleLeveled, Strategy, Task, Tiered};
use lsm::disk::SimDisk;
use lsm::{Engine, Options, Result, Stats};
use parking_lot::Mutex;

/// Keys of 9 bytes with values of 100: about 16 KiB for each flush.
const FLUSH: u32 = 150;
const KEYS: u32 = 64 * FLUSH;
const VALUE: usize = 100;

fn main() -> Result<()> {
    let mut strategies: Vec<(String, Arc<dyn Strategy>)> = vec![
        ("none".into(), Arc::new(NoCompaction)),
        ("simple, ratio 4".into(), Arc::new(SimpleLeveled { level_1_size: 64 << 10, ..SimpleLeveled::default() })),
        ("tiered, 8 runs".into(), Arc::new(Tiered::default())),
    ];
    for ratio in [4, 10] {
        let leveled = Leveled { base_size: 64 << 10, ratio, ..Leveled::default() };
        strategies.push((format!("leveled, ratio {ratio}"), Arc::new(leveled)));
    }
    let measure_all = |writes: &[u32]| -> Result<Vec<(String, Costs)>> {
        strategies.iter().map(|(name, strategy)| Ok((name.clone(), measure(strategy, writes)?))).collect()
    };
    let runs = measure_all(&random_writes())?;
    println!("== random ==");
    print_costs(&runs);
    println!("== steps ==");
    print_steps(&runs);
    println!("== ascending ==");
    print_costs(&measure_all(&ascending_writes())?);
    Ok(())
}

/// Every key once, in random order, and then four times as many overwrites of random keys.
fn random_writes() -> Vec<u32> {
    let mut random = Random(24);
    let mut keys: Vec<u32> = (0..KEYS).collect();
    for at in (1..keys.len()).rev() {
        keys.swap(at, random.below(at as u32 + 1) as usize);
    }
    keys.extend((0..4 * KEYS).map(|_| random.below(KEYS)));
    keys
}

/// Every key once, from the smallest to the greatest.
fn ascending_writes() -> Vec<u32> {
    (0..KEYS).collect()
}

/// What a run measured.
struct Costs {
    stats: Stats,
    /// In each level, at the end.
    tables: Vec<usize>,
    user_bytes: u64,
    live_bytes: u64,
    /// Bytes in tables when the tree had settled: on average over the last three quarters of all flushes.
    settled_bytes: u64,
    /// The most bytes in tables, while inputs and outputs of a merge are both there.
    most_bytes: u64,
    /// The most bytes that one merge wrote.
    largest_merge: u64,
    /// Tables for a get of a key that is there, and blocks read for it.
    tables_asked: f64,
    blocks_read: f64,
}

fn print_costs(runs: &[(String, Costs)]) {
    println!("                     write      tables     blocks     space      space      largest");
    println!("                                per get    per get    settled    at most    merge");
    for (name, costs) in runs {
        let written = costs.stats.bytes_flushed + costs.stats.bytes_compacted;
        println!(
            "{name:<21}{:<11.2}{:<11.2}{:<11.2}{:<11.2}{:<11.2}{:.2}",
            ratio(written, costs.user_bytes),
            costs.tables_asked,
            costs.blocks_read,
            ratio(costs.settled_bytes, costs.live_bytes),
            ratio(costs.most_bytes, costs.live_bytes),
            ratio(costs.largest_merge, costs.live_bytes),
        );
    }
}

/// The numbers behind the costs.
fn print_steps(runs: &[(String, Costs)]) {
    println!("                     user       flushed    compacted  steps    tables in levels 0, 1, 2, …");
    for (name, costs) in runs {
        println!(
            "{name:<21}{:<11}{:<11}{:<11}{:<9}{:?}",
            kib(costs.user_bytes),
            kib(costs.stats.bytes_flushed),
            kib(costs.stats.bytes_compacted),
            costs.stats.compactions,
            costs.tables,
        );
    }
}

fn measure(strategy: &Arc<dyn Strategy>, writes: &[u32]) -> Result<Costs> {
    let watched = Arc::new(Watched::new(strategy.clone()));
    let engine = open(&watched)?;
    let (user_bytes, settled_bytes) = run(&engine, &watched, writes)?;
    let stats = engine.stats();
    let tables = engine.shape().levels.iter().map(|level| level.tables.len()).collect();
    let gets = 2000;
    let mut random = Random(1);
    for _ in 0..gets {
        engine.get(&key(random.below(KEYS)))?;
    }
    let after = engine.stats();
    let blocks_read = after.blocks_read - stats.blocks_read;
    let tables_asked = blocks_read + after.filter_hits - stats.filter_hits;
    let seen = watched.seen.lock();
    let (most_bytes, largest_merge) = (seen.most_bytes, seen.largest_merge);
    drop(seen);
    // What is left after merging everything is what is live.
    engine.compact()?;
    let live_bytes = engine.stats().table_bytes;
    Ok(Costs {
        stats,
        tables,
        user_bytes,
        live_bytes,
        settled_bytes,
        most_bytes,
        largest_merge,
        tables_asked: ratio(tables_asked, gets),
        blocks_read: ratio(blocks_read, gets),
    })
}

fn open(strategy: &Arc<Watched>) -> Result<Engine> {
    let mut options = Options::manual();
    options.background = true;
    options.strategy = strategy.clone();
    options.table_size = 8 << 10;
    options.block_size = 1 << 10;
    // Without a cache every block that is looked at is read.
    options.cache_size = 0;
    options.disk = Arc::new(SimDisk::new());
    Engine::open("db", options)
}

/// Writes, flushes, and waits, again and again. Gives the bytes that the user wrote, and the average of the bytes in
/// tables.
fn run(engine: &Engine, strategy: &Watched, writes: &[u32]) -> Result<(u64, u64)> {
    let mut settled = Vec::new();
    let mut user_bytes = 0;
    for (round, keys) in writes.chunks(FLUSH as usize).enumerate() {
        for number in keys {
            let (key, value) = (key(*number), [b'a' + (round % 26) as u8; VALUE]);
            engine.put(&key, &value)?;
            user_bytes += (key.len() + value.len()) as u64;
        }
        engine.flush()?;
        strategy.wait_until_settled(engine);
        settled.push(engine.shape().size());
    }
    let counted = &settled[settled.len() / 4..];
    Ok((user_bytes, counted.iter().sum::<u64>() / counted.len() as u64))
}

fn key(number: u32) -> Vec<u8> {
    format!("key{number:06}").into_bytes()
}

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes >> 10)
}

/// A strategy that notes which shapes it was shown.
#[derive(Debug)]
struct Watched {
    strategy: Arc<dyn Strategy>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    shape: Shape,
    has_task: bool,
    most_bytes: u64,
    largest_merge: u64,
}

impl Strategy for Watched {
    fn name(&self) -> &'static str {
        self.strategy.name()
    }

    fn pick(&self, shape: &Shape) -> Option<Task> {
        let task = self.strategy.pick(shape);
        let mut seen = self.seen.lock();
        let is_new = |id: u64| seen.shape.tables().all(|table| table.id != id);
        let written: u64 = shape.tables().filter(|table| is_new(table.id)).map(|table| table.size).sum();
        if written > 0 {
            // Whatever this step took away was still there while it wrote.
            seen.most_bytes = seen.most_bytes.max(seen.shape.size() + written);
            let is_merge = seen.has_task;
            seen.largest_merge = seen.largest_merge.max(if is_merge { written } else { 0 });
        }
        seen.shape = shape.clone();
        seen.has_task = task.is_some();
        task
    }

    fn level_0_limit(&self) -> Option<usize> {
        None
    }
}

impl Watched {
    fn new(strategy: Arc<dyn Strategy>) -> Watched {
        Watched { strategy, seen: Mutex::default() }
    }

    /// Waits until the compactor has seen the tree as it is, and found nothing to do.
    fn wait_until_settled(&self, engine: &Engine) {
        loop {
            let shape = engine.shape();
            let seen = self.seen.lock();
            if seen.shape == shape && !seen.has_task {
                return;
            }
            drop(seen);
            thread::yield_now();
        }
    }
}

/// Numbers that look random and are the same in each run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % u64::from(limit)) as u32
    }
}
