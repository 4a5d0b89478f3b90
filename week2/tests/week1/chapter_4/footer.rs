//! The last bytes of a table.

use std::path::Path;

use lsm::table::{Footer, Section};
use lsm::{Error, Result};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use proptest::test_runner::RngSeed;

use super::support::expect;

const EXAMPLE: Footer = Footer {
    index: Section { offset: 0x0102_0304, length: 0x0506 },
    filter: Section { offset: 0x0708_090A, length: 0x0B0C },
    entries: 0x0D0E_0F10,
    tombstones: 0x1112,
};

/// Long enough for all that the example names.
const FILE_SIZE: u64 = 1 << 40;

fn decode(bytes: &[u8]) -> Result<Footer> {
    Footer::decode(bytes, Path::new("tables/000001.sst"), FILE_SIZE)
}

/// Puts the right checksum into a footer that a test has changed.
fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes[..44]);
    bytes[44..48].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn is_corruption<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Corruption { .. }))
}

/// A footer's 56 bytes are those that the format says, numbers little-endian.
///
/// Hint: go through the table in the book row by row; the checksum is `crc32fast::hash` of bytes 0 to 43.
///
/// Book: week1/4-tables.md#task-1-the-footer
#[test]
fn a_footer_has_the_bytes_of_the_format() {
    let bytes: Vec<u8> = EXAMPLE.encode();
    assert_eq!(bytes.len(), Footer::LENGTH, "length of an encoded footer");
    assert_eq!(Footer::LENGTH, 56, "Footer::LENGTH");
    assert_eq!(bytes[0..8], 0x0102_0304_u64.to_le_bytes(), "bytes 0 to 7: the index's offset");
    assert_eq!(bytes[8..12], 0x0506_u32.to_le_bytes(), "bytes 8 to 11: the index's length");
    assert_eq!(bytes[12..20], 0x0708_090A_u64.to_le_bytes(), "bytes 12 to 19: the filter's offset");
    assert_eq!(bytes[20..24], 0x0B0C_u32.to_le_bytes(), "bytes 20 to 23: the filter's length");
    assert_eq!(bytes[24..32], 0x0D0E_0F10_u64.to_le_bytes(), "bytes 24 to 31: the entries");
    assert_eq!(bytes[32..40], 0x1112_u64.to_le_bytes(), "bytes 32 to 39: the tombstones");
    assert_eq!(bytes[40..44], 1_u32.to_le_bytes(), "bytes 40 to 43: the format version");
    assert_eq!(bytes[44..48], crc32fast::hash(&bytes[..44]).to_le_bytes(), "bytes 44 to 47: the checksum");
    assert_eq!(&bytes[48..], b"lsmtable", "bytes 48 to 55: the magic");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, rng_seed: RngSeed::Fixed(104), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// A footer is read as it was written, whatever numbers it holds.
    ///
    /// Hint: `decode` reads each field at the offset where `encode` put it.
    ///
    /// Book: week1/4-tables.md#task-1-the-footer
    #[test]
    fn a_footer_is_read_as_it_was_written(
        index in (0..FILE_SIZE / 2, any::<u32>()),
        filter in (0..FILE_SIZE / 2, any::<u32>()),
        entries in any::<u64>(),
        tombstones in any::<u64>(),
    ) {
        let footer = Footer {
            index: Section { offset: index.0, length: index.1 },
            filter: Section { offset: filter.0, length: filter.1 },
            entries,
            tombstones,
        };
        let found: Footer = expect("decoding a footer", decode(&footer.encode()));
        prop_assert_eq!(found, footer);
    }
}

/// Every flipped bit of a footer is noticed.
///
/// Hint: the magic is compared, the version looked at, the checksum covers the rest. Is the checksum itself compared?
///
/// Book: week1/4-tables.md#task-1-the-footer
#[test]
fn a_flipped_bit_in_a_footer_is_noticed() {
    for bit in 0..8 * Footer::LENGTH {
        let mut bytes = EXAMPLE.encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let outcome: Result<Footer> = decode(&bytes);
        let is_told = match outcome {
            Err(Error::UnsupportedVersion { .. }) => (40..44).contains(&(bit / 8)),
            Err(Error::Corruption { .. }) => true,
            _ => false,
        };
        assert!(is_told, "bit {} of byte {} was flipped, and decode gave {outcome:?}", bit % 8, bit / 8);
    }
}

