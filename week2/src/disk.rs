//! The engine's only way to a file system: a trait small enough to be played by memory.
//!
//! Files are written at their end and nowhere else, and read at any offset. That is all an LSM tree needs, and it
//! makes the question "what is on the disk after a power cut?" one that a test can answer: [`SimDisk`] keeps the
//! answer.
//!
//! What survives a power cut, on a real disk and in the simulation:
//!
//! ```text
//!   bytes of a file     those that were there when DiskFile::sync returned
//!   a file's name       its creation, rename or removal, if Disk::sync_directory(its directory) returned since
//!   everything else     perhaps, in any order, partly
//! ```
//!
//! Source of the rules: Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014); RocksDB's
//! `FaultInjectionTestFS` and Pebble's `vfs.NewCrashableMem` simulate the same.

mod real;
mod sim;
mod sim_file;

pub use real::RealDisk;
pub use sim::{Fault, Operation, SimDisk, Step, Survival};

use std::any::Any;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Result;

/// A file system. Every error is an [`Error::Io`](crate::Error::Io) with the path and the operation.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Makes a new, empty file. It is an error if the name is taken: nothing is ever overwritten.
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>>;

    /// Opens a file that exists, for reading and for appending.
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, replacing whatever had that name, in one step.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file's name. Who has it open goes on reading it.
    fn remove(&self, path: &Path) -> Result<()>;

    /// The paths of the files in a directory, in order.
    fn list(&self, directory: &Path) -> Result<Vec<PathBuf>>;

    /// Makes a directory, with those above it; one that exists is left as it is.
    fn create_directory(&self, path: &Path) -> Result<()>;

    /// Makes the names in a directory durable. Does nothing on systems that have no such call.
    fn sync_directory(&self, path: &Path) -> Result<()>;

    /// Takes an exclusive lock, held until the returned value is dropped; an error if somebody holds it.
    fn lock(&self, path: &Path) -> Result<Box<dyn Any + Send + Sync>>;
}

/// An open file. All methods may be called from several threads.
pub trait DiskFile: Debug + Send + Sync {
    /// Where the file was when it was opened.
    fn path(&self) -> &Path;

    /// The file's length in bytes.
    fn length(&self) -> Result<u64>;

    /// Writes at the file's end: all of `bytes`, or an error after which any part of them may be there.
    fn append(&self, bytes: &[u8]) -> Result<()>;

    /// Fills `buffer` from the bytes at `offset`; an error if the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// Makes the file's bytes durable. After an error nothing is known of them, and trying again proves nothing: the
    /// system may have dropped the pages (PostgreSQL's "fsyncgate", 2018).
    fn sync(&self) -> Result<()>;
}
