//! The manifest: which tables there are, and where in the tree. Chapter 2.5.
//!
//! A directory of tables does not say which of them count: a crash may have left a table half written, or one whose
//! entries a compaction has put elsewhere. The manifest says it. It is a [log](crate::log) of changes, and the tree's
//! shape is what they add up to:
//!
//! ```text
//!   MANIFEST    record   "lsm-tree", format version
//!               record   + 3.sst in 0          a flush
//!               record   + 5.sst in 0          another
//!               record   − 3, − 5, + 6 in 6    a compaction
//! ```
//!
//! A change is appended and synced *before* anybody can see it. So what a reader has seen survives a power cut, and the
//! files that the change no longer needs may go.
//!
//! When the log has grown far beyond what the shape needs, it is written anew: as `MANIFEST.new`, synced, renamed over
//! `MANIFEST`, and the directory synced. At every moment one whole manifest has the name.
//!
//! LevelDB's MANIFEST is such a log of VersionEdits, too; a file CURRENT names the manifest that counts, where we rename
//! (LevelDB, `doc/impl.md`). The formats of the records are in `manifest/record.rs`.

mod record;

pub use record::{FORMAT_VERSION, decode_edit, decode_header, encode_edit, encode_header};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::compaction::{Edit, Shape};
use crate::disk::Disk;
use crate::log::{LogWriter, read_log};
use crate::table::table_path;
use crate::{Error, Result};

/// The manifest's name in the directory.
pub const MANIFEST: &str = "MANIFEST";

/// The name while it is written anew.
pub const NEW_MANIFEST: &str = "MANIFEST.new";

/// The manifest is written anew when it is longer than this many times what it was when it was written last …
const GROWTH: u64 = 4;

/// … and than this many bytes.
const SMALLEST_REWRITE: u64 = 64 << 10;

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub shape: Shape,
    /// No file and no memtable ever had this id, or a greater one.
    pub next_id: u64,
    /// Memtables with ids up to this are in tables.
    pub flushed_through: u64,
    /// The greatest version in any table; 0 until week 3.
    pub last_version: u64,
}

impl Contents {
    /// What is so after one more change. `next_id` rises above the ids that the edit names, and `flushed_through` and
    /// `last_version` rise to what it says, if that is more.
    pub fn apply(&mut self, edit: &Edit) {
        todo!("2.5: the shape, and the three numbers that only rise")
    }

    /// Edits that lead from an empty tree to this: one that adds all tables, of level 0 the oldest first, and says the two
    /// numbers; and one for each level's cursor. (Levels at the bottom that have neither table nor cursor are not in it.)
    pub fn snapshot(&self) -> Vec<Edit> {
        todo!("2.5: the tables in an order that adding them keeps, then the cursors")
    }
}

/// Writes a manifest.
#[derive(Debug)]
pub struct Manifest {
    directory: PathBuf,
    disk: Arc<dyn Disk>,
    contents: Contents,
    /// `None` if the manifest has to be written anew before it takes a record: it was not written yet, or failed.
    log: Option<LogWriter>,
    /// How long the log was when it was written anew.
    written_length: u64,
    /// Tables of edits whose records failed. Nobody knows whether the manifest on the disk names them, so their files
    /// stay until it has been written anew.
    doubtful: Vec<u64>,
}

impl Manifest {
    /// The manifest of an empty tree, not yet written. Given.
    pub fn new(directory: &Path, disk: &Arc<dyn Disk>) -> Manifest {
        Manifest {
            directory: directory.to_path_buf(),
            disk: disk.clone(),
            contents: Contents::default(),
            log: None,
            written_length: 0,
            doubtful: Vec::new(),
        }
    }

    /// What the manifest of a directory says, or `None` if there is none. Changes nothing.
    ///
    /// Fails with [`Error::Io`]; with what [`read_log`] (the manifest's log has the number 0), [`decode_header`] and
    /// [`decode_edit`] say; and with [`Error::Corruption`] if the header or the first edit is not there: both were, when the
    /// manifest got its name. (Without the first edit, the database would look empty.)
    pub fn read(directory: &Path, disk: &Arc<dyn Disk>) -> Result<Option<Contents>> {
        todo!("2.5: read the log, check the header, and apply the edits one after the other")
    }

    /// Takes what was read, makes sure that `next_id` is at least the one given, and writes it all anew.
    pub fn restore(&mut self, contents: Contents, next_id: u64) -> Result<()> {
        todo!("2.5: take the contents and repair")
    }

    /// Makes a change durable: appends its record and syncs, or writes the manifest anew first, if it has to be. When
    /// this returns `Ok`, the change may be made visible; after an error it may not, and the files of the added tables
    /// must stay where they are (the manifest removes them when it has been written anew without them).
    ///
    /// Afterwards the manifest is written anew if it has grown: to more than four times what it was when it was written
    /// last, and more than 64 KiB. If that fails, the change still counts, and the next call has to repair.
    pub fn record(&mut self, edit: &Edit) -> Result<()> {
        todo!(
            "2.5: repair, append the record and sync it; on failure remember the added tables; then see whether it \
             has grown"
        )
    }

    /// Writes the manifest anew, if it has to be: into a file of its own, which takes the old one's place only when it is
    /// complete and durable. Afterwards the doubtful tables' files are removed.
    pub fn repair(&mut self) -> Result<()> {
        todo!("2.5: write all records to the new file, sync, rename, sync the directory")
    }

    /// Reads the manifest's file, and says what is wrong with it, if it has fewer good bytes than were written to it or
    /// does not say what it should: other tables, cursors or numbers. (Levels without tables at the tree's end make no
    /// difference.) A manifest that has to be written anew is known to be in doubt: nothing is read, and nothing said.
    pub fn verify(&self) -> Option<Error> {
        todo!("2.7: read the log and compare its length, then what it says")
    }
}
