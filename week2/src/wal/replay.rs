//! Reading the logs back into memtables. Chapter 2.6.
//!
//! ```text
//!   000009.log  [← 4, 8130 bytes] [a=1] [b=2 c=×]           a memtable
//!   000014.log  [← 9,   75 bytes] [a=3] [d=·····            a memtable; its torn end is ignored
//!   000020.log  [← 14, 900 bytes] [e=5]                     dropped: 14 is shorter than that
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Link, decode_link, log_path, take_entry};
use crate::disk::DiskFile;
use crate::log::{LogContents, read_log};
use crate::memtable::MemTable;
use crate::table::Resources;
use crate::{Error, Result};

/// What the logs held.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// One for each log, newest first, with the log's number as its id.
    pub memtables: Vec<Arc<MemTable>>,
    /// These logs, and the lengths of their good frames, oldest first.
    pub logs: Vec<Link>,
    /// The other logs, which give no memtable, newest first. They have to be removed in this order, each for good before
    /// the next: a log whose predecessor is gone would look like damage at the next open. Flushed logs are not among them;
    /// `recover` removes them like tables.
    pub dropped: Vec<PathBuf>,
}

/// Reads the logs with numbers above `flushed_through` into memtables, and syncs each of these logs, so that the next one
/// may follow. Changes nothing else.
///
/// Logs are the files whose path is the [`log_path`] of their number, and are taken in the order of their numbers. Each
/// names its predecessor in its first record: the log before it, or, if it is the first, one that is flushed or none. It
/// is [`Error::Corruption`] of the named log, at offset 0, if that is another one, or is not there: a log's name is
/// durable before its successor begins. (Also of `000000.log`, if a log that is not the first names 0.)
///
/// Where the predecessor's good frames ([`LogContents::length`]) are shorter than the link says, history ends: this log
/// and all behind it are dropped. But if one of those has a mark, the predecessor was durable, and it is
/// [`Error::Corruption`] of the predecessor, at the end of its good frames. Logs behind the end of history are not checked
/// beyond what [`read_log`] and [`decode_link`] refuse; only their marks count.
///
/// A log whose first record is torn has no entries, and nothing to check. Logs without entries give no memtable, and are
/// dropped: a writer never begins a log behind one without entries.
///
/// It fails with what [`read_log`], [`decode_link`], and reading and syncing the files fail with, and with
/// [`Error::Corruption`] at a frame's offset if its record is not a list of entries.
pub(crate) fn replay(directory: &Path, resources: &Arc<Resources>, flushed_through: u64) -> Result<Replayed> {
    todo!("2.6: read all logs, take those that follow each other, and make a memtable of each")
}
