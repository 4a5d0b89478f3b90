//! An ingest beside logs: it needs none, and the next log knows of it.

use std::path::{Path, PathBuf};

use lsm::Engine;
use lsm::disk::SimDisk;
use lsm::wal::{Link, log_path};

use super::support::{
    DIRECTORY, bytes_of, check_after_power_cut, check_corrupt, check_holds, copy, fill, filled, key, link_of, logged,
    number_of, open, these_logs, value,
};

fn ingest(engine: &Engine, number: usize) {
    engine.ingest([(&key(number)[..], Some(&value(number)[..]))]).expect("an ingest");
}

/// An ingest uses up the number of the empty memtable: the next log names it as its predecessor, of length 0. If the
/// manifest loses the ingest's record, that log proves that it was there: `Error::Corruption` of the log that it names.
///
/// Hint: with a log the ingest's edit has `flushed_through` = the empty memtable's id; the same swap brings a fresh
/// memtable; then `follow` with a link to that id, of length 0. `follow` forgets the logs that it knew before.
///
/// Book: week2/6-write-ahead-log.md#task-11-ingest
#[test]
fn a_lost_record_of_an_ingest_is_told_by_the_next_log() {
    // Whether the engine has had a log already when the ingest comes.
    for written in [0, 3] {
        let disk = SimDisk::new();
        let engine: Engine = open(logged(&disk));
        fill(&engine, 0..written);
        engine.flush().expect("a flush");
        let manifest: PathBuf = Path::new(DIRECTORY).join("MANIFEST");
        let without: Vec<u8> = bytes_of(&disk, &manifest);
        ingest(&engine, written);
        fill(&engine, written + 1..written + 3);
        let when = format!("{written} writes, a flush, an ingest, two writes");
        check_holds(&engine, &filled(0..written + 3), &when);
        drop(engine);
        let [log]: [PathBuf; 1] = these_logs(&disk, &when);
        let link: Link = link_of(&disk, &log);
        assert_eq!(link.length, 0, "the length of the predecessor in {link:?}, {when}");
        assert!(0 < link.log && link.log < number_of(&log), "{link:?} names the memtable before {}", log.display());
        check_holds(&open(logged(&copy(&disk))), &filled(0..written + 3), &format!("{when}, a kill"));

        let lost: SimDisk = copy(&disk);
        lost.set_contents(&manifest, &without);
        let named: PathBuf = log_path(Path::new(DIRECTORY), link.log);
        check_corrupt(&lost, &named, 0, &format!("{when}, a kill; the manifest has lost the ingest"));
    }
}

/// An ingest is durable without a log, beside logs of what was written before and after it.
///
/// Hint: the table is synced, its name too, and the manifest's record; there is nothing to log.
///
/// Book: week2/6-write-ahead-log.md#task-11-ingest
#[test]
fn an_ingest_needs_no_log() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    for round in 0..3 {
        let first = 5 * round;
        fill(&engine, first..first + 2);
        engine.flush().expect("a flush");
        ingest(&engine, first + 2);
        these_logs::<0>(&disk, "after a flush and an ingest");
        check_after_power_cut(&disk, &filled(0..first + 3), &format!("ingest {round}"));
        fill(&engine, first + 3..first + 5);
        engine.sync().expect("a sync");
        check_after_power_cut(&disk, &filled(0..first + 5), &format!("ingest {round}, two writes and a sync"));
    }
    drop(engine);
    check_holds(&open(logged(&disk)), &filled(0..15), "opened again");
}
