//! Closing an engine while writers wait.

use std::sync::Arc;

use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, Error, Result, Sync};

use super::support::{
    Gate, batch_of, eventually, found_of, is_log_sync, is_table, logging, named_batch, open, queue_up, reopen, start,
    start_write,
};

/// Closing wakes everybody: a leader that waits for room, and all who wait behind it, are told `Closed`, though the flusher
/// is still held.
///
/// Hint: the leader wakes with an error from `make_room`; like any error it goes to its followers, and the next one leads,
/// to be told the same.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn closing_wakes_all_who_wait() {
    for wal in [true, false] {
        let disk = SimDisk::new();
        let mut options = logging(&disk);
        options.wal = wal;
        (options.background, options.memtable_size, options.max_frozen_memtables) = (true, 1000, 1);
        let engine: Arc<Engine> = open(options);
        engine.write(&named_batch("kept")).expect("a batch");
        let gate = Gate::before(&disk, |step| step.operation == Operation::Create && is_table(step.path));
        let value: String = "v".repeat(1000);
        engine.write(&batch_of(&[("a", Some(&value))])).expect("a batch that fills the memtable");
        engine.write(&batch_of(&[("b", Some(&value))])).expect("a batch that fills the next memtable");
        gate.wait_for_arrivals(1, "the flusher begins");
        let first = start_write(&engine, named_batch("first"), Sync::Os);
        eventually("a writer waits for room", || engine.stats().stalls == 1);
        let great: String = "v".repeat((1 << 20) + 1);
        let batches = vec![
            (named_batch("one"), Sync::Os),
            (batch_of(&[("great", Some(&great))]), Sync::Os),
            (named_batch("two"), Sync::EveryCommit),
        ];
        let writers = queue_up(&engine, batches);
        let closing = engine.clone();
        let closed = start(move || closing.close());
        for writer in writers.into_iter().chain([first]) {
            let outcome: Result<()> = writer.wait("a writer, while the engine is closed and the flusher is held");
            assert!(matches!(outcome, Err(Error::Closed)), "with wal = {wal}, a waiting writer is told {outcome:?}");
        }
        gate.open();
        closed.wait("closing").unwrap_or_else(|error| panic!("closing, with wal = {wal}: {error}"));
        let refused: Result<()> = engine.write(&named_batch("late"));
        assert!(matches!(refused, Err(Error::Closed)), "a batch after the close: {refused:?}");
        drop(gate);
        drop(engine);
        let engine: Engine = reopen(&disk, "a closed engine");
        let found: [usize; 3] = ["kept", "first", "one"].map(|name| found_of(&engine, name, "after a close"));
        assert_eq!(found, [3, 0, 0], "with wal = {wal}, keys of an acknowledged batch and of two refused ones");
    }
}

/// A group that is under way when the engine is closed ends first: what it acknowledges is there after the close.
///
/// Hint: `close` syncs the logs within the turn, which the leader holds until its group is written.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn a_group_under_way_ends_before_the_close() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(logging(&disk));
    engine.write(&named_batch("kept")).expect("a batch");
    let gate = Gate::before(&disk, is_log_sync);
    let first = start_write(&engine, named_batch("first"), Sync::EveryCommit);
    gate.wait_for_arrivals(1, "the first writer comes to its sync");
    let writers = queue_up(&engine, vec![(named_batch("behind"), Sync::Os)]);
    let closing = engine.clone();
    let closed = start(move || closing.close());
    gate.open();
    first.wait("the writer that was at its sync").expect("the writer that was at its sync");
    closed.wait("closing").expect("closing");
    let mut expected = vec![("kept", 3), ("first", 3)];
    for writer in writers {
        // Whether it came before the close is the scheduler's to decide; but it is told what is so.
        match writer.wait("a writer behind") {
            Ok(()) => expected.push(("behind", 3)),
            Err(Error::Closed) => expected.push(("behind", 0)),
            Err(other) => panic!("a writer beside a close is told {other:?}"),
        }
    }
    drop(gate);
    drop(engine);
    let engine: Engine = reopen(&disk, "a closed engine");
    for (name, count) in expected {
        assert_eq!(found_of(&engine, name, "after a close"), count, "keys of {name} after a close");
    }
}
