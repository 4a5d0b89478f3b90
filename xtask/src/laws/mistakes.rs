//! The mistakes that learners make, as data: each must be caught by its chapter's own suite.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::report::Report;
use super::robot::is_regression;
use super::workshop::{Workshop, first_lines, keep_suites};
use crate::chapter::Chapter;
use crate::course;
use crate::runner::build::Built;
use crate::runner::process::{self, Limits};
use crate::runner::verdict::Verdict;
use crate::weave::State;
use crate::weave::tree::{self, Tree};

/// A mistake, made in the checkpoint of its chapter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mistake {
    /// A few words joined by hyphens, of its own in its file.
    pub id: String,
    /// Such as `1.3`, the file's own.
    pub chapter: String,
    /// What the learner believed.
    pub believed: String,
    /// Relative to `src`, with `/`.
    pub file: String,
    /// What the checkpoint says, exactly once in its file.
    pub passage: String,
    /// What stands there instead.
    pub instead: String,
    /// A test that must be among the failing, such as `chapter_3::seek_finds_…`.
    pub expect: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MistakeFile {
    mistake: Vec<Mistake>,
}

/// The mistakes of a chapter's file, and the file; none where the file does not exist.
pub fn of_chapter(chapter: Chapter) -> Result<(PathBuf, Vec<Mistake>)> {
    let path = course::week(chapter.week).join("mistakes").join(format!("{chapter}.toml"));
    if !path.is_file() {
        return Ok((path, Vec::new()));
    }
    let shown = shown(&path);
    let file: MistakeFile = toml::from_str(&tree::read(&path)?).with_context(|| shown.clone())?;
    for (index, mistake) in file.mistake.iter().enumerate() {
        if mistake.chapter != chapter.to_string() {
            bail!("{shown}: mistake '{}' is of chapter {}", mistake.id, mistake.chapter);
        }
        if file.mistake[..index].iter().any(|other| other.id == mistake.id) {
            bail!("{shown}: two mistakes are called '{}'", mistake.id);
        }
    }
    Ok((path, file.mistake))
}

/// Makes the mistakes of one chapter, or of all, and reports each in a line. Without `keep_going`, the first that is
/// not caught ends the run.
pub fn check(report: &mut Report, workshop: &Workshop, only: Option<Chapter>, keep_going: bool) {
    let weeks = course::weeks();
    for chapter in Chapter::all().filter(|chapter| weeks.contains(&chapter.week)) {
        if only.is_some_and(|only| only != chapter) {
            continue;
        }
        let (path, mistakes) = match of_chapter(chapter) {
            Ok(found) => found,
            Err(error) => {
                report.check(&format!("mistakes of chapter {chapter}"), || Err(error));
                continue;
            }
        };
        if mistakes.is_empty() {
            report.skip(&format!("mistakes of chapter {chapter}"), "none yet");
        }
        for mistake in &mistakes {
            let name = format!("mistake {chapter} {}", mistake.id);
            let caught = report.check(&name, || make(workshop, chapter, mistake, &path));
            if !caught && !keep_going {
                return;
            }
        }
    }
}

/// What is wrong with a mistake: above all, that nothing catches it.
fn make(workshop: &Workshop, chapter: Chapter, mistake: &Mistake, path: &Path) -> Result<Vec<String>> {
    let named = || format!("{}: mistake '{}'", shown(path), mistake.id);
    let mut tree = tree::whole(State::checkpoint(chapter))?;
    apply(&mut tree, mistake).with_context(named)?;
    keep_suites(&mut tree, |suite| suite == chapter);
    workshop.put(&tree)?;
    let binary = match workshop.try_build(chapter.week)? {
        Built::Binary(binary) => binary,
        Built::Failed(messages) => bail!("{}: it does not compile:\n{}", named(), first_lines(&messages, 20)),
    };
    let mut names = binary.tests(Some(chapter))?;
    if let Some(expected) = &mistake.expect {
        if !names.contains(expected) {
            bail!("{}: suite {chapter} has no test {expected}", named());
        }
        names.retain(|name| name == expected);
    }
    names.sort_by_key(|name| is_regression(name));
    let mut caught = false;
    process::run(&binary, &names, Limits::default(), |outcome| {
        caught |= !matches!(outcome.verdict, Verdict::Passed | Verdict::OpenTask { .. });
        if caught { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if caught {
        return Ok(Vec::new());
    }
    let by = mistake.expect.as_deref().unwrap_or("any test of its suite");
    Ok(vec![format!("{}: not caught by {by}; the learner believed: {}", named(), mistake.believed.trim())])
}

/// Puts the mistake's text in the place of its passage, which is there exactly once.
fn apply(tree: &mut Tree, mistake: &Mistake) -> Result<()> {
    let file = mistake.file.split('/').fold(PathBuf::from("src"), |path, part| path.join(part));
    let text = tree.get_mut(&file).with_context(|| format!("the checkpoint has no src/{}", mistake.file))?;
    let found = text.matches(&mistake.passage).count();
    if mistake.passage.is_empty() || found != 1 {
        bail!("its passage is found {found} times in the checkpoint's src/{}", mistake.file);
    }
    *text = text.replacen(&mistake.passage, &mistake.instead, 1);
    Ok(())
}

fn shown(path: &Path) -> String {
    path.strip_prefix(course::root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(passage: &str) -> Mistake {
        let file = format!(
            "[[mistake]]\nid = 'a'\nchapter = '1.3'\nbelieved = 'b'\nfile = 'block/a.rs'\npassage = '''\n{passage}'''\n\
             instead = 'x'\n"
        );
        toml::from_str::<MistakeFile>(&file).unwrap().mistake.remove(0)
    }

    #[test]
    fn a_passage_must_be_there_exactly_once() {
        let path = Path::new("src").join("block").join("a.rs");
        let source = || Tree::from([(path.clone(), "one two two".to_owned())]);
        let mut tree = source();
        apply(&mut tree, &mistake("one")).unwrap();
        assert_eq!(tree[&path], "x two two");
        for (passage, count) in [("two", "2 times"), ("three", "0 times")] {
            let error = apply(&mut source(), &mistake(passage)).unwrap_err();
            assert!(error.to_string().contains(count), "{error}");
        }
        assert!(apply(&mut Tree::new(), &mistake("one")).unwrap_err().to_string().contains("src/block/a.rs"));
    }
}
