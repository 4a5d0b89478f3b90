//! A process that is killed while it writes, on the machine's own disk: nothing that it acknowledged is missing.
//!
//! This program is both: it starts itself anew as the writer, kills that, and looks at what is left, three times, or as
//! often as `LSM_KILLS` says (`LSM_KILLS=100 cargo test -p lsm --release --test kill`). A killed process is no power cut:
//! what the system was given is there. So this shows that an acknowledged write was given to the system, in order, by a real
//! disk's calls; what a power cut takes is the simulated disk's part.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use lsm::{Engine, Options, Sync, WriteBatch};

/// The argument that makes this program the writer.
const WRITER: &str = "--write-until-killed";

/// How many threads write, so that there are groups.
const THREADS: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, first, directory] = &arguments[..]
        && first == WRITER
    {
        write_until_killed(Path::new(directory));
        return ExitCode::SUCCESS;
    }
    // As a test harness would, leave out what was not asked for, and list nothing.
    if arguments[1..].iter().any(|word| !word.starts_with('-') && !"kill".contains(word.as_str())) {
        return ExitCode::SUCCESS;
    }
    let kills = std::env::var("LSM_KILLS").map_or(3, |text| text.parse().expect("LSM_KILLS is a number"));
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let mut acknowledged = [0; THREADS];
    for kill in 0..kills {
        let reached = kill_once(directory.path(), kill);
        for (thread, reached) in reached.into_iter().enumerate() {
            acknowledged[thread] = acknowledged[thread].max(reached);
        }
        acknowledged = check(directory.path(), acknowledged);
    }
    let writes: u64 = acknowledged.iter().sum();
    println!("{kills} kills, {writes} batches written, each with a sync: no acknowledged one is missing");
    ExitCode::SUCCESS
}

fn options() -> Options {
    let mut options = Options::default();
    options.memtable_size = 32 << 10;
    options.table_size = 64 << 10;
    options.sync = Sync::EveryCommit;
    options
}

/// Two keys that are written together.
fn keys(thread: usize, number: u64) -> [String; 2] {
    ["one", "other"].map(|which| format!("{which} {thread} {number:08}"))
}

/// Says that it opens the database, does so, and goes on writing where it ends, with a line for each batch that was
/// acknowledged.
fn write_until_killed(directory: &Path) {
    println!("opening");
    let engine = Arc::new(Engine::open(directory, options()).expect("opening the database"));
    let begin = last_numbers(&engine);
    std::thread::scope(|scope| {
        for (thread, begin) in begin.into_iter().enumerate() {
            let engine = engine.clone();
            scope.spawn(move || {
                for number in begin + 1.. {
                    let mut batch = WriteBatch::new();
                    for key in keys(thread, number) {
                        batch.put(key.as_bytes(), &[b'.'; 100]);
                    }
                    engine.write(&batch).expect("a write");
                    // Who reads this is gone when the test has failed.
                    let mut output = std::io::stdout().lock();
                    if writeln!(output, "{thread} {number}").and_then(|()| output.flush()).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// Starts a writer and kills it after some of its acknowledgements. Gives the last number that each thread told.
fn kill_once(directory: &Path, kill: u64) -> [u64; THREADS] {
    let program = std::env::current_exe().expect("this program's path");
    let mut command = Command::new(program);
    let writer = command.arg(WRITER).arg(directory).stdout(Stdio::piped()).spawn();
    let mut writer = Killed(writer.expect("starting the writer"));
    let output = writer.0.stdout.take().expect("the writer's output");
    // One of four dies while it opens the database, the others after up to 511 acknowledgements.
    let patience = if kill % 4 == 3 { 0 } else { 1 + (kill.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55) };
    let mut reached = [0; THREADS];
    for (count, line) in BufReader::new(output).lines().enumerate() {
        if count as u64 == patience {
            writer.0.kill().expect("killing the writer");
        }
        let line = line.expect("a line");
        let mut numbers = line.split(' ').map(|number| number.parse::<u64>());
        // The first line is no number. The last one may be cut short; then nobody has been told.
        if let (Some(Ok(thread)), Some(Ok(number))) = (numbers.next(), numbers.next()) {
            reached[thread as usize] = reached[thread as usize].max(number);
        }
    }
    reached
}

/// A child that does not outlive this program's interest in it.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The last number that each thread wrote. Fails if there is a gap before it, or half a batch.
fn last_numbers(engine: &Engine) -> [u64; THREADS] {
    let mut last = [[0; 2]; THREADS];
    for entry in engine.scan(..).expect("a scan") {
        let (key, value) = entry.expect("an entry");
        let text = String::from_utf8(key.to_vec()).expect("a key of ours");
        let words: Vec<&str> = text.split(' ').collect();
        let [which, thread, number] = words[..] else { panic!("a key that nobody wrote: {text}") };
        let last = &mut last[thread.parse::<usize>().expect("a thread")][usize::from(which == "other")];
        let number: u64 = number.parse().expect("a number");
        assert_eq!(number, *last + 1, "\"{text}\" is there, and not all that was written before it");
        assert_eq!(value.len(), 100, "the value of \"{text}\"");
        *last = number;
    }
    last.map(|[one, other]| {
        assert_eq!(one, other, "a batch is there in part");
        one
    })
}

/// Demands that what was acknowledged is there. Gives what is there: it may be a little more.
fn check(directory: &Path, acknowledged: [u64; THREADS]) -> [u64; THREADS] {
    let engine = Engine::open(directory, options()).expect("opening the database after a kill");
    let found = last_numbers(&engine);
    for thread in 0..THREADS {
        let (told, found) = (acknowledged[thread], found[thread]);
        assert!(
            found >= told,
            "batch {told} of thread {thread} was acknowledged, and {found} is the last that is there"
        );
    }
    found
}
