//! Prefix compression: what `BlockBuilder::add` stores of a key.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use lsm::block::{Block, BlockBuilder, BlockIterator};
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::RngSeed;
use proptest::{option, proptest};

use super::block_format::{Parsed, parse};

type Model = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn build<'a>(keys: impl IntoIterator<Item = &'a str>, restart_interval: usize) -> Vec<u8> {
    let mut builder: BlockBuilder = BlockBuilder::new(restart_interval);
    for key in keys {
        builder.add(key.as_bytes(), Some(b"value"));
    }
    builder.finish()
}

fn decode(bytes: &[u8]) -> Block {
    Block::decode(Bytes::copy_from_slice(bytes), Path::new("000007.sst"), 0).expect("the builder wrote a sound block")
}

/// An entry leaves out what its key shares with the key just before it.
///
/// Hint: keep the last key that was added, whole, and compare with that one.
///
/// Book: week1/7-bloom-and-prefixes.md#shared-with-the-key-just-before
#[test]
fn a_key_leaves_out_what_it_shares_with_the_one_before() {
    let keys = ["apple", "applet", "apricot", "apron", "banana"];
    let found: Vec<usize> = parse(&build(keys, 16)).shared();
    assert_eq!(found, [0, 5, 2, 3, 0], "shared lengths of {keys:?}, each against the key before it");
}

/// A key that begins with the whole key before it stores its own last bytes alone; zero bytes count like any.
///
/// Hint: the comparison ends where the shorter key ends.
///
/// Book: week1/7-bloom-and-prefixes.md#shared-with-the-key-just-before
#[test]
fn a_key_may_share_the_whole_key_before() {
    let keys = ["", "\0", "\0\0", "a", "aa", "aaa", "aab"];
    let found: Vec<usize> = parse(&build(keys, 16)).shared();
    assert_eq!(found, [0, 0, 1, 0, 1, 2, 2], "shared lengths of {keys:?}");
}

/// A shared length above 127 takes a longer varint, and is stored in full.
///
/// Hint: `put_varint` for all three lengths.
///
/// Book: week1/7-bloom-and-prefixes.md#shared-with-the-key-just-before
#[test]
fn a_long_beginning_is_shared_in_full() {
    let keys: Vec<String> = (10..20).map(|number| format!("{}{number}", "x".repeat(300))).collect();
    let parsed: Parsed = parse(&build(keys.iter().map(String::as_str), 16));
    let expected: Vec<usize> = [vec![0], vec![301; 9]].concat();
    assert_eq!(parsed.shared(), expected, "shared lengths of keys with 301 bytes in common");
    let found: Vec<&[u8]> = parsed.entries.iter().map(|entry| entry.key.as_slice()).collect();
    let expected: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
    assert_eq!(found, expected, "the keys put together");
}

/// Every `restart_interval`-th entry is a restart point and stores its whole key; all others share.
///
/// Hint: count the entries since the last restart point; the count begins anew there.
///
/// Book: week1/7-bloom-and-prefixes.md#task-4-leave-out-what-keys-share
#[test]
fn every_so_many_entries_stand_whole() {
    let keys: Vec<String> = (100..120).map(|number| format!("key{number}")).collect();
    for restart_interval in [2, 3, 4, 16, 19, 20, 21] {
        let parsed: Parsed = parse(&build(keys.iter().map(String::as_str), restart_interval));
        let expected: Vec<usize> = (0..20).step_by(restart_interval).collect();
        let restarts: Vec<usize> = parsed.restarts.clone();
        let found: Vec<usize> = (0..20).filter(|place| restarts.contains(&parsed.entries[*place].offset)).collect();
        assert_eq!(found, expected, "which of 20 entries are restart points, interval {restart_interval}");
        let whole: Vec<usize> = (0..20).filter(|place| parsed.entries[*place].shared == 0).collect();
        assert_eq!(
            whole, expected,
            "which of 20 entries with a common beginning stand whole, interval {restart_interval}"
        );
    }
}

/// A builder that has finished a block begins the next one with a whole key, and counts its restart points anew.
///
/// Hint: the first key of a block has no key before it.
///
/// Book: week1/7-bloom-and-prefixes.md#task-4-leave-out-what-keys-share
#[test]
fn the_next_block_begins_anew() {
    let mut builder: BlockBuilder = BlockBuilder::new(4);
    for block in 0..3 {
        for number in 0..6 {
            builder.add(format!("key{block}{number}").as_bytes(), None);
        }
        let parsed: Parsed = parse(&builder.finish());
        assert_eq!(
            parsed.shared(),
            [0, 4, 4, 4, 0, 4],
            "shared lengths in block {block} of the same builder, interval 4"
        );
        assert_eq!(parsed.restarts.len(), 2, "restart points of block {block} of the same builder");
    }
}

