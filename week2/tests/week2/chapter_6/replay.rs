//! How logs are read back: in which order, up to where, and what is dropped. What is refused is in `replay_damage`.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::log::{HEADER_LENGTH, LogContents};
use lsm::wal::Link;
use lsm::{Engine, Error};

use super::support::{
    Model, bytes_of, check_after_power_cut, check_holds, check_same, contents, copy, fill, filled, key, link_of,
    logged, logs, number_of, open, read, refused, replace_log, synced, these_logs, truncate, value,
};

/// Three logs of unsynced writes: keys 0 to 3, 4 to 7, 8 to 11. The process was killed.
fn three_logs() -> (SimDisk, [PathBuf; 3]) {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for number in 0..3 {
        fill(&engine, 4 * number..4 * number + 4);
        engine.freeze().expect("freezing");
    }
    drop(engine);
    let logs = these_logs(&disk, "after writes into three memtables");
    (disk, logs)
}

/// How many of the keys from 0 on are there; the rest must be missing.
fn length_of_prefix(engine: &Engine, when: &str) -> usize {
    let found: Model = contents(engine);
    check_same(&found, &filled(0..found.len()), when);
    found.len()
}

/// Where in a file the frame of a log's last record begins.
fn last_frame(disk: &SimDisk, log: &Path) -> usize {
    *read(disk, log).offsets.last().expect("a log has records") as usize
}

/// A newer log's value comes before an older one's, and a deletion in it deletes: in the memtables, and in the tables that
/// these become.
///
/// Hint: `replay` gives the memtables newest first, as `State::frozen` has them; within a log, records are applied in
/// their order.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn the_newest_log_wins() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for write in 0..4 {
        engine.put(&key(1), &value(10 * write)).expect("a put");
        engine.put(&key(1), &value(10 * write + 1)).expect("a put");
        engine.put(&key(2), &value(write)).expect("a put");
        if write == 2 {
            engine.delete(&key(2)).expect("deleting");
        }
        engine.put(&key(10 + write), &value(write)).expect("a put");
        engine.freeze().expect("freezing");
    }
    engine.delete(&key(2)).expect("deleting");
    let mut expected = Model::from([(key(1), value(31))]);
    expected.extend((0..4).map(|write| (key(10 + write), value(write))));
    check_holds(&engine, &expected, "before the process was killed");
    drop(engine);
    let engine: Engine = open(logged(&disk));
    check_holds(&engine, &expected, "out of the logs");
    engine.flush().expect("a flush");
    assert_eq!((engine.stats().tables, engine.stats().frozen_memtables), (5, 0), "each memtable becomes a table");
    check_holds(&engine, &expected, "after a flush of what came out of the logs");
    drop(engine);
    check_holds(&open(logged(&disk)), &expected, "after opening once more");
}

/// Recovered memtables keep the numbers of their logs, so that what is written next is newer than all of them.
///
/// Hint: the log's number is the memtable's id. The new memtable's id is greater than the numbers of all files.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn what_is_written_after_a_recovery_is_newer() {
    let (disk, old) = three_logs();
    let engine: Engine = open(logged(&disk));
    engine.put(&key(0), &value(50)).expect("overwriting");
    engine.delete(&key(5)).expect("deleting");
    let mut expected = filled(0..12);
    expected.insert(key(0), value(50));
    expected.remove(&key(5));
    let all: Vec<PathBuf> = logs(&disk);
    assert_eq!(&all[..3], old, "the old logs are as they were");
    assert_eq!(all.len(), 4, "and there is a new one, behind them: {all:?}");
    let link = Link { log: number_of(&old[2]), length: bytes_of(&disk, &old[2]).len() as u64 };
    assert_eq!(link_of(&disk, &all[3]), link, "the new log follows the last that was replayed");
    drop(engine);
    let engine: Engine = open(logged(&disk));
    check_holds(&engine, &expected, "after a second kill");
    engine.flush().expect("a flush");
    check_holds(&engine, &expected, "in tables");
}

