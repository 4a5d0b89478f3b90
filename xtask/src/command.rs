pub mod book;
pub mod preprocess;
pub mod weave;
