//! A merge: which entries the outputs have, and what the disk is asked for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lsm::compaction::{DropPolicy, Job, Shape};
use lsm::disk::{Operation, SimDisk, Survival};
use lsm::table::{Resources, Table, table_path};
use parking_lot::Mutex;

use super::fixture::{DIRECTORY, Entries, Workbench, entries_of, is_table, manual, text, tree};

/// All entries of several tables.
fn all_of(tables: &[Arc<Table>]) -> String {
    let entries: Entries = tables.iter().flat_map(entries_of).collect();
    text(&entries)
}

/// Of several entries of a key only the one of the newest run is kept; the first run is the newest. A tombstone is an
/// entry and hides older values.
///
/// Hint: hand the runs to the merge in the order in which they come.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn the_newest_run_decides() {
    let cases: [(&[&str], &str); 6] = [
        (&["a=new c=new", "a=old b=old"], "a=new b=old c=new"),
        (&["b=3", "a=2 b=2", "a=1 b=1 c=1"], "a=2 b=3 c=1"),
        (&["b=×", "b=2", "a=1 b=1"], "a=1"),
        (&["b=3", "b=×", "a=1 b=1"], "a=1 b=3"),
        (&["a= b=new", "a=old"], "a= b=new"),
        (&["c=3 | f=3", "a=2 c=2 | d=2 f=2 | g=2", "b=1 g=1 | h=1"], "a=2 b=1 c=3 d=2 f=3 g=2 h=1"),
    ];
    for (runs, expected) in cases {
        let bench = Workbench::new();
        let outputs: Vec<Arc<Table>> = bench.merge(runs.iter().map(|run| bench.run(run)).collect()).expect("a merge");
        assert_eq!(all_of(&outputs), expected, "the merge of {runs:?}, newest first, with nothing below");
    }
}

/// Tombstones stay in the outputs where a level below the target may hold their keys, and go where nothing can.
///
/// Hint: ask the policy for each entry that the merge gives.
///
/// Book: week2/1-compaction.md#what-may-be-left-out
#[test]
fn tombstones_stay_above_what_they_hide() {
    let shape: Shape = tree(&["", "", "7:c-e 8:m-n", "9:x-y"]);
    let runs = ["c=× d=4 k=× x=×", "a=× c=1 e=× m=1 n=× z=×"];
    let cases = [(1, "c=× d=4 e=× m=1 n=× x=×"), (2, "d=4 m=1 x=×"), (3, "d=4 m=1")];
    for (target, expected) in cases {
        let bench = Workbench::new();
        let runs: Vec<_> = runs.iter().map(|run| bench.run(run)).collect();
        let outputs: Vec<Arc<Table>> = bench.merge_into(&shape, target, runs).expect("a merge");
        assert_eq!(all_of(&outputs), expected, "a merge into level {target} of {:?}", shape.levels);
        let tombstones: u64 = outputs.iter().map(|table| table.tombstones()).sum();
        assert_eq!(tombstones, expected.matches('×').count() as u64, "tombstones that the outputs count");
    }
}

/// Where no entry is kept there is no output: no file, and nothing to sync.
///
/// Hint: create the output's file when the first entry is kept, not before. A table without entries is an error.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn a_merge_of_tombstones_alone_makes_no_table() {
    let cases: [&[&str]; 4] = [&["a=× b=×"], &["a=× | b=×", "a=1 b=2"], &[""], &[]];
    for runs in cases {
        let bench = Workbench::new();
        let inputs: Vec<_> = runs.iter().map(|run| bench.run(run)).collect();
        let (files, changes) = (bench.files(), bench.disk.changes());
        let outputs: Vec<Arc<Table>> = bench.merge(inputs).expect("a merge");
        assert_eq!(outputs.len(), 0, "tables that the merge of {runs:?} makes");
        assert_eq!((bench.files(), bench.disk.changes()), (files, changes), "files, and changes of the disk, {runs:?}");
    }
}

/// Outputs get the numbers that `take_id` gives, in their order, and stand in files of those numbers. No number is taken
/// without need.
///
/// Hint: one `take_id` an output, when its file is created; `table_path` makes the path.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn outputs_have_the_numbers_that_were_taken() {
    let bench = Workbench::with(|options| options.table_size = 1);
    let runs = vec![bench.run("a=× b=1 c=×"), bench.run("a=1 c=1 d=1 e=1 f=×")];
    let before = bench.files();
    let (next, taken) = (Cell::new(100), RefCell::new(Vec::new()));
    let take_id = || {
        taken.borrow_mut().push(next.get());
        next.replace(next.get() + 7)
    };
    let shape = Shape::new(1);
    let policy = DropPolicy::new(&shape, 1, bench.resources.options.user_part);
    let (directory, resources) = (Path::new(DIRECTORY), &bench.resources);
    let job = Job { directory, resources, runs, policy, take_id: &take_id, is_cancelled: &|| false };
    let outputs: Vec<Arc<Table>> = job.run().expect("a merge").expect("nobody calls it off");
    let found: Vec<(u64, String)> = outputs.iter().map(|table| (table.id(), text(&entries_of(table)))).collect();
    let expected = [(100, "b=1"), (107, "d=1"), (114, "e=1")].map(|(id, entries)| (id, entries.to_string()));
    assert_eq!(found, expected, "numbers and entries of the outputs, tables being full after one entry");
    assert_eq!(taken.into_inner(), [100, 107, 114], "numbers taken for three outputs");
    let expected: Vec<PathBuf> = [100, 107, 114].map(|id| table_path(directory, id)).to_vec();
    let files: Vec<PathBuf> = bench.files().into_iter().filter(|path| !before.contains(path)).collect();
    assert_eq!(files, expected, "new files");
}

