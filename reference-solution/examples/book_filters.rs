//! Measures filters and shared beginnings, for chapter 1.7.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lsm::block::BlockBuilder;
use lsm::coding::take_varint;
use lsm::disk::SimDisk;
use lsm::table::{Filter, FilterBuilder, key_hash};
use lsm::{Engine, Options};

fn main() -> Result<(), Box<dyn Error>> {
    println!("== one-key ==");
    print_bits("apple", 2, 6);
    println!("== rates ==");
    print_rates()?;
    println!("== engine ==");
    print_engine()?;
    println!("== shared ==");
    print_shared()?;
    println!("== sizes ==");
    print_sizes();
    Ok(())
}

/// Where a key's bits are, step by step.
fn print_bits(key: &str, lines: u64, probes: u32) {
    let hash = key_hash(key.as_bytes());
    let (upper, mut mixed) = (hash >> 32, hash as u32);
    println!("key_hash({key:?})   {hash:016x}");
    println!("upper half          {upper:08x}   line {upper} * {lines} / 2^32 = {}", (upper * lines) >> 32);
    println!("lower half          {mixed:08x}");
    for probe in 1..=probes {
        let bit = mixed >> 23;
        println!("probe {probe}   h = {mixed:08x}   bit {bit:>3}: byte {:>2}, counts {:02x}", bit / 8, 1 << (bit % 8));
        mixed = mixed.wrapping_mul(0x9E37_79B9);
    }
}

/// Hashes of `"here 0"`, `"here 1"` and so on, or of other keys.
fn hashes(kind: &str, count: usize) -> Vec<u64> {
    (0..count).map(|number| key_hash(format!("{kind} {number}").as_bytes())).collect()
}

fn print_rates() -> Result<(), Box<dyn Error>> {
    const KEYS: usize = 100_000;
    println!("bits a key   probes   bytes of filter   false maybes in {KEYS}");
    for bits_per_key in [1, 2, 5, 8, 10, 15, 20] {
        let mut builder = FilterBuilder::new();
        hashes("here", KEYS).into_iter().for_each(|hash| builder.add(hash));
        let bytes = builder.finish(bits_per_key);
        let (length, probes) = (bytes.len(), bytes[bytes.len() - 5]);
        let filter = Filter::decode(Bytes::from(bytes), Path::new("filter"), 0)?;
        let maybes = hashes("elsewhere", KEYS).into_iter().filter(|hash| filter.may_contain(*hash)).count();
        println!("{bits_per_key:>10}   {probes:>6}   {length:>15}   {maybes:>22}");
    }
    Ok(())
}

/// Ten thousand keys in each of four tables, and a thousand questions for keys that are in none.
fn print_engine() -> Result<(), Box<dyn Error>> {
    for bits_per_key in [0, 10] {
        let mut options = Options::manual();
        options.disk = Arc::new(SimDisk::new());
        options.cache_size = 0;
        options.bits_per_key = bits_per_key;
        let engine = Engine::open("db", options)?;
        let keys: Vec<String> = (0..10_000).map(|number| format!("key{:05}", 2 * number)).collect();
        for _ in 0..4 {
            engine.ingest(keys.iter().map(|key| (key.as_bytes(), Some(&b"value"[..]))))?;
        }
        for number in 0..1000 {
            engine.get(format!("key{:05}", 20 * number + 1).as_bytes())?;
        }
        let stats = engine.stats();
        println!(
            "bits_per_key {bits_per_key:>2}   blocks_read {:>4}   filter_hits {:>4}",
            stats.blocks_read, stats.filter_hits
        );
    }
    Ok(())
}

/// What a block stores of a few keys.
fn print_shared() -> Result<(), Box<dyn Error>> {
    let keys = ["apple", "applet", "apricot", "apron", "banana"];
    let mut builder = BlockBuilder::new(4);
    keys.iter().for_each(|key| builder.add(key.as_bytes(), Some(b"")));
    let block = builder.finish();
    let mut rest = &block[..];
    for key in keys {
        let (shared, after) = take_varint(rest).ok_or("no shared length")?;
        let (length, after) = take_varint(after).ok_or("no length")?;
        let (_, after) = take_varint(after).ok_or("no value")?;
        let (stored, after) = after.split_at(length as usize);
        println!("{key:<9}shared {shared}, stored {:?}", String::from_utf8_lossy(stored));
        rest = after;
    }
    Ok(())
}

/// How long a block of two hundred similar keys is, by restart interval.
fn print_sizes() {
    for restart_interval in [1, 2, 4, 16, 64] {
        let mut builder = BlockBuilder::new(restart_interval);
        for number in 1000..1200 {
            builder.add(format!("tenant/0042/user/profile/{number}").as_bytes(), Some(b"12345678"));
        }
        println!("restart_interval {restart_interval:>2}   {:>5} bytes", builder.finish().len());
    }
}
