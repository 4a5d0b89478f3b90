//! Files that are not what was written: a byte is another, or the end is missing.
//!
//! What a reader can know: a log's marks prove what was durable, and the manifest says which tables there are. So a
//! damage is reported, or the answer is right. One thing cannot be told: a log, or a manifest, that ends early looks as a
//! crash would have left it, if no mark is left behind the place. Then the answer is what the database once was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsm::disk::SimDisk;
use lsm::manifest::MANIFEST;
use lsm::{Engine, Error};

use super::allocations::longest_request;
use super::depth::for_each_seed;
use super::history::{History, ReadError, all_keys, read};
use super::random::Random;
use super::run::{Run, catch};
use super::workload::{DIRECTORY, Profile, Step, Workload};

/// How many steps a workload has whose files are damaged.
const STEPS: usize = 40;

/// How many damages are tried, if the test is not deep.
const POINTS: usize = 150;

/// What may be asked of the allocator at once, in bytes: twice the longest file, and this.
const MEMORY_BESIDE_FILES: usize = 64 << 10;

/// How long a log's mark is, in bytes.
const MARK_LENGTH: usize = 17;

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A database that nobody uses, and its past.
struct Left {
    files: Files,
    history: History,
    /// How many writes were durable at some moments, and what the files were then.
    moments: Vec<(usize, Files)>,
}

/// Changes one byte, anywhere in any file.
pub fn check_flips(profile: Profile) {
    check_damages(profile, |left, seed, sample| {
        let mut random = Random::new(seed ^ 0x00F1_19ED);
        let bytes = left.files.iter().flat_map(|(path, bytes)| (0..bytes.len()).map(move |at| (path, at)));
        let bytes: Vec<(&PathBuf, usize)> = bytes.collect();
        let damages = sample(bytes.len()).into_iter().map(|index| {
            let (path, at) = bytes[index];
            let mask = if random.percent(70) { 1 << random.below(8) } else { 1 + random.below(255) as u8 };
            let mut damaged = left.files[path].clone();
            damaged[at] ^= mask;
            let what = format!(
                "byte {at} of {} is {:#04x} instead of {:#04x}",
                path.display(),
                damaged[at],
                damaged[at] ^ mask
            );
            Damage { path: path.clone(), bytes: damaged, least: left.history.durable(), what }
        });
        damages.collect()
    });
}

/// Ends a file early, at any length.
pub fn check_cuts(profile: Profile) {
    check_damages(profile, |left, _, sample| {
        let lengths = left.files.iter().flat_map(|(path, bytes)| (0..bytes.len()).map(move |length| (path, length)));
        let lengths: Vec<(&PathBuf, usize)> = lengths.collect();
        let damages = sample(lengths.len()).into_iter().map(|index| {
            let (path, length) = lengths[index];
            let whole = &left.files[path];
            let what = format!("{} ends after {length} of its {} bytes", path.display(), whole.len());
            Damage { path: path.clone(), bytes: whole[..length].to_vec(), least: left.least(path, length), what }
        });
        damages.collect()
    });
}

struct Damage {
    path: PathBuf,
    bytes: Vec<u8>,
    /// So many writes have to be there, if the database opens.
    least: usize,
    what: String,
}

fn check_damages(profile: Profile, damages: impl Fn(&Left, u64, &dyn Fn(usize) -> Vec<usize>) -> Vec<Damage> + Sync) {
    for_each_seed(|seed, depth| {
        let left =
            catch(|| leave(profile, seed)).unwrap_or_else(|what| panic!("seed {seed}, without any damage: {what}"));
        for damage in damages(&left, seed, &|count| depth.sample(count, POINTS, seed)) {
            if let Err(what) = catch(|| check_damage(profile, &left, &damage)) {
                let steps = left.history.show_steps();
                panic!("seed {seed}, {}: {what}\n{steps}\n(LSM_SEED={seed} runs this seed alone)", damage.what);
            }
        }
    });
}

