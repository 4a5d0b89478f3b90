//! Logs under several threads: one order for the log and the memtable, and memory that stays bounded.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lsm::disk::{Operation, SimDisk, Survival};
use lsm::{Engine, MemTable, Options, Stats};
use parking_lot::Mutex;

use super::support::{
    Model, check_holds, check_same, contents, fill, is_log, is_table, key, logged, logs, open, synced, value,
};

/// How long anybody waits for what must happen. It takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);

const WRITERS: usize = 4;

/// Waits for something that nobody announces to a test: looks again and again, and lets others run in between.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "after {DEADLINE:?} still not: {what}");
        thread::yield_now();
    }
}

/// The order of the log is the order of the memtable: when threads overwrite the same keys, the database that is opened
/// again has the values that readers saw last.
///
/// Hint: log and memtable are written within one hold of the turn. If the turn were given up between them, a later record
/// could come first into the memtable.
///
/// Book: week2/6-write-ahead-log.md#the-idea
#[test]
fn the_logs_order_is_the_memtables_order() {
    for round in 0..6 {
        let disk = SimDisk::new();
        let mut options: Options = logged(&disk);
        options.background = round % 2 == 0;
        options.memtable_size = 8 << 10;
        let engine: Arc<Engine> = Arc::new(open(options));
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let engine = &engine;
                scope.spawn(move || {
                    for write in 0..150 {
                        let number = (write * 7 + round) % 5;
                        engine.put(&key(number), &value(WRITERS * write + writer)).expect("a put");
                        if write % 50 == writer {
                            engine.delete(&key(number)).expect("a deletion");
                        }
                    }
                });
            }
        });
        let last: Model = contents(&engine);
        let logged_bytes = engine.stats().bytes_logged;
        assert!(logged_bytes > 0, "the writes are logged");
        drop(engine);
        check_holds(&open(logged(&disk)), &last, &format!("round {round}: what readers saw before the kill"));
    }
}

/// What was acknowledged to any thread before a sync began survives a power cut after it.
///
/// Hint: `sync` takes the turn: whatever was acknowledged before is in a log by then.
///
/// Book: week2/6-write-ahead-log.md#what-a-sync-promises
#[test]
fn a_sync_covers_the_writes_of_all_threads() {
    let disk = SimDisk::new();
    let mut options: Options = logged(&disk);
    options.background = true;
    options.memtable_size = 4 << 10;
    let engine: Arc<Engine> = Arc::new(open(options));
    let acknowledged: [AtomicUsize; WRITERS] = Default::default();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let (engine, is_over) = (&engine, &is_over);
            scope.spawn(move || {
                for count in 0..400 {
                    engine.put(&key(WRITERS * count + writer), &value(count)).expect("a put");
                    acknowledged.store(count + 1, Ordering::SeqCst);
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                }
            });
        }
        let check = || {
            for time in 0..5 {
                let counts: Vec<usize> = acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).collect();
                if let Err(error) = engine.sync() {
                    return Err(format!("sync {time}: {error}"));
                }
                let left: SimDisk = disk.after_power_cut(Survival::Nothing, 1);
                let found: Model = contents(&open(logged(&left)));
                for (writer, count) in counts.into_iter().enumerate() {
                    let lost = (0..count).find(|count| !found.contains_key(&key(WRITERS * count + writer)));
                    if let Some(lost) = lost {
                        return Err(format!(
                            "write {lost} of thread {writer}, acknowledged before sync {time}, is lost"
                        ));
                    }
                }
            }
            Ok(())
        };
        let outcome: Result<(), String> = check();
        // However it went, the writers have to end.
        is_over.store(true, Ordering::SeqCst);
        outcome.unwrap_or_else(|error| panic!("{error}"));
    });
}

/// Synced writes of several threads survive a power cut at any moment, each as soon as it is acknowledged.
///
/// Hint: the sync comes before the write returns, whoever does it.
///
/// Book: week2/6-write-ahead-log.md#what-a-sync-promises
#[test]
fn synced_writes_of_several_threads_survive() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = Arc::new(open(synced(&disk)));
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (engine, disk) = (&engine, &disk);
            scope.spawn(move || {
                for count in 0..6 {
                    let number = WRITERS * count + writer;
                    fill(engine, [number]);
                    let left: SimDisk = disk.after_power_cut(Survival::Nothing, number as u64);
                    let found: Model = contents(&open(logged(&left)));
                    let mine = |number: &usize| number % WRITERS == writer;
                    let expected: Model =
                        (0..=number).filter(mine).map(|number| (key(number), value(number))).collect();
                    let found = found.into_iter().filter(|(key, _)| expected.contains_key(key)).collect();
                    check_same(&found, &expected, "after a power cut, acknowledged synced writes of one thread");
                }
            });
        }
    });
}

/// Memory and logs stay bounded when the disk is slower than the writers, however long: writers wait, and never more than
/// `max_frozen_memtables` are frozen.
///
/// Hint: the room is made before the log is begun. A log belongs to its memtable and goes with it.
///
/// Book: week2/6-write-ahead-log.md#when-a-log-goes
#[test]
fn memory_and_logs_are_bounded_with_a_slow_disk() {
    let is_deep = std::env::var("LSM_DEPTH").is_ok_and(|depth| depth == "deep");
    let count = if is_deep { 10_000 } else { 150 };
    let disk = SimDisk::new();
    let mut options: Options = logged(&disk);
    options.background = true;
    options.memtable_size = 1;
    options.max_frozen_memtables = 2;
    if is_deep {
        // Ten thousand tables would be too many to look through at every step.
        options.strategy = Options::default().strategy;
    }
    let engine: Arc<Engine> = Arc::new(open(options));
    let (let_go, is_held): (Sender<()>, Receiver<()>) = channel();
    let is_held = Mutex::new(is_held);
    // The flusher goes on by one table for each message, and freely when the sender is gone.
    disk.on_operation(move |step| {
        let is_flusher = thread::current().name() == Some("flush");
        if is_flusher && step.operation == Operation::Create && is_table(step.path) {
            let _ = is_held.lock().recv_timeout(2 * DEADLINE);
        }
    });
    let writer = engine.clone();
    let written = thread::spawn(move || (0..count).for_each(|number| fill(&writer, [number % 10])));
    // A memtable takes one entry: its key, its value, and what the node costs.
    let entry = (key(0).len() + value(0).len() + MemTable::ENTRY_OVERHEAD) as u64;
    let mut stalls = 0;
    loop {
        eventually("a writer that waits for room", || engine.stats().stalls > stalls || written.is_finished());
        if written.is_finished() {
            break;
        }
        let stats: Stats = engine.stats();
        stalls = stats.stalls;
        assert!(stats.frozen_memtables <= 2, "at most two memtables are frozen: {stats:?}");
        // From week 3 on a version stands behind each key.
        assert!(stats.memtable_bytes <= 3 * (entry + 32), "three entries in memory, at most: {stats:?}");
        let logs: Vec<PathBuf> = logs(&disk);
        assert!((1..=4).contains(&logs.len()), "as many logs as memtables, and one that is going: {logs:?}");
        let_go.send(()).expect("the flusher waits");
    }
    assert!(stalls > count as u64 / 2, "the disk is slow, and writers waited {stalls} times for it");
    drop(let_go);
    written.join().expect("the writer does not panic");
    engine.flush().expect("a flush");
    assert_eq!(disk.paths().iter().filter(|path| is_log(path)).count(), 0, "logs, when everything is flushed");
    let first = count - 10;
    let expected: Model = (first..count).map(|number| (key(number % 10), value(number % 10))).collect();
    check_holds(&engine, &expected, "in the end");
}
