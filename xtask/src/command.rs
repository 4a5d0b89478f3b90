pub mod checkpoint;
pub mod weave;
