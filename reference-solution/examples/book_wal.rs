//! Prints the write-ahead log byte by byte, what it asks of the disk, and how it is read back, for chapter 2.6.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use lsm::coding::{read_u32, read_u64};
use lsm::disk::{Disk, Fault, Operation, SimDisk, Survival};
use lsm::log::{HEADER_LENGTH, LogContents, LogWriter, read_log};
use lsm::wal::{Link, decode_link, encode_link, log_path, put_entry};
use lsm::{Engine, Options, Sync};
use parking_lot::Mutex;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    println!("== records ==");
    print_records();
    println!("== frames ==");
    print_frames()?;
    println!("== steps ==");
    print_steps()?;
    println!("== short ==");
    print_short_logs()?;
    println!("== poison ==");
    print_poison()
}

fn options(disk: &SimDisk, sync: Sync) -> Options {
    let mut options = Options::manual();
    options.disk = Arc::new(disk.clone());
    options.wal = true;
    options.sync = sync;
    options
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

fn print_records() {
    let link = encode_link(Link { log: 9, length: 8130 });
    println!("first record of 000014.log");
    line(0, &link[..4], "format version 1");
    line(4, &link[4..12], "follows log 9");
    line(12, &link[12..], "which is 8130 bytes long");
    println!("put apple = red, delete fig, put kiwi = (empty)");
    let mut record = Vec::new();
    for (key, value, what) in [
        ("apple", Some("red"), "5: key; 3 + 1: value"),
        ("fig", None, "3: key; 0: tombstone"),
        ("kiwi", Some(""), "4: key; 0 + 1: empty value"),
    ] {
        let start = record.len();
        put_entry(&mut record, key.as_bytes(), value.map(str::as_bytes));
        line(start, &record[start..start + 2], what);
        line(start + 2, &record[start + 2..], &format!("{key}{}", value.unwrap_or_default()));
    }
}

/// The logs' paths, the oldest first.
fn logs(disk: &SimDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect()
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// A log with one synced record, and its successor with two records and a synced end: as an engine writes them.
fn print_frames() -> Outcome {
    let disk = SimDisk::new();
    let mut logs = Vec::new();
    let mut link = Link::default();
    for (number, entries) in [(1, &[("apple", Some("red"))][..]), (2, &[("fig", Some("ripe")), ("apple", None)])] {
        let path = log_path(Path::new("db"), number);
        let mut log = LogWriter::create(&disk, &path, number)?;
        log.add(&encode_link(link))?;
        for (key, value) in entries {
            let mut record = Vec::new();
            put_entry(&mut record, key.as_bytes(), value.map(str::as_bytes));
            log.add(&record)?;
            log.write()?;
        }
        log.add_mark();
        log.sync()?;
        link = Link { log: number, length: log.length_to_keep() };
        logs.push(path);
    }
    for log in logs {
        println!("{}", name_of(&log));
        let bytes = Bytes::from(disk.contents(&log).ok_or("no log")?);
        let mut at = 0;
        while at < bytes.len() {
            let length = read_u32(&bytes, at + 4).ok_or("no length")? as usize;
            let payload = bytes.slice(at + HEADER_LENGTH..at + HEADER_LENGTH + length);
            println!("{at:6}  {}", say_frame(bytes[at + 8], at == 0, &payload, &log)?);
            at += HEADER_LENGTH + length;
        }
        println!("{at:6}  (end)");
    }
    Ok(())
}

fn say_frame(kind: u8, is_first: bool, payload: &Bytes, log: &Path) -> Outcome<String> {
    Ok(match kind {
        2 => format!("mark     durable up to {}", read_u64(payload, 0).ok_or("no mark")?),
        _ if is_first => format!("record   {}", say_link(decode_link(payload, log)?)),
        _ => format!("record   {}", payload.escape_ascii()),
    })
}

fn say_link(link: Link) -> String {
    match link.log {
        0 => "follows none".to_string(),
        log => format!("follows {log}, of {} bytes", link.length),
    }
}

fn print_steps() -> Outcome {
    for sync in [Sync::Os, Sync::EveryCommit] {
        println!("{sync:?}");
        let disk = SimDisk::new();
        let steps: Arc<Mutex<Vec<String>>> = Arc::default();
        let engine = Engine::open("db", options(&disk, sync))?;
        let seen = steps.clone();
        disk.on_operation(move |step| {
            let what = match step.operation {
                Operation::SyncDirectory => "sync the directory".to_string(),
                other => {
                    let number = name_of(step.path).trim_start_matches('0').trim_end_matches(".log");
                    format!("{} {number}", format!("{other:?}").to_lowercase())
                }
            };
            seen.lock().push(what);
        });
        let tell = |what: &str| {
            let asked = std::mem::take(&mut *steps.lock());
            let asked = if asked.is_empty() { "nothing".to_string() } else { asked.join(", ") };
            println!("  {what:<14}{asked}");
        };
        engine.put(b"apple", b"red")?;
        tell("put");
        engine.put(b"fig", b"ripe")?;
        tell("put");
        engine.freeze()?;
        tell("freeze");
        engine.put(b"kiwi", b"green")?;
        tell("put");
        engine.sync()?;
        tell("sync");
    }
    Ok(())
}

/// Three logs with two entries each. At the end all of them are synced, or none is.
fn three_logs(is_synced: bool) -> Outcome<SimDisk> {
    let disk = SimDisk::new();
    let engine = Engine::open("db", options(&disk, Sync::Os))?;
    for (first, second) in [("a", "b"), ("c", "d"), ("e", "f")] {
        engine.put(first.as_bytes(), b"1")?;
        engine.put(second.as_bytes(), b"1")?;
        if is_synced && first == "e" {
            engine.sync()?;
        }
        engine.freeze()?;
    }
    Ok(disk)
}

fn print_short_logs() -> Outcome {
    let cases = [
        ("nothing synced, the last log's end torn", false, 2, true),
        ("nothing synced, the second log's end torn", false, 1, true),
        ("all synced, the second log's end torn", true, 1, true),
        ("all synced, a bit of the last log's first entry wrong", true, 2, false),
    ];
    for (what, is_synced, damaged, is_torn) in cases {
        let disk = three_logs(is_synced)?.after_power_cut(Survival::Everything, 1);
        let log = logs(&disk)[damaged].clone();
        let contents: LogContents = read_log(disk.open(&log)?.as_ref(), damaged as u64 + 1)?;
        let mut bytes = disk.contents(&log).ok_or("no log")?;
        if is_torn {
            bytes.truncate(*contents.offsets.last().ok_or("no record")? as usize + 4);
        } else {
            bytes[contents.offsets[1] as usize + HEADER_LENGTH] ^= 1;
        }
        disk.set_contents(&log, &bytes);
        println!("{what}");
        match Engine::open("db", options(&disk, Sync::Os)) {
            Ok(engine) => {
                let mut keys = Vec::new();
                for entry in engine.scan(..)? {
                    keys.push(String::from_utf8_lossy(&entry?.0).into_owned());
                }
                println!("  keys: {}; logs: {}", keys.join(" "), logs(&disk).len());
            }
            Err(error) => println!("  {}", error.to_string().replace('\\', "/")),
        }
    }
    Ok(())
}

fn print_poison() -> Outcome {
    let disk = SimDisk::new();
    let engine = Engine::open("db", options(&disk, Sync::EveryCommit))?;
    engine.put(b"apple", b"red")?;
    // The append works, the sync after it does not.
    disk.fail_change(disk.changes() + 1, Fault::Broken);
    let tell = |what: &str, outcome: lsm::Result<()>| match outcome {
        Ok(()) => println!("{what:<16}ok"),
        Err(error) => println!("{what:<16}{}", error.to_string().replace('\\', "/")),
    };
    tell("put fig", engine.put(b"fig", b"ripe"));
    tell("put kiwi", engine.put(b"kiwi", b"green"));
    tell("sync", engine.sync());
    println!("{:<16}{:?}", "get apple", engine.get(b"apple")?);
    println!("{:<16}{:?}", "get fig", engine.get(b"fig")?);
    tell("flush", engine.flush());
    tell("put kiwi", engine.put(b"kiwi", b"green"));
    drop(engine);
    let engine = Engine::open("db", options(&disk, Sync::EveryCommit))?;
    println!("opened anew");
    tell("put kiwi", engine.put(b"kiwi", b"green"));
    println!("{:<16}{:?}", "get apple", engine.get(b"apple")?);
    Ok(())
}
