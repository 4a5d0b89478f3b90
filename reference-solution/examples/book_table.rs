//! Prints a small table part by part, and what reading it costs, for chapter 1.4.

use std::error::Error;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lsm::block::{Block, BlockIterator};
use lsm::disk::SimDisk;
use lsm::table::{Footer, Resources, Section, Table, TableBuilder, key_hash, table_path};
use lsm::{KeyRange, Options, StorageIterator};

const FRUITS: [(&str, Option<&str>); 6] = [
    ("apple", Some("red")),
    ("apricot", Some("orange")),
    ("banana", Some("yellow")),
    ("cherry", None),
    ("fig", Some("")),
    ("grape", Some("blue")),
];

fn main() -> Result<(), Box<dyn Error>> {
    let disk = SimDisk::new();
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.block_size = 40;
    // As in chapter 1.4: whole keys, no filter. And no cache, so that every block that is needed is read.
    options.restart_interval = 1;
    options.bits_per_key = 0;
    options.cache_size = 0;
    let resources = Resources::new(options);
    let path = table_path(Path::new("fruit"), 7);
    let mut builder = TableBuilder::create(&path, &resources)?;
    for (key, value) in FRUITS {
        builder.add(key.as_bytes(), value.map(str::as_bytes))?;
    }
    builder.finish()?;
    let bytes = disk.contents(&path).ok_or("the table's file is gone")?;
    print_file(&bytes)?;
    let table = Table::open(7, &path, &resources)?;
    print_lookups(&table, &resources)?;
    print_scans(&table, &resources)
}

fn print_file(bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let path = Path::new("000007.sst");
    let footer_at = bytes.len() - Footer::LENGTH;
    let footer = Footer::decode(&bytes[footer_at..], path, bytes.len() as u64)?;
    let part = |section: Section| Bytes::copy_from_slice(&bytes[section.offset as usize..][..section.length as usize]);
    let mut index = BlockIterator::new(Block::decode(part(footer.index), path, footer.index.offset)?);
    let (mut file, mut entries) = (Vec::new(), Vec::new());
    index.seek_to_first();
    while index.is_valid() {
        let value = index.value().ok_or("an index entry is a tombstone")?;
        let section = Section {
            offset: u64::from_le_bytes(value[..8].try_into()?),
            length: u32::from_le_bytes(value[8..12].try_into()?),
        };
        let what =
            format!("data block {}: {}", file.len(), keys_in(Block::decode(part(section), path, section.offset)?));
        file.push((section, what));
        let (last, first) = (index.key().escape_ascii().to_string(), value[12..].escape_ascii());
        entries.push(format!("{last:<8}   offset {:>3}, length {}, first key {first}", section.offset, section.length));
        index.next();
    }
    file.push((footer.index, format!("index block: {}", keys_in(Block::decode(part(footer.index), path, 0)?))));
    file.push((Section { offset: footer_at as u64, length: Footer::LENGTH as u32 }, "footer".to_string()));
    println!("== file ==");
    for (section, what) in file {
        println!("{:>4} to {:>3}   {what}", section.offset, section.offset + u64::from(section.length) - 1);
    }
    println!("== index ==");
    entries.iter().for_each(|entry| println!("{entry}"));
    println!("== footer ==");
    print_footer(&bytes[footer_at..], &footer);
    Ok(())
}

fn keys_in(block: Block) -> String {
    let mut keys = Vec::new();
    let mut entries = BlockIterator::new(block);
    entries.seek_to_first();
    while entries.is_valid() {
        keys.push(entries.key().escape_ascii().to_string());
        entries.next();
    }
    keys.join(", ")
}

fn print_footer(bytes: &[u8], footer: &Footer) {
    let fields = [
        (0..8, format!("index offset: {}", footer.index.offset)),
        (8..12, format!("index length: {}", footer.index.length)),
        (12..20, format!("filter offset: {}", footer.filter.offset)),
        (20..24, "filter length: 0, so there is no filter".to_string()),
        (24..32, format!("entries: {}", footer.entries)),
        (32..40, format!("tombstones: {}", footer.tombstones)),
        (40..44, "format version".to_string()),
        (44..48, "CRC-32 of the 44 bytes before".to_string()),
        (48..56, "magic: \"lsmtable\"".to_string()),
    ];
    for (place, what) in fields {
        let hex: Vec<String> = bytes[place.clone()].iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{:>3}  {:<25}{what}", place.start, hex.join(" "));
    }
}

fn print_lookups(table: &Table, resources: &Resources) -> Result<(), Box<dyn Error>> {
    println!("== lookups ==");
    for target in ["apricot", "avocado", "blueberry", "cherry", "fig", "kiwi"] {
        let before = resources.counters.blocks_read.get();
        let answer = match table.lookup(target.as_bytes(), key_hash(target.as_bytes()))? {
            None => "nothing".to_string(),
            Some(None) => "a tombstone".to_string(),
            Some(Some(value)) => format!("{:?}", String::from_utf8_lossy(&value)),
        };
        let read = resources.counters.blocks_read.get() - before;
        println!("{target:<12}{answer:<14}blocks read: {read}");
    }
    Ok(())
}

fn print_scans(table: &Arc<Table>, resources: &Resources) -> Result<(), Box<dyn Error>> {
    println!("== scans ==");
    let ranges: [(&str, KeyRange); 5] = [
        ("..", (..).into()),
        ("..=\"apricot\"", (..="apricot").into()),
        ("\"b\"..\"c\"", ("b".."c").into()),
        ("\"d\"..\"f\"", ("d".."f").into()),
        ("behind \"cherry\"", (Bound::Excluded("cherry"), Bound::Unbounded).into()),
    ];
    for (name, range) in ranges {
        let before = resources.counters.blocks_read.get();
        let mut iterator = table.scan(&range)?;
        let mut keys = Vec::new();
        while iterator.is_valid() {
            keys.push(iterator.key().escape_ascii().to_string());
            iterator.next()?;
        }
        let read = resources.counters.blocks_read.get() - before;
        println!("{}", format!("{name:<18}blocks read: {read}   {}", keys.join(" ")).trim_end());
    }
    Ok(())
}
