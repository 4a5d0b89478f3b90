//! The preprocessor that mdbook calls: a book as JSON in, the book with its directives replaced out.

use std::io::{Read, Write};

use anyhow::{Context, bail};
use serde_json::Value;

use super::expand::Sources;
use super::problem::Problem;
use crate::course;

/// What ends every page.
const FOOTER: &str = "\n\n<footer class=\"licence\">Text and pictures: \
    <a href=\"https://creativecommons.org/licenses/by/4.0/\">CC BY 4.0</a>. Code: Apache-2.0 or MIT.</footer>\n";

/// Reads `[context, book]` from standard input and writes the book to standard output.
///
/// # Errors
///
/// Every directive, in any page, that cannot be replaced.
pub fn preprocess() -> anyhow::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).context("mdbook's input cannot be read")?;
    let input: Value = serde_json::from_str(&input).context("standard input is not what mdbook sends")?;
    let Value::Array(mut context_and_book) = input else { bail!("standard input is not what mdbook sends") };
    let mut book = context_and_book.pop().context("mdbook sent no book")?;
    let mut problems = Vec::new();
    replace(&mut book, &Sources { root: course::root() }, &mut problems);
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    if !problems.is_empty() {
        bail!("{} directives cannot be replaced", problems.len());
    }
    // In one write: mdbook reads until the end, and a failure before it leaves no half of a book.
    std::io::stdout().write_all(book.to_string().as_bytes()).context("mdbook does not take the book back")
}

/// Expands the content of every chapter in `value`, however deep.
fn replace(value: &mut Value, sources: &Sources, problems: &mut Vec<Problem>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| replace(value, sources, problems)),
        Value::Object(fields) => {
            let path = fields.get("source_path").and_then(Value::as_str).map(|path| path.replace('\\', "/"));
            if let (Some(path), Some(Value::String(content))) = (path, fields.get_mut("content")) {
                match sources.expand(&format!("book/src/{path}"), &content.replace("\r\n", "\n")) {
                    Ok(expanded) => *content = expanded + FOOTER,
                    Err(found) => problems.extend(found),
                }
            }
            fields.values_mut().for_each(|value| replace(value, sources, problems));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_expanded_however_deep_they_stand() {
        let page = |path: &str, content: &str, inside: Value| serde_json::json!({"Chapter": {"source_path": path, "content": content, "sub_items": inside}});
        let inner = page("b.md", "{{#code no/such.rs}}", serde_json::json!([]));
        let mut book = serde_json::json!({"items": [page("a.md", "# A\r\n", serde_json::json!([inner])), "Separator"]});
        let mut problems = Vec::new();
        replace(&mut book, &Sources { root: "nowhere".into() }, &mut problems);
        assert_eq!(book["items"][0]["Chapter"]["content"], format!("# A\n{FOOTER}"));
        assert_eq!(problems.iter().map(|problem| problem.file.as_str()).collect::<Vec<_>>(), ["book/src/b.md"]);
    }
}
