//! Prints what a flush asks of the disk, step by step, and how back-pressure fills the memtables, for chapter 1.6.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use lsm::disk::{Fault, Operation, SimDisk, Step};
use lsm::{Engine, Options, Result, Stats};
use parking_lot::Mutex;

fn main() -> Result<()> {
    println!("== steps ==");
    flush_step_by_step(None)?;
    println!("== failure ==");
    flush_step_by_step(Some(Operation::SyncDirectory))?;
    println!("== pressure ==");
    fill_while_the_flusher_is_held()
}

/// Flushes three entries, and shows the state before each step. A step may fail.
fn flush_step_by_step(failing: Option<Operation>) -> Result<()> {
    let disk = SimDisk::new();
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    let engine = Arc::new(Engine::open("db", options)?);
    engine.put(b"apple", b"red")?;
    engine.put(b"banana", b"yellow")?;
    engine.delete(b"cherry")?;
    println!("{:<16}{:<12}{:>7}{:>8}", "before", "of", "frozen", "tables");
    let (watched, broken) = (Arc::downgrade(&engine), disk.clone());
    disk.on_operation(move |step: Step<'_>| {
        let Some(engine) = watched.upgrade() else { return };
        // What the manifest does with the disk is chapter 2.5.
        if !is_table(step.path) && step.operation != Operation::SyncDirectory {
            return;
        }
        if failing == Some(step.operation) {
            broken.fail_change(step.number, Fault::Broken);
        }
        print_line(&format!("{:?}", step.operation), name_of(step.path), &engine.stats());
    });
    let outcome = engine.flush();
    print_line("the return", "flush", &engine.stats());
    if let Err(error) = outcome {
        println!("error: {}", error.to_string().replace('\\', "/"));
    }
    println!("files: {}", disk.paths().iter().filter(|path| is_table(path)).count());
    Ok(())
}

fn print_line(step: &str, of: &str, stats: &Stats) {
    println!("{step:<16}{of:<12}{:>7}{:>8}", stats.frozen_memtables, stats.tables);
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Writes 200 bytes at a time into memtables of 1,000, while the flusher waits at its first step.
fn fill_while_the_flusher_is_held() -> Result<()> {
    let disk = SimDisk::new();
    let (let_go, is_held) = channel::<()>();
    let is_held = Mutex::new(is_held);
    // Tables alone: opening makes files too. Ends when the other side is dropped.
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_table(step.path) {
            let _ = is_held.lock().recv();
        }
    });
    let mut options = Options::manual();
    options.background = true;
    options.memtable_size = 1000;
    options.max_frozen_memtables = 2;
    options.disk = Arc::new(disk);
    let engine = Arc::new(Engine::open("db", options)?);
    println!("{:<22}{:>7}{:>7}{:>8}", "", "frozen", "bytes", "stalls");
    for number in 1..=15 {
        write(&engine, number)?;
        if [1, 5, 6, 10, 11, 15].contains(&number) {
            print_pressure(&format!("after write {number}"), &engine.stats());
        }
    }
    let writer = engine.clone();
    let last = thread::spawn(move || write(&writer, 16));
    while engine.stats().stalls == 0 {
        thread::yield_now();
    }
    print_pressure("while write 16 waits", &engine.stats());
    drop(let_go);
    last.join().expect("the writer does not panic")?;
    engine.close()
}

/// A key of 5 bytes, a value of 95, and 100 for the node.
fn write(engine: &Engine, number: u32) -> Result<()> {
    engine.put(format!("{number:05}").as_bytes(), &[b'v'; 95])
}

fn print_pressure(when: &str, stats: &Stats) {
    println!("{when:<22}{:>7}{:>7}{:>8}", stats.frozen_memtables, stats.memtable_bytes, stats.stalls);
}
