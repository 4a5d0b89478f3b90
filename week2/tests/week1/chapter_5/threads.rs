//! Reads, writes and ingests at once.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, Error};
use parking_lot::Mutex;

use super::fixture::{Pairs, get, ingest, ingest_all, is_table, key, open, pairs, put, scan, table_files, try_ingest};

/// How long work beside an ingest may take before it counts as stuck.
const DEADLINE: Duration = Duration::from_secs(3);

/// What went wrong in work that was done in the middle of another call.
type Complaint = Arc<Mutex<Option<String>>>;

/// From now on, `work` is done in a thread of its own just before the first operation of this kind on a table's file.
/// The operation waits for it, but not for ever: if a lock keeps `work` from ending, that is a complaint.
fn beside(
    disk: &SimDisk,
    operation: Operation,
    engine: &Arc<Engine>,
    work: impl Fn(&Engine) + Send + Sync + 'static,
) -> Complaint {
    let complaint: Complaint = Arc::default();
    let (engine, work, told) = (engine.clone(), Arc::new(work), complaint.clone());
    let is_done: AtomicBool = AtomicBool::new(false);
    disk.on_operation(move |step| {
        if step.operation != operation || !is_table(step.path) || is_done.swap(true, Ordering::SeqCst) {
            return;
        }
        let (engine, work) = (engine.clone(), work.clone());
        let (sender, receiver) = channel();
        thread::spawn(move || {
            work(&engine);
            // The other side may have given up waiting, and says so itself.
            let _ = sender.send(());
        });
        match receiver.recv_timeout(DEADLINE) {
            Ok(()) => (),
            Err(RecvTimeoutError::Timeout) => *told.lock() = Some("waited for a lock that the ingest held".to_string()),
            Err(RecvTimeoutError::Disconnected) => *told.lock() = Some("panicked: see its message".to_string()),
        }
    });
    complaint
}

const BUILDING: [Operation; 3] = [Operation::Create, Operation::Append, Operation::Sync];

/// A write that falls into an ingest is not held up, and makes the ingest fail without a trace: what it would bring is
/// no longer the newest.
///
/// Hint: take the turn when the table is finished, and look at the memtables then.
///
/// Book: week1/5-read-path.md#why-the-memtables-must-be-empty
#[test]
fn a_write_during_an_ingest_refuses_it() {
    for operation in BUILDING {
        for freezes in [false, true] {
            let disk: SimDisk = SimDisk::new();
            let engine: Arc<Engine> = Arc::new(open(&disk));
            let complaint: Complaint = beside(&disk, operation, &engine, move |engine| {
                put(engine, "k", "written");
                if freezes {
                    engine.freeze().expect("freezing needs nothing that can fail");
                }
            });
            let outcome: Result<(), Error> = try_ingest(&engine, &[("j", Some("table")), ("k", Some("table"))]);
            let what: String = format!("beside an ingest's {operation:?}, freeze: {freezes}");
            assert_eq!(*complaint.lock(), None, "the put {what}");
            let is_refused: bool = matches!(outcome, Err(Error::InvalidInput(_)));
            assert!(is_refused, "with a put {what}, the ingest gave {outcome:?}; expected Error::InvalidInput");
            assert_eq!(scan(&engine, ..), pairs([("k", "written")]), "scan(..) after a put {what}");
            assert_eq!(table_files(&disk).len(), 0, "tables' files after a put {what}");
        }
    }
}

