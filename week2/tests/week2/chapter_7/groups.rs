//! Group commit: while one writes, the others gather, and the next takes all of them along.

use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::{SimDisk, Survival};
use lsm::{Engine, Error, MAX_KEY_LENGTH, Result, Sync, WriteBatch};

use super::support::{
    Gate, Pending, batch_of, eventually, found_of, get, is_log_append, is_log_sync, logging, named_batch, open,
    promptly, queue_up, reopen, start, start_write,
};

/// An engine whose log is begun.
fn begun(disk: &SimDisk) -> Arc<Engine> {
    let engine: Arc<Engine> = open(logging(disk));
    engine.write(&named_batch("begun")).expect("a batch");
    engine
}

fn expect_all(writers: Vec<Pending<Result<()>>>, what: &str) {
    for (number, writer) in writers.into_iter().enumerate() {
        let what = format!("{what}, writer {number} of the queue");
        writer.wait(&what).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

/// Writers that come while one writes wait for it, and then one append to the log serves all of them: puts, deletions
/// and batches.
///
/// Hint: if somebody leads, put yourself into the queue and sleep. Whoever leads next takes the queue's writers along and
/// calls `commit` once, with all their entries.
///
/// Book: week2/7-batches.md#group-commit
#[test]
fn one_append_serves_all_who_waited() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = begun(&disk);
    engine.write(&batch_of(&[("gone", Some("1"))])).expect("a batch");
    let gate = Gate::before(&disk, is_log_append);
    let first: Pending<Result<()>> = start_write(&engine, named_batch("first"), Sync::Os);
    gate.wait_for_arrivals(1, "the first writer comes to the log");
    let mut writers: Vec<Pending<Result<()>>> = Vec::new();
    for number in 0..12 {
        let engine = engine.clone();
        writers.push(start(move || match number % 3 {
            0 => engine.write(&named_batch(&format!("batch{number}"))),
            1 => engine.put(format!("put{number}").as_bytes(), b"1"),
            _ => engine.delete(b"gone"),
        }));
    }
    eventually("12 writers wait (`stats().waiting_writers`)", || engine.stats().waiting_writers == 12);
    gate.open();
    first.wait("the first writer").expect("the first writer");
    expect_all(writers, "a group of 12");
    let (appends, syncs) = gate.log_appends_and_syncs();
    assert_eq!((appends, syncs), (2, 0), "appends to the log, one by the first writer and one for the 12, and syncs");
    assert_eq!(engine.stats().waiting_writers, 0, "nobody waits any more");
    drop(gate);
    drop(engine);
    let engine: Engine = reopen(&disk, "what the group wrote");
    for number in 0..12 {
        match number % 3 {
            0 => assert_eq!(found_of(&engine, &format!("batch{number}"), "replayed"), 3, "keys of batch{number}"),
            1 => assert!(get(&engine, &format!("put{number}"), "replayed").is_some(), "put{number} is in the log"),
            _ => assert_eq!(get(&engine, "gone", "replayed"), None, "the deletion is in the log"),
        }
    }
}

/// One sync serves all who waited for one: 16 writers behind a sync that takes long are durable with one more.
///
/// Hint: a group has one record, so one `commit` with `Sync::EveryCommit` is enough.
///
/// Book: week2/7-batches.md#group-commit
#[test]
fn one_sync_serves_all_who_waited() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = begun(&disk);
    let gate = Gate::before(&disk, is_log_sync);
    let before: u64 = engine.stats().log_syncs;
    let first: Pending<Result<()>> = start_write(&engine, named_batch("first"), Sync::EveryCommit);
    gate.wait_for_arrivals(1, "the first writer comes to its sync");
    let names: Vec<String> = (0..16).map(|number| format!("waits{number}")).collect();
    let writers = queue_up(&engine, names.iter().map(|name| (named_batch(name), Sync::EveryCommit)).collect());
    gate.open();
    first.wait("the first writer").expect("the first writer");
    expect_all(writers, "a synced group of 16");
    assert_eq!(gate.log_appends_and_syncs().1, 2, "syncs of the log, one by the first writer and one for the 16");
    assert_eq!(engine.stats().log_syncs - before, 2, "`stats().log_syncs` counts the two");
    let left: Engine = reopen(&disk.after_power_cut(Survival::Nothing, 0), "after a cut");
    for name in &names {
        assert_eq!(found_of(&left, name, "after a cut"), 3, "keys of the acknowledged, synced batch {name}");
    }
}

