//! What the crash suites of chapters 2.5 to 2.7 share: a workload made by chance, the history that it should leave, and
//! a look at what is left of the disk before each of its changes.
//!
//! ```text
//!   workload ─▶ run ─▶ engine ─▶ SimDisk
//!                │                  │  before every change of the disk: what if the power went off now?
//!                ▼                  ▼
//!             history ◀─compared─ another engine, on what is left
//! ```
//!
//! Everything follows from the seed. `LSM_SEED=7` runs one seed, `LSM_SEEDS=500` the seeds below 500, and
//! `LSM_DEPTH=deep` 20 seeds with 2,000 points each, on all processors.

mod crash;
mod depth;
mod history;
mod random;
mod run;
mod workload;

pub use crash::check_power_cuts;
pub use workload::Profile;
