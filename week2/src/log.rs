//! A log: records appended to a file, so that what a crash leaves of it can be told from damage. Chapter 2.5.
//!
//! ```text
//!   ┌─────────┬─────────┬──────┬─────────┬───────
//!   │ record  │ record  │ mark │ record  │ re···        each is a frame; the last one was being written
//!   └─────────┴─────────┴──────┴─────────┴───────
//!
//!   frame    0  checksum   u32    CRC-32 of: the log's number (u64), the frame's offset (u64), bytes 4 to the end
//!            4  length     u32    of the payload, in bytes
//!            8  kind       u8     1 record, 2 mark
//!            9  payload
//!
//!   mark's payload    u64    so many bytes of this log are known to be durable
//! ```
//!
//! **Torn or broken?** Bytes that were not synced may be lost in a power cut, in any order: the log's end is *torn*, and
//! reading just stops there, since nobody was promised what stood behind. Bytes that were synced do not get lost; if
//! they are wrong, the disk or somebody has *broken* them, and reading on without a word would lose what was promised.
//! A bad frame looks the same in both cases. So the writer leaves evidence: after each sync it appends a *mark* that
//! says how far the log is durable. A bad frame before a place that some later mark vouches for is broken; any other is
//! a torn end.
//!
//! The checksum covers the length, so that no length is believed that is not whole, and the frame's place, so that
//! bytes of another log, or from elsewhere in this one, are no frame: a value may well hold a copy of a log.
//!
//! LevelDB and RocksDB cut their logs into blocks of 32 KiB and resynchronize at the next one; RocksDB's recyclable
//! records hold the log's number, too (`db/log_format.h`). The mark is ours.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::coding::{read_u32, read_u64};
use crate::disk::{Disk, DiskFile};
use crate::{Error, Result};

/// How many bytes a frame has before its payload.
pub const HEADER_LENGTH: usize = 9;

/// The longest payload, in bytes.
pub const MAX_RECORD_LENGTH: usize = 1 << 30;

const RECORD: u8 = 1;
const MARK: u8 = 2;

/// Writes a log.
///
/// After an append or a sync has failed, nobody knows what the file holds, and a second sync might report success for
/// bytes that the system has dropped. So every later write or sync fails with the first error, and asks nothing of the
/// file.
#[derive(Debug)]
pub struct LogWriter {
    number: u64,
    file: Arc<dyn DiskFile>,
    /// Bytes that were handed to the file.
    length: u64,
    /// How many of them are durable.
    durable: u64,
    /// What the length was when the last sync had left its mark: nothing to sync since, if it still is.
    marked: u64,
    /// Frames that were added and not yet written.
    buffer: Vec<u8>,
    failure: Option<Error>,
}

impl LogWriter {
    /// Creates the file, which must not exist. `number` tells the log's frames from those of other logs.
    pub fn create(disk: &dyn Disk, path: &Path, number: u64) -> Result<LogWriter> {
        let file = disk.create(path)?;
        Ok(LogWriter { number, file, length: 0, durable: 0, marked: 0, buffer: Vec::new(), failure: None })
    }

    /// Puts a record behind those that were added before. It is in memory until [`LogWriter::write`].
    ///
    /// Fails with [`Error::InvalidInput`] if the payload is longer than [`MAX_RECORD_LENGTH`]; nothing is added then.
    pub fn add(&mut self, payload: &[u8]) -> Result<()> {
        todo!("2.5: put a record's frame into the buffer")
    }

    /// Puts a mark behind what was added before: it says how far the log is durable at this moment.
    pub fn add_mark(&mut self) {
        todo!("2.5: put a mark's frame into the buffer")
    }

    /// Hands what was added to the file, with one append; with nothing added it does nothing. It survives a crash of
    /// the program then, and a power cut after the next sync.
    pub fn write(&mut self) -> Result<()> {
        todo!("2.5: append the buffer, unless the log has failed; remember a failure")
    }

    /// Writes what was added, and makes everything that was written durable. Then it leaves a mark, which is written and
    /// not synced; so the next reader knows what was promised. When all is durable already, it does nothing.
    pub fn sync(&mut self) -> Result<()> {
        todo!("2.5: write, sync, note how far, and write a mark; remember a failure")
    }

    /// Whether everything that was added is durable, but for the last sync's own mark.
    pub fn is_durable(&self) -> bool {
        todo!("2.5: whether there is anything since the last sync but its mark")
    }

    /// Gives the file another name, replacing whatever had that name, and goes on writing under it, so that errors tell
    /// the name by which others know the file. The name is durable after a sync of the directory. Given.
    pub fn rename(&mut self, disk: &dyn Disk, to: &Path) -> Result<()> {
        disk.rename(self.file.path(), to)?;
        self.file = disk.open(to)?;
        Ok(())
    }

    /// How many bytes were written.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// How many bytes the log has to keep, whatever happens, if all of its records are to be there: its length, but without
    /// the last sync's own mark, which a power cut may take, if nothing was written since.
    pub fn length_to_keep(&self) -> u64 {
        if self.is_durable() { self.durable } else { self.length }
    }
}

/// What a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogContents {
    /// The records' payloads, oldest first.
    pub records: Vec<Bytes>,
    /// Where each record's frame begins, for messages about its payload.
    pub offsets: Vec<u64>,
    /// Where the last good frame ends. The file may go on behind it with a torn end.
    pub length: u64,
    /// Whether there is a mark, and so a promise about this log or those before it.
    pub has_mark: bool,
}

/// Reads a log from its beginning to the first frame that is not good, and takes that for the log's torn end, unless a
/// mark anywhere behind it says that the log was durable beyond that frame's offset.
///
/// A frame is good if it lies whole inside of the file, its checksum matches for the log's `number` and its own offset,
/// its kind is 1 or 2, and a mark's payload is 8 bytes long. To find a mark behind a bad frame, every offset is tried.
///
/// Fails with [`Error::Corruption`] at the bad frame's offset if it is not the log's torn end, and with [`Error::Io`]
/// if the file cannot be read. It asks for as much memory as the file is long, and for no more because of what the file
/// says.
pub fn read_log(file: &dyn DiskFile, number: u64) -> Result<LogContents> {
    todo!("2.5: read frames up to the first bad one; look behind it for a mark that vouches for it")
}
