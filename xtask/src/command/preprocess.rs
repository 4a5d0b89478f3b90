//! `cargo xtask preprocess`: what mdbook calls while it builds the book.

use clap::{Args, Subcommand};

use crate::book;

/// Replace the directives of a book that comes on standard input, as mdbook sends it.
#[derive(Args)]
pub struct Preprocess {
    #[command(subcommand)]
    question: Option<Question>,
}

#[derive(Subcommand)]
enum Question {
    /// Whether pages are prepared for this renderer: for every one.
    Supports { renderer: String },
}

impl Preprocess {
    pub fn run(self) -> anyhow::Result<()> {
        match self.question {
            Some(Question::Supports { .. }) => Ok(()),
            None => book::preprocess(),
        }
    }
}
