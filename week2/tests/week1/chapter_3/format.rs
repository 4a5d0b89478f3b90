//! The format of a block, written down a second time: an encoder and a reader that share no code with the engine.
//! The book's appendix on formats says the same in words.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use lsm::block::{Block, BlockIterator};
use lsm::{Error, Result};

use super::allocations::longest_request;

/// A key, and its value or `None` for a tombstone.
pub type Entry = (Vec<u8>, Option<Vec<u8>>);

/// Where the blocks of these tests say that they are from.
pub const FILE: &str = "fruit/000007.sst";
pub const OFFSET: u64 = 70_000;

pub fn entry(key: &str, value: &str) -> Entry {
    (key.into(), Some(value.into()))
}

pub fn tombstone(key: &str) -> Entry {
    (key.into(), None)
}

/// Nine entries whose keys share beginnings of many lengths.
pub fn fruits() -> Vec<Entry> {
    vec![
        entry("app", "an early one"),
        entry("apple", "red"),
        tombstone("applesauce"),
        entry("apply", ""),
        entry("apricot", "orange"),
        entry("banana", "yellow"),
        tombstone("band"),
        entry("bandana", "blue"),
        entry("cherry", "dark red"),
    ]
}

/// `count` entries in ascending order, each value naming its key's number.
pub fn numbered(count: usize) -> Vec<Entry> {
    (0..count).map(|number| entry(&format!("key-{number:06}"), &format!("value of {number}"))).collect()
}

pub fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        bytes.push((number % 128) as u8 + 128);
        number /= 128;
    }
    bytes.push(number as u8);
}

/// One entry's bytes. `value_field` is what stands for the value's length; `rest` and `value` follow as they are.
pub fn raw_entry(shared: u64, rest: &[u8], value_field: u64, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, shared);
    put_varint(&mut bytes, rest.len() as u64);
    put_varint(&mut bytes, value_field);
    bytes.extend_from_slice(rest);
    bytes.extend_from_slice(value);
    bytes
}

/// An entry that shares `shared` bytes with the key before.
pub fn well_formed((key, value): &Entry, shared: usize) -> Vec<u8> {
    let field = value.as_ref().map_or(0, |value| value.len() as u64 + 1);
    raw_entry(shared as u64, &key[shared..], field, value.as_deref().unwrap_or_default())
}

/// Puts the checksum behind `bytes`.
pub fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// A block of these entries' bytes and restart points, whatever they are; count and checksum are right.
pub fn assemble(entries: &[Vec<u8>], restarts: &[u32]) -> Vec<u8> {
    let mut bytes = entries.concat();
    for restart in restarts {
        bytes.extend_from_slice(&restart.to_le_bytes());
    }
    bytes.extend_from_slice(&(restarts.len() as u32).to_le_bytes());
    seal(bytes)
}

/// Where each of these entries begins in a block.
pub fn offsets(entries: &[Vec<u8>]) -> Vec<u32> {
    let mut end = 0;
    let begin = |entry: &Vec<u8>| {
        let begin = end;
        end += entry.len() as u32;
        begin
    };
    entries.iter().map(begin).collect()
}

/// A block in which entry `i` is a restart point if `is_restart(i)`, and otherwise leaves out what it shares with the
/// key before, but at most `most_shared` bytes. The first entry is always a restart point.
pub fn encode_with(entries: &[Entry], most_shared: usize, is_restart: impl Fn(usize) -> bool) -> Vec<u8> {
    let is_restart = |index: usize| index == 0 || is_restart(index);
    let encoded: Vec<Vec<u8>> = (0..entries.len())
        .map(|index| {
            let shared = if is_restart(index) { 0 } else { common(&entries[index - 1].0, &entries[index].0) };
            well_formed(&entries[index], shared.min(most_shared))
        })
        .collect();
    let offsets = offsets(&encoded);
    let restarts: Vec<u32> =
        (0..entries.len()).filter(|index| is_restart(*index)).map(|index| offsets[index]).collect();
    assemble(&encoded, &restarts)
}

