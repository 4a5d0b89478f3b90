//! One operation of the disk fails, once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use lsm::disk::{Fault, Operation, SimDisk, Survival};
use lsm::manifest::MANIFEST;
use lsm::table::table_path;
use lsm::{Engine, Error};

use super::crash::{End, open_and_read};
use super::depth::for_each_seed;
use super::history::{Entry, ReadError, Write, read};
use super::run::{Run, batch_of, catch};
use super::workload::{DIRECTORY, Profile, Step, Workload};

/// What is tried again and again.
type Work = fn(&Engine) -> lsm::Result<()>;

/// How many steps a workload has whose operations fail.
const STEPS: usize = 40;

/// How many operations of a run fail, each in a run of its own, if the test is not deep.
const POINTS: usize = 30;

/// At how many places the work fails that fails again and again, if the test is not deep.
const RETRIED_PLACES: usize = 2;

/// How often the work is tried that fails again and again.
const RETRIES: usize = 100;

/// Runs a workload once for each change of the disk that it makes, which fails.
pub fn check_failing_changes(profile: Profile) {
    check_failing(profile, "change", SimDisk::changes, SimDisk::fail_change);
}

/// Runs a workload once for each time that it reads from the disk, which fails.
pub fn check_failing_reads(profile: Profile) {
    check_failing(profile, "read", SimDisk::reads, SimDisk::fail_read);
}

fn check_failing(profile: Profile, kind: &str, count: fn(&SimDisk) -> u64, arm: fn(&SimDisk, u64, Fault)) {
    for_each_seed(|seed, depth| {
        let mut dry = Run::new(profile);
        let outcome = catch(|| run_steps(&mut dry, seed, 0));
        outcome.unwrap_or_else(|what| {
            panic!("seed {seed}, without any fault: {what}\n{}", dry.history.lock().show_steps())
        });
        for number in depth.sample(count(&dry.disk) as usize, POINTS, seed) {
            let number = number as u64;
            let fault = if (number + seed).is_multiple_of(2) { Fault::Broken } else { Fault::Full };
            let mut run = Run::new(profile);
            arm(&run.disk, number, fault);
            if let Err(what) = catch(|| run_steps(&mut run, seed, number).and_then(|()| finish(&mut run))) {
                let steps = run.history.lock().show_steps();
                panic!(
                    "seed {seed}, {kind} {number} fails once ({fault:?}): {what}\n{steps}\n(LSM_SEED={seed} runs this seed alone)"
                );
            }
        }
    });
}

/// Runs a workload that may fail once.
fn run_steps(run: &mut Run, seed: u64, salt: u64) -> Result<(), String> {
    let mut workload = Workload::new(run.profile, seed);
    let mut first_error: Option<Error> = None;
    for step in
        std::iter::once(Step::Reopen(lsm::Sync::Os)).chain(std::iter::repeat_with(|| workload.next_step()).take(STEPS))
    {
        let begun = run.history.lock().len();
        match (run.step(&step), &first_error) {
            (Ok(()), _) => {}
            (Err(ReadError::Told(error)), None) => {
                let in_doubt = run.history.lock().len() > begun;
                repair(run, &step, &error, in_doubt, salt)
                    .map_err(|what| format!("\"{step}\" failed: {error}\n{what}"))?;
                first_error = Some(error);
            }
            (Err(error), Some(first)) => {
                return Err(format!("long after it had failed with \"{first}\": {step}: {error}"));
            }
            (Err(error), None) => return Err(format!("{step}: {error}")),
        }
    }
    Ok(())
}

/// Goes on after a step has failed, as a user would.
fn repair(run: &mut Run, step: &Step, error: &Error, in_doubt: bool, salt: u64) -> Result<(), String> {
    let cause = match error {
        Error::Poisoned(cause) => cause.as_ref(),
        error => error,
    };
    if !matches!(cause, Error::Io { .. }) {
        return Err(format!("the disk failed, so the error should be Io, or Poisoned by it; it is {error:?}"));
    }
    for end in [End::PowerCut(Survival::Nothing, 0), End::PowerCut(Survival::Some, salt), End::Kill] {
        let found = open_and_read(run.profile, &end.leaves(&run.disk)).map_err(|what| format!("then {end}: {what}"))?;
        run.history.lock().find(&found).map_err(|what| format!("then {end}: {what}"))?;
    }
    if let Some(engine) = &run.engine {
        let expected = match in_doubt {
            true => run.history.lock().contents_before_last(),
            false => run.history.lock().contents(),
        };
        let found = read(engine).map_err(|error| format!("then reading failed: {error}"))?;
        if found != expected {
            return Err("reads should go on as if nothing had happened, but do not".to_string());
        }
        if let Error::Poisoned(_) = error {
            let outcome = engine.put(b"key01", b"after a failure");
            if !matches!(outcome, Err(Error::Poisoned(_))) {
                return Err(format!("a poisoned engine should refuse writes, saying so; it says {outcome:?}"));
            }
            if salt.is_multiple_of(3) {
                engine.flush().map_err(|error| format!("a poisoned engine should flush what it has: {error}"))?;
            }
            return reopen(run, in_doubt);
        }
    }
    if in_doubt {
        run.history.lock().forget_last();
    }
    run.step(step).map_err(|error| format!("tried again, it should succeed: {error}"))
}

/// Opens an engine anew that was poisoned: then it is known whether the write in doubt is there.
fn reopen(run: &mut Run, in_doubt: bool) -> Result<(), String> {
    run.engine = None;
    let found = open_and_read(run.profile, &run.disk)?;
    let mut history = run.history.lock();
    if found != history.contents() {
        if !in_doubt || found != history.contents_before_last() {
            let what = history.find_from(history.len(), &found).err().unwrap_or_default();
            return Err(format!("opened anew, writes are missing that were acknowledged: {what}"));
        }
        history.forget_last();
    }
    drop(history);
    run.step(&Step::Reopen(lsm::Sync::Os)).map_err(|error| error.to_string())
}

