//! Readers beside a writer, and writers beside each other, in real threads.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{scope, yield_now};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::{Engine, MemTable, Stats};

use super::{freeze, get, new_engine, put};

const DEADLINE: Duration = Duration::from_secs(8);

/// Sets the flag when its thread ends, in whatever way: nobody waits for a thread that has panicked.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Calls `write(0)`, `write(1)`… in a thread of its own and `read` in this one, until each was called so often.
fn race(least_writes: u64, least_reads: u64, mut write: impl FnMut(u64) + Send, mut read: impl FnMut()) {
    let (is_over, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    scope(|scope| {
        let writer = scope.spawn(|| {
            let _end = SetAtEnd(&is_over);
            let mut writes = 0;
            while !is_over.load(Ordering::SeqCst)
                && (writes < least_writes || reads.load(Ordering::Relaxed) < least_reads)
            {
                assert!(start.elapsed() < DEADLINE, "{writes} writes and {reads:?} reads took more than {DEADLINE:?}");
                write(writes);
                writes += 1;
            }
        });
        let end = SetAtEnd(&is_over);
        while !is_over.load(Ordering::SeqCst) {
            read();
            reads.fetch_add(1, Ordering::Relaxed);
        }
        drop(end);
        if let Err(panic) = writer.join() {
            resume_unwind(panic);
        }
    });
}

/// A value that tells in which round it was written, long enough to be torn.
fn value_of(round: u64) -> Vec<u8> {
    round.to_be_bytes().repeat(4)
}

fn round_of(value: &[u8]) -> u64 {
    let (first, rest) = value.split_at(8);
    assert!(rest.chunks(8).all(|part| part == first), "a reader saw a value that nobody wrote: {value:?}");
    u64::from_be_bytes(first.try_into().expect("it was split at 8 bytes"))
}

/// A key that always existed is never missing to a reader, however often it is overwritten meanwhile.
///
/// Hint: `SkipMap::insert` over an existing key takes the old node out before the new one is in. Insert a key's node
/// once, with `get_or_insert_with`, and swap the value inside of it.
///
/// Book: week1/1-memtable.md#a-node-is-never-replaced
#[test]
fn a_key_that_always_existed_is_never_missing() {
    let memtable: MemTable = MemTable::new(1);
    for key in [&b"apple"[..], b"banana", b"cherry"] {
        memtable.put(key, &value_of(0));
    }
    let mut seen = 0;
    race(
        40_000,
        40_000,
        |round| memtable.put(b"banana", &value_of(round)),
        || {
            let found: Option<Option<Bytes>> = memtable.get(b"banana");
            let Some(Some(value)) = found else {
                panic!("get(banana) gave {found:?} while another thread overwrote it; it was there all the time");
            };
            let round = round_of(&value);
            assert!(round >= seen, "get(banana) gave round {round} after it had given round {seen}");
            seen = round;
        },
    );
}

/// A key that is deleted and put in turns is always known: as a value or as a tombstone.
///
/// Hint: a tombstone is swapped in like a value; the node stays.
///
/// Book: week1/1-memtable.md#a-node-is-never-replaced
#[test]
fn a_key_that_is_deleted_and_put_is_always_known() {
    let memtable: MemTable = MemTable::new(1);
    memtable.put(b"banana", b"yellow");
    race(
        20_000,
        20_000,
        |round| memtable.write(b"banana", (round % 2 == 0).then_some(&b"yellow"[..])),
        || {
            let found: Option<Option<Bytes>> = memtable.get(b"banana");
            let is_known = matches!(&found, Some(value) if value.as_deref().is_none_or(|value| value == b"yellow"));
            assert!(is_known, "get(banana) gave {found:?}; it was yellow or deleted all the time, never unknown");
        },
    );
}

/// A new key is seen with its value or not at all.
///
/// Hint: do not insert a node with a tombstone and swap the value in afterwards: a reader may look in between.
///
/// Book: week1/1-memtable.md#a-node-is-never-replaced
#[test]
fn a_new_key_is_never_seen_without_its_value() {
    // Long, so that a value which comes too late comes noticeably late.
    let value = [b'v'; 8_192];
    let memtable: MemTable = MemTable::new(1);
    let next = AtomicU64::new(0);
    race(
        10_000,
        10_000,
        |round| {
            next.store(round, Ordering::SeqCst);
            memtable.put(&round.to_be_bytes(), &value[..]);
        },
        || {
            let key = next.load(Ordering::SeqCst).to_be_bytes();
            let found: Option<Option<Bytes>> = memtable.get(&key);
            assert_ne!(found, Some(None), "a key that was just put for the first time was seen as deleted");
        },
    );
}

/// Freezing hides nothing from a reader, not for a moment.
///
/// Hint: one `replace_state` puts the frozen memtable and the new one in place together.
///
/// Book: week1/1-memtable.md#freezing
#[test]
fn freezing_hides_nothing_from_readers() {
    let engine: Engine = new_engine();
    put(&engine, b"old", b"frozen first");
    put(&engine, b"hot", &value_of(0));
    let written = AtomicU64::new(0);
    let mut reads = 0;
    race(
        400,
        4_000,
        |round| {
            put(&engine, b"hot", &value_of(round));
            written.store(round, Ordering::SeqCst);
            if round < 400 {
                freeze(&engine);
            }
        },
        || {
            let least = written.load(Ordering::SeqCst);
            let found: Option<Bytes> = get(&engine, b"hot");
            let Some(value) = found else { panic!("get(hot) gave None while another thread overwrote and froze it") };
            let round = round_of(&value);
            assert!(round >= least, "get(hot) gave the value of round {round} when that of round {least} was written");
            reads += 1;
            if reads % 64 == 0 {
                let found: Option<Bytes> = get(&engine, b"old");
                assert_eq!(
                    found.as_deref(),
                    Some(&b"frozen first"[..]),
                    "get(old) while another thread froze memtables"
                );
            }
        },
    );
}

/// Writers of different threads take turns: nothing is lost and nothing counted twice.
///
/// Hint: hold the turn until the last entry is written; a memtable counts exactly only with one writer at a time.
///
/// Book: week1/1-memtable.md#task-3-one-turn-for-writers
#[test]
fn writers_take_turns() {
    // Many small engines rather than a large one: in a short list, threads meet at the same key more often.
    const KEYS: u32 = 30;
    let values: [&[u8]; 2] = [b"one", b"two"];
    let engines: Vec<Engine> = (0..300).map(|_| new_engine()).collect();
    let one_after_the_other: Engine = new_engine();
    let write_all = |engine: &Engine, value: &[u8]| {
        for key in 0..KEYS {
            put(engine, &key.to_be_bytes(), value);
        }
    };
    values.iter().for_each(|value| write_all(&one_after_the_other, value));
    let expected: Stats = one_after_the_other.stats();
    scope(|scope| {
        for value in values {
            let (write_all, engines) = (&write_all, &engines);
            scope.spawn(move || engines.iter().for_each(|engine| write_all(engine, value)));
        }
    });
    for engine in &engines {
        for key in 0..KEYS {
            let found: Option<Bytes> = get(engine, &key.to_be_bytes());
            let is_one = found.as_deref().is_some_and(|found| values.contains(&found));
            assert!(is_one, "get({key}) gave {found:?} after two threads put one of {values:?} each");
        }
        let found: Stats = engine.stats();
        assert_eq!(found.entries, expected.entries, "entries after two threads wrote what one wrote elsewhere");
        assert_eq!(found.memtable_bytes, expected.memtable_bytes, "memtable_bytes, with the same puts by two threads");
    }
}

/// Nothing that was written is lost when memtables are frozen by another thread meanwhile.
///
/// Hint: take the state within the turn, and write into that state's memtable.
///
/// Book: week1/1-memtable.md#freezing
#[test]
fn nothing_is_lost_between_writers_and_freezes() {
    const KEYS: u32 = 1_000;
    let engine: Engine = new_engine();
    scope(|scope| {
        for writer in 0..2_u8 {
            let engine = &engine;
            scope.spawn(move || {
                for key in 0..KEYS {
                    put(engine, &[&[writer][..], &key.to_be_bytes()].concat(), &key.to_be_bytes());
                }
            });
        }
        let start = Instant::now();
        for frozen in 0..15 {
            while engine.stats().entries < 100 * frozen {
                assert!(start.elapsed() < DEADLINE, "two threads that put took more than {DEADLINE:?}");
                yield_now();
            }
            freeze(&engine);
        }
    });
    let stats: Stats = engine.stats();
    assert_eq!(stats.entries, u64::from(2 * KEYS), "entries after two threads put {KEYS} keys of their own each");
    for (writer, key) in (0..2_u8).flat_map(|writer| (0..KEYS).map(move |key| (writer, key))) {
        let found: Option<Bytes> = get(&engine, &[&[writer][..], &key.to_be_bytes()].concat());
        assert_eq!(found.as_deref(), Some(&key.to_be_bytes()[..]), "get(key {key} of writer {writer})");
    }
}
