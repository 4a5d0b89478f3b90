//! A batch is there whole or not at all, wherever its writing is cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lsm::disk::{Operation, SimDisk, Survival};
use lsm::{Engine, Result, Sync, WriteBatch};
use parking_lot::Mutex;

use super::support::{
    Gate, Pending, batch_of, copy_of, found_of, get, is_log_append, log_files, logging, named_batch, open, queue_up,
    reopen, scan, start_write,
};

/// Disks as power cuts would leave them, one in several ways for each change that was asked for, and how many writes had
/// been acknowledged then.
#[derive(Clone, Default)]
struct Cuts {
    taken: Arc<Mutex<Vec<(SimDisk, usize, String)>>>,
    acknowledged: Arc<AtomicUsize>,
}

impl Cuts {
    /// Takes them before each change of the disk from now on.
    fn watch(disk: &SimDisk) -> Cuts {
        let (cuts, watched) = (Cuts::default(), disk.clone());
        let watching = cuts.clone();
        disk.on_operation(move |step| {
            let is_read =
                matches!(step.operation, Operation::Open | Operation::Length | Operation::Read | Operation::List);
            if !is_read {
                let what = format!("a power cut before {:?} of {}", step.operation, step.path.display());
                watching.take(&watched, step.number, &what);
            }
        });
        cuts
    }

    fn take(&self, disk: &SimDisk, seed: u64, what: &str) {
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let ways = [Survival::Nothing, Survival::Everything, Survival::Some, Survival::Some, Survival::Some];
        for (way, survival) in ways.into_iter().enumerate() {
            let left = disk.after_power_cut(survival, seed * 10 + way as u64);
            self.taken.lock().push((left, acknowledged, format!("{what}, surviving: {survival:?} ({way})")));
        }
    }

    fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
    }

    fn all(&self) -> Vec<(SimDisk, usize, String)> {
        std::mem::take(&mut *self.taken.lock())
    }
}

/// Wherever the power is cut, a batch is there with all of its entries or with none, batches go missing from the end of
/// history only, and those that were synced do not go missing.
///
/// Hint: a batch's entries are one record of the log, and a record that is not whole is not replayed.
///
/// Book: week2/7-batches.md#one-record
#[test]
fn a_batch_is_atomic_wherever_the_power_is_cut() {
    // Batch n sets "a" and "z" to n and deletes what the batch before it added; it adds a key of its own.
    let batch = |number: usize| {
        let (value, own, before) = (number.to_string(), format!("m{number}"), format!("m{}", number.wrapping_sub(1)));
        batch_of(&[("a", Some(&value)), (&own, Some(&value)), (&before, None), ("z", Some(&value))])
    };
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(logging(&disk));
    let cuts = Cuts::watch(&disk);
    for number in 1..=9 {
        if number == 5 {
            engine.freeze().expect("freezing");
        }
        if number == 8 {
            engine.flush().expect("a flush");
        }
        let is_synced = number % 3 == 0;
        engine.write_with(&batch(number), if is_synced { Sync::EveryCommit } else { Sync::Os }).expect("a batch");
        if is_synced {
            cuts.acknowledged.store(number, Ordering::SeqCst);
        }
    }
    cuts.take(&disk, 999, "a power cut at the end");
    for (left, synced, when) in cuts.all() {
        let engine: Engine = reopen(&left, &when);
        let last: usize =
            get(&engine, "a", &when).map_or(0, |value| String::from_utf8_lossy(&value).parse().expect("a number"));
        assert!(last >= synced, "batch {synced} was synced, and {last} is the last that is there: {when}");
        let text = |number: usize| number.to_string();
        let expected: Vec<(String, String)> = match last {
            0 => Vec::new(),
            _ => vec![("a".into(), text(last)), (format!("m{last}"), text(last)), ("z".into(), text(last))],
        };
        assert_eq!(scan(&engine, &when), expected, "batch {last}, whole, and nothing else: {when}");
    }
}

/// Wherever its record in the log is torn, or has a hole, a batch is there whole or not at all.
///
/// Hint: one call of `Logs::write` for the batch, not one for each entry.
///
/// Book: week2/7-batches.md#one-record
#[test]
fn a_batch_is_atomic_wherever_its_record_is_torn() {
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(logging(&disk));
    engine.write(&named_batch("before")).expect("a batch");
    let log = log_files(&disk).pop().expect("a log");
    let length = |disk: &SimDisk| disk.contents(&log).expect("the log").len();
    let begin = length(&disk);
    let mut batch: WriteBatch = named_batch("torn");
    batch.delete(b"before-1");
    engine.write(&batch).expect("a batch");
    let end = length(&disk);
    drop(engine);
    let whole: Vec<u8> = disk.contents(&log).expect("the log");
    for at in begin..=end {
        let holed = |fill: u8| whole[..at].iter().copied().chain(vec![fill; end - at]).collect::<Vec<u8>>();
        for (bytes, damage) in [(whole[..at].to_vec(), "cut off"), (holed(0), "zeros"), (holed(0xA5), "garbage")] {
            let when = format!("the log of {end} bytes is {damage} from byte {at} on; the batch begins at {begin}");
            let left = copy_of(&disk);
            left.set_contents(&log, &bytes);
            let engine: Engine = reopen(&left, &when);
            let found = (found_of(&engine, "before", &when), found_of(&engine, "torn", &when));
            let expected = if bytes == whole { (2, 3) } else { (3, 0) };
            assert_eq!(
                found, expected,
                "keys of the batch before, one of which this one deletes, and of this one: {when}"
            );
        }
    }
}

/// Each batch of a group is atomic, and a group's batches go missing from its end only, wherever the power is cut. What a
/// group acknowledged is there.
///
/// Hint: a group is one record. If it were one for each member, it would still have to be in the queue's order, and synced
/// before anybody is told.
///
/// Book: week2/7-batches.md#group-commit
#[test]
fn the_batches_of_a_group_are_atomic() {
    let names = ["one", "two", "three", "four", "five"];
    let disk = SimDisk::new();
    let engine: Arc<Engine> = open(logging(&disk));
    engine.write_with(&named_batch("before"), Sync::EveryCommit).expect("a batch");
    let gate = Gate::before(&disk, is_log_append);
    let first: Pending<Result<()>> = start_write(&engine, named_batch("first"), Sync::Os);
    gate.wait_for_arrivals(1, "the first writer comes to the log");
    let writers = queue_up(&engine, names.iter().map(|name| (named_batch(name), Sync::EveryCommit)).collect());
    let cuts = Cuts::watch(&disk);
    gate.open();
    first.wait("the first writer").expect("the first writer");
    for writer in writers {
        writer.wait("a member of a group").expect("a member of a group");
        cuts.acknowledge();
    }
    cuts.take(&disk, 999, "a power cut at the end");
    for (left, acknowledged, when) in cuts.all() {
        let engine: Engine = reopen(&left, &when);
        assert_eq!(found_of(&engine, "before", &when), 3, "keys of a batch that was synced before: {when}");
        let counts: Vec<usize> = ["first"].iter().chain(&names).map(|name| found_of(&engine, name, &when)).collect();
        assert!(counts.iter().all(|count| [0, 3].contains(count)), "keys of each batch, 3 or none: {counts:?}, {when}");
        assert!(
            counts.is_sorted_by(|one, next| one >= next),
            "a batch is there without one before it: {counts:?}, {when}"
        );
        let is_there = counts[1..].iter().filter(|count| **count == 3).count();
        assert!(is_there >= acknowledged, "{acknowledged} of the group are acknowledged, {is_there} are there: {when}");
    }
}
