//! Engines that compact by tiers.

use std::sync::Arc;

use lsm::compaction::{Shape, Strategy, Task, Tiered};
use lsm::disk::SimDisk;
use lsm::{Engine, Options, Stats};

use crate::strategies::engines::{Gate, background, check_holds, eventually, fill, open, promptly, settle, start};
use crate::strategies::paper::runs_in;
use crate::strategies::random::{Setup, run};
use crate::strategies::shapes::drawing;

/// An engine that compacts in the background reads like a sorted map, whatever is written, and at rest it has fewer
/// runs than begin a merge.
///
/// Hint: first make the tests of the rules and of the places pass. If a key comes back or is missing then: are the
/// merged runs the newest ones? If a writer waits for ever: there is no task at `level_0_limit` tables.
///
/// Book: week2/3-tiered.md#a-worked-example
#[test]
fn an_engine_with_tiers_reads_like_a_map() {
    for (seed, max_runs, max_space_amplification) in [(4, 2, 200), (5, 4, 100), (6, 6, 400)] {
        let strategy = Tiered { max_runs, max_space_amplification, size_ratio: 20, max_level_0_tables: 6 };
        let shape: Shape = run(Setup { strategy: Arc::new(strategy.clone()), seed, actions: 900, keys: 120 });
        let runs: usize = runs_in(&shape);
        assert!(runs < max_runs, "{runs} runs at rest, with {strategy:?}\n{}", drawing(&shape));
    }
}

/// Flushed tables are merged in the background as soon as there are `max_runs` of them, and the result is in the last
/// level.
///
/// Hint: if the compactor sleeps here, `pick` says `None` for a level 0 of `max_runs` tables. If there is one
/// table, but in a wrong level, see "Where the run goes".
///
/// Book: week2/3-tiered.md#when-merging-begins
#[test]
fn flushed_runs_are_merged_in_the_background() {
    let strategy = Tiered { max_runs: 3, ..Tiered::default() };
    let engine: Arc<Engine> = open(background(&SimDisk::new(), Arc::new(strategy.clone())));
    let writer = engine.clone();
    promptly("writes and two flushes", move || {
        for table in 0..2 {
            fill(&writer, [table, 90 - table]);
            writer.flush().expect("a flush");
        }
    });
    let shape: Shape = settle(&engine, &strategy);
    assert_eq!(shape.levels[0].tables.len(), 2, "two runs are not enough for a merge\n{}", drawing(&shape));
    let writer = engine.clone();
    promptly("writes and a third flush", move || {
        fill(&writer, [2, 88]);
        writer.flush().expect("a flush");
    });
    let shape: Shape = settle(&engine, &strategy);
    let tables: Vec<usize> = shape.levels.iter().map(|level| level.tables.len()).collect();
    assert_eq!(tables, [0, 0, 0, 0, 1], "tables of each level after the merge of three runs");
    // The tree may be seen before the merge is counted.
    eventually("one compaction is counted", || engine.stats().compactions == 1);
    check_holds(&engine, [0, 1, 2, 88, 89, 90], "after the merge");
}

/// Level 0 is bounded by the strategy's limit while the compactor is held, and writers go on when it does.
///
/// Hint: `level_0_limit` is `max_level_0_tables`, if that is large enough.
///
/// Book: week2/3-tiered.md#task-3-back-pressure
#[test]
fn level_0_is_bounded_while_the_compactor_is_held() {
    let strategy = Tiered { max_runs: 2, max_level_0_tables: 3, ..Tiered::default() };
    let disk = SimDisk::new();
    let mut options: Options = background(&disk, Arc::new(strategy.clone()));
    options.max_frozen_memtables = 8;
    let engine: Arc<Engine> = open(options);
    let held = Gate::before_merged_tables(&disk);
    let writer = engine.clone();
    promptly("three flushes by hand", move || {
        for table in 0..3 {
            fill(&writer, [table, 900 - table]);
            writer.flush().expect("a flush");
        }
    });
    // What is not written yet fails here, and not after a long wait.
    let task: Option<Task> = strategy.pick(&engine.shape());
    assert!(task.is_some(), "3 runs are enough for a merge");
    held.wait_for_arrival();
    let writer = engine.clone();
    let mut writes = start(move || fill(&writer, 3..103));
    let stats: Stats = writes.wait_for_stall(&engine, "100 writes above a level 0 with 3 tables");
    assert_eq!(stats.frozen_memtables, 0, "the writer waits for level 0, which has 3 tables: {stats:?}");
    assert_eq!(engine.shape().levels[0].tables.len(), 3, "tables of level 0 while the compactor is held");
    held.open();
    writes.wait("the writer, when the compactor goes on");
    eventually("a tree at rest", || strategy.pick(&engine.shape()).is_none());
    check_holds(&engine, (0..103).chain(898..901), "after the wait");
}
