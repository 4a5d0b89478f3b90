//! The texts beside the book: README.md and its like. Their commands and links rot as a page's do.

use std::path::{Path, PathBuf};

use super::fences::{Part, parts};
use super::problem::Problem;
use super::{commands, files_under, read_text, relative};
use crate::course;

/// Checks the commands and the links of every manual; returns how many commands there are.
pub fn check(problems: &mut Vec<Problem>) -> anyhow::Result<usize> {
    let root = course::root();
    let mut typed = 0;
    for path in manuals(&root)? {
        let file = relative(&path, &root);
        let text = read_text(&path)?;
        typed += commands::check(&file, &text, problems);
        let exists = |target: &str| path.parent().is_some_and(|folder| folder.join(target).exists());
        check_links(&file, &text, exists, problems);
    }
    Ok(typed)
}

/// The Markdown files of the root, and the readme of each week.
fn manuals(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut manuals = Vec::new();
    for entry in std::fs::read_dir(root)? {
        let path = entry?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "md") {
            manuals.push(path);
        }
    }
    for week in course::weeks() {
        let readme = course::week(week).join("README.md");
        manuals.extend(readme.is_file().then_some(readme));
    }
    manuals.extend(files_under(&super::root().join("generated"), "md")?);
    manuals.sort();
    Ok(manuals)
}

fn check_links(file: &str, text: &str, exists: impl Fn(&str) -> bool, problems: &mut Vec<Problem>) {
    for part in parts(text) {
        let Part::Text { line, text } = part else { continue };
        // What stands in backticks is an example.
        let plain: String = text.split('`').step_by(2).collect();
        for target in plain.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains(':') && !exists(path) {
                problems.push(Problem::new(file, line, format!("the link leads to {path}, which is not there")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check_links;

    #[test]
    fn a_link_to_a_missing_file_is_found() {
        let text = "[a](here.md#x) [b](https://example.org/) [c](#d)\n`[e](gone.md)` [f](gone.md)\n";
        let mut problems = Vec::new();
        check_links("README.md", text, |path| path == "here.md", &mut problems);
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2], "{problems:?}");
    }
}