/// A torn end of the last log is ignored: wherever the file ends, the database opens with a beginning of what was
/// written, and as much of it as is whole.
///
/// Hint: `read_log` stops at the torn end. There is nothing to do about it, and it is no error.
///
/// Book: week2/6-write-ahead-log.md#a-torn-end
#[test]
fn a_torn_end_of_the_last_log_is_ignored() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..8);
    engine.freeze().expect("freezing");
    // How long the log is when each write has returned.
    let mut ends: Vec<usize> = Vec::new();
    for number in 8..12 {
        fill(&engine, [number]);
        ends.push(bytes_of(&disk, &logs(&disk)[1]).len());
    }
    drop(engine);
    let last: PathBuf = logs(&disk)[1].clone();
    for length in 0..bytes_of(&disk, &last).len() {
        let when = format!("when the last log ends at byte {length}");
        let torn: SimDisk = copy(&disk);
        truncate(&torn, &last, length);
        let complete = ends.iter().filter(|end| **end <= length).count();
        let engine: Engine = open(logged(&torn));
        assert_eq!(length_of_prefix(&engine, &when), 8 + complete, "entries of two logs, {when}");
        if length % 7 == 0 {
            fill(&engine, [8 + complete]);
            drop(engine);
            let engine: Engine = open(logged(&torn));
            assert_eq!(length_of_prefix(&engine, &when), 9 + complete, "and one that was written later, {when}");
        }
    }
}

/// A record whose length survived a power cut and whose body is zeros is a torn end, if it was not synced; if it was, it
/// is damage.
///
/// Hint: the checksum covers the length and the body. `read_log` tells both cases; `replay` passes on what it says.
///
/// Book: week2/6-write-ahead-log.md#a-torn-end
#[test]
fn a_record_of_zeros_behind_a_good_length() {
    let (disk, [_, _, last]) = three_logs();
    let frame: usize = last_frame(&disk, &last);
    let mut bytes: Vec<u8> = bytes_of(&disk, &last);
    bytes[frame + HEADER_LENGTH..].fill(0);
    disk.set_contents(&last, &bytes);
    check_holds(&open(logged(&disk)), &filled(0..11), "the last record's body is zeros, and was never synced");

    let disk = SimDisk::new();
    let engine: Engine = open(synced(&disk));
    fill(&engine, 0..4);
    drop(engine);
    let [log]: [PathBuf; 1] = these_logs(&disk, "after synced writes");
    let contents: LogContents = read(&disk, &log);
    let (frame, payload) = (*contents.offsets.last().expect("records"), contents.records.last().expect("records"));
    let body = frame as usize + HEADER_LENGTH;
    let mut bytes: Vec<u8> = bytes_of(&disk, &log);
    bytes[body..body + payload.len()].fill(0);
    disk.set_contents(&log, &bytes);
    match refused(&disk, "a synced record's body is zeros") {
        Error::Corruption { file, offset, .. } => assert_eq!((file, offset), (log, frame), "the damaged frame"),
        other => panic!("a synced record's body is zeros: expected Corruption, found {other:?}"),
    }
}

/// A log that is torn and not the last one ends history: what is in later logs is dropped, since something before it is
/// missing.
///
/// Hint: compare the length of a log's good frames with what the next log's link says of it.
///
/// Book: week2/6-write-ahead-log.md#logs-follow-each-other
#[test]
fn history_ends_where_a_log_is_short() {
    for short in 0..2 {
        let (disk, all) = three_logs();
        let (frame, end) = (last_frame(&disk, &all[short]), bytes_of(&disk, &all[short]).len());
        for length in [0, 1, frame, frame + 1, end - 1] {
            let when = format!("when log {} of 3 ends at byte {length} of {end}, unsynced", short + 1);
            let torn: SimDisk = copy(&disk);
            truncate(&torn, &all[short], length);
            let engine: Engine = open(logged(&torn));
            let count = length_of_prefix(&engine, &when);
            assert_eq!(count, 4 * short + if length < frame { 0 } else { 3 }, "entries that are there, {when}");
            let kept: &[PathBuf] = if length < frame { &all[..short] } else { &all[..=short] };
            assert_eq!(logs(&torn), kept, "logs that are left, {when}");
            fill(&engine, count..count + 2);
            engine.sync().expect("a sync");
            check_after_power_cut(&torn, &filled(0..count + 2), &format!("{when}; then two more writes and a sync"));
            drop(engine);
            assert_eq!(length_of_prefix(&open(logged(&torn)), &when), count + 2, "opened once more, {when}");
        }
    }
}

