//! The 21 chapters: their numbers, their order, their titles.

use std::fmt;
use std::str::FromStr;

/// A chapter's number, `week.day`. Chapters are ordered as a learner meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chapter {
    /// 1, 2 or 3.
    pub week: u8,
    /// 1 to 7.
    pub day: u8,
}

const TITLES: [[&str; 7]; 3] = [
    [
        "Memtable",
        "Merge iterators",
        "Blocks",
        "Sorted string tables",
        "The read path",
        "The write path",
        "Bloom filters and prefix-compressed keys",
    ],
    [
        "Compaction: the mechanism",
        "Simple leveled compaction",
        "Tiered compaction",
        "Leveled compaction",
        "Manifest",
        "Write-ahead log",
        "Batches, group commit, verify",
    ],
    [
        "Versioned keys",
        "Snapshot reads: memtables and batches",
        "Snapshot reads: Snapshot and Transaction",
        "Watermark and garbage collection",
        "Transactions: optimistic commit",
        "Serializable transactions",
        "Compaction filters",
    ],
];

impl Chapter {
    /// Every chapter of the course, in order.
    pub fn all() -> impl Iterator<Item = Chapter> {
        (1..=3).flat_map(|week| (1..=7).map(move |day| Chapter { week, day }))
    }

    /// The chapter before this one, `None` for 1.1.
    pub fn previous(self) -> Option<Chapter> {
        match (self.week, self.day) {
            (1, 1) => None,
            (week, 1) => Some(Chapter { week: week - 1, day: 7 }),
            (week, day) => Some(Chapter { week, day: day - 1 }),
        }
    }

    /// The chapter after this one, `None` for 3.7.
    pub fn next(self) -> Option<Chapter> {
        match (self.week, self.day) {
            (3, 7) => None,
            (week, 7) => Some(Chapter { week: week + 1, day: 1 }),
            (week, day) => Some(Chapter { week, day: day + 1 }),
        }
    }

    /// The title as the book gives it.
    pub fn title(self) -> &'static str {
        TITLES[usize::from(self.week) - 1][usize::from(self.day) - 1]
    }
}

impl fmt::Display for Chapter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.week, self.day)
    }
}

impl FromStr for Chapter {
    type Err = String;

    fn from_str(text: &str) -> Result<Chapter, String> {
        let wrong = || format!("'{text}' is not a chapter: chapters are 1.1 to 1.7, 2.1 to 2.7, 3.1 to 3.7");
        let (week, day) = text.split_once('.').ok_or_else(wrong)?;
        let chapter = Chapter { week: week.parse().map_err(|_| wrong())?, day: day.parse().map_err(|_| wrong())? };
        if (1..=3).contains(&chapter.week) && (1..=7).contains(&chapter.day) { Ok(chapter) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chapters_are_read_as_they_are_written() {
        for chapter in Chapter::all() {
            assert_eq!(chapter.to_string().parse(), Ok(chapter));
        }
        for wrong in ["", "1", "1.0", "1.8", "0.1", "4.1", "1.1.1", "a.b", "-1.1"] {
            assert!(wrong.parse::<Chapter>().is_err(), "{wrong:?} was read as a chapter");
        }
    }

    #[test]
    fn next_and_previous_walk_the_same_path() {
        let all: Vec<Chapter> = Chapter::all().collect();
        for pair in all.windows(2) {
            assert_eq!(pair[0].next(), Some(pair[1]));
            assert_eq!(pair[1].previous(), Some(pair[0]));
            assert!(pair[0] < pair[1]);
        }
    }
}
