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

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use super::write::WriteEntry;
use super::{Core, check_limits};
use crate::Result;
use crate::options::Sync;

/// How many bytes of keys and values are written together at most. A writer that has more writes alone.
const MAX_GROUP_SIZE: usize = 1 << 20;

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
        todo!("2.7: lead if nobody does; otherwise wait to be done, or to lead")
    }
}

impl Queue {
    /// How many writers wait. Given.
    pub fn waiting_writers(&self) -> usize {
        self.waiting.lock().writers.len()
    }
}
