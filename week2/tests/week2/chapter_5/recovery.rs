//! Opening a database again: the same data, in the same places.

use std::sync::Arc;

use bytes::Bytes;
use lsm::compaction::{Leveled, NoCompaction, Shape, SimpleLeveled, Strategy, Tiered};
use lsm::disk::SimDisk;
use lsm::manifest::Contents;
use lsm::{Engine, Options};

use super::support::{
    DIRECTORY, Model, check_holds, compact_some, flush_round, ids, key, manual, open, read_manifest, small, table_files,
};

/// Several tables in the last level, some at level 0, deletions among them.
fn fill(engine: &Engine, model: &mut Model) {
    compact_some(engine, model, 60);
    for round in 1..4 {
        engine.delete(&key(round * 7)).expect("a delete");
        model.remove(&key(round * 7));
        flush_round(engine, model, 20 + round..30, round);
    }
}

/// A database that is opened again has the data that was flushed, and the same tables in the same places.
///
/// Hint: the manifest's snapshot, applied to an empty `State` with `with_edit`, puts each table where it was.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_reopened_database_has_the_same_data_and_shape() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    fill(&engine, &mut model);
    let shape: Shape = engine.shape();
    let counts: Vec<usize> = shape.levels.iter().map(|level| level.tables.len()).collect();
    assert!(counts[0] == 3 && counts[6] > 2, "tables at level 0 and in the last level: {counts:?}");
    engine.close().expect("closing");
    drop(engine);
    for round in 0..3 {
        let engine: Engine = open(small(&disk));
        assert_eq!(engine.shape(), shape, "the shape when it is opened again, time {round}");
        check_holds(&engine, &model, &format!("opened again, time {round}"));
        assert_eq!(engine.stats().tables as usize, table_files(&disk).len(), "tables and their files, time {round}");
    }
}

/// Level 0 keeps its order: of several values of a key, the newest is read, and a deletion hides older values.
///
/// Hint: the snapshot adds the oldest table first. The order of the ids in a directory is no substitute: an ingest or a
/// flush that began later may have ended earlier.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn the_newest_value_is_read_after_reopening() {
    let disk = SimDisk::new();
    let engine: Engine = open(manual(&disk));
    let mut model = Model::new();
    for round in 0..12 {
        flush_round(&engine, &mut model, 0..6, round);
    }
    engine.delete(b"key00002").expect("a delete");
    model.remove(&key(2));
    engine.flush().expect("a flush");
    let order: Vec<u64> = engine.shape().levels[0].ids();
    drop(engine);
    let engine: Engine = open(manual(&disk));
    assert_eq!(engine.shape().levels[0].ids(), order, "the tables of level 0, the newest first");
    check_holds(&engine, &model, "after reopening");
    flush_round(&engine, &mut model, 1..4, 90);
    check_holds(&engine, &model, "after reopening and a flush on top");
}

/// No id is given twice, not even when every file that had one is gone.
///
/// Hint: the directory's files alone do not tell which ids there were: the manifest's `next_id` does. A memtable's id
/// counts as well: chapter 2.6 takes a log for flushed whose number is not above `flushed_through`.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn ids_are_never_given_twice() {
    let disk = SimDisk::new();
    let (mut greatest_table, mut greatest_memtable) = (0, 0);
    for round in 0..5 {
        let engine: Engine = open(manual(&disk));
        assert_eq!(engine.stats().tables, 0, "everything was deleted and compacted, round {round}");
        let at_open: Contents = read_manifest(&disk, &format!("right after opening, round {round}"));
        assert!(at_open.next_id > greatest_table, "next_id is {}, and a table had {greatest_table}", at_open.next_id);
        for _ in 0..2 {
            engine.put(b"fig", b"green").expect("a put");
            engine.flush().expect("a flush");
            let id: u64 = engine.shape().levels[0].tables[0].id;
            assert!(id > greatest_table, "a new table has the id {id}, one before it had {greatest_table}");
            let memtable: u64 = read_manifest(&disk, "after a flush").flushed_through;
            assert!(memtable > greatest_memtable, "memtable {memtable}, and one before it was {greatest_memtable}");
            (greatest_table, greatest_memtable) = (id.max(memtable), memtable);
        }
        engine.delete(b"fig").expect("a delete");
        engine.compact().expect("a compaction");
        greatest_memtable = read_manifest(&disk, "after a compaction").flushed_through;
        assert_eq!(table_files(&disk).len(), 0, "a compaction of nothing but deletions leaves no table");
    }
}

