//! What `Engine::open` finds in its directory. Chapter 2.5; the logs are chapter 2.6.
//!
//! From chapter 2.5 on the manifest says which tables there are, and everything else follows from it:
//!
//! ```text
//!   lock the directory ─▶ read the manifest ─▶ open its tables ─▶ replay the logs
//!   └──────────────── nothing is changed, so that a refusal destroys nothing ────┘
//!       ─▶ write the manifest anew ─▶ remove what nothing refers to
//! ```
//!
//! The manifest is written anew before anything is removed. The old one may hold a record that the system has not yet
//! written to the disk: its process was killed, and a power cut now would take the record back, with files gone that
//! the shape before it needs.

use std::any::Any;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::write::Turn;
use crate::Error;
use crate::Result;
use crate::compaction::TableShape;
use crate::manifest::{Contents, MANIFEST, Manifest};
use crate::memtable::MemTable;
use crate::state::State;
use crate::table::Resources;
use crate::table::{Table, table_path};
use crate::wal::{Logs, log_path, replay};

/// What an engine begins with.
pub(super) struct Recovered {
    pub state: State,
    pub turn: Turn,
    /// Greater than the ids of all files, memtables and tables that ever were.
    pub next_id: u64,
    pub manifest: Manifest,
    /// Keeps others out of the directory until it is dropped.
    pub lock: Box<dyn Any + Send + std::marker::Sync>,
}

impl Recovered {
    /// No data, and ids after those of all files in the directory. Given; it changes nothing.
    fn empty(directory: &Path, resources: &Arc<Resources>) -> Result<Recovered> {
        let first_id = first_free_id(&resources.options.disk.list(directory)?);
        Ok(Recovered {
            state: State::new(MemTable::new(first_id)),
            turn: Turn { logs: Logs::new(directory, resources), record: Vec::new() },
            next_id: first_id.saturating_add(1),
            manifest: Manifest::new(directory, &resources.options.disk),
            lock: Box::new(()),
        })
    }
}

/// Reads what is in the directory.
///
/// From chapter 2.5 on it holds the lock of the file `LOCK` first. A directory without a manifest is a new database;
/// but if it has files named like tables or logs, its manifest is lost, which is [`Error::Corruption`] that names the
/// manifest. Each table that the manifest names has to be there, with the size, the number of entries and of tombstones,
/// and the first and last user key that it says; otherwise it fails with [`Error::Corruption`] that names the table.
/// The memtable gets an id greater than every id of the manifest ([`Contents::next_id`]) and of the directory's files.
///
/// Only when all of that is read, and in chapter 2.6 the logs, it changes something: it writes the manifest anew, with
/// the first free id in it, and then removes files that nothing refers to: tables that the manifest does not name, what
/// is left of a manifest that was being written, and logs that are flushed or dropped. Other files are not its own and
/// stay. If it removed something, it syncs the directory.
pub(super) fn recover(directory: &Path, resources: &Arc<Resources>) -> Result<Recovered> {
    // 2.5: take the lock, read the manifest, open its tables; only then change anything
    // 2.6: replay the logs that are not flushed; each becomes a frozen memtable
    // 2.6: remove the logs that were dropped, each for good before the next
    Recovered::empty(directory, resources)
}

/// A number above those of all files, so that no old table is mistaken for a new one.
fn first_free_id(paths: &[PathBuf]) -> u64 {
    let numbers = paths.iter().filter_map(|path| path.file_stem()?.to_str()?.parse::<u64>().ok());
    // Anybody may put a file there that is named like the greatest number.
    numbers.max().map_or(1, |greatest| greatest.saturating_add(1))
}
