//! Chapter 2.7, batches, group commit, verify.
//!
//! Disks are simulated, so that a test sees every operation before it happens: it can let it fail, hold it until others
//! wait, or cut the power there. No test sleeps; who waits has a deadline.

mod atomicity;
mod batches;
mod closing;
mod crafted;
mod crashes;
mod durability;
mod failures;
mod groups;
mod regressions;
mod rounds;
mod support;
mod verify_engine;
mod verify_live;
mod verify_manifest;
mod verify_tables;
