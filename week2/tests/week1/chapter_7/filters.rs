//! `FilterBuilder` and `Filter` by themselves.

use std::path::Path;

use bytes::Bytes;
use lsm::Error;
use lsm::table::{Filter, FilterBuilder, key_hash};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any};
use proptest::proptest;
use proptest::test_runner::RngSeed;

use super::filter_format::{LINE, TRAILER, bits_of, encode, says_maybe, with_trailer};

/// Where the filters of these tests are said to be from.
const FILE: &str = "db/000007.sst";
const OFFSET: u64 = 4096;

fn build(hashes: &[u64], bits_per_key: usize) -> Vec<u8> {
    let mut builder: FilterBuilder = FilterBuilder::new();
    for hash in hashes {
        builder.add(*hash);
    }
    builder.finish(bits_per_key)
}

fn try_decode(bytes: &[u8]) -> Result<Filter, Error> {
    Filter::decode(Bytes::copy_from_slice(bytes), Path::new(FILE), OFFSET)
}

fn decode(bytes: &[u8]) -> Filter {
    try_decode(bytes).unwrap_or_else(|error| panic!("a sound filter of {} bytes was refused: {error}", bytes.len()))
}

fn assert_refused(bytes: &[u8], what: &str) {
    match try_decode(bytes) {
        Err(Error::Corruption { file, offset, .. }) => {
            assert_eq!(file, Path::new(FILE), "the file that Corruption names for {what}");
            let inside: bool = (OFFSET..=OFFSET + bytes.len() as u64).contains(&offset);
            assert!(inside, "Corruption names offset {offset} for {what}, which begins at {OFFSET}");
        }
        other => panic!("decoding {what} gave {other:?}; expected Error::Corruption"),
    }
}

/// Deterministic hashes of keys that are not each other's: `"here 12"`, `"elsewhere 12"`.
fn hashes(kind: &str, count: usize) -> Vec<u64> {
    (0..count).map(|number| key_hash(format!("{kind} {number}").as_bytes())).collect()
}

/// Of keys that were not added, how many in 100,000 get a "maybe".
fn false_maybes(bits_per_key: usize) -> usize {
    let filter: Filter = decode(&build(&hashes("here", 10_000), bits_per_key));
    let maybes: usize = hashes("elsewhere", 20_000).iter().filter(|hash| filter.may_contain(**hash)).count();
    maybes * 5
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(17),
        failure_persistence: None,
        cases: 60,
        ..ProptestConfig::default()
    })]

    /// A filter never denies a hash that was added: "no" is certain.
    ///
    /// Hint: builder and reader must walk the same bits. Write that walk once, as a function of hash and probes.
    ///
    /// Book: week1/7-bloom-and-prefixes.md#task-2-read-a-filter
    #[test]
    fn a_filter_never_denies_what_was_added(added in vec(any::<u64>(), 1..200), bits_per_key in 1_usize..60) {
        let filter: Filter = decode(&build(&added, bits_per_key));
        for hash in &added {
            let found: bool = filter.may_contain(*hash);
            assert!(found, "may_contain({hash:#x}) is false, but it is one of {} added at {bits_per_key} bits", added.len());
        }
    }

    /// The builder's bytes are those of the published layout, bit for bit.
    ///
    /// Hint: line by the hash's upper half, bits by the lower one; the multiplication wraps at 32 bits.
    ///
    /// Book: week1/7-bloom-and-prefixes.md#the-layout-bit-by-bit
    #[test]
    fn a_filter_is_laid_out_as_published(added in vec(any::<u64>(), 0..300), bits_per_key in 1_usize..60) {
        let mut added: Vec<u64> = added;
        added.dedup();
        let lines: usize = (added.len() * bits_per_key).div_ceil(512).max(1);
        let probes: u8 = (bits_per_key * 6 / 10).clamp(1, 30) as u8;
        let found: Vec<u8> = build(&added, bits_per_key);
        assert_eq!(found.len(), lines * LINE + TRAILER, "bytes for {} hashes at {bits_per_key} bits each", added.len());
        let expected: Vec<u8> = encode(&added, lines, probes);
        let differs: Option<usize> = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert_eq!(differs, None, "first byte unlike the published layout, of {} hashes in {lines} lines", added.len());
    }

    /// A filter that somebody else wrote by the published layout is read as they meant it.
    ///
    /// Hint: the number of probes and of lines come from the bytes, not from this engine's options.
    ///
    /// Book: week1/7-bloom-and-prefixes.md#the-layout-bit-by-bit
    #[test]
    fn a_filter_of_another_writer_is_read_as_published(
        added in vec(any::<u64>(), 0..60),
        asked in vec(any::<u64>(), 100),
        lines in 1_usize..6,
        probes in 1_u8..=30,
    ) {
        let bytes: Vec<u8> = encode(&added, lines, probes);
        let filter: Filter = decode(&bytes);
        for hash in added.iter().chain(&asked) {
            let found: bool = filter.may_contain(*hash);
            let bits: Vec<usize> = bits_of(*hash, lines, probes);
            assert_eq!(found, says_maybe(&bytes, *hash), "may_contain({hash:#x}) of {lines} lines; its bits are {bits:?}");
        }
    }
}