/// When a merge returns, its outputs survive a power cut, names included.
///
/// Hint: `TableBuilder::finish` syncs the bytes. The names need a sync of the directory, once, behind the last of them.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn outputs_are_durable() {
    let bench = Workbench::with(|options| options.table_size = 1);
    let runs = vec![bench.run("b=2"), bench.run("a=1 b=1 c=1")];
    let outputs: Vec<Arc<Table>> = bench.merge(runs).expect("a merge");
    let found: SimDisk = bench.disk.after_power_cut(Survival::Nothing, 1);
    let resources: Arc<Resources> = Resources::new(manual(&found));
    let survivors = outputs.iter().map(|table| {
        let path = table_path(Path::new(DIRECTORY), table.id());
        let opened = Table::open(table.id(), &path, &resources);
        opened.unwrap_or_else(|error| panic!("an output should survive a power cut behind the merge: {error}"))
    });
    assert_eq!(all_of(&survivors.collect::<Vec<_>>()), "a=1 b=2 c=1", "what the outputs hold after a power cut");
}

/// All outputs are written and synced, and then one sync of the directory makes all names durable.
///
/// Hint: nobody sees an output before the merge is done, so a sync for each is wasted, and one before the last is too
/// early.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn one_sync_of_the_directory_serves_all_outputs() {
    let bench = Workbench::with(|options| options.table_size = 1);
    let runs = vec![bench.run("a=1 b=1 c=1 d=1")];
    let seen: Arc<Mutex<Vec<Operation>>> = Arc::default();
    let steps = seen.clone();
    bench.disk.on_operation(move |step| {
        if is_table(step.path) || step.operation == Operation::SyncDirectory {
            steps.lock().push(step.operation);
        }
    });
    bench.merge(runs).expect("a merge");
    let steps: Vec<Operation> = seen.lock().clone();
    let count = |operation: Operation| steps.iter().filter(|step| **step == operation).count();
    assert_eq!(count(Operation::Sync), 4, "each of four outputs is synced: {steps:?}");
    assert_eq!(count(Operation::SyncDirectory), 1, "syncs of the directory: {steps:?}");
    let directory = steps.iter().position(|step| *step == Operation::SyncDirectory);
    let last = steps.iter().rposition(|step| *step == Operation::Sync);
    assert!(directory > last, "the directory is synced when all outputs have their names: {steps:?}");
}

/// A merge does not touch its inputs: their files stay, and who has them open reads on.
///
/// Hint: who calls decides what becomes of the inputs, after the swap.
///
/// Book: week2/1-compaction.md#when-the-inputs-files-go
#[test]
fn a_merge_leaves_its_inputs_alone() {
    let bench = Workbench::new();
    let runs = vec![bench.run("a=2 | c=2"), bench.run("b=1 c=1")];
    let (inputs, before) = (runs.concat(), bench.files());
    bench.merge(runs).expect("a merge");
    assert_eq!(inputs.iter().map(|table| text(&entries_of(table))).collect::<Vec<_>>(), ["a=2", "c=2", "b=1 c=1"]);
    drop(inputs);
    assert!(before.iter().all(|path| bench.files().contains(path)), "files of inputs are gone after a merge");
}

/// Random runs are merged as a map would merge them.
///
/// Hint: print the runs and the outputs of the first case that fails; they are small.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn random_runs_merge_as_a_map_does() {
    let mut random = Random(0x5eed);
    for case in 0..120 {
        let bench = Workbench::with(|options| {
            options.table_size = random.below(200) as u64;
            options.block_size = 1 + random.below(60);
        });
        let mut expected: BTreeMap<Bytes, Option<Bytes>> = BTreeMap::new();
        let mut runs: Vec<Vec<Arc<Table>>> = Vec::new();
        // The oldest first, so that later runs overwrite.
        for age in 0..random.below(5) {
            let mut run: BTreeMap<Bytes, Option<Bytes>> = BTreeMap::new();
            for _ in 0..1 + random.below(20) {
                let value =
                    (random.below(4) > 0).then(|| Bytes::from(format!("{age}{}", "-".repeat(random.below(20)))));
                run.insert(Bytes::from(format!("{:02}", random.below(40))), value);
            }
            expected.extend(run.clone());
            let run: Entries = run.into_iter().collect();
            let tables = run.chunks(1 + random.below(8)).map(|chunk| bench.table(chunk));
            runs.insert(0, tables.collect());
        }
        expected.retain(|_, value| value.is_some());
        let what = format!("case {case}, runs {:?}", runs.iter().map(|run| all_of(run)).collect::<Vec<_>>());
        let outputs: Vec<Arc<Table>> = bench.merge(runs).expect("a merge");
        assert_eq!(all_of(&outputs), text(&expected.into_iter().collect::<Vec<_>>()), "what the outputs hold, {what}");
        let is_apart = outputs.windows(2).all(|pair| pair[0].last_key() < pair[1].first_key());
        assert!(is_apart, "outputs are in key order and do not overlap, {what}");
    }
}

/// Numbers that look like chance, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
