//! What a flush writes, in which order it works, and who goes on meanwhile.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use lsm::disk::{Operation, SimDisk, Step, Survival};
use lsm::{Engine, Result, Scan, Stats};
use parking_lot::Mutex;

use super::support::{
    DIRECTORY, Gate, check_holds, entries_of, fill, fill_until, flushing, is_table, key, makes_a_table, manual, open,
    promptly, start, table_files, value,
};

/// `flush` writes every memtable, the one that takes writes too, to a table of its own, and counts each.
///
/// Hint: freeze first, then flush until nothing is left that was frozen by then.
///
/// Book: week1/6-write-path.md#task-3-flush-everything
#[test]
fn flush_writes_all_memtables_to_tables() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    fill(&engine, 0..50);
    engine.freeze().expect("freezing");
    fill(&engine, 50..80);
    engine.freeze().expect("freezing");
    fill(&engine, 80..90);
    engine.flush().expect("a flush");
    let stats: Stats = engine.stats();
    assert_eq!((stats.frozen_memtables, stats.memtable_bytes), (0, 0), "nothing is left in memory: {stats:?}");
    assert_eq!((stats.tables, stats.flushes), (3, 3), "three memtables held entries: {stats:?}");
    assert_eq!(stats.entries, 90, "{stats:?}");
    assert_eq!(table_files(&disk).len(), 3, "a table is a file");
    check_holds(&engine, 0..90, "after a flush of three memtables");
    fill(&engine, 90..95);
    engine.flush().expect("a second flush");
    check_holds(&engine, 0..95, "after a second flush");
    assert_eq!(engine.stats().flushes, 4);
}

/// With nothing in memory, `flush` succeeds and makes no table.
///
/// Hint: `freeze` leaves an empty memtable as it is, and a table of no entries cannot be finished.
///
/// Book: week1/6-write-path.md#task-3-flush-everything
#[test]
fn a_flush_of_nothing_makes_no_table() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    engine.flush().expect("a flush of a new engine");
    assert_eq!((engine.stats().tables, engine.stats().flushes), (0, 0), "{:?}", engine.stats());
    fill(&engine, [1]);
    engine.flush().expect("a flush");
    engine.freeze().expect("freezing nothing");
    engine.flush().expect("a flush of what is flushed already");
    assert_eq!((engine.stats().tables, engine.stats().flushes), (1, 1), "{:?}", engine.stats());
    assert_eq!(table_files(&disk).len(), 1);
}

/// When `flush` has returned, a power cut takes nothing of it: every table file is whole, and together, the oldest
/// memtable's first, they hold what was written, tombstones included.
///
/// Hint: `TableBuilder::finish` syncs the file's bytes; its name needs `sync_directory`. `adopt_table` does that.
///
/// Book: week1/6-write-path.md#the-order-of-a-flush
#[test]
fn what_was_flushed_survives_a_power_cut() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    let created: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
    let seen = created.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Create && is_table(step.path) {
            seen.lock().push(step.path.to_path_buf());
        }
    });
    for round in 0..4 {
        fill(&engine, [round, 10 + round, 20 + round]);
        engine.delete(&key(30)).expect("a delete");
        engine.freeze().expect("freezing");
    }
    engine.flush().expect("a flush");
    for survival in [Survival::Nothing, Survival::Some, Survival::Everything] {
        let left: SimDisk = disk.after_power_cut(survival, 6);
        assert_eq!(table_files(&left), table_files(&disk), "the table files after a power cut ({survival:?})");
        for (round, path) in created.lock().iter().enumerate() {
            let expected: Vec<(Bytes, Option<Bytes>)> = [round, 10 + round, 20 + round]
                .map(|number| (key(number).into(), Some(value(number).into())))
                .into_iter()
                .chain([(key(30).into(), None)])
                .collect();
            let found: Vec<(Bytes, Option<Bytes>)> = entries_of(&left, path, key(0).len());
            assert!(
                found == expected,
                "table {round} in the order of creation should hold memtable {round}: {found:?}"
            );
        }
    }
    assert_eq!(created.lock().len(), 4);
}

