//! Batches, group commit, verify.

mod crashes;
