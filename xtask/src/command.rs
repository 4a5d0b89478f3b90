pub mod book;
pub mod checkpoint;
pub mod preprocess;
pub mod weave;
