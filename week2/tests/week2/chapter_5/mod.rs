//! Chapter 2.5, the manifest: the log that it is written on, its records, its file, and what opening makes of it.
//!
//! All disks are simulated, so that a test can flip any bit, fail any operation, and cut the power at any of them.

mod contents;
mod crashes;
mod failures;
mod growth;
mod leftovers;
mod log_damage;
mod log_failures;
mod log_frames;
mod log_torn;
mod manifest;
mod manifest_faults;
mod order;
mod records;
mod recovery;
mod refusals;
mod support;

mod regressions {
    use bytes::Bytes;
    use lsm::disk::SimDisk;
    use lsm::log::LogWriter;
    use lsm::{Engine, Error, Result};

    use super::support::{DIRECTORY, LOG, manual};

    /// A log's file is made anew or not at all: nothing is ever overwritten.
    ///
    /// Hint: `LogWriter::create` is given. It leaves the decision to `Disk::create`.
    ///
    /// Book: week2/5-manifest.md#task-2-write-and-sync
    #[test]
    fn a_log_that_exists_is_not_overwritten() {
        let disk = SimDisk::new();
        disk.set_contents(LOG.as_ref(), b"somebody's");
        let outcome: Result<LogWriter> = LogWriter::create(&disk, LOG.as_ref(), 7);
        assert!(matches!(outcome, Err(Error::Io { .. })), "creating a log where a file exists gave {outcome:?}");
        assert_eq!(disk.contents(LOG.as_ref()).as_deref(), Some(&b"somebody's"[..]), "the file that was there");
    }

    /// A directory without files is an empty database, which takes writes.
    ///
    /// Hint: no manifest, and no file named like a table: there is nothing to recover.
    ///
    /// Book: week2/5-manifest.md#task-8-recovery
    #[test]
    fn an_empty_directory_is_an_empty_database() {
        let disk = SimDisk::new();
        let engine: Engine = Engine::open(DIRECTORY, manual(&disk)).expect("opening an empty directory");
        assert_eq!(engine.get(b"fig").expect("a get"), None, "nothing was written");
        engine.put(b"fig", b"green").expect("a put");
        engine.flush().expect("a flush");
        assert_eq!(engine.get(b"fig").expect("a get"), Some(Bytes::from("green")), "what was written");
    }
}