/// A file that is too short for a footer is damaged; no check reaches outside of its bytes.
///
/// Hint: the first of all checks is the number of bytes.
///
/// Book: week1/4-tables.md#task-1-the-footer
#[test]
fn too_few_bytes_are_no_footer() {
    let whole = EXAMPLE.encode();
    for length in 0..Footer::LENGTH {
        // The end of a footer, and thus with the magic in its place.
        let bytes = &whole[Footer::LENGTH - length..];
        let outcome: Result<Footer> = Footer::decode(bytes, Path::new("t.sst"), length as u64);
        assert!(is_corruption(&outcome), "the last {length} bytes of a footer gave {outcome:?}, not Corruption");
    }
}

/// What does not end with the magic is no table, whatever version it seems to have.
///
/// Hint: the magic is checked before the version: a file of another kind has no version.
///
/// Book: week1/4-tables.md#task-1-the-footer
#[test]
fn the_magic_is_checked_before_the_version() {
    let mut bytes = EXAMPLE.encode();
    bytes[40..44].copy_from_slice(&2_u32.to_le_bytes());
    bytes[55] = b'E';
    let outcome: Result<Footer> = decode(&bytes);
    assert!(is_corruption(&outcome), "wrong magic and version 2: expected Corruption, found {outcome:?}");
}

/// A later version is refused by its number, before anything else in the footer is believed.
///
/// Hint: a later version may compute its checksum otherwise. Only version and magic keep their places, so the version
/// is checked before the checksum.
///
/// Book: week1/4-tables.md#task-1-the-footer
#[test]
fn a_later_version_is_checked_before_the_checksum() {
    for version in [2_u32, 3, 0x0100_0000, u32::MAX] {
        let mut bytes = EXAMPLE.encode();
        bytes[40..44].copy_from_slice(&version.to_le_bytes());
        for bytes in [bytes.clone(), with_checksum(bytes)] {
            match decode(&bytes) {
                Err(Error::UnsupportedVersion { file, found, supported }) => {
                    assert_eq!((found, supported), (version, 1), "the versions that the error names");
                    assert_eq!(file, Path::new("tables/000001.sst"), "the file that the error names");
                }
                other => panic!("version {version}: expected UnsupportedVersion, found {other:?}"),
            }
        }
    }
}

/// A footer whose sections do not lie before it is damaged, even if its checksum is right; sections that end where the
/// footer begins are good.
///
/// Hint: compare `Section::end` with the file's size less `Footer::LENGTH`. An offset and a length can add up to more
/// than a u64 holds: `end` is `None` then.
///
/// Book: week1/4-tables.md#task-1-the-footer
#[test]
fn sections_lie_before_the_footer() {
    let start = 1000_u64;
    let decode = |footer: Footer| -> Result<Footer> {
        Footer::decode(&footer.encode(), Path::new("t.sst"), start + Footer::LENGTH as u64)
    };
    let good = Section { offset: 100, length: 50 };
    let fits = [Section { offset: start - 50, length: 50 }, Section { offset: 0, length: start as u32 }];
    for section in fits {
        for footer in with_each_section(good, section) {
            assert_eq!(expect("a footer whose sections fit", decode(footer)), footer, "the decoded footer");
        }
    }
    let leads_outside = [
        Section { offset: start - 50, length: 51 },
        Section { offset: start, length: 1 },
        Section { offset: start + 1, length: 0 },
        Section { offset: 0, length: u32::MAX },
        Section { offset: u64::MAX, length: 0 },
        Section { offset: u64::MAX, length: 1 },
        Section { offset: u64::MAX - 10, length: 1000 },
    ];
    for section in leads_outside {
        for footer in with_each_section(good, section) {
            let outcome = decode(footer);
            assert!(is_corruption(&outcome), "{footer:?} before a footer at {start}: found {outcome:?}");
        }
    }
}

/// Two footers: one with `special` as its index, one with it as its filter.
fn with_each_section(good: Section, special: Section) -> [Footer; 2] {
    let footer = |index, filter| Footer { index, filter, entries: 3, tombstones: 1 };
    [footer(special, good), footer(good, special)]
}
