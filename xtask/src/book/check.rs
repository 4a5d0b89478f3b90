//! `cargo xtask book --check`: that the book builds without a warning, and that what it says is so.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::anchors::Built;
use super::problem::Problem;
use super::{code_blocks, commands, files_under, folds, generated, manuals, pages, read_text, relative, root, tool};
use crate::chapter::Chapter;
use crate::course;
use crate::runner::docs;

/// What was checked, in numbers.
pub struct Report {
    pages: usize,
    links: usize,
    blocks: usize,
    commands: usize,
    generated: usize,
    suite_references: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} pages, {} links, {} Rust blocks compiled, {} commands, {} generated files, {} references from suites",
            self.pages, self.links, self.blocks, self.commands, self.generated, self.suite_references
        )
    }
}

/// Checks the whole book.
///
/// # Errors
///
/// Everything that an author has to mend, each with its file and line.
pub fn check() -> anyhow::Result<Report> {
    let mut problems = Vec::new();
    let pages = read_pages()?;
    let mut blocks = 0;
    let mut typed = 0;
    for (page, text) in &pages {
        let file = format!("book/src/{page}");
        blocks += code_blocks::check_fences(&file, text, &mut problems);
        typed += commands::check(&file, text, &mut problems);
        folds::check(&file, text, &mut problems);
    }
    typed += manuals::check(&mut problems)?;
    if blocks > 0 {
        code_blocks::run(&pages, &mut problems)?;
    }
    let generated = generated::compare(&mut problems)?;
    find_unused(&pages, &mut problems)?;
    let mut report = Report { pages: pages.len(), links: 0, blocks, commands: typed, generated, suite_references: 0 };
    if let Some(built) = build(&mut problems)? {
        let source = |page: &str| pages.iter().find(|(path, _)| path == page).map(|(_, text)| text.clone());
        report.links = built.check(source, &mut problems);
        find_orphans(&pages, &built, &mut problems);
        report.suite_references = check_suites(&built, &mut problems)?;
    }
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        bail!("the book has {} faults:\n{}", lines.len(), lines.join("\n"));
    }
    Ok(report)
}

/// Every page's path below `book/src`, with its text. SUMMARY.md is none.
fn read_pages() -> anyhow::Result<Vec<(String, String)>> {
    let files = files_under(&pages(), "md")?;
    let named = files.iter().map(|path| (relative(path, &pages()), path)).filter(|(name, _)| name != "SUMMARY.md");
    named.map(|(name, path)| Ok((name, read_text(path)?))).collect()
}

/// Builds the book under `target/`; what mdbook says that is more than progress is a problem. `None` if it does not build.
fn build(problems: &mut Vec<Problem>) -> anyhow::Result<Option<Built>> {
    let folder: PathBuf = course::root().join("target").join("book-check");
    let output = tool::mdbook()?
        .arg("build")
        .arg(root())
        .arg("--dest-dir")
        .arg(&folder)
        .env("NO_COLOR", "1")
        .output()
        .context("mdbook does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    // Cargo's own lines stand among them, from building the preprocessor.
    let is_complaint = |line: &&str| ["WARN", "ERROR"].iter().any(|level| line.trim_start().starts_with(level));
    let complaints: Vec<&str> = said.lines().filter(|line| !output.status.success() || is_complaint(line)).collect();
    if !output.status.success() || !complaints.is_empty() {
        problems.push(Problem::new("book", 0, format!("mdbook says:\n{}", complaints.join("\n"))));
    }
    if output.status.success() { Built::read(&folder).map(Some) } else { Ok(None) }
}

/// Pages that SUMMARY.md does not list are not in the book.
fn find_orphans(pages: &[(String, String)], built: &Built, problems: &mut Vec<Problem>) {
    for (page, _) in pages {
        if built.resolve(page).is_err() {
            problems.push(Problem::new(format!("book/src/{page}"), 0, "is not listed in SUMMARY.md"));
        }
    }
}

/// Pictures and generated files that no page shows.
fn find_unused(pages: &[(String, String)], problems: &mut Vec<Problem>) -> anyhow::Result<()> {
    let kinds: [(&[&str], &str, &str); 2] =
        [(&["picture"], "pictures", "svg"), (&["generated", "simulation"], "generated", "txt")];
    for (directives, folder, extension) in kinds {
        let folder = root().join(folder);
        for path in files_under(&folder, extension)? {
            let name = relative(&path, &folder);
            let used = |text: &String| {
                let mut starts = directives.iter().map(|directive| format!("{{{{#{directive} {name}"));
                starts.any(|start| text.contains(&format!("{start} ")) || text.contains(&format!("{start}}}}}")))
            };
            if !pages.iter().any(|(_, text)| used(text)) {
                problems.push(Problem::new(format!("book/{}", relative(&path, &root())), 0, "no page shows it"));
            }
        }
    }
    Ok(())
}

/// Every test of a suite names a page and an anchor that exist; returns how many tests there are.
fn check_suites(built: &Built, problems: &mut Vec<Problem>) -> anyhow::Result<usize> {
    let mut count = 0;
    for chapter in Chapter::all() {
        let tests = course::week(chapter.week).join("tests").join(format!("week{}", chapter.week));
        for test in docs::read(&tests, chapter)?.into_values() {
            count += 1;
            let resolved = match test.book {
                Some(target) => built.resolve(&target),
                None => Err("the test has no `Book:` line".to_string()),
            };
            if let Err(what) = resolved {
                problems.push(Problem::new(relative(&test.file, &course::root()), test.line, what));
            }
        }
    }
    Ok(count)
}
