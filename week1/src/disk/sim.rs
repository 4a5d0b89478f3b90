//! A disk in memory that a test can break: fail any operation, cut the power at any operation, damage any byte.

use std::any::Any;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::sim_file::{Contents, Names, Random};
use super::{Disk, DiskFile};
use crate::{Error, Result};

/// A file system in memory. Clones are the same disk.
///
/// Operations are of two kinds, counted apart from 0: *changes* (create, append, sync, rename, remove, create
/// directory, sync directory, lock) and *reads* (open, measure, read, list). A test runs its work once to learn how
/// many there are, then once for each of them with a fault or a power cut at just that one.
///
/// Simplified: a directory that was made is durable at once.
#[derive(Clone)]
pub struct SimDisk {
    core: Arc<Core>,
}

/// What kind of call an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    Create,
    Open,
    Length,
    Append,
    Read,
    Sync,
    Rename,
    Remove,
    List,
    CreateDirectory,
    SyncDirectory,
    Lock,
}

/// An operation that is about to happen, as [`SimDisk::on_operation`] shows it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Counted from 0, among the changes or among the reads.
    pub number: u64,
    pub operation: Operation,
    /// The file or directory; of a rename, the old name.
    pub path: &'a Path,
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device reports an error; an append leaves a part of its bytes.
    Broken,
    /// There is no space left; an append leaves a part of its bytes.
    Full,
}

/// How much of what was not synced a power cut leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    Nothing,
    Everything,
    /// Chance decides, for every change of a name and for every file's unsynced end.
    Some,
}

impl Survival {
    pub(super) fn keeps(self, random: &mut Random) -> bool {
        match self {
            Survival::Nothing => false,
            Survival::Everything => true,
            Survival::Some => random.below(2) == 0,
        }
    }
}

type Hook = Arc<dyn Fn(Step<'_>) + Send + Sync>;

struct Core {
    plan: Mutex<Plan>,
    names: Mutex<Names>,
}

#[derive(Default)]
struct Plan {
    changes: u64,
    reads: u64,
    power_cut_at: Option<u64>,
    power_is_off: bool,
    failing_change: Option<(u64, Fault)>,
    failing_read: Option<(u64, Fault)>,
    hook: Option<Hook>,
}

impl SimDisk {
    /// An empty disk without faults.
    #[expect(clippy::new_without_default, reason = "a disk is a thing that a test makes, not a neutral value")]
    pub fn new() -> SimDisk {
        SimDisk::holding(Names::default())
    }

    /// How many changes were asked for so far.
    pub fn changes(&self) -> u64 {
        self.core.plan.lock().changes
    }

    /// How many reads were asked for so far.
    pub fn reads(&self) -> u64 {
        self.core.plan.lock().reads
    }

    /// Cuts the power at the change of this number: it and all that follows fails. (An append that it strikes may
    /// have left a part of its bytes, unsynced.)
    pub fn cut_power_at(&self, change: u64) {
        self.core.plan.lock().power_cut_at = Some(change);
    }

    /// Cuts the power now.
    pub fn cut_power(&self) {
        self.core.plan.lock().power_is_off = true;
    }

    /// The disk as the next start of the machine finds it. This one stays as it is, so that one run can be continued
    /// in several ways.
    pub fn after_power_cut(&self, survival: Survival, seed: u64) -> SimDisk {
        SimDisk::holding(self.core.names.lock().survivors(survival, &mut Random(seed)))
    }

    /// Makes the change of this number fail, once. (After a sync that failed, no later one of the same open file makes
    /// anything durable: the system has dropped the bytes, and does not say so again.)
    pub fn fail_change(&self, number: u64, fault: Fault) {
        self.core.plan.lock().failing_change = Some((number, fault));
    }

    /// Makes the read of this number fail, once.
    pub fn fail_read(&self, number: u64, fault: Fault) {
        self.core.plan.lock().failing_read = Some((number, fault));
    }

    /// Calls `hook` before each operation, in the thread that asked for it and with no lock held: it may wait, look
    /// at the engine, or panic.
    pub fn on_operation(&self, hook: impl Fn(Step<'_>) + Send + Sync + 'static) {
        self.core.plan.lock().hook = Some(Arc::new(hook));
    }

    /// The paths of all files, in order.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.core.names.lock().now.keys().cloned().collect()
    }

    /// A file's bytes, or `None` if there is no such file.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        self.core.names.lock().now.get(path).map(|contents| contents.lock().now.clone())
    }

    /// Puts a durable file there with these bytes, replacing what was there: how a test damages a file.
    pub fn set_contents(&self, path: &Path, bytes: &[u8]) {
        let mut names = self.core.names.lock();
        let contents = names.create(path);
        *contents.lock() = super::sim_file::Bytes { now: bytes.to_vec(), synced: bytes.len() };
        if let Some(directory) = path.parent() {
            names.sync(directory);
        }
    }

    fn holding(names: Names) -> SimDisk {
        SimDisk { core: Arc::new(Core { plan: Mutex::default(), names: Mutex::new(names) }) }
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimDisk").finish_non_exhaustive()
    }
}

