//! A merge: where its outputs end, and how it is called off.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lsm::compaction::{DropPolicy, Shape};
use lsm::disk::Operation;
use lsm::table::{Table, TableBuilder};
use parking_lot::Mutex;

use super::fixture::{Entries, Workbench, entries, entries_of, first_four, is_table, text};

/// A hundred entries with values of different lengths.
fn hundred() -> Entries {
    let value = |number: usize| Some(Bytes::from(vec![b'v'; number * 37 % 90]));
    (0..100).map(|number| (Bytes::from(format!("key{number:03}")), value(number))).collect()
}

/// Where tables of these entries have to end: a builder of the same kind is asked for its size behind each entry.
fn expected_cuts(bench: &Workbench, entries: &[(Bytes, Option<Bytes>)], table_size: u64) -> Vec<usize> {
    let create = || TableBuilder::create(Path::new("aside"), &bench.resources).expect("a builder");
    let (mut cuts, mut builder) = (vec![0], create());
    for (key, value) in entries {
        if builder.size() >= table_size && builder.entries() > 0 {
            // The old one removes its file, which has the same name.
            drop(builder);
            builder = create();
            cuts.push(0);
        }
        builder.add(key, value.as_deref()).expect("adding an entry");
        *cuts.last_mut().expect("never empty") += 1;
    }
    cuts
}

/// An output ends as soon as `TableBuilder::size` has reached `table_size`, and not before.
///
/// Hint: look before you add an entry: is the output full? Then it ends, and the entry begins the next one.
///
/// Book: week2/1-compaction.md#where-an-output-ends
#[test]
fn an_output_ends_when_it_has_its_size() {
    for table_size in [0, 1, 90, 91, 300, 1000, 5000, 1 << 20] {
        let bench = Workbench::with(|options| {
            options.table_size = table_size;
            options.block_size = 200;
        });
        let all: Entries = hundred();
        let expected: Vec<usize> = expected_cuts(&bench, &all, table_size);
        let outputs: Vec<Arc<Table>> = bench.merge(vec![vec![bench.table(&all)]]).expect("a merge");
        let found: Vec<usize> = outputs.iter().map(|table| table.entries() as usize).collect();
        assert_eq!(found, expected, "entries in each output of a hundred, with a table_size of {table_size}");
    }
}

/// Entries with the same user part never stand in two outputs, however full one is; all of them are kept.
///
/// Hint: an output that is full ends at the next entry whose user part is another than that of its last entry.
///
/// Book: week2/1-compaction.md#where-an-output-ends
#[test]
fn no_output_ends_between_entries_of_one_user_key() {
    for table_size in [1, 40, 60, 150] {
        let bench = Workbench::with(|options| {
            options.table_size = table_size;
            options.block_size = 1;
            options.user_part = first_four;
        });
        let newer = "aaaa9=1 bbbb7=2 bbbb8=3 cccc1=4 dddd5=5 dddd6=6 dddd7=7 dddd8=8 dddd9=9 e=1";
        let older = "aaaa1=1 aaaa5=1 bbbb1=1 dddd1=1 dddd99=1 eeee=1 eeee1=1 f=1";
        let outputs: Vec<Arc<Table>> = bench.merge(vec![bench.run(newer), bench.run(older)]).expect("a merge");
        let found: Entries = outputs.iter().flat_map(entries_of).collect();
        let mut expected: Entries = entries(&format!("{newer} {older}"));
        expected.sort();
        assert_eq!(
            text(&found),
            text(&expected),
            "entries with one user part and different keys are different entries"
        );
        for pair in outputs.windows(2) {
            let (last, first) = (first_four(pair[0].last_key()), first_four(pair[1].first_key()));
            assert_ne!(
                last, first,
                "the user key stands in two outputs, table_size {table_size}; the user key is 4 bytes"
            );
        }
        if table_size == 1 {
            let counts: Vec<u64> = outputs.iter().map(|table| table.entries()).collect();
            assert_eq!(counts, [3, 3, 1, 7, 1, 2, 1], "entries in each output, one user key each, table_size 1");
        }
    }
}

/// An entry that is left out ends no output, and a full output ends at the next user key even if that one's entries are
/// left out.
///
/// Hint: what is left out adds nothing to the output's size.
///
/// Book: week2/1-compaction.md#where-an-output-ends
#[test]
fn what_is_left_out_makes_no_output() {
    let bench = Workbench::with(|options| options.table_size = 1);
    let outputs: Vec<Arc<Table>> = bench.merge(vec![bench.run("a=× b=1 c=× d=× e=2 f=×")]).expect("a merge");
    let found: Vec<String> = outputs.iter().map(|table| text(&entries_of(table))).collect();
    assert_eq!(found, ["b=1", "e=2"], "outputs of one entry each");
}

/// The merge asks whether it is called off each time that an output has ended and entries are left. If so it ends at
/// once: it gives `None`, begins no further output, and leaves no file.
///
/// Hint: `remove_when_unused` for each output, and then let go of them.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn a_merge_that_is_called_off_leaves_nothing() {
    for limit in 1..=5 {
        let bench = Workbench::with(|options| options.table_size = 1);
        let runs = vec![bench.run("a=1 c=1 e=1"), bench.run("b=2 d=2 f=2")];
        let before = bench.files();
        let created: Arc<Mutex<usize>> = Arc::default();
        let counted = created.clone();
        bench.disk.on_operation(move |step| {
            *counted.lock() += usize::from(step.operation == Operation::Create && is_table(step.path));
        });
        let asked = Cell::new(0);
        let is_cancelled = || {
            asked.set(asked.get() + 1);
            asked.get() == limit
        };
        let shape = Shape::new(1);
        let policy = DropPolicy::new(&shape, 1, bench.resources.options.user_part);
        let outcome: Option<Vec<Arc<Table>>> = bench.job(runs, policy, &is_cancelled).expect("calling off is no error");
        let given: Option<usize> = outcome.map(|outputs| outputs.len());
        assert_eq!(given, None, "what a merge gives that is called off behind output {limit} of 6");
        assert_eq!(asked.get(), limit, "how often it asked");
        assert_eq!(*created.lock(), limit, "outputs begun");
        assert_eq!(bench.files(), before, "files after a merge that was called off behind output {limit}");
    }
}

/// A merge that is not called off asks once behind each output, and gives all of them.
///
/// Hint: nothing is left behind the last output, so there is nothing to give up.
///
/// Book: week2/1-compaction.md#task-4-the-merge
#[test]
fn a_merge_asks_behind_each_output() {
    let bench = Workbench::with(|options| options.table_size = 1);
    let runs = vec![bench.run("a=1 c=1 e=1"), bench.run("b=2 d=2 f=2")];
    let asked = Cell::new(0);
    let is_cancelled = || {
        asked.set(asked.get() + 1);
        false
    };
    let shape = Shape::new(1);
    let policy = DropPolicy::new(&shape, 1, bench.resources.options.user_part);
    let outputs: Option<Vec<Arc<Table>>> = bench.job(runs, policy, &is_cancelled).expect("a merge");
    assert_eq!(outputs.map(|outputs| outputs.len()), Some(6), "outputs of six entries, each full with one");
    assert_eq!(asked.get(), 5, "behind each output but the last it asks whether to give up");
}
