//! Runs tests, each in its own process with limits of time and memory, as many at once as there are cores.
//!
//! On Unix a test is started through `sh`, which sets the memory limit and leaves a watcher behind: it waits for this
//! program's end of a pipe to close and then ends the test's whole process group. So a test is ended, with whatever it
//! started, when its time is over, and also when this program is interrupted or killed: no loop goes on behind a
//! learner's back. The memory limit is enforced by Linux alone; Windows has neither, and ends just the test's process.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::build::Binary;
use super::capture::Capture;
use super::verdict::{End, Verdict};

/// When this many tests of a run have used up their time, the engine loops: the others get [`HASTY`], so that a learner
/// does not wait minutes for what is known. Suites are made to take two seconds in all.
const PATIENCE: usize = 2;
const HASTY: Duration = Duration::from_secs(3);

/// What a test may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From its start to its end.
    pub time: Duration,
    /// In MiB, of its heap and its threads' stacks.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { time: Duration::from_secs(10), memory: 512 }
    }
}

/// A test that was run.
#[derive(Debug)]
pub struct Outcome {
    /// Its full name, e.g. `chapter_3::seek_finds_the_first_key_at_or_after`.
    pub name: String,
    pub verdict: Verdict,
    pub took: Duration,
    /// What it printed, bounded; see [`Capture`].
    pub stdout: String,
    pub stderr: String,
}

/// Runs the named tests of a binary. `done` sees each outcome as it comes and may break off: tests that were not started
/// then are not. The outcomes are in the order of the names.
pub fn run(
    binary: &Binary,
    names: &[String],
    limits: Limits,
    mut done: impl FnMut(&Outcome) -> ControlFlow<()>,
) -> Result<Vec<Outcome>> {
    // What killed tests leave in the temporary directory goes with it.
    let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(names.len());
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let overtime = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next, stop, overtime, scratch) = (sender.clone(), &next, &stop, &overtime, scratch.path());
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(name) = names.get(index) else { break };
                    let hasty = overtime.load(Ordering::Relaxed) >= PATIENCE;
                    let time = if hasty { limits.time.min(HASTY) } else { limits.time };
                    let outcome = run_one(binary, name, Limits { time, ..limits }, scratch);
                    if let Ok(Outcome { verdict: Verdict::RanTooLong { .. }, .. }) = outcome {
                        overtime.fetch_add(1, Ordering::Relaxed);
                    }
                    if sender.send(outcome.map(|outcome| (index, outcome))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        receiver
            .iter()
            .inspect(|outcome| {
                if outcome.as_ref().map_or(true, |(_, outcome)| done(outcome).is_break()) {
                    stop.store(true, Ordering::Relaxed);
                }
            })
            .collect::<Result<_>>()
    })?;
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn run_one(binary: &Binary, name: &str, limits: Limits, scratch: &Path) -> Result<Outcome> {
    let started = Instant::now();
    let mut command = limited(&binary.path, limits);
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1", "--include-ignored"])
        .current_dir(&binary.crate_dir)
        .env("CARGO_MANIFEST_DIR", &binary.crate_dir)
        // A backtrace costs more time than most tests take; who wants one runs the test alone.
        .env("RUST_BACKTRACE", "0")
        .envs(["TMPDIR", "TMP", "TEMP"].map(|variable| (variable, scratch)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run {}", binary.path.display()))?;
    let (status, stdout, stderr) =
        watch(&mut child, started + limits.time).with_context(|| format!("cannot watch test {name}"))?;
    let end = End { status, limits, stdout: &stdout, stderr: &stderr };
    Ok(Outcome { verdict: end.verdict(name), name: name.to_owned(), took: started.elapsed(), stdout, stderr })
}

/// Waits for the child's end or the deadline's, and ends it then. `None` for the status: its time was over.
fn watch(child: &mut Child, deadline: Instant) -> std::io::Result<(Option<ExitStatus>, String, String)> {
    let kept = [Mutex::new(Capture::default()), Mutex::new(Capture::default())];
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (closed, both_closed) = mpsc::channel::<()>();
    let status = std::thread::scope(|scope| {
        let (out, err, out_closed) = (&kept[0], &kept[1], closed.clone());
        scope.spawn(move || {
            read_into(stdout, out);
            drop(out_closed);
        });
        scope.spawn(move || {
            read_into(stderr, err);
            drop(closed);
        });
        let status = wait(child, &both_closed, deadline);
        // Ends what the test started and left behind, which may hold the pipes open that are read above.
        end(child);
        status
    })?;
    let [stdout, stderr] = kept.map(|capture| capture.into_inner().unwrap_or_default().text());
    Ok((status, stdout, stderr))
}

fn read_into(stream: Option<impl std::io::Read>, capture: &Mutex<Capture>) {
    let Some(stream) = stream else { return };
    Capture::read(stream, |bytes| {
        if let Ok(mut capture) = capture.lock() {
            capture.push(bytes);
        }
    });
}

/// The child's status, or `None` at the deadline. A child that closes its pipes is about to end; one that leaves them to
/// its own children is seen to have ended a moment later.
fn wait(child: &mut Child, both_closed: &mpsc::Receiver<()>, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(20);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        // Nothing is ever sent: the channel only tells that both readers are done.
        if let Err(mpsc::RecvTimeoutError::Disconnected) = both_closed.recv_timeout(pause.min(left)) {
            pause = Duration::from_millis(1);
            // The pipes are closed, so nothing is left to wake this thread: std cannot wait for a child with a limit.
            std::thread::sleep(pause.min(left));
        }
    }
}

/// Ends the child and, on Unix, its process group, whose watcher waits for its standard input to close.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    // It may have ended by itself; either way there is nothing to do about a failure.
    let _ = child.kill();
    let _ = child.wait();
}

/// Starts `program` under the memory limit, without a core file, with a watcher that ends its process group.
#[cfg(unix)]
fn limited(program: &Path, limits: Limits) -> Command {
    use std::os::unix::process::CommandExt;

    // The shell gives a background job an empty input, so the watcher reads a copy of the pipe.
    const SCRIPT: &str = "exec 3<&0; (read _ <&3; kill -KILL 0) >/dev/null 2>&1 & \
        ulimit -d \"$1\" 2>/dev/null; ulimit -c 0 2>/dev/null; shift; exec \"$@\" 3<&- </dev/null";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "sh"]).arg((limits.memory * 1024).to_string()).arg(program);
    command.process_group(0);
    command
}

#[cfg(not(unix))]
fn limited(program: &Path, _: Limits) -> Command {
    Command::new(program)
}
