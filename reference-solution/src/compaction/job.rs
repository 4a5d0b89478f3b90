//! Merging tables into new ones. Chapter 2.1.
//!
//! ```text
//!   inputs, newest first          merge           keep?          cut          outputs
//!   [a=1 ·  c=×] [f=2 · h=3]  ─▶  a=1 b=5 c=×  ─▶ a=1 b=5  ─▶  a=1 b=5 │  ─▶  [a=1 · b=5]
//!   [b=5 · c=1 · f=9]             f=2 h=3          f=2 h=3      f=2 h=3       [f=2 · h=3]
//! ```
//!
//! Nobody sees the outputs before they are complete, durable and swapped in, so a merge that fails or is called off
//! leaves nothing but files that it removes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DropPolicy;
use crate::iterator::{ConcatIterator, MergeIterator, Source, StorageIterator};
use crate::table::{Resources, Table, TableBuilder, table_path};
use crate::{KeyRange, Result, UserPart};

/// A merge to be done.
pub struct Job<'a> {
    pub directory: &'a Path,
    pub resources: &'a Arc<Resources>,
    /// Sorted runs, newest first: the tables of a run are in key order and do not overlap.
    pub runs: Vec<Vec<Arc<Table>>>,
    /// Says which entries are left out.
    pub policy: DropPolicy<'a>,
    /// Gives each output its id.
    pub take_id: &'a dyn Fn() -> u64,
    /// Asked each time that an output has ended and there are entries left: whether the work is to be given up.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

impl Job<'_> {
    /// Does the merge. The outputs are in key order, open, and durable, names included (one sync of the directory, when
    /// all are written; none if there is no output).
    ///
    /// An output ends when its [`TableBuilder::size`] has reached [`Options::table_size`](crate::Options), but not
    /// between two entries with the same user part. Where no entry is kept there is no output. `None` if the work was
    /// called off.
    ///
    /// Fails with what reading the inputs or writing the outputs fails with. After an error, and when it is called off,
    /// no file is left, as far as the disk allows.
    pub fn run(mut self) -> Result<Option<Vec<Arc<Table>>>> {
        //@ 2.1: write the outputs and sync the directory; on failure let all outputs go
        let mut outputs = Vec::new();
        let mut outcome = self.write_outputs(&mut outputs);
        if let (Ok(true), false) = (&outcome, outputs.is_empty()) {
            let synced = self.resources.options.disk.sync_directory(self.directory);
            outcome = synced.map(|()| true);
        }
        if !matches!(outcome, Ok(true)) {
            for table in &outputs {
                self.resources.remove_when_unused(table.id());
            }
        }
        outcome.map(|is_done| is_done.then_some(outputs))
    }

    //@ 2.1 only
    /// Merges into `outputs`; `false` if it was called off.
    fn write_outputs(&mut self, outputs: &mut Vec<Arc<Table>>) -> Result<bool> {
        let options = &self.resources.options;
        let runs = std::mem::take(&mut self.runs).into_iter();
        let sources = runs.map(|run| Ok(Source::Concat(ConcatIterator::new(Arc::new(run), &KeyRange::all())?)));
        let mut merge = MergeIterator::new(sources.collect::<Result<Vec<_>>>()?);
        let mut output: Option<Output> = None;
        while merge.is_valid() {
            let user_key = (options.user_part)(merge.key());
            if let Some(full) = output.take_if(|output| output.is_full(options.table_size, user_key)) {
                outputs.push(full.finish(self.resources)?);
                if (self.is_cancelled)() {
                    return Ok(false);
                }
            }
            if self.policy.keeps(merge.key(), merge.value()) {
                let output = match &mut output {
                    Some(output) => output,
                    None => output.insert(Output::create((self.take_id)(), self.directory, self.resources)?),
                };
                output.add(merge.key(), merge.value(), options.user_part)?;
            }
            merge.next()?;
        }
        if let Some(output) = output {
            outputs.push(output.finish(self.resources)?);
        }
        Ok(true)
    }
}

//@ 2.1 only
/// A table that is being written.
struct Output {
    id: u64,
    builder: TableBuilder,
    path: PathBuf,
    /// Of the last entry.
    user_key: Vec<u8>,
}

//@ 2.1 only
impl Output {
    fn create(id: u64, directory: &Path, resources: &Arc<Resources>) -> Result<Output> {
        let path = table_path(directory, id);
        let builder = TableBuilder::create(&path, resources)?;
        Ok(Output { id, builder, path, user_key: Vec::new() })
    }

    fn add(&mut self, key: &[u8], value: Option<&[u8]>, user_part: UserPart) -> Result<()> {
        self.builder.add(key, value)?;
        self.user_key.clear();
        self.user_key.extend_from_slice(user_part(key));
        Ok(())
    }

    fn is_full(&self, limit: u64, next_user_key: &[u8]) -> bool {
        self.builder.size() >= limit && self.user_key != next_user_key
    }

    fn finish(self, resources: &Arc<Resources>) -> Result<Arc<Table>> {
        self.builder.finish()?;
        let opened = Table::open(self.id, &self.path, resources);
        if opened.is_err() {
            let _ = resources.options.disk.remove(&self.path);
        }
        opened
    }
}
