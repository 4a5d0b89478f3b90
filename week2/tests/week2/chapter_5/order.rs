//! A change of the tree: first in the manifest, durable, then visible.

use std::sync::Arc;

use lsm::compaction::{Inputs, Shape, Strategy, Task};
use lsm::disk::{Operation, SimDisk, Step, Survival};
use lsm::manifest::Contents;
use lsm::table::table_path;
use lsm::{Engine, Options, Result};
use parking_lot::Mutex;

use super::support::{
    DIRECTORY, Model, after_power_cuts, check_holds, compact_some, eventually, flush_round, ids, is_change, is_table,
    key, manual, open, read_manifest, record_steps, small,
};

type Ids = Vec<Vec<u64>>;

/// A change of the tree, and what it is called.
type Change = (&'static str, fn(&Engine) -> Result<()>);

const CHANGES: [Change; 3] = [
    ("a flush", |engine| engine.flush()),
    ("an ingest", |engine| engine.ingest([(&b"ingested"[..], Some(&b"value"[..])), (b"key00003", None)])),
    ("a compaction", |engine| engine.compact()),
];

/// An engine with three tables at level 0 and one below, and for a flush something to write.
fn prepare(disk: &SimDisk, what: &str, model: &mut Model) -> Arc<Engine> {
    let engine: Engine = open(small(disk));
    compact_some(&engine, model, 20);
    for round in 1..4 {
        flush_round(&engine, model, round..round + 8, round);
    }
    if what == "a flush" {
        engine.put(&key(50), b"in memory").expect("a put");
    }
    Arc::new(engine)
}

/// What was seen at each operation of a change: the shape that the engine shows, and the one in the manifest that a power
/// cut at this moment would leave.
fn watch(disk: &SimDisk, engine: &Arc<Engine>) -> Arc<Mutex<Vec<(String, Ids, Ids)>>> {
    let pairs: Arc<Mutex<Vec<(String, Ids, Ids)>>> = Arc::default();
    let (seen, watched, disk_then) = (pairs.clone(), Arc::downgrade(engine), disk.clone());
    disk.on_operation(move |step: Step<'_>| {
        let Some(engine) = watched.upgrade() else { return };
        let what = format!("before {:?} of {}", step.operation, step.path.display());
        let left: Contents = read_manifest(&disk_then.after_power_cut(Survival::Nothing, 1), &what);
        seen.lock().push((what, ids(&engine.shape()), ids(&left.shape)));
    });
    pairs
}

/// Demands that whatever was visible was durable.
fn check_order(pairs: &[(String, Ids, Ids)], before: &Ids, after: &Ids, what: &str) {
    assert_ne!(before, after, "{what} changes the tree");
    for (when, visible, durable) in pairs {
        let is_ahead = visible == before && durable == after;
        assert!(
            visible == durable || is_ahead,
            "{what}, {when}: the engine shows the tables {visible:?} already, and the durable manifest says {durable:?}"
        );
    }
    assert!(pairs.iter().any(|pair| pair.2 == *before), "{what}: the manifest was watched from the beginning");
}

/// Whatever changes the tree, nobody sees the change before it is in the manifest, durable.
///
/// Hint: `Core::install` records the edit and swaps afterwards. Flush, ingest and compaction call it in place of a swap of
/// their own.
///
/// Book: week2/5-manifest.md#task-7-first-the-record-then-the-swap
#[test]
fn a_change_is_durable_before_it_is_visible() {
    for (what, change) in CHANGES {
        let disk = SimDisk::new();
        let mut model = Model::new();
        let engine: Arc<Engine> = prepare(&disk, what, &mut model);
        let before: Ids = ids(&engine.shape());
        let pairs = watch(&disk, &engine);
        change(&engine).unwrap_or_else(|error| panic!("{what}: {error}"));
        check_order(&pairs.lock(), &before, &ids(&engine.shape()), what);
        let left: Contents = read_manifest(&disk.after_power_cut(Survival::Nothing, 1), &format!("after {what}"));
        assert_eq!(left.shape.levels[0], engine.shape().levels[0], "level 0 in the durable manifest after {what}");
        assert_eq!(ids(&left.shape), ids(&engine.shape()), "the tables in the durable manifest after {what}");
    }
}

/// Moves the only table of level 0 to level 2, and notes a cursor there.
#[derive(Debug)]
struct MoveDown;

impl Strategy for MoveDown {
    fn name(&self) -> &'static str {
        "move down"
    }

    fn pick(&self, shape: &Shape) -> Option<Task> {
        let table = shape.levels[0].tables.first()?;
        let inputs = vec![Inputs { level: 0, tables: vec![table.id] }];
        Some(Task { inputs, target: 2, cursor: Some((2, table.last_key.clone())) })
    }
}

