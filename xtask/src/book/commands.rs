//! The commands that pages tell a learner to type: a verb that was renamed must not rot in the book.

use clap::CommandFactory;

use super::fences::{Part, parts};
use super::problem::Problem;

/// Finds the `cargo xtask` commands of a page that this program would refuse: whole ones in `console` blocks, verbs in text.
/// Returns how many there are.
pub fn check(page: &str, text: &str, problems: &mut Vec<Problem>) -> usize {
    let mut count = 0;
    for (line, command) in commands(text) {
        count += 1;
        if let Err(what) = accepted(&command) {
            problems.push(Problem::new(page, line, what));
        }
    }
    count
}

enum Found<'a> {
    /// A line that a learner types as it stands.
    Typed(&'a str),
    /// A command that the text speaks of: its verb has to exist.
    Named(&'a str),
}

fn commands(text: &str) -> Vec<(usize, Found<'_>)> {
    let mut found = Vec::new();
    for part in parts(text) {
        match part {
            Part::Text { line, text } => {
                let spans = text.split('`').skip(1).step_by(2);
                found.extend(spans.filter_map(of_xtask).map(|command| (line, Found::Named(command))));
            }
            Part::Fence { line, info: "console", raw, .. } => {
                let typed = raw.into_iter().enumerate().filter_map(|(index, text)| {
                    let command = text.trim_start().strip_prefix("$ ")?.split(" #").next()?;
                    Some((line + index, Found::Typed(of_xtask(command.trim())?)))
                });
                found.extend(typed);
            }
            Part::Fence { .. } => {}
        }
    }
    found
}

/// What follows `cargo xtask`.
fn of_xtask(command: &str) -> Option<&str> {
    let rest = command.strip_prefix("cargo xtask")?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
}

fn accepted(command: &Found<'_>) -> Result<(), String> {
    let mut program = crate::Arguments::command();
    match command {
        Found::Named(words) => match words.split_whitespace().next() {
            None => Ok(()),
            // Other than a lower-case word, it is an option or a place-holder.
            Some(word) if !word.starts_with(|first: char| first.is_ascii_lowercase()) => Ok(()),
            Some(word) if program.find_subcommand(word).is_some() => Ok(()),
            Some(verb) => Err(format!("`cargo xtask` has no verb `{verb}`")),
        },
        Found::Typed(words) => {
            let words = std::iter::once("cargo xtask").chain(words.split_whitespace());
            match program.try_get_matches_from_mut(words) {
                Ok(_) => Ok(()),
                Err(error) if !error.use_stderr() => Ok(()),
                Err(error) => {
                    let text = error.to_string();
                    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
                    Err(format!("`cargo xtask` refuses this command: {first}"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_refused(page: &str) -> Vec<usize> {
        let mut problems = Vec::new();
        check("a.md", page, &mut problems);
        problems.iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn a_typed_command_has_to_be_one_that_parses() {
        let page = "a\n```console\n$ cargo xtask book --check  # why\nno command\n$ cargo xtask book --chek\n$ cargo test\n$ cargo xtask boko\n$ cargo xtask --help\n```\n";
        assert_eq!(lines_refused(page), [5, 7]);
    }

    #[test]
    fn a_verb_that_text_names_has_to_exist() {
        assert_eq!(
            lines_refused("`cargo xtask book` and `cargo xtask` and `cargo xtask VERB`\n`cargo xtask boko --x`\n"),
            [2]
        );
        assert_eq!(lines_refused("```text\n$ cargo xtask boko\n```\n"), [0; 0]);
    }
}
