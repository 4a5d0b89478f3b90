//! The write-ahead log: what is in the memtables, on the disk. Chapter 2.6.
//!
//! A memtable is gone when the process ends. So a write goes to a log first, and is acknowledged when the log has it.
//! Each memtable has a log of its own with the same number, and the log goes when the memtable has become a table:
//!
//! ```text
//!   memtable 9 (frozen)     memtable 14          each record: a list of entries, whole or not there
//!   000009.log ◀─────────── 000014.log           its first record names the log before, and that one's length
//! ```
//!
//! A power cut may take unsynced bytes, and of an older log more than of a newer one. Then the newer log's writes would
//! be there without those before them, as if somebody had reached into history. Two rules prevent it:
//!
//! - A log names its predecessor and how long that was. If the predecessor turns out shorter, history ends there.
//! - Before the first synced write of a log is acknowledged, all logs before it are synced, and the log gets a mark to
//!   prove it. If a predecessor is short all the same, it was damaged: that is an error, not an end of history.
//!
//! ```text
//!   record    the first     0  format version      u32     1
//!                           4  predecessor         u64     0: none
//!                          12  its length          u64     at the moment when this log began
//!             any other     entries, one after the other:
//!                           key length   varint
//!                           value        varint    0: tombstone; otherwise the value's length + 1
//!                           key, then value
//! ```
//!
//! LevelDB has one log for each memtable as well (`doc/impl.md`). RocksDB checks its logs in its own way: it can keep
//! their sizes in the manifest (`track_and_verify_wals_in_manifest`).

mod replay;

pub(crate) use replay::replay;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::coding::{put_varint, read_u32, read_u64, take_varint};
use crate::log::LogWriter;
use crate::options::{MAX_VALUE_LENGTH, Sync};
use crate::state::State;
use crate::table::Resources;
use crate::{Error, Result};

/// The format version that this engine writes, and the greatest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Where a memtable's log is: `000012.log` for memtable 12.
pub fn log_path(directory: &Path, memtable: u64) -> PathBuf {
    directory.join(format!("{memtable:06}.log"))
}

/// A log and how far it goes, as its successor names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The log's number; 0: there is none.
    pub log: u64,
    /// In bytes, as [`LogWriter::length_to_keep`] says it.
    pub length: u64,
}

/// A log's first record.
pub fn encode_link(link: Link) -> Vec<u8> {
    todo!("2.6: the version, the log, its length")
}

/// Reads a log's first record, whose frame is at offset 0 of `file`.
///
/// Fails with [`Error::UnsupportedVersion`] if its version is above [`FORMAT_VERSION`], however long it is (a later
/// version may have another length), and else with [`Error::Corruption`] at offset 0 if it is not 20 bytes long.
pub fn decode_link(record: &[u8], file: &Path) -> Result<Link> {
    todo!("2.6: the version, then the length of the record, then its fields")
}

/// Appends an entry, as it stands in a record, to `record`; `None` is a tombstone.
pub fn put_entry(record: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>) {
    todo!("2.6: the two lengths, the key, the value")
}

/// Takes an entry off the front of `record`: its key, its value, and what stands behind it. `None` if it does not fit
/// in, or if its value would be longer than [`MAX_VALUE_LENGTH`].
#[expect(clippy::type_complexity, reason = "an entry and the rest, as take_varint gives a number and the rest")]
pub fn take_entry(record: &[u8]) -> Option<((&[u8], Option<&[u8]>), &[u8])> {
    todo!("2.6: the two lengths, then the key and the value, if they fit")
}

/// The logs of an engine's memtables, as the writer sees them. Part of the turn.
#[derive(Debug)]
pub(crate) struct Logs {
    directory: PathBuf,
    resources: Arc<Resources>,
    /// The log of the memtable that takes writes, once it has one.
    current: Option<Log>,
    /// Logs of frozen memtables, oldest first.
    before: Vec<Log>,
    /// Logs that were replayed, oldest first.
    replayed: Vec<Link>,
    /// What the next log names as its predecessor, if `current` is none.
    last: Link,
}

#[derive(Debug)]
struct Log {
    memtable: u64,
    writer: LogWriter,
    /// Whether it has a mark: all logs before it are durable.
    is_sealed: bool,
}

impl Logs {
    /// No logs. Given.
    pub fn new(directory: &Path, resources: &Arc<Resources>) -> Logs {
        Logs {
            directory: directory.to_path_buf(),
            resources: resources.clone(),
            current: None,
            before: Vec::new(),
            replayed: Vec::new(),
            last: Link::default(),
        }
    }

    /// Lets the next log follow the last of these, which were replayed and are durable, if there is one. It forgets the
    /// logs that it knew before, the current one too: their memtables are in tables.
    pub fn follow(&mut self, replayed: Vec<Link>) {
        todo!("2.6: remember them")
    }

    /// Writes a record to the log of the memtable with this id, which is begun if there is none yet, and syncs it if `sync` is
    /// [`Sync::EveryCommit`]. Counts the bytes in `bytes_logged` and each such sync in `log_syncs`.
    ///
    /// A log is created, the directory is synced, and only then something is written to it: its link and the record, with
    /// one append. A log's first synced write makes the logs before it durable first, the oldest first, and puts a mark
    /// before its record.
    ///
    /// `is_in_memory` says of a memtable whether it is frozen and not yet in a table: only then its log has to be synced.
    /// It is asked when a log is begun. (A log whose memtable is flushed later may be synced once more, for nothing.)
    pub fn write(
        &mut self,
        memtable: u64,
        record: &[u8],
        sync: Sync,
        is_in_memory: &dyn Fn(u64) -> bool,
    ) -> Result<()> {
        todo!(
            "2.6: begin a log if there is none for this memtable; seal it, if this is to be synced; then write, then \
             sync"
        )
    }

    /// Makes all logs durable, the oldest first; the current one gets its mark, if it has none, before it is synced. Counts
    /// one of `log_syncs`, if there was anything to sync; if not, it asks nothing of the disk.
    pub fn sync(&mut self) -> Result<()> {
        todo!("2.6: the logs before, then the current one")
    }

    /// Reads the logs of the memtables, and gives one error for each that cannot be read, or that has fewer good bytes
    /// than were written to it, or than were replayed. `state` gives the state of the moment.
    ///
    /// A flush may take a memtable's log away meanwhile. That is no damage: the memtable is in the state no more.
    pub fn verify(&self, state: impl Fn() -> Arc<State>) -> Vec<Error> {
        todo!("2.7: read each log, and compare its length with what it should be")
    }
}
