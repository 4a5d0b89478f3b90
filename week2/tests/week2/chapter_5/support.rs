//! What the tests of this chapter share: logs as bytes, made as the book's format says; engines on simulated disks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsm::compaction::{Edit, Shape, TableShape};
use lsm::disk::{Disk, DiskFile, Operation, SimDisk, Step, Survival};
use lsm::log::{LogContents, LogWriter, read_log};
use lsm::manifest::{Contents, MANIFEST, Manifest};
use lsm::{Engine, Error, Options, Result};
use parking_lot::Mutex;

/// How long anybody waits for what must happen. It takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(5);

/// Where the databases are.
pub const DIRECTORY: &str = "db";

/// Where the logs of the tests of logs are.
pub const LOG: &str = "db/000007.log";

/// Their number.
pub const NUMBER: u64 = 7;

pub const RECORD: u8 = 1;
pub const MARK: u8 = 2;

/// Bytes of a frame before its payload.
pub const HEADER: usize = 9;

/// A frame's bytes, with the right checksum for its place.
pub fn frame(number: u64, offset: usize, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut covered = (payload.len() as u32).to_le_bytes().to_vec();
    covered.push(kind);
    covered.extend_from_slice(payload);
    let place = [number.to_le_bytes(), (offset as u64).to_le_bytes()].concat();
    let checksum = crc32fast::hash(&[&place[..], &covered].concat());
    [&checksum.to_le_bytes()[..], &covered].concat()
}

/// Appends a frame to a log's bytes, and gives the offset at which it begins.
pub fn push(log: &mut Vec<u8>, kind: u8, payload: &[u8]) -> usize {
    let at = log.len();
    log.extend_from_slice(&frame(NUMBER, at, kind, payload));
    at
}

/// Appends a mark that says that `durable` bytes are durable.
pub fn push_mark(log: &mut Vec<u8>, durable: usize) -> usize {
    push(log, MARK, &(durable as u64).to_le_bytes())
}

/// Reads bytes as a log.
pub fn read_bytes(bytes: &[u8], number: u64) -> Result<LogContents> {
    let disk = SimDisk::new();
    disk.set_contents(LOG.as_ref(), bytes);
    let file: Arc<dyn DiskFile> = disk.open(LOG.as_ref())?;
    read_log(file.as_ref(), number)
}

/// Reads bytes as the log that the tests write. It must be readable.
pub fn read(bytes: &[u8], what: &str) -> LogContents {
    read_bytes(bytes, NUMBER).unwrap_or_else(|error| panic!("{what}: expected a torn end, found {error:?}"))
}

/// Demands that reading fails with `Corruption` of the log, at this offset.
pub fn assert_broken(bytes: &[u8], at: usize, what: &str) {
    match read_bytes(bytes, NUMBER) {
        Err(Error::Corruption { file, offset, .. }) => {
            assert_eq!((file.as_path(), offset), (Path::new(LOG), at as u64), "{what}: what the error names");
        }
        other => panic!("{what}: expected Corruption at byte {at}, found {other:?}"),
    }
}

/// A log of the tests' number on a disk.
pub fn create_log(disk: &SimDisk) -> LogWriter {
    LogWriter::create(disk, LOG.as_ref(), NUMBER).expect("creating a log")
}

/// Makes the names of all files durable.
pub fn sync_names(disk: &SimDisk) {
    disk.sync_directory(DIRECTORY.as_ref()).expect("a sync of the directory");
}

pub fn contents_of(disk: &SimDisk, path: &str) -> Vec<u8> {
    disk.contents(path.as_ref()).unwrap_or_else(|| panic!("there is no file {path}"))
}

/// An engine that does nothing by itself and writes no log: what it has not flushed is lost when it is dropped.
pub fn manual(disk: &SimDisk) -> Options {
    let mut options = Options::manual();
    options.wal = false;
    options.disk = Arc::new(disk.clone());
    options
}

/// The same with small blocks and tables, so that a compaction makes several.
pub fn small(disk: &SimDisk) -> Options {
    let mut options: Options = manual(disk);
    options.block_size = 64;
    options.table_size = 300;
    options
}

pub fn open(options: Options) -> Engine {
    Engine::open(DIRECTORY, options).unwrap_or_else(|error| panic!("the database should open: {error}"))
}

/// What an engine should hold.
pub type Model = BTreeMap<Vec<u8>, Vec<u8>>;

pub fn key(number: usize) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// Writes these keys with values that name `round`, flushes, and notes it in the model.
pub fn flush_round(engine: &Engine, model: &mut Model, numbers: impl IntoIterator<Item = usize>, round: usize) {
    for number in numbers {
        let value = format!("{number} of round {round}").into_bytes();
        engine.put(&key(number), &value).expect("a put");
        model.insert(key(number), value);
    }
    engine.flush().expect("a flush");
}

/// Writes keys below `count` and compacts them: with small tables, several in the last level. (Of a single table, a
/// compaction would only move it.)
pub fn compact_some(engine: &Engine, model: &mut Model, count: usize) {
    flush_round(engine, model, 0..count, 0);
    flush_round(engine, model, count / 3..count / 2, 0);
    engine.compact().expect("a compaction");
}

