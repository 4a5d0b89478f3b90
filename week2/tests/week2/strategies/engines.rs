//! Engines that compact by themselves, on simulated disks; threads with a deadline; a gate that holds the compactor.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::compaction::{Shape, Strategy};
use lsm::disk::{Operation, SimDisk, Step};
use lsm::{Engine, Options, Result, Stats};
use parking_lot::{Condvar, Mutex};

use super::shapes::drawing;

/// How long anybody waits for what must happen. It takes milliseconds.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// What an engine should hold.
pub type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// An engine that does nothing by itself.
pub fn manual(disk: &SimDisk, strategy: Arc<dyn Strategy>) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.strategy = strategy;
    options.levels = 4;
    options.table_size = 4096;
    options.block_size = 512;
    options
}

/// An engine that flushes and compacts by itself, with memtables of a few writes.
pub fn background(disk: &SimDisk, strategy: Arc<dyn Strategy>) -> Options {
    let mut options = manual(disk, strategy);
    options.background = true;
    options.memtable_size = 1000;
    options.max_frozen_memtables = 1;
    options
}

pub fn open(options: Options) -> Arc<Engine> {
    Arc::new(Engine::open("db", options).expect("opening an empty directory"))
}

/// Keys of one length, in the order of their numbers.
pub fn key(number: usize) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// A value of 100 bytes that names its key and its version.
pub fn value(number: usize, version: usize) -> Vec<u8> {
    format!("{number:050}{version:050}").into_bytes()
}

/// Writes the keys of `numbers`.
pub fn fill(engine: &Engine, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        let put: Result<()> = engine.put(&key(number), &value(number, 0));
        put.unwrap_or_else(|error| panic!("put of key {number}: {error}"));
    }
}

/// Demands that exactly the keys of `numbers` are there.
pub fn check_holds(engine: &Engine, numbers: impl IntoIterator<Item = usize>, when: &str) {
    let model: Model = numbers.into_iter().map(|number| (key(number), value(number, 0))).collect();
    check_is(engine, &model, when);
}

/// Demands that a scan gives the model, and that each of its keys is found.
pub fn check_is(engine: &Engine, model: &Model, when: &str) {
    let found: Result<Vec<(Bytes, Bytes)>> = engine.scan(..).and_then(Iterator::collect);
    let found = found.unwrap_or_else(|error| panic!("a scan, {when}: {error}"));
    let expected = model.iter().map(|(key, value)| (&key[..], &value[..]));
    let differs = found.iter().map(|(key, value)| (&key[..], &value[..])).ne(expected);
    assert!(!differs, "a scan, {when}, gives other entries than were written:\n{}", drawing(&engine.shape()));
    for (key, value) in model {
        let found: Result<Option<Bytes>> = engine.get(key);
        let found = found.unwrap_or_else(|error| panic!("get, {when}: {error}"));
        assert_eq!(found.as_deref(), Some(&value[..]), "the value of {:?}, {when}", key.escape_ascii().to_string());
    }
}

/// Waits until the engine has nothing more to flush and its strategy nothing more to pick.
pub fn settle(engine: &Engine, strategy: &dyn Strategy) -> Shape {
    let is_settled = || engine.stats().frozen_memtables == 0 && strategy.pick(&engine.shape()).is_none();
    eventually(&format!("a tree with which {strategy:?} is content"), is_settled);
    engine.shape()
}

/// Waits for something that nobody announces to a test: looks again and again, and lets others run in between.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "after {DEADLINE:?} still not: {what}");
        thread::yield_now();
    }
}

/// Work that goes on in a thread of its own. If it never ends, the test fails, and the thread is left alone.
pub struct Pending<T> {
    outcome: Receiver<thread::Result<T>>,
    arrived: Option<thread::Result<T>>,
}

pub fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
    let (sender, outcome) = channel();
    thread::spawn(move || {
        // What the work holds is gone when its outcome arrives. Nobody may be waiting for it any more.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    });
    Pending { outcome, arrived: None }
}

/// Runs work that must end.
pub fn promptly<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    start(work).wait(what)
}

impl<T> Pending<T> {
    /// What the work gave. `what` names it: "a put while …".
    pub fn wait(mut self, what: &str) -> T {
        let outcome = self.arrived.take().map_or_else(|| self.outcome.recv_timeout(DEADLINE), Ok);
        match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => panic!("{what}: {}", message_of(panic.as_ref())),
            Err(RecvTimeoutError::Timeout) => panic!("{what}: still waiting after {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("{what}: the thread is gone"),
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.arrived = self.arrived.take().or_else(|| self.outcome.try_recv().ok());
        self.arrived.is_some()
    }

    /// Waits until the work is done; fails if it waits for room instead.
    pub fn wait_for_end(&mut self, engine: &Engine, what: &str) {
        let stalls = engine.stats().stalls;
        eventually(what, || self.has_ended() || engine.stats().stalls > stalls);
        assert_eq!(engine.stats().stalls, stalls, "{what}: it should not have to wait; {:?}", engine.stats());
        assert!(!matches!(self.arrived, Some(Err(_))), "{what}: it panicked");
    }

    /// Waits until the work waits for room: the engine counts a stall. Gives the engine's statistics then.
    pub fn wait_for_stall(&mut self, engine: &Engine, what: &str) -> Stats {
        eventually(what, || engine.stats().stalls > 0 || self.has_ended());
        assert!(engine.stats().stalls > 0, "{what}: all writes were done without a wait; {:?}", engine.stats());
        engine.stats()
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

/// Holds the compactor before each table that it makes. Opens when it is dropped: declare it after the engine, which
/// waits for its threads when it is dropped.
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_open: bool,
    /// The number of the operation that is held.
    held: Option<u64>,
}

impl Gate {
    pub fn before_merged_tables(disk: &SimDisk) -> Gate {
        let inner = Arc::new(Inner::default());
        let gate = Gate { inner: inner.clone() };
        disk.on_operation(move |step: Step<'_>| {
            // The name that the engine gives to the thread, see chapter 2.1.
            let is_compactor = thread::current().name() == Some("compact");
            if is_compactor && step.operation == Operation::Create && is_table(step.path) {
                inner.pass(step.number);
            }
        });
        gate
    }

    /// Waits until the compactor stands before the gate. Gives the number of the change that it is about to make.
    pub fn wait_for_arrival(&self) -> u64 {
        let mut state = self.inner.state.lock();
        self.inner.changed.wait_while_for(&mut state, |state| state.held.is_none(), DEADLINE);
        state.held.expect("the compactor begins to write a table: it has a task, and is a thread named \"compact\"")
    }

    pub fn open(&self) {
        self.inner.state.lock().is_open = true;
        self.inner.changed.notify_all();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl Inner {
    fn pass(&self, number: u64) {
        let mut state = self.state.lock();
        state.held = Some(number);
        self.changed.notify_all();
        // Nobody is held for ever, so that a test that hangs elsewhere ends too.
        self.changed.wait_while_for(&mut state, |state| !state.is_open, 2 * DEADLINE);
    }
}
