//! Prints a merge step by step, what bounds include, and an error in the middle, for chapter 1.2.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use lsm::{KeyRange, MemTable, MemTableIterator, MergeIterator, Result, StorageIterator};

fn main() -> Result<()> {
    println!("== merge ==");
    print_merge()?;
    println!("== bounds ==");
    print_bounds()?;
    println!("== error ==");
    print_error()
}

type Log = Rc<RefCell<Vec<String>>>;

/// A memtable's iterator that notes each of its steps, and fails at one if told to.
struct Told {
    name: &'static str,
    inner: MemTableIterator,
    log: Log,
    fails_at: Option<&'static str>,
}

impl StorageIterator for Told {
    fn is_valid(&self) -> bool {
        self.inner.is_valid()
    }

    fn key(&self) -> &[u8] {
        self.inner.key()
    }

    fn value(&self) -> Option<&[u8]> {
        self.inner.value()
    }

    fn value_bytes(&self) -> Option<Bytes> {
        self.inner.value_bytes()
    }

    fn next(&mut self) -> Result<()> {
        if self.fails_at.is_some_and(|key| key.as_bytes() == self.key()) {
            self.inner.seek(b"\xff")?;
            let what = "the block does not match its checksum".to_string();
            return Err(lsm::Error::Corruption { file: "000007.sst".into(), offset: 4096, what });
        }
        self.log.borrow_mut().push(self.name.to_string());
        self.inner.next()
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        self.inner.seek(target)
    }
}

fn shown(value: Option<&[u8]>) -> String {
    value.map_or("deleted".to_string(), |value| format!("\"{}\"", value.escape_ascii()))
}

fn memtable(entries: &[(&str, Option<&str>)]) -> MemTable {
    let memtable = MemTable::new(1);
    for (key, value) in entries {
        memtable.write(key.as_bytes(), value.map(str::as_bytes));
    }
    memtable
}

fn three_sources(fails_at: Option<&'static str>) -> (MergeIterator<Told>, Log) {
    let log: Log = Rc::default();
    let told = |name, entries: &[(&str, Option<&str>)], fails_at| {
        let inner = memtable(entries).scan(&KeyRange::all());
        Told { name, inner, log: log.clone(), fails_at }
    };
    let merge = MergeIterator::new(vec![
        told("0", &[("b", Some("new")), ("d", Some("5"))], None),
        told("1", &[("a", Some("1")), ("b", None), ("c", None)], fails_at),
        told("2", &[("b", Some("old")), ("c", Some("old")), ("e", Some("6"))], None),
    ]);
    (merge, log)
}

fn print_merge() -> Result<()> {
    let (mut merge, log) = three_sources(None);
    println!("the merge stands on        next() steps in source");
    while merge.is_valid() {
        let here = format!("{} = {}", merge.key().escape_ascii(), shown(merge.value()));
        merge.next()?;
        let steps: Vec<String> = log.borrow_mut().drain(..).collect();
        println!("{here:<27}{}", steps.join(", "));
    }
    println!("the end");
    Ok(())
}

fn print_bounds() -> Result<()> {
    let memtable = memtable(&["apple", "banana", "cherry", "date"].map(|key| (key, Some("x"))));
    let ranges: [(&str, KeyRange); 6] = [
        ("..", (..).into()),
        ("\"banana\"..\"date\"", ("banana".."date").into()),
        ("\"banana\"..=\"date\"", ("banana"..="date").into()),
        ("\"b\"..", ("b"..).into()),
        ("..\"banana\"", (.."banana").into()),
        ("\"date\"..\"banana\"", ("date".."banana").into()),
    ];
    for (name, range) in ranges {
        let (mut iterator, mut keys) = (memtable.scan(&range), Vec::new());
        while iterator.is_valid() {
            keys.push(iterator.key().escape_ascii().to_string());
            iterator.next()?;
        }
        println!("{name:<20} {}", if keys.is_empty() { "(nothing)".to_string() } else { keys.join(" ") });
    }
    Ok(())
}

fn print_error() -> Result<()> {
    let (mut merge, _) = three_sources(Some("b"));
    let state = |merge: &MergeIterator<Told>| {
        if merge.is_valid() { format!("valid, on {}", merge.key().escape_ascii()) } else { "not valid".to_string() }
    };
    println!("new     {}", state(&merge));
    for _ in 0..3 {
        let outcome = merge.next().map_or_else(|error| format!("error: {error}"), |()| "ok".to_string());
        println!("next    {}; {outcome}", state(&merge));
    }
    merge.seek(b"c")?;
    println!("seek(c) {}", state(&merge));
    Ok(())
}