/// Demands that the engine holds exactly what the model does, by `get` and by `scan`.
pub fn check_holds(engine: &Engine, model: &Model, when: &str) {
    let found: Result<Vec<(Bytes, Bytes)>> = engine.scan(..).and_then(Iterator::collect);
    let found = found.unwrap_or_else(|error| panic!("a scan, {when}: {error}"));
    let expected: Vec<(Bytes, Bytes)> =
        model.iter().map(|(key, value)| (key.clone().into(), value.clone().into())).collect();
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "entry {index} of a scan, {when}");
    }
    assert_eq!(found.len(), expected.len(), "how many entries a scan gives, {when}");
    for (key, value) in &expected {
        let found: Option<Bytes> = engine.get(key).unwrap_or_else(|error| panic!("get, {when}: {error}"));
        assert_eq!(found.as_ref(), Some(value), "the value of {key:?}, {when}");
    }
}

/// A table for shapes that no file stands behind.
pub fn table(id: u64, first_key: &str, last_key: &str) -> TableShape {
    TableShape {
        id,
        size: 1000 + id,
        entries: 10 * id,
        tombstones: id / 2,
        first_key: Bytes::copy_from_slice(first_key.as_bytes()),
        last_key: Bytes::copy_from_slice(last_key.as_bytes()),
    }
}

/// An edit that adds tables to levels.
pub fn adds(added: Vec<(usize, TableShape)>) -> Edit {
    Edit { added, ..Edit::default() }
}

/// The ids of a shape's tables, level by level; empty levels at the bottom are left out.
pub fn ids(shape: &Shape) -> Vec<Vec<u64>> {
    let mut ids: Vec<Vec<u64>> = shape.levels.iter().map(|level| level.ids()).collect();
    while ids.last().is_some_and(Vec::is_empty) {
        ids.pop();
    }
    ids
}

/// A disk as `Manifest` takes it.
pub fn shared(disk: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

/// A manifest of an empty tree, written.
pub fn fresh_manifest(disk: &SimDisk) -> Manifest {
    let mut manifest: Manifest = Manifest::new(DIRECTORY.as_ref(), &shared(disk));
    manifest.restore(Contents::default(), 1).expect("writing the manifest of an empty tree");
    manifest
}

/// How many changes of the disk it takes to write a manifest of few tables anew.
pub fn changes_of_writing_anew() -> u64 {
    let disk = SimDisk::new();
    let mut manifest: Manifest = fresh_manifest(&disk);
    let before = disk.changes();
    manifest.restore(Contents::default(), 1).expect("writing the manifest anew");
    disk.changes() - before
}

/// What is on the disk after a power cut in several ways, with the words for it.
pub fn after_power_cuts(disk: &SimDisk, seeds: u64) -> impl Iterator<Item = (String, SimDisk)> + '_ {
    let some = (0..seeds).map(|seed| (Survival::Some, seed));
    [(Survival::Nothing, 0), (Survival::Everything, 0)].into_iter().chain(some).map(|(survival, seed)| {
        (format!("of the unsynced {survival:?} survives (seed {seed})"), disk.after_power_cut(survival, seed))
    })
}

/// What the manifest of a disk says.
pub fn read_manifest(disk: &SimDisk, when: &str) -> Contents {
    let found: Result<Option<Contents>> = Manifest::read(DIRECTORY.as_ref(), &shared(disk));
    match found {
        Ok(Some(contents)) => contents,
        other => panic!("the manifest should be readable {when}, found {other:?}"),
    }
}

pub fn manifest_path() -> PathBuf {
    Path::new(DIRECTORY).join(MANIFEST)
}

/// Whether a path is the manifest's, or that of one being written. (A file that was renamed while it was open goes on
/// telling its first name.)
pub fn is_manifest(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(MANIFEST))
}

pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

/// The files of tables, in the order of their names.
pub fn table_files(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| is_table(path)).collect()
}

/// Every file with its bytes.
pub fn all_files(disk: &SimDisk) -> BTreeMap<PathBuf, Vec<u8>> {
    disk.paths().into_iter().filter_map(|path| Some((path.clone(), disk.contents(&path)?))).collect()
}

/// The operations that a disk is asked for from now on and that `is_meant` picks.
pub fn record_steps(
    disk: &SimDisk,
    is_meant: impl Fn(&Step<'_>) -> bool + Send + Sync + 'static,
) -> Arc<Mutex<Vec<(Operation, PathBuf)>>> {
    let steps: Arc<Mutex<Vec<(Operation, PathBuf)>>> = Arc::default();
    let seen = steps.clone();
    disk.on_operation(move |step| {
        if is_meant(&step) {
            seen.lock().push((step.operation, step.path.to_path_buf()));
        }
    });
    steps
}

pub fn is_change(operation: Operation) -> bool {
    !matches!(operation, Operation::Open | Operation::Length | Operation::Read | Operation::List)
}

/// Waits for something that nobody announces to a test: looks again and again, and lets others run in between.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "after {DEADLINE:?} still not: {what}");
        thread::yield_now();
    }
}
