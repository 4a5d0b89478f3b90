//! Verifying a manifest: what it says has to be what was written to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm::disk::{Disk, SimDisk};
use lsm::manifest::{Contents, MANIFEST, Manifest};
use lsm::{Engine, Error};

use super::support::{DIRECTORY, batch_of, file_of, logging, open};

fn path() -> PathBuf {
    Path::new(DIRECTORY).join(MANIFEST)
}

/// A disk with the manifest of an empty tree, whose next file gets the number `next_id`.
fn manifest(next_id: u64) -> (SimDisk, Manifest) {
    let disk = SimDisk::new();
    let handle: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut manifest: Manifest = Manifest::new(Path::new(DIRECTORY), &handle);
    manifest.restore(Contents::default(), next_id).expect("writing a manifest");
    (disk, manifest)
}

/// Another database's manifest in the place of this one's is found, though each of its bytes is right: it names other
/// tables.
///
/// Hint: a checksum says that the bytes are what somebody wrote. Compare what they say with what you have in memory.
///
/// Book: week2/7-batches.md#what-verify-reads
#[test]
fn another_manifest_in_its_place_is_found() {
    let database = |flushes: usize| -> (SimDisk, Arc<Engine>) {
        let disk = SimDisk::new();
        let engine: Arc<Engine> = open(logging(&disk));
        for _ in 0..flushes {
            engine.write(&batch_of(&[("a", Some("1"))])).expect("a batch");
            engine.flush().expect("a flush");
        }
        (disk, engine)
    };
    let ((disk, engine), (other, _)) = (database(2), database(3));
    disk.set_contents(&path(), &other.contents(&path()).expect("a manifest"));
    let found: Vec<Error> = engine.verify();
    let is_told = found.len() == 1 && matches!(found[0], Error::Corruption { .. }) && file_of(&found[0]) == path();
    assert!(
        is_told,
        "a manifest of three tables in the place of one of two: expected Corruption of it, found {found:?}"
    );
}

/// The number of the next file counts as well: if it were too low, a new table might get an old one's name.
///
/// Hint: compare `next_id` beside what the snapshot says.
///
/// Book: week2/7-batches.md#task-5-verify-the-logs-the-manifest-the-engine
#[test]
fn a_manifest_with_another_next_number_is_found() {
    let ((disk, manifest_of_7), (other, manifest_of_8)) = (manifest(7), manifest(8));
    for (manifest, next_id) in [(&manifest_of_7, 7), (&manifest_of_8, 8)] {
        let found: Option<Error> = manifest.verify();
        assert!(found.is_none(), "a sound manifest with the next number {next_id}, found {found:?}");
    }
    disk.set_contents(&path(), &other.contents(&path()).expect("a manifest"));
    let found: Option<Error> = manifest_of_7.verify();
    let is_told = found.as_ref().is_some_and(|error| file_of(error) == path());
    assert!(is_told, "the next number is 7, the file says 8; expected an error that names it, found {found:?}");
}

/// A manifest that has to be written anew is known to be in doubt: verify reads nothing and says nothing.
///
/// Hint: `log` is `None` then.
///
/// Book: week2/7-batches.md#task-5-verify-the-logs-the-manifest-the-engine
#[test]
fn a_manifest_that_is_to_be_written_anew_is_no_damage() {
    let disk = SimDisk::new();
    let handle: Arc<dyn Disk> = Arc::new(disk.clone());
    let manifest: Manifest = Manifest::new(Path::new(DIRECTORY), &handle);
    let found: Option<Error> = manifest.verify();
    assert!(found.is_none(), "a manifest that was not yet written, found {found:?}");
    assert_eq!(disk.reads(), 0, "nothing is read");
}
