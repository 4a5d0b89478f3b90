//! `cargo xtask book`: builds the book, serves it, checks it.

use clap::Args;

use crate::book;

/// Build the book.
#[derive(Args)]
pub struct Book {
    /// Serve it on this machine and build it anew at each change.
    #[arg(long, conflicts_with_all = ["check", "generate"])]
    serve: bool,
    /// Check its links, code, commands and generated files instead.
    #[arg(long)]
    check: bool,
    /// Run the programs of reference-solution/examples/book_*.rs and write what they print to book/generated.
    #[arg(long)]
    generate: bool,
}

impl Book {
    pub fn run(self) -> anyhow::Result<()> {
        if self.generate {
            println!("{} generated files changed", book::generate()?);
        }
        if self.check {
            println!("The book holds: {}.", book::check()?);
        } else if self.serve {
            book::serve()?;
        } else if !self.generate {
            println!("The book is built. Its first page: {}", book::build()?.display());
        }
        Ok(())
    }
}
