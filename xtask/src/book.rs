//! The book's machinery: what turns `book/src` into pages, and what checks that they tell the truth.
//!
//! A page never holds code of the engine. It holds directives (`{{#code week1/src/memtable.rs item=MemTable}}`), and
//! mdbook calls this program as a preprocessor to replace them: the same source that the weaver and the suites use
//! is what a learner reads. CONTRIBUTING.md, "Writing a chapter", is the directives' manual.

mod anchors;
mod check;
mod code_blocks;
mod commands;
mod directive;
mod expand;
mod fences;
mod folds;
mod generated;
mod items;
mod manuals;
mod mask;
mod picture;
mod preprocess;
mod problem;
mod tool;
mod wrap;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

pub use check::check;
pub use generated::generate;
pub use preprocess::preprocess;

use crate::course;

/// The book's root: the folder of `book.toml`.
fn root() -> PathBuf {
    course::root().join("book")
}

/// The folder of the pages.
fn pages() -> PathBuf {
    root().join("src")
}

/// Builds the book into `book/book` and returns the first page's path.
pub fn build() -> anyhow::Result<PathBuf> {
    let status = tool::mdbook()?.arg("build").arg(root()).status().context("mdbook does not start")?;
    if !status.success() {
        bail!("mdbook could not build the book");
    }
    Ok(root().join("book").join("index.html"))
}

/// Serves the book on this machine, built anew at each change of a page, until interrupted.
pub fn serve() -> anyhow::Result<()> {
    let status = tool::mdbook()?.arg("serve").arg(root()).status().context("mdbook does not start")?;
    if !status.success() {
        bail!("mdbook could not serve the book");
    }
    Ok(())
}

/// Every file under `folder` whose name ends in `.extension`, in the order of their names; none if there is no such folder.
fn files_under(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop().filter(|folder| folder.is_dir()) {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a text file; line ends become `\n`, whatever the checkout made of them.
fn read_text(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text.replace("\r\n", "\n"))
}

/// The path of `file` below `folder` with `/` between its parts on every system.
fn relative(file: &Path, folder: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file);
    below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
