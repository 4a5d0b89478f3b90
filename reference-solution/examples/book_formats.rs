//! Prints blocks and a table byte by byte, for chapter 1.3 and for the book's appendix on formats.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lsm::Options;
use lsm::block::{Block, BlockBuilder, BlockIterator, CHECKSUM_LENGTH};
use lsm::coding::{put_varint, read_u32, read_u64, take_varint};
use lsm::disk::{Disk, SimDisk};
use lsm::table::{Footer, Resources, TableBuilder, key_hash, table_path};

type Entry<'a> = (&'a str, Option<&'a str>);

const FRUITS: [Entry<'static>; 4] =
    [("apple", Some("red")), ("applesauce", None), ("apply", Some("")), ("banana", Some("yellow"))];

fn main() -> Result<(), Box<dyn Error>> {
    println!("== whole-keys ==");
    let whole = build(&FRUITS, 1);
    print_block(&whole, 0)?;
    println!("== shortened-keys ==");
    print_block(&build(&FRUITS, 3), 0)?;
    println!("== varints ==");
    print_varints();
    println!("== known-values ==");
    println!("CRC-32 of 123456789: {:08x}", crc32fast::hash(b"123456789"));
    println!("XXH3 of no bytes:    {:016x}", key_hash(b""));
    println!("XXH3 of apple:       {:016x}", key_hash(b"apple"));
    println!("== damage ==");
    print_damage(whole)?;
    print_table()
}

fn build(entries: &[Entry], restart_interval: usize) -> Vec<u8> {
    let mut builder = BlockBuilder::new(restart_interval);
    for (key, value) in entries {
        builder.add(key.as_bytes(), value.map(str::as_bytes));
    }
    builder.finish()
}

/// One line: where, which bytes, and what they say. Long runs of bytes go on in further lines.
fn line(at: usize, bytes: &[u8], what: &str) {
    let mut at = at;
    let mut what = what;
    for row in bytes.chunks(12) {
        let row_bytes: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{}", format!("{at:6}  {:<37}{what}", row_bytes.join(" ")).trim_end());
        at += row.len();
        what = "";
    }
}

/// Prints a block that begins at `start` of its file.
fn print_block(block: &[u8], start: usize) -> Result<(), Box<dyn Error>> {
    let number = |at: usize| read_u32(block, at).ok_or("the block is too short");
    let checksum_at = block.len() - CHECKSUM_LENGTH;
    let count_at = checksum_at - 4;
    let count = number(count_at)? as usize;
    let restarts_at = count_at - 4 * count;
    let mut at = 0;
    let mut key = String::new();
    while at < restarts_at {
        at = print_entry(&block[..restarts_at], at, start, &mut key)?;
    }
    for index in 0..count {
        let at = restarts_at + 4 * index;
        line(start + at, &block[at..at + 4], &format!("restart point {index}: the entry at {}", number(at)?));
    }
    line(start + count_at, &block[count_at..checksum_at], &format!("count of restart points: {count}"));
    let covered = format!("CRC-32 of the {checksum_at} bytes before");
    line(start + checksum_at, &block[checksum_at..], &covered);
    Ok(())
}

/// Prints the entry at an offset, and gives the offset of the next.
fn print_entry(entries: &[u8], at: usize, start: usize, key: &mut String) -> Result<usize, Box<dyn Error>> {
    let mut rest = &entries[at..];
    let mut lengths = [0; 3];
    for (length, name) in lengths.iter_mut().zip(["shared", "rest", "value"]) {
        let (found, behind) = take_varint(rest).ok_or("an entry is cut short")?;
        let what = match (name, found) {
            ("value", 0) => "value: 0, a tombstone".to_string(),
            ("value", _) => format!("value: {found}, so {} bytes", found - 1),
            _ => format!("{name}: {found}"),
        };
        line(start + entries.len() - rest.len(), &rest[..rest.len() - behind.len()], &what);
        (*length, rest) = (found as usize, behind);
    }
    let [shared, unshared, value] = lengths;
    let key_at = entries.len() - rest.len();
    key.truncate(shared);
    key.push_str(std::str::from_utf8(&rest[..unshared])?);
    line(start + key_at, &rest[..unshared], &format!("the key's rest: {key}"));
    let value_at = key_at + unshared;
    let value_end = value_at + value.saturating_sub(1);
    print_value(&entries[value_at..value_end], start + value_at)?;
    Ok(value_end)
}

/// Values of fruits are text; those of index entries begin with an offset, which is not.
fn print_value(value: &[u8], at: usize) -> Result<(), Box<dyn Error>> {
    let Some((offset, length)) = read_u64(value, 0).zip(read_u32(value, 8)) else {
        line(at, value, &format!("the value: {}", std::str::from_utf8(value)?));
        return Ok(());
    };
    line(at, &value[..8], &format!("the value: offset {offset}"));
    line(at + 8, &value[8..12], &format!("length {length}"));
    line(at + 12, &value[12..], &format!("first key {}", std::str::from_utf8(&value[12..])?));
    Ok(())
}

fn print_varints() {
    for number in [0, 1, 127, 128, 300, 16_383, 16_384, u32::MAX] {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, number);
        let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{number:>10}  {}", bytes.join(" "));
    }
}

