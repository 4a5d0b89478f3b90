//! Compaction: the mechanism.
