//! Reading everything, to find damage before a reader does. Chapter 2.7.
//!
//! A block that nobody asks for can rot for years, and the compaction that meets it in the end fails. So an engine should
//! be able to look at all of its files when there is time for it. RocksDB has `DB::VerifyChecksum` for it.

use super::Core;
use crate::Error;

impl Core {
    /// See [`Engine::verify`](crate::Engine::verify). The turn is held while the logs are read, so that they do not grow
    /// meanwhile, and the manifest's lock while that is read. The logs come first: what is flushed meanwhile is found in
    /// the tables then.
    pub(super) fn verify(&self) -> Vec<Error> {
        todo!("2.7: gather what the logs, the tables and the manifest find damaged in themselves")
    }
}
