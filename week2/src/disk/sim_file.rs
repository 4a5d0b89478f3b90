//! What the simulated disk keeps: files with a synced part, names with changes that are not yet durable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::sim::Survival;

/// The unit in which a real disk writes, in bytes: after a power cut each sector is there or is not.
const SECTOR: usize = 512;

/// A file's bytes, shared by its name, those who have it open, and changes of names that are on their way.
pub(super) type Contents = Arc<Mutex<Bytes>>;

#[derive(Clone, Debug, Default)]
pub(super) struct Bytes {
    pub now: Vec<u8>,
    /// How many of them a power cut cannot take.
    pub synced: usize,
}

/// A change of a directory that is not yet durable.
#[derive(Debug)]
enum Change {
    Created(PathBuf, Contents),
    Renamed(PathBuf, PathBuf, Contents),
    Removed(PathBuf),
}

/// The directory tree, as programs see it and as a power cut would leave it.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub now: BTreeMap<PathBuf, Contents>,
    durable: BTreeMap<PathBuf, Contents>,
    /// In the order in which they were made.
    pending: Vec<Change>,
    pub directories: BTreeSet<PathBuf>,
    pub locked: BTreeSet<PathBuf>,
}

impl Names {
    pub fn create(&mut self, path: &Path) -> Contents {
        let contents = Contents::default();
        self.now.insert(path.to_path_buf(), contents.clone());
        self.pending.push(Change::Created(path.to_path_buf(), contents.clone()));
        contents
    }

    /// Renames `from`, if there is such a file.
    pub fn rename(&mut self, from: &Path, to: &Path) -> bool {
        let Some(contents) = self.now.remove(from) else { return false };
        self.now.insert(to.to_path_buf(), contents.clone());
        self.pending.push(Change::Renamed(from.to_path_buf(), to.to_path_buf(), contents));
        true
    }

    /// Removes `path`, if there is such a file.
    pub fn remove(&mut self, path: &Path) -> bool {
        let found = self.now.remove(path).is_some();
        if found {
            self.pending.push(Change::Removed(path.to_path_buf()));
        }
        found
    }

    pub fn sync(&mut self, directory: &Path) {
        for change in std::mem::take(&mut self.pending) {
            if change.directory() == Some(directory) {
                change.apply(&mut self.durable);
            } else {
                self.pending.push(change);
            }
        }
    }

    /// The same tree with files of its own, where nothing is durable that was not.
    pub fn copy(&self) -> Names {
        let mut copies: BTreeMap<*const Mutex<Bytes>, Contents> = BTreeMap::new();
        let mut copy = |contents: &Contents| {
            let copied = || Arc::new(Mutex::new(contents.lock().clone()));
            copies.entry(Arc::as_ptr(contents)).or_insert_with(copied).clone()
        };
        let copied = |change: &Change, copy: &mut dyn FnMut(&Contents) -> Contents| match change {
            Change::Created(path, contents) => Change::Created(path.clone(), copy(contents)),
            Change::Renamed(from, to, contents) => Change::Renamed(from.clone(), to.clone(), copy(contents)),
            Change::Removed(path) => Change::Removed(path.clone()),
        };
        Names {
            now: self.now.iter().map(|(path, contents)| (path.clone(), copy(contents))).collect(),
            durable: self.durable.iter().map(|(path, contents)| (path.clone(), copy(contents))).collect(),
            pending: self.pending.iter().map(|change| copied(change, &mut copy)).collect(),
            directories: self.directories.clone(),
            locked: BTreeSet::new(),
        }
    }

    /// The tree that a power cut leaves, with files of their own: everything durable, and of the rest what `survival`
    /// and chance decide.
    pub fn survivors(&self, survival: Survival, random: &mut Random) -> Names {
        let mut names = BTreeMap::new();
        for (path, contents) in &self.durable {
            names.insert(path.clone(), contents.clone());
        }
        for change in &self.pending {
            if survival.keeps(random) {
                change.apply(&mut names);
            }
        }
        for contents in names.values_mut() {
            let left = contents.lock().survivors(survival, random);
            *contents = Arc::new(Mutex::new(left));
        }
        Names {
            now: names.clone(),
            durable: names,
            pending: Vec::new(),
            directories: self.directories.clone(),
            locked: BTreeSet::new(),
        }
    }
}

impl Change {
    fn directory(&self) -> Option<&Path> {
        match self {
            Change::Created(path, _) | Change::Renamed(_, path, _) | Change::Removed(path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Contents>) {
        match self {
            Change::Created(path, contents) => {
                names.insert(path.clone(), contents.clone());
            }
            Change::Renamed(from, to, contents) => {
                names.remove(from);
                names.insert(to.clone(), contents.clone());
            }
            Change::Removed(path) => {
                names.remove(path);
            }
        }
    }
}

impl Bytes {
    /// The synced bytes, then a part of the rest: it may end anywhere, and sectors in it may read as zeros.
    fn survivors(&self, survival: Survival, random: &mut Random) -> Bytes {
        let unsynced = self.now.len() - self.synced;
        let length = self.synced
            + match survival {
                Survival::Everything => unsynced,
                Survival::Nothing => 0,
                Survival::Some => random.below(unsynced as u64 + 1) as usize,
            };
        let mut now = self.now[..length].to_vec();
        if survival == Survival::Some && random.below(4) == 0 {
            for sector in now[self.synced..].chunks_mut(SECTOR) {
                if random.below(2) == 0 {
                    sector.fill(0);
                }
            }
        }
        Bytes { synced: now.len(), now }
    }
}

/// A small generator of pseudo-random numbers (SplitMix64): the same seed gives the same power cut.
#[derive(Debug)]
pub(super) struct Random(pub u64);

impl Random {
    /// A number from 0 up to, and without, `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}
