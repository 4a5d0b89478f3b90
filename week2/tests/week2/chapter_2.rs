//! Simple leveled compaction.
