//! The folds of a page, `<details>`: without blank lines in the right places mdbook shows Markdown as it is typed.

use super::fences::{Part, parts};
use super::problem::Problem;

/// Finds folds that are not closed, and those whose text stands too close to their tags.
pub fn check(page: &str, text: &str, problems: &mut Vec<Problem>) {
    let lines: Vec<&str> = text.lines().collect();
    // Line numbers count from 1, so `line` is the index of the line that follows.
    let is_blank = |index: usize| lines.get(index).is_none_or(|line| line.trim().is_empty());
    let mut open = Vec::new();
    for part in parts(text) {
        let Part::Text { line, text } = part else { continue };
        if text.contains("<details") {
            open.push(line);
        }
        if text.contains("</summary>") && !text.contains("</details>") && !is_blank(line) {
            problems.push(Problem::new(page, line, "a blank line has to follow `</summary>`"));
        }
        if text.contains("</details>") {
            if open.pop().is_none() {
                problems.push(Problem::new(page, line, "this `</details>` closes nothing"));
            }
            if text.trim() == "</details>" && !is_blank(line.saturating_sub(2)) {
                problems.push(Problem::new(page, line, "a blank line has to stand before `</details>`"));
            }
        }
    }
    problems.extend(open.into_iter().map(|line| Problem::new(page, line, "this `<details>` is not closed")));
}

#[cfg(test)]
mod tests {
    use super::check;

    fn lines_refused(page: &str) -> Vec<usize> {
        let mut problems = Vec::new();
        check("a.md", page, &mut problems);
        problems.iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn a_fold_needs_blank_lines_and_an_end() {
        assert_eq!(lines_refused("<details><summary>Hint</summary>\n\na\n\n</details>\n"), [0; 0]);
        assert_eq!(lines_refused("<details><summary>Hint</summary>\na\n</details>\n"), [1, 3]);
        assert_eq!(lines_refused("<details><summary>Hint</summary>\n\na\n"), [1]);
        assert_eq!(lines_refused("a\n\n</details>\n"), [3]);
        assert_eq!(lines_refused("```text\n<details>\n```\n"), [0; 0]);
    }
}