/// `size` says how long the block will be, with what is left out taken off.
///
/// Hint: it follows from the encoded bytes, not from the keys' lengths.
///
/// Book: week1/7-bloom-and-prefixes.md#task-4-leave-out-what-keys-share
#[test]
fn size_counts_what_is_stored() {
    let mut builder: BlockBuilder = BlockBuilder::new(3);
    let mut whole: usize = 0;
    for number in 10..60 {
        let key: String = format!("a beginning that all share {number}");
        builder.add(key.as_bytes(), Some(b"value"));
        whole += key.len();
    }
    let size: usize = builder.size();
    let block: Vec<u8> = builder.finish();
    assert_eq!(size, block.len(), "size() before finish() of a block of 50 entries");
    assert!(block.len() < whole, "the block has {} bytes, its keys alone {whole}: they are stored whole", block.len());
}

/// Keys with a long common beginning take a small part of the bytes that they would take whole.
///
/// Hint: if the block did not shrink, look at what follows the lengths: the key's rest, not the key.
///
/// Book: week1/7-bloom-and-prefixes.md#keys-that-begin-alike
#[test]
fn a_block_of_similar_keys_is_much_smaller() {
    let keys: Vec<String> = (1000..1200).map(|number| format!("tenant/0042/user/profile/{number}")).collect();
    let shared: usize = build(keys.iter().map(String::as_str), 16).len();
    let whole: usize = build(keys.iter().map(String::as_str), 1).len();
    assert!(2 * shared < whole, "200 keys with 25 bytes in common: {shared} bytes, {whole} with all keys whole");
}

/// Random keys, the next often beginning as the one before.
fn entries() -> impl Strategy<Value = Model> {
    let letter = prop_oneof![4 => Just(b'a'), 2 => Just(b'b'), 1 => Just(0), 1 => any::<u8>()];
    btree_map(vec(letter, 0..9), option::weighted(0.8, vec(any::<u8>(), 0..5)), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(71),
        failure_persistence: None,
        cases: 80,
        ..ProptestConfig::default()
    })]

    /// Every block holds its entries as published: whole keys at restart points, elsewhere the longest shared beginning
    /// left out; read back, and sought in, it gives what went in.
    ///
    /// Hint: shared = how many bytes the key and the one before have in common; what follows is the rest.
    ///
    /// Book: week1/7-bloom-and-prefixes.md#task-4-leave-out-what-keys-share
    #[test]
    fn blocks_hold_their_entries_as_published(
        model in entries(),
        restart_interval in 1_usize..20,
        targets in vec(vec(prop_oneof![Just(b'a'), Just(b'b'), any::<u8>()], 0..6), 10),
    ) {
        let mut builder: BlockBuilder = BlockBuilder::new(restart_interval);
        for (key, value) in &model {
            builder.add(key, value.as_deref());
        }
        let size: usize = builder.size();
        let bytes: Vec<u8> = builder.finish();
        assert_eq!(size, bytes.len(), "size() before finish()");
        let parsed: Parsed = parse(&bytes);
        let mut before: &[u8] = &[];
        let mut expected_restarts: Vec<usize> = Vec::new();
        for (place, ((key, value), stored)) in model.iter().zip(&parsed.entries).enumerate() {
            let is_restart: bool = place.is_multiple_of(restart_interval);
            let common: usize = key.iter().zip(before).take_while(|(left, right)| left == right).count();
            let expected: usize = if is_restart { 0 } else { common };
            assert_eq!((&stored.key, &stored.value), (key, value), "entry {place}, put together");
            assert_eq!(stored.shared, expected, "shared length of entry {place}, {key:?} after {before:?}");
            expected_restarts.extend(is_restart.then_some(stored.offset));
            before = key;
        }
        assert_eq!(parsed.entries.len(), model.len(), "entries in the block");
        assert_eq!(parsed.restarts, expected_restarts, "restart points at interval {restart_interval}");
        let mut iterator: BlockIterator = BlockIterator::new(decode(&bytes));
        for target in targets.iter().chain(model.keys()) {
            iterator.seek(target);
            let expected: Option<(&[u8], Option<&[u8]>)> =
                model.range(target.clone()..).next().map(|(key, value)| (key.as_slice(), value.as_deref()));
            let found: Option<(&[u8], Option<&[u8]>)> =
                iterator.is_valid().then(|| (iterator.key(), iterator.value()));
            assert_eq!(found, expected, "seek({target:?}) in a block with restart interval {restart_interval}");
        }
    }
}
