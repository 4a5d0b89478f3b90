//! What the tests of this chapter share: engines with logs on simulated disks, and a look into the logs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::{Disk, SimDisk, Survival};
use lsm::log::{LogContents, LogWriter, read_log};
use lsm::wal::{Link, decode_link, encode_link, log_path};
use lsm::{Engine, Error, Options, Result, Sync};

/// Where the engines are.
pub const DIRECTORY: &str = "db";

/// What a database should hold.
pub type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// An engine that does nothing by itself, but writes logs; synced by hand.
pub fn logged(disk: &SimDisk) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.wal = true;
    options.sync = Sync::Os;
    options
}

/// The same, and each commit is synced.
pub fn synced(disk: &SimDisk) -> Options {
    let mut options = logged(disk);
    options.sync = Sync::EveryCommit;
    options
}

/// An engine without a log.
pub fn unlogged(disk: &SimDisk) -> Options {
    let mut options = logged(disk);
    options.wal = false;
    options
}

pub fn try_open(options: Options) -> Result<Engine> {
    Engine::open(DIRECTORY, options)
}

pub fn open(options: Options) -> Engine {
    try_open(options).unwrap_or_else(|error| panic!("the engine does not open: {error}"))
}

pub fn key(number: usize) -> Vec<u8> {
    format!("key{number:05}").into_bytes()
}

/// A value that tells which write of its key it is.
pub fn value(write: usize) -> Vec<u8> {
    format!("value of write {write:05}").into_bytes()
}

/// Puts each key of `numbers`, with the value of this number.
pub fn fill(engine: &Engine, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        engine.put(&key(number), &value(number)).unwrap_or_else(|error| panic!("put of key {number}: {error}"));
    }
}

/// What [`fill`] with these numbers leaves.
pub fn filled(numbers: impl IntoIterator<Item = usize>) -> Model {
    numbers.into_iter().map(|number| (key(number), value(number))).collect()
}

/// Everything that an engine holds, by a scan; each key's `get` has to say the same.
pub fn contents(engine: &Engine) -> Model {
    let found: Result<Vec<(Bytes, Bytes)>> = engine.scan(..).and_then(Iterator::collect);
    let found = found.unwrap_or_else(|error| panic!("a scan: {error}"));
    for (key, value) in &found {
        let got: Option<Bytes> = engine.get(key).unwrap_or_else(|error| panic!("a get: {error}"));
        assert_eq!(got.as_ref(), Some(value), "get of {key:?}, beside what a scan gives");
    }
    found.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Demands that an engine holds `expected` and nothing else.
pub fn check_holds(engine: &Engine, expected: &Model, when: &str) {
    check_same(&contents(engine), expected, when);
}

pub fn check_same(found: &Model, expected: &Model, when: &str) {
    let show = |key: &Vec<u8>| String::from_utf8_lossy(key).into_owned();
    for (key, value) in expected {
        let found = found.get(key).map(|value| String::from_utf8_lossy(value));
        assert_eq!(found, Some(String::from_utf8_lossy(value)), "the value of {}, {when}", show(key));
    }
    let more: Vec<String> = found.keys().filter(|key| !expected.contains_key(*key)).map(show).collect();
    assert!(more.is_empty(), "keys that should not be there, {when}: {more:?}");
}

/// Opens what is left after a power cut, and demands that it holds `expected` and nothing else.
pub fn check_after_power_cut(disk: &SimDisk, expected: &Model, when: &str) {
    let left: SimDisk = disk.after_power_cut(Survival::Nothing, 1);
    check_holds(&open(logged(&left)), expected, &format!("{when}, then a power cut that takes all that is not synced"));
}

pub fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "log")
}

pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

/// The log files, the oldest first.
pub fn logs(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| is_log(path)).collect()
}

/// The paths of exactly `COUNT` logs, the oldest first.
pub fn these_logs<const COUNT: usize>(disk: &SimDisk, when: &str) -> [PathBuf; COUNT] {
    let found: Vec<PathBuf> = logs(disk);
    let count = found.len();
    found.try_into().unwrap_or_else(|found| panic!("{COUNT} logs are expected {when}, there are {count}: {found:?}"))
}

