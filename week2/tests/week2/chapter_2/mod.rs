//! Chapter 2.2, simple leveled compaction: what is picked, tables that only move, back-pressure from level 0.
//!
//! The strategy is a pure function, so most tests have no file: shapes are made by hand, or grow on paper. Where an
//! engine runs, it is on a simulated disk; no test sleeps, and who waits has a deadline.

mod ingest;
mod model;
mod moves;
mod moves_in_engines;
mod on_paper;
mod pick;
mod pressure;
mod regressions;
