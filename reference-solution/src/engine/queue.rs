//@ 2.7
//! The queue of writers: one leads, and writes for all that wait. Chapter 2.7.
//!
//! A sync takes as long for a hundred writes as for one. So while a writer waits for the disk, those that come are
//! gathered, and the next to write takes all of them along, in one record and with one sync:
//!
//! ```text
//!   leads      ──[ log, sync ]──┐              ┌── another group …
//!   waits       b               ├─▶ done       │
//!   waits        c              └─▶ wakes d ──▶ d leads, for d, e and f
//!   arrive            d  e  f
//! ```
//!
//! A group is one record of the log. So it is there after a crash or it is not, and with it each of its batches.
//!
//! LevelDB's `DBImpl::Write` and RocksDB's `WriteThread` are such queues; databases on disks have done it for long
//! (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", SIGMOD 1984: group commit).

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use super::write::WriteEntry;
use super::{Core, check_limits};
use crate::options::Sync;
use crate::{Error, Result};

/// A leader takes no further writer along when its group has this many bytes of keys and values.
const MAX_GROUP_SIZE: usize = 1 << 20;

/// How often a thread lets others run before it looks, or sleeps.
const YIELDS: usize = 4;

/// Writers that wait for their turn.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Somebody writes, and will wake the first of the writers when it has done.
    has_leader: bool,
    writers: VecDeque<Arc<Writer>>,
}

/// A writer that waits, with copies of its entries, for another thread writes them.
#[derive(Debug)]
struct Writer {
    entries: Vec<(Bytes, Option<Bytes>)>,
    size: usize,
    sync: Sync,
    fate: Mutex<Fate>,
    changed: Condvar,
}

#[derive(Debug)]
enum Fate {
    Waits,
    Leads,
    Done(Result<()>),
}

impl Core {
    /// Writes entries together, in the order in which writers came. If nobody is writing, this thread does it at once;
    /// otherwise it waits until a leader has done it, or until it is the leader for those that wait.
    ///
    /// A group fails as one: each of its writers gets the leader's error. But an entry that is too long is refused before
    /// it joins a group. If one writer of a group wants [`Sync::EveryCommit`], the group is synced.
    pub(super) fn submit(&self, entries: &[WriteEntry<'_>], sync: Sync) -> Result<()> {
        //@ 2.7: lead if nobody does; otherwise wait to be done, or to lead
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            check_limits(entry.key, entry.value)?;
        }
        let mut waiting = self.queue.waiting.lock();
        if waiting.has_leader {
            let writer = Arc::new(Writer::new(entries, sync));
            waiting.writers.push_back(writer.clone());
            drop(waiting);
            return match writer.wait() {
                Fate::Done(outcome) => outcome,
                _ => self.lead(),
            };
        }
        waiting.has_leader = true;
        drop(waiting);
        let _leadership = Leadership::of(&self.queue, Vec::new());
        self.commit(entries, sync)
    }

    //@ 2.7 only
    /// Writes for the first writers of the queue, of which this thread's is the very first.
    fn lead(&self) -> Result<()> {
        self.queue.gather();
        let mut leadership = Leadership::of(&self.queue, self.queue.take_group());
        let group = leadership.group.clone();
        let entries = group.iter().flat_map(|writer| &writer.entries);
        let entries: Vec<WriteEntry<'_>> =
            entries.map(|(key, value)| WriteEntry { key, value: value.as_deref() }).collect();
        let is_synced = group.iter().any(|writer| writer.sync == Sync::EveryCommit);
        leadership.outcome = self.commit(&entries, if is_synced { Sync::EveryCommit } else { Sync::Os });
        leadership.outcome.clone()
    }
}

//@ 2.7 only
/// Held by who leads. However the leading ends, with a panic too, the next writer leads then, and the group is told.
struct Leadership<'a> {
    queue: &'a Queue,
    group: Vec<Arc<Writer>>,
    outcome: Result<()>,
}

//@ 2.7 only
impl Leadership<'_> {
    fn of(queue: &Queue, group: Vec<Arc<Writer>>) -> Leadership<'_> {
        let message = "while it wrote for a group".to_string();
        Leadership { queue, group, outcome: Err(Error::Panicked { thread: "a writer".to_string(), message }) }
    }
}

//@ 2.7 only
impl Drop for Leadership<'_> {
    fn drop(&mut self) {
        // The first of the group is the leader itself. Those that are told may be back before the next leader writes.
        for writer in self.group.iter().skip(1) {
            writer.tell(Fate::Done(self.outcome.clone()));
        }
        self.queue.appoint_next();
    }
}

//@ 2.7 only
impl Queue {
    /// If somebody waits for a sync: lets other threads run, as long as that brings more writers. Those of the last group have just been told, and many
    /// write again at once: what takes them along spares them a sync of their own. It costs some microseconds.
    fn gather(&self) {
        let mut before = 0;
        loop {
            let waiting = self.waiting.lock();
            let is_synced = waiting.writers.iter().any(|writer| writer.sync == Sync::EveryCommit);
            if !is_synced || waiting.writers.len() <= before {
                return;
            }
            before = waiting.writers.len();
            drop(waiting);
            for _ in 0..YIELDS {
                thread::yield_now();
            }
        }
    }

    fn take_group(&self) -> Vec<Arc<Writer>> {
        let mut waiting = self.waiting.lock();
        let mut group = Vec::new();
        let mut size = 0;
        while size < MAX_GROUP_SIZE
            && let Some(writer) = waiting.writers.pop_front()
        {
            size += writer.size;
            group.push(writer);
        }
        group
    }

    /// The leader has done: the first that waits leads now, if there is one.
    fn appoint_next(&self) {
        let mut waiting = self.waiting.lock();
        match waiting.writers.front() {
            Some(writer) => writer.tell(Fate::Leads),
            None => waiting.has_leader = false,
        }
    }
}

//@ 2.7 only
impl Writer {
    fn new(entries: &[WriteEntry<'_>], sync: Sync) -> Writer {
        let size = entries.iter().map(|entry| entry.key.len() + entry.value.map_or(0, <[u8]>::len)).sum();
        let copied =
            entries.iter().map(|entry| (Bytes::copy_from_slice(entry.key), entry.value.map(Bytes::copy_from_slice)));
        Writer { entries: copied.collect(), size, sync, fate: Mutex::new(Fate::Waits), changed: Condvar::new() }
    }

    fn wait(&self) -> Fate {
        // A write that is not synced is done in a few microseconds: less than it takes to sleep and to be woken.
        for _ in 0..YIELDS {
            thread::yield_now();
            if !matches!(*self.fate.lock(), Fate::Waits) {
                break;
            }
        }
        let mut fate = self.fate.lock();
        while matches!(*fate, Fate::Waits) {
            self.changed.wait(&mut fate);
        }
        std::mem::replace(&mut *fate, Fate::Waits)
    }

    fn tell(&self, fate: Fate) {
        *self.fate.lock() = fate;
        self.changed.notify_one();
    }
}
