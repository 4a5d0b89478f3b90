//! Databases that an engine of each released format version wrote, in `tests/golden/`: every later engine reads them.
//!
//! `LSM_WRITE_GOLDEN=1 cargo test -p lsm --test golden` writes those that are not there yet. What is there is never written
//! again: a change of the code that changes the bytes must still read the old ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lsm::disk::{Disk, RealDisk};
use lsm::log::LogWriter;
use lsm::manifest::MANIFEST;
use lsm::{Engine, Error, Options, Result, Sync, WriteBatch};
use tempfile::TempDir;

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

/// Writes a database and says what is in it.
type Author = fn(&Path) -> Contents;

const DATABASES: [(&str, Author); 3] = [("1-tables", write_tables), ("1-logs", write_logs), ("1-torn", write_torn)];

fn options(wal: bool) -> Options {
    let mut options = Options::manual();
    options.block_size = 256;
    options.table_size = 2048;
    options.levels = 3;
    options.wal = wal;
    options
}

fn open(directory: &Path, wal: bool) -> Engine {
    Engine::open(directory, options(wal)).unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
}

/// An engine and what it should hold.
struct Writer {
    engine: Engine,
    contents: Contents,
}

impl Writer {
    fn new(directory: &Path, wal: bool) -> Writer {
        Writer { engine: open(directory, wal), contents: Contents::new() }
    }

    /// Writes entries as a batch; `None` deletes.
    fn write(&mut self, entries: &[(Vec<u8>, Option<Vec<u8>>)], sync: Sync) {
        let mut batch = WriteBatch::new();
        for (key, value) in entries {
            match value {
                Some(value) => {
                    batch.put(key, value);
                    self.contents.insert(key.clone(), value.clone());
                }
                None => {
                    batch.delete(key);
                    self.contents.remove(key);
                }
            }
        }
        self.engine.write_with(&batch, sync).expect("a write");
    }

    /// Writes 40 keys of a generation, deletes some, and has the odd lengths among them.
    fn write_generation(&mut self, generation: usize) {
        let key = |number: usize| format!("fruit/{:03}", (number * 7 + generation * 3) % 60).into_bytes();
        let value = |number: usize| format!("generation {generation}, number {number}").into_bytes();
        let entries: Vec<_> = (0..40).map(|number| (key(number), (number % 5 > 0).then(|| value(number)))).collect();
        self.write(&entries, Sync::Os);
        let odd = [
            (Vec::new(), Some(b"the empty key".to_vec())),
            (b"empty value".to_vec(), Some(Vec::new())),
            (vec![0, 0xFF, 0], Some(vec![generation as u8; 700])),
        ];
        self.write(&odd, Sync::Os);
    }
}

/// Tables at level 0 and in the last level, with tombstones.
fn write_tables(directory: &Path) -> Contents {
    let mut writer = Writer::new(directory, false);
    for generation in 0..5 {
        writer.write_generation(generation);
        writer.engine.flush().expect("a flush");
        if generation == 2 {
            writer.engine.compact().expect("a compaction");
        }
    }
    writer.engine.close().expect("closing");
    writer.contents
}

/// A table, a synced log, and one that follows it and is synced too.
fn write_logs(directory: &Path) -> Contents {
    let mut writer = Writer::new(directory, true);
    writer.write_generation(0);
    writer.engine.flush().expect("a flush");
    writer.write_generation(1);
    writer.engine.freeze().expect("freezing");
    writer
        .write(&[(b"fruit/000".to_vec(), None), (b"fruit/001".to_vec(), Some(b"synced".to_vec()))], Sync::EveryCommit);
    writer.engine.close().expect("closing");
    writer.contents
}

/// A log that was being written when the power went: its last record is cut short.
fn write_torn(directory: &Path) -> Contents {
    let mut writer = Writer::new(directory, true);
    writer.write_generation(0);
    writer.engine.sync().expect("a sync");
    let contents = writer.contents.clone();
    writer.write(&[(b"fruit/001".to_vec(), Some(b"never durable".to_vec()))], Sync::Os);
    drop(writer);
    let log = file_with(directory, "log");
    let bytes = fs::read(&log).expect("reading the log");
    fs::write(&log, &bytes[..bytes.len() - 5]).expect("cutting the log");
    contents
}

