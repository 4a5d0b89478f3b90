//! Prints what a merge keeps, what a compaction asks of the disk, and what it costs and brings, for chapter 2.1.

use std::path::Path;
use std::sync::Arc;

use lsm::compaction::{DropPolicy, Job, Shape};
use lsm::disk::{Operation, SimDisk, Step};
use lsm::table::{Resources, Table, TableBuilder, table_path};
use lsm::{Engine, KeyRange, Options, Result, StorageIterator};

const DIRECTORY: &str = "db";

fn main() -> Result<()> {
    println!("== merge ==");
    merge_into_three_targets()?;
    println!("== tree ==");
    print_tree_around_a_compaction()?;
    println!("== steps ==");
    compact_step_by_step()?;
    println!("== reader ==");
    compact_beside_a_reader()?;
    println!("== costs ==");
    print_costs()
}

fn manual(disk: &SimDisk) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options
}

/// A table of entries that are written "a=1 b=×".
fn table(id: u64, resources: &Arc<Resources>, entries: &str) -> Result<Arc<Table>> {
    let path = table_path(Path::new(DIRECTORY), id);
    let mut builder = TableBuilder::create(&path, resources)?;
    for (key, value) in entries.split_whitespace().filter_map(|entry| entry.split_once('=')) {
        builder.add(key.as_bytes(), (value != "×").then_some(value.as_bytes()))?;
    }
    builder.finish()?;
    Table::open(id, &path, resources)
}

fn text(table: &Arc<Table>) -> Result<String> {
    let mut entries = table.scan(&KeyRange::all())?;
    let mut words = Vec::new();
    while entries.is_valid() {
        let value = entries.value().map_or("×".into(), String::from_utf8_lossy);
        words.push(format!("{}={value}", String::from_utf8_lossy(entries.key())));
        entries.next()?;
    }
    Ok(format!("[{}]", words.join(" ")))
}

/// The same two runs, merged into each level of the same tree.
fn merge_into_three_targets() -> Result<()> {
    let disk = SimDisk::new();
    let resources = Resources::new(manual(&disk));
    let (newer, older) = (table(1, &resources, "a=2 c=× f=× h=3")?, table(2, &resources, "a=1 b=5 c=1 f=9")?);
    let below = [table(3, &resources, "c=0 d=0")?, table(4, &resources, "e=0 g=0")?];
    println!("newer       {}", text(&newer)?);
    println!("older       {}", text(&older)?);
    println!("level 2     {}", text(&below[0])?);
    println!("level 3     {}", text(&below[1])?);
    let mut shape = Shape::new(3);
    for (level, table) in [2, 3].into_iter().zip(&below) {
        shape.levels[level].tables = vec![lsm::compaction::TableShape::of(table, lsm::whole_key)];
    }
    for target in 1..=3 {
        let job = Job {
            directory: Path::new(DIRECTORY),
            resources: &resources,
            runs: vec![vec![newer.clone()], vec![older.clone()]],
            policy: DropPolicy::new(&shape, target, lsm::whole_key),
            take_id: &|| 10 + target as u64,
            is_cancelled: &|| false,
        };
        let outputs = job.run()?.unwrap_or_default();
        println!("into level {target}  {}", text(&outputs[0])?);
    }
    Ok(())
}

/// An engine with two levels below level 0 and tables of an entry or two.
fn small_engine(disk: &SimDisk) -> Result<Arc<Engine>> {
    let mut options = manual(disk);
    options.levels = 2;
    options.block_size = 1;
    options.bits_per_key = 0;
    options.table_size = 50;
    let engine = Arc::new(Engine::open(DIRECTORY, options)?);
    flush(&engine, &[("a", Some("1")), ("b", Some("1")), ("c", Some("1"))])?;
    flush(&engine, &[("b", Some("2")), ("d", Some("2"))])?;
    flush(&engine, &[("a", None), ("e", Some("3"))])?;
    Ok(engine)
}

fn flush(engine: &Engine, entries: &[(&str, Option<&str>)]) -> Result<()> {
    for (key, value) in entries {
        match value {
            Some(value) => engine.put(key.as_bytes(), value.as_bytes())?,
            None => engine.delete(key.as_bytes())?,
        }
    }
    engine.flush()
}

/// Each level's tables with all their entries.
fn print_tree(engine: &Engine, disk: &SimDisk) -> Result<()> {
    let resources = Resources::new(manual(disk));
    for (number, level) in engine.shape().levels.iter().enumerate() {
        let tables = level.tables.iter().map(|shape| {
            let path = table_path(Path::new(DIRECTORY), shape.id);
            text(&Table::open(shape.id, &path, &resources)?)
        });
        let tables = tables.collect::<Result<Vec<_>>>()?.join(" ");
        println!("  level {number}  {}", if tables.is_empty() { "–" } else { &tables });
    }
    Ok(())
}

