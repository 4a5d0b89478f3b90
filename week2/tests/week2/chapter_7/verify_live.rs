//! Verifying while the engine works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, Error, Result, Sync};

use super::support::{
    Gate, Pending, batch_of, eventually, get, is_log, is_table, log_files, logging, named_batch, open, promptly, start,
    table_files,
};

/// Reads, writes and flushes go on while verify reads a table.
///
/// Hint: give the turn up before you read the tables, and hold no lock there: a handle of the state is enough.
///
/// Book: week2/7-batches.md#while-others-work
#[test]
fn others_go_on_while_verify_reads_a_table() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(logging(&disk));
    engine.write(&named_batch("old")).expect("a batch");
    engine.flush().expect("a flush");
    let gate = Gate::before(&disk, {
        let verifier = Arc::new(AtomicBool::new(false));
        move |step| {
            let is_held = step.operation == Operation::Read && is_table(step.path);
            is_held && !verifier.swap(true, Ordering::SeqCst)
        }
    });
    let verifying = engine.clone();
    let verified: Pending<Vec<Error>> = start(move || verifying.verify());
    gate.wait_for_arrivals(1, "verify comes to the table");
    let working = engine.clone();
    let outcome: Result<()> = promptly("reads, writes, a flush and a compaction while verify is held", move || {
        assert!(get(&working, "old-0", "while verify reads").is_some());
        working.write_with(&named_batch("old"), Sync::EveryCommit)?;
        working.flush()?;
        working.compact()
    });
    outcome.expect("work beside verify");
    gate.open();
    let found: Vec<Error> = verified.wait("verify");
    assert!(found.is_empty(), "the tables that verify reads are compacted meanwhile, and that is no damage: {found:?}");
    assert_eq!(table_files(&disk).len(), 1, "verify lets go of the tables that were compacted");
}

/// A log that a flush takes away while verify is about to read it is no damage.
///
/// Hint: when a log cannot be read, look at the state again. If its memtable is there no more, it was flushed meanwhile.
///
/// Book: week2/7-batches.md#while-others-work
#[test]
fn a_log_that_is_flushed_meanwhile_is_no_damage() {
    let disk = SimDisk::new();
    let mut options = logging(&disk);
    options.background = true;
    let engine: Arc<Engine> = open(options);
    engine.write(&batch_of(&[("a", Some("1"))])).expect("a batch");
    let flusher_goes_on = Arc::new(AtomicBool::new(false));
    let (goes_on, watched) = (flusher_goes_on.clone(), disk.clone());
    let log = log_files(&disk).pop().expect("a log");
    let flushed = log.clone();
    disk.on_operation(move |step| {
        let is_flusher = thread::current().name() == Some("flush");
        if is_flusher && step.operation == Operation::Create {
            eventually("verify comes to the log", || goes_on.load(Ordering::SeqCst));
        }
        if !is_flusher && step.operation == Operation::Open && is_log(step.path) {
            goes_on.store(true, Ordering::SeqCst);
            eventually("the flusher removes the log", || watched.contents(&flushed).is_none());
        }
    });
    engine.freeze().expect("freezing");
    let verifying = engine.clone();
    let found: Vec<Error> = promptly("verify", move || verifying.verify());
    disk.on_operation(|_| {});
    assert!(flusher_goes_on.load(Ordering::SeqCst), "verify opens the log of a memtable that is not flushed");
    assert!(disk.contents(&log).is_none(), "the flusher has removed the log");
    assert!(found.is_empty(), "a flush has taken the log away, and that is no damage: {found:?}");
}

/// Verify raises no false alarm beside writers, freezes, flushes and compactions.
///
/// Hint: the turn while the logs are read, the manifest's lock while that is read, a handle of the state for the tables.
///
/// Book: week2/7-batches.md#while-others-work
#[test]
fn verify_raises_no_false_alarm_while_others_work() {
    let disk = SimDisk::new();
    let mut options = logging(&disk);
    (options.background, options.memtable_size, options.max_frozen_memtables) = (true, 2000, 2);
    let engine: Arc<Engine> = open(options);
    engine.write(&named_batch("begun")).expect("a batch");
    let is_over: Arc<AtomicBool> = Arc::default();
    let workers: [Pending<()>; 2] = [0, 1].map(|worker| {
        let (engine, is_over): (Arc<Engine>, Arc<AtomicBool>) = (engine.clone(), is_over.clone());
        start(move || {
            for round in 0.. {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let key = format!("{worker}{:03}", round % 50);
                let sync = if round % 16 == 0 { Sync::EveryCommit } else { Sync::Os };
                engine.write_with(&batch_of(&[(&key, Some("1")), ("all", None)]), sync).expect("a batch");
                match round % 60 {
                    20 => engine.freeze().expect("freezing"),
                    40 => engine.flush().expect("a flush"),
                    59 => engine.compact().expect("a compaction"),
                    _ => {}
                }
            }
        })
    });
    for round in 0..100 {
        let verifying = engine.clone();
        let found: Vec<Error> = promptly("verify beside others", move || verifying.verify());
        assert!(found.is_empty(), "nothing is damaged, and verify no. {round} finds {found:?}");
    }
    is_over.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.wait("a writer beside verify");
    }
}
