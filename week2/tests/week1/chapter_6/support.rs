//! What the tests of this chapter share: engines on simulated disks, threads with a deadline, gates.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::disk::{Operation, SimDisk, Step};
use lsm::table::{Resources, Table};
use lsm::{Engine, Error, KeyRange, Options, Result, Stats, StorageIterator};
use parking_lot::{Condvar, Mutex};

/// How long anybody waits for what must happen. It takes milliseconds.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// Where the engines are.
pub const DIRECTORY: &str = "db";

/// An engine that does nothing by itself.
pub fn manual(disk: &SimDisk) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options
}

/// An engine with a flusher, and nothing else in the background.
pub fn flushing(disk: &SimDisk, memtable_size: usize, max_frozen_memtables: usize) -> Options {
    let mut options = manual(disk);
    options.background = true;
    options.memtable_size = memtable_size;
    options.max_frozen_memtables = max_frozen_memtables;
    options
}

pub fn open(options: Options) -> Arc<Engine> {
    Arc::new(Engine::open(DIRECTORY, options).expect("opening an empty directory"))
}

/// Keys of one length, in the order of their numbers.
pub fn key(number: usize) -> Vec<u8> {
    format!("key{number:07}").into_bytes()
}

/// A value of 100 bytes that names its key.
pub fn value(number: usize) -> Vec<u8> {
    format!("{number:0100}").into_bytes()
}

/// Writes the keys of `numbers` with their values.
pub fn fill(engine: &Engine, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        engine.put(&key(number), &value(number)).unwrap_or_else(|error| panic!("put of key {number}: {error}"));
    }
}

/// Writes new keys, from the number `next` on, until `is_reached`. Gives the number behind the last one written.
pub fn fill_until(engine: &Engine, next: usize, what: &str, is_reached: impl Fn(&Stats) -> bool) -> usize {
    for number in next..next + 1000 {
        if is_reached(&engine.stats()) {
            return number;
        }
        fill(engine, [number]);
    }
    panic!("1,000 writes of 100-byte values should have brought {what}; found {:?}", engine.stats())
}

/// Demands that exactly the keys of `numbers` are there, by `get` and by `scan`.
pub fn check_holds(engine: &Engine, numbers: impl IntoIterator<Item = usize>, when: &str) {
    let expected: Vec<(Bytes, Bytes)> =
        numbers.into_iter().map(|number| (key(number).into(), value(number).into())).collect();
    for (key, value) in &expected {
        let found: Option<Bytes> = engine.get(key).unwrap_or_else(|error| panic!("get, {when}: {error}"));
        assert_eq!(found.as_ref(), Some(value), "the value of {key:?}, {when}");
    }
    let found: Result<Vec<(Bytes, Bytes)>> = engine.scan(..).and_then(Iterator::collect);
    let found = found.unwrap_or_else(|error| panic!("scan, {when}: {error}"));
    assert_eq!(found.len(), expected.len(), "how many entries a scan gives, {when}");
    assert!(found == expected, "a scan gives other entries than were written, {when}");
}

pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

/// The files of tables, in the order of their names.
pub fn table_files(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| is_table(path)).collect()
}

/// A table's entries, tombstones as `None`. Of each key only the part that the test wrote, which is `key_length`
/// bytes long: from week 3 on a version stands behind it.
pub fn entries_of(disk: &SimDisk, path: &Path, key_length: usize) -> Vec<(Bytes, Option<Bytes>)> {
    let resources: Arc<Resources> = Resources::new(manual(disk));
    let table: Arc<Table> =
        Table::open(1, path, &resources).unwrap_or_else(|error| panic!("the table does not open: {error}"));
    let mut entries = Vec::new();
    let mut iterator = table.scan(&KeyRange::all()).expect("a scan of a whole table");
    while iterator.is_valid() {
        entries.push((Bytes::copy_from_slice(&iterator.key()[..key_length]), iterator.value_bytes()));
        iterator.next().expect("a step in a whole table");
    }
    entries
}

