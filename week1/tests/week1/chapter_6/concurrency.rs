//! Readers, writers, flushers and faults at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use lsm::disk::{Fault, Operation, SimDisk};
use lsm::{Engine, Error};

use super::support::{Pending, check_holds, flushing, is_table, key, manual, open, promptly, start, value};

const KEYS: usize = 160;
const ROUNDS: usize = 12;

/// A value that tells the round in which it was written.
fn round_value(round: usize) -> Vec<u8> {
    format!("{round:0100}").into_bytes()
}

fn round_of(value: &[u8]) -> usize {
    std::str::from_utf8(value).expect("digits").parse().expect("a number")
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

/// Under readers, a writer and a flusher, a key that always exists is never missing, and no value goes back in time.
///
/// Hint: the table appears and the memtable goes in one swap; a reader takes one state and keeps it.
///
/// Book: week1/6-write-path.md#the-order-of-a-flush
#[test]
fn readers_never_miss_a_key_while_memtables_become_tables() {
    let disk = SimDisk::new();
    // A round of writes is more than a memtable takes.
    let engine: Arc<Engine> = open(flushing(&disk, 12 << 10, 2));
    let write_round = |engine: &Engine, round: usize| {
        (0..KEYS).for_each(|number| engine.put(&key(number), &round_value(round)).expect("a put"));
    };
    write_round(&engine, 0);
    let is_over: Arc<AtomicBool> = Arc::default();
    let readers: [Pending<()>; 2] = [get_all, scan_all].map(|read| {
        let (engine, is_over) = (engine.clone(), is_over.clone());
        start(move || read(&engine, &is_over))
    });
    let writer = engine.clone();
    promptly("the writer", move || (1..ROUNDS).for_each(|round| write_round(&writer, round)));
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.wait("a reader");
    }
    assert!(engine.stats().flushes > 10, "rounds of 34 KB through memtables of 12 KB: {:?}", engine.stats());
}

/// A flush moves the entries in one step: there is no moment at which they are in neither place.
///
/// Hint: one call of `replace_state`, by `State::with_flushed`. Between two calls a reader may look.
///
/// Book: week1/6-write-path.md#the-order-of-a-flush
#[test]
fn entries_are_somewhere_at_every_moment() {
    let engine: Arc<Engine> = open(manual(&SimDisk::new()));
    // With many tables a swap takes long, and so would a moment between two swaps.
    for number in 0..2000 {
        let entry = (key(number), value(number));
        engine.ingest([(entry.0.as_slice(), Some(entry.1.as_slice()))]).expect("an ingest");
    }
    engine.put(b"always", b"here").expect("a put");
    let is_over: Arc<AtomicBool> = Arc::default();
    let (watched, over) = (engine.clone(), is_over.clone());
    let watcher = start(move || {
        while !over.load(Ordering::Relaxed) {
            let found: Option<Bytes> = watched.get(b"always").expect("a get");
            assert_eq!(
                found.as_deref(),
                Some(&b"here"[..]),
                "a key that is there all the time, in the middle of a flush"
            );
        }
    });
    for _ in 0..300 {
        engine.put(b"always", b"here").expect("a put");
        engine.flush().expect("a flush");
    }
    is_over.store(true, Ordering::Relaxed);
    watcher.wait("the watcher");
}

/// Nobody waits for ever: a writer with little room, two who flush again and again, and a disk that fails now and
/// then all come to their end, and nothing is lost.
///
/// Hint: whoever changes what others wait for announces it: room, a failure, the end of a failure. Report a failure
/// before you give up `flushing`, or a flush that repairs it may come first.
///
/// Book: week1/6-write-path.md#wait-and-announce
#[test]
fn everybody_gets_on_under_faults() {
    for seed in 0..6_usize {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(flushing(&disk, 2048, 1));
        let (broken, count) = (disk.clone(), AtomicUsize::new(seed));
        disk.on_operation(move |step| {
            let makes_a_file = matches!(step.operation, Operation::Create | Operation::Sync) && is_table(step.path);
            if makes_a_file && count.fetch_add(1, Ordering::Relaxed) % 5 < 2 {
                broken.fail_change(step.number, Fault::Broken);
            }
        });
        let writer = engine.clone();
        let writes = start(move || {
            for number in 0..150 {
                while let Err(error) = writer.put(&key(number), &value(number)) {
                    assert!(matches!(error, Error::Background(_)), "a put fails with {error:?}");
                    let _repaired = writer.flush();
                }
            }
        });
        let is_over: Arc<AtomicBool> = Arc::default();
        let flushers: [Pending<()>; 2] = [0; 2].map(|_| {
            let (engine, is_over) = (engine.clone(), is_over.clone());
            start(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _outcome = engine.flush();
                    std::thread::yield_now();
                }
            })
        });
        writes.wait(&format!("a writer among faults, seed {seed}"));
        is_over.store(true, Ordering::Relaxed);
        for flusher in flushers {
            flusher.wait("one who flushes");
        }
        disk.on_operation(|_| {});
        check_holds(&engine, 0..150, "after faults");
    }
}

/// After `flush` succeeded, writes are taken, whatever the flusher met at the same time.
///
/// Hint: the flusher reports its failure while it holds `flushing`. Else a flush may repair the damage in between, and
/// the report comes when there is nothing left to repair.
///
/// Book: week1/6-write-path.md#when-a-flush-fails
#[test]
fn a_flush_that_succeeds_is_followed_by_writes() {
    for round in 0..100 {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(flushing(&disk, 1 << 20, 4));
        engine.put(b"key", b"value").expect("a put");
        disk.fail_change(disk.changes(), Fault::Broken);
        engine.freeze().expect("freezing");
        let flushed = engine.clone();
        if promptly("a flush", move || flushed.flush()).is_ok() {
            engine.put(b"key", b"other").unwrap_or_else(|error| panic!("round {round}: a put after a flush: {error}"));
        }
    }
}
