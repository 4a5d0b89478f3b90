//! Reads through memtables and tables and tells what each read cost, for chapter 1.5.

use std::error::Error;
use std::ops::Bound;
use std::sync::Arc;

use lsm::disk::{Operation, SimDisk};
use lsm::{Engine, KeyRange, Options};

type Entries<'a> = &'a [(&'a str, Option<&'a str>)];

/// Oldest first.
const TABLES: [Entries<'static>; 3] = [
    &[("apple", Some("1")), ("banana", Some("1")), ("cherry", Some("1")), ("fig", Some("1"))],
    &[("banana", Some("2")), ("cherry", None), ("date", Some("2"))],
    &[("kiwi", Some("3")), ("lemon", Some("3")), ("mango", Some("3"))],
];

fn main() -> Result<(), Box<dyn Error>> {
    let disk = SimDisk::new();
    let engine = open(&disk)?;
    for entries in TABLES {
        ingest(&engine, entries)?;
    }
    engine.put(b"apple", b"4")?;
    engine.delete(b"fig")?;
    println!("== gets ==");
    for key in ["apple", "fig", "banana", "cherry", "lemon", "coconut", "grape"] {
        print_get(&engine, key)?;
    }
    println!("== scans ==");
    let ranges: [(&str, KeyRange); 5] = [
        ("..", (..).into()),
        ("\"b\"..\"d\"", ("b".."d").into()),
        ("\"kiwi\"..=\"lemon\"", ("kiwi"..="lemon").into()),
        ("\"g\"..\"k\"", ("g".."k").into()),
        ("behind \"mango\"", (Bound::Excluded("mango"), Bound::Unbounded).into()),
    ];
    for (name, range) in ranges {
        print_scan(&engine, name, range)?;
    }
    println!("== lazy ==");
    print_lazy_scan(&engine)?;
    println!("== refused ==");
    let refused = ingest(&engine, &[("zucchini", Some("5"))]);
    println!("{}", refused.err().ok_or("an ingest over a memtable that holds entries was taken")?);
    println!("== damage ==");
    print_damage()
}

/// One entry a block, no cache and no filters: each block that a read needs is read.
fn open(disk: &SimDisk) -> Result<Engine, lsm::Error> {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.block_size = 1;
    options.cache_size = 0;
    options.bits_per_key = 0;
    Engine::open("fruit", options)
}

fn ingest(engine: &Engine, entries: Entries) -> Result<(), lsm::Error> {
    engine.ingest(entries.iter().map(|(key, value)| (key.as_bytes(), value.map(str::as_bytes))))
}

fn print_get(engine: &Engine, key: &str) -> Result<(), lsm::Error> {
    let before = engine.stats().blocks_read;
    let answer = match engine.get(key.as_bytes())? {
        Some(value) => format!("{:?}", String::from_utf8_lossy(&value)),
        None => "nothing".to_string(),
    };
    println!("{key:<10}{answer:<10}blocks read: {}", engine.stats().blocks_read - before);
    Ok(())
}

fn print_scan(engine: &Engine, name: &str, range: KeyRange) -> Result<(), lsm::Error> {
    let before = engine.stats().blocks_read;
    let mut found = Vec::new();
    for entry in engine.scan(range)? {
        let (key, value) = entry?;
        found.push(format!("{}={}", key.escape_ascii(), value.escape_ascii()));
    }
    let read = engine.stats().blocks_read - before;
    println!("{}", format!("{name:<18}blocks read: {read:<4}{}", found.join(" ")).trim_end());
    Ok(())
}

fn print_lazy_scan(engine: &Engine) -> Result<(), lsm::Error> {
    let before = engine.stats().blocks_read;
    let read = || engine.stats().blocks_read - before;
    let mut scan = engine.scan(..)?;
    println!("{:<14}blocks read so far: {}", "scan(..)", read());
    for _ in 0..4 {
        if let Some(entry) = scan.next() {
            println!("{:<14}blocks read so far: {}", entry?.0.escape_ascii().to_string(), read());
        }
    }
    Ok(())
}

/// A newer table whose block of "banana" is damaged, over an older one that has the key too.
fn print_damage() -> Result<(), Box<dyn Error>> {
    let disk = SimDisk::new();
    let engine = open(&disk)?;
    ingest(&engine, &[("apple", Some("1")), ("banana", Some("1")), ("cherry", Some("1"))])?;
    let target = disk.clone();
    disk.on_operation(move |step| {
        if step.operation == Operation::Open {
            let mut bytes = target.contents(step.path).unwrap_or_default();
            if let Some(at) = bytes.windows(5).position(|window| window == b"anana") {
                bytes[at] ^= 1;
            }
            target.set_contents(step.path, &bytes);
        }
    });
    ingest(&engine, &[("apple", Some("2")), ("banana", Some("2")), ("cherry", Some("2"))])?;
    for key in ["apple", "banana", "cherry"] {
        match engine.get(key.as_bytes()) {
            Ok(found) => println!("get({key:?}): {:?}", found.unwrap_or_default()),
            Err(error) => println!("get({key:?}): {error}"),
        }
    }
    for entry in engine.scan(..)? {
        match entry {
            Ok((key, value)) => println!("scan: {}={}", key.escape_ascii(), value.escape_ascii()),
            Err(error) => println!("scan: {error}"),
        }
    }
    println!("scan: over");
    Ok(())
}
