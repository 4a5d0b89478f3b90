//! What held before this chapter, and still has to.

use std::sync::Arc;

use lsm::Options;
use lsm::compaction::{Leveled, Strategy};

/// The strategy is called "leveled", and its numbers are those of the book.
///
/// Hint: `name` and `Default` are given.
///
/// Book: week2/4-leveled.md#what-you-will-have
#[test]
fn the_strategy_and_its_numbers_are_given() {
    let expected = Leveled { level_0_tables: 4, base_size: 64 << 20, ratio: 10, max_level_0_tables: 12 };
    assert_eq!(Leveled::default(), expected);
    assert_eq!(Leveled::default().name(), "leveled");
}

/// `Options::manual` compacts nothing by itself, whatever the default is.
///
/// Hint: `manual` is given. Only `default_strategy` changes in this chapter.
///
/// Book: week2/4-leveled.md#task-5-the-default
#[test]
fn a_manual_engine_has_no_strategy() {
    let strategy: Arc<dyn Strategy> = Options::manual().strategy;
    assert_eq!(strategy.name(), "none");
}
