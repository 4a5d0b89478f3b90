//! Readers, writers, flusher and compactor at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lsm::disk::{Fault, Operation, SimDisk};
use lsm::{Engine, Error, Options};

use super::fixture::{check_tree, filled, is_table, key};
use super::threads::{Pending, eventually, promptly, start};
use super::toys::{Toy, compacting, open_compacting};

const KEYS: usize = 100;

fn round_of(value: &[u8]) -> usize {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

fn write_round(engine: &Engine, round: usize) {
    for number in 0..KEYS {
        engine.put(&key(number), &filled(&round.to_string())).expect("a put");
    }
}

/// Reads by `get`, until told to stop: a key that always exists is always found, and its value never goes back.
fn get_all(engine: &Engine, is_over: &AtomicBool) {
    let mut last = [0; KEYS];
    for number in (0..KEYS).cycle() {
        let found: Option<Bytes> = engine.get(&key(number)).expect("a get");
        let found = found.unwrap_or_else(|| panic!("key {number} exists all the time, and get does not find it"));
        let round = round_of(&found);
        assert!(round >= last[number], "key {number}: round {round} is read after round {}", last[number]);
        last[number] = round;
        if is_over.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// The same by `scan`.
fn scan_all(engine: &Engine, is_over: &AtomicBool) {
    let mut last = [0; KEYS];
    while !is_over.load(Ordering::Relaxed) {
        let mut count = 0;
        for (entry, last) in engine.scan(..).expect("a scan").zip(&mut last) {
            let (found, value): (Bytes, Bytes) = entry.expect("an entry");
            assert_eq!(found, key(count), "all keys exist all the time; this one should come next");
            let round = round_of(&value);
            assert!(round >= *last, "key {count}: a scan reads round {round} after round {last}");
            *last = round;
            count += 1;
        }
        assert_eq!(count, KEYS, "all keys exist all the time, and a scan gives fewer");
    }
}

/// Small memtables, tables and blocks, and two levels that are merged again and again.
fn busy(disk: &SimDisk) -> Options {
    let mut options: Options = compacting(disk, Toy { level_1: 4, ..Toy::new(2) });
    options.memtable_size = 6 << 10;
    options.table_size = 2 << 10;
    options.block_size = 512;
    options.cache_size = 8 << 10;
    options
}

/// Under readers, a writer, flushes and compactions, a key that always exists is never missing, and no value goes back in
/// time.
///
/// Hint: inputs go and outputs come in one swap; a reader takes one state and keeps it.
///
/// Book: week2/1-compaction.md#which-locks-are-held
#[test]
fn readers_never_miss_a_key_while_tables_are_merged() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open_compacting(busy(&disk));
    write_round(&engine, 0);
    let is_over: Arc<AtomicBool> = Arc::default();
    let readers: [Pending<()>; 2] = [get_all, scan_all].map(|read| {
        let (engine, is_over) = (engine.clone(), is_over.clone());
        start(move || read(&engine, &is_over))
    });
    let writer = engine.clone();
    promptly("the writer", move || {
        for round in 1..10 {
            write_round(&writer, round);
            if round == 5 {
                writer.compact().expect("a compaction by hand");
            }
        }
    });
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.wait("a reader");
    }
    eventually("the compactor gets on", || engine.stats().compactions > 3);
    let closed = engine.clone();
    promptly("a close", move || closed.close()).expect("closing");
    check_tree(&engine, &disk, "when all readers are gone");
}

/// Faults come and go while everything works at once: no entry is lost, and no file is left when it is over.
///
/// Hint: each error either changed nothing or came after the swap. A flush repairs the engine.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn faults_beside_everything_lose_nothing() {
    for seed in 1..=3 {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open_compacting(busy(&disk));
        let broken = disk.clone();
        disk.on_operation(move |step| {
            let is_making = matches!(step.operation, Operation::Create | Operation::Append | Operation::Sync);
            // About one operation in nine, spread by a multiplication.
            if is_making && is_table(step.path) && (step.number * 2_654_435_761 + seed) >> 7 & 7 == 0 {
                broken.fail_change(step.number, Fault::Broken);
            }
        });
        let writer = engine.clone();
        let writes: Pending<()> = start(move || {
            for number in 0..400 {
                let (key, value) = (key(number % KEYS), filled(&(number / KEYS).to_string()));
                while let Err(error) = writer.put(&key, &value) {
                    assert!(matches!(error, Error::Background(_)), "a put fails with {error:?}");
                    let _repaired = writer.flush();
                }
            }
        });
        writes.wait(&format!("a writer among faults, seed {seed}"));
        disk.on_operation(|_| {});
        let last = engine.clone();
        promptly("a compaction after the faults", move || last.compact()).expect("a compaction on a disk that works");
        assert_eq!(engine.stats().entries, KEYS as u64, "entries after faults and a compaction, seed {seed}");
        for number in 0..KEYS {
            let found: Option<Bytes> = engine.get(&key(number)).expect("a get");
            assert_eq!(found.as_deref(), Some(&filled("3")[..]), "key {number} after faults, seed {seed}");
        }
        let closed = engine.clone();
        promptly("a close", move || closed.close()).expect("closing");
        check_tree(&engine, &disk, &format!("after faults, seed {seed}"));
    }
}
