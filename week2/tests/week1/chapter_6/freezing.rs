//! When memtables are frozen, and what is read while they wait.

use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, Stats};

use super::support::{
    Gate, check_holds, eventually, fill, fill_until, flushing, key, manual, open, promptly, table_files, value,
};

/// How large a memtable is after these writes, in this engine.
fn memtable_bytes_of(count: usize) -> usize {
    let engine: Arc<Engine> = open(manual(&SimDisk::new()));
    fill(&engine, 0..count);
    engine.stats().memtable_bytes as usize
}

/// A memtable that has reached `memtable_size` takes no further write: the next write goes into a new one.
///
/// Hint: compare before the write, not after it: a memtable of just `memtable_size` bytes is full, one of a byte less
/// is not. The write that finds it full freezes it and goes into the fresh one.
///
/// Book: week1/6-write-path.md#task-1-make-room
#[test]
fn a_memtable_that_has_reached_the_limit_takes_no_further_write() {
    let size: usize = memtable_bytes_of(20);
    for (memtable_size, writes_before) in [(size, 20), (size - 1, 20), (size + 1, 21)] {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(flushing(&disk, memtable_size, 2));
        let _held = Gate::before_tables(&disk);
        fill(&engine, 0..writes_before);
        let before: Stats = engine.stats();
        assert_eq!(
            before.frozen_memtables, 0,
            "20 writes make {size} bytes; with a limit of {memtable_size}: {before:?}"
        );
        fill(&engine, [writes_before]);
        let after: Stats = engine.stats();
        assert_eq!(after.frozen_memtables, 1, "write {writes_before} with a limit of {memtable_size}: {after:?}");
        assert_eq!(after.entries, writes_before as u64 + 1, "freezing loses no entry and doubles none: {after:?}");
        assert_eq!(after.stalls, 0, "there was room, so nobody had to wait: {after:?}");
        check_holds(&engine, 0..=writes_before, "while a memtable is frozen");
    }
}

/// A write never makes the memtable grow by more than itself beyond the limit, however many writes come.
///
/// Hint: look at the memtable's size at every write; the frozen ones count for the bound on their number only.
///
/// Book: week1/6-write-path.md#task-1-make-room
#[test]
fn every_frozen_memtable_has_reached_the_limit_by_its_last_write() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 8));
    let _held = Gate::before_tables(&disk);
    let (mut next, mut frozen_bytes) = (0, 0);
    for frozen in 1..=8 {
        next = fill_until(&engine, next, "a frozen memtable", |stats| stats.frozen_memtables == frozen);
        // The write that froze went into a new memtable; it is the only one there.
        let grown: u64 = engine.stats().memtable_bytes - frozen_bytes;
        assert!(
            (4096..4096 + 2 * 350).contains(&grown),
            "memtable {frozen} and the first write after it: {grown} bytes"
        );
        let one_write: u64 = memtable_bytes_of(1) as u64;
        frozen_bytes += grown - one_write;
    }
    assert_eq!(engine.stats().stalls, 0, "8 may wait, and 8 do: nobody had to wait for room");
    check_holds(&engine, 0..next, "with eight frozen memtables");
}

/// An empty memtable always takes the write: whatever the limit, and however many are frozen.
///
/// Hint: freezing an empty memtable brings no room. So look whether it is empty before you look for room.
///
/// Book: week1/6-write-path.md#task-1-make-room
#[test]
fn an_empty_memtable_takes_the_write_whatever_is_frozen() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 0, 1));
    let held = Gate::before_tables(&disk);
    let writer = engine.clone();
    promptly("two writes, each into a memtable of its own", move || fill(&writer, 0..2));
    let stats: Stats = engine.stats();
    assert_eq!(stats.frozen_memtables, 1, "with a limit of 0, the second write freezes the first one's: {stats:?}");
    engine.freeze().expect("freezing");
    let writer = engine.clone();
    promptly("a write into an empty memtable, while more are frozen than may be", move || fill(&writer, [2]));
    let stats: Stats = engine.stats();
    assert_eq!((stats.frozen_memtables, stats.stalls), (2, 0), "nobody had to wait: {stats:?}");
    held.open();
    let writer = engine.clone();
    promptly("writes with a limit of 0", move || fill(&writer, 3..30));
    check_holds(&engine, 0..30, "with a memtable for each write");
}