/// A block with a restart point at every `interval`-th entry, and keys shortened as far as they can be in between.
pub fn encode(entries: &[Entry], interval: usize) -> Vec<u8> {
    encode_with(entries, usize::MAX, |index| index % interval == 0)
}

fn common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

/// A block that was changed in many ways, each under a checksum that is right; some of them are still well-formed.
pub fn noise() -> Vec<Vec<u8>> {
    let block = encode(&fruits(), 3);
    let covered = &block[..block.len() - 4];
    let mut blocks: Vec<Vec<u8>> = (0..covered.len()).map(|length| covered[..length].to_vec()).collect();
    for at in 0..covered.len() {
        let flipped = (0..8).map(|bit| covered[at] ^ 1 << bit);
        for byte in flipped.chain([0, 0x7f, 0x80, 0xff]) {
            let mut changed = covered.to_vec();
            changed[at] = byte;
            blocks.push(changed);
        }
    }
    blocks.into_iter().map(seal).collect()
}

/// Decodes a block that is well-formed.
pub fn decode(block: &[u8]) -> Block {
    let result: Result<Block> = Block::decode(Bytes::copy_from_slice(block), Path::new(FILE), OFFSET);
    result.unwrap_or_else(|error| {
        let shown = &block[..block.len().min(80)];
        panic!("a well-formed block of {} bytes was refused with '{error}'; it begins {shown:02x?}", block.len())
    })
}

/// Demands that `decode` refuses these bytes with an error that names the place, and asks for no memory that only a
/// damaged length gives reason for.
pub fn assert_refused(block: &[u8], damage: &str) {
    let bytes = Bytes::copy_from_slice(block);
    let (result, asked): (Result<Block>, usize) = longest_request(|| Block::decode(bytes, Path::new(FILE), OFFSET));
    let shown = &block[..block.len().min(80)];
    let most = 65_536 + 16 * block.len();
    assert!(
        asked <= most,
        "{damage}: decode of a block of {} bytes asked for {asked} bytes of memory at once; a length has to be compared \
         with what is there before it is believed",
        block.len()
    );
    let Err(error) = result else { panic!("{damage}: decode must refuse this block, but took it: {shown:02x?}") };
    let Error::Corruption { file, offset, .. } = &error else {
        panic!("{damage}: expected Error::Corruption, found '{error}' ({error:?})")
    };
    let file: &PathBuf = file;
    let offset: u64 = *offset;
    assert_eq!(file, Path::new(FILE), "{damage}: the error has to name the file that decode was told");
    let end = OFFSET + block.len().max(1) as u64;
    assert!(
        (OFFSET..end).contains(&offset),
        "{damage}: the block lies at bytes {OFFSET} to {end} of its file, but the error says byte {offset}"
    );
}

/// The entry that an iterator stands on.
pub fn current(iterator: &BlockIterator) -> Option<Entry> {
    let key: &[u8] = iterator.key();
    let value: Option<&[u8]> = iterator.value();
    let bytes: Option<Bytes> = iterator.value_bytes();
    assert_eq!(bytes.as_deref(), value, "value_bytes() and value() of key {key:02x?} differ");
    if !iterator.is_valid() {
        assert_eq!((key, value), (&b""[..], None), "an iterator that stands on no entry has no key and no value");
        return None;
    }
    Some((key.to_vec(), value.map(<[u8]>::to_vec)))
}

/// Demands these entries, and otherwise tells the first that differs.
pub fn assert_entries(found: &[Entry], expected: &[Entry], what: &str) {
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(found == expected, "{what}: entry {index} should be {}, found {}", short(expected), short(found));
    }
    assert_eq!(found.len(), expected.len(), "{what}: the number of entries; those that are there are right");
}

