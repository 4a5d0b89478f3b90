//! Chapter 1.5: reading from memtables and tables together, and taking tables in.

mod covers;
mod faults;
mod fixture;
mod get;
mod ingest;
mod model;
mod scan;
mod threads;

mod regressions {
    use bytes::Bytes;
    use lsm::Engine;
    use lsm::disk::SimDisk;

    use super::fixture::{delete, get, open, pairs, put, scan};

    /// An engine without tables reads its memtables, and asks the disk nothing.
    ///
    /// Hint: this works before the chapter; with no table, `get` and `scan` must do what they did.
    ///
    /// Book: week1/5-read-path.md#task-3-get-asks-the-tables
    #[test]
    fn an_engine_without_tables_reads_memory_alone() {
        let disk: SimDisk = SimDisk::new();
        let engine: Engine = open(&disk);
        put(&engine, "a", "1");
        put(&engine, "b", "2");
        engine.freeze().expect("freezing needs nothing that can fail");
        delete(&engine, "a");
        let before: u64 = disk.reads();
        let (deleted, live): (Option<Bytes>, Option<Bytes>) = (get(&engine, "a"), get(&engine, "b"));
        assert_eq!((deleted, live), (None, Some(Bytes::from("2"))), "get(\"a\") after its deletion, and get(\"b\")");
        assert_eq!(scan(&engine, ..), pairs([("b", "2")]), "scan(..) over the memtables");
        assert_eq!(disk.reads(), before, "reads of the disk by an engine that has no table");
    }
}