/// The number in a log's name.
pub fn number_of(path: &Path) -> u64 {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let number: u64 = stem.parse().unwrap_or_else(|_| panic!("a log's name is its number: {}", path.display()));
    assert_eq!(log_path(Path::new(DIRECTORY), number), path, "a log is where log_path says");
    number
}

pub fn bytes_of(disk: &SimDisk, path: &Path) -> Vec<u8> {
    disk.contents(path).unwrap_or_else(|| panic!("{} is not there", path.display()))
}

/// What a log holds.
pub fn read(disk: &SimDisk, path: &Path) -> LogContents {
    let file = disk.open(path).unwrap_or_else(|error| panic!("{error}"));
    read_log(file.as_ref(), number_of(path)).unwrap_or_else(|error| panic!("{error}"))
}

/// A log's first record.
pub fn link_of(disk: &SimDisk, path: &Path) -> Link {
    let contents: LogContents = read(disk, path);
    let first: &Bytes = contents.records.first().unwrap_or_else(|| panic!("{} has no record", path.display()));
    decode_link(first, path).unwrap_or_else(|error| panic!("{error}"))
}

/// Replaces a log by one with this link and these records.
pub fn replace_log(disk: &SimDisk, path: &Path, link: Link, records: &[Bytes]) {
    let draft = SimDisk::new();
    let mut log: LogWriter = LogWriter::create(&draft, path, number_of(path)).expect("creating a log");
    log.add(&encode_link(link)).expect("adding the link");
    for record in records {
        log.add(record).expect("adding a record");
    }
    log.write().expect("writing");
    disk.set_contents(path, &bytes_of(&draft, path));
}

/// Cuts the end off a file.
pub fn truncate(disk: &SimDisk, path: &Path, length: usize) {
    disk.set_contents(path, &bytes_of(disk, path)[..length]);
}

/// A disk of its own with the same files, all durable.
pub fn copy(disk: &SimDisk) -> SimDisk {
    disk.after_power_cut(Survival::Everything, 1)
}

/// All files with their bytes.
pub fn files(disk: &SimDisk) -> BTreeMap<PathBuf, Vec<u8>> {
    disk.paths().into_iter().map(|path| (path.clone(), bytes_of(disk, &path))).collect()
}

/// Demands that opening fails, and that no file is changed, added or removed by it. (The lock's file may be.)
pub fn refused(disk: &SimDisk, when: &str) -> Error {
    let data = |disk: &SimDisk| {
        let mut files = files(disk);
        files.remove(&Path::new(DIRECTORY).join("LOCK"));
        files
    };
    let before = data(disk);
    let error: Error = match try_open(logged(disk)) {
        Err(error) => error,
        Ok(engine) => panic!("{when}: opening should be refused, but there is an engine with {:?}", contents(&engine)),
    };
    let after = data(disk);
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>(),
        "files before and after a refused open, {when}"
    );
    assert!(before == after, "a refused open changed a file, {when}");
    error
}

/// Demands that opening fails with [`Error::Corruption`] of `file` at `offset`, and changes nothing.
pub fn check_corrupt(disk: &SimDisk, file: &Path, offset: u64, when: &str) {
    match refused(disk, when) {
        Error::Corruption { file: found, offset: at, .. } => {
            assert_eq!((found.as_path(), at), (file, offset), "the damaged file and its offset, {when}");
        }
        other => panic!("{when}: expected Error::Corruption of {} at {offset}, found {other:?}", file.display()),
    }
}

/// The cause in an [`Error::Poisoned`]; anything else fails the test.
pub fn cause_of_poison<T: std::fmt::Debug>(outcome: Result<T>, when: &str) -> Error {
    match outcome {
        Err(Error::Poisoned(cause)) => cause.as_ref().clone(),
        other => panic!("{when}: expected Error::Poisoned, found {other:?}"),
    }
}
