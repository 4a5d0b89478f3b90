//! Prints what a memtable weighs and answers, and what a replaced node does to readers, for chapter 1.1.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use bytes::Bytes;
use crossbeam_skiplist::SkipMap;
use lsm::disk::SimDisk;
use lsm::{Engine, MemTable, Options};

fn main() -> Result<(), Box<dyn Error>> {
    println!("== weight ==");
    print_weights();
    println!("== layers ==");
    print_layers()?;
    println!("== race ==");
    print_race();
    Ok(())
}

fn print_weights() {
    let memtable = MemTable::new(1);
    let writes: [(&str, Option<&str>); 6] = [
        ("fig", Some("blue")),
        ("apple", Some("red")),
        ("apple", Some("green")),
        ("apple", Some("")),
        ("apple", None),
        ("pear", None),
    ];
    println!("{:<22}{:>6}{:>8}   get", "write", "len", "size");
    for (key, value) in writes {
        memtable.write(key.as_bytes(), value.map(str::as_bytes));
        let write = value.map_or(format!("delete({key})"), |value| format!("put({key}, {value:?})"));
        let found = memtable.get(key.as_bytes());
        println!("{write:<22}{:>6}{:>8}   {found:?}", memtable.len(), memtable.size());
    }
    println!("{:<36}   get(cherry) = {:?}", "", memtable.get(b"cherry"));
}

fn print_layers() -> Result<(), lsm::Error> {
    let mut options = Options::manual();
    options.disk = Arc::new(SimDisk::new());
    let engine = Engine::open("fruit", options)?;
    engine.put(b"apple", b"red")?;
    engine.put(b"banana", b"green")?;
    engine.put(b"cherry", b"dark")?;
    engine.freeze()?;
    engine.put(b"banana", b"yellow")?;
    engine.delete(b"cherry")?;
    engine.freeze()?;
    engine.put(b"apple", b"golden")?;
    for key in ["apple", "banana", "cherry", "date"] {
        println!("{:<12} = {:?}", format!("get({key})"), engine.get(key.as_bytes())?);
    }
    let stats = engine.stats();
    println!("{} frozen memtables, {} entries", stats.frozen_memtables, stats.entries);
    Ok(())
}

/// How many of 100,000 lookups miss a key that was there all the time.
fn misses(mut overwrite: impl FnMut(u32) + Send, is_here: impl Fn() -> bool) -> u32 {
    let is_over = AtomicBool::new(false);
    scope(|scope| {
        scope.spawn(|| (0..).take_while(|_| !is_over.load(Ordering::Relaxed)).for_each(&mut overwrite));
        let misses = (0..100_000).filter(|_| !is_here()).count();
        is_over.store(true, Ordering::Relaxed);
        misses as u32
    })
}

fn print_race() {
    let map: SkipMap<&str, u32> = SkipMap::new();
    map.insert("banana", 0);
    let replaced = misses(|round| drop(map.insert("banana", round)), || map.get("banana").is_some());
    let memtable = MemTable::new(1);
    memtable.put(b"banana", b"0");
    let value = Bytes::from_static(b"value");
    let swapped = misses(|_| memtable.put(b"banana", &value), || memtable.get(b"banana").is_some());
    println!("100,000 lookups of a key that is there all the time, while another thread overwrites it:");
    println!("~ SkipMap::insert over the key    {replaced:>6} found nothing");
    println!("MemTable::put over the key      {swapped:>6} found nothing");
}
