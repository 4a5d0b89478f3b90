//! `cargo xtask`: the course runner. One file a command; this one only tells them apart.

mod book;
mod chapter;
mod command;
mod course;
#[expect(dead_code, reason = "the commands that run suites come next")]
mod runner;
#[expect(dead_code, reason = "the commands that check the laws come next")]
mod weave;

use clap::{Parser, Subcommand};

/// Run the course.
///
/// cargo xtask start            makes your copy of the starter (my-lsm/)
/// cargo xtask test 1.3         runs a chapter's suite on your copy
/// cargo xtask test 1.3 --reference   runs it on the reference solution
#[derive(Parser)]
#[command(name = "cargo xtask", verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

// Each command is a file in command/ with `pub struct X` (clap::Args) and `impl X { pub fn run(self) -> anyhow::Result<()> }`.
#[derive(Subcommand)]
enum Command {
    Book(command::book::Book),
    Checkpoint(command::checkpoint::Checkpoint),
    #[command(hide = true)]
    Preprocess(command::preprocess::Preprocess),
    Weave(command::weave::Weave),
}

fn main() {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Book(command) => command.run(),
        Command::Preprocess(command) => command.run(),
        Command::Checkpoint(command) => command.run(),
        Command::Weave(command) => command.run(),
    };
    if let Err(error) = outcome {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}
