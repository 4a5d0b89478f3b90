//! What an engine is made to do, by chance.

use std::fmt;
use std::sync::Arc;

use lsm::compaction::Leveled;
use lsm::disk::SimDisk;
use lsm::{Options, Sync};

use super::history::{Entry, Write};
use super::random::Random;

/// Where the engines are.
pub const DIRECTORY: &str = "db";

/// What a chapter's engine can do.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Whether writes are logged (chapter 2.6).
    pub wal: bool,
    /// Whether there are batches, and writes that say themselves whether to sync (chapter 2.7).
    pub batches: bool,
    /// Whether threads of the engine flush and compact, too. The next step waits until they have done, so that what they do
    /// follows from the seed as well.
    pub background: bool,
}

impl Profile {
    /// The same, without threads.
    pub fn quiet(self) -> Profile {
        Profile { background: false, ..self }
    }

    /// Small blocks and small tables, so that a few writes make many of them, and small levels.
    pub fn options(self, disk: &SimDisk, sync: Sync) -> Options {
        let mut options = Options::manual();
        options.disk = Arc::new(disk.clone());
        options.block_size = 128;
        options.restart_interval = 4;
        options.table_size = 500;
        options.levels = 3;
        options.cache_size = 16 << 10;
        options.wal = self.wal;
        options.sync = sync;
        if self.background {
            options.background = true;
            options.memtable_size = 1500;
            let leveled = Leveled { level_0_tables: 2, base_size: 1200, ratio: 2, max_level_0_tables: 4 };
            options.strategy = Arc::new(leveled);
        }
        options
    }
}

/// Something to do.
#[derive(Clone, Debug)]
pub enum Step {
    /// A put or a deletion, as durable as the engine's options say.
    Write(Write),
    Batch(Write, Sync),
    Freeze,
    Flush,
    Compact,
    Sync,
    Ingest(Write),
    /// Reads everything.
    Read,
    /// Closes the engine, and opens it anew with this option.
    Reopen(Sync),
    /// Lets the engine go as if its process had been killed, and opens it anew with this option.
    Kill(Sync),
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Write(write) => write!(formatter, "write {write}"),
            Step::Batch(write, sync) => write!(formatter, "batch, Sync::{sync:?}: {write}"),
            Step::Ingest(write) => write!(formatter, "flush, then ingest {write}"),
            Step::Reopen(sync) => write!(formatter, "close, then open with Sync::{sync:?}"),
            Step::Kill(sync) => write!(formatter, "drop without closing, then open with Sync::{sync:?}"),
            step => write!(formatter, "{}", format!("{step:?}").to_lowercase()),
        }
    }
}

/// Gives one step after the other, without end.
pub struct Workload {
    profile: Profile,
    random: Random,
    /// The number of the next write. It stands in the values, so that each tells where it is from.
    next_write: usize,
}

impl Workload {
    pub fn new(profile: Profile, seed: u64) -> Workload {
        Workload { profile, random: Random::new(seed), next_write: 0 }
    }

    pub fn next_step(&mut self) -> Step {
        // Without a log, it takes a flush to change the disk.
        let writes = if self.profile.wal { 60 } else { 45 };
        match self.random.below(100) {
            chance if chance < writes => self.write(),
            chance if chance < 66 => Step::Freeze,
            chance if chance < 75 => Step::Flush,
            chance if chance < 80 => Step::Compact,
            chance if chance < 83 => Step::Ingest(self.ingest()),
            chance if chance < 90 => {
                if self.profile.wal {
                    Step::Sync
                } else {
                    Step::Flush
                }
            }
            chance if chance < 93 => Step::Read,
            chance if chance < 96 => Step::Reopen(self.sync()),
            _ => Step::Kill(self.sync()),
        }
    }

    fn write(&mut self) -> Step {
        let number = self.take_number();
        if !self.profile.batches || self.random.percent(40) {
            return Step::Write(Write { number, entries: vec![self.entry(number)] });
        }
        let entries = (0..1 + self.random.below(6)).map(|_| self.entry(number)).collect();
        Step::Batch(Write { number, entries }, self.sync())
    }

    fn ingest(&mut self) -> Write {
        let number = self.take_number();
        let mut entries: Vec<Entry> = (0..1 + self.random.below(8)).map(|_| self.entry(number)).collect();
        entries.sort();
        entries.dedup_by(|one, other| one.key == other.key);
        Write { number, entries }
    }

    fn take_number(&mut self) -> usize {
        self.next_write += 1;
        self.next_write
    }

    fn entry(&mut self, number: usize) -> Entry {
        let key = match self.random.below(24) {
            0 => Vec::new(),
            key => format!("key{key:02}").into_bytes(),
        };
        if self.random.percent(20) {
            return Entry { key, value: None };
        }
        let length = match self.random.below(20) {
            0 => return Entry { key, value: Some(Vec::new()) },
            1 => 600 + self.random.below(900),
            _ => self.random.below(60),
        };
        let mut value = format!("of write {number}").into_bytes();
        value.resize(value.len() + length, b'.');
        Entry { key, value: Some(value) }
    }

    fn sync(&mut self) -> Sync {
        if self.profile.wal && self.random.percent(30) { Sync::EveryCommit } else { Sync::Os }
    }
}
