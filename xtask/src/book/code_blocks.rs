//! The fenced blocks that stand in the pages themselves: Rust is compiled and run, all else is text by its language.
//!
//! rustdoc does the work. A crate under `target/` gets one module a page, whose doc comment is the page, line for line;
//! its doc tests are the page's Rust blocks, with rustdoc's own rules: `# ` hides a line, `no_run` only compiles.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context;

use super::fences::{Part, parts};
use super::problem::Problem;
use crate::course;

/// Languages that hold no program: what a terminal or a program prints, and small files of settings.
const TEXT: [&str; 4] = ["text", "console", "toml", "json"];

/// Finds what is wrong with the fences of a page, and counts its Rust blocks.
pub fn check_fences(page: &str, text: &str, problems: &mut Vec<Problem>) -> usize {
    let mut rust = 0;
    for part in parts(text) {
        let Part::Fence { line, info, closed, .. } = part else { continue };
        let mut words = info.split([',', ' ']).filter(|word| !word.is_empty());
        let language = words.next().unwrap_or_default();
        let what = if !closed {
            "this block is not closed".to_string()
        } else if language == "rust" {
            rust += 1;
            match words.find(|word| !matches!(*word, "no_run" | "should_panic" | "compile_fail")) {
                None => continue,
                Some(word) => {
                    format!("`{word}` keeps a Rust block from being compiled: take code from a file with {{{{#code}}}}")
                }
            }
        } else if TEXT.contains(&language) {
            continue;
        } else {
            format!("`{language}` is no language of a block here: rust (compiled), {}", TEXT.join(", "))
        };
        problems.push(Problem::new(page, line, what));
    }
    rust
}

/// Compiles and runs the Rust blocks of `pages`, which are paths below `book/src` with their text.
pub fn run(pages: &[(String, String)], problems: &mut Vec<Problem>) -> anyhow::Result<()> {
    let folder = write_crate(pages)?;
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--quiet", "--doc", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        problems.push(Problem::new("book/src", 0, format!("a Rust block fails:\n{said}")));
    }
    Ok(())
}

fn write_crate(pages: &[(String, String)]) -> anyhow::Result<PathBuf> {
    let folder = course::root().join("target").join("book-code");
    if folder.is_dir() {
        std::fs::remove_dir_all(&folder).context("target/book-code cannot be removed")?;
    }
    let mut library = String::from("//! The pages of the book.\n");
    for (number, (page, text)) in pages.iter().enumerate() {
        writeln!(library, "#[path = \"{page}\"]\npub mod page_{number};")?;
        let file = folder.join("src").join(page);
        std::fs::create_dir_all(file.parent().context("a page lies in a folder")?)?;
        std::fs::write(file, as_doc_comment(text))?;
    }
    std::fs::write(folder.join("src").join("lib.rs"), library)?;
    let reference = course::reference();
    std::fs::write(
        folder.join("Cargo.toml"),
        format!(
            "[package]\nname = \"book-code\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\nbytes = \"1\"\nlsm = {{ path = {:?} }}\n\n[profile.dev]\ndebug = \"line-tables-only\"\n",
            reference.display().to_string()
        ),
    )?;
    // The versions that all else here is built with, so that nothing is compiled twice or fetched anew.
    std::fs::copy(course::root().join("Cargo.lock"), folder.join("Cargo.lock"))
        .context("Cargo.lock cannot be copied")?;
    Ok(folder)
}

/// The page as a module's doc comment, line for line, so that rustdoc's line numbers are the page's.
fn as_doc_comment(page: &str) -> String {
    page.lines().map(|line| if line.is_empty() { "//!\n".to_string() } else { format!("//! {line}\n") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_compiled_or_holds_no_program() {
        let page =
            "```rust\n```\n```rust,no_run\n```\n```text\n```\n```rust,ignore\n```\n```c\n```\n```\n```\n```console\n";
        let mut problems = Vec::new();
        assert_eq!(check_fences("a.md", page, &mut problems), 3);
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [7, 9, 11, 13], "{problems:?}");
    }

    #[test]
    fn a_page_keeps_its_lines() {
        assert_eq!(as_doc_comment("# A\n\n    b\n"), "//! # A\n//!\n//!     b\n");
    }
}
