//! A learner's copy of the course: its own git repository, made by `start`, renewed by `update`, and by `next` with each
//! further week.
//!
//! ```text
//! my-lsm/
//!   course.toml          what was handed out, what is passed: the file by which a copy is known
//!   TASKS.md             what an update brought and found no place for
//!   src/ tests/ Cargo.*  the starter's
//!   .cargo/config.toml   where the course lies on this machine; not tracked, made by `link`
//!
//!   branch course   A ───────── B        the starter as handed out: only xtask writes here
//!                    \           \
//!   branch main       o ── o ── o ── M   the learner's work; M merges what is new
//! ```

pub mod find;
pub mod git;
pub mod link;
pub mod make;
pub mod merge;
pub mod notes;
pub mod record;
pub mod starter;
pub mod suites;
pub mod update;

use std::path::PathBuf;

use record::Record;

/// A copy on the disk.
pub struct Copy {
    pub dir: PathBuf,
    pub record: Record,
}