/// The ends of the range of hashes have their places too: the first and the last line, the first and the last bit.
///
/// Hint: work out the line in 64 bits, and the bits in 32.
///
/// Book: week1/7-bloom-and-prefixes.md#the-layout-bit-by-bit
#[test]
fn extreme_hashes_have_their_places() {
    for hash in [0, 1, u64::MAX, u64::MAX << 32, 0xFFFF_FFFF, 0x8000_0000_0000_0000, 0x7FFF_FFFF_8000_0000] {
        let mut added: Vec<u64> = hashes("here", 500);
        added.push(hash);
        let bytes: Vec<u8> = build(&added, 10);
        let lines: usize = 10;
        let expected: Vec<u8> = encode(&added, lines, 6);
        assert!(bytes == expected, "a filter with {hash:#x}, whose bits are {:?}", bits_of(hash, lines, 6));
        assert!(decode(&bytes).may_contain(hash), "may_contain({hash:#x}), which was added");
    }
}

/// At 5, 10 and 15 bits a key, no more keys get a false "maybe" than the layout costs.
///
/// Hint: a filter that says "maybe" more often sets or looks at the wrong bits, or at too few of them.
///
/// Book: week1/7-bloom-and-prefixes.md#filters
#[test]
fn false_maybes_are_as_rare_as_promised() {
    for (bits_per_key, most) in [(5, 12_000), (10, 1_400), (15, 300)] {
        let found: usize = false_maybes(bits_per_key);
        assert!(found <= most, "{found} of 100,000 missing keys got a maybe at {bits_per_key} bits; {most} at most");
    }
}

/// A filter of nothing has one line, and denies everything.
///
/// Hint: at least one line, so that a reader never divides or multiplies by none.
///
/// Book: week1/7-bloom-and-prefixes.md#task-1-build-a-filter
#[test]
fn a_filter_of_nothing_denies_everything() {
    let bytes: Vec<u8> = build(&[], 10);
    assert_eq!(bytes.len(), LINE + TRAILER, "bytes of a filter without hashes: one line and what follows the lines");
    let filter: Filter = decode(&bytes);
    assert_eq!(filter.size(), LINE, "size() of a filter of one line");
    for hash in hashes("elsewhere", 100) {
        assert!(!filter.may_contain(hash), "may_contain({hash:#x}) of a filter to which nothing was added");
    }
}

