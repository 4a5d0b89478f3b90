//! Engines on a simulated disk whose every read of a block shows, and short ways to ask them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, Error, KeyRange, Options};

/// What a scan gave: keys with values, in its order.
pub type Pairs = Vec<(Bytes, Bytes)>;

/// An engine where each read of a block is a read of the disk: blocks of one entry, no cache, and no filters.
pub fn open(disk: &SimDisk) -> Engine {
    let mut options: Options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.block_size = 1;
    options.cache_size = 0;
    options.bits_per_key = 0;
    Engine::open("db", options).expect("an engine opens in an empty directory")
}

pub fn put(engine: &Engine, key: &str, value: &str) {
    engine.put(key.as_bytes(), value.as_bytes()).unwrap_or_else(|error| panic!("put({key:?}) failed: {error}"));
}

pub fn delete(engine: &Engine, key: &str) {
    engine.delete(key.as_bytes()).unwrap_or_else(|error| panic!("delete({key:?}) failed: {error}"));
}

pub fn get(engine: &Engine, key: &str) -> Option<Bytes> {
    engine.get(key.as_bytes()).unwrap_or_else(|error| panic!("get({key:?}) failed: {error}"))
}

pub fn try_ingest(engine: &Engine, entries: &[(&str, Option<&str>)]) -> Result<(), Error> {
    engine.ingest(entries.iter().map(|(key, value)| (key.as_bytes(), value.map(str::as_bytes))))
}

/// Takes in values and, for `None`, tombstones.
pub fn ingest(engine: &Engine, entries: &[(&str, Option<&str>)]) {
    try_ingest(engine, entries).unwrap_or_else(|error| panic!("ingest({entries:?}) failed: {error}"));
}

/// Takes in a table in which all keys have one value.
pub fn ingest_all(engine: &Engine, keys: impl IntoIterator<Item = String>, value: &str) {
    let keys: Vec<String> = keys.into_iter().collect();
    let entries = keys.iter().map(|key| (key.as_bytes(), Some(value.as_bytes())));
    engine.ingest(entries).unwrap_or_else(|error| panic!("ingest of {} keys failed: {error}", keys.len()));
}

/// All that a scan gives, which must be free of errors.
pub fn scan(engine: &Engine, range: impl Into<KeyRange>) -> Pairs {
    let (found, error): (Pairs, Option<Error>) = scan_until_error(engine, range);
    assert!(error.is_none(), "a scan failed after {} entries: {error:?}", found.len());
    found
}

/// What a scan gives before its first error, and that error. That nothing follows an error is checked here.
pub fn scan_until_error(engine: &Engine, range: impl Into<KeyRange>) -> (Pairs, Option<Error>) {
    let mut found: Pairs = Vec::new();
    let mut scan = match engine.scan(range) {
        Ok(scan) => scan,
        Err(error) => return (found, Some(error)),
    };
    while let Some(entry) = scan.next() {
        match entry {
            Ok(pair) => found.push(pair),
            Err(error) => {
                let after: Option<Result<(Bytes, Bytes), Error>> = scan.next();
                assert!(after.is_none(), "after its error {error} a scan gave {after:?}; it has to give nothing more");
                return (found, Some(error));
            }
        }
    }
    (found, None)
}

pub fn pairs<const N: usize>(expected: [(&str, &str); N]) -> Pairs {
    let owned = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    expected.iter().map(|(key, value)| (owned(key), owned(value))).collect()
}

/// How many reads of the disk `work` makes.
pub fn reads_of(disk: &SimDisk, work: impl FnOnce()) -> u64 {
    let before: u64 = disk.reads();
    work();
    disk.reads() - before
}

/// `key00` to `key99`, as numbers.
pub fn key(number: usize) -> String {
    format!("key{number:02}")
}

pub fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sst")
}

/// The files of tables that are there.
pub fn table_files(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| is_table(path)).collect()
}
