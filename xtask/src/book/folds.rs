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

/// A fold's `<summary>` with its `` `code` `` as HTML: Markdown begins only behind the blank line.
pub fn show_code_in_summary(line: &str) -> String {
    let ends = line.split_once("<summary>").and_then(|(tag, rest)| Some((tag, rest.split_once("</summary>")?)));
    let Some((tag, (summary, rest))) = ends.filter(|(_, (summary, _))| summary.matches('`').count() % 2 == 0) else {
        return line.to_string();
    };
    let escape = |code: &str| code.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let shown = summary.split('`').enumerate().map(|(number, piece)| {
        if number % 2 == 0 { piece.to_string() } else { format!("<code>{}</code>", escape(piece)) }
    });
    format!("{tag}<summary>{}</summary>{rest}", shown.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{check, show_code_in_summary};

    #[test]
    fn a_summary_shows_its_code_as_code() {
        let line = "<details><summary>Why `Box<dyn A>`, and not `&B`?</summary>";
        let shown = "<details><summary>Why <code>Box&lt;dyn A&gt;</code>, and not <code>&amp;B</code>?</summary>";
        assert_eq!(show_code_in_summary(line), shown);
        for line in ["Why `A`?", "<details><summary>Why <code>A</code>?</summary>", "<summary>one ` alone</summary>"] {
            assert_eq!(show_code_in_summary(line), line);
        }
    }

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
