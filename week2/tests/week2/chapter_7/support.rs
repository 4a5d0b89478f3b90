//! What the tests of this chapter share: engines on simulated disks, batches, threads with a deadline, gates.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::disk::{Operation, SimDisk, Step};
use lsm::{Engine, Error, Options, Result, Sync, WriteBatch};
use parking_lot::{Condvar, Mutex};

/// How long anybody waits for what must happen. It takes milliseconds.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// Where the engines are.
pub const DIRECTORY: &str = "db";

/// An engine that does nothing by itself, and has a log that it does not sync by itself.
pub fn logging(disk: &SimDisk) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.wal = true;
    options.sync = Sync::Os;
    options
}

pub fn open(options: Options) -> Arc<Engine> {
    Arc::new(Engine::open(DIRECTORY, options).unwrap_or_else(|error| panic!("opening: {error}")))
}

/// What an engine finds that is opened on what a disk holds.
pub fn reopen(disk: &SimDisk, when: &str) -> Engine {
    Engine::open(DIRECTORY, logging(disk)).unwrap_or_else(|error| panic!("opening {when}: {error}"))
}

/// A batch of these entries; `None` is a deletion.
pub fn batch_of(entries: &[(&str, Option<&str>)]) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for (key, value) in entries {
        match value {
            Some(value) => batch.put(key.as_bytes(), value.as_bytes()),
            None => batch.delete(key.as_bytes()),
        }
    }
    batch
}

/// A batch that no other is like: the keys "NAME-0", "NAME-1", "NAME-2" with its name as their values.
pub fn named_batch(name: &str) -> WriteBatch {
    let keys = [0, 1, 2].map(|number| format!("{name}-{number}"));
    batch_of(&keys.each_ref().map(|key| (key.as_str(), Some(name))))
}

/// How many of the three keys of [`named_batch`] are there. Each has to have its value.
pub fn found_of(engine: &Engine, name: &str, when: &str) -> usize {
    let is_there = |number: &usize| {
        let found: Option<Bytes> = get(engine, &format!("{name}-{number}"), when);
        assert!(found.as_ref().is_none_or(|found| found == name), "{name}-{number} has the value {found:?}, {when}");
        found.is_some()
    };
    (0..3).filter(is_there).count()
}

pub fn get(engine: &Engine, key: &str, when: &str) -> Option<Bytes> {
    engine.get(key.as_bytes()).unwrap_or_else(|error| panic!("get of {key}, {when}: {error}"))
}

/// Everything that a scan gives, as text.
pub fn scan(engine: &Engine, when: &str) -> Vec<(String, String)> {
    let text = |bytes: Bytes| String::from_utf8_lossy(&bytes).into_owned();
    let entries: Result<Vec<(Bytes, Bytes)>> = engine.scan(..).and_then(Iterator::collect);
    let entries = entries.unwrap_or_else(|error| panic!("scan, {when}: {error}"));
    entries.into_iter().map(|(key, value)| (text(key), text(value))).collect()
}

pub fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

/// The files of logs, oldest first.
pub fn log_files(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| is_log(path)).collect()
}

pub fn table_files(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| is_table(path)).collect()
}

/// The same files on a disk of its own, all of them durable.
pub fn copy_of(disk: &SimDisk) -> SimDisk {
    let copy = SimDisk::new();
    for path in disk.paths() {
        copy.set_contents(&path, &disk.contents(&path).expect("a file that is listed"));
    }
    copy
}

pub fn is_log_append(step: &Step<'_>) -> bool {
    step.operation == Operation::Append && is_log(step.path)
}

pub fn is_log_sync(step: &Step<'_>) -> bool {
    step.operation == Operation::Sync && is_log(step.path)
}

/// The file that an error names.
pub fn file_of(error: &Error) -> PathBuf {
    match error {
        Error::Io { path, .. } => path.clone(),
        Error::Corruption { file, .. } | Error::UnsupportedVersion { file, .. } => file.clone(),
        other => panic!("expected an error that names a file, found {other:?}"),
    }
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
}

pub fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
    let (sender, outcome) = channel();
    thread::spawn(move || {
        // What the work holds is gone when its outcome arrives. Nobody may be waiting for it any more.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    });
    Pending { outcome }
}

impl<T> Pending<T> {
    /// What the work gave. `what` names it: "a write while …".
    pub fn wait(self, what: &str) -> T {
        self.outcome(what).unwrap_or_else(|panic| panic!("{what}: panicked: {panic}"))
    }

    /// What the work gave, or the message of its panic.
    pub fn outcome(self, what: &str) -> Result<T, String> {
        match self.outcome.recv_timeout(DEADLINE) {
            Ok(outcome) => outcome.map_err(|panic| message_of(panic.as_ref())),
            Err(RecvTimeoutError::Timeout) => panic!("{what}: still waiting after {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("{what}: the thread is gone"),
        }
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

/// Writes a batch in a thread of its own.
pub fn start_write(engine: &Arc<Engine>, batch: WriteBatch, sync: Sync) -> Pending<Result<()>> {
    let engine = engine.clone();
    start(move || engine.write_with(&batch, sync))
}

/// Starts writers one after the other, each when the one before it waits in the queue. Somebody has to be writing.
pub fn queue_up(engine: &Arc<Engine>, batches: Vec<(WriteBatch, Sync)>) -> Vec<Pending<Result<()>>> {
    let before = engine.stats().waiting_writers;
    let mut writers = Vec::new();
    for (batch, sync) in batches {
        writers.push(start_write(engine, batch, sync));
        let wanted: u64 = before + writers.len() as u64;
        eventually(&format!("{wanted} writers wait behind one who writes (`stats().waiting_writers`)"), || {
            engine.stats().waiting_writers == wanted
        });
    }
    writers
}

/// Sees the operations of a disk, counts those on logs, and holds those that `is_held` picks. Opens when it is dropped:
/// declare it after the engine.
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
    log_appends: usize,
    log_syncs: usize,
    arrivals: usize,
    /// How many may still go through.
    permits: usize,
    /// The number of the operation that arrived last.
    last: u64,
}

impl Gate {
    /// A closed gate before the operations that `is_held` picks.
    pub fn before(disk: &SimDisk, is_held: impl Fn(&Step<'_>) -> bool + Send + std::marker::Sync + 'static) -> Gate {
        let inner = Arc::new(Inner::default());
        let gate = Gate { inner: inner.clone() };
        disk.on_operation(move |step| {
            let mut state = inner.state.lock();
            state.log_appends += usize::from(is_log_append(&step));
            state.log_syncs += usize::from(is_log_sync(&step));
            drop(state);
            if is_held(&step) {
                inner.pass(step.number);
            }
        });
        gate
    }

    /// Holds nobody; only counts.
    pub fn that_counts(disk: &SimDisk) -> Gate {
        Gate::before(disk, |_| false)
    }

    /// Waits until `count` have come to the gate since it was made. Gives the number of the last one's operation.
    pub fn wait_for_arrivals(&self, count: usize, what: &str) -> u64 {
        let mut state = self.inner.state.lock();
        let is_short = |state: &mut GateState| state.arrivals < count;
        self.inner.changed.wait_while_for(&mut state, is_short, DEADLINE);
        assert!(state.arrivals >= count, "{what}: after {DEADLINE:?}, {} of {count} have come", state.arrivals);
        state.last
    }

    /// How many appends to logs and syncs of logs were asked for, those that are held included.
    pub fn log_appends_and_syncs(&self) -> (usize, usize) {
        let state = self.inner.state.lock();
        (state.log_appends, state.log_syncs)
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
