//! A source for merges whose every call is counted, and which fails when it is told to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use lsm::{Error, Result, StorageIterator};

/// What a test knows of a source, and tells it, while a merge owns the source.
#[derive(Default)]
pub struct Control {
    /// How often `next` was called while the source stood on an entry, and while it did not.
    pub steps: Cell<usize>,
    pub idle_steps: Cell<usize>,
    pub seeks: Cell<usize>,
    /// How many more steps (seeks) succeed before one fails; `None`: all do.
    pub steps_until_failure: Cell<Option<usize>>,
    pub seeks_until_failure: Cell<Option<usize>>,
    name: RefCell<String>,
}

impl Control {
    /// How often the source was moved, or asked to move.
    pub fn calls(&self) -> usize {
        self.steps.get() + self.idle_steps.get() + self.seeks.get()
    }

    /// The error with which this source fails: no two sources have the same.
    fn failure(&self, offset: u64) -> Error {
        Error::Corruption { file: self.name.borrow().clone().into(), offset, what: "as the test wants it".to_string() }
    }
}

/// Whether an outcome is just the failure of the source of this name: 1 stands for a step, 2 for a seek.
pub fn is_failure_of(outcome: &Result<()>, name: &str, call: u64) -> bool {
    match outcome {
        Err(Error::Corruption { file, offset, what }) => {
            file.as_os_str() == name && *offset == call && what == "as the test wants it"
        }
        _ => false,
    }
}

pub struct FakeSource {
    entries: Vec<(Bytes, Option<Bytes>)>,
    position: usize,
    has_failed: bool,
    control: Rc<Control>,
}

impl FakeSource {
    /// A source standing on the first of these entries, whose keys ascend.
    pub fn new(name: &str, entries: &[(&str, Option<&str>)]) -> (FakeSource, Rc<Control>) {
        assert!(entries.is_sorted_by(|one, next| one.0 < next.0), "the test's own mistake: {name}'s keys must ascend");
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let entries = entries.iter().map(|(key, value)| (bytes(key), value.map(bytes))).collect();
        let control: Rc<Control> = Rc::default();
        control.name.replace(name.to_string());
        (FakeSource { entries, position: 0, has_failed: false, control: control.clone() }, control)
    }

    /// The value of an entry, to compare memory with.
    pub fn value_of(&self, index: usize) -> Option<Bytes> {
        self.entries[index].1.clone()
    }

    fn current(&self) -> Option<&(Bytes, Option<Bytes>)> {
        self.entries.get(self.position).filter(|_| !self.has_failed)
    }
}

fn add_one(counter: &Cell<usize>) {
    counter.set(counter.get() + 1);
}

/// Whether the call that is being made is the one to fail; afterwards calls succeed again.
fn fails_now(until_failure: &Cell<Option<usize>>) -> bool {
    let left = until_failure.get();
    until_failure.set(left.and_then(|left| left.checked_sub(1)));
    left == Some(0)
}

impl StorageIterator for FakeSource {
    fn is_valid(&self) -> bool {
        self.current().is_some()
    }

    fn key(&self) -> &[u8] {
        self.current().map_or(&[], |(key, _)| key)
    }

    fn value(&self) -> Option<&[u8]> {
        self.current().and_then(|(_, value)| value.as_deref())
    }

    fn value_bytes(&self) -> Option<Bytes> {
        self.current().and_then(|(_, value)| value.clone())
    }

    fn next(&mut self) -> Result<()> {
        if !self.is_valid() {
            add_one(&self.control.idle_steps);
            return Ok(());
        }
        add_one(&self.control.steps);
        if fails_now(&self.control.steps_until_failure) {
            self.has_failed = true;
            return Err(self.control.failure(1));
        }
        self.position += 1;
        Ok(())
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        add_one(&self.control.seeks);
        if fails_now(&self.control.seeks_until_failure) {
            self.has_failed = true;
            return Err(self.control.failure(2));
        }
        self.has_failed = false;
        self.position = self.entries.partition_point(|(key, _)| &key[..] < target);
        Ok(())
    }
}
