//! `course.toml` in a copy: what was handed out and what is passed. Tracked, so that it travels with the code.
//!
//! One line a chapter and one a suite file, in order: two branches that passed different chapters merge.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use toml::Table;

use crate::chapter::Chapter;
use crate::weave::tree;

/// The file's name; a folder with it is a copy.
pub const FILE: &str = "course.toml";

/// What a copy knows of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The copy began with this chapter to do: what comes before was given.
    pub handed_out: Chapter,
    /// The last week whose starter the copy has: that of the chapter, or one that `next` brought.
    pub week: u8,
    /// Each passed chapter with the day it was passed, `2026-01-31` (UTC).
    pub passed: BTreeMap<Chapter, String>,
    /// The fingerprint of each suite file as it was handed out, by its path with `/`.
    pub suites: BTreeMap<String, String>,
}

impl Record {
    pub fn new(handed_out: Chapter) -> Record {
        Record { handed_out, week: handed_out.week, passed: BTreeMap::new(), suites: BTreeMap::new() }
    }

    /// The same after `next` has brought the weeks up to this one.
    pub fn at_week(self, week: u8) -> Record {
        Record { week, ..self }
    }

    /// Reads the record of the copy in `dir`.
    pub fn read(dir: &Path) -> Result<Record> {
        let path = dir.join(FILE);
        Record::parse(&tree::read(&path)?).with_context(|| {
            format!("{} cannot be read; mend it, or take it back with `git checkout {FILE}`", path.display())
        })
    }

    /// Writes the record, if it says anything new.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(FILE);
        let text = self.text();
        if tree::read(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The chapter to do: the first that was neither given nor passed. `None` when all 21 are done.
    pub fn next(&self) -> Option<Chapter> {
        Chapter::all().find(|chapter| *chapter >= self.handed_out && !self.passed.contains_key(chapter))
    }

    /// Takes a chapter as passed today. Its first day stays.
    pub fn pass(&mut self, chapter: Chapter) {
        self.passed.entry(chapter).or_insert_with(today);
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = format!(
            "# This copy of the course, kept by `cargo xtask`. Commit it with your work: it says what you passed.\n\
             handed_out = \"{}\"\n",
            self.handed_out
        );
        if self.week > self.handed_out.week {
            text.push_str(&format!("week = {}\n", self.week));
        }
        text.push_str("\n[passed]\n");
        for (chapter, day) in &self.passed {
            text.push_str(&format!("\"{chapter}\" = \"{day}\"\n"));
        }
        text.push_str(
            "\n# The suites as they were handed out: one that you edited is told by its fingerprint.\n[suites]\n",
        );
        for (file, fingerprint) in &self.suites {
            text.push_str(&format!("\"{file}\" = \"{fingerprint}\"\n"));
        }
        text
    }

    /// Reads what `text` writes.
    pub fn parse(text: &str) -> Result<Record> {
        let table: Table = text.parse()?;
        let chapter = |text: &str| text.parse::<Chapter>().map_err(|error| anyhow!(error));
        let handed_out = table.get("handed_out").and_then(|value| value.as_str());
        let mut record = Record::new(chapter(handed_out.context("it does not say what was handed_out")?)?);
        if let Some(week) = table.get("week") {
            let week = week.as_integer().and_then(|week| u8::try_from(week).ok());
            record.week = week.filter(|week| (record.week..=3).contains(week)).context("its `week` is none")?;
        }
        for (name, day) in entries(&table, "passed") {
            record.passed.insert(chapter(name)?, day.to_owned());
        }
        record.suites = entries(&table, "suites").map(|(file, print)| (file.to_owned(), print.to_owned())).collect();
        Ok(record)
    }
}

fn entries<'a>(table: &'a Table, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let inner = table.get(name).and_then(|value| value.as_table());
    inner.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// Today's date in UTC, `2026-01-31`.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    date(seconds / (24 * 60 * 60))
}

/// The date of a day counted from 1970-01-01.
fn date(mut day: u64) -> String {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_the_calendars() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_454, "2026-01-01"),
            (21_243, "2028-02-29"),
        ] {
            assert_eq!(date(day), expected);
        }
    }

    #[test]
    fn a_record_is_read_as_it_is_written() {
        let chapter = |text: &str| text.parse::<Chapter>().unwrap();
        let mut record = Record::new(chapter("1.2"));
        assert_eq!(Record::parse(&record.text()).unwrap(), record);
        assert_eq!(record.next(), Some(chapter("1.2")));
        record.pass(chapter("1.2"));
        record.pass(chapter("1.4"));
        record.suites.insert("tests/week1/main.rs".into(), "12ab".into());
        record.week = 2;
        assert_eq!(record.next(), Some(chapter("1.3")));
        assert_eq!(Record::parse(&record.text()).unwrap(), record);
        assert!(Record::parse("[passed]\n").is_err());
        assert!(Record::parse("handed_out = \"1.9\"\n").is_err());
        assert!(Record::parse("handed_out = \"2.1\"\nweek = 1\n").is_err());
    }
}
