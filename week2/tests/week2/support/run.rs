//! An engine that does the steps of a workload, and the history that follows from what it said to each.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, Sync, WriteBatch};
use parking_lot::Mutex;

use super::history::{Contents, Entry, History, ReadError, Write, read};
use super::workload::{DIRECTORY, Profile, Step};

/// How long the engine's threads may take for what they have to do between two steps: milliseconds, unless a test looks at
/// each of their changes.
const DEADLINE: Duration = Duration::from_secs(8);

/// A database in use.
pub struct Run {
    pub profile: Profile,
    pub disk: SimDisk,
    /// `None` while it is not open.
    pub engine: Option<Engine>,
    /// Locked for moments only, and never while the engine works: whoever watches the disk looks at it then.
    pub history: Arc<Mutex<History>>,
    sync: Sync,
}

impl Run {
    /// A database that is not open yet.
    pub fn new(profile: Profile) -> Run {
        Run { profile, disk: SimDisk::new(), engine: None, history: Arc::default(), sync: Sync::Os }
    }

    /// Does a step. If it is a write and fails, the history has it all the same: nobody knows whether it is there.
    pub fn step(&mut self, step: &Step) -> Result<(), ReadError> {
        self.history.lock().note(format!("change {}: {step}", self.disk.changes()));
        match step {
            Step::Reopen(sync) => {
                if let Some(engine) = &self.engine {
                    engine.close()?;
                    self.history.lock().make_durable();
                }
                self.reopen(*sync)
            }
            Step::Kill(sync) => self.reopen(*sync),
            step => match self.engine.take() {
                None => Err(ReadError::Wrong("the engine is not open".to_string())),
                Some(engine) => {
                    let outcome = self.step_open(&engine, step);
                    self.settle(&engine);
                    self.engine = Some(engine);
                    outcome
                }
            },
        }
    }

    fn step_open(&mut self, engine: &Engine, step: &Step) -> Result<(), ReadError> {
        match step {
            Step::Write(write) => {
                self.history.lock().begin(write);
                for Entry { key, value } in &write.entries {
                    value.as_ref().map_or_else(|| engine.delete(key), |value| engine.put(key, value))?;
                }
                if self.sync == Sync::EveryCommit && self.profile.wal {
                    self.history.lock().make_durable();
                }
            }
            Step::Batch(write, sync) => {
                self.history.lock().begin(write);
                engine.write_with(&batch_of(write), *sync)?;
                if *sync == Sync::EveryCommit && self.profile.wal {
                    self.history.lock().make_durable();
                }
            }
            Step::Ingest(write) => {
                engine.flush()?;
                self.history.lock().make_durable();
                self.settle(engine);
                self.history.lock().begin(write);
                let entries = write.entries.iter().map(|entry| (&entry.key[..], entry.value.as_deref()));
                engine.ingest(entries)?;
                self.history.lock().make_durable();
            }
            Step::Freeze => engine.freeze()?,
            Step::Flush => engine.flush()?,
            Step::Compact => engine.compact()?,
            Step::Sync => engine.sync()?,
            Step::Read | Step::Reopen(_) | Step::Kill(_) => {}
        }
        match step {
            Step::Flush | Step::Compact | Step::Sync => self.history.lock().make_durable(),
            Step::Read => self.check_contents(&read(engine)?)?,
            _ => {}
        }
        Ok(())
    }

    /// Lets the engine go and opens it anew. What is there afterwards is durable: nobody reads what can be lost.
    fn reopen(&mut self, sync: Sync) -> Result<(), ReadError> {
        self.engine = None;
        self.sync = sync;
        let engine = Engine::open(DIRECTORY, self.profile.options(&self.disk, sync))?;
        self.settle(&engine);
        let found = read(&engine)?;
        self.engine = Some(engine);
        if self.profile.wal {
            self.check_contents(&found)?;
        }
        let mut history = self.history.lock();
        let length = history.find(&found).map_err(ReadError::Wrong)?;
        history.truncate(length);
        history.make_durable();
        Ok(())
    }

    /// Waits until the engine's threads have nothing to do, if it has any.
    fn settle(&self, engine: &Engine) {
        if !self.profile.background {
            return;
        }
        let strategy = self.profile.options(&self.disk, self.sync).strategy;
        let started = Instant::now();
        while engine.stats().frozen_memtables > 0 || strategy.pick(&engine.shape()).is_some() {
            assert!(started.elapsed() < DEADLINE, "after {DEADLINE:?} the engine's threads still have work to do");
            thread::yield_now();
        }
    }

    fn check_contents(&self, found: &Contents) -> Result<(), ReadError> {
        let history = self.history.lock();
        if *found == history.contents() {
            return Ok(());
        }
        let what = history.find(found).err();
        let what = what.unwrap_or_else(|| "the last writes are missing, though no power cut took them".to_string());
        Err(ReadError::Wrong(what))
    }
}

pub fn batch_of(write: &Write) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for Entry { key, value } in &write.entries {
        match value {
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        }
    }
    batch
}

/// Whether an operation changes a disk.
pub fn is_change(operation: Operation) -> bool {
    !matches!(operation, Operation::Open | Operation::Length | Operation::Read | Operation::List)
}

/// Does what may panic, and gives the panic's message.
pub fn catch<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", message_of(panic.as_ref()))))
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_string())
}
