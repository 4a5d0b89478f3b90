//! Replacing a page's directives by what they name.

use std::path::{Path, PathBuf};

use super::directive::{self, Directive};
use super::fences::{Part, parts};
use super::folds;
use super::items::{Item, find, items};
use super::picture;
use super::problem::Problem;
use super::read_text;
use super::wrap::wrap_comments;
use crate::simulate::{Trace, widget};

/// Where directives find what they name.
pub struct Sources {
    /// The repository's root; `code` is relative to it.
    pub root: PathBuf,
}

impl Sources {
    /// The page with every directive replaced. Text in fenced blocks is left alone.
    ///
    /// # Errors
    ///
    /// Every directive that names what does not exist, with its line.
    pub fn expand(&self, page: &str, text: &str) -> Result<String, Vec<Problem>> {
        let mut expanded = String::with_capacity(text.len());
        let mut problems = Vec::new();
        for part in parts(text) {
            let (line, text) = match part {
                Part::Text { line, text } => (line, text),
                Part::Fence { raw, .. } => {
                    raw.iter().for_each(|line| push_line(&mut expanded, line));
                    continue;
                }
            };
            match directive::parse(text) {
                None => push_line(&mut expanded, &folds::show_code_in_summary(text)),
                Some(read) => match read.and_then(|directive| self.replace(&directive)) {
                    Ok(replacement) => {
                        let indent = &text[..text.len() - text.trim_start().len()];
                        for line in replacement.lines() {
                            expanded.push_str(if line.is_empty() { "" } else { indent });
                            push_line(&mut expanded, line);
                        }
                        // The HTML of a picture or a file's name goes on up to a blank line.
                        expanded.push('\n');
                    }
                    Err(what) => problems.push(Problem::new(page, line, what)),
                },
            }
        }
        if problems.is_empty() { Ok(expanded) } else { Err(problems) }
    }

    fn replace(&self, directive: &Directive) -> Result<String, String> {
        match directive.name.as_str() {
            "code" => {
                let source = self.read(Path::new(""), &directive.target)?;
                code(&source, directive).map_err(|error| format!("{}: {error}", directive.target))
            }
            "generated" => generated(&self.read(Path::new("book/generated"), &directive.target)?, directive),
            "picture" => {
                directive.allow(&["caption"])?;
                let svg = self.read(Path::new("book/pictures"), &directive.target)?;
                picture::inline(&svg, &directive.target, directive.one("caption")?)
            }
            "simulation" => simulation(&self.read(Path::new("book/generated"), &directive.target)?, directive),
            name => Err(format!("there is no directive `{name}`, but code, generated, picture, simulation")),
        }
    }

