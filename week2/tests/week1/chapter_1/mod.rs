//! Chapter 1.1: the memtable, freezing it, and lookups newest first.

mod engine;
mod lookup;
mod memtable;
mod model;
mod size;
mod threads;

use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, Options};

/// An empty engine that does only what it is told, on a simulated disk.
fn new_engine() -> Engine {
    let mut options: Options = Options::manual();
    options.disk = Arc::new(SimDisk::new());
    Engine::open("db", options).expect("an engine opens in an empty directory")
}

fn put(engine: &Engine, key: &[u8], value: &[u8]) {
    engine.put(key, value).unwrap_or_else(|error| panic!("put({:?}) failed: {error}", key.escape_ascii().to_string()));
}

fn delete(engine: &Engine, key: &[u8]) {
    engine.delete(key).unwrap_or_else(|error| panic!("delete({:?}) failed: {error}", key.escape_ascii().to_string()));
}

fn freeze(engine: &Engine) {
    engine.freeze().expect("freezing needs nothing that can fail");
}

fn get(engine: &Engine, key: &[u8]) -> Option<Bytes> {
    engine.get(key).unwrap_or_else(|error| panic!("get({:?}) failed: {error}", key.escape_ascii().to_string()))
}

fn bytes(text: &str) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(text.as_bytes()))
}

mod regressions {
    use lsm::MemTable;

    /// A new memtable has its id, no entries, and no size.
    ///
    /// Hint: this works in the starter; what you changed broke it.
    ///
    /// Book: week1/1-memtable.md#what-a-memtable-weighs
    #[test]
    fn a_new_memtable_is_empty() {
        let memtable: MemTable = MemTable::new(7);
        let (id, len, size): (u64, usize, usize) = (memtable.id(), memtable.len(), memtable.size());
        assert_eq!((id, len, size), (7, 0, 0), "id, len() and size() of MemTable::new(7)");
        assert!(memtable.is_empty(), "a new memtable must be empty");
    }
}
