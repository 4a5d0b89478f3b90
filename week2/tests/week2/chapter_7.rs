//! Batches, group commit, verify.