/// The number of probes is six tenths of the bits a key, rounded down, from 1 to 30, and stands behind the lines.
///
/// Hint: whole numbers: times 6, then divided by 10, then clamped.
///
/// Book: week1/7-bloom-and-prefixes.md#task-1-build-a-filter
#[test]
fn probes_follow_from_the_bits_a_key() {
    let cases =
        [(1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (9, 5), (10, 6), (15, 9), (49, 29), (50, 30), (51, 30), (99, 30)];
    for (bits_per_key, expected) in cases {
        let bytes: Vec<u8> = build(&[1], bits_per_key);
        let found: u8 = bytes[bytes.len() - TRAILER];
        assert_eq!(found, expected, "number of probes at {bits_per_key} bits a key");
    }
}

/// A filter has the fewest whole lines that give each hash its bits.
///
/// Hint: divide by the 512 bits of a line, rounding up.
///
/// Book: week1/7-bloom-and-prefixes.md#task-1-build-a-filter
#[test]
fn a_filter_has_as_many_lines_as_its_hashes_need() {
    for (count, bits_per_key, lines) in
        [(1, 10, 1), (51, 10, 1), (52, 10, 2), (64, 8, 1), (65, 8, 2), (1, 600, 2), (512, 10, 10)]
    {
        let bytes: Vec<u8> = build(&hashes("here", count), bits_per_key);
        assert_eq!(bytes.len(), lines * LINE + TRAILER, "bytes of a filter of {count} hashes at {bits_per_key} bits");
    }
}

/// A hash that equals the one just added counts once: the versions of a key share their bits.
///
/// Hint: compare with the last hash before you push.
///
/// Book: week1/7-bloom-and-prefixes.md#what-is-hashed
#[test]
fn a_hash_added_again_counts_once() {
    let many: Vec<u64> = hashes("here", 100).into_iter().flat_map(|hash| [hash; 20]).collect();
    let found: Vec<u8> = build(&many, 10);
    let expected: Vec<u8> = build(&hashes("here", 100), 10);
    assert!(
        found == expected,
        "100 hashes, each added 20 times in a row: {} bytes, expected {}",
        found.len(),
        expected.len()
    );
    let zero: Vec<u8> = build(&[0], 4);
    assert!(zero == encode(&[0], 1, 2), "a filter with the single hash 0, which is a hash like any other");
}

/// Every single flipped bit of a filter is noticed.
///
/// Hint: the checksum covers the lines and the number of probes.
///
/// Book: week1/7-bloom-and-prefixes.md#task-2-read-a-filter
#[test]
fn every_flipped_bit_is_noticed() {
    let sound: Vec<u8> = build(&hashes("here", 40), 10);
    assert_eq!(sound.len(), LINE + TRAILER, "40 hashes at 10 bits take one line");
    for bit in 0..8 * sound.len() {
        let mut damaged: Vec<u8> = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_refused(&damaged, &format!("a filter whose bit {} of byte {} is flipped", bit % 8, bit / 8));
    }
}

/// A filter that was cut short, or has bytes too many, is refused: no length makes decoding panic.
///
/// Hint: check the length before you look at any byte.
///
/// Book: week1/7-bloom-and-prefixes.md#task-2-read-a-filter
#[test]
fn a_filter_of_another_length_is_refused() {
    let sound: Vec<u8> = build(&hashes("here", 80), 10);
    for length in 0..sound.len() {
        assert_refused(&sound[..length], &format!("the first {length} bytes of a filter of {}", sound.len()));
    }
    for extra in [1, LINE] {
        let longer: Vec<u8> = [sound.clone(), vec![0; extra]].concat();
        assert_refused(&longer, &format!("a filter with {extra} bytes too many"));
    }
}

/// Lines that are not whole, or not there, are refused even if the checksum matches.
///
/// Hint: what remains without the last five bytes has to be a multiple of 64, and more than nothing.
///
/// Book: week1/7-bloom-and-prefixes.md#task-2-read-a-filter
#[test]
fn a_filter_without_whole_lines_is_refused() {
    for length in [0, 1, 63, 65, 127, 129] {
        assert_refused(&with_trailer(vec![0xFF; length], 6), &format!("a filter with {length} bytes of lines"));
    }
    decode(&with_trailer(vec![0xFF; 128], 6));
}

/// A number of probes that no builder writes is refused even if the checksum matches; 1 and 30 are taken.
///
/// Hint: with no probe, a filter would say "maybe" of everything, and nobody would notice but the disk.
///
/// Book: week1/7-bloom-and-prefixes.md#task-2-read-a-filter
#[test]
fn an_impossible_number_of_probes_is_refused() {
    for probes in [0, 31, 32, 128, 255] {
        assert_refused(&with_trailer(vec![0xFF; LINE], probes), &format!("a filter with {probes} probes"));
    }
    for probes in [1, 2, 29, 30] {
        let filter: Filter = decode(&with_trailer(vec![0xFF; LINE], probes));
        assert!(filter.may_contain(7), "may_contain of a filter with {probes} probes whose bits are all set");
    }
}