impl Core {
    fn change(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let (number, hook) = {
            let mut plan = self.plan.lock();
            plan.changes += 1;
            (plan.changes - 1, plan.hook.clone())
        };
        if let Some(hook) = hook {
            hook(Step { number, operation, path });
        }
        let mut plan = self.plan.lock();
        if plan.power_cut_at.is_some_and(|at| number >= at) {
            plan.power_is_off = true;
        }
        let fault = plan.failing_change.take_if(|(at, _)| *at == number);
        plan.outcome(fault)
    }

    fn read(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let (number, hook) = {
            let mut plan = self.plan.lock();
            plan.reads += 1;
            (plan.reads - 1, plan.hook.clone())
        };
        if let Some(hook) = hook {
            hook(Step { number, operation, path });
        }
        let mut plan = self.plan.lock();
        let fault = plan.failing_read.take_if(|(at, _)| *at == number);
        plan.outcome(fault)
    }

    fn find(&self, path: &Path) -> io::Result<Contents> {
        self.names.lock().now.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Plan {
    fn outcome(&self, fault: Option<(u64, Fault)>) -> io::Result<()> {
        if self.power_is_off {
            return Err(io::Error::other("the power is off"));
        }
        match fault {
            None => Ok(()),
            Some((_, Fault::Broken)) => Err(io::Error::other("the device reports an error")),
            Some((_, Fault::Full)) => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>> {
        let create = || {
            self.core.change(Operation::Create, path)?;
            let mut names = self.core.names.lock();
            if names.now.contains_key(path) {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            Ok(names.create(path))
        };
        let contents = create().map_err(Error::io("create", path))?;
        Ok(SimFile::new(&self.core, path, contents))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>> {
        let opened = self.core.read(Operation::Open, path).and_then(|()| self.core.find(path));
        let contents = opened.map_err(Error::io("open", path))?;
        Ok(SimFile::new(&self.core, path, contents))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let rename = || {
            self.core.change(Operation::Rename, from)?;
            let found = self.core.names.lock().rename(from, to);
            if found { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
        };
        rename().map_err(Error::io("rename", from))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let remove = || {
            self.core.change(Operation::Remove, path)?;
            let found = self.core.names.lock().remove(path);
            if found { Ok(()) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
        };
        remove().map_err(Error::io("remove", path))
    }

    fn list(&self, directory: &Path) -> Result<Vec<PathBuf>> {
        self.core.read(Operation::List, directory).map_err(Error::io("list", directory))?;
        let inside = |path: &&PathBuf| path.parent() == Some(directory);
        Ok(self.core.names.lock().now.keys().filter(inside).cloned().collect())
    }

    fn create_directory(&self, path: &Path) -> Result<()> {
        self.core.change(Operation::CreateDirectory, path).map_err(Error::io("create directory", path))?;
        self.core.names.lock().directories.insert(path.to_path_buf());
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.core.change(Operation::SyncDirectory, path).map_err(Error::io("sync directory", path))?;
        self.core.names.lock().sync(path);
        Ok(())
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn Any + Send + Sync>> {
        self.core.change(Operation::Lock, path).map_err(Error::io("lock", path))?;
        if !self.core.names.lock().locked.insert(path.to_path_buf()) {
            let held = io::Error::new(io::ErrorKind::WouldBlock, "another engine holds it");
            return Err(Error::io("lock", path)(held));
        }
        Ok(Box::new(SimLock { core: self.core.clone(), path: path.to_path_buf() }))
    }
}

struct SimLock {
    core: Arc<Core>,
    path: PathBuf,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.core.names.lock().locked.remove(&self.path);
    }
}

struct SimFile {
    core: Arc<Core>,
    path: PathBuf,
    contents: Contents,
    sync_failed: AtomicBool,
}

impl SimFile {
    fn new(core: &Arc<Core>, path: &Path, contents: Contents) -> Arc<SimFile> {
        Arc::new(SimFile { core: core.clone(), path: path.to_path_buf(), contents, sync_failed: AtomicBool::default() })
    }
}

impl fmt::Debug for SimFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SimFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DiskFile for SimFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn length(&self) -> Result<u64> {
        self.core.read(Operation::Length, &self.path).map_err(Error::io("measure", &self.path))?;
        Ok(self.contents.lock().now.len() as u64)
    }

    fn append(&self, bytes: &[u8]) -> Result<()> {
        let was_off = self.core.plan.lock().power_is_off;
        let outcome = self.core.change(Operation::Append, &self.path);
        // A write that fails may have got some of the way, unless there was no power to begin with.
        let written = match outcome {
            Ok(()) => bytes.len(),
            Err(_) if was_off => 0,
            Err(_) => bytes.len() / 2,
        };
        self.contents.lock().now.extend_from_slice(&bytes[..written]);
        outcome.map_err(Error::io("write", &self.path))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let mut read = || {
            self.core.read(Operation::Read, &self.path)?;
            let contents = self.contents.lock();
            let start = usize::try_from(offset).ok();
            let end = start.and_then(|start| start.checked_add(buffer.len()));
            let found = start.zip(end).and_then(|(start, end)| contents.now.get(start..end));
            buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        };
        let outcome: io::Result<()> = read();
        outcome.map_err(Error::io("read", &self.path))
    }

    fn sync(&self) -> Result<()> {
        let outcome = self.core.change(Operation::Sync, &self.path);
        self.sync_failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
        if !self.sync_failed.load(Ordering::Relaxed) {
            let mut contents = self.contents.lock();
            contents.synced = contents.now.len();
        }
        outcome.map_err(Error::io("sync", &self.path))
    }
}