/// A log that begins after its predecessor was flushed follows one that is not there any more. That is no damage.
///
/// Hint: the first log's link may name any log with a number up to `flushed_through`.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn a_predecessor_that_is_flushed_is_not_missed() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..4);
    let [first]: [PathBuf; 1] = these_logs(&disk, "after four writes");
    engine.freeze().expect("freezing");
    fill(&engine, 4..6);
    let [_, second]: [PathBuf; 2] = these_logs(&disk, "after a freeze and two more writes");
    let bytes: Vec<u8> = bytes_of(&disk, &second);
    drop(engine);
    let engine: Engine = open(logged(&disk));
    engine.flush().expect("a flush of both");
    fill(&engine, 6..7);
    let [third]: [PathBuf; 1] = these_logs(&disk, "after a flush and a write");
    assert_eq!(link_of(&disk, &third).log, number_of(&second), "the third log follows the second");
    drop(engine);
    check_holds(&open(logged(&disk)), &filled(0..7), "the first two logs are flushed");

    // A flushed log whose removal did not last is there again, and must not count.
    disk.set_contents(&first, b"what is left of a log that is flushed");
    disk.set_contents(&second, &bytes);
    check_holds(&open(logged(&disk)), &filled(0..7), "flushed logs are there again");
    assert_eq!(logs(&disk), [third], "opening removes them");
}

/// A log that a crash left without a whole first record has no entries. The log before it is the last one then.
///
/// Hint: no first record, no link: nothing to check, and nothing to replay. Remember the last log that has entries.
///
/// Book: week2/6-write-ahead-log.md#a-torn-end
#[test]
fn a_log_without_a_first_record_is_dropped() {
    for junk in [&b""[..], b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", b"torn"] {
        let (disk, all) = three_logs();
        disk.set_contents(&all[2], junk);
        let when = format!("when the last log has {} bytes of a first record", junk.len());
        let engine: Engine = open(logged(&disk));
        check_holds(&engine, &filled(0..8), &when);
        assert_eq!(logs(&disk), all[..2], "logs, {when}");
        fill(&engine, 8..9);
        let newest: PathBuf = logs(&disk).pop().expect("a log");
        assert_eq!(link_of(&disk, &newest).log, number_of(&all[1]), "the predecessor of the next log, {when}");
        drop(engine);
        check_holds(&open(logged(&disk)), &filled(0..9), &format!("{when}, after another write"));
    }
    let (disk, all) = three_logs();
    replace_log(&disk, &all[2], link_of(&disk, &all[2]), &[]);
    check_holds(&open(logged(&disk)), &filled(0..8), "when the last log has a link and no record");
    assert_eq!(logs(&disk), all[..2], "a log without entries is dropped");
}

/// Files with names that are not a log's are not read, and stay.
///
/// Hint: `log_path` of the number has to give the file's path again.
///
/// Book: week2/6-write-ahead-log.md#task-6-replay
#[test]
fn other_files_are_left_alone() {
    let (disk, all) = three_logs();
    let others = ["5000.log", "notes.log", "000999.log.bak", "000998.txt"].map(|name| Path::new("db").join(name));
    for other in &others {
        disk.set_contents(other, &bytes_of(&disk, &all[0]));
    }
    let engine: Engine = open(logged(&disk));
    check_holds(&engine, &filled(0..12), "beside files that are not the engine's");
    let paths = disk.paths();
    for other in &others {
        assert!(paths.contains(other), "{} is not the engine's file, and is gone", other.display());
    }
}

/// A log's records are opaque: they can be put into another log with the same link, and the database is the same.
///
/// Hint: nothing of a log but its frames, its link and its entries may matter.
///
/// Book: week2/6-write-ahead-log.md#the-format
#[test]
fn only_the_records_of_a_log_matter() {
    let (disk, all) = three_logs();
    for log in &all {
        let records: Vec<Bytes> = read(&disk, log).records[1..].to_vec();
        let before: Vec<u8> = bytes_of(&disk, log);
        replace_log(&disk, log, link_of(&disk, log), &records);
        assert!(bytes_of(&disk, log) == before, "{}, written anew by a LogWriter, is another file", log.display());
        let doubled: Vec<Bytes> = records.iter().flat_map(|record| [record.clone(), record.clone()]).collect();
        if log == &all[2] {
            replace_log(&disk, log, link_of(&disk, log), &doubled);
        }
    }
    check_holds(&open(logged(&disk)), &filled(0..12), "logs that were written anew, the last with each record twice");
}
