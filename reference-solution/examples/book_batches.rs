//! Prints a batch as it stands in the log, what a cut leaves of it, what a group asks of the disk, and what verify finds,
//! for chapter 2.7.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use lsm::disk::{Operation, SimDisk, Survival};
use lsm::{Engine, Options, Result, Sync, WriteBatch};
use parking_lot::Mutex;

fn main() -> Result<()> {
    println!("== record ==");
    print_record()?;
    println!("== cut ==");
    cut_everywhere()?;
    println!("== group ==");
    write_as_a_group()?;
    println!("== threads ==");
    [1, 2, 4, 16].into_iter().try_for_each(write_with_threads)?;
    println!("== verify ==");
    verify_damage()
}

fn open(disk: &SimDisk) -> Result<Arc<Engine>> {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.wal = true;
    options.block_size = 64;
    Ok(Arc::new(Engine::open("db", options)?))
}

/// Ten moved from one account to another.
fn transfer() -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(b"from", b"90");
    batch.put(b"to", b"110");
    batch.delete(b"pending");
    batch
}

/// A disk with the accounts as they were, and then with the transfer; and where in the log it begins.
fn transferred() -> Result<(SimDisk, Vec<u8>, usize)> {
    let disk = SimDisk::new();
    let engine = open(&disk)?;
    let log = Path::new("db").join("000001.log");
    let mut before = WriteBatch::new();
    before.put(b"from", b"100");
    before.put(b"to", b"100");
    before.put(b"pending", b"10");
    engine.write(&before)?;
    let begin = disk.contents(&log).unwrap_or_default().len();
    engine.write(&transfer())?;
    let bytes = disk.contents(&log).unwrap_or_default();
    Ok((disk, bytes, begin))
}

fn print_record() -> Result<()> {
    let (_, bytes, begin) = transferred()?;
    let parts = [
        (4, "checksum of all that follows, with the log's number and the frame's offset"),
        (4, "length of the payload"),
        (1, "kind: a record"),
        (2, "4 bytes of key, 2 of value"),
        (6, "from = 90"),
        (2, "2 bytes of key, 3 of value"),
        (5, "to = 110"),
        (2, "7 bytes of key, a tombstone"),
        (7, "pending"),
    ];
    let mut at = begin;
    for (length, meaning) in parts {
        let hex: Vec<String> = bytes[at..at + length].iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{at:>4}  {:<21}  {meaning}", hex.join(" "));
        at += length;
    }
    Ok(())
}

/// Opens what is left of the log, for every length that it may have.
fn cut_everywhere() -> Result<()> {
    let (disk, bytes, begin) = transferred()?;
    let mut ranges: Vec<(usize, usize, String)> = Vec::new();
    for length in begin..=bytes.len() {
        let left = disk.after_power_cut(Survival::Everything, 0);
        left.set_contents(&Path::new("db").join("000001.log"), &bytes[..length]);
        let engine = open(&left)?;
        let mut found = String::new();
        for entry in engine.scan(..)? {
            let (key, value) = entry?;
            found += &format!("  {} = {}", key.escape_ascii(), value.escape_ascii());
        }
        match ranges.last_mut() {
            Some((_, last, same)) if *same == found => *last = length,
            _ => ranges.push((length, length, found)),
        }
    }
    for (from, to, found) in ranges {
        let range = if from == to { from.to_string() } else { format!("{from} to {to}") };
        println!("{range:>8} bytes:{found}");
    }
    Ok(())
}

/// Four writers, of whom three come while the first one waits for its sync.
fn write_as_a_group() -> Result<()> {
    let disk = SimDisk::new();
    let engine = open(&disk)?;
    engine.put(b"begun", b"")?;
    let (let_go, is_held) = channel::<()>();
    let (come, has_come) = channel::<()>();
    let (is_held, watched) = (Mutex::new((come, is_held)), Arc::downgrade(&engine));
    println!("{:<18}{:>8}{:>12}", "before", "waiting", "in memory");
    disk.on_operation(move |step| {
        let is_log = step.path.extension().is_some_and(|extension| extension == "log");
        let Some(engine) = watched.upgrade().filter(|_| is_log) else { return };
        if step.operation == Operation::Sync {
            // The first time it waits until the others have come; then nobody holds the other ends any more.
            let held = is_held.lock();
            let _ = held.0.send(());
            let _ = held.1.recv();
        }
        let stats = engine.stats();
        println!("{:<18}{:>8}{:>12}", format!("{:?}", step.operation), stats.waiting_writers, stats.entries - 1);
    });
    let write = |name: &'static str| {
        let engine = engine.clone();
        let mut batch = WriteBatch::new();
        batch.put(name.as_bytes(), b"1");
        thread::spawn(move || engine.write_with(&batch, Sync::EveryCommit))
    };
    let mut writers = vec![write("a")];
    has_come.recv().expect("the first writer comes to its sync");
    for (waiting, name) in ["b", "c", "d"].into_iter().enumerate() {
        writers.push(write(name));
        while engine.stats().waiting_writers <= waiting as u64 {
            thread::yield_now();
        }
    }
    drop(let_go);
    for writer in writers {
        writer.join().expect("a writer does not panic")?;
    }
    let stats = engine.stats();
    println!("{:<18}{:>8}{:>12}", "the end", stats.waiting_writers, stats.entries - 1);
    println!("syncs: {}", stats.log_syncs);
    Ok(())
}

/// Writers that write again and again, on a disk whose syncs take a millisecond.
fn write_with_threads(threads: usize) -> Result<()> {
    const WRITES: usize = 100;
    let disk = SimDisk::new();
    let engine = open(&disk)?;
    disk.on_operation(|step| {
        if step.operation == Operation::Sync {
            // This is the device: what the program measures is how writers share its time.
            thread::sleep(Duration::from_millis(1));
        }
    });
    let begun = Instant::now();
    let write = |thread: usize| {
        let engine = engine.clone();
        thread::spawn(move || {
            let mut batch = WriteBatch::new();
            batch.put(format!("key{thread}").as_bytes(), b"value");
            (0..WRITES).try_for_each(|_| engine.write_with(&batch, Sync::EveryCommit))
        })
    };
    for writer in (0..threads).map(write).collect::<Vec<_>>() {
        writer.join().expect("a writer does not panic")?;
    }
    let (writes, syncs) = (threads * WRITES, engine.stats().log_syncs);
    let rate = writes as f64 / begun.elapsed().as_secs_f64();
    println!("~ {threads:>2} threads: {writes:>5} writes {syncs:>4} syncs {rate:>7.0} writes a second");
    Ok(())
}

/// Flips three bytes in two files, and asks for the damage.
fn verify_damage() -> Result<()> {
    let disk = SimDisk::new();
    let engine = open(&disk)?;
    for number in 0..12 {
        engine.put(format!("key{number:02}").as_bytes(), b"value")?;
    }
    engine.flush()?;
    engine.write(&transfer())?;
    println!("sound: {} damages", engine.verify().len());
    for path in disk.paths() {
        let mut bytes = disk.contents(&path).unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("sst") => [3, 100].into_iter().for_each(|at: usize| bytes[at] ^= 1),
            Some("log") => *bytes.last_mut().expect("a log") ^= 1,
            _ => continue,
        }
        disk.set_contents(&path, &bytes);
    }
    for error in engine.verify() {
        println!("{}", error.to_string().replace('\\', "/"));
    }
    Ok(())
}