/// Data written without a strategy are there with any strategy, and the other way round.
///
/// Hint: a strategy is no part of the database: the shape is all that they share.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_database_opens_with_another_strategy() {
    let strategies: [Arc<dyn Strategy>; 4] = [
        Arc::new(Tiered::default()),
        Arc::new(Leveled::default()),
        Arc::new(SimpleLeveled { level_0_tables: 2, level_1_size: 1000, ratio: 2, max_level_0_tables: 8 }),
        Arc::new(NoCompaction),
    ];
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    fill(&engine, &mut model);
    drop(engine);
    for (round, strategy) in strategies.iter().cycle().take(8).enumerate() {
        let mut options: Options = small(&disk);
        options.strategy = strategy.clone();
        options.background = true;
        let engine: Engine = open(options);
        let when = format!("opened with the strategy {}, round {round}", strategy.name());
        check_holds(&engine, &model, &when);
        flush_round(&engine, &mut model, 3 * round..3 * round + 9, 100 + round);
        check_holds(&engine, &model, &format!("{when}, after a flush"));
        engine.close().expect("closing");
    }
}

/// A database that was written with more levels, or fewer, opens with its tables where they are, and can be compacted.
///
/// Hint: `shape` has as many levels as the options want, or as there are.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_database_opens_with_another_number_of_levels() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    fill(&engine, &mut model);
    let before: Vec<Vec<u64>> = ids(&engine.shape());
    drop(engine);
    for (levels, last) in [(1, 6), (3, 6), (9, 9), (2, 9)] {
        let mut options: Options = small(&disk);
        options.levels = levels;
        let engine: Engine = open(options);
        let when = format!("opened with {levels} levels");
        if levels == 1 {
            assert_eq!(ids(&engine.shape()), before, "the tables, {when}");
        }
        check_holds(&engine, &model, &when);
        flush_round(&engine, &mut model, levels..levels + 20, 200 + levels);
        engine.compact().expect("a compaction");
        let occupied: Vec<usize> =
            engine.shape().levels.iter().enumerate().filter(|level| !level.1.tables.is_empty()).map(|l| l.0).collect();
        assert_eq!(occupied, [last], "the levels with tables after a compaction, {when}");
        check_holds(&engine, &model, &format!("{when}, compacted"));
    }
}

/// Whatever is written, flushed, compacted and ingested, over many openings, is what a map would hold.
///
/// Hint: if only this test fails, look for what the others do not do: flush nothing, compact nothing, open twice in a row.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn many_reopenings_lose_nothing() {
    for seed in 0..6_u64 {
        let mut random = Random(seed);
        let disk = SimDisk::new();
        let mut model = Model::new();
        let mut engine: Engine = open(small(&disk));
        for step in 0..60 {
            let when = format!("seed {seed}, step {step}");
            match random.below(10) {
                0..5 => flush_round(&engine, &mut model, (0..random.below(8)).map(|_| random.clone().below(40)), step),
                5 => {
                    let gone = key(random.below(40));
                    engine.delete(&gone).expect("a delete");
                    model.remove(&gone);
                    engine.flush().expect("a flush");
                }
                6 => engine.compact().unwrap_or_else(|error| panic!("a compaction, {when}: {error}")),
                7 => {
                    let new = key(random.below(40));
                    engine
                        .ingest([(&new[..], Some(&b"ingested"[..]))])
                        .unwrap_or_else(|e| panic!("ingest, {when}: {e}"));
                    model.insert(new, b"ingested".to_vec());
                }
                _ => {
                    let shape: Shape = engine.shape();
                    engine.close().expect("closing");
                    drop(engine);
                    engine = open(small(&disk));
                    assert_eq!(engine.shape(), shape, "the shape, {when}");
                    check_holds(&engine, &model, &when);
                }
            }
        }
    }
}

/// A small generator of numbers (SplitMix64): the same seed, the same run.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// A scan that was begun before the engine was dropped goes on, though the database is opened anew and compacted meanwhile.
///
/// Hint: nothing to do, if ids are never given twice: the tables that the scan reads are nobody else's.
///
/// Book: week2/5-manifest.md#task-8-recovery
#[test]
fn a_scan_outlives_its_engine() {
    let disk = SimDisk::new();
    let mut model = Model::new();
    let engine: Engine = open(small(&disk));
    fill(&engine, &mut model);
    let mut scan = engine.scan(..).expect("a scan");
    let first: (Bytes, Bytes) = scan.next().expect("an entry").expect("a step");
    drop(engine);
    let engine: Engine = Engine::open(DIRECTORY, small(&disk)).expect("opening while a scan is held");
    let mut later: Model = model.clone();
    flush_round(&engine, &mut later, 0..30, 7);
    engine.compact().expect("a compaction");
    let found: Vec<(Bytes, Bytes)> = scan.map(|entry| entry.expect("a step of the old scan")).collect();
    assert_eq!(found.len() + 1, model.len(), "entries of the old scan; the first was {first:?}");
    check_holds(&engine, &later, "after the old scan has ended");
}