/// What `decode` says of a block in which one bit is flipped, and of one whose restart point leads nowhere.
fn print_damage(block: Vec<u8>) -> Result<(), Box<dyn Error>> {
    let file = Path::new("fruit/000007.sst");
    let mut iterator = BlockIterator::new(Block::decode(Bytes::from(block.clone()), file, 4096)?);
    iterator.seek(b"applet");
    println!("a good block: seek(applet) finds {}", String::from_utf8_lossy(iterator.key()));

    let mut flipped = block.clone();
    flipped[9] ^= 1;
    let error = Block::decode(Bytes::from(flipped), file, 4096).err().ok_or("the damage was not found")?;
    println!("a flipped bit: {error}");

    let covered = block.len() - CHECKSUM_LENGTH;
    let mut wrong = block[..covered].to_vec();
    wrong[covered - 8] += 1;
    let checksum = crc32fast::hash(&wrong);
    wrong.extend_from_slice(&checksum.to_le_bytes());
    let error = Block::decode(Bytes::from(wrong), file, 4096).err().ok_or("the damage was not found")?;
    println!("a wrong restart point, under a right checksum: {error}");
    Ok(())
}

/// A table of the fruits in two data blocks, part by part.
fn print_table() -> Result<(), Box<dyn Error>> {
    let mut options = Options::manual();
    let disk = Arc::new(SimDisk::new());
    options.disk = disk.clone();
    options.block_size = 32;
    options.bits_per_key = 10;
    let directory = Path::new("fruit");
    disk.create_directory(directory)?;
    let path = table_path(directory, 7);
    let mut builder = TableBuilder::create(&path, &Resources::new(options))?;
    for (key, value) in FRUITS {
        builder.add(key.as_bytes(), value.map(str::as_bytes))?;
    }
    builder.finish()?;

    let file = disk.open(&path)?;
    let mut bytes = vec![0; file.length()? as usize];
    file.read_at(0, &mut bytes)?;
    let footer_at = bytes.len() - Footer::LENGTH;
    let footer = Footer::decode(&bytes[footer_at..], &path, bytes.len() as u64)?;

    println!("== table-data ==");
    let index_at = footer.index.offset as usize;
    let index = &bytes[index_at..footer_at];
    let mut entries = BlockIterator::new(Block::decode(Bytes::copy_from_slice(index), &path, 0)?);
    entries.seek_to_first();
    while let Some(value) = entries.value() {
        let offset = read_u64(value, 0).ok_or("an index entry is too short")? as usize;
        let length = read_u32(value, 8).ok_or("an index entry is too short")? as usize;
        print_block(&bytes[offset..offset + length], offset)?;
        entries.next();
    }

    println!("== table-filter ==");
    let filter_at = footer.filter.offset as usize;
    let lines_end = index_at - 5;
    line(filter_at, &bytes[filter_at..lines_end], "line 0");
    line(lines_end, &bytes[lines_end..=lines_end], "probes");
    let what = format!("CRC-32 of the {} bytes before", lines_end + 1 - filter_at);
    line(lines_end + 1, &bytes[lines_end + 1..index_at], &what);

    println!("== filter-bits ==");
    for (key, _) in FRUITS {
        let hash = key_hash(key.as_bytes());
        let remixed = std::iter::successors(Some(hash as u32), |mixed| Some(mixed.wrapping_mul(0x9E37_79B9)));
        let bits: Vec<String> = remixed.take(6).map(|mixed| format!("{:3}", mixed >> 23)).collect();
        println!("{key:<10}  hash {hash:016x}  line {}  bits {}", (hash >> 32) >> 32, bits.join(" "));
    }

    println!("== table-index ==");
    print_block(index, index_at)?;

    println!("== table-footer ==");
    let fields = [
        (8, format!("index offset: {}", footer.index.offset)),
        (4, format!("index length: {}", footer.index.length)),
        (8, format!("filter offset: {}", footer.filter.offset)),
        (4, format!("filter length: {}", footer.filter.length)),
        (8, format!("entries: {}", footer.entries)),
        (8, format!("tombstones: {}", footer.tombstones)),
        (4, "format version".to_string()),
        (4, "CRC-32 of the 44 bytes before".to_string()),
        (8, "magic: lsmtable".to_string()),
    ];
    let mut at = footer_at;
    for (length, what) in fields {
        line(at, &bytes[at..at + length], &what);
        at += length;
    }
    Ok(())
}
