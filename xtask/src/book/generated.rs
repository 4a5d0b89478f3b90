//! The generated files that pages show: byte dumps and program output, printed by small programs.
//!
//! `reference-solution/examples/book_NAME.rs` prints `book/generated/NAME.txt`. A line `== part ==` begins a part that a
//! page can show alone. A line that begins with `~ ` holds timings: it has to be there, but its words may differ.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::problem::Problem;
use super::{files_under, read_text, relative, root};
use crate::course;

/// What begins a line of timings.
pub const TIMING: &str = "~ ";

fn folder() -> PathBuf {
    root().join("generated")
}

/// Runs every program and writes what it printed; returns how many files changed.
pub fn generate() -> anyhow::Result<usize> {
    let mut changed = 0;
    for name in programs()? {
        let path = folder().join(format!("{name}.txt"));
        let printed = run(&name)?;
        let same = path.is_file() && read_text(&path).is_ok_and(|text| difference(&text, &printed).is_none());
        if !same {
            std::fs::create_dir_all(folder())?;
            std::fs::write(&path, printed).with_context(|| format!("{} cannot be written", path.display()))?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// Runs every program and compares what it printed with the committed files; returns how many there are.
pub fn compare(problems: &mut Vec<Problem>) -> anyhow::Result<usize> {
    let programs = programs()?;
    for name in &programs {
        let path = folder().join(format!("{name}.txt"));
        let file = format!("book/generated/{name}.txt");
        if !path.is_file() {
            problems.push(Problem::new(file, 0, "is missing: `cargo xtask book --generate` writes it"));
        } else if let Some(line) = difference(&read_text(&path)?, &run(name)?) {
            problems.push(Problem::new(
                file,
                line,
                "is not what the program prints: run `cargo xtask book --generate`",
            ));
        }
    }
    for path in files_under(&folder(), "txt")? {
        let name = relative(&path, &folder());
        if !programs.iter().any(|program| format!("{program}.txt") == name) {
            problems.push(Problem::new(format!("book/generated/{name}"), 0, "no program prints this file"));
        }
    }
    Ok(programs.len())
}

/// The names of the programs, without `book_`.
fn programs() -> anyhow::Result<Vec<String>> {
    let examples = course::reference().join("examples");
    let names = files_under(&examples, "rs")?.into_iter().map(|path| relative(&path, &examples));
    Ok(names.filter_map(|name| Some(name.strip_prefix("book_")?.strip_suffix(".rs")?.to_string())).collect())
}

fn run(name: &str) -> anyhow::Result<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--quiet", "--package", "lsm", "--example", &format!("book_{name}")])
        .current_dir(course::root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("reference-solution/examples/book_{name}.rs ends with {}", output.status);
    }
    let printed = String::from_utf8(output.stdout).with_context(|| format!("book_{name} prints what is no text"))?;
    Ok(printed.replace("\r\n", "\n"))
}

/// The first line, counted from 1, that differs; a line of timings differs from no other one.
fn difference(committed: &str, printed: &str) -> Option<usize> {
    let plain = |line: &str| if line.starts_with(TIMING) { TIMING.to_string() } else { line.to_string() };
    let committed: Vec<String> = committed.lines().map(plain).collect();
    let printed: Vec<String> = printed.lines().map(plain).collect();
    let same = committed.iter().zip(&printed).take_while(|(committed, printed)| committed == printed).count();
    (same < committed.len().max(printed.len())).then_some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn only_timings_may_differ() {
        assert_eq!(difference("a\n~ 3 ms\nb\n", "a\n~ 4 ms\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(difference("a\n~ 3 ms\n", "a\n"), Some(2));
    }
}
