//! Tiered compaction.
