//! Chapter 2.6, the write-ahead log: what is written, what is synced, what is read back, and what a failure means.
//!
//! A *killed process* is an engine that is dropped: what the disk was given is still there. A *power cut* is
//! `SimDisk::after_power_cut`: what was not synced may be gone. Records are never written by hand, except to be refused:
//! what stands in them changes in week 3. Tests that need a strange log put an engine's own records into it.

mod closing;
mod crashes;
mod encodings;
mod failures;
mod histories;
mod ingesting;
mod logging;
mod regressions;
mod removal;
mod replay;
mod replay_damage;
mod support;
mod switching;
mod syncing;
mod threads;
