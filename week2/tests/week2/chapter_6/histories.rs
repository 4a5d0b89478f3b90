//! Which logs make up a history: where it ends though nothing is damaged, in which order logs are taken, and what random
//! histories come to.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use lsm::Engine;
use lsm::disk::{Disk, SimDisk};
use lsm::wal::{Link, log_path};

use super::support::{
    DIRECTORY, Model, bytes_of, check_after_power_cut, check_holds, copy, fill, filled, key, logged, logs, open, read,
    replace_log, these_logs, truncate, try_open, value,
};

/// A log that was synced, and then lost what was written to it after the sync, ends history. Its own marks are no evidence
/// against it: they speak of what stands before them.
///
/// Hint: look for a mark in the log whose link is not kept, and in those behind it. Not in the short one.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn a_short_logs_own_marks_are_no_evidence() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..2);
    engine.sync().expect("a sync");
    let [first]: [PathBuf; 1] = these_logs(&disk, "after two writes and a sync");
    let synced: usize = bytes_of(&disk, &first).len();
    fill(&engine, 2..4);
    engine.freeze().expect("freezing");
    fill(&engine, 4..6);
    drop(engine);
    assert!(read(&disk, &first).has_mark, "the first log was synced");
    let last = *read(&disk, &first).offsets.last().expect("records") as usize;
    for (length, count) in [(synced, 2), (last, 3), (last + 3, 3)] {
        let when = format!("when the first log was synced up to byte {synced}, and lost what stood behind {length}");
        let torn: SimDisk = copy(&disk);
        truncate(&torn, &first, length);
        let engine: Engine = try_open(logged(&torn)).unwrap_or_else(|error| panic!("{when}: {error}"));
        check_holds(&engine, &filled(0..count), &when);
        assert_eq!(logs(&torn), std::slice::from_ref(&first), "the second log is dropped, {when}");
        fill(&engine, count..count + 1);
        engine.sync().expect("a sync");
        check_after_power_cut(&torn, &filled(0..count + 1), &format!("{when}; then another write and a sync"));
    }
}

/// Logs are taken in the order of their numbers. In the order of names 1000000.log would come before 999999.log.
///
/// Hint: sort the numbers, not the paths.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn logs_are_taken_in_the_order_of_their_numbers() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..2);
    engine.put(&key(9), &value(1)).expect("a put");
    engine.freeze().expect("freezing");
    fill(&engine, 2..4);
    engine.put(&key(9), &value(2)).expect("overwriting");
    drop(engine);
    // The same two logs, under other numbers.
    let mut link = Link::default();
    for (old, number) in these_logs::<2>(&disk, "after writes into two memtables").iter().zip([999_999, 1_000_000]) {
        let records: Vec<Bytes> = read(&disk, old).records[1..].to_vec();
        disk.remove(old).expect("removing a log");
        let new: PathBuf = log_path(Path::new(DIRECTORY), number);
        replace_log(&disk, &new, link, &records);
        link = Link { log: number, length: bytes_of(&disk, &new).len() as u64 };
    }
    let mut expected: Model = filled(0..4);
    expected.insert(key(9), value(2));
    let engine: Engine =
        try_open(logged(&disk)).unwrap_or_else(|error| panic!("with logs 999999 and 1000000: {error}"));
    check_holds(&engine, &expected, "with logs 999999 and 1000000");
    assert_eq!(engine.stats().frozen_memtables, 2, "memtables out of two logs");
    fill(&engine, 4..5);
    expected.extend(filled(4..5));
    drop(engine);
    check_holds(&open(logged(&disk)), &expected, "after another write, into a log behind 1000000, and a kill");
}

/// Records are put into memtables in their order, across a thousand seeded writes, freezes, flushes, kills and openings.
///
/// Hint: a test that compares with a `BTreeMap` finds what the others do not: print the seed's actions up to the
/// difference.
///
/// Book: week2/6-write-ahead-log.md#what-the-suite-checks
#[test]
fn random_histories_survive_every_kill() {
    for seed in 1..=4_u64 {
        let disk = SimDisk::new();
        let mut engine: Engine = open(logged(&disk));
        let mut model = Model::new();
        let mut random = seed;
        let mut kills = 0;
        for step in 0..250 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (action, number) = ((random >> 33) % 100, (random >> 40) as usize % 12);
            match action {
                0..55 => {
                    engine.put(&key(number), &value(step)).expect("a put");
                    model.insert(key(number), value(step));
                }
                55..75 => {
                    engine.delete(&key(number)).expect("a deletion");
                    model.remove(&key(number));
                }
                75..85 => engine.freeze().expect("freezing"),
                85..90 => engine.flush().expect("a flush"),
                90..93 => engine.sync().expect("a sync"),
                _ => {
                    drop(engine);
                    kills += 1;
                    engine =
                        try_open(logged(&disk)).unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
                    check_holds(&engine, &model, &format!("seed {seed}, step {step}, kill {kills}"));
                }
            }
        }
        assert!(!logs(&disk).is_empty() && kills > 5, "seed {seed} writes logs and kills the process");
    }
}