    fn read(&self, folder: &Path, file: &str) -> Result<String, String> {
        read_text(&self.root.join(folder).join(file)).map_err(|error| format!("{error:#}"))
    }
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// Shows items, a region, or the whole of a source file.
fn code(source: &str, directive: &Directive) -> Result<String, String> {
    directive.allow(&["item", "region", "docs", "body", "caption"])?;
    let docs = directive.unless_no("docs")?;
    let body = directive.unless_no("body")?;
    let lines: Vec<&str> = source.lines().collect();
    let shown = match (directive.all("item").as_slice(), directive.one("region")?) {
        ([], None) => visible(&lines),
        ([], Some(region)) => visible(find_region(&lines, region)?),
        (selectors, None) => {
            let items = items(source);
            let shown: Result<Vec<String>, String> = selectors
                .iter()
                .map(|selector| find(&items, selector).map(|item| show_item(&lines, item, docs, body)))
                .collect();
            shown?.join("\n\n")
        }
        (_, Some(_)) => return Err("`item` and `region` exclude each other".to_string()),
    };
    let language = match directive.target.rsplit_once('.') {
        Some((_, "rs")) => "rust",
        Some((_, "toml")) => "toml",
        _ => "text",
    };
    let shown = if language == "rust" { wrap_comments(&shown) } else { shown };
    let block = format!("```{language}\n{shown}\n```");
    Ok(if directive.unless_no("caption")? { format!("{}\n{block}", caption(&directive.target)) } else { block })
}

/// The file's name above its code; a starter's file is named as the learner's copy has it.
fn caption(path: &str) -> String {
    let in_copy = ["week1/", "week2/", "week3/"].iter().find_map(|week| path.strip_prefix(week));
    let (class, shown) = match in_copy {
        Some(path) => ("code-file yours", path),
        None => ("code-file", path),
    };
    format!("<div class=\"{class}\">{shown}</div>\n")
}

fn show_item(lines: &[&str], item: &Item, docs: bool, body: bool) -> String {
    let first = if docs { item.lines.start } else { item.header };
    match item.open.filter(|_| !body) {
        None => visible(&lines[first..item.lines.end]),
        Some((line, column)) => {
            let signature = lines[line][..column].trim_end();
            let mut shown = lines[first..line].to_vec();
            let last = format!("{signature}{}{{ /* … */ }}", if signature.trim().is_empty() { "" } else { " " });
            shown.push(&last);
            visible(&shown)
        }
    }
}

/// The lines between `// region: name` and the next `// endregion`.
fn find_region<'a>(lines: &'a [&'a str], name: &str) -> Result<&'a [&'a str], String> {
    let is = |line: &str, start: &str| line.trim().strip_prefix(start).is_some_and(|rest| rest.trim() == name);
    let starts: Vec<usize> = (0..lines.len()).filter(|index| is(lines[*index], "// region:")).collect();
    let [start] = starts[..] else {
        return Err(format!("`// region: {name}` stands there {} times, not once", starts.len()));
    };
    let length = lines[start..].iter().position(|line| line.trim() == "// endregion");
    let length = length.ok_or_else(|| format!("region `{name}` has no `// endregion`"))?;
    Ok(&lines[start + 1..start + length])
}

/// The lines that a reader sees, moved to the left margin: no markers of chapters and regions.
fn visible(lines: &[&str]) -> String {
    let hidden = ["//@", "//-", "// region:", "// endregion"];
    let shown: Vec<&str> =
        lines.iter().copied().filter(|line| !hidden.iter().any(|mark| line.trim_start().starts_with(mark))).collect();
    let width = |line: &&str| line.len() - line.trim_start().len();
    let margin = shown.iter().filter(|line| !line.trim().is_empty()).map(width).min().unwrap_or(0);
    let moved: Vec<&str> = shown.iter().map(|line| line.get(margin..).unwrap_or_default()).collect();
    moved.join("\n").trim_matches('\n').to_string()
}

/// Shows a generated file, or the part of it below a line `== name ==`.
fn generated(text: &str, directive: &Directive) -> Result<String, String> {
    let shown = part_of(text, directive)?;
    Ok(format!("```text\n{}\n```", shown.join("\n").trim_matches('\n')))
}

/// A trace of the simulator, as a picture to step through.
fn simulation(text: &str, directive: &Directive) -> Result<String, String> {
    let lines = part_of(text, directive)?.join("\n");
    let trace = Trace::parse(lines.trim()).map_err(|error| format!("{}: {error:#}", directive.target))?;
    Ok(widget(&trace))
}

/// The lines of a generated file, or of the part that the directive names.
fn part_of<'a>(text: &'a str, directive: &Directive) -> Result<Vec<&'a str>, String> {
    directive.allow(&["part"])?;
    let is_heading = |line: &str| line.starts_with("== ") && line.ends_with(" ==");
    let lines: Vec<&str> = text.lines().collect();
    let shown: &[&str] = match directive.one("part")? {
        None => &lines,
        Some(part) => {
            let heading = format!("== {part} ==");
            let start = lines.iter().position(|line| *line == heading);
            let start = start.ok_or_else(|| format!("{} has no line `{heading}`", directive.target))? + 1;
            let length = lines[start..].iter().position(|line| is_heading(line)).unwrap_or(lines.len() - start);
            &lines[start..start + length]
        }
    };
    let shown = shown.iter().filter(|line| !is_heading(line));
    Ok(shown.map(|line| line.strip_prefix(super::generated::TIMING).unwrap_or(line)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "use std::fmt;

/// A table.
pub struct Table {
    //@ 1.7
    filter: u8,
}

impl Table {
    /// Finds a key.
    pub fn get(&self, key: &[u8]) -> Option<u8> {
        //@ 1.4: seek in the index
        //- 1.2 let found = 0;
        // region: seek
        if key.is_empty() {
            return None;
        }
        // endregion
        Some(self.filter)
    }
}
";

    fn shown(line: &str) -> Result<String, String> {
        code(SOURCE, &directive::parse(line).expect("it is a directive")?)
    }

    #[test]
    fn an_item_is_shown_at_the_margin_without_markers() {
        let expected = "<div class=\"code-file yours\">src/t.rs</div>\n\n```rust\n/// Finds a key.\npub fn get(&self, key: &[u8]) -> Option<u8> {\n    if key.is_empty() {\n        return None;\n    }\n    Some(self.filter)\n}\n```";
        assert_eq!(shown("{{#code week1/src/t.rs item=Table::get}}").as_deref(), Ok(expected));
    }

    #[test]
    fn docs_and_body_can_be_left_out_and_items_joined() {
        let expected = "```rust\npub struct Table {\n    filter: u8,\n}\n\npub fn get(&self, key: &[u8]) -> Option<u8> {\n    if key.is_empty() {\n        return None;\n    }\n    Some(self.filter)\n}\n```";
        assert_eq!(shown("{{#code a.rs item=Table item=Table::get docs=no caption=no}}").as_deref(), Ok(expected));
        let expected = "```rust\n/// Finds a key.\npub fn get(&self, key: &[u8]) -> Option<u8> { /* … */ }\n```";
        assert_eq!(shown("{{#code a.rs item=Table::get body=no caption=no}}").as_deref(), Ok(expected));
    }

    #[test]
    fn a_region_is_shown_alone() {
        let expected = "```rust\nif key.is_empty() {\n    return None;\n}\n```";
        assert_eq!(shown("{{#code a.rs region=seek caption=no}}").as_deref(), Ok(expected));
        assert!(shown("{{#code a.rs region=none}}").is_err());
    }

    #[test]
    fn what_is_brought_in_keeps_its_place_in_a_list_and_ends_with_a_blank_line() {
        let sources = Sources { root: crate::course::root() };
        let page = "- a\n\n  {{#code xtask/src/book/expand.rs item=push_line body=no caption=no}}\n- b\n";
        let expected = "- a\n\n  ```rust\n  fn push_line(text: &mut String, line: &str) { /* … */ }\n  ```\n\n- b\n";
        assert_eq!(sources.expand("book/src/a.md", page).as_deref(), Ok(expected));
    }

    #[test]
    fn an_error_names_the_page_and_the_line() {
        let sources = Sources { root: PathBuf::from("nowhere") };
        let page = "# A\n\n{{#code a.rs}}\n\n```text\n{{#code in a fence}}\n```\n{{#cod a.rs}}\n";
        let problems = sources.expand("book/src/a.md", page).expect_err("neither can be replaced");
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [3, 8]);
        assert!(problems[1].to_string().starts_with("book/src/a.md:8: there is no directive `cod`"), "{}", problems[1]);
    }

    #[test]
    fn a_part_of_a_generated_file_is_shown_without_its_timing_marks() {
        let text = "== first ==\na\n\n== second ==\n~ took 3 ms\nb\n";
        let part = |line: &str| generated(text, &directive::parse(line).expect("it is a directive")?);
        assert_eq!(part("{{#generated a.txt part=second}}").as_deref(), Ok("```text\ntook 3 ms\nb\n```"));
        assert_eq!(part("{{#generated a.txt}}").as_deref(), Ok("```text\na\n\ntook 3 ms\nb\n```"));
        assert!(part("{{#generated a.txt part=third}}").is_err());
    }
}
