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
    //@ 2.6: read all logs, take those that follow each other, and make a memtable of each
    let logs = read_all(directory, resources, flushed_through)?;
    let taken = count_of_history(&logs, flushed_through)?;
    let mut replayed = Replayed::default();
    for log in &logs[..taken] {
        let memtable = MemTable::new(log.number);
        for (record, offset) in log.contents.records.iter().zip(&log.contents.offsets).skip(1) {
            apply(&memtable, record)
                .ok_or_else(|| Error::corruption(&log.path, *offset, "a record of the log is not a list of entries"))?;
        }
        if !memtable.is_empty() {
            log.file.sync()?;
            replayed.memtables.insert(0, Arc::new(memtable));
            replayed.logs.push(Link { log: log.number, length: log.contents.length });
        }
    }
    let is_kept = |log: &&Found| replayed.memtables.iter().any(|memtable| memtable.id() == log.number);
    replayed.dropped = logs.iter().rev().filter(|log| !is_kept(log)).map(|log| log.path.clone()).collect();
    Ok(replayed)
}

//@ 2.6 only
/// A log that is on the disk.
struct Found {
    number: u64,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    contents: LogContents,
    /// `None` if the first record is torn.
    link: Option<Link>,
}

//@ 2.6 only
/// The logs above `flushed_through`, oldest first.
fn read_all(directory: &Path, resources: &Arc<Resources>, flushed_through: u64) -> Result<Vec<Found>> {
    let disk = &resources.options.disk;
    let paths = disk.list(directory)?;
    let number_of = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u64>().ok();
    let mut numbers: Vec<u64> =
        paths.iter().filter(|path| path.extension().is_some_and(|e| e == "log")).filter_map(number_of).collect();
    numbers.retain(|number| *number > flushed_through && paths.contains(&log_path(directory, *number)));
    numbers.sort_unstable();
    let mut logs = Vec::new();
    for number in numbers {
        let path = log_path(directory, number);
        let file = disk.open(&path)?;
        let contents = read_log(file.as_ref(), number)?;
        let link = contents.records.first().map(|record| decode_link(record, &path)).transpose()?;
        logs.push(Found { number, path, file, contents, link });
    }
    Ok(logs)
}

//@ 2.6 only
/// How many of the logs, from the first on, are one history.
fn count_of_history(logs: &[Found], flushed_through: u64) -> Result<usize> {
    for (index, log) in logs.iter().enumerate() {
        let Some(link) = log.link else { continue };
        let before = index.checked_sub(1).map(|before| &logs[before]);
        let is_expected = before.map_or(link.log <= flushed_through, |before| link.log == before.number);
        if !is_expected {
            let named = log_path(log.path.parent().unwrap_or(Path::new("")), link.log);
            let what = format!("{} follows this log, which is not there, or not the one before it", log.path.display());
            return Err(Error::corruption(&named, 0, what));
        }
        let Some(before) = before.filter(|before| before.contents.length < link.length) else { continue };
        if logs[index..].iter().any(|log| log.contents.has_mark) {
            let what = format!("the log ends here, but was durable up to byte {}", link.length);
            return Err(Error::corruption(&before.path, before.contents.length, what));
        }
        return Ok(index);
    }
    Ok(logs.len())
}

//@ 2.6 only
/// Writes a record's entries into a memtable; `None` if it is not a list of entries.
fn apply(memtable: &MemTable, mut record: &[u8]) -> Option<()> {
    while !record.is_empty() {
        let ((key, value), rest) = take_entry(record)?;
        memtable.write(key, value);
        record = rest;
    }
    Some(())
}
