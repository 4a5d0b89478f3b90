//! A merge that fails: the error reaches the caller, and no file is left.

use std::io::ErrorKind;
use std::sync::Arc;

use lsm::Error;
use lsm::disk::{Fault, SimDisk};
use lsm::table::Table;

use super::fixture::{Entries, Workbench, entries_of, text};

/// Small blocks and tables, so that every kind of operation occurs several times.
fn bench() -> (Workbench, Vec<Vec<Arc<Table>>>) {
    let bench = Workbench::with(|options| {
        options.table_size = 1;
        options.block_size = 1;
    });
    let runs = vec![bench.run("a=2 c=2"), bench.run("b=1 | c=1 d=×")];
    (bench, runs)
}

/// Fails the operation of this number in a merge, by `arm`; afterwards merges again.
fn check_failure(number: u64, fault: Fault, kind: &str, arm: fn(&SimDisk, u64, Fault)) {
    let when = format!("when {kind} {number} of the merge fails ({fault:?})");
    let (bench, runs) = bench();
    let before = bench.files();
    let first = if kind == "change" { bench.disk.changes() } else { bench.disk.reads() };
    arm(&bench.disk, first + number, fault);
    let error: Error = match bench.merge(runs.clone()) {
        Err(error) => error,
        Ok(outputs) => panic!("the merge should fail, {when}; it gives {} outputs", outputs.len()),
    };
    let Error::Io { source, .. } = &error else { panic!("expected the disk's own Error::Io, {when}, found {error:?}") };
    assert_eq!(source.kind() == ErrorKind::StorageFull, fault == Fault::Full, "the disk's own error, {when}: {error}");
    assert_eq!(bench.files(), before, "the inputs' files and no others, {when}");
    let outputs: Vec<Arc<Table>> =
        bench.merge(runs).unwrap_or_else(|error| panic!("the second merge, {when}: {error}"));
    let found: Entries = outputs.iter().flat_map(entries_of).collect();
    assert_eq!(text(&found), "a=2 b=1 c=2", "what the second merge gives, {when}");
}

/// How many changes and reads a merge without faults asks for.
fn dry_run() -> (u64, u64) {
    let (bench, runs) = bench();
    let (changes, reads) = (bench.disk.changes(), bench.disk.reads());
    bench.merge(runs).expect("a merge on a disk without faults");
    (bench.disk.changes() - changes, bench.disk.reads() - reads)
}

/// Whatever a merge changes on the disk, if that fails, the merge fails with the disk's error and removes what it made.
///
/// Hint: outputs that are complete already have to go too, also when it is the directory's sync that fails. A
/// `TableBuilder` sees to the one that is being written.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_merge_that_cannot_write_leaves_nothing() {
    let (changes, _) = dry_run();
    assert!(changes >= 10, "three outputs are created, written and synced, and the directory is: {changes} changes");
    for number in 0..changes {
        for fault in [Fault::Broken, Fault::Full] {
            check_failure(number, fault, "change", SimDisk::fail_change);
        }
    }
}

/// Whatever a merge reads, of an input or of a new output, if that fails, the merge fails and removes what it made.
///
/// Hint: an output that was finished and cannot be opened is removed by hand: nothing owns its file yet.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_merge_that_cannot_read_leaves_nothing() {
    let (_, reads) = dry_run();
    assert!(reads >= 5 + 3 * 3, "five blocks of inputs are read, and three outputs are opened: {reads} reads");
    for number in 0..reads {
        check_failure(number, Fault::Broken, "read", SimDisk::fail_read);
    }
}

/// A damaged input makes the merge fail with `Corruption` that names the file. Nothing is left out in silence.
///
/// Hint: an error of the merge's `next` is not its end.
///
/// Book: week2/1-compaction.md#when-a-compaction-fails
#[test]
fn a_damaged_input_fails_the_merge() {
    for damaged in 0..3 {
        let (bench, runs) = bench();
        let inputs: Vec<Arc<Table>> = runs.concat();
        let path = bench.files()[damaged].clone();
        let mut bytes: Vec<u8> = bench.disk.contents(&path).expect("an input's bytes");
        bytes[2] ^= 0x40;
        bench.disk.set_contents(&path, &bytes);
        let reopened = Table::open(inputs[damaged].id(), &path, &bench.resources).expect("index and footer are whole");
        let replace = |table: Arc<Table>| if table.id() == reopened.id() { reopened.clone() } else { table };
        let runs = runs.into_iter().map(|run| run.into_iter().map(replace).collect()).collect();
        let before = bench.files();
        match bench.merge(runs).map(|outputs| outputs.len()) {
            Err(Error::Corruption { file, .. }) => assert_eq!(file, path, "the file that Corruption names"),
            other => panic!("a merge with a damaged block in input {damaged} gives {other:?}"),
        }
        assert_eq!(bench.files(), before, "the inputs' files and no others, input {damaged} being damaged");
    }
}