/// If one member of a group wants a sync, the group is synced, wherever in the group it stands. If none does, it is not.
///
/// Hint: the leader's own wish is not enough: ask whether `any` of the group wants `EveryCommit`.
///
/// Book: week2/7-batches.md#group-commit
#[test]
fn one_member_that_wants_a_sync_has_the_group_synced() {
    for wanting in [Some(0), Some(1), Some(3), None] {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = begun(&disk);
        let gate = Gate::before(&disk, is_log_append);
        let first: Pending<Result<()>> = start_write(&engine, named_batch("first"), Sync::Os);
        gate.wait_for_arrivals(1, "the first writer comes to the log");
        let names = ["one", "two", "three", "four"];
        let wish = |index: usize| if wanting == Some(index) { Sync::EveryCommit } else { Sync::Os };
        let batches = names.iter().enumerate().map(|(index, name)| (named_batch(name), wish(index))).collect();
        let writers = queue_up(&engine, batches);
        gate.open();
        first.wait("the first writer").expect("the first writer");
        expect_all(writers, "a group of four");
        let what = format!("a group of four, of which the member {wanting:?} wants a sync");
        assert_eq!(gate.log_appends_and_syncs().1, usize::from(wanting.is_some()), "syncs of the log: {what}");
        if wanting.is_some() {
            let left: Engine = reopen(&disk.after_power_cut(Survival::Nothing, 0), "after a cut");
            for name in names.iter().chain(&["first"]) {
                assert_eq!(found_of(&left, name, "after a cut"), 3, "keys of {name} after a power cut: {what}");
            }
        }
    }
}

/// Nobody of a group is acknowledged before its sync: if the power goes while the group's sync is under way, every member
/// gets an error.
///
/// Hint: tell the followers after `commit` has returned, and tell them what it returned.
///
/// Book: week2/7-batches.md#group-commit
#[test]
fn no_member_is_acknowledged_before_the_sync() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = begun(&disk);
    let gate = Gate::before(&disk, is_log_sync);
    let first: Pending<Result<()>> = start_write(&engine, named_batch("first"), Sync::EveryCommit);
    gate.wait_for_arrivals(1, "the first writer comes to its sync");
    let names: Vec<String> = (0..4).map(|number| format!("waits{number}")).collect();
    let writers = queue_up(&engine, names.iter().map(|name| (named_batch(name), Sync::EveryCommit)).collect());
    gate.let_pass(1);
    first.wait("the first writer").expect("the first writer");
    gate.wait_for_arrivals(2, "the group comes to its sync");
    disk.cut_power();
    gate.open();
    for (name, writer) in names.iter().zip(writers) {
        let outcome: Result<()> = writer.wait("a member of a group");
        assert!(
            matches!(outcome, Err(Error::Poisoned(_))),
            "the power went during the group's sync, and {name} was told {outcome:?}, not Poisoned"
        );
    }
}

/// Writers are served in the order in which they came, within a group and from group to group, in memory and in the log.
///
/// Hint: take from the front of the queue, and give `commit` the entries in this order. Only the first of the queue may
/// lead; a newcomer never overtakes those who wait.
///
/// Book: week2/7-batches.md#the-queue
#[test]
fn writers_are_served_in_the_order_in_which_they_came() {
    // With great values there are several groups.
    for length in [1, 400 << 10] {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = begun(&disk);
        let gate = Gate::before(&disk, is_log_append);
        let value = |number: usize| number.to_string().repeat(length);
        let first: Pending<Result<()>> = start_write(&engine, batch_of(&[("k", Some(&value(0)))]), Sync::Os);
        gate.wait_for_arrivals(1, "the first writer comes to the log");
        // Each deletes what the one before it has written, beside the key that all of them write.
        let own = |number: usize| format!("own{number}");
        let batch = |number: usize| {
            let (before, after, value) = (own(number - 1), own(number), value(number));
            batch_of(&[(&before, None), (&after, Some("1")), ("k", Some(&value))])
        };
        let writers = queue_up(&engine, (1..7).map(|number| (batch(number), Sync::Os)).collect());
        gate.open();
        first.wait("the first writer").expect("the first writer");
        expect_all(writers, "six in a queue");
        drop(gate);
        let check = |engine: &Engine, when: &str| {
            let found: Option<Bytes> = get(engine, "k", when);
            assert!(
                found == Some(Bytes::from(value(6))),
                "{when}, the last of six writers of k counts ({length} bytes)"
            );
            for number in 1..7 {
                let is_there = get(engine, &own(number), when).is_some();
                assert_eq!(
                    is_there,
                    number == 6,
                    "{when}, {}: the next writer deletes it, the sixth is last",
                    own(number)
                );
            }
        };
        check(&engine, "in memory");
        drop(engine);
        check(&reopen(&disk, "the log of a queue"), "replayed");
    }
}

