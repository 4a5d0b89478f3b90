//! mdbook, installed under `target/tools` when it is missing.

use std::process::Command;

use crate::tool;

const VERSION: &str = "0.5.4";
/// `search` is for readers, `serve` and `watch` are for authors; all else stays off.
const FEATURES: [&str; 3] = ["--no-default-features", "--features", "search,serve,watch"];

/// A command that runs mdbook, of exactly the version that the book is written for.
pub fn mdbook() -> anyhow::Result<Command> {
    Ok(Command::new(tool::program("mdbook", VERSION, &FEATURES)?))
}
