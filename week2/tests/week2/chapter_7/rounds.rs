//! Many writers, thousands of rounds: nobody is forgotten, nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lsm::disk::{SimDisk, Survival};
use lsm::{Engine, Stats, Sync};

use super::support::{Pending, batch_of, get, logging, open, reopen, scan, start};

const WRITERS: usize = 4;

/// Writers that write again and again, each its own keys, all come to their end; everything is there, in memory, after a
/// power cut, and there are no more syncs than writes.
///
/// Hint: a writer that waits looks at its fate in a loop, under the lock under which it is told. Whether somebody leads is
/// read and set under the queue's lock; it is given up only when nobody waits.
///
/// Book: week2/7-batches.md#the-queue
#[test]
fn no_wake_up_is_lost_in_thousands_of_rounds() {
    const ROUNDS: usize = 700;
    for sync in [Sync::Os, Sync::EveryCommit] {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(logging(&disk));
        let write = move |engine: &Engine, writer: usize, round: usize| {
            let (value, one, two) = (round.to_string(), format!("one{writer}"), format!("two{writer}"));
            engine.write_with(&batch_of(&[(&one, Some(&value)), (&two, Some(&value))]), sync).expect("a batch");
            let found: Option<Bytes> = get(engine, &one, "right after it was written");
            assert_eq!(found, Some(Bytes::from(value)), "a writer reads what it has just written, round {round}");
        };
        write(&engine, 0, 0);
        let writers: Vec<Pending<()>> = (0..WRITERS)
            .map(|writer| {
                let engine = engine.clone();
                start(move || (1..=ROUNDS).for_each(|round| write(&engine, writer, round)))
            })
            .collect();
        for (number, writer) in writers.into_iter().enumerate() {
            writer.wait(&format!("writer {number} of {WRITERS}, {ROUNDS} batches each, {sync:?}"));
        }
        let stats: Stats = engine.stats();
        assert_eq!(stats.waiting_writers, 0, "nobody waits when all have ended");
        let syncs: u64 = if sync == Sync::EveryCommit { (WRITERS * ROUNDS) as u64 + 1 } else { 0 };
        assert!(stats.log_syncs <= syncs, "at most a sync for each of {} writes: {stats:?}", WRITERS * ROUNDS);
        let left: Engine = match sync {
            Sync::EveryCommit => reopen(&disk.after_power_cut(Survival::Nothing, 0), "after a cut"),
            Sync::Os => {
                drop(engine);
                reopen(&disk, "the log")
            }
        };
        let expected: Vec<(String, String)> = ["one", "two"]
            .iter()
            .flat_map(|name| (0..WRITERS).map(move |writer| (format!("{name}{writer}"), ROUNDS.to_string())))
            .collect();
        assert_eq!(scan(&left, "replayed"), expected, "the last value of each writer, {sync:?}");
    }
}

/// Flushes, freezes, syncs and small memtables between the writers change nothing about that.
///
/// Hint: the leader makes room, logs and writes within the turn, so a freeze falls between two groups and never into one.
///
/// Book: week2/7-batches.md#the-queue
#[test]
fn writers_get_on_beside_freezes_flushes_and_syncs() {
    const ROUNDS: usize = 120;
    let disk = SimDisk::new();
    let mut options = logging(&disk);
    (options.background, options.memtable_size, options.max_frozen_memtables) = (true, 4000, 1);
    let engine: Arc<Engine> = open(options);
    engine.write(&batch_of(&[("begun", Some("1"))])).expect("a batch");
    let is_over: Arc<AtomicBool> = Arc::default();
    let others: [Pending<()>; 2] = [0, 1].map(|other| {
        let (engine, is_over) = (engine.clone(), is_over.clone());
        start(move || {
            while !is_over.load(Ordering::SeqCst) {
                match other {
                    0 => engine.freeze().and_then(|()| engine.sync()).expect("a freeze and a sync"),
                    _ => engine.flush().expect("a flush"),
                }
                std::thread::yield_now();
            }
        })
    });
    let writers: Vec<Pending<()>> = (0..WRITERS)
        .map(|writer| {
            let engine = engine.clone();
            start(move || {
                for round in 0..ROUNDS {
                    let key = format!("key{writer}{round:04}");
                    let batch = batch_of(&[(&key, Some("1")), ("all", Some(&key))]);
                    let sync = if round % 4 == writer { Sync::EveryCommit } else { Sync::Os };
                    engine.write_with(&batch, sync).expect("a batch");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.wait("a writer beside freezes, flushes and syncs");
    }
    is_over.store(true, Ordering::SeqCst);
    for other in others {
        other.wait("one who freezes, syncs or flushes");
    }
    assert_eq!(scan(&engine, "at the end").len(), WRITERS * ROUNDS + 2, "a key for each batch, and two others");
}
