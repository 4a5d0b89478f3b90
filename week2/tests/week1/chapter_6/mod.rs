//! Chapter 1.6, the write path: freezing at a limit, flushing, back-pressure, failures, closing.
//!
//! Disks are simulated, so that a test sees every operation before it happens: it can let it fail, hold it until the
//! test has looked around, or panic in it. No test sleeps; who waits has a deadline.

mod closing;
mod concurrency;
mod failures;
mod flushing;
mod freezing;
mod model;
mod pressure;
mod regressions;
mod support;
