//! Chapter 2.4, leveled compaction: target sizes and the base level, which level is picked, which of its tables, what
//! goes along; and an engine that does so by itself.
//!
//! A strategy is a function of a shape, so most tests make a shape by hand and look at the task. The shapes of the
//! rest are those of a tree that is flushed into and compacted for a while: of numbers, of tables, of an engine.

mod engine;
mod levels;
mod regressions;
mod simulated;
mod support;
mod tables;
mod targets;
mod tree;
mod versions;
