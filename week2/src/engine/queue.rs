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
        todo!("2.7: lead if nobody does; otherwise wait to be done, or to lead")
    }
}
