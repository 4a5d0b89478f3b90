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
//@ 2.7 only
use std::mem;
//@ 2.7 only
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
//@ 2.7 only
use std::thread;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use super::write::WriteEntry;
use super::{Core, check_limits};
use crate::Result;
use crate::options::Sync;

/// How many bytes of keys and values are written together at most. A writer that has more writes alone.
const MAX_GROUP_SIZE: usize = 1 << 20;

//@ 2.7 only
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
    /// In the order in which they came. One that was woken to lead is still among them, until it takes its group.
    writers: VecDeque<Arc<Writer>>,
}

/// A writer that waits, with copies of its entries, for another thread writes them.
#[derive(Debug)]
struct Writer {
    entries: Vec<(Bytes, Option<Bytes>)>,
    /// Bytes of keys and values.
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
    /// Entries that are too long are refused before they join a group, and without entries there is nothing to do. A leader
    /// takes along as many of those who wait, in their order, as have [`MAX_GROUP_SIZE`] bytes of keys and values
    /// together, itself at least, and commits all entries with one call of [`Core::commit`]. If one of the group wants
    /// [`Sync::EveryCommit`], the group is synced. A group fails as one: each of its writers gets the leader's error.
    ///
    /// However a commit ends, the first that still waits leads then. If it ends with a panic, the engine keeps that as its
    /// failure, the group is told so ([`Background::fail_by_panic`](crate::background::Background::fail_by_panic)), and the
    /// panic goes on.
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
        self.commit_for(&[], entries, sync)
    }

    //@ 2.7 only
    /// Writes for the first writers of the queue, of which this thread's is the very first.
    fn lead(&self) -> Result<()> {
        self.queue.gather();
        let group = self.queue.take_group();
        let entries = group.iter().flat_map(|writer| &writer.entries);
        let entries: Vec<WriteEntry<'_>> =
            entries.map(|(key, value)| WriteEntry { key, value: value.as_deref() }).collect();
        let is_synced = group.iter().any(|writer| writer.wants_sync());
        self.commit_for(&group[1..], &entries, if is_synced { Sync::EveryCommit } else { Sync::Os })
    }

    //@ 2.7 only
    /// Commits, tells the followers how it went, and lets the next writer lead.
    fn commit_for(&self, followers: &[Arc<Writer>], entries: &[WriteEntry<'_>], sync: Sync) -> Result<()> {
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(entries, sync)));
        let outcome = match &committed {
            Ok(outcome) => outcome.clone(),
            // A part of the write may be in the log or in the memtable.
            Err(panic) => Err(self.background.fail_by_panic(panic.as_ref())),
        };
        // Those that are told may be back in the queue before the next leader takes its group.
        for writer in followers {
            writer.tell(Fate::Done(outcome.clone()));
        }
        self.queue.appoint_next();
        committed.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Queue {
    /// How many writers wait. Given.
    pub fn waiting_writers(&self) -> usize {
        self.waiting.lock().writers.len()
    }
}

//@ 2.7 only
impl Queue {
    /// If somebody waits for a sync: lets other threads run, as long as that brings more writers. Those of the last group
    /// have just been told, and many write again at once: what takes them along spares them a sync of their own. It costs
    /// some microseconds.
    fn gather(&self) {
        let mut before = 0;
        loop {
            let waiting = self.waiting.lock();
            let is_synced = waiting.writers.iter().any(|writer| writer.wants_sync());
            let now = if is_synced { waiting.writers.len() } else { 0 };
            drop(waiting);
            let Some(1..) = now.checked_sub(before) else { return };
            before = now;
            for _ in 0..YIELDS {
                thread::yield_now();
            }
        }
    }

    /// The first of the writers, who leads, and those behind it who fit into the group.
    fn take_group(&self) -> Vec<Arc<Writer>> {
        let mut waiting = self.waiting.lock();
        let mut size = 0;
        let fit = waiting.writers.iter().take_while(|writer| {
            size += writer.size;
            size <= MAX_GROUP_SIZE
        });
        let count = fit.count().max(1);
        waiting.writers.drain(..count).collect()
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

    fn wants_sync(&self) -> bool {
        self.sync == Sync::EveryCommit
    }

    fn wait(&self) -> Fate {
        // A write that is not synced is done in a few microseconds: less than it takes to sleep and to be woken.
        for _ in 0..YIELDS {
            thread::yield_now();
            if let Fate::Leads | Fate::Done(_) = *self.fate.lock() {
                break;
            }
        }
        let mut fate = self.fate.lock();
        while matches!(*fate, Fate::Waits) {
            self.changed.wait(&mut fate);
        }
        mem::replace(&mut *fate, Fate::Waits)
    }

    fn tell(&self, fate: Fate) {
        *self.fate.lock() = fate;
        self.changed.notify_one();
    }
}