/// A flush creates the file, writes it, syncs it, syncs the directory, and only then shows the table. Up to there the
/// frozen memtable is in place.
///
/// Hint: swap the state last. A reader between two steps must find the entries in exactly one of the two places.
///
/// Book: week1/6-write-path.md#the-order-of-a-flush
#[test]
fn the_table_takes_the_memtables_place_when_it_is_durable() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    fill(&engine, 0..10);
    let steps: Arc<Mutex<Vec<(Operation, Stats)>>> = Arc::default();
    let (seen, observed): (_, Weak<Engine>) = (steps.clone(), Arc::downgrade(&engine));
    disk.on_operation(move |step| {
        let Some(engine) = observed.upgrade() else { return };
        // Up to the sync of the directory the table is none yet. What later chapters do after it may come afterwards.
        let is_named = seen.lock().last().is_some_and(|(operation, _)| *operation == Operation::SyncDirectory);
        if makes_a_table(&step) && !is_named {
            let stats: Stats = engine.stats();
            seen.lock().push((step.operation, stats));
        }
    });
    let flushed = engine.clone();
    promptly("a flush whose steps are watched", move || flushed.flush()).expect("a flush");
    let steps = steps.lock();
    let mut order: Vec<Operation> = steps.iter().map(|(operation, _)| *operation).collect();
    order.dedup();
    let expected = [Operation::Create, Operation::Append, Operation::Sync, Operation::SyncDirectory];
    assert_eq!(order, expected, "the steps of a flush");
    for (operation, stats) in steps.iter() {
        let found = (stats.frozen_memtables, stats.tables, stats.entries);
        assert_eq!(found, (1, 0, 10), "frozen memtables, tables and entries before the step {operation:?}");
    }
    let after: Stats = engine.stats();
    assert_eq!((after.frozen_memtables, after.tables, after.entries), (0, 1, 10), "after the flush: {after:?}");
}

/// While a table is built and synced, reads and writes go on: no lock that they wait for is held.
///
/// Hint: take the state's lock only to look and to swap, and give the turn up before the first byte is written.
///
/// Book: week1/6-write-path.md#who-waits-for-whom
#[test]
fn reads_and_writes_go_on_while_a_flush_is_held() {
    let stages = [Operation::Create, Operation::Append, Operation::Sync, Operation::SyncDirectory, Operation::Open];
    for stage in stages {
        let is_held = move |step: &Step<'_>| {
            step.operation == stage && (is_table(step.path) || step.path == Path::new(DIRECTORY))
        };
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(manual(&disk));
        fill(&engine, 0..10);
        let held = Gate::before(&disk, is_held);
        let flushed = engine.clone();
        let mut flush = start(move || flushed.flush());
        held.wait_for_arrival_of(&mut flush, &format!("a flush comes to the step {stage:?}"));
        let used = engine.clone();
        promptly(&format!("reads and writes while a flush is held at {stage:?}"), move || {
            let stats: Stats = used.stats();
            assert_eq!((stats.frozen_memtables, stats.tables), (1, 0), "the memtable is still there: {stats:?}");
            check_holds(&used, 0..10, "while the flush is held");
            fill(&used, 10..20);
            used.delete(&key(19)).expect("a delete");
            used.freeze().expect("freezing");
            fill(&used, [19]);
            check_holds(&used, 0..20, "while the flush is held");
        });
        assert!(!flush.has_ended(), "the flush waits at {stage:?}");
        held.open();
        flush.wait("the flush after it was let go").expect("a flush");
        check_holds(&engine, 0..20, "after the flush");
    }
}

/// The flusher, too, works under no lock that readers or writers wait for.
///
/// Hint: `status` is for looking and for sleeping; give it up before the flush begins.
///
/// Book: week1/6-write-path.md#who-waits-for-whom
#[test]
fn reads_and_writes_go_on_while_the_flusher_is_held() {
    for stage in [Operation::Create, Operation::Sync] {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(flushing(&disk, 4096, 3));
        let held = Gate::before(&disk, move |step| step.operation == stage && is_table(step.path));
        let next: usize = fill_until(&engine, 0, "a frozen memtable", |stats| stats.frozen_memtables == 1);
        held.wait_for_arrivals(1, "the flusher begins");
        let used = engine.clone();
        promptly(&format!("reads and writes while the flusher is held at {stage:?}"), move || {
            check_holds(&used, 0..next, "while the flusher is held");
            fill(&used, next..next + 20);
            check_holds(&used, 0..next + 20, "while the flusher is held");
        });
    }
}

/// `flush` does not wait for what is frozen after it began.
///
/// Hint: memtable ids grow. Once the memtable is frozen, the id of the fresh one says where this flush ends.
///
/// Book: week1/6-write-path.md#task-3-flush-everything
#[test]
fn flush_leaves_alone_what_is_frozen_after_it_began() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    fill(&engine, 0..10);
    engine.freeze().expect("freezing");
    fill(&engine, 10..20);
    let held = Gate::before_tables(&disk);
    let flushed = engine.clone();
    let mut flush = start(move || flushed.flush());
    held.wait_for_arrival_of(&mut flush, "a flush begins a table");
    fill(&engine, 20..30);
    engine.freeze().expect("freezing");
    held.open();
    flush.wait("a flush").expect("a flush");
    let stats: Stats = engine.stats();
    let found = (stats.tables, stats.frozen_memtables);
    assert_eq!(found, (2, 1), "tables of the two memtables that were there, and the third left frozen: {stats:?}");
    check_holds(&engine, 0..30, "after the flush");
}

