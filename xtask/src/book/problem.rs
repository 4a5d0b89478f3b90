//! What is wrong with a page, and where.

use std::fmt;

/// One thing that the author of a page has to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, from the repository's root, with `/` between its parts.
    pub file: String,
    /// The line, counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong, as a sentence without its full stop.
    pub what: String,
}

impl Problem {
    pub fn new(file: impl Into<String>, line: usize, what: impl Into<String>) -> Problem {
        Problem { file: file.into(), line, what: what.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.file, self.what),
            line => write!(formatter, "{}:{line}: {}", self.file, self.what),
        }
    }
}
