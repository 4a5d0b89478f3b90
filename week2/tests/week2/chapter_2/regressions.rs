//! What holds without this chapter's work, and has to go on holding.

use std::sync::Arc;

use lsm::compaction::{NoCompaction, Shape, Strategy};
use lsm::disk::SimDisk;
use lsm::{Engine, Options};

use crate::strategies::engines::{background, check_holds, fill, open, promptly};
use crate::strategies::shapes::tree;

/// The strategy that never merges picks nothing and lets nobody wait, however many tables there are.
///
/// Hint: it says nothing of a limit.
///
/// Book: week2/2-simple-leveled.md#task-4-back-pressure
#[test]
fn without_compaction_level_0_grows_without_a_wait() {
    let full = tree(&[&[1; 100], &[1 << 40], &[1]]);
    assert_eq!(NoCompaction.pick(&full), None, "what NoCompaction picks");
    let limit: Option<usize> = NoCompaction.level_0_limit();
    assert_eq!(limit, None, "NoCompaction's limit of level 0");
    let disk = SimDisk::new();
    let options: Options = background(&disk, Arc::new(NoCompaction));
    let engine: Arc<Engine> = open(options);
    let writer = engine.clone();
    promptly("400 writes and a flush, without compaction", move || {
        fill(&writer, 0..400);
        writer.flush().expect("a flush");
    });
    let shape: Shape = engine.shape();
    assert!(shape.levels[0].tables.len() > 20, "memtables of 1000 bytes became tables of level 0, and stay there");
    check_holds(&engine, 0..400, "with many tables in level 0");
}
