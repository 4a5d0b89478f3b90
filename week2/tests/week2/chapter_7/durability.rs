//! What a write waits for: as the engine's options say, or as the write says for itself.

use std::sync::Arc;

use lsm::disk::{SimDisk, Survival};
use lsm::{Engine, Options, Result, Sync};

use super::support::{Gate, batch_of, found_of, get, logging, named_batch, open, reopen};

/// The engine's own durability, and a way to write the batch "a", "b", … with it or against it.
fn with_sync(disk: &SimDisk, sync: Sync) -> Options {
    let mut options = logging(disk);
    options.sync = sync;
    options
}

/// What is left when the power is cut now, and nothing survives that was not promised.
fn after_cut(disk: &SimDisk, when: &str) -> Engine {
    reopen(&disk.after_power_cut(Survival::Nothing, 0), when)
}

/// A batch that is written with `Sync::EveryCommit` is on the disk when `write_with` returns, whatever the options say.
///
/// Hint: the word of the write goes on to `Logs::write`; `commit` has a parameter for it now.
///
/// Book: week2/7-batches.md#how-durable-is-a-write
#[test]
fn a_batch_may_ask_for_a_sync() {
    for sync in [Sync::Os, Sync::EveryCommit] {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(with_sync(&disk, sync));
        for name in ["a", "b"] {
            engine.write_with(&named_batch(name), Sync::EveryCommit).expect("a batch");
            let found: usize = found_of(&after_cut(&disk, "after a cut"), name, "after a cut");
            assert_eq!(
                found, 3,
                "keys of the synced batch {name} after a power cut; the engine's own sync is {sync:?}"
            );
        }
        assert_eq!(engine.stats().log_syncs, 2, "one sync for each of two batches");
    }
}

/// A batch that is written with `Sync::Os` waits for no sync, whatever the options say. Until the next sync a power cut
/// may take it.
///
/// Hint: only `put`, `delete` and `write` look at `Options::sync`; `write_with` does as it is told.
///
/// Book: week2/7-batches.md#how-durable-is-a-write
#[test]
fn a_batch_may_do_without_a_sync() {
    for sync in [Sync::Os, Sync::EveryCommit] {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(with_sync(&disk, sync));
        let gate = Gate::that_counts(&disk);
        engine.write_with(&named_batch("a"), Sync::Os).expect("a batch");
        assert_eq!(gate.log_appends_and_syncs(), (1, 0), "appends to the log and syncs, with Sync::Os beside {sync:?}");
        assert_eq!(found_of(&after_cut(&disk, "after a cut"), "a", "after a cut"), 0, "nobody has synced the log");
        engine.sync().expect("a sync");
        assert_eq!(found_of(&after_cut(&disk, "after a sync"), "a", "after a sync"), 3, "the log was synced by hand");
    }
}

/// `write`, `put` and `delete` wait for what the engine's options say: with `Sync::EveryCommit` each is on the disk when it
/// returns, with `Sync::Os` none of them syncs.
///
/// Hint: all three submit with `self.core.options().sync`.
///
/// Book: week2/7-batches.md#how-durable-is-a-write
#[test]
fn other_writes_wait_for_what_the_options_say() {
    type Write = fn(&Engine) -> Result<()>;
    let writes: [(&str, Write); 3] = [
        ("write", |engine| engine.write(&batch_of(&[("k", Some("1")), ("gone", Some("1"))]))),
        ("put", |engine| engine.put(b"k", b"2")),
        ("delete", |engine| engine.delete(b"gone")),
    ];
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(with_sync(&disk, Sync::EveryCommit));
    for (number, (name, write)) in writes.iter().enumerate() {
        write(&engine).unwrap_or_else(|error| panic!("{name}: {error}"));
        let left: Engine = after_cut(&disk, name);
        let found = ["k", "gone"].map(|key| get(&left, key, "after a cut").map(|value| value[0]));
        let expected = [[Some(b'1'), Some(b'1')], [Some(b'2'), Some(b'1')], [Some(b'2'), None]][number];
        assert_eq!(found, expected, "the values of k and gone after a power cut behind {name}, with Sync::EveryCommit");
        assert_eq!(engine.stats().log_syncs, number as u64 + 1, "one sync for each write");
    }
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(with_sync(&disk, Sync::Os));
    let gate = Gate::that_counts(&disk);
    for (name, write) in writes {
        write(&engine).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(gate.log_appends_and_syncs(), (3, 0), "appends to the log and syncs, for three writes with Sync::Os");
}

/// A synced batch makes durable whatever was written before it, by whichever write, in this memtable or in older ones.
///
/// Hint: nothing new: a log's first synced write seals the logs before it (chapter 2.6).
///
/// Book: week2/7-batches.md#how-durable-is-a-write
#[test]
fn a_synced_batch_takes_earlier_writes_along() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(with_sync(&disk, Sync::Os));
    engine.write(&named_batch("oldest")).expect("a batch");
    engine.freeze().expect("freezing");
    engine.put(b"older", b"1").expect("a put");
    engine.write(&named_batch("old")).expect("a batch");
    engine.write_with(&named_batch("synced"), Sync::EveryCommit).expect("a batch");
    engine.write(&named_batch("unsynced")).expect("a batch");
    let left: Engine = after_cut(&disk, "after a cut");
    let found: [usize; 4] = ["oldest", "old", "synced", "unsynced"].map(|name| found_of(&left, name, "after a cut"));
    assert_eq!(found, [3, 3, 3, 0], "keys of the batches oldest, old, synced, and the one behind it");
    assert!(get(&left, "older", "after a cut").is_some(), "a put before a synced batch is as durable as the batch");
}

/// Without a log there is nothing to wait for: a batch is written, in memory, whatever it asks for.
///
/// Hint: `commit` looks at `options().wal` before it looks at the sync.
///
/// Book: week2/7-batches.md#how-durable-is-a-write
#[test]
fn without_a_log_a_batch_waits_for_nothing() {
    let disk = SimDisk::new();
    let mut options = with_sync(&disk, Sync::EveryCommit);
    options.wal = false;
    let engine: Arc<Engine> = open(options);
    let changes: u64 = disk.changes();
    engine.write_with(&named_batch("a"), Sync::EveryCommit).expect("a batch");
    assert_eq!(found_of(&engine, "a", "without a log"), 3, "the batch is in memory");
    assert_eq!(disk.changes(), changes, "nothing is done to the disk");
}
