//! Prints logs and a manifest byte by byte, and what a change of the tree and an opening ask of the disk, for chapter 2.5
//! and for the book's appendix on the formats of logs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lsm::coding::{read_u32, read_u64};
use lsm::compaction::{Edit, Shape, TableShape};
use lsm::disk::{Disk, Fault, Operation, SimDisk, Step, Survival};
use lsm::log::{HEADER_LENGTH, LogWriter, read_log};
use lsm::manifest::{Contents, Manifest, decode_edit};
use lsm::{Engine, Error, Options, Result};

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

const LOG: &str = "db/000007.log";

fn main() -> Outcome {
    println!("== log ==");
    let log = write_log()?;
    print_log(&log, 7, false)?;
    println!("== checksum ==");
    print_checksum(&log);
    println!("== torn-or-broken ==");
    print_damage(&log)?;
    println!("== manifest ==");
    print_manifest()?;
    println!("== story ==");
    print_story()?;
    println!("== steps ==");
    print_steps(None)?;
    println!("== failure ==");
    print_steps(Some(Operation::Sync))?;
    println!("== opening ==");
    print_opening()
}

/// Log 7: a record, a sync, and a record that was not synced.
fn write_log() -> Result<Vec<u8>> {
    let disk = SimDisk::new();
    let mut log = LogWriter::create(&disk, Path::new(LOG), 7)?;
    log.add(b"fig")?;
    log.sync()?;
    log.add(b"apple")?;
    log.write()?;
    Ok(disk.contents(Path::new(LOG)).unwrap_or_default())
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

/// Prints a log without damage, frame by frame; of a manifest, the fields of its records too.
fn print_log(log: &[u8], number: u64, is_manifest: bool) -> Outcome {
    let mut at = 0;
    while at < log.len() {
        let length = read_u32(log, at + 4).ok_or("a frame is cut short")? as usize;
        line(at, &log[at..at + 4], &format!("CRC-32 of {number}, {at} and the {} bytes behind", length + 5));
        line(at + 4, &log[at + 4..at + 8], &format!("length of the payload: {length}"));
        let is_mark = log[at + 8] == 2;
        line(at + 8, &log[at + 8..at + 9], if is_mark { "kind 2: a mark" } else { "kind 1: a record" });
        let payload = &log[at + HEADER_LENGTH..at + HEADER_LENGTH + length];
        match read_u64(payload, 0) {
            Some(durable) if is_mark => line(at + 9, payload, &format!("{durable} bytes are durable")),
            _ if is_manifest => print_record(payload, at + 9)?,
            _ => line(at + 9, payload, &String::from_utf8_lossy(payload)),
        }
        at += HEADER_LENGTH + length;
    }
    Ok(())
}

/// Prints a record of the manifest, field by field.
fn print_record(record: &[u8], start: usize) -> Outcome {
    if record.starts_with(b"lsm-tree") {
        line(start, &record[..8], "magic: lsm-tree");
        line(start + 8, &record[8..], "format version");
        return Ok(());
    }
    let (edit, next_id) = decode_edit(&Bytes::copy_from_slice(record), Path::new("MANIFEST"), start as u64)?;
    let mut at = 0;
    let mut field = |length: usize, what: String| {
        line(start + at, &record[at..at + length], &what);
        at += length;
    };
    field(8, format!("flushed_through: {}", edit.flushed_through));
    field(8, format!("last_version: {}", edit.last_version));
    field(8, format!("next_id: {next_id}"));
    field(4, format!("removed: {}", edit.removed.len()));
    for id in &edit.removed {
        field(8, format!("- {id}"));
    }
    field(4, format!("added: {}", edit.added.len()));
    for (level, table) in &edit.added {
        field(4, format!("+ in level {level}"));
        field(8, format!("  id {}", table.id));
        field(8, format!("  size {}", table.size));
        field(8, format!("  entries {}", table.entries));
        field(8, format!("  tombstones {}", table.tombstones));
        for (key, name) in [(&table.first_key, "first"), (&table.last_key, "last")] {
            field(4, format!("  {name} key: {} bytes", key.len()));
            field(key.len(), format!("  {}", String::from_utf8_lossy(key)));
        }
    }
    field(4, format!("cursors: {}", usize::from(edit.cursor.is_some())));
    if let Some((level, key)) = &edit.cursor {
        field(4, format!("  of level {level}"));
        field(4, format!("  key: {} bytes", key.len()));
        field(key.len(), format!("  {}", String::from_utf8_lossy(key)));
    }
    Ok(())
}

/// The bytes that the checksum of the first frame covers.
fn print_checksum(log: &[u8]) {
    let covered = [&7_u64.to_le_bytes()[..], &0_u64.to_le_bytes(), &log[4..12]].concat();
    line(0, &covered[..8], "the log's number");
    line(8, &covered[8..16], "the frame's offset");
    line(16, &covered[16..], "the frame, from its length on");
    println!("CRC-32 of these 24 bytes: {:08x}", crc32fast::hash(&covered));
}

/// What reading says of a log that is cut, and of one in which a bit is flipped.
fn print_damage(log: &[u8]) -> Outcome {
    let flipped = |byte: usize| {
        let mut bytes = log.to_vec();
        bytes[byte] ^= 1;
        bytes
    };
    let cases = [
        ("undamaged".to_string(), log.to_vec()),
        ("cut at byte 35".to_string(), log[..35].to_vec()),
        ("a bit of byte 40 flipped".to_string(), flipped(40)),
        ("a bit of byte 10 flipped".to_string(), flipped(10)),
    ];
    for (what, bytes) in cases {
        let disk = SimDisk::new();
        disk.set_contents(Path::new(LOG), &bytes);
        let found = match read_log(disk.open(Path::new(LOG))?.as_ref(), 7) {
            Ok(contents) => format!("{} records, {} good bytes", contents.records.len(), contents.length),
            Err(Error::Corruption { offset, what, .. }) => format!("Corruption at byte {offset}: {what}"),
            Err(error) => return Err(error.into()),
        };
        println!("{what}\n    {found}");
    }
    Ok(())
}

/// A manifest of four records: header, the empty tree, a flush, a compaction with a cursor.
fn print_manifest() -> Outcome {
    let disk = SimDisk::new();
    let mut manifest = Manifest::new(Path::new("db"), &(Arc::new(disk.clone()) as Arc<dyn Disk>));
    manifest.restore(Contents::default(), 2)?;
    let table = |id, tombstones| TableShape {
        id,
        size: 4321,
        entries: 100,
        tombstones,
        first_key: Bytes::from("apple"),
        last_key: Bytes::from("fig"),
    };
    manifest.record(&Edit::flush(table(3, 2), 1))?;
    let added = vec![(6, table(4, 0))];
    manifest.record(&Edit { removed: vec![3], added, cursor: Some((6, Bytes::from("fig"))), ..Edit::default() })?;
    print_log(&disk.contents(Path::new("db/MANIFEST")).unwrap_or_default(), 0, true)
}

fn options(disk: &SimDisk) -> Options {
    let mut options = Options::manual();
    options.wal = false;
    options.disk = Arc::new(disk.clone());
    options
}

/// What the tree looks like after some work, and what the manifest says of it when it is read.
fn print_story() -> Outcome {
    let disk = SimDisk::new();
    let engine = Engine::open("db", options(&disk))?;
    for (what, entries) in
        [("flush", ["apple", "cherry"]), ("flush", ["banana", "fig"]), ("compact", ["cherry", "kiwi"])]
    {
        for key in entries {
            engine.put(key.as_bytes(), b"fruit")?;
        }
        if what == "flush" {
            engine.flush()?
        } else {
            engine.compact()?
        }
        println!("{what:<9}{}", tables(&engine.shape()));
    }
    drop(engine);
    let engine = Engine::open("db", options(&disk))?;
    println!("{:<9}{}", "open", tables(&engine.shape()));
    Ok(())
}

fn tables(shape: &Shape) -> String {
    let levels = shape.levels.iter().enumerate().filter(|(_, level)| !level.tables.is_empty());
    let shown = levels.map(|(number, level)| {
        let tables = level.tables.iter().map(|table| {
            let ends = [&table.first_key, &table.last_key].map(|key| String::from_utf8_lossy(key).into_owned());
            format!("{}.sst {}..{}", table.id, ends[0], ends[1])
        });
        format!("level {number}: {}", tables.collect::<Vec<_>>().join(", "))
    });
    shown.collect::<Vec<_>>().join("; ")
}

/// Flushes, and shows before each step what the engine shows and what a power cut would leave. A step of the manifest's
/// file may fail.
fn print_steps(failing: Option<Operation>) -> Outcome {
    let disk = SimDisk::new();
    let engine = Arc::new(Engine::open("db", options(&disk))?);
    engine.put(b"apple", b"red")?;
    println!("{:<16}{:<14}{:>8}{:>22}", "before", "of", "visible", "durable manifest");
    let (watched, watched_disk, has_failed) = (Arc::downgrade(&engine), disk.clone(), AtomicBool::new(false));
    disk.on_operation(move |step: Step<'_>| {
        let Some(engine) = watched.upgrade() else { return };
        let is_read = matches!(step.operation, Operation::Open | Operation::Length | Operation::Read | Operation::List);
        let name = name_of(step.path);
        if failing == Some(step.operation) && name == "MANIFEST" && !has_failed.swap(true, Ordering::SeqCst) {
            watched_disk.fail_change(step.number, Fault::Broken);
        }
        if !is_read {
            print_step(&format!("{:?}", step.operation), name, &engine, &watched_disk);
        }
    });
    let outcome = engine.flush();
    print_step("the return", "flush", &engine, &disk);
    if let Err(error) = outcome {
        println!("error: {}", error.to_string().replace('\\', "/"));
        println!("and once more:");
        engine.flush()?;
        print_step("the return", "flush", &engine, &disk);
    }
    let files = disk.paths();
    println!("files: {}", files.iter().map(|path| name_of(path)).collect::<Vec<_>>().join(" "));
    Ok(())
}

