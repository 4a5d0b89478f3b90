//! Scans beside a writer, in real threads.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{scope, yield_now};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::{Engine, Result, Scan};

use super::{new_engine, scan};

const DEADLINE: Duration = Duration::from_secs(8);
const STABLE_KEYS: u32 = 40;
/// How many engines are frozen beside scans, and how often each: an engine that takes its state twice in a scan has to
/// be caught in between. Few freezes on each keep its scans short, so that they come often.
const ENGINES: usize = 1_500;
const FREEZES: u64 = 16;
/// The two threads wait for each other at every so many engines: on a busy machine they run beside each other then.
const MEETING: usize = 16;

/// Sets the flag when its thread ends, in whatever way: nobody waits for a thread that has panicked.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn stable_key(number: u32) -> String {
    format!("{number:04} stable")
}

/// One round of the writer: overwrites a stable key, and lets other keys come and go around it.
fn write(engine: &Engine, round: u64) {
    let number = u32::try_from(round * 7 % u64::from(STABLE_KEYS)).expect("it is below STABLE_KEYS");
    engine.put(stable_key(number).as_bytes(), &round.to_be_bytes()).expect("a put");
    engine.put(format!("{number:04} passing").as_bytes(), b"here today").expect("a put");
    engine.delete(format!("{:04} passing", (number + 20) % STABLE_KEYS).as_bytes()).expect("a deletion");
    if round < 400 && round % 50 == 49 {
        engine.freeze().expect("a freeze");
    }
}

fn check_a_scan(engine: &Engine) {
    let walked: Scan = scan(engine, ..);
    let (mut stable, mut last) = (0, None::<Bytes>);
    for item in walked {
        let (key, value): (Bytes, Bytes) = item.expect("a scan of memtables cannot fail");
        assert!(last.as_ref().is_none_or(|last| *last < key), "a scan gave {key:?} after {last:?}: keys must ascend");
        if key.ends_with(b"stable") {
            assert_eq!(key, stable_key(stable), "the next key that was there all the time");
            assert_eq!(value.len(), 8, "a value of {key:?}, which is always a number of 8 bytes: {value:?}");
            stable += 1;
        } else {
            assert_eq!(value, "here today", "a value of {key:?}");
        }
        last = Some(key);
    }
    assert_eq!(stable, STABLE_KEYS, "keys that were there all the time, seen by a scan beside a writer");
}

/// A scan beside a writer gives every key that was there all the time, once and in order, whatever is overwritten,
/// put, deleted and frozen meanwhile.
///
/// Hint: if keys are missing, look at how `MemTable::write` overwrites; if some come twice, at `MergeIterator::next`.
///
/// Book: week1/2-merge-iterators.md#task-6-enginescan
#[test]
fn a_scan_beside_a_writer_misses_nothing() {
    let engine: Engine = new_engine();
    for number in 0..STABLE_KEYS {
        engine.put(stable_key(number).as_bytes(), &[0; 8]).expect("a put");
    }
    let (is_over, scans) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    scope(|scope| {
        let writer = scope.spawn(|| {
            let _end = SetAtEnd(&is_over);
            let mut round = 0;
            while !is_over.load(Ordering::SeqCst) && (round < 2_000 || scans.load(Ordering::Relaxed) < 60) {
                assert!(start.elapsed() < DEADLINE, "{round} rounds of writes and {scans:?} scans took too long");
                write(&engine, round);
                round += 1;
            }
        });
        let end = SetAtEnd(&is_over);
        while !is_over.load(Ordering::SeqCst) {
            check_a_scan(&engine);
            scans.fetch_add(1, Ordering::Relaxed);
        }
        drop(end);
        if let Err(panic) = writer.join() {
            resume_unwind(panic);
        }
    });
}

/// An engine, and the last value of its key `hot`, as far as it is known to be put.
struct Frozen {
    engine: Engine,
    newest: AtomicU64,
}

impl Frozen {
    fn new() -> Frozen {
        let frozen = Frozen { engine: new_engine(), newest: AtomicU64::new(0) };
        frozen.engine.put(b"hot", &[0; 8]).expect("a put");
        frozen
    }

    fn overwrite_and_freeze(&self) {
        for round in 1..=FREEZES {
            self.engine.put(b"hot", &round.to_be_bytes()).expect("a put");
            self.newest.store(round, Ordering::SeqCst);
            self.engine.freeze().expect("a freeze");
        }
    }

    fn check_a_scan(&self) {
        let least: u64 = self.newest.load(Ordering::SeqCst);
        let first: Option<Result<(Bytes, Bytes)>> = scan(&self.engine, "hot"..="hot").next();
        let Some(Ok((_, value))) = first else { panic!("a scan beside freezes gave {first:?} for hot") };
        let found = u64::from_be_bytes(value[..].try_into().expect("each value has 8 bytes"));
        assert!(found >= least, "a scan beside freezes gave round {found} of hot; {least} was put before it began");
    }
}

/// A scan sees the memtables of one moment: what was written before it began is found, however many freezes happen
/// meanwhile.
///
/// Hint: take the state once. Between two looks at it a freeze can move a memtable to where you have already been.
///
/// Book: week1/2-merge-iterators.md#task-6-enginescan
#[test]
fn a_freeze_hides_nothing_from_a_scan() {
    let engines: Vec<Frozen> = (0..ENGINES).map(|_| Frozen::new()).collect();
    // The engine that is being frozen, and the one that was scanned last.
    let (current, scanned, is_over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let start = Instant::now();
    scope(|scope| {
        let freezer = scope.spawn(|| {
            let _end = SetAtEnd(&is_over);
            for (number, frozen) in engines.iter().enumerate() {
                current.store(number, Ordering::SeqCst);
                let meets = number % MEETING == 0;
                while meets && scanned.load(Ordering::SeqCst) < number && !is_over.load(Ordering::SeqCst) {
                    assert!(start.elapsed() < DEADLINE, "freezes and scans of {number} engines took too long");
                    yield_now();
                }
                frozen.overwrite_and_freeze();
            }
        });
        let end = SetAtEnd(&is_over);
        while !is_over.load(Ordering::SeqCst) {
            let number = current.load(Ordering::SeqCst);
            engines[number].check_a_scan();
            scanned.store(number, Ordering::SeqCst);
        }
        drop(end);
        if let Err(panic) = freezer.join() {
            resume_unwind(panic);
        }
    });
}
