//! What an engine was told, and which of it a power cut may take.

use std::collections::BTreeMap;
use std::fmt;

use lsm::Engine;

/// Every key that has a value.
pub type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

/// How many of the last steps a failure shows.
const SHOWN_STEPS: usize = 12;

/// How many differing keys a failure shows.
const SHOWN_KEYS: usize = 6;

/// A put, or a deletion.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// What happens together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub number: usize,
    pub entries: Vec<Entry>,
}

/// All writes so far, in their order.
#[derive(Clone, Debug, Default)]
pub struct History {
    writes: Vec<Write>,
    /// So many of them, from the first on, survive a power cut; and what they amount to.
    durable: usize,
    durable_contents: Contents,
    /// What was done, for a failure's message.
    steps: Vec<String>,
}

impl History {
    /// A write is about to be asked for: from now on it may be there.
    pub fn begin(&mut self, write: &Write) {
        self.writes.push(write.clone());
    }

    /// What was written so far survives a power cut from now on.
    pub fn make_durable(&mut self) {
        for write in &self.writes[self.durable..] {
            write.apply(&mut self.durable_contents);
        }
        self.durable = self.writes.len();
    }

    /// The last write turned out not to be there.
    pub fn forget_last(&mut self) {
        self.writes.pop();
        assert!(self.durable <= self.writes.len(), "a durable write is not forgotten");
    }

    /// What is there if nothing is lost.
    pub fn contents(&self) -> Contents {
        let mut contents = self.durable_contents.clone();
        for write in &self.writes[self.durable..] {
            write.apply(&mut contents);
        }
        contents
    }

    /// As [`History::contents`], without the last write.
    pub fn contents_before_last(&self) -> Contents {
        let mut contents = Contents::new();
        for write in &self.writes[..self.writes.len().saturating_sub(1)] {
            write.apply(&mut contents);
        }
        contents
    }

    /// How many writes have begun.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// How many writes are durable.
    pub fn durable(&self) -> usize {
        self.durable
    }

    pub fn note(&mut self, step: String) {
        self.steps.push(step);
    }

    /// Forgets all that was not durable, and what was found not to be there.
    pub fn truncate(&mut self, length: usize) {
        assert!(self.durable <= length, "a durable write is not forgotten");
        self.writes.truncate(length);
    }

    /// After how many writes the database was as it was found, if no durable one is missing; otherwise what is wrong.
    pub fn find(&self, found: &Contents) -> Result<usize, String> {
        self.find_between(self.durable, self.durable_contents.clone(), found)
    }

    /// As [`History::find`], where only the first `least` writes have to be there.
    pub fn find_from(&self, least: usize, found: &Contents) -> Result<usize, String> {
        let mut contents = Contents::new();
        for write in &self.writes[..least] {
            write.apply(&mut contents);
        }
        self.find_between(least, contents, found)
    }

    /// `contents` is what the first `least` writes amount to.
    fn find_between(&self, least: usize, mut contents: Contents, found: &Contents) -> Result<usize, String> {
        let mut closest = (usize::MAX, 0, Contents::new());
        for length in least..=self.writes.len() {
            if length > least {
                self.writes[length - 1].apply(&mut contents);
            }
            let distance = differing(&contents, found).len();
            if distance == 0 {
                return Ok(length);
            }
            if distance <= closest.0 {
                closest = (distance, length, contents.clone());
            }
        }
        Err(self.explain(least, found, &closest.2, closest.1))
    }

    fn explain(&self, least: usize, found: &Contents, closest: &Contents, length: usize) -> String {
        let name = |length: usize| match length.checked_sub(1) {
            None => "no write at all".to_string(),
            Some(last) => format!("write {}", self.writes[last].number),
        };
        let mut text = format!(
            "the database is as it never was: everything up to {} is durable, and {} was the last to begin.\nIt is closest \
             to what it was after {}; there it differs in",
            name(least),
            name(self.writes.len()),
            name(length)
        );
        for key in differing(closest, found).into_iter().take(SHOWN_KEYS) {
            let show = |contents: &Contents| contents.get(key).map_or("nothing".to_string(), |value| show(value));
            text += &format!("\n  {}: {} was written, {} is there", show_key(key), show(closest), show(found));
        }
        text
    }

    /// The last things that were done.
    pub fn show_steps(&self) -> String {
        let hidden = self.steps.len().saturating_sub(SHOWN_STEPS);
        let mut text = format!("what was done last, the latest at the end ({hidden} steps before):");
        for step in &self.steps[hidden..] {
            text += &format!("\n  {step}");
        }
        text
    }
}

impl Write {
    pub fn apply(&self, contents: &mut Contents) {
        for Entry { key, value } in &self.entries {
            match value {
                Some(value) => contents.insert(key.clone(), value.clone()),
                None => contents.remove(key),
            };
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.number)?;
        for Entry { key, value } in &self.entries {
            let value = value.as_ref().map_or("deleted".to_string(), |value| show(value));
            write!(formatter, " {} = {value};", show_key(key))?;
        }
        Ok(())
    }
}

/// The keys that two databases do not agree about.
fn differing<'a>(one: &'a Contents, other: &'a Contents) -> Vec<&'a [u8]> {
    let missing = other.keys().filter(|key| !one.contains_key(*key));
    let others = one.iter().filter(|(key, value)| other.get(*key) != Some(value)).map(|(key, _)| key);
    others.chain(missing).map(Vec::as_slice).collect()
}

fn show(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    match text.find("..") {
        Some(end) => format!("\"{}…\" ({} bytes)", &text[..end], value.len()),
        None => format!("\"{text}\""),
    }
}

fn show_key(key: &[u8]) -> String {
    if key.is_empty() { "the empty key".to_string() } else { String::from_utf8_lossy(key).into_owned() }
}

/// Each key that a workload uses.
pub fn all_keys() -> impl Iterator<Item = Vec<u8>> {
    (1..24).map(|key| format!("key{key:02}").into_bytes()).chain([Vec::new()])
}

/// Everything that an engine holds, by a scan, and by a get of each key that a workload uses. They have to agree.
pub fn read(engine: &Engine) -> Result<Contents, ReadError> {
    let mut found = Contents::new();
    for entry in engine.scan(..)? {
        let (key, value) = entry?;
        if found.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(ReadError::Wrong(format!("a scan gives {} not in order", show_key(&key))));
        }
        found.insert(key.to_vec(), value.to_vec());
    }
    for key in all_keys() {
        let value = engine.get(&key)?.map(|value| value.to_vec());
        if value.as_ref() != found.get(&key) {
            let show = |value: Option<&Vec<u8>>| value.map_or("nothing".to_string(), |value| show(value));
            let (by_get, by_scan) = (show(value.as_ref()), show(found.get(&key)));
            let what = format!("get and scan do not agree on {}: {by_get} and {by_scan}", show_key(&key));
            return Err(ReadError::Wrong(what));
        }
    }
    Ok(found)
}

/// Why reading everything gave nothing.
#[derive(Debug)]
pub enum ReadError {
    /// The engine says so.
    Told(lsm::Error),
    /// The engine gave answers that cannot be right.
    Wrong(String),
}

impl From<lsm::Error> for ReadError {
    fn from(error: lsm::Error) -> ReadError {
        ReadError::Told(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Told(error) => write!(formatter, "reading everything failed: {error}"),
            ReadError::Wrong(what) => write!(formatter, "{what}"),
        }
    }
}
