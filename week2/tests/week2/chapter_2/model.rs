//! Engines that compact by simple levels, beside a sorted map.

use std::sync::Arc;

use lsm::compaction::{Shape, SimpleLeveled};

use crate::strategies::random::{Setup, run};
use crate::strategies::shapes::drawing;

fn check_limits(strategy: &SimpleLeveled, shape: &Shape) {
    let why = format!("at rest, with {strategy:?}\n{}", drawing(shape));
    assert!(shape.levels[0].tables.len() < strategy.level_0_tables, "level 0 is below its limit {why}");
    for level in 1..shape.last_level() {
        let (size, limit) = (shape.levels[level].size(), strategy.limit(level));
        assert!(size <= limit, "level {level} has {size} bytes and may have {limit} {why}");
    }
}

/// An engine that compacts in the background reads like a sorted map, whatever is written, and at rest every level is
/// within its limit.
///
/// Hint: first make the tests of `pick` and of the moves pass. If a key comes back or is missing then: which table was
/// left behind?
///
/// Book: week2/2-simple-leveled.md#a-worked-example
#[test]
fn an_engine_with_simple_levels_reads_like_a_map() {
    for (seed, level_0_tables, level_1_size, ratio) in [(1, 1, 2000, 2), (2, 2, 4000, 3), (3, 3, 8000, 4)] {
        let strategy = SimpleLeveled { level_0_tables, level_1_size, ratio, max_level_0_tables: 4 };
        let setup = Setup { strategy: Arc::new(strategy.clone()), seed, actions: 900, keys: 120 };
        let shape: Shape = run(setup);
        check_limits(&strategy, &shape);
    }
}
