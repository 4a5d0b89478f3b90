//! What holds without this chapter's work, and must go on to hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lsm::compaction::{Shape, Strategy, Task};
use lsm::disk::SimDisk;
use lsm::{Engine, Error, Result};

use super::support::{eventually, logging, open};

/// A strategy of the caller's that panics.
#[derive(Debug)]
struct Panics {
    may_panic: Arc<AtomicBool>,
}

impl Strategy for Panics {
    fn name(&self) -> &'static str {
        "panics"
    }

    fn pick(&self, _shape: &Shape) -> Option<Task> {
        assert!(!self.may_panic.load(Ordering::SeqCst), "a strategy that panics");
        None
    }
}

/// A compactor that panics is heard of by the next writer, and by who closes the engine; reads go on.
///
/// Hint: `make_room` asks `Status::check` before each write, whoever leads.
///
/// Book: week2/7-batches.md#when-a-group-fails
#[test]
fn a_compactor_that_panics_reaches_writers_and_close() {
    let mut options = logging(&SimDisk::new());
    let may_panic: Arc<AtomicBool> = Arc::default();
    options.background = true;
    options.strategy = Arc::new(Panics { may_panic: may_panic.clone() });
    let engine: Arc<Engine> = open(options);
    engine.put(b"a", b"1").expect("a put");
    may_panic.store(true, Ordering::SeqCst);
    engine.freeze().expect("freezing, which wakes the background");
    let is_told = |outcome: &Result<()>| matches!(outcome, Err(Error::Panicked { message, .. }) if message == "a strategy that panics");
    eventually("a write is refused with the panic's message", || is_told(&engine.put(b"b", b"1")));
    assert!(engine.get(b"a").expect("a get").is_some(), "reads go on");
    let closed: Result<()> = engine.close();
    assert!(is_told(&closed), "closing tells of the panic, found {closed:?}");
}
