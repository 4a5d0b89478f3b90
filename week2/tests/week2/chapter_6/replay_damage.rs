//! Logs that are refused: damage is an error that names file and offset, and a refusal changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::{Disk, Fault, Operation, SimDisk, Survival};
use lsm::log::{LogContents, LogWriter};
use lsm::wal::{FORMAT_VERSION, Link, encode_link, log_path};
use lsm::{Engine, Error};
use parking_lot::Mutex;

use super::support::{
    DIRECTORY, bytes_of, check_corrupt, check_holds, copy, fill, filled, is_log, link_of, logged, number_of, open,
    read, refused, replace_log, synced, these_logs, truncate,
};

/// Three logs, keys 0 to 3, 4 to 7 and 8 to 11, of which `synced_from` on (counted from 0) have a synced write.
fn three_logs(synced_from: usize) -> (SimDisk, [PathBuf; 3]) {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for number in 0..3 {
        fill(&engine, 4 * number..4 * number + 4);
        if number >= synced_from {
            engine.sync().expect("a sync");
        }
        engine.freeze().expect("freezing");
    }
    drop(engine);
    let logs = these_logs(&disk, "after writes into three memtables");
    (disk, logs)
}

/// A log that is short, though a later log has a mark, was durable and is damaged: `Error::Corruption` of the short log,
/// at the end of its good frames.
///
/// Hint: look for a mark in the log whose link is not kept, and in all behind it. The short log itself is the damaged one.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn a_short_log_before_a_mark_is_damage() {
    for (short, synced_from) in [(0, 1), (0, 2), (1, 2)] {
        let (disk, all) = three_logs(synced_from);
        let contents: LogContents = read(&disk, &all[short]);
        let last = *contents.offsets.last().expect("records") as usize;
        for (length, good) in [(0, 0), (5, 0), (last, last), (last + 5, last)] {
            let torn: SimDisk = copy(&disk);
            truncate(&torn, &all[short], length);
            let when = format!("log {} of 3 ends at byte {length}, log {} was synced", short + 1, synced_from + 1);
            check_corrupt(&torn, &all[short], good as u64, &when);
        }
    }
}

/// Synced commits give the evidence, too: the first one into a log puts a mark before its record.
///
/// Hint: `Logs::write` seals when the write is to be synced, not only `Logs::sync`.
///
/// Book: week2/6-write-ahead-log.md#task-4-write
#[test]
fn a_synced_commit_vouches_for_the_log_before() {
    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    fill(&engine, 0..2);
    engine.freeze().expect("freezing");
    fill(&engine, 2..3);
    let [first, second]: [PathBuf; 2] = these_logs(&disk, "after writes into two memtables");
    // As a power cut leaves it that takes each log's last mark.
    let left: SimDisk = disk.after_power_cut(Survival::Nothing, 1);
    assert!(read(&left, &second).has_mark, "a synced write's log has a mark that is as durable as the write");
    let contents: LogContents = read(&left, &first);
    let at = contents.offsets[1];
    truncate(&left, &first, at as usize + 3);
    // What vouches for the bytes behind is gone with them, so that only the second log knows.
    check_corrupt(&left, &first, at, "a synced log is short, and the next one has a synced commit");
}

/// A log whose predecessor is not there is `Error::Corruption` of the missing log at offset 0: its name was durable before
/// its successor began.
///
/// Hint: the first log has to name one that is flushed, or none; any other the log before it.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn a_missing_log_is_damage() {
    for missing in 0..2 {
        for synced_from in [0, 3] {
            let (disk, all) = three_logs(synced_from);
            disk.remove(&all[missing]).expect("removing a log");
            check_corrupt(&disk, &all[missing], 0, &format!("log {} of 3 is missing", missing + 1));
        }
    }
}

/// A log that names another predecessor than the one before it does not belong there: `Error::Corruption` of the log that
/// it names.
///
/// Hint: compare the number in the link with the number of the log before.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn a_foreign_link_is_damage() {
    let (disk, all) = three_logs(3);
    let records: Vec<Bytes> = read(&disk, &all[2]).records[1..].to_vec();
    let numbers: [u64; 3] = [0, 1, 2].map(|index| number_of(&all[index]));
    for foreign in [0, numbers[0], numbers[2], numbers[2] + 1, u64::MAX] {
        let changed: SimDisk = copy(&disk);
        let link = Link { log: foreign, ..link_of(&disk, &all[2]) };
        replace_log(&changed, &all[2], link, &records);
        let named = log_path(Path::new(DIRECTORY), foreign);
        check_corrupt(
            &changed,
            &named,
            0,
            &format!("log {} names {foreign}, and {} is before it", numbers[2], numbers[1]),
        );
    }
    let records: Vec<Bytes> = read(&disk, &all[0]).records[1..].to_vec();
    for foreign in [numbers[0], numbers[1], 5000] {
        let changed: SimDisk = copy(&disk);
        replace_log(&changed, &all[0], Link { log: foreign, length: 0 }, &records);
        let named = log_path(Path::new(DIRECTORY), foreign);
        check_corrupt(&changed, &named, 0, &format!("the first log names {foreign}, which is not flushed"));
    }
}

