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

//@ 2.5
use std::any::Any;
//@ 2.5
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::write::Turn;
//@ 2.5
use crate::Error;
use crate::Result;
//@ 2.5
use crate::compaction::TableShape;
//@ 2.5
use crate::manifest::{Contents, MANIFEST, Manifest};
use crate::memtable::MemTable;
use crate::state::State;
use crate::table::Resources;
//@ 2.5
use crate::table::{Table, table_path};
//@ 2.6
use crate::wal::{Logs, log_path, replay};

/// What an engine begins with.
pub(super) struct Recovered {
    pub state: State,
    pub turn: Turn,
    /// Greater than the ids of all files, memtables and tables that ever were.
    pub next_id: u64,
    //@ 2.5
    pub manifest: Manifest,
    //@ 2.5
    /// Keeps others out of the directory until it is dropped.
    pub lock: Box<dyn Any + Send + std::marker::Sync>,
}

impl Recovered {
    /// No data, and ids after those of all files in the directory. Given; it changes nothing.
    fn empty(directory: &Path, resources: &Arc<Resources>) -> Result<Recovered> {
        let first_id = first_free_id(&resources.options.disk.list(directory)?);
        Ok(Recovered {
            state: State::new(MemTable::new(first_id)),
            turn: Turn {
                //@ 2.6
                logs: Logs::new(directory, resources),
                //@ 2.6
                record: Vec::new(),
            },
            next_id: first_id.saturating_add(1),
            //@ 2.5
            manifest: Manifest::new(directory, &resources.options.disk),
            //@ 2.5
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
    //@ 2.5: take the lock, read the manifest, open its tables; only then change anything
    let disk = &resources.options.disk;
    let lock = disk.lock(&directory.join("LOCK"))?;
    let mut recovered = Recovered::empty(directory, resources)?;
    recovered.lock = lock;
    let contents = read_manifest(directory, resources)?;
    recovered.take_over(&contents, directory, resources)?;
    //@ 2.6: replay the logs that are not flushed; each becomes a frozen memtable
    let replayed = replay(directory, resources, contents.flushed_through)?;
    recovered.state.frozen = replayed.memtables;
    recovered.turn.logs.follow(replayed.logs);
    //@ 2.5
    recovered.manifest.restore(contents, recovered.next_id)?;
    //@ 2.6: remove the logs that were dropped, each for good before the next
    for path in &replayed.dropped {
        disk.remove(path)?;
        disk.sync_directory(directory)?;
    }
    //@ 2.5
    let mut kept: BTreeSet<PathBuf> = recovered.state.tables().map(|table| table_path(directory, table.id())).collect();
    //@ 2.6
    kept.extend(recovered.state.frozen.iter().map(|memtable| log_path(directory, memtable.id())));
    //@ 2.5
    //- Recovered::empty(directory, resources)
    remove_others(directory, resources, &kept)?;
    Ok(recovered)
}

//@ 2.5 only
impl Recovered {
    /// Opens the tables and puts them in their places.
    fn take_over(&mut self, contents: &Contents, directory: &Path, resources: &Arc<Resources>) -> Result<()> {
        let files = BTreeSet::from_iter(resources.options.disk.list(directory)?);
        let mut tables = Vec::new();
        for shape in contents.shape.tables() {
            tables.push(open_table(shape, &files, directory, resources)?);
        }
        for edit in contents.snapshot() {
            self.state = self.state.with_edit(&edit, &tables);
        }
        let first_id = contents.next_id.max(self.state.memtable.id());
        self.state.memtable = Arc::new(MemTable::new(first_id));
        self.next_id = first_id.saturating_add(1);
        Ok(())
    }
}

//@ 2.5 only
fn read_manifest(directory: &Path, resources: &Arc<Resources>) -> Result<Contents> {
    let disk = &resources.options.disk;
    if let Some(contents) = Manifest::read(directory, disk)? {
        return Ok(contents);
    }
    match disk.list(directory)?.iter().find(|path| is_data(path)) {
        None => Ok(Contents::default()),
        Some(path) => {
            let what = format!("there is no manifest, though {} is there", path.display());
            Err(Error::corruption(&directory.join(MANIFEST), 0, what))
        }
    }
}

//@ 2.5 only
/// Opens a table and sees whether it is the one that the manifest means.
fn open_table(
    shape: &TableShape,
    files: &BTreeSet<PathBuf>,
    directory: &Path,
    resources: &Arc<Resources>,
) -> Result<Arc<Table>> {
    let path = table_path(directory, shape.id);
    if !files.contains(&path) {
        return Err(Error::corruption(&path, 0, "the manifest names this table, and it is not there"));
    }
    let table = Table::open(shape.id, &path, resources)?;
    let found = TableShape::of(&table, resources.options.user_part);
    if found == *shape {
        return Ok(table);
    }
    Err(Error::corruption(&path, 0, format!("the manifest says {shape:?}, the table is {found:?}")))
}

//@ 2.5 only
/// Removes our own kinds of files that nobody refers to.
fn remove_others(directory: &Path, resources: &Arc<Resources>, kept: &BTreeSet<PathBuf>) -> Result<()> {
    let disk = &resources.options.disk;
    let mut removed_any = false;
    for path in disk.list(directory)? {
        if is_data(&path) && !kept.contains(&path) {
            disk.remove(&path)?;
            removed_any = true;
        }
    }
    if removed_any { disk.sync_directory(directory) } else { Ok(()) }
}

//@ 2.5 only
/// Whether a file has the name of a table or a log, to the letter: `7.sst` is somebody else's.
fn is_data(path: &Path) -> bool {
    let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
    let (Some(number), Some(directory)) = (number, path.parent()) else { return false };
    path == table_path(directory, number) || path == log_path(directory, number)
}

/// A number above those of all files, so that no old table is mistaken for a new one.
fn first_free_id(paths: &[PathBuf]) -> u64 {
    let numbers = paths.iter().filter_map(|path| path.file_stem()?.to_str()?.parse::<u64>().ok());
    // Anybody may put a file there that is named like the greatest number.
    numbers.max().map_or(1, |greatest| greatest.saturating_add(1))
}
