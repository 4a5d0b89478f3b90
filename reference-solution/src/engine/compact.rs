//@ 2.1
//! Carrying compactions out. Chapter 2.1; moves without a merge are chapter 2.2.
//!
//! ```text
//!   pick ─▶ merge into new tables ─▶ swap the state ─▶ let the inputs go ─▶ wake who waits
//!   └── no lock that a reader or writer waits for ──┘        └ their files go with their last reader
//! ```

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use parking_lot::MutexGuard;

use super::Core;
use crate::Result;
use crate::compaction::{DropPolicy, Edit, Job, Shape, TableShape, Task};
use crate::state::State;
use crate::table::Table;

impl Core {
    /// The tree's shape at this moment, with the levels that the options want.
    pub(super) fn shape(&self) -> Shape {
        self.shape_of(&self.state())
    }

    fn shape_of(&self, state: &State) -> Shape {
        state.shape(self.options().levels, self.options().user_part)
    }

    /// Flushes, and then merges every table into the last level ([`Shape::full_compaction`]), under one hold of
    /// [`Core::compacting`]. If a background failure stops the work it may be called again; as after
    /// [`Core::flush_all`], an earlier failure is made good when this has succeeded.
    pub(super) fn compact_all(&self) -> Result<()> {
        //@ 2.1: flush; then carry the full compaction out, if there is one
        self.flush_all()?;
        let alone = self.compacting.lock();
        if let Some(task) = self.shape().full_compaction() {
            self.carry_out(&task, &alone)?;
        }
        self.background.recovered();
        Ok(())
    }

    /// The compactor's life: it asks the strategy for a task, carries it out, and asks again. Where the strategy has none,
    /// it sleeps until the state is another one than the strategy saw; after a failure, until that is made good, as
    /// [`Core::flush_until_closed`] does.
    ///
    /// It holds [`Core::compacting`] from asking the strategy to reporting how the task went, and no other lock: a
    /// strategy may take its time, and so may what goes with the last handle of a state.
    ///
    /// It ends when `closing` is set; a merge that is under way then is given up when its output ends.
    pub(super) fn compact_until_closed(&self) {
        //@ 2.1: in a loop: wait for a state that is new, ask the strategy, carry its task out, report what goes wrong
        // The state for which the strategy had no task. It is not kept alive: its tables' files may have to go.
        let mut settled: Weak<State> = Weak::new();
        loop {
            let mut status = self.background.status.lock();
            while !status.closing && (status.failure.is_some() || settled.as_ptr() == Arc::as_ptr(&self.state.read())) {
                self.background.changed.wait(&mut status);
            }
            if status.closing {
                return;
            }
            drop(status);
            let alone = self.compacting.lock();
            let state = self.state();
            let task = self.options().strategy.pick(&self.shape_of(&state));
            let seen = Arc::downgrade(&state);
            drop(state);
            match task {
                None => settled = seen,
                Some(task) => {
                    if let Err(error) = self.carry_out(&task, &alone) {
                        self.background.fail(error);
                    }
                }
            }
        }
    }

    /// Carries a task out: checks it ([`Shape::check`]), merges its inputs, puts the outputs into their places in one
    /// swap ([`Core::install`]), lets the inputs' files go when their last reader has, counts, and announces.
    /// Who calls holds [`Core::compacting`], so that no table is merged twice.
    ///
    /// From chapter 2.2 on, a task that only moves its tables ([`Task::trivial_move`]) writes none: its edit is installed, it
    /// counts as a compaction of no bytes, it is announced, and the moved tables' files stay.
    ///
    /// Counts one of `compactions`, and the outputs' sizes in `bytes_compacted`. After an error the tree is what it
    /// was. When the engine is closing, the work is given up without an error, and changes nothing.
    pub(super) fn carry_out(&self, task: &Task, _alone: &MutexGuard<'_, ()>) -> Result<()> {
        //@ 2.1: check, merge, install, let the inputs go, count, announce
        let state = self.state();
        let shape = self.shape_of(&state);
        shape.check(task)?;
        //@ 2.5: first see to it that the manifest can be written
        self.manifest.lock().repair()?;
        //@ 2.2: a task that only moves tables writes none
        if let Some(edit) = task.trivial_move(&shape) {
            self.install(&edit, |state| state.with_edit(&edit, &[]))?;
            self.resources.counters.compactions.add(1);
            self.background.announce();
            return Ok(());
        }
        //@ 2.1
        let Some(outputs) = self.merge(&state, &shape, task)? else { return Ok(()) };
        let user_part = self.options().user_part;
        let shapes: Vec<TableShape> = outputs.iter().map(|table| TableShape::of(table, user_part)).collect();
        let written = shapes.iter().map(|shape| shape.size).sum();
        let edit = task.edit(shapes);
        self.install(&edit, |state| state.with_edit(&edit, &outputs))?;
        for id in task.tables() {
            self.resources.remove_when_unused(id);
        }
        self.resources.counters.compactions.add(1);
        self.resources.counters.bytes_compacted.add(written);
        // The old state may hold the last handles of the inputs, whose files go with them: before anybody is woken.
        drop(state);
        self.background.announce();
        Ok(())
    }

    /// Makes a change of the tree visible in one swap: `edit` is the change as data, `change` makes the state with it.
    ///
    /// From chapter 2.5 on the change is in the manifest, durable, before it is visible. The manifest stays locked until
    /// after the swap, so that its records have the order in which the changes became visible. If the record fails,
    /// nothing is visible, and the new tables' files stay: nobody knows whether the record is on the disk.
    pub(super) fn install(&self, edit: &Edit, change: impl FnOnce(&State) -> State) -> Result<()> {
        //@ 2.5: first write the record, and hold the manifest until the change is visible
        let mut manifest = self.manifest.lock();
        manifest.record(edit)?;
        //@ 2.1: swap the state
        self.replace_state(change);
        Ok(())
    }

    //@ 2.1 only
    /// Merges a task's inputs; `None` if the engine is closing.
    fn merge(&self, state: &State, shape: &Shape, task: &Task) -> Result<Option<Vec<Arc<Table>>>> {
        // In the tree's order, whatever order the task names them in: it says which is newer.
        let ids: BTreeSet<u64> = task.tables().collect();
        let inputs = |tables: &[Arc<Table>]| -> Vec<Arc<Table>> {
            tables.iter().filter(|table| ids.contains(&table.id())).cloned().collect()
        };
        let mut runs: Vec<Vec<Arc<Table>>> = inputs(&state.level_0).into_iter().map(|table| vec![table]).collect();
        runs.extend(state.levels.iter().map(|level| inputs(&level.tables)));
        let job = Job {
            directory: &self.directory,
            resources: &self.resources,
            runs,
            policy: DropPolicy::new(shape, task.target, self.options().user_part),
            take_id: &|| self.take_id(),
            is_cancelled: &|| self.background.status.lock().closing,
        };
        job.run()
    }
}
