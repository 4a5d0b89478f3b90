pub mod book;
pub mod checkpoint;
pub mod link;
pub mod mistakes;
pub mod mutants;
pub mod next;
pub mod preprocess;
pub mod simulate;
pub mod start;
pub mod status;
pub mod test;
pub mod update;
pub mod verify;
pub mod weave;

/// The outcome of a command that did its work and found something red, and has said so: the exit status is 1.
#[derive(Debug)]
pub struct Red;

impl std::fmt::Display for Red {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("not everything is green")
    }
}

impl std::error::Error for Red {}
