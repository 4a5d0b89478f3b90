//! The laws that hold the course together, and what checks them.
//!
//! ```text
//! law 1   the weeks' crates are what weaving gives, and build without a warning         weeks.rs
//! law 2   the checkpoint of every chapter passes every suite up to its own, and so      robot.rs
//!         does the code of who writes every week and goes on to the next
//! law 3   the starter at a chapter fails every test of its suite, for a named reason    robot.rs
//! law 4   the reference allows nothing: no lint, no warning, few markers                reference.rs
//! mistakes  each mistake that learners make is caught by its chapter's own suite        mistakes.rs
//! mutants   so is nearly every small change of a chapter's code                         mutants.rs
//! ```
//!
//! Laws 2 and 3 are a robot learner: starter, red; the chapter's answer, green; the next chapter's suite, red; and so on.
//! Everything is woven into one crate, the workshop, whose path stays: cargo builds anew only what changed.

pub mod mistakes;
pub mod mutants;
pub mod reference;
pub mod report;
pub mod robot;
pub mod weeks;
pub mod workshop;
