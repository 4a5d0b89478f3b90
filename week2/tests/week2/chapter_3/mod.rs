//! Chapter 2.3, tiered compaction: when runs merge, how many, and where the merged run goes.
//!
//! The strategy is a pure function, so most tests have no file: shapes are made by hand, or grow on paper. Where an
//! engine runs, it is on a simulated disk; no test sleeps, and who waits has a deadline.

mod engines;
mod model;
mod on_paper;
mod place;
mod rules;
