//! Threads with a deadline, and gates that hold whoever comes to an operation of a disk.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use lsm::disk::{Operation, SimDisk, Step};
use parking_lot::{Condvar, Mutex};

use super::fixture::is_table;

/// How long anybody waits for what must happen. It takes milliseconds.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// Waits for something that nobody announces to a test: looks again and again, and lets others run in between.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "after {DEADLINE:?} still not: {what}");
        thread::yield_now();
    }
}

/// Lets others run for a while. For what must *not* happen: no test passes because of it.
pub fn meanwhile() {
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(20) {
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

/// Holds those who come to it. Opens when it is dropped: declare it after the engine, which waits for its threads when
/// it is dropped.
pub struct Gate {
    inner: Arc<Inner>,
}

/// What a gate gives to those who have to pass it.
#[derive(Debug, Default)]
pub struct Inner {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    arrivals: usize,
    /// How many may still go through.
    permits: usize,
}

impl Gate {
    pub fn closed() -> Gate {
        Gate { inner: Arc::default() }
    }

    /// A closed gate before the operations that `is_held` picks.
    pub fn before(disk: &SimDisk, is_held: impl Fn(&Step<'_>) -> bool + Send + Sync + 'static) -> Gate {
        let gate = Gate::closed();
        let inner = gate.inner();
        disk.on_operation(move |step| {
            if is_held(&step) {
                inner.pass();
            }
        });
        gate
    }

    /// A closed gate before the creation of each table.
    pub fn before_tables(disk: &SimDisk) -> Gate {
        Gate::before(disk, |step| step.operation == Operation::Create && is_table(step.path))
    }

    pub fn inner(&self) -> Arc<Inner> {
        self.inner.clone()
    }

    /// Waits until `count` have come to the gate since it was made.
    pub fn wait_for_arrivals(&self, count: usize, what: &str) {
        let mut state = self.inner.state.lock();
        let is_short = |state: &mut GateState| state.arrivals < count;
        self.inner.changed.wait_while_for(&mut state, is_short, DEADLINE);
        assert!(state.arrivals >= count, "{what}: after {DEADLINE:?}, {} of {count} have come", state.arrivals);
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
    pub fn pass(&self) {
        let mut state = self.state.lock();
        state.arrivals += 1;
        self.changed.notify_all();
        // Nobody is held for ever, so that a test that hangs elsewhere ends too.
        self.changed.wait_while_for(&mut state, |state| state.permits == 0, 2 * DEADLINE);
        state.permits = state.permits.saturating_sub(1);
    }
}
