//! Chapter 2.1, the mechanism of compaction: the tree's shape, walking a level, merging tables, swapping the outputs in,
//! letting the inputs go, and the thread that does it.
//!
//! The parts are tested on plain keys and tables of their own. The engine is tested on a simulated disk, on which every
//! operation can fail, or wait until the test has looked around. No test sleeps; who waits has a deadline.

mod closing;
mod compactor;
mod compactor_failures;
mod concat;
mod concat_errors;
mod concurrency;
mod engine;
mod engine_failures;
mod engine_reads;
mod files;
mod fixture;
mod job;
mod job_cuts;
mod job_failures;
mod locks;
mod model;
mod policy;
mod regressions;
mod shape;
mod threads;
mod toys;