fn file_with(directory: &Path, extension: &str) -> PathBuf {
    let files = RealDisk.list(directory).expect("listing the directory");
    files.into_iter().find(|path| path.extension().is_some_and(|found| found == extension)).expect("such a file")
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A copy to work with.
fn copy_of(name: &str) -> TempDir {
    let copy = TempDir::new().expect("a temporary directory");
    let files = RealDisk.list(&golden(name)).unwrap_or_else(|error| panic!("the database {name}: {error}"));
    assert!(!files.is_empty(), "the database {name} has no files");
    for file in files {
        fs::copy(&file, copy.path().join(file.file_name().expect("a name"))).expect("copying a file");
    }
    copy
}

fn read(engine: &Engine) -> Contents {
    let entries: Result<Vec<_>> = engine.scan(..).and_then(Iterator::collect);
    let entries = entries.expect("a scan").into_iter();
    entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

#[test]
fn databases_of_earlier_versions_are_read_and_written() {
    for (name, write) in DATABASES {
        if std::env::var_os("LSM_WRITE_GOLDEN").is_some() && !golden(name).exists() {
            fs::create_dir_all(golden(name)).expect("making the directory");
            write(&golden(name));
            fs::remove_file(golden(name).join("LOCK")).expect("removing the lock file");
        }
        let expected = write(TempDir::new().expect("a temporary directory").path());
        let copy = copy_of(name);
        let engine = open(copy.path(), true);
        assert_eq!(read(&engine), expected, "what {name} holds");
        for (key, value) in &expected {
            assert_eq!(engine.get(key).expect("a get").as_deref(), Some(&value[..]), "{name}: {key:?}");
        }
        assert!(engine.verify().is_empty(), "{name} is damaged: {:?}", engine.verify());
        engine.put(b"fruit/new", b"written now").expect("a put");
        engine.compact().expect("a compaction");
        engine.close().expect("closing");
        drop(engine);
        let mut expected = expected;
        expected.insert(b"fruit/new".to_vec(), b"written now".to_vec());
        assert_eq!(read(&open(copy.path(), false)), expected, "what {name} holds after it was written to");
    }
}

/// What the directory holds, byte for byte, but for the lock file.
fn files_of(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = RealDisk.list(directory).expect("listing the directory").into_iter();
    let files = files.filter(|path| !path.ends_with("LOCK"));
    files.map(|path| (path.clone(), fs::read(path).expect("reading a file"))).collect()
}

/// Demands that a database with this file is refused, because of that file's version.
fn check_refused(directory: &Path, file: &Path, later: u32) {
    let before = files_of(directory);
    match Engine::open(directory, options(true)) {
        Err(Error::UnsupportedVersion { file: named, found, supported }) => {
            assert_eq!((named.as_path(), found), (file, later), "what the error names");
            assert!(supported < later, "version {supported} is supported, so {later} should be");
        }
        other => panic!("{}: expected UnsupportedVersion, found {other:?}", file.display()),
    }
    assert!(files_of(directory) == before, "an open that is refused should change no file");
}

/// Makes a log's file anew, with one record.
fn replace_log(path: &Path, number: u64, record: &[u8]) {
    fs::remove_file(path).expect("removing the file");
    let mut log = LogWriter::create(&RealDisk, path, number).expect("creating the log");
    log.add(record).and_then(|()| log.sync()).expect("writing the log");
}

#[test]
fn a_manifest_of_a_later_version_is_refused_by_name() {
    let copy = copy_of("1-tables");
    let later = lsm::manifest::FORMAT_VERSION + 1;
    let header = [&b"lsm-tree"[..], &later.to_le_bytes(), b"and more"].concat();
    replace_log(&copy.path().join(MANIFEST), 0, &header);
    check_refused(copy.path(), &copy.path().join(MANIFEST), later);
}

#[test]
fn a_table_of_a_later_version_is_refused_by_name() {
    let copy = copy_of("1-tables");
    let later = lsm::table::FORMAT_VERSION + 1;
    let table = file_with(copy.path(), "sst");
    let mut bytes = fs::read(&table).expect("reading the table");
    let version_at = bytes.len() - 16;
    bytes[version_at..version_at + 4].copy_from_slice(&later.to_le_bytes());
    fs::write(&table, bytes).expect("writing the table");
    check_refused(copy.path(), &table, later);
}

#[test]
fn a_log_of_a_later_version_is_refused_by_name() {
    let copy = copy_of("1-logs");
    let later = lsm::wal::FORMAT_VERSION + 1;
    let log = file_with(copy.path(), "log");
    let number: u64 = log.file_stem().and_then(|stem| stem.to_str()).expect("a name").parse().expect("a number");
    replace_log(&log, number, &[&later.to_le_bytes()[..], b"whatever stands there then"].concat());
    check_refused(copy.path(), &log, later);
}
