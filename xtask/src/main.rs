//! `cargo xtask`: the course runner. One file a command; this one only tells them apart.

mod book;
mod chapter;
mod command;
mod copy;
mod course;
mod laws;
mod runner;
mod simulate;
mod terminal;
mod tool;
mod trial;
mod weave;

use clap::{Parser, Subcommand};

/// The course runner.
///
///   cargo xtask start                  copies the starter: your own folder to work in (my-lsm/)
///   cargo xtask test 1.3               runs the suite of chapter 1.3 on your copy
///   cargo xtask test 1.3 --reference   runs it on the reference solution
///   cargo xtask status                 says what you passed and what is next
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

// Each command is a file in command/ with `pub struct X` (clap::Args) and `impl X { pub fn run(self) -> anyhow::Result<()> }`.
#[derive(Subcommand)]
enum Command {
    // A learner's, in the order in which they are met.
    Start(command::start::Start),
    Test(command::test::Test),
    Status(command::status::Status),
    Next(command::next::Next),
    Simulate(command::simulate::Simulate),
    Update(command::update::Update),
    Link(command::link::Link),
    // The course's own.
    Book(command::book::Book),
    Mistakes(command::mistakes::Mistakes),
    Mutants(command::mutants::Mutants),
    Verify(command::verify::Verify),
    Weave(command::weave::Weave),
    Checkpoint(command::checkpoint::Checkpoint),
    #[command(hide = true)]
    Preprocess(command::preprocess::Preprocess),
}

fn main() {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Command::Start(command) => command.run(),
        Command::Test(command) => command.run(),
        Command::Status(command) => command.run(),
        Command::Next(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Update(command) => command.run(),
        Command::Link(command) => command.run(),
        Command::Book(command) => command.run(),
        Command::Preprocess(command) => command.run(),
        Command::Mistakes(command) => command.run(),
        Command::Mutants(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Weave(command) => command.run(),
        Command::Checkpoint(command) => command.run(),
    };
    if let Err(error) = outcome {
        if error.is::<command::Red>() {
            std::process::exit(1);
        }
        anstream::eprintln!("{} {error:#}", terminal::styled(terminal::BAD, "error:"));
        std::process::exit(2);
    }
}
