//! The engine beside a `BTreeMap`, over random operations.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use lsm::disk::SimDisk;
use lsm::{Engine, Error, KeyRange, Options};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::RngSeed;
use proptest::{option, proptest};

use super::fixture::{Pairs, scan, table_files};

type Key = Vec<u8>;
type Value = Option<Vec<u8>>;

/// What is done to the engine; `None` is a tombstone.
#[derive(Clone, Debug)]
enum Step {
    Ingest(BTreeMap<Key, Value>),
    Write(Key, Value),
    Freeze,
}

/// Few keys, so that they meet; all kinds of beginnings, and zero bytes.
fn keys() -> impl Strategy<Value = Key> {
    vec(prop_oneof![Just(0), Just(b'a'), Just(b'b'), Just(0xFF)], 0..4)
}

fn values() -> impl Strategy<Value = Value> {
    option::weighted(0.7, vec(any::<u8>(), 0..12))
}

fn tables() -> impl Strategy<Value = Step> {
    btree_map(keys(), values(), 0..25).prop_map(Step::Ingest)
}

/// First tables, then writes, with an ingest here and there that has to be refused.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let writes = prop_oneof![
        8 => (keys(), values()).prop_map(|(key, value)| Step::Write(key, value)),
        1 => Just(Step::Freeze),
        1 => tables(),
    ];
    (vec(tables(), 0..7), vec(writes, 0..25)).prop_map(|(tables, writes)| [tables, writes].concat())
}

fn bounds() -> impl Strategy<Value = Bound<Key>> {
    prop_oneof![
        2 => keys().prop_map(Bound::Included),
        2 => keys().prop_map(Bound::Excluded),
        1 => Just(Bound::Unbounded),
    ]
}

/// Does a step to both; the ingest's rule is that it is refused once anything was written.
fn apply(engine: &Engine, disk: &SimDisk, model: &mut BTreeMap<Key, Value>, was_written: &mut bool, step: &Step) {
    match step {
        Step::Write(key, Some(value)) => engine.put(key, value).expect("a put in memory succeeds"),
        Step::Write(key, None) => engine.delete(key).expect("a deletion in memory succeeds"),
        Step::Freeze => engine.freeze().expect("freezing needs nothing that can fail"),
        Step::Ingest(entries) => {
            let files: usize = table_files(disk).len();
            let borrowed = entries.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
            let outcome: Result<(), Error> = engine.ingest(borrowed);
            if entries.is_empty() {
                return;
            }
            let is_refused: bool = matches!(outcome, Err(Error::InvalidInput(_)));
            assert_eq!(is_refused, *was_written, "written before: {was_written}; the ingest gave {outcome:?}");
            assert!(is_refused || outcome.is_ok(), "an ingest on a sound disk gave {outcome:?}");
            let expected: usize = files + usize::from(!is_refused);
            assert_eq!(table_files(disk).len(), expected, "tables' files after an ingest, refused: {is_refused}");
            if !is_refused {
                model.extend(entries.clone());
            }
        }
    }
    if let Step::Write(key, value) = step {
        model.insert(key.clone(), value.clone());
        *was_written = true;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(15),
        failure_persistence: None,
        cases: 50,
        ..ProptestConfig::default()
    })]

    /// After any tables, writes and freezes, `get` of every key and any scan give what an ordered map gives.
    ///
    /// Hint: the failing case is shrunk: read its steps from the top, and ask which source should decide.
    ///
    /// Book: week1/5-read-path.md#what-the-suite-checks
    #[test]
    fn the_engine_reads_like_an_ordered_map(
        steps in steps(),
        ranges in vec((bounds(), bounds()), 4),
        block_size in prop_oneof![Just(1_usize), Just(40), Just(4096)],
        cache_size in prop_oneof![Just(0_usize), Just(1 << 20)],
    ) {
        let disk: SimDisk = SimDisk::new();
        let mut options: Options = Options::manual();
        options.disk = Arc::new(disk.clone());
        options.block_size = block_size;
        options.cache_size = cache_size;
        let engine: Engine = Engine::open("db", options).expect("an engine opens in an empty directory");
        let mut model: BTreeMap<Key, Value> = BTreeMap::new();
        let mut was_written: bool = false;
        for step in &steps {
            apply(&engine, &disk, &mut model, &mut was_written, step);
        }
        for (key, expected) in &model {
            let found: Option<Bytes> = engine.get(key).expect("the disk works");
            assert_eq!(found.as_deref(), expected.as_deref(), "get of b\"{}\"", key.escape_ascii());
        }
        for missing in [&b"ab\0\0"[..], b"c", b"\xFF\xFF\xFF\xFF"] {
            let found: Option<Bytes> = engine.get(missing).expect("the disk works");
            assert_eq!(found, None, "get of b\"{}\", which was never written", missing.escape_ascii());
        }
        let live: Pairs = model
            .iter()
            .filter_map(|(key, value)| Some((Bytes::from(key.clone()), Bytes::from(value.clone()?))))
            .collect();
        assert_eq!(scan(&engine, ..), live, "scan(..)");
        for (lower, upper) in ranges {
            let range: KeyRange = (lower, upper).into();
            let inside = |key: &Bytes| range.reaches_down_to(key) && range.reaches_up_to(key);
            let expected: Pairs = live.iter().filter(|(key, _)| inside(key)).cloned().collect();
            assert_eq!(scan(&engine, range.clone()), expected, "scan of {range:?}");
        }
    }
}
