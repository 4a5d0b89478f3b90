//! A prompt for the engine: `cargo run --features repl -- DIRECTORY`. Given.

use std::process::ExitCode;
use std::time::Instant;

use lsm::WriteBatch;
use lsm::compaction::LevelShape;
use lsm::{Engine, Options, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

const HELP: &str = "\
put KEY VALUE       set a key's value (VALUE may hold spaces)
get KEY             show a key's value
delete KEY          remove a key
scan [FROM [TO]]    show the keys from FROM up to, and without, TO
fill COUNT          write keys 000000000 to COUNT - 1, with 100-byte values
freeze              freeze the memtable
flush               write everything in memory to tables
stats               what the engine holds and did
exit                close the engine and leave";

/// What week 2 adds.
const HELP_2: &str = "
compact             merge everything into the last level
shape               draw the tree's levels; a box is a table
sync                make everything durable that was written so far
batch WRITES        put and delete together: batch put a 1; delete b; put c 3";

/// How wide the largest level is drawn, in characters.
const WIDTH: u64 = 60;

fn main() -> ExitCode {
    let directory = std::env::args().nth(1).unwrap_or_else(|| "lsm-data".to_string());
    match run(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &str) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::open(directory, Options::default())?;
    let mut editor = DefaultEditor::new()?;
    println!("opened {directory}; 'help' lists the commands");
    loop {
        let line = match editor.readline("lsm> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        };
        editor.add_history_entry(&line)?;
        if line.trim() == "exit" {
            break;
        }
        if let Err(error) = execute(&engine, &line) {
            println!("error: {error}");
        }
    }
    Ok(engine.close()?)
}

fn execute(engine: &Engine, line: &str) -> Result<()> {
    let (command, rest) = split_word(line);
    match command {
        "" => {}
        "put" => {
            let (key, value) = split_word(rest);
            engine.put(key.as_bytes(), value.as_bytes())?;
        }
        "get" => match engine.get(rest.as_bytes())? {
            Some(value) => println!("{}", value.escape_ascii()),
            None => println!("(none)"),
        },
        "delete" => engine.delete(rest.as_bytes())?,
        "scan" => scan(engine, rest)?,
        "fill" => fill(engine, rest)?,
        "freeze" => engine.freeze()?,
        "flush" => engine.flush()?,
        "stats" => println!("{:#?}", engine.stats()),
        "compact" => engine.compact()?,
        "shape" => draw(&engine.shape().levels),
        "sync" => engine.sync()?,
        "batch" => batch(engine, rest)?,
        _ => println!("{HELP}{HELP_2}"),
    }
    Ok(())
}

/// The first word, and what follows it, both without the spaces around them.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn batch(engine: &Engine, writes: &str) -> Result<()> {
    let mut batch = WriteBatch::new();
    for write in writes.split(';') {
        match split_word(write) {
            ("put", rest) => {
                let (key, value) = split_word(rest);
                batch.put(key.as_bytes(), value.as_bytes());
            }
            ("delete", key) => batch.delete(key.as_bytes()),
            _ => {
                println!("batch wants puts and deletions, for example: batch put a 1; delete b");
                return Ok(());
            }
        }
    }
    engine.write(&batch)
}

fn scan(engine: &Engine, bounds: &str) -> Result<()> {
    let (from, to) = split_word(bounds);
    let entries = if to.is_empty() { engine.scan(from..)? } else { engine.scan(from..to)? };
    let mut count = 0_u64;
    for entry in entries {
        let (key, value) = entry?;
        println!("{} = {}", key.escape_ascii(), value.escape_ascii());
        count += 1;
    }
    println!("({count} entries)");
    Ok(())
}

fn fill(engine: &Engine, count: &str) -> Result<()> {
    let Ok(count) = count.parse::<u64>() else {
        println!("fill wants a number, for example: fill 100000");
        return Ok(());
    };
    let (value, start) = ([b'v'; 100], Instant::now());
    for number in 0..count {
        engine.put(format!("{number:09}").as_bytes(), &value)?;
    }
    println!("{count} entries in {:.2?}", start.elapsed());
    Ok(())
}

/// Draws each level as a row of boxes, as wide as the tables are large. Of many tables, the first ones.
fn draw(levels: &[LevelShape]) {
    let largest = levels.iter().map(LevelShape::size).max().unwrap_or(0).max(1);
    for (number, level) in levels.iter().enumerate() {
        let draw_table = |size: u64| format!("[{}]", "=".repeat((size * WIDTH / largest) as usize));
        let boxes: String = level.tables.iter().take(20).map(|table| draw_table(table.size)).collect();
        let more = if level.tables.len() > 20 { " ..." } else { "" };
        println!("{number:>2} {:>6} tables {:>14} bytes  {boxes}{more}", level.tables.len(), level.size());
    }
}