/// A predecessor may be longer than its successor says, but not shorter by a byte.
///
/// Hint: less than: a log may have got a mark after its successor began.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn a_link_is_a_lower_bound() {
    let (disk, all) = three_logs(3);
    let records: Vec<Bytes> = read(&disk, &all[2]).records[1..].to_vec();
    let link: Link = link_of(&disk, &all[2]);
    for (length, count) in [(0, 12), (link.length - 1, 12), (link.length, 12), (link.length + 1, 8), (u64::MAX, 8)] {
        let changed: SimDisk = copy(&disk);
        replace_log(&changed, &all[2], Link { length, ..link }, &records);
        let when = format!("log 3 says that log 2 has {length} bytes; it has {}", link.length);
        check_holds(&open(logged(&changed)), &filled(0..count), &when);
    }
}

/// A good frame whose record is no list of entries is `Error::Corruption` of the log, at the frame's offset.
///
/// Hint: take entries off until nothing is left; where none can be taken, the record is damaged. `LogContents::offsets`
/// says where its frame is.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn a_record_that_is_no_list_of_entries_is_damage() {
    let (disk, all) = three_logs(3);
    let good: Vec<Bytes> = read(&disk, &all[2]).records[1..].to_vec();
    let place = good.len() - 2;
    let behind = Bytes::from([&good[place][..], b"\x09"].concat());
    let short = good[place].slice(..good[place].len() - 1);
    for bad in [Bytes::from_static(b"\xFF"), Bytes::from_static(b"\x05\x00abc"), behind, short] {
        let changed: SimDisk = copy(&disk);
        let mut records = good.clone();
        records[place] = bad.clone();
        replace_log(&changed, &all[2], link_of(&disk, &all[2]), &records);
        // The link is a record, too.
        let at = read(&changed, &all[2]).offsets[place + 1];
        check_corrupt(&changed, &all[2], at, &format!("a record of the last log is {}", bad.escape_ascii()));
    }
}

/// A first record that is no link is refused, and so is one of a later version: by name, and nothing is changed.
///
/// Hint: `decode_link` gives the error; `replay` passes it on. It runs before anything in the directory is changed.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn a_log_of_a_later_version_is_refused() {
    let (disk, all) = three_logs(3);
    let mut later: Vec<u8> = encode_link(link_of(&disk, &all[1]));
    later[..4].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    for (first_record, is_later) in [(&later[..], true), (&[1, 0, 0, 0, 9][..], false)] {
        let draft = SimDisk::new();
        let mut log: LogWriter = LogWriter::create(&draft, &all[1], number_of(&all[1])).expect("creating a log");
        log.add(first_record).expect("adding a record");
        log.write().expect("writing");
        let changed: SimDisk = copy(&disk);
        changed.set_contents(&all[1], &bytes_of(&draft, &all[1]));
        match (refused(&changed, "a log with another first record"), is_later) {
            (Error::UnsupportedVersion { file, found, supported }, true) => {
                let expected = (&all[1], FORMAT_VERSION + 1, FORMAT_VERSION);
                assert_eq!((&file, found, supported), expected, "what the error says");
            }
            (Error::Corruption { file, offset: 0, .. }, false) => assert_eq!(file, all[1], "the damaged log"),
            (other, _) => panic!("is of a later version: {is_later}; found {other:?}"),
        }
    }
}

/// A read of a log that fails is the disk's error, and nothing is lost by it: the next open finds everything.
///
/// Hint: `?`. An error is no torn end.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn a_read_that_fails_is_no_torn_end() {
    let (disk, _) = three_logs(1);
    let dry_run: SimDisk = copy(&disk);
    let reads: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = reads.clone();
    dry_run.on_operation(move |step| {
        let is_read = matches!(step.operation, Operation::Open | Operation::Length | Operation::Read);
        if is_read && is_log(step.path) {
            seen.lock().push(step.number);
        }
    });
    drop(open(logged(&dry_run)));
    let reads: Vec<u64> = std::mem::take(&mut reads.lock());
    assert!(reads.len() >= 6, "three logs are opened and read, with {} operations", reads.len());
    for number in reads {
        let broken: SimDisk = copy(&disk);
        broken.fail_read(number, Fault::Broken);
        match refused(&broken, &format!("read {number} fails, of a log")) {
            Error::Io { path, .. } => assert!(is_log(&path), "the error names the log: {}", path.display()),
            other => panic!("read {number} fails, of a log: expected Error::Io, found {other:?}"),
        }
        check_holds(&open(logged(&broken)), &filled(0..12), &format!("after read {number} has failed once"));
    }
}