/// Of two ingests at once, the one that began first and ends last is refused: the other's table is newer.
///
/// Hint: compare the state at the end with the one at the beginning; empty memtables do not tell.
///
/// Book: week1/5-read-path.md#why-the-memtables-must-be-empty
#[test]
fn an_ingest_during_an_ingest_refuses_the_outer_one() {
    for operation in BUILDING {
        let disk: SimDisk = SimDisk::new();
        let engine: Arc<Engine> = Arc::new(open(&disk));
        let inner = |engine: &Engine| ingest(engine, &[("k", Some("inner"))]);
        let complaint: Complaint = beside(&disk, operation, &engine, inner);
        let outcome: Result<(), Error> = try_ingest(&engine, &[("j", Some("outer")), ("k", Some("outer"))]);
        assert_eq!(*complaint.lock(), None, "the ingest beside an ingest's {operation:?}");
        let is_refused: bool = matches!(outcome, Err(Error::InvalidInput(_)));
        assert!(is_refused, "the outer ingest gave {outcome:?} at {operation:?}; expected Error::InvalidInput");
        assert_eq!(scan(&engine, ..), pairs([("k", "inner")]), "scan(..) after two ingests at once");
        assert_eq!(table_files(&disk).len(), 1, "tables' files after two ingests at once");
    }
}

/// Reads go on while an ingest builds its table, and do not see it.
///
/// Hint: no lock that a reader needs may be held while there is I/O; the swap comes last.
///
/// Book: week1/5-read-path.md#task-2-ingest-a-table
#[test]
fn reads_go_on_during_an_ingest() {
    for operation in BUILDING {
        let disk: SimDisk = SimDisk::new();
        let engine: Arc<Engine> = Arc::new(open(&disk));
        ingest(&engine, &[("j", Some("old")), ("k", Some("old"))]);
        let complaint: Complaint = beside(&disk, operation, &engine, move |engine| {
            let found: Option<Bytes> = get(engine, "k");
            assert_eq!(found, Some(Bytes::from("old")), "get(\"k\") during an ingest's {operation:?}");
            let found: Pairs = scan(engine, ..);
            assert_eq!(found, pairs([("j", "old"), ("k", "old")]), "scan(..) during an ingest's {operation:?}");
        });
        ingest(&engine, &[("k", Some("new")), ("l", Some("new"))]);
        assert_eq!(*complaint.lock(), None, "the reads beside an ingest's {operation:?}");
        let expected: Pairs = pairs([("j", "old"), ("k", "new"), ("l", "new")]);
        assert_eq!(scan(&engine, ..), expected, "scan(..) after the ingest");
    }
}

/// Readers beside a thread that ingests see each table whole or not at all, and never step back in time.
///
/// Hint: one swap of the whole state; a reader takes the state once.
///
/// Book: week1/5-read-path.md#one-state-for-the-whole-read
#[test]
fn readers_see_each_ingest_whole() {
    const ROUNDS: u64 = 40;
    let engine: Engine = open(&SimDisk::new());
    ingest_all(&engine, (0..8).map(key), "0");
    let (finished, is_over): (AtomicU64, AtomicBool) = (AtomicU64::new(0), AtomicBool::new(false));
    let number = |value: &Bytes| -> u64 { str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(99) };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let done: u64 = finished.load(Ordering::SeqCst);
                    let value: Bytes = get(&engine, "key03").expect("key03 is always there");
                    assert_in(number(&value), done..ROUNDS + 1, "get(\"key03\")");
                    let done: u64 = finished.load(Ordering::SeqCst);
                    let found: Pairs = scan(&engine, ..);
                    assert_eq!(found.len(), 8, "keys in a scan beside ingests of the same eight keys");
                    let rounds: Vec<u64> = found.iter().map(|(_, value)| number(value)).collect();
                    assert!(rounds.iter().all(|round| *round == rounds[0]), "a scan mixed tables: {rounds:?}");
                    assert_in(rounds[0], done..ROUNDS + 1, "a scan");
                }
            });
        }
        // Set also when an ingest panics, so that the readers end.
        let _stop: StopOnDrop<'_> = StopOnDrop(&is_over);
        for round in 1..=ROUNDS {
            ingest_all(&engine, (0..8).map(key), &round.to_string());
            finished.store(round, Ordering::SeqCst);
        }
    });
}

fn assert_in(round: u64, expected: Range<u64>, what: &str) {
    assert!(expected.contains(&round), "{what} gave the value of round {round}; expected one of {expected:?}");
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
