//! The log switched on and off between two openings of one database.

use std::path::PathBuf;

use lsm::Engine;
use lsm::disk::SimDisk;

use super::support::{
    check_after_power_cut, check_holds, contents, fill, filled, logged, logs, open, these_logs, unlogged,
};

/// An engine without a log reads the logs of an earlier one.
///
/// Hint: whether there are logs is a question of the directory, not of the options: `recover` always replays.
///
/// Book: week2/6-write-ahead-log.md#task-7-recover
#[test]
fn logs_are_read_with_the_log_switched_off() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..3);
    engine.freeze().expect("freezing");
    fill(&engine, 3..5);
    drop(engine);
    let before: [PathBuf; 2] = these_logs(&disk, "after writes into two memtables");
    let engine: Engine = open(unlogged(&disk));
    check_holds(&engine, &filled(0..5), "with the log switched off");
    fill(&engine, 5..8);
    assert_eq!(logs(&disk), before, "a write without a log makes none, and leaves the old ones");
    drop(engine);
    check_holds(&open(unlogged(&disk)), &filled(0..5), "killed: what had no log is gone, and nothing else");
}

/// When an engine without a log has flushed the memtables that came out of logs, these logs go.
///
/// Hint: whether a memtable has a log depends on where it came from. `Core::replayed_through` tells.
///
/// Book: week2/6-write-ahead-log.md#when-a-log-goes
#[test]
fn logs_go_with_the_log_switched_off() {
    let disk = SimDisk::new();
    let engine: Engine = open(logged(&disk));
    fill(&engine, 0..3);
    engine.freeze().expect("freezing");
    fill(&engine, 3..5);
    drop(engine);
    assert_eq!(logs(&disk).len(), 2, "logs of two memtables");
    let engine: Engine = open(unlogged(&disk));
    fill(&engine, 5..8);
    engine.sync().expect("a sync, which flushes");
    assert_eq!(logs(&disk), Vec::<PathBuf>::new(), "logs, when everything is in tables");
    check_after_power_cut(&disk, &filled(0..8), "a sync without a log");
    assert_eq!(contents(&engine), filled(0..8), "and everything is read");
}

/// Switching back and forth loses nothing that was closed, whichever way it was.
///
/// Hint: with a log `close` syncs it, without one it flushes.
///
/// Book: week2/6-write-ahead-log.md#task-9-close
#[test]
fn switching_back_and_forth_loses_nothing() {
    let disk = SimDisk::new();
    for time in 0..6 {
        let is_logged = time % 2 == 0;
        let engine: Engine = open(if is_logged { logged(&disk) } else { unlogged(&disk) });
        check_holds(&engine, &filled(0..3 * time), &format!("opened for time {time}, logged: {is_logged}"));
        fill(&engine, 3 * time..3 * time + 3);
        engine.close().expect("closing");
        let expected = usize::from(is_logged);
        assert_eq!(logs(&disk).len(), expected, "logs after closing, logged: {is_logged}");
    }
    check_holds(&open(logged(&disk)), &filled(0..18), "after six closes");
}