/// A group has at most 1 MiB of keys and values; a writer with more writes alone.
///
/// Hint: before a leader takes the next one along, it adds that one's bytes, and stops if they are too many now. Itself it
/// takes in any case.
///
/// Book: week2/7-batches.md#the-queue
#[test]
fn a_group_is_no_larger_than_its_limit() {
    const LIMIT: usize = 1 << 20;
    let cases: [(&[usize], usize); 7] = [
        (&[LIMIT / 2, LIMIT / 2], 1),
        (&[LIMIT / 2, LIMIT / 2 + 1], 2),
        (&[LIMIT / 2, LIMIT / 2, 10, 10], 2),
        (&[LIMIT + 1, 10, 10], 2),
        (&[10, LIMIT, 10], 3),
        (&[10, LIMIT - 10, 10], 2),
        (&[3 * LIMIT, 3 * LIMIT], 2),
    ];
    for (sizes, groups) in cases {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = begun(&disk);
        let gate = Gate::before(&disk, is_log_append);
        let first: Pending<Result<()>> = start_write(&engine, named_batch("first"), Sync::Os);
        gate.wait_for_arrivals(1, "the first writer comes to the log");
        let batch = |size: usize| {
            // Two keys of two bytes each, one of them deleted; the rest is a value.
            let mut batch: WriteBatch = WriteBatch::new();
            batch.put(b"k1", &vec![7; size - 4]);
            batch.delete(b"k2");
            batch
        };
        let writers = queue_up(&engine, sizes.iter().map(|size| (batch(*size), Sync::Os)).collect());
        gate.open();
        first.wait("the first writer").expect("the first writer");
        expect_all(writers, "writers of great values");
        let appends: usize = gate.log_appends_and_syncs().0 - 1;
        assert_eq!(appends, groups, "groups (appends to the log) for writers of {sizes:?} bytes; the limit is {LIMIT}");
    }
}

/// A batch that is too long for the limits is refused at once, before it joins a group: it neither waits nor takes
/// others down with it.
///
/// Hint: `submit` checks the limits before it looks at the queue.
///
/// Book: week2/7-batches.md#task-3-the-queue
#[test]
fn a_refused_batch_never_joins_a_group() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = begun(&disk);
    let gate = Gate::before(&disk, is_log_append);
    let first: Pending<Result<()>> = start_write(&engine, named_batch("first"), Sync::Os);
    gate.wait_for_arrivals(1, "the first writer comes to the log");
    let writers = queue_up(&engine, vec![(named_batch("good"), Sync::Os)]);
    let refused: Arc<Engine> = engine.clone();
    let outcome: Result<()> = promptly("a batch with a key that is too long, while another writes", move || {
        refused.write(&batch_of(&[("a", Some("1")), (&"k".repeat(MAX_KEY_LENGTH + 1), Some("1"))]))
    });
    assert!(matches!(outcome, Err(Error::KeyTooLong { .. })), "expected KeyTooLong, found {outcome:?}");
    gate.open();
    first.wait("the first writer").expect("the first writer");
    expect_all(writers, "a writer beside a refused one");
    assert_eq!(found_of(&engine, "good", "beside a refused batch"), 3, "keys of the good batch");
    assert_eq!(get(&engine, "a", "after it was refused"), None, "nothing of the refused batch is written");
}