/// A table that moves without being rewritten moves in the manifest first, and a cursor with it. Both are there again when
/// the database is opened.
///
/// Hint: a move is an edit as any other, and goes through `install` with the task's cursor.
///
/// Book: week2/5-manifest.md#task-7-first-the-record-then-the-swap
#[test]
fn a_move_and_a_cursor_are_durable_before_they_are_visible() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let mut options: Options = manual(&disk);
    options.background = true;
    options.strategy = Arc::new(MoveDown);
    let engine: Arc<Engine> = Arc::new(open(options));
    for number in 0..5 {
        engine.put(&key(number), b"moved").expect("a put");
        model.insert(key(number), b"moved".to_vec());
    }
    let pairs = watch(&disk, &engine);
    engine.flush().expect("a flush");
    eventually("the table moves to level 2", || ids(&engine.shape()).len() == 3);
    engine.close().expect("closing");
    let after: Shape = engine.shape();
    let moved: Ids = ids(&after);
    let flushed: Ids = vec![moved[2].clone()];
    for (when, visible, durable) in pairs.lock().iter() {
        let is_ahead = (visible.is_empty() && *durable == flushed) || (*visible == flushed && *durable == moved);
        assert!(visible == durable || is_ahead, "{when}: visible are {visible:?}, durable {durable:?}");
    }
    assert_eq!(
        after.levels[2].cursor,
        after.levels[2].tables.first().map(|table| table.last_key.clone()),
        "the cursor"
    );
    drop(engine);
    let engine: Engine = open(manual(&disk.after_power_cut(Survival::Nothing, 1)));
    assert_eq!(engine.shape(), after, "the shape after a power cut");
    check_holds(&engine, &model, "after a move and a power cut");
}

/// A compaction's inputs keep their files until the manifest has the change, durable.
///
/// Hint: mark the inputs with `remove_when_unused` after `install` has returned `Ok`.
///
/// Book: week2/5-manifest.md#task-7-first-the-record-then-the-swap
#[test]
fn inputs_go_when_no_durable_manifest_names_them() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Arc<Engine> = prepare(&disk, "a compaction", &mut model);
    let removed: Arc<Mutex<Vec<bool>>> = Arc::default();
    let (seen, disk_then) = (removed.clone(), disk.clone());
    disk.on_operation(move |step| {
        if step.operation == Operation::Remove && is_table(step.path) {
            let left: Contents = read_manifest(&disk_then.after_power_cut(Survival::Nothing, 1), "at a removal");
            let mut named = left.shape.tables().map(|table| table_path(DIRECTORY.as_ref(), table.id));
            seen.lock().push(named.any(|path| path == step.path));
        }
    });
    let inputs = engine.stats().tables as usize;
    engine.compact().expect("a compaction");
    assert_eq!(*removed.lock(), vec![false; inputs], "for each removed table: whether the durable manifest names it");
}

/// The power may be cut at any change of a flush, an ingest or a compaction: the database opens, with the tree before the
/// change or after it.
///
/// Hint: the new tables' bytes and names are durable before the record, the record before the inputs' files go.
///
/// Book: week2/5-manifest.md#task-7-first-the-record-then-the-swap
#[test]
fn a_power_cut_leaves_the_tree_before_or_after_a_change() {
    for (what, change) in CHANGES {
        let dry = SimDisk::new();
        let engine: Arc<Engine> = prepare(&dry, what, &mut Model::new());
        let (first, before) = (dry.changes(), ids(&engine.shape()));
        change(&engine).unwrap_or_else(|error| panic!("{what}: {error}"));
        let (last, after) = (dry.changes(), ids(&engine.shape()));
        for cut in first..last {
            let disk = SimDisk::new();
            let mut model = Model::new();
            let engine: Arc<Engine> = prepare(&disk, what, &mut model);
            disk.cut_power_at(cut);
            // Inputs are removed behind the change, where a failure is nobody's concern.
            let _ = change(&engine);
            drop(engine);
            for (how, left) in after_power_cuts(&disk, 3) {
                let when = format!("after a power cut at change {} of {what}; {how}", cut - first);
                let engine: Engine = open(manual(&left));
                let found: Ids = ids(&engine.shape());
                assert!(found == before || found == after, "the tables {when}: {found:?}, not {before:?} or {after:?}");
                let mut expected = model.clone();
                if found == after {
                    match what {
                        "a flush" => drop(expected.insert(key(50), b"in memory".to_vec())),
                        "an ingest" => {
                            expected.insert(b"ingested".to_vec(), b"value".to_vec());
                            expected.remove(&key(3));
                        }
                        _ => {}
                    }
                }
                check_holds(&engine, &expected, &when);
            }
        }
    }
}

/// The record of a flush says which memtable the table is made of; other changes say nothing of memtables.
///
/// Hint: `Edit::flush(shape, memtable.id())`. `TableShape::of` makes the shape. An ingest's memtable is 0.
///
/// Book: week2/5-manifest.md#task-7-first-the-record-then-the-swap
#[test]
fn a_flush_records_which_memtable_it_wrote() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(manual(&disk));
    let mut flushed = 0;
    for round in 0..4 {
        flush_round(&engine, &mut model, round..round + 3, round);
        let contents: Contents = read_manifest(&disk, &format!("after flush {round}"));
        assert!(contents.flushed_through > flushed, "flush {round} raises flushed_through above {flushed}");
        assert!(contents.next_id > contents.flushed_through, "ids are given behind those of memtables: {contents:?}");
        flushed = contents.flushed_through;
        engine.compact().expect("a compaction");
        assert_eq!(read_manifest(&disk, "after a compaction").flushed_through, flushed, "a compaction flushes nothing");
    }
    let steps = record_steps(&disk, |step| is_change(step.operation) && !is_table(step.path));
    engine.flush().expect("a flush of nothing");
    assert_eq!(steps.lock().len(), 0, "a flush of nothing changes nothing: {:?}", steps.lock());
}
