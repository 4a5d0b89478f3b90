//! The power goes off, at every change of the disk.
//!
//! The engine runs once. Before each change that it makes, the disk is asked what a power cut at just that moment would
//! leave, in several ways, and each is opened and looked at, while the run stands still.

use std::fmt;
use std::sync::Arc;

use lsm::Engine;
use lsm::disk::{SimDisk, Step as DiskStep, Survival};
use parking_lot::Mutex;

use super::depth::{Depth, for_each_seed};
use super::history::{Contents, History, ReadError, read};
use super::run::{Run, catch, is_change};
use super::workload::{DIRECTORY, Profile, Step, Workload};

/// How an engine ends that nobody closes.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// A power cut that leaves so much of what was not synced; the number decides where chance does.
    PowerCut(Survival, u64),
    /// The process is killed. Nothing is lost, but what was not synced still can be.
    Kill,
}

impl End {
    /// What is left of the disk.
    pub fn leaves(self, disk: &SimDisk) -> SimDisk {
        match self {
            End::PowerCut(survival, seed) => disk.after_power_cut(survival, seed),
            End::Kill => disk.after_kill(),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::PowerCut(Survival::Nothing, _) => {
                write!(formatter, "the power is cut; nothing survives but what was synced")
            }
            End::PowerCut(Survival::Everything, _) => write!(formatter, "the power is cut; everything survives"),
            End::PowerCut(Survival::Some, seed) => {
                write!(formatter, "the power is cut; of what was not synced, chance ({seed}) leaves some")
            }
            End::Kill => write!(formatter, "the process is killed"),
        }
    }
}

/// Runs workloads, and ends the engine at every change of the disk in several ways.
pub fn check_power_cuts(profile: Profile) {
    for_each_seed(|seed, depth| {
        let mut run = Run::new(profile);
        let watcher = Arc::new(Watcher::new(&run, seed, depth));
        let watching = watcher.clone();
        run.disk.on_operation(move |step| watching.look(step));
        let mut workload = Workload::new(profile, seed);
        let outcome = catch(|| {
            run.step(&Step::Reopen(lsm::Sync::Os)).map_err(|error| error.to_string())?;
            while !watcher.is_done() {
                run.step(&workload.next_step()).map_err(|error| error.to_string())?;
            }
            Ok(())
        });
        // The hook holds the disk, and the disk the hook.
        run.disk.on_operation(|_| {});
        let failure = watcher.state.lock().failure.take();
        let failure = failure.or_else(|| outcome.err().map(|what| format!("without any fault: {what}")));
        if let Some(what) = failure {
            panic!("seed {seed}, {what}\n{}\n(LSM_SEED={seed} runs this seed alone)", run.history.lock().show_steps());
        }
    });
}

/// Looks at what is left of a disk, before each of its changes.
struct Watcher {
    profile: Profile,
    disk: SimDisk,
    history: Arc<Mutex<History>>,
    seed: u64,
    is_deep: bool,
    state: Mutex<WatcherState>,
}

struct WatcherState {
    points: usize,
    /// What went wrong. A hook must not panic, since the engine may be unwinding already.
    failure: Option<String>,
}

impl Watcher {
    fn new(run: &Run, seed: u64, depth: Depth) -> Watcher {
        // Beside the engine's threads, changes are many and much alike.
        let points = if run.profile.background { depth.points / 3 } else { depth.points };
        Watcher {
            profile: run.profile,
            disk: run.disk.clone(),
            history: run.history.clone(),
            seed,
            is_deep: depth.is_deep,
            state: Mutex::new(WatcherState { points, failure: None }),
        }
    }

    fn is_done(&self) -> bool {
        let state = self.state.lock();
        state.points == 0 || state.failure.is_some()
    }

    fn look(&self, step: DiskStep<'_>) {
        if !is_change(step.operation) {
            return;
        }
        for end in self.ends(step.number) {
            if self.is_done() {
                return;
            }
            self.state.lock().points -= 1;
            let history = self.history.lock();
            let left = end.leaves(&self.disk);
            let salt = self.seed.wrapping_mul(1_000_003) ^ step.number;
            if let Err(what) = catch(|| check_left(self.profile, &left, &history, end, salt, self.is_deep)) {
                let (number, operation, path) = (step.number, step.operation, step.path.display());
                let when = format!("before change {number}, {operation:?} of {path}, {end}");
                self.state.lock().failure = Some(format!("{when}:\n{what}"));
            }
        }
    }

