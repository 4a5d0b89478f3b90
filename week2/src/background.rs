//! The engine's threads: how they start, sleep, wake others, fail, and end.
//!
//! Everything that somebody may wait for is announced on one condition variable: work for a thread, room for a
//! writer, an error, the engine's closing. Who waits looks at what it waits for, in a loop, *while it holds*
//! [`Background::status`]; who changes something first changes it and then calls [`Background::announce`], which
//! passes through the same lock. So no announcement can fall between somebody's look and its sleep.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use parking_lot::{Condvar, Mutex};

use crate::{Error, Result};

/// The state that an engine shares with its threads.
#[derive(Debug, Default)]
pub(crate) struct Background {
    pub status: Mutex<Status>,
    pub changed: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
pub(crate) struct Status {
    /// Set once, when the engine is closed or dropped. Threads end; who waits stops waiting.
    pub closing: bool,
    /// What went wrong in the background: the first failure. A successful flush takes it away, unless it is a panic (or,
    /// from chapter 2.6 on, a failure of the log).
    pub failure: Option<Error>,
}

impl Status {
    /// Fails if the engine takes no writes: [`Error::Closed`], [`Error::Background`], [`Error::Panicked`], or from
    /// chapter 2.6 on `Error::Poisoned`.
    pub fn check(&self) -> Result<()> {
        match &self.failure {
            _ if self.closing => Err(Error::Closed),
            None => Ok(()),
            Some(panic @ Error::Panicked { .. }) => Err(panic.clone()),
            Some(poisoned @ Error::Poisoned(_)) => Err(poisoned.clone()),
            Some(failure) => Err(Error::Background(Arc::new(failure.clone()))),
        }
    }
}

impl Background {
    /// Wakes all who wait, so that they look again. Call it after the change, without holding `status`.
    pub fn announce(&self) {
        drop(self.status.lock());
        self.changed.notify_all();
    }

    /// Keeps the first failure, but a panic in place of any other, and wakes all who wait.
    pub fn fail(&self, error: Error) {
        let mut status = self.status.lock();
        if status.failure.as_ref().is_none_or(|first| rank(first) < rank(&error)) {
            status.failure = Some(error);
        }
        drop(status);
        self.changed.notify_all();
    }

    /// Forgets a failure that has been made good, and wakes the threads that slept because of it: there may be work
    /// that came in meanwhile.
    pub fn recovered(&self) {
        let mut status = self.status.lock();
        status.failure.take_if(|failure| rank(failure) == 0);
        drop(status);
        self.changed.notify_all();
    }

    /// Keeps the panic of a thread that is not the engine's own, and gives it as an error. Given.
    pub fn fail_by_panic(&self, panic: &(dyn Any + Send)) -> Error {
        let thread = std::thread::current().name().unwrap_or("a writer").to_string();
        let error = Error::Panicked { thread, message: message_of(panic) };
        self.fail(error.clone());
        error
    }

    /// Starts a thread of the engine. If `body` panics, the engine refuses writes from then on, with the panic's
    /// message.
    pub fn spawn(self: &Arc<Self>, name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
        let (background, thread) = (self.clone(), name.to_string());
        let run = move || {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(body)) {
                background.fail(Error::Panicked { thread, message: message_of(panic.as_ref()) });
            }
        };
        let started = Builder::new().name(name.to_string()).spawn(run);
        self.threads.lock().push(started.map_err(Error::io("start the thread", name.as_ref()))?);
        Ok(())
    }

    /// Tells the threads to end and waits for them. Does nothing the second time.
    pub fn stop(&self) {
        self.status.lock().closing = true;
        self.changed.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // Its body cannot panic: `spawn` catches that.
            let _ = thread.join();
        }
    }
}

/// What outranks what: a failure of rank 0 is made good by a flush, the others by nothing but opening the engine anew.
fn rank(failure: &Error) -> u8 {
    match failure {
        Error::Panicked { .. } => 2,
        Error::Poisoned(_) => 1,
        _ => 0,
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_string())
}
