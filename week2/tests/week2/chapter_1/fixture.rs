//! What the tests share: tables and trees written as text, and engines on a simulated disk.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use lsm::compaction::{DropPolicy, Inputs, Job, Shape, TableShape, Task};
use lsm::disk::SimDisk;
use lsm::table::{Resources, Table, TableBuilder, table_path};
use lsm::{ConcatIterator, Engine, KeyRange, Options, Result, StorageIterator};

use super::threads::DEADLINE;

/// Where the tests' files are.
pub const DIRECTORY: &str = "db";

/// Entries in key order; `None` is a tombstone.
pub type Entries = Vec<(Bytes, Option<Bytes>)>;

/// What a scan gives.
pub type Pairs = Vec<(Bytes, Bytes)>;

/// `"a=1 b=×"` as entries; `×` is a tombstone.
pub fn entries(text: &str) -> Entries {
    let entry = |word: &str| {
        let (key, value) = word.split_once('=').unwrap_or_else(|| panic!("an entry is written key=value, not {word}"));
        let value = (value != "×").then(|| Bytes::copy_from_slice(value.as_bytes()));
        (Bytes::copy_from_slice(key.as_bytes()), value)
    };
    text.split_whitespace().map(entry).collect()
}

/// The other way round, for messages.
pub fn text(entries: &[(Bytes, Option<Bytes>)]) -> String {
    let word = |(key, value): &(Bytes, Option<Bytes>)| {
        let value = value.as_ref().map_or("×".into(), |value| String::from_utf8_lossy(value));
        format!("{}={value}", String::from_utf8_lossy(key))
    };
    entries.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// All that an iterator still gives.
pub fn rest_of(iterator: &mut impl StorageIterator) -> Entries {
    let mut found = Vec::new();
    while iterator.is_valid() {
        assert_eq!(iterator.value_bytes().as_deref(), iterator.value(), "value_bytes() and value() are the same value");
        found.push((Bytes::copy_from_slice(iterator.key()), iterator.value_bytes()));
        iterator.next().expect("a step on a disk without faults");
    }
    found
}

/// All entries of a table.
pub fn entries_of(table: &Arc<Table>) -> Entries {
    rest_of(&mut table.scan(&KeyRange::all()).expect("a scan of a table"))
}

/// A simulated disk, and what the tables on it share.
pub struct Workbench {
    pub disk: SimDisk,
    pub resources: Arc<Resources>,
    next_id: Cell<u64>,
}

impl Workbench {
    pub fn new() -> Workbench {
        Workbench::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Workbench {
        let disk = SimDisk::new();
        let mut options = manual(&disk);
        change(&mut options);
        Workbench { disk, resources: Resources::new(options), next_id: Cell::new(1) }
    }

    /// The next number for a table.
    pub fn take_id(&self) -> u64 {
        self.next_id.replace(self.next_id.get() + 1)
    }

    /// A table of these entries.
    pub fn table(&self, entries: &[(Bytes, Option<Bytes>)]) -> Arc<Table> {
        let id = self.take_id();
        let path = table_path(Path::new(DIRECTORY), id);
        let mut builder = TableBuilder::create(&path, &self.resources).expect("creating a table's file");
        for (key, value) in entries {
            builder.add(key, value.as_deref()).expect("adding to a table");
        }
        builder.finish().expect("finishing a table");
        Table::open(id, &path, &self.resources).expect("opening a table")
    }

    /// A run of tables, written `"a=1 c=2 | f=3"`.
    pub fn run(&self, text: &str) -> Vec<Arc<Table>> {
        text.split('|').filter(|table| !table.trim().is_empty()).map(|table| self.table(&entries(table))).collect()
    }

    /// A level as one source.
    pub fn concat(&self, text: &str, range: &KeyRange) -> ConcatIterator {
        ConcatIterator::new(Arc::new(self.run(text)), range).expect("an iterator on a disk without faults")
    }

    /// Merges runs, newest first, into level `target` of a tree.
    pub fn merge_into(&self, shape: &Shape, target: usize, runs: Vec<Vec<Arc<Table>>>) -> Result<Vec<Arc<Table>>> {
        let policy = DropPolicy::new(shape, target, self.resources.options.user_part);
        let outputs = self.job(runs, policy, &|| false)?;
        Ok(outputs.expect("a merge that nobody calls off gives Some"))
    }

    /// Merges runs, newest first, with nothing below the target.
    pub fn merge(&self, runs: Vec<Vec<Arc<Table>>>) -> Result<Vec<Arc<Table>>> {
        self.merge_into(&Shape::new(1), 1, runs)
    }

    pub fn job(
        &self,
        runs: Vec<Vec<Arc<Table>>>,
        policy: DropPolicy<'_>,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<Arc<Table>>>> {
        let take_id = || self.take_id();
        let (directory, resources) = (Path::new(DIRECTORY), &self.resources);
        Job { directory, resources, runs, policy, take_id: &take_id, is_cancelled }.run()
    }

    /// The files of tables that are there.
    pub fn files(&self) -> Vec<PathBuf> {
        table_files(&self.disk)
    }
}

/// The first four bytes, as if what follows were a version.
pub fn first_four(key: &[u8]) -> &[u8] {
    &key[..key.len().min(4)]
}

/// A tree: a text a level, level 0 first, such as `"7:c-x 5:a-r"` for tables 7 and 5. A table written `7:c-x×` has a
/// tombstone.
pub fn tree(levels: &[&str]) -> Shape {
    let mut shape = Shape::new(levels.len() - 1);
    for (level, text) in shape.levels.iter_mut().zip(levels) {
        level.tables = text.split_whitespace().map(table_shape).collect();
    }
    shape
}

pub fn table_shape(text: &str) -> TableShape {
    let tombstones = u64::from(text.ends_with('×'));
    let (id, keys) = text.trim_end_matches('×').split_once(':').expect("a table is written id:first-last");
    let (first, last) = keys.split_once('-').expect("a table is written id:first-last");
    TableShape {
        id: id.parse().expect("a table's id"),
        size: 100,
        entries: 10,
        tombstones,
        first_key: Bytes::copy_from_slice(first.as_bytes()),
        last_key: Bytes::copy_from_slice(last.as_bytes()),
    }
}

/// A task, `[(level, ids)]` into a target.
pub fn task(inputs: &[(usize, &[u64])], target: usize) -> Task {
    let inputs = inputs.iter().map(|(level, tables)| Inputs { level: *level, tables: tables.to_vec() });
    Task { inputs: inputs.collect(), target, cursor: None }
}

/// An engine that does nothing by itself.
pub fn manual(disk: &SimDisk) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options
}

pub fn open(options: Options) -> Arc<Engine> {
    Arc::new(Engine::open(DIRECTORY, options).expect("opening an empty directory"))
}

/// Writes the entries of a text, and flushes: a table of level 0.
pub fn flush(engine: &Engine, text: &str) {
    for (key, value) in entries(text) {
        let written = match value {
            Some(value) => engine.put(&key, &value),
            None => engine.delete(&key),
        };
        written.unwrap_or_else(|error| panic!("a write of {key:?}: {error}"));
    }
    engine.flush().unwrap_or_else(|error| panic!("a flush of {text}: {error}"));
}

/// Keys of one length, in the order of their numbers.
pub fn key(number: usize) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// Writes keys, each with `value` behind its number to fill 100 bytes, and flushes.
pub fn flush_keys(engine: &Engine, numbers: impl IntoIterator<Item = usize>, value: &str) {
    for number in numbers {
        engine.put(&key(number), &filled(value)).unwrap_or_else(|error| panic!("a put of key {number}: {error}"));
    }
    engine.flush().unwrap_or_else(|error| panic!("a flush of {value}: {error}"));
}

/// A value of 100 bytes that begins with a text.
pub fn filled(text: &str) -> Vec<u8> {
    format!("{text:-<100}").into_bytes()
}

/// What a scan of everything gives, which has to be what gets give too, written as a text.
pub fn contents(engine: &Engine, when: &str) -> String {
    let found: Result<Pairs> = engine.scan(..).and_then(Iterator::collect);
    let found: Pairs = found.unwrap_or_else(|error| panic!("a scan, {when}: {error}"));
    for (key, value) in &found {
        let got: Option<Bytes> = engine.get(key).unwrap_or_else(|error| panic!("a get of {key:?}, {when}: {error}"));
        assert_eq!(got.as_ref(), Some(value), "get({key:?}) gives what a scan gives, {when}");
    }
    text(&found.into_iter().map(|(key, value)| (key, Some(value))).collect::<Vec<_>>())
}

/// Demands that the tree is well-formed and that the tables' files are those of the tree, no more and no less.
pub fn check_tree(engine: &Engine, disk: &SimDisk, when: &str) {
    let shape: Shape = engine.shape();
    for (number, level) in shape.levels.iter().enumerate().skip(1) {
        for pair in level.tables.windows(2) {
            let is_sorted = pair[0].last_key < pair[1].first_key;
            assert!(is_sorted, "level {number} is in key order, without overlap, {when}: {:?}", level.tables);
        }
    }
    let mut expected: Vec<PathBuf> = shape.tables().map(|table| table_path(Path::new(DIRECTORY), table.id)).collect();
    expected.sort();
    // A compaction in the background may be seen before it has let go of its inputs.
    let started = Instant::now();
    while table_files(disk) != expected && started.elapsed() < DEADLINE {
        thread::yield_now();
    }
    assert_eq!(table_files(disk), expected, "the tables' files are those of the tree, {when}");
}

pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

/// The files of tables, in the order of their names.
pub fn table_files(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| is_table(path)).collect()
}

/// How many reads of the disk `work` makes, and what it gives.
pub fn reads_of<T>(disk: &SimDisk, work: impl FnOnce() -> T) -> (u64, T) {
    let before: u64 = disk.reads();
    let result: T = work();
    (disk.reads() - before, result)
}
