//! When a group's commit fails: everybody in it is told, and everybody behind it gets on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lsm::disk::{Fault, Operation, SimDisk, Survival};
use lsm::{Engine, Error, Result, Sync, WriteBatch};

use super::support::{
    Gate, Pending, batch_of, eventually, found_of, is_log, is_log_append, is_log_sync, is_table, logging, named_batch,
    open, queue_up, reopen, start, start_write,
};

/// A writer that is held at an operation of the log, and four behind it.
struct Held {
    disk: SimDisk,
    engine: Arc<Engine>,
    first: Pending<Result<()>>,
    followers: Vec<(String, Pending<Result<()>>)>,
    gate: Gate,
}

/// The first writer is held at its first append to the log, or at its sync; the group's comes next at the gate.
fn hold(operation: Operation) -> Held {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(logging(&disk));
    engine.write(&named_batch("before")).expect("a batch");
    let gate = Gate::before(&disk, move |step| step.operation == operation && is_log(step.path));
    let sync = if operation == Operation::Sync { Sync::EveryCommit } else { Sync::Os };
    let first = start_write(&engine, named_batch("first"), sync);
    gate.wait_for_arrivals(1, "the first writer comes to the log");
    let names: Vec<String> = (0..4).map(|number| format!("waits{number}")).collect();
    let writers = queue_up(&engine, names.iter().map(|name| (named_batch(name), Sync::EveryCommit)).collect());
    Held { disk, engine, first, followers: names.into_iter().zip(writers).collect(), gate }
}

/// Reads go on after a failure: what was acknowledged is there, what failed is not.
fn check_reads(engine: &Engine, followers: &[String], when: &str) {
    assert_eq!(found_of(engine, "before", when), 3, "keys of a batch that was acknowledged before, {when}");
    for name in followers {
        assert_eq!(found_of(engine, name, when), 0, "keys of {name}, whose write failed, {when}");
    }
}

/// A group fails as one: if its append or its sync fails, each member gets the error, none of their entries is in memory,
/// and the engine takes no more writes.
///
/// Hint: the outcome of the leader's `commit` is the outcome of every follower; errors are cheap to clone.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn every_member_gets_the_groups_error() {
    for operation in [Operation::Append, Operation::Sync] {
        let held = hold(operation);
        held.gate.let_pass(1);
        let number: u64 = held.gate.wait_for_arrivals(2, "the group comes to the log");
        held.disk.fail_change(number, Fault::Broken);
        held.gate.open();
        held.first.wait("the first writer").expect("the first writer");
        let mut names: Vec<String> = Vec::new();
        for (name, writer) in held.followers {
            let outcome: Result<()> = writer.wait(&format!("{name}, in a group whose {operation:?} fails"));
            let is_told = matches!(outcome, Err(Error::Poisoned(_)));
            assert!(is_told, "the {operation:?} of the group fails, and {name} is told {outcome:?}, not Poisoned");
            names.push(name);
        }
        check_reads(&held.engine, &names, "after a group failed");
        let refused: Result<()> = held.engine.write(&named_batch("late"));
        assert!(matches!(refused, Err(Error::Poisoned(_))), "a write after the {operation:?} failed: {refused:?}");
        assert_eq!(held.engine.stats().waiting_writers, 0, "nobody waits any more");
    }
}

/// When a leader fails, those behind it get their turn: no writer waits for ever for one that has failed.
///
/// Hint: the next one of the queue is woken to lead after an error as after a success.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn a_leader_that_fails_hands_on() {
    let held = hold(Operation::Append);
    // Two more groups, by their size.
    let mut great: WriteBatch = WriteBatch::new();
    great.put(b"great", &vec![1; (1 << 20) + 1]);
    let later = queue_up(&held.engine, vec![(great, Sync::Os), (named_batch("last"), Sync::Os)]);
    let number: u64 = held.gate.wait_for_arrivals(1, "the first writer is at the log");
    held.disk.fail_change(number, Fault::Full);
    held.gate.open();
    let outcomes = held.followers.into_iter().map(|(_, writer)| writer).chain(later).chain([held.first]);
    for writer in outcomes {
        let outcome: Result<()> = writer.wait("a writer, behind one whose append failed");
        assert!(
            matches!(outcome, Err(Error::Poisoned(_))),
            "behind an append that failed, a writer is told {outcome:?}"
        );
    }
    check_reads(&held.engine, &["first".to_string()], "after the first writer failed");
}

