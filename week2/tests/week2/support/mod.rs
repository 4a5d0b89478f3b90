//! What the crash suites of chapters 2.5 to 2.7 share: a workload made by chance, the history that it should leave, and
//! three ways to disturb it.
//!
//! ```text
//!   workload ─▶ run ─▶ engine ─▶ SimDisk
//!                │                  │  before every change of the disk: what if the power went off now?   (crash)
//!                ▼                  │  one operation fails, once                                          (faults)
//!             history               │  one byte is another, or a file ends early                          (damage)
//!                ▲                  ▼
//!                └─────compared──── what an engine reads then
//! ```
//!
//! Everything follows from the seed. `LSM_SEED=7` runs one seed, `LSM_SEEDS=500` the seeds below 500, and
//! `LSM_DEPTH=deep` 20 seeds with 2,000 crashes, every operation failing, and every byte damaged, on all processors.

mod allocations;
mod crash;
mod damage;
mod depth;
mod faults;
mod history;
mod random;
mod run;
mod workload;

pub use allocations::longest_request;
pub use crash::check_power_cuts;
pub use damage::{check_cuts, check_flips};
pub use faults::{check_failing_changes, check_failing_reads, check_retries};
pub use workload::Profile;