fn print_step(step: &str, of: &str, engine: &Engine, disk: &SimDisk) {
    let left: Arc<dyn Disk> = Arc::new(disk.after_power_cut(Survival::Nothing, 1));
    let durable = match Manifest::read(Path::new("db"), &left) {
        Ok(Some(contents)) => contents.shape.tables().count().to_string(),
        _ => "none".to_string(),
    };
    println!("{step:<16}{of:<14}{:>8}{durable:>22}", engine.stats().tables);
}

/// What an opening changes, where an orphan and half of a manifest lie about.
fn print_opening() -> Outcome {
    let disk = SimDisk::new();
    let engine = Engine::open("db", options(&disk))?;
    engine.put(b"apple", b"red")?;
    engine.flush()?;
    drop(engine);
    for name in ["000031.sst", "MANIFEST.new", "notes.txt"] {
        disk.set_contents(&Path::new("db").join(name), b"half-written");
    }
    let names = || disk.paths().iter().map(|path| name_of(path).to_string()).collect::<Vec<_>>().join(" ");
    println!("before: {}", names());
    disk.on_operation(|step: Step<'_>| {
        println!("  {:<16}{}", format!("{:?}", step.operation), name_of(step.path));
    });
    let engine = Engine::open("db", options(&disk))?;
    disk.on_operation(|_| {});
    println!("after:  {}", names());
    engine.put(b"fig", b"green")?;
    engine.flush()?;
    println!("the next table: {}.sst", engine.shape().levels[0].tables[0].id);
    Ok(())
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