/// Whether an operation is a step of making a table: a change of its file, or the sync of the directory.
pub fn makes_a_table(step: &Step<'_>) -> bool {
    let changes_a_file = matches!(step.operation, Operation::Create | Operation::Append | Operation::Sync);
    (changes_a_file && is_table(step.path)) || step.operation == Operation::SyncDirectory
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

impl<T> Pending<T> {
    /// What the work gave. `what` names it: "a put while …".
    pub fn wait(mut self, what: &str) -> T {
        let outcome = self.arrived.take().map_or_else(|| self.outcome.recv_timeout(DEADLINE), Ok);
        match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => panic!("{what}: panicked: {}", message_of(panic.as_ref())),
            Err(RecvTimeoutError::Timeout) => panic!("{what}: still waiting after {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("{what}: the thread is gone"),
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.arrived = self.arrived.take().or_else(|| self.outcome.try_recv().ok());
        self.arrived.is_some()
    }
}

/// Runs work that must not wait for anybody.
pub fn promptly<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    start(work).wait(what)
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Holds those who come to certain operations of a disk. Opens when it is dropped: declare it after the engine, which
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
    arrivals: usize,
    /// How many may still go through.
    permits: usize,
    /// The number of the operation that arrived last.
    last: u64,
}

impl Gate {
    /// A closed gate before the operations that `is_held` picks.
    pub fn before(disk: &SimDisk, is_held: impl Fn(&Step<'_>) -> bool + Send + Sync + 'static) -> Gate {
        let inner = Arc::new(Inner::default());
        let gate = Gate { inner: inner.clone() };
        disk.on_operation(move |step| {
            if is_held(&step) {
                inner.pass(step.number);
            }
        });
        gate
    }

    /// A closed gate before the creation of each table.
    pub fn before_tables(disk: &SimDisk) -> Gate {
        Gate::before(disk, |step| step.operation == Operation::Create && is_table(step.path))
    }

    /// Waits until `count` have come to the gate since it was made. Gives the number of the last one's operation.
    pub fn wait_for_arrivals(&self, count: usize, what: &str) -> u64 {
        let mut state = self.inner.state.lock();
        let is_short = |state: &mut GateState| state.arrivals < count;
        self.inner.changed.wait_while_for(&mut state, is_short, DEADLINE);
        assert!(state.arrivals >= count, "{what}: after {DEADLINE:?}, {} of {count} have come", state.arrivals);
        state.last
    }

    /// Waits until `work` has come to the gate; fails if it ends without.
    pub fn wait_for_arrival_of<T>(&self, work: &mut Pending<T>, what: &str) {
        eventually(what, || self.arrivals() > 0 || work.has_ended());
        assert!(self.arrivals() > 0, "{what}: it ended before");
    }

    pub fn arrivals(&self) -> usize {
        self.inner.state.lock().arrivals
    }

    pub fn let_pass(&self, count: usize) {
        self.inner.state.lock().permits += count;
        self.inner.changed.notify_all();
    }

    pub fn open(&self) {
        self.inner.state.lock().permits = usize::MAX / 2;
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
        state.arrivals += 1;
        state.last = number;
        self.changed.notify_all();
        // Nobody is held for ever, so that a test that hangs elsewhere ends too.
        self.changed.wait_while_for(&mut state, |state| state.permits == 0, 2 * DEADLINE);
        state.permits = state.permits.saturating_sub(1);
    }
}

/// The path in an [`Error::Io`], and the kind of the system's error; anything else fails the test.
pub fn io_error(error: &Error, when: &str) -> (PathBuf, std::io::ErrorKind) {
    match error {
        Error::Io { path, source, .. } => (path.clone(), source.kind()),
        other => panic!("{when}: expected the disk's own Error::Io, found {other:?}"),
    }
}