fn print_tree_around_a_compaction() -> Result<()> {
    let disk = SimDisk::new();
    let engine = small_engine(&disk)?;
    println!("three flushes:");
    print_tree(&engine, &disk)?;
    engine.compact()?;
    println!("compact():");
    print_tree(&engine, &disk)?;
    flush(&engine, &[("c", None), ("d", Some("4"))])?;
    println!("a fourth flush:");
    print_tree(&engine, &disk)?;
    engine.compact()?;
    println!("compact():");
    print_tree(&engine, &disk)
}

/// What a compaction asks of the disk, and how many tables each level has just before.
fn compact_step_by_step() -> Result<()> {
    let disk = SimDisk::new();
    let engine = small_engine(&disk)?;
    println!("{:<16}{:<14}{:>8}{:>8}", "before", "of", "level 0", "level 2");
    let watched = Arc::downgrade(&engine);
    disk.on_operation(move |step: Step<'_>| {
        let is_shown = !matches!(step.operation, Operation::Read | Operation::Length);
        let Some(engine) = watched.upgrade().filter(|_| is_shown && is_of_tables(&step)) else { return };
        print_line(&format!("{:?}", step.operation), name_of(step.path), &engine.shape());
    });
    engine.compact()?;
    print_line("the return", "compact", &engine.shape());
    Ok(())
}

/// From chapter 2.5 on the manifest is written too.
fn is_of_tables(step: &Step<'_>) -> bool {
    name_of(step.path).ends_with(".sst") || step.operation == Operation::SyncDirectory
}

fn print_line(step: &str, of: &str, shape: &Shape) {
    let count = |level: usize| shape.levels[level].tables.len();
    println!("{step:<16}{of:<14}{:>8}{:>8}", count(0), count(2));
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn print_files(when: &str, disk: &SimDisk) {
    let paths = disk.paths();
    let names: Vec<&str> = paths.iter().map(|path| name_of(path)).filter(|name| name.ends_with(".sst")).collect();
    println!("{when:<28}{}", names.join(" "));
}

fn compact_beside_a_reader() -> Result<()> {
    let disk = SimDisk::new();
    let engine = small_engine(&disk)?;
    print_files("before", &disk);
    let scan = engine.scan(..)?;
    engine.compact()?;
    print_files("compacted, a scan is open", &disk);
    drop(scan);
    print_files("the scan is dropped", &disk);
    Ok(())
}

/// Forty flushes of a thousand keys each, out of five thousand: each key is written eight times. Compacted now and then.
fn print_costs() -> Result<()> {
    println!("{:<24}{:>14}{:>15}{:>15}", "full compaction", "bytes written", "tables asked", "bytes on disk");
    println!("{:<24}{:>14}{:>15}{:>15}", "", "a user byte", "a get", "a live byte");
    for every in [0, 20, 10, 5, 2, 1] {
        let disk = SimDisk::new();
        let mut options = manual(&disk);
        options.bits_per_key = 0;
        options.cache_size = 0;
        let engine = Engine::open(DIRECTORY, options)?;
        let (mut asked, mut gets) = (0, 0);
        for round in 1..=40 {
            for number in 0..1000_u64 {
                let key = format!("key{:06}", number * 5 + round % 5);
                engine.put(key.as_bytes(), &[b'v'; 100])?;
            }
            engine.flush()?;
            if every > 0 && round % every == 0 {
                engine.compact()?;
            }
            let before = engine.stats().blocks_read;
            for number in 0..200_u64 {
                // A key that is nowhere: every table whose range covers it is asked.
                engine.get(format!("key{:06}x", number * 24 + 100).as_bytes())?;
            }
            asked += engine.stats().blocks_read - before;
            gets += 200;
        }
        let stats = engine.stats();
        let written = stats.bytes_flushed + stats.bytes_compacted;
        engine.compact()?;
        let live = engine.stats().table_bytes;
        let when = match every {
            0 => "never".to_string(),
            1 => "after each flush".to_string(),
            _ => format!("every {every} flushes"),
        };
        let ratio = |part: u64, whole: u64| part as f64 / whole as f64;
        let user_bytes = 40 * 1000 * (9 + 100);
        let columns = [ratio(written, user_bytes), ratio(asked, gets), ratio(stats.table_bytes, live)];
        println!("{when:<24}{:>14.1}{:>15.1}{:>15.1}", columns[0], columns[1], columns[2]);
    }
    Ok(())
}