/// A leader that panics takes nobody with it: its group is told so with the panic's message, those behind it get their
/// turn, later writes are refused, reads go on, and what was acknowledged is there after a reopening.
///
/// Hint: catch the panic around `commit`, keep it with `Background::fail_by_panic`, wake the next leader, tell the
/// followers, and let it go on with `resume_unwind`.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn a_leader_that_panics_tells_its_group_and_hands_on() {
    let held = hold(Operation::Append);
    let mut great: WriteBatch = WriteBatch::new();
    great.put(b"great", &vec![1; (1 << 20) + 1]);
    let behind = queue_up(&held.engine, vec![(great, Sync::Os)]);
    held.gate.let_pass(1);
    held.gate.wait_for_arrivals(2, "the group comes to the log");
    let has_panicked = AtomicBool::new(false);
    held.disk.on_operation(move |step| {
        // The group's own append was announced already; what comes next is its sync.
        let is_first = is_log_sync(&step) && !has_panicked.swap(true, Ordering::SeqCst);
        assert!(!is_first, "a hook that panics");
    });
    held.gate.open();
    held.first.wait("the first writer").expect("the first writer");
    let mut panics = 0;
    let mut names: Vec<String> = Vec::new();
    for (name, writer) in held.followers {
        match writer.outcome(&format!("{name}, whose leader panics")) {
            Err(message) => {
                panics += 1;
                assert_eq!(message, "a hook that panics", "the leader's own panic goes on");
            }
            Ok(Err(Error::Panicked { message, .. })) => {
                assert_eq!(message, "a hook that panics", "what {name} is told")
            }
            Ok(outcome) => panic!("the leader panicked, and {name} is told {outcome:?}, not Panicked"),
        }
        names.push(name);
    }
    assert_eq!(panics, 1, "the panic goes on in one thread, the leader's");
    for writer in behind {
        let outcome: Result<()> = writer.wait("a writer behind a group whose leader panicked");
        assert!(matches!(outcome, Err(Error::Panicked { .. })), "a writer behind the group is told {outcome:?}");
    }
    let refused: Result<()> = held.engine.write(&named_batch("late"));
    assert!(matches!(refused, Err(Error::Panicked { .. })), "a write after a leader panicked: {refused:?}");
    check_reads(&held.engine, &names, "after a leader panicked");
    let left: Engine = reopen(&held.disk.after_power_cut(Survival::Everything, 0), "after a panic");
    assert_eq!(found_of(&left, "first", "after a panic"), 3, "keys of the acknowledged batch before the panic");
}

/// A writer that panics while it writes alone hands on as well: those who came meanwhile are told.
///
/// Hint: who finds nobody writing is a leader too, of a group of one.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn a_lone_writer_that_panics_hands_on() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(logging(&disk));
    engine.write(&named_batch("before")).expect("a batch");
    let [has_come, is_released]: [Arc<AtomicBool>; 2] = Default::default();
    let (come, released) = (has_come.clone(), is_released.clone());
    disk.on_operation(move |step| {
        if is_log_append(&step) && !come.swap(true, Ordering::SeqCst) {
            eventually("the test lets the writer go on", || released.load(Ordering::SeqCst));
            panic!("a hook that panics");
        }
    });
    let first = start_write(&engine, named_batch("first"), Sync::Os);
    eventually("the first writer comes to the log", || has_come.load(Ordering::SeqCst));
    let names = ["one", "two", "three"];
    let followers = queue_up(&engine, names.iter().map(|name| (named_batch(name), Sync::Os)).collect());
    is_released.store(true, Ordering::SeqCst);
    assert_eq!(first.outcome("the first writer").err().as_deref(), Some("a hook that panics"), "its panic goes on");
    for (name, writer) in names.iter().zip(followers) {
        let outcome: Result<()> = writer.wait(&format!("{name}, behind a writer that panics"));
        assert!(
            matches!(outcome, Err(Error::Panicked { .. })),
            "behind a writer that panicked, {name} is told {outcome:?}"
        );
    }
    check_reads(&engine, &["first".to_string(), "one".to_string()], "after a writer panicked");
    let closed: Result<()> = engine.close();
    assert!(matches!(closed, Err(Error::Panicked { .. })), "closing tells of the panic, found {closed:?}");
}

/// A background thread that panics is heard of by everybody: the writer that waits for it and all who wait behind that one
/// are told its message.
///
/// Hint: nothing new but the queue: the leader gets `Error::Panicked` from `make_room`, and each of its followers too.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn a_panic_in_the_background_reaches_all_who_wait() {
    let disk = SimDisk::new();
    let mut options = logging(&disk);
    (options.background, options.memtable_size, options.max_frozen_memtables) = (true, 1000, 1);
    let engine: Arc<Engine> = open(options);
    engine.write(&batch_of(&[("a", Some("1"))])).expect("a batch");
    let is_released = Arc::new(AtomicBool::new(false));
    let released = is_released.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_table(step.path) {
            eventually("the test lets the flusher go on", || released.load(Ordering::SeqCst));
            panic!("a flusher that panics");
        }
    });
    let value: String = "v".repeat(1000);
    engine.write(&batch_of(&[("b", Some(&value))])).expect("a batch that fills the memtable");
    engine.write(&batch_of(&[("c", Some(&value))])).expect("a batch that fills the next memtable");
    let first = start_write(&engine, named_batch("first"), Sync::Os);
    eventually("the writer waits for room", || engine.stats().stalls == 1);
    let mut writers = queue_up(&engine, ["one", "two"].map(|name| (named_batch(name), Sync::Os)).into());
    let putting = engine.clone();
    writers.push(start(move || putting.put(b"d", b"1")));
    eventually("a put waits too", || engine.stats().waiting_writers == 3);
    is_released.store(true, Ordering::SeqCst);
    for writer in writers.into_iter().chain([first]) {
        let outcome: Result<()> = writer.wait("a writer, when the flusher has panicked");
        let is_told = matches!(&outcome, Err(Error::Panicked { message, .. }) if message == "a flusher that panics");
        assert!(is_told, "the flusher panicked, and a writer is told {outcome:?}");
    }
}