/// All is well at the end: everything is there, also after a power cut, and no file that is not needed.
fn finish(run: &mut Run) -> Result<(), String> {
    let engine = run.engine.as_ref().ok_or("the engine is not open")?;
    engine.flush().map_err(|error| format!("a flush at the end: {error}"))?;
    run.history.lock().make_durable();
    let extra = extra_files(engine, &run.disk);
    if extra.len() > 1 {
        return Err(format!("of one failure, these files are left that nothing needs: {extra:?}"));
    }
    run.step(&Step::Reopen(lsm::Sync::Os)).map_err(|error| format!("at the end: {error}"))?;
    let engine = run.engine.as_ref().ok_or("the engine is not open")?;
    let extra = extra_files(engine, &run.disk);
    if !extra.is_empty() {
        return Err(format!("opening should have removed files that nothing needs: {extra:?}"));
    }
    let left = run.disk.after_power_cut(Survival::Nothing, 0);
    let found = open_and_read(run.profile, &left).map_err(|what| format!("after a power cut at the end: {what}"))?;
    run.history.lock().find(&found).map(|_| ()).map_err(|what| format!("after a power cut at the end: {what}"))
}

/// Files that an engine with nothing in memory does not need.
fn extra_files(engine: &Engine, disk: &SimDisk) -> Vec<PathBuf> {
    let directory = Path::new(DIRECTORY);
    let shape = engine.shape();
    let mut needed: BTreeSet<PathBuf> = shape.tables().map(|table| table_path(directory, table.id)).collect();
    needed.insert(directory.join(MANIFEST));
    disk.paths().into_iter().filter(|path| !needed.contains(path)).collect()
}

/// Flushes and compacts again and again, while the disk fails each time, at each change that the work makes. The files
/// stay as few as they are when it succeeds.
pub fn check_retries(profile: Profile) {
    let work: [(&str, Work); 2] = [("flush", Engine::flush), ("compaction", Engine::compact)];
    for_each_seed(|seed, depth| {
        for (name, work) in work {
            let disk = SimDisk::new();
            let engine = prepare(profile, &disk);
            write(profile, &engine, 0);
            let before = disk.changes();
            work(&engine).unwrap_or_else(|error| panic!("a {name} without faults: {error}"));
            for place in depth.sample((disk.changes() - before) as usize, RETRIED_PLACES, seed) {
                let fault = if (place as u64 + seed).is_multiple_of(2) { Fault::Broken } else { Fault::Full };
                let outcome = catch(|| check_retried(profile, work, place as u64, fault));
                let what = format!("seed {seed}: {RETRIES} times, change {place} of a {name} fails ({fault:?})");
                outcome.unwrap_or_else(|found| panic!("{what}: {found}"));
            }
        }
    });
}

fn prepare(profile: Profile, disk: &SimDisk) -> Engine {
    let engine = Engine::open(DIRECTORY, profile.options(disk, lsm::Sync::Os)).expect("opening an empty directory");
    for number in 0..3 {
        write(profile, &engine, number);
        engine.flush().expect("a flush");
    }
    engine
}

/// Writes four keys, as a batch if there are batches.
fn write(profile: Profile, engine: &Engine, number: usize) {
    let entries = (1..5).map(|key| Entry { key: format!("key{key:02}").into(), value: Some(value(number)) });
    let write = Write { number, entries: entries.collect() };
    if profile.batches {
        return engine.write(&batch_of(&write)).expect("a batch");
    }
    for Entry { key, value } in &write.entries {
        engine.put(key, value.as_deref().unwrap_or_default()).expect("a put");
    }
}

fn value(number: usize) -> Vec<u8> {
    format!("{number:0100}").into_bytes()
}

fn check_retried(profile: Profile, work: Work, place: u64, fault: Fault) -> Result<(), String> {
    let disk = SimDisk::new();
    let engine = prepare(profile, &disk);
    let armed = Arc::new(AtomicU64::new(u64::MAX));
    // A file that cannot be removed stays until the engine is opened anew; that is said of it.
    let failed_removals = Arc::new(AtomicUsize::new(0));
    let (armed_now, count) = (armed.clone(), failed_removals.clone());
    disk.on_operation(move |step| {
        if step.operation == Operation::Remove && step.number == armed_now.load(Ordering::Relaxed) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    for attempt in 0..RETRIES {
        write(profile, &engine, attempt);
        armed.store(disk.changes() + place, Ordering::Relaxed);
        disk.fail_change(disk.changes() + place, fault);
        // Whether it fails or not, and with what, is not the question here.
        let _ = work(&engine);
        // Where the work did not get to, the next write must not fail.
        disk.fail_change(u64::MAX, fault);
    }
    disk.on_operation(|_| {});
    work(&engine).map_err(|error| format!("when the disk is well again: {error}"))?;
    let extra = extra_files(&engine, &disk);
    if extra.len() > failed_removals.load(Ordering::Relaxed) {
        return Err(format!("{} files are left that nothing needs: {extra:?}", extra.len()));
    }
    let last = if profile.wal { RETRIES } else { RETRIES - 1 };
    if profile.wal {
        write(profile, &engine, last);
    }
    drop(engine);
    let found = open_and_read(profile, &disk)?;
    match found.len() == 4 && found.values().all(|found| *found == value(last)) {
        true => Ok(()),
        false => Err("opened anew, the four keys should have what was written last".to_string()),
    }
}
