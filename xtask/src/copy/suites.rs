//! The suites in a copy: which chapters they run, and whether the learner edited them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::Copy;
use crate::chapter::Chapter;
use crate::terminal::slashed;
use crate::weave::tree::{self, Tree};

/// Makes `tests/weekN/main.rs` name the chapters up to `last`, and no later one: what a learner left half done in a later
/// chapter's suite or support cannot break this one. Nothing else in the file is touched.
pub fn select(dir: &Path, week: u8, last: u8) -> Result<()> {
    let folder = dir.join(format!("tests/week{week}"));
    let path = folder.join("main.rs");
    let old = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let exists =
        |day: &u8| folder.join(format!("chapter_{day}.rs")).is_file() || folder.join(format!("chapter_{day}")).is_dir();
    let new = with_chapters(&old, &(1..=last).filter(exists).collect::<Vec<u8>>());
    if new != old {
        std::fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The text with a `mod` line for each of these chapters alone, where the first such line stood, else at the end.
pub fn with_chapters(text: &str, days: &[u8]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut place = None;
    for line in text.lines() {
        if chapter_of(line).is_some() {
            place = place.or(Some(lines.len()));
        } else {
            lines.push(line.to_owned());
        }
    }
    if place.is_none() && lines.last().is_some_and(|line| !line.is_empty() && !line.starts_with("mod ")) {
        lines.push(String::new());
    }
    let place = place.unwrap_or(lines.len());
    lines.splice(place..place, days.iter().map(|day| format!("mod chapter_{day};")));
    lines.join("\n") + "\n"
}

/// The chapters of the week that a main.rs names, in the order of its lines.
pub fn chapters_in(main: &str) -> Vec<u8> {
    main.lines().filter_map(chapter_of).collect()
}

fn chapter_of(line: &str) -> Option<u8> {
    line.trim().strip_prefix("mod chapter_")?.strip_suffix(';')?.parse().ok()
}

/// The fingerprints of the suite files in a tree, by path with `/`.
pub fn fingerprints(tree: &Tree) -> BTreeMap<String, String> {
    let suites = tree.iter().filter(|(file, _)| file.starts_with("tests"));
    suites.map(|(file, text)| (slashed(file), fingerprint(file, text))).collect()
}

/// The suite files that are not as they were handed out. A missing file is not among them: nothing of the learner's is in it.
pub fn edited(copy: &Copy) -> Vec<String> {
    let differs = |file: &str, handed_out: &String| {
        tree::read(&copy.dir.join(file)).is_ok_and(|text| fingerprint(Path::new(file), &text) != *handed_out)
    };
    let suites = copy.record.suites.iter();
    suites.filter(|(file, handed_out)| differs(file, handed_out)).map(|(file, _)| file.clone()).collect()
}

/// Whether a suite file has a say in a chapter's tests: it is the chapter's own, or shared by the week's.
pub fn concerns(file: &str, chapter: Chapter) -> bool {
    let Some(inner) = file.strip_prefix(&format!("tests/week{}/", chapter.week)) else { return false };
    match inner.split(['/', '.']).next().and_then(|module| module.strip_prefix("chapter_")) {
        Some(day) => day == chapter.day.to_string(),
        None => true,
    }
}

/// A number that tells two texts apart: FNV-1a, 64 bits. Line ends do not count, nor which chapters a main.rs names.
fn fingerprint(file: &Path, text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let text = if file.ends_with("main.rs") { with_chapters(&text, &[]) } else { text };
    let text = text.trim_end();
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "//! The suites.\n\nmod support;\nmod chapter_1;\nmod chapter_2;\nmod chapter_3;\n";

    #[test]
    fn chapters_are_named_up_to_the_wanted_one() {
        let two = with_chapters(MAIN, &[1, 2]);
        assert_eq!(two, "//! The suites.\n\nmod support;\nmod chapter_1;\nmod chapter_2;\n");
        assert_eq!(with_chapters(&two, &[1, 2, 3]), MAIN);
        assert_eq!(with_chapters(&with_chapters(MAIN, &[]), &[1, 2, 3]), MAIN);
        assert_eq!(with_chapters("//! The suites.\n", &[1]), "//! The suites.\n\nmod chapter_1;\n");
    }

    #[test]
    fn a_chapters_suite_is_its_own_files_and_the_shared_ones() {
        let chapter = Chapter { week: 1, day: 2 };
        for file in ["tests/week1/chapter_2.rs", "tests/week1/chapter_2/model.rs", "tests/week1/support.rs"] {
            assert!(concerns(file, chapter), "{file}");
        }
        for file in ["tests/week1/chapter_1.rs", "tests/week2/chapter_2.rs", "tests/week1/chapter_21.rs"] {
            assert!(!concerns(file, chapter), "{file}");
        }
    }

    #[test]
    fn a_fingerprint_tells_an_edit_but_not_a_line_end_or_the_named_chapters() {
        let main = Path::new("tests/week1/main.rs");
        assert_eq!(fingerprint(main, MAIN), fingerprint(main, &with_chapters(MAIN, &[1]).replace('\n', "\r\n")));
        assert_eq!(fingerprint(main, MAIN), fingerprint(main, &with_chapters(MAIN, &[])));
        assert_ne!(fingerprint(main, MAIN), fingerprint(main, &format!("{MAIN}mod mine;\n")));
        let suite = Path::new("tests/week1/chapter_1.rs");
        assert_eq!(fingerprint(suite, "a\nb\n"), fingerprint(suite, "a\r\nb"));
        assert_ne!(fingerprint(suite, "a\nb\n"), fingerprint(suite, "a\nc\n"));
    }
}
