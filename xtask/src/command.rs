pub mod weave;