    /// In which ways the engine ends before a change.
    fn ends(&self, number: u64) -> Vec<End> {
        let some = |way: u64| End::PowerCut(Survival::Some, self.seed ^ number << 8 ^ way << 40);
        let nothing = End::PowerCut(Survival::Nothing, 0);
        let everything = End::PowerCut(Survival::Everything, 0);
        if self.is_deep {
            return vec![nothing, everything, End::Kill, some(0), some(1), some(2)];
        }
        let other = match number % 4 {
            0 => everything,
            1 => End::Kill,
            _ => some(0),
        };
        vec![nothing, other]
    }
}

/// Demands that a disk holds what it has to: opened once, opened again, written to, and opened after the first opening was
/// ended at one of its own changes: at each of them if the test is deep, otherwise at every fourth.
pub fn check_left(
    profile: Profile,
    disk: &SimDisk,
    history: &History,
    end: End,
    salt: u64,
    is_deep: bool,
) -> Result<(), String> {
    let opening = record_ends(disk, salt);
    let engine = open(profile, disk)?;
    disk.on_operation(|_| {});
    let found = read(&engine).map_err(|error| error.to_string())?;
    history.find(&found)?;
    drop(engine);
    let opening: Vec<(String, SimDisk)> = std::mem::take(&mut *opening.lock());
    let shown =
        opening.into_iter().enumerate().filter(|(index, _)| is_deep || (*index as u64 + salt).is_multiple_of(4));
    for (_, (when, left)) in shown {
        let found_then = open_and_read(profile, &left).map_err(|what| format!("then, {when}: {what}"))?;
        // Before a power cut had taken anything, it may have been lost once more.
        let is_right = matches!(end, End::Kill) && history.find(&found_then).is_ok();
        if found_then != found && !is_right {
            let what =
                history.find(&found_then).err().unwrap_or_else(|| "writes that had survived are gone".to_string());
            return Err(format!("then, {when}: {what}"));
        }
    }
    if open_and_read(profile, disk)? != found {
        return Err("opened a second time, it holds something else than the first time".to_string());
    }
    check_new_writes(profile, disk, found, salt)
        .map_err(|what| format!("the database opens, and is written to: {what}"))
}

/// Remembers what is left if the engine ends at any of the changes to come: one way for each.
fn record_ends(disk: &SimDisk, salt: u64) -> Arc<Mutex<Vec<(String, SimDisk)>>> {
    let recorded: Arc<Mutex<Vec<(String, SimDisk)>>> = Arc::default();
    let (recording, watched) = (recorded.clone(), disk.clone());
    disk.on_operation(move |step| {
        if is_change(step.operation) {
            let survival = match (salt + step.number) % 3 {
                0 => Survival::Nothing,
                1 => Survival::Some,
                _ => Survival::Everything,
            };
            let end = End::PowerCut(survival, salt ^ step.number);
            let when = format!("before the opening's own {:?} of {}, {end}", step.operation, step.path.display());
            recording.lock().push((when, end.leaves(&watched)));
        }
    });
    recorded
}

fn check_new_writes(profile: Profile, disk: &SimDisk, mut expected: Contents, salt: u64) -> Result<(), String> {
    let engine = open(profile, disk)?;
    let write = || {
        engine.put(b"key05", b"after the crash")?;
        engine.delete(b"key06")?;
        if profile.wal && salt.is_multiple_of(2) {
            engine.sync()?
        } else {
            engine.flush()?
        }
        if salt.is_multiple_of(5) { engine.compact() } else { Ok(()) }
    };
    write().map_err(|error: lsm::Error| error.to_string())?;
    expected.insert(b"key05".to_vec(), b"after the crash".to_vec());
    expected.remove(&b"key06"[..]);
    let survival = if salt.is_multiple_of(3) { Survival::Some } else { Survival::Nothing };
    let left = disk.after_power_cut(survival, salt);
    if open_and_read(profile, &left)? == expected {
        return Ok(());
    }
    Err("after another power cut, it does not hold what was there and what was then written and made durable"
        .to_string())
}

pub fn open(profile: Profile, disk: &SimDisk) -> Result<Engine, String> {
    let opened = Engine::open(DIRECTORY, profile.quiet().options(disk, lsm::Sync::Os));
    opened.map_err(|error| format!("the database does not open: {error}"))
}

pub fn open_and_read(profile: Profile, disk: &SimDisk) -> Result<Contents, String> {
    read(&open(profile, disk)?).map_err(|error: ReadError| error.to_string())
}