/// Freezing wakes the flusher: nobody calls `flush`, and the full memtables become tables all the same.
///
/// Hint: after the swap that freezes, announce it. The flusher sleeps on `changed` until somebody does.
///
/// Book: week1/6-write-path.md#wait-and-announce
#[test]
fn full_memtables_are_flushed_in_the_background() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 2));
    let held = Gate::before_tables(&disk);
    let next: usize = fill_until(&engine, 0, "two frozen memtables", |stats| stats.frozen_memtables == 2);
    held.open();
    eventually("the flusher flushes both", || engine.stats().flushes == 2);
    let stats: Stats = engine.stats();
    assert_eq!((stats.tables, stats.frozen_memtables), (2, 0), "two memtables were frozen: {stats:?}");
    assert_eq!(table_files(&disk).len(), 2, "a table is a file");
    assert_eq!(stats.entries, next as u64, "{stats:?}");
    for round in 0..3 {
        let (writer, first) = (engine.clone(), next + round * 60);
        promptly("writes with a flusher at work", move || fill(&writer, first..first + 60));
        eventually("the flusher flushes what is full", || engine.stats().frozen_memtables == 0);
    }
    check_holds(&engine, 0..next + 180, "after flushes in the background");
}

/// What `freeze` freezes is flushed in the background too, without a further write.
///
/// Hint: announce in `Core::freeze`, so that it does not matter who freezes. With `max_frozen_memtables` frozen and the
/// flusher asleep, a writer would wait for a flush that nobody does.
///
/// Book: week1/6-write-path.md#wait-and-announce
#[test]
fn the_flusher_hears_of_a_memtable_that_the_user_froze() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 4096, 1));
    // What is not written yet fails here, and not after a long wait.
    engine.flush().expect("a flush of nothing");
    // Each round begins when the flusher is about to fall asleep.
    for round in 0..100 {
        fill(&engine, [round]);
        engine.freeze().expect("freezing");
        eventually("the flusher flushes what was frozen by hand", || engine.stats().frozen_memtables == 0);
    }
    check_holds(&engine, 0..100, "after a hundred freezes by hand");
}

/// Of several memtables the newest decides, and after their flush the newest table does.
///
/// Hint: flush the oldest frozen memtable first, and put each new table before those that are there. `State` has
/// the step for it.
///
/// Book: week1/6-write-path.md#task-2-flush-the-oldest
#[test]
fn the_newest_value_is_read_before_and_after_the_flushes() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(flushing(&disk, 1 << 20, 8));
    // What is not written yet fails here, and not after a long wait.
    engine.flush().expect("a flush of nothing");
    let held = Gate::before_tables(&disk);
    for (round, text) in ["first", "second", "third"].into_iter().enumerate() {
        engine.put(b"shared", text.as_bytes()).expect("a put");
        match round {
            0 => engine.put(b"gone", b"here").expect("a put"),
            _ => engine.delete(b"gone").expect("a delete"),
        }
        fill(&engine, [round]);
        engine.freeze().expect("freezing");
    }
    let check = |when: &str| {
        let shared: Option<Bytes> = engine.get(b"shared").expect("a get");
        assert_eq!(shared.as_deref(), Some(&b"third"[..]), "a key that three memtables have, {when}");
        let gone: Option<Bytes> = engine.get(b"gone").expect("a get");
        assert_eq!(gone, None, "a key that the two newest memtables delete, {when}");
        let keys: Vec<Bytes> = engine.scan(..).expect("a scan").map(|entry| entry.expect("an entry").0).collect();
        let expected: Vec<Bytes> = [key(0), key(1), key(2), b"shared".to_vec()].map(Bytes::from).to_vec();
        assert_eq!(keys, expected, "the keys that a scan gives, {when}");
    };
    assert_eq!(engine.stats().frozen_memtables, 3);
    check("while all three are frozen");
    for flushed in 1..=3 {
        held.let_pass(1);
        eventually("the next one is flushed", || engine.stats().tables == flushed);
        check(&format!("after {flushed} of 3 flushes"));
    }
}

/// Without `background`, nothing is frozen or flushed that nobody asked for; `flush` then writes all of it.
///
/// Hint: `make_room` does nothing but look at the engine's health when `options.background` is not set.
///
/// Book: week1/6-write-path.md#task-1-make-room
#[test]
fn without_the_background_only_flush_makes_tables() {
    let disk = SimDisk::new();
    let mut options = manual(&disk);
    options.memtable_size = 4096;
    let engine: Arc<Engine> = open(options);
    fill(&engine, 0..200);
    let before: Stats = engine.stats();
    assert_eq!((before.frozen_memtables, before.tables), (0, 0), "ten times the limit, and no background: {before:?}");
    assert!(table_files(&disk).is_empty(), "no file was asked for");
    engine.flush().expect("a flush");
    let after: Stats = engine.stats();
    assert_eq!((after.frozen_memtables, after.tables, after.memtable_bytes), (0, 1, 0), "after a flush: {after:?}");
    assert_eq!(after.stalls, 0, "nobody waited: {after:?}");
    assert_eq!(engine.get(&key(7)).expect("a get"), Some(Bytes::from(value(7))));
}