/// However many flush at once, each memtable becomes one table.
///
/// Hint: hold `flushing` from the look for the oldest memtable to the swap.
///
/// Book: week1/6-write-path.md#task-2-flush-the-oldest
#[test]
fn a_memtable_is_flushed_once_however_many_flush() {
    let disk = SimDisk::new();
    disk.on_operation(|step| {
        if step.operation == Operation::Sync {
            (0..20).for_each(|_| std::thread::yield_now());
        }
    });
    let engine: Arc<Engine> = open(flushing(&disk, 1 << 20, 4));
    for round in 0..20 {
        fill(&engine, round * 10..round * 10 + 10);
        let flushes = [0; 3].map(|_| {
            let engine = engine.clone();
            start(move || engine.flush())
        });
        for flush in flushes {
            flush.wait("one of three flushes at once").expect("a flush");
        }
        let stats: Stats = engine.stats();
        let expected = (round as u64 + 1, round as u64 + 1, (round as u64 + 1) * 10);
        assert_eq!((stats.tables, stats.flushes, stats.entries), expected, "tables, flushes, entries: {stats:?}");
    }
    assert_eq!(table_files(&disk).len(), 20);
}

/// A tombstone is flushed like any entry: it goes on hiding what an older table holds.
///
/// Hint: pass `value()` on as it is; `None` is the tombstone.
///
/// Book: week1/6-write-path.md#task-2-flush-the-oldest
#[test]
fn a_tombstone_survives_its_flush() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    fill(&engine, 0..3);
    engine.flush().expect("a flush");
    engine.delete(&key(1)).expect("a delete");
    engine.flush().expect("a flush");
    let stats: Stats = engine.stats();
    assert_eq!((stats.tables, stats.entries), (2, 4), "three values and a tombstone: {stats:?}");
    assert_eq!(engine.get(&key(1)).expect("a get"), None, "the newer table deletes the key");
    check_holds(&engine, [0, 2], "after the flush of a tombstone");
}

/// An empty value and an empty key are flushed as what they are.
///
/// Hint: an empty value is `Some` of no bytes.
///
/// Book: week1/6-write-path.md#task-2-flush-the-oldest
#[test]
fn empty_keys_and_values_survive_their_flush() {
    let engine: Arc<Engine> = open(manual(&SimDisk::new()));
    engine.put(b"", b"of the empty key").expect("a put");
    engine.put(b"empty", b"").expect("a put");
    engine.put(b"\0", b"zero").expect("a put");
    engine.flush().expect("a flush");
    let found: Vec<(Bytes, Bytes)> = engine.scan(..).and_then(Iterator::collect).expect("a scan");
    let expected = [("", "of the empty key"), ("\0", "zero"), ("empty", "")];
    assert_eq!(found, expected.map(|(key, value)| (Bytes::from(key), Bytes::from(value))));
    assert_eq!(engine.get(b"empty").expect("a get"), Some(Bytes::new()), "an empty value is a value");
}

/// A scan that began before a flush goes on as if there had been none.
///
/// Hint: a scan keeps the state that it began with. A swap does not change that state, it puts another in its place.
///
/// Book: week1/6-write-path.md#who-waits-for-whom
#[test]
fn a_scan_goes_on_undisturbed_by_flushes() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(manual(&disk));
    fill(&engine, 100..150);
    engine.flush().expect("a flush");
    fill(&engine, 150..200);
    engine.freeze().expect("freezing");
    fill(&engine, 200..250);
    let mut scan: Scan = engine.scan(key(100)..).expect("a scan");
    let first: Vec<Result<(Bytes, Bytes)>> = scan.by_ref().take(20).collect();
    engine.flush().expect("a flush in the middle of a scan");
    // Keys that the scan has passed or does not cover.
    fill(&engine, 0..50);
    engine.delete(&key(100)).expect("a delete");
    engine.flush().expect("another flush");
    let found: Result<Vec<(Bytes, Bytes)>> = first.into_iter().chain(scan).collect();
    let expected: Vec<(Bytes, Bytes)> = (100..250).map(|number| (key(number).into(), value(number).into())).collect();
    assert!(found.expect("a scan") == expected, "the scan gives the entries that were there when it began");
}

/// An engine on the machine's own disk flushes by itself, and holds more than its memtables do.
///
/// Hint: nothing here is about the simulation. If only this test fails, look at how paths are made.
///
/// Book: week1/6-write-path.md#what-you-will-have
#[test]
fn the_flusher_works_on_a_real_disk() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut options = lsm::Options::manual();
    options.background = true;
    options.memtable_size = 16 << 10;
    let engine: Arc<Engine> = Arc::new(Engine::open(folder.path(), options).expect("opening a new folder"));
    let writer = engine.clone();
    promptly("400 writes", move || fill(&writer, 0..400));
    let flushed = engine.clone();
    promptly("a flush", move || flushed.flush()).expect("a flush");
    assert!(engine.stats().tables >= 2, "80 KB in memtables of 16 KB: {:?}", engine.stats());
    check_holds(&engine, 0..400, "on a real disk");
    let files = std::fs::read_dir(folder.path()).expect("the folder").filter_map(|entry| Some(entry.ok()?.path()));
    assert_eq!(files.filter(|path| is_table(path)).count() as u64, engine.stats().tables, "a table is a file");
    engine.close().expect("closing");
}
