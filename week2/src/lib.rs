//! An LSM-tree storage engine, built chapter by chapter.
//!
//! ```no_run
//! # fn main() -> lsm::Result<()> {
//! let engine = lsm::Engine::open("fruit", lsm::Options::default())?;
//! engine.put(b"apple", b"red")?;
//! assert_eq!(engine.get(b"apple")?.as_deref(), Some(&b"red"[..]));
//! for entry in engine.scan("a".."b")? {
//!     let (key, value) = entry?;
//!     println!("{key:?} = {value:?}");
//! }
//! engine.close()
//! # }
//! ```
//!
//! The map, with the chapter that brings each part in:
//!
//! | module | chapter | what it is |
//! |---|---|---|
//! | `engine` | 1.1 – | open, put, delete, get; 1.2 scan; 1.5 tables; 1.6 flush; 2.1 compact; 2.5 recovery |
//! | [`MemTable`] | 1.1 | the newest data, in memory |
//! | [`StorageIterator`] | 1.2 | walking and merging sources |
//! | [`block`] | 1.3 | some kilobytes of sorted entries; 1.7 shorter keys |
//! | [`table`] | 1.4 | files of sorted entries, and the cache of their blocks; 1.7 bloom filters |
//! | `compaction` | 2.1 – 2.4 | merging tables into levels: the mechanism and three strategies |
//! | `log` | 2.5 | records in a file that a crash can tear, but not falsify |
//! | `manifest` | 2.5 | which tables there are, on that log |
//! | `wal` | 2.6 | what is in the memtables, on that log |
//! | `WriteBatch` | 2.7 | writes that happen together or not at all |
//! | `state` | given | which data lives where |
//! | `background` | given | the engine's threads |
//! | [`disk`] | given | the file system, real and simulated |
//! | [`coding`], [`stats`], [`Options`], [`Error`], [`KeyRange`] | given | what everything uses |
//!
//! What a module knows of the others: `block` knows nothing of tables, `table` nothing of engines, and nothing but
//! `disk` touches a file system.

mod background;
mod batch;
pub mod block;
pub mod coding;
pub mod compaction;
pub mod disk;
mod engine;
mod error;
mod iterator;
pub mod log;
pub mod manifest;
mod memtable;
mod options;
mod range;
mod state;
pub mod stats;
pub mod table;
pub mod wal;

pub use batch::WriteBatch;
pub use engine::Engine;
pub use error::{Error, Result};
pub use iterator::ConcatIterator;
pub use iterator::{MergeIterator, Scan, StorageIterator};
pub use memtable::{MemTable, MemTableIterator};
pub use options::Sync;
pub use options::{MAX_KEY_LENGTH, MAX_VALUE_LENGTH, Options, UserPart, whole_key};
pub use range::KeyRange;
pub use stats::Stats;
