//! Readers, writers, flushers and faults at once.

use std::hint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::disk::{Fault, Operation, SimDisk};
use lsm::{Engine, Error, Result, Stats};

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

/// Flushes 200 times while a thread observes the engine. Each flush is of one entry, whose value is the number of
/// entries with it. `observe` is told how many there were when it began; the counter says how many may be there now.
///
/// Each time that a flush reads its new table, just before the swap, it signals to the observer, and goes on when that
/// is at work, on another core. The observer looks all the time, or, where a look takes longer than a swap, some
/// microseconds after each signal. So every now and then it stands at the state's lock when the swap comes, and the
/// lock is handed to it as soon as that is done: two swaps show.
fn observe_flushes(all_the_time: bool, observe: fn(&Engine, usize, &AtomicUsize)) {
    const TABLES: usize = 1000;
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    // What is not written yet fails here, and leaves no observer behind.
    engine.flush().expect("a flush of nothing");
    // With many tables a swap takes long, and the observer is likelier to come to the lock meanwhile.
    for number in 0..TABLES {
        let entry = (key(number), value(number));
        engine.ingest([(entry.0.as_slice(), Some(entry.1.as_slice()))]).expect("an ingest");
    }
    let write = |number: usize| engine.put(b"always", number.to_string().as_bytes()).expect("a put");
    write(TABLES + 1);
    let counts: Arc<Counts> = Arc::default();
    counts.begun.store(TABLES + 1, Ordering::SeqCst);
    counts.finished.store(TABLES + 1, Ordering::SeqCst);
    let (observed, shared) = (engine.clone(), counts.clone());
    let observer = start(move || {
        while !shared.is_over.load(Ordering::SeqCst) {
            let signal = shared.signals.load(Ordering::SeqCst);
            let is_new = shared.seen.swap(signal, Ordering::SeqCst) != signal;
            if is_new && !all_the_time {
                spin(Duration::from_micros(signal as u64 * 7 % 50), || false);
            }
            if is_new || all_the_time {
                observe(&observed, shared.finished.load(Ordering::SeqCst), &shared.begun);
            }
        }
    });
    let (flusher, shared) = (thread::current().id(), counts.clone());
    disk.on_operation(move |step| {
        if step.operation == Operation::Read && thread::current().id() == flusher {
            let signal = shared.signals.fetch_add(1, Ordering::SeqCst) + 1;
            spin(Duration::from_micros(300), || shared.seen.load(Ordering::SeqCst) == signal);
        }
    });
    for _ in 0..200 {
        engine.flush().expect("a flush");
        write(counts.begun.fetch_add(1, Ordering::SeqCst) + 1);
        counts.finished.fetch_add(1, Ordering::SeqCst);
    }
    counts.is_over.store(true, Ordering::SeqCst);
    observer.wait("a reader during flushes");
}

#[derive(Default)]
struct Counts {
    /// Entries whose writing has begun, and entries that are written.
    begun: AtomicUsize,
    finished: AtomicUsize,
    /// Signals to the observer, and the last one that it saw.
    signals: AtomicUsize,
    seen: AtomicUsize,
    is_over: AtomicBool,
}

/// Stays on its core until `is_enough`, but no longer than this.
fn spin(limit: Duration, is_enough: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_enough() && begun.elapsed() < limit {
        hint::spin_loop();
    }
}

/// A flush moves the entries in one step: there is no moment at which they are in neither place.
///
/// Hint: one call of `replace_state`, by `State::with_flushed`. Between two calls a reader may look.
///
/// Book: week1/6-write-path.md#the-order-of-a-flush
#[test]
fn entries_are_somewhere_at_every_moment() {
    observe_flushes(true, |engine, least, _| {
        let found: Option<Bytes> = engine.get(b"always").expect("a get");
        let found = found.expect("this key is there all the time; a get finds nothing in the middle of a flush");
        assert!(
            round_of(&found) >= least,
            "value {least} is there, and in the middle of a flush a get finds {found:?}"
        );
    });
}

/// A flush moves the entries in one step: there is no moment at which they are in both places, and counted twice.
///
/// Hint: one call of `replace_state`, by `State::with_flushed`. Between two calls somebody may look.
///
/// Book: week1/6-write-path.md#the-order-of-a-flush
#[test]
fn entries_are_counted_once_at_every_moment() {
    observe_flushes(false, |engine, least, most| {
        let stats: Stats = engine.stats();
        let (found, most) = (stats.entries as usize, most.load(Ordering::SeqCst));
        assert!((least..=most).contains(&found), "{least} to {most} entries were written, in the middle of: {stats:?}");
    });
}

/// Nobody waits for ever: a writer with little room, two who flush again and again, and a disk that fails now and
/// then all come to their end, and nothing is lost.
///
/// Hint: whoever changes what others wait for announces it: room, a failure, the end of a failure. Report a failure
/// before you give up `flushing`, or a flush that repairs it may come first. If all stand still: the turn is given up
/// before `flushing` is taken, never both at once; `status` may be taken under either of them, and the state's lock
/// under `status`, never the other way round.
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
                    thread::yield_now();
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
    for round in 0..60 {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(flushing(&disk, 1 << 20, 4));
        engine.put(b"key", b"value").expect("a put");
        let (is_waiting, broken) = (Arc::new(AtomicBool::new(false)), disk.clone());
        let (waits, has_failed) = (is_waiting.clone(), AtomicBool::new(false));
        // The first to make a table fails, when a flush waits behind it. `flushing` is then handed over at once.
        disk.on_operation(move |step| {
            if step.operation == Operation::Create && !has_failed.swap(true, Ordering::SeqCst) {
                let begun = Instant::now();
                while !waits.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_millis(20) {
                    thread::yield_now();
                }
                let waited = Instant::now();
                while waited.elapsed() < Duration::from_millis(1) {
                    thread::yield_now();
                }
                broken.fail_change(step.number, Fault::Broken);
            }
        });
        engine.freeze().expect("freezing");
        let flushed = engine.clone();
        let outcome: Result<()> = promptly("a flush", move || {
            is_waiting.store(true, Ordering::SeqCst);
            flushed.flush()
        });
        if outcome.is_ok() {
            engine.put(b"key", b"other").unwrap_or_else(|error| panic!("round {round}: a put after a flush: {error}"));
        }
    }
}