/// Runs a workload and gives what it left: several tables, and with a log two logs of which the second is unsynced at its
/// end.
fn leave(profile: Profile, seed: u64) -> Result<Left, String> {
    let mut run = Run::new(profile);
    let mut workload = Workload::new(profile, seed);
    let mut left = Left { files: Files::new(), history: History::default(), moments: Vec::new() };
    let mut steps = vec![Step::Reopen(lsm::Sync::Os)];
    steps.extend((0..STEPS).map(|_| workload.next_step()));
    let mut write = || std::iter::repeat_with(|| workload.next_step()).find(|step| matches!(step, Step::Write(_)));
    let make_durable = if profile.wal { Step::Sync } else { Step::Flush };
    for step in [make_durable.clone(), Step::Freeze, make_durable, Step::Read] {
        steps.extend(write());
        steps.extend(write());
        steps.push(step);
    }
    for step in steps {
        run.step(&step).map_err(|error| format!("{step}: {error}"))?;
        let durable = run.history.lock().durable();
        if left.moments.last().is_none_or(|(last, _)| *last < durable)
            || matches!(step, Step::Reopen(_) | Step::Kill(_))
        {
            left.moments.push((durable, files_of(&run.disk)));
        }
    }
    left.files = files_of(&run.disk);
    left.history = run.history.lock().clone();
    if !profile.wal {
        // What was in memory is lost with the process.
        let durable = left.history.durable();
        left.history.truncate(durable);
    }
    check_damage(
        profile,
        &left,
        &Damage {
            path: Path::new(DIRECTORY).join(MANIFEST),
            bytes: left.files[&Path::new(DIRECTORY).join(MANIFEST)].clone(),
            least: left.history.len(),
            what: String::new(),
        },
    )?;
    Ok(left)
}

fn files_of(disk: &SimDisk) -> Files {
    disk.paths().into_iter().filter_map(|path| disk.contents(&path).map(|bytes| (path, bytes))).collect()
}

impl Left {
    /// How many writes a file proves that ends at `length`.
    ///
    /// What was durable when the file was so long, or longer by a mark that nothing follows, is still there. A manifest
    /// got its name when it was complete, so that what it began with is there or it is refused.
    fn least(&self, path: &Path, length: usize) -> usize {
        let whole = &self.files[path];
        let is_manifest = path.ends_with(MANIFEST);
        let empty = Vec::new();
        let then = self.moments.iter().map(|(durable, files)| (durable, files.get(path).unwrap_or(&empty)));
        let mut same = then.filter(|(_, bytes)| whole.starts_with(bytes) && (!is_manifest || !bytes.is_empty()));
        let first = if is_manifest { same.clone().next().map(|(durable, _)| *durable) } else { None };
        let proven =
            same.by_ref().filter(|(_, bytes)| bytes.len() <= length + MARK_LENGTH).map(|(durable, _)| *durable);
        proven.chain(first).max().unwrap_or(0)
    }
}

fn check_damage(profile: Profile, left: &Left, damage: &Damage) -> Result<(), String> {
    let disk = SimDisk::new();
    let mut files = left.files.clone();
    files.insert(damage.path.clone(), damage.bytes.clone());
    for (path, bytes) in &files {
        disk.set_contents(path, bytes);
    }
    let (outcome, longest) = longest_request(|| open_and_look(profile, &disk, left, damage));
    let bound = 2 * files.values().map(Vec::len).max().unwrap_or(0) + MEMORY_BESIDE_FILES;
    if longest > bound {
        return Err(format!("{longest} bytes of memory were asked for at once; {bound} should be enough"));
    }
    let opened = outcome?;
    if !opened && files_of(&disk) != files {
        return Err("the database does not open, and yet its files were changed".to_string());
    }
    Ok(())
}

/// Whether the database opened, if all that it says is right.
fn open_and_look(profile: Profile, disk: &SimDisk, left: &Left, damage: &Damage) -> Result<bool, String> {
    let engine = match Engine::open(DIRECTORY, profile.options(disk, lsm::Sync::Os)) {
        Ok(engine) => engine,
        Err(error) => return told(&error).map(|()| false),
    };
    match read(&engine) {
        Ok(found) => left.history.find_from(damage.least, &found).map(|_| ())?,
        Err(ReadError::Told(error)) => told(&error)?,
        Err(ReadError::Wrong(what)) => return Err(what),
    }
    if damage.path.extension().is_some_and(|extension| extension == "sst") {
        look_at_damaged_table(profile, &engine, left)?;
    }
    Ok(true)
}

/// The damage is in a table: each answer is right or reports it, and no compaction makes it worse.
fn look_at_damaged_table(profile: Profile, engine: &Engine, left: &Left) -> Result<(), String> {
    let expected = left.history.contents();
    let check = || {
        for key in all_keys() {
            match engine.get(&key) {
                Ok(found) if found.as_deref() == expected.get(&key).map(Vec::as_slice) => {}
                Ok(found) => return Err(format!("a get of {key:?} gives {found:?}")),
                Err(error) => told(&error)?,
            }
        }
        Ok(())
    };
    check()?;
    if profile.batches && engine.verify().is_empty() {
        return Err("verify finds no damage".to_string());
    }
    if let Err(error) = engine.compact() {
        told(&error)?;
    }
    check().map_err(|what| format!("after a compaction, {what}"))
}

fn told(error: &Error) -> Result<(), String> {
    match error {
        Error::Corruption { .. } | Error::UnsupportedVersion { .. } => Ok(()),
        error => Err(format!("damage should be reported as Corruption or UnsupportedVersion, not as {error:?}")),
    }
}