/// An entry in one line, however long it is.
pub fn short((key, value): &Entry) -> String {
    let start = |bytes: &[u8]| match bytes.len() {
        0..=20 => format!("'{}'", bytes.escape_ascii()),
        length => format!("'{}…' ({length} bytes)", bytes[..20].escape_ascii()),
    };
    match value {
        None => format!("{}, a tombstone", start(key)),
        Some(value) => format!("{} = {}", start(key), start(value)),
    }
}

/// What an iterator gives from where it stands, to the end: at most `most` entries.
pub fn rest(iterator: &mut BlockIterator, most: usize) -> Vec<Entry> {
    let mut found = Vec::new();
    while let Some(entry) = current(iterator) {
        assert!(found.len() < most, "the iterator goes on after {most} entries, which are all there are");
        found.push(entry);
        iterator.next();
    }
    found
}

/// All that a block's bytes hold, by decode and a walk from the first entry.
pub fn walk(block: &[u8], most: usize) -> Vec<Entry> {
    let mut iterator: BlockIterator = BlockIterator::new(decode(block));
    iterator.seek_to_first();
    rest(&mut iterator, most)
}

/// What the bytes of a block say by the format alone.
pub struct Parsed {
    pub entries: Vec<Entry>,
    /// Where each entry begins, and whether it holds its whole key.
    pub offsets: Vec<(usize, bool)>,
    pub restarts: Vec<usize>,
}

/// Reads a finished block by the format, and panics with what is wrong with it.
pub fn parse(block: &[u8]) -> Parsed {
    assert!(block.len() >= 8, "a block has a count and a checksum, 4 bytes each; found {} bytes", block.len());
    let (covered, checksum) = block.split_at(block.len() - 4);
    let expected = crc32fast::hash(covered);
    assert_eq!(number(checksum), expected as usize, "a block ends with the CRC-32 of all bytes before, little-endian");
    let count = number(&covered[covered.len() - 4..]);
    let room = covered.len() - 4;
    let restarts_at = room.checked_sub(4 * count).unwrap_or_else(|| {
        panic!("the count of restart points, {count}, stands before the checksum; but {room} bytes cannot hold them")
    });
    let restarts = covered[restarts_at..room].chunks(4).map(number).collect();
    let (mut entries, mut offsets) = (Vec::<Entry>::new(), Vec::new());
    let mut left = &covered[..restarts_at];
    while !left.is_empty() {
        let at = restarts_at - left.len();
        let [shared, unshared, value] = [0; 3].map(|_| take_varint(&mut left, at));
        let before = entries.last().map_or(&[][..], |(key, _)| key);
        assert!(
            shared <= before.len(),
            "the entry at byte {at} shares {shared} bytes with a key of {} bytes; the entry before ended at byte {at} by \
             its own lengths, so one of these may be wrong too",
            before.len()
        );
        let mut key = before[..shared].to_vec();
        key.extend_from_slice(take(&mut left, unshared, at));
        let value = value.checked_sub(1).map(|length| take(&mut left, length, at).to_vec());
        entries.push((key, value));
        offsets.push((at, shared == 0));
    }
    Parsed { entries, offsets, restarts }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number * 256 + usize::from(*byte))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize, at: usize) -> &'a [u8] {
    let (taken, left) = bytes.split_at_checked(length).unwrap_or_else(|| {
        let before = if at > 0 { "; the entry before ended there by its own lengths: one may be wrong" } else { "" };
        let left = bytes.len();
        panic!("the entry at byte {at} says that {length} bytes follow, but the entries end after {left}{before}")
    });
    *bytes = left;
    taken
}

fn take_varint(bytes: &mut &[u8], at: usize) -> usize {
    let mut number = 0;
    for index in 0.. {
        let byte = take(bytes, 1, at)[0];
        number += usize::from(byte % 128) << (7 * index);
        if byte < 128 {
            break;
        }
        assert!(index < 4, "the entry at byte {at} has a varint of more than five bytes");
    }
    number
}
