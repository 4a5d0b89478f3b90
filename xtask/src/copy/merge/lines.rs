//! Merges three versions of a text line by line.
//!
//! Git takes two changes on neighbouring lines for a conflict. Here that is the usual case and no conflict: the course
//! corrects a signature, and the line below is the `todo!` that the learner has replaced. So changes conflict only where
//! they change the same lines. There the learner's stand, and the course's are handed back.
//!
//! Lines that differ in their indentation alone are the same line: who puts a block around given code has not changed it.

use std::ops::Range;

/// What came of a merge.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    pub text: String,
    /// The course's changes that found no place.
    pub refused: Vec<Refused>,
}

/// A change of the course's in lines that the learner changed too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The course's lines as they were.
    pub old: String,
    /// As they are now.
    pub new: String,
}

/// Merges what `theirs` made of `base` into `ours`.
pub fn merge(base: &str, ours: &str, theirs: &str) -> Merged {
    let [base_lines, our_lines, their_lines] = [base, ours, theirs].map(lines);
    let mine = changes(&base_lines, &our_lines);
    let unchanged = counterparts(base_lines.len(), &mine);
    let mut kept: Vec<(Range<usize>, String)> =
        mine.iter().map(|change| (change.base.clone(), our_lines[change.new.clone()].concat())).collect();
    let mut refused = Vec::new();
    for change in changes(&base_lines, &their_lines) {
        let new = &their_lines[change.new.clone()];
        let is_done = |other: &Change| other.base == change.base && same(&our_lines[other.new.clone()], new);
        if mine.iter().any(is_done) {
            continue;
        }
        let collides = |other: &Change| change.collides(new, other, &our_lines[other.new.clone()]);
        if mine.iter().any(collides) {
            refused.push(Refused { old: base_lines[change.base.clone()].concat(), new: new.concat() });
        } else {
            let neighbours = [change.base.end, change.base.start.wrapping_sub(1)].into_iter();
            let pairs = neighbours.filter_map(|line| Some((base_lines.get(line)?, our_lines[unchanged[line]?])));
            let deeper = pairs.map(|(base, ours)| deeper(base, ours)).next().unwrap_or_default();
            kept.push((change.base.clone(), indented(new, deeper)));
        }
    }
    // At one place the learner's lines come first: the sort keeps the order in which they were put in.
    kept.sort_by_key(|(range, _)| (range.start, range.end));
    let mut text = String::new();
    let mut position = 0;
    let end = (base_lines.len()..base_lines.len(), String::new());
    for (range, new) in kept.into_iter().chain([end]) {
        unchanged[position..range.start].iter().flatten().for_each(|line| text.push_str(our_lines[*line]));
        text.push_str(&new);
        position = range.end;
    }
    Merged { text, refused }
}

/// How one version differs from another: for each place, the old lines and the new ones.
pub fn difference(old: &str, new: &str) -> Vec<Refused> {
    let (old, new) = (lines(old), lines(new));
    let text = |change: Change| Refused { old: old[change.base].concat(), new: new[change.new].concat() };
    changes(&old, &new).into_iter().map(text).collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// How much further a line is indented than in the base.
fn deeper<'a>(base: &str, ours: &'a str) -> &'a str {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    ours.get(indentation(base)..indentation(ours)).unwrap_or_default()
}

fn indented(lines: &[&str], by: &str) -> String {
    lines.iter().map(|line| if line.trim().is_empty() { (*line).to_owned() } else { format!("{by}{line}") }).collect()
}

fn same(one: &[&str], other: &[&str]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.trim() == other.trim())
}

/// Lines of the base, and what stands for them in the new text.
struct Change {
    base: Range<usize>,
    new: Range<usize>,
}

impl Change {
    /// Whether both change the same lines, or put something in at the same place that is not whole in itself.
    fn collides(&self, own: &[&str], other: &Change, others: &[&str]) -> bool {
        let (one, two) = (&self.base, &other.base);
        match (one.is_empty(), two.is_empty()) {
            (true, true) => one.start == two.start && !(is_whole(own) && is_whole(others)),
            (true, false) => two.start < one.start && one.start < two.end,
            (false, true) => one.start < two.start && two.start < one.end,
            (false, false) => one.start < two.end && two.start < one.end,
        }
    }
}

/// Whether the lines open no brace that they do not close: items and statements, which can stand one after another.
fn is_whole(lines: &[&str]) -> bool {
    let mut depth = 0_i64;
    lines.concat().chars().all(|symbol| {
        depth += match symbol {
            '{' | '(' | '[' => 1,
            '}' | ')' | ']' => -1,
            _ => 0,
        };
        depth >= 0
    }) && depth == 0
}

/// For each line of the base, where it stands in the new text; `None` where it was changed.
fn counterparts(count: usize, changes: &[Change]) -> Vec<Option<usize>> {
    let mut found = Vec::with_capacity(count);
    let mut next = 0;
    for change in changes {
        let unchanged = change.base.start - found.len();
        found.extend((next..next + unchanged).map(Some));
        found.extend(change.base.clone().map(|_| None));
        next = change.new.end;
    }
    let rest = count - found.len();
    found.extend((next..next + rest).map(Some));
    found
}

/// How to make `new` out of `base`: the fewest lines changed (longest common subsequence; the texts are short).
fn changes(base: &[&str], new: &[&str]) -> Vec<Change> {
    let equal = |i: usize, j: usize| base[i].trim() == new[j].trim();
    // common[i][j]: how many lines the two have in common from i and j on.
    let mut common = vec![vec![0_u32; new.len() + 1]; base.len() + 1];
    for i in (0..base.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if equal(i, j) { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let mut changes: Vec<Change> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < base.len() || j < new.len() {
        if i < base.len() && j < new.len() && equal(i, j) {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let start = (i, j);
        while (i < base.len() || j < new.len()) && !(i < base.len() && j < new.len() && equal(i, j)) {
            if j == new.len() || (i < base.len() && common[i + 1][j] >= common[i][j + 1]) {
                i += 1;
            } else {
                j += 1;
            }
        }
        changes.push(Change { base: start.0..i, new: start.1..j });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "fn get(key: &[u8]) -> u8 {\n    todo!(\"1.1: look\")\n}\n";
    const MINE: &str = "fn get(key: &[u8]) -> u8 {\n    look(key)\n}\n";

    fn refused(old: &str, new: &str) -> Vec<Refused> {
        vec![Refused { old: old.into(), new: new.into() }]
    }

    #[test]
    fn a_signature_is_corrected_above_own_work() {
        let merged = merge(BASE, MINE, &BASE.replace("u8 {", "Result<u8> {"));
        let expected = "fn get(key: &[u8]) -> Result<u8> {\n    look(key)\n}\n";
        assert_eq!(merged, Merged { text: expected.into(), refused: vec![] });
    }

    #[test]
    fn lines_that_both_changed_stay_the_learners_and_the_courses_are_handed_back() {
        let merged = merge(BASE, MINE, &BASE.replace("todo!(\"1.1: look\")", "0"));
        assert_eq!(merged.text, MINE);
        assert_eq!(merged.refused, refused("    todo!(\"1.1: look\")\n", "    0\n"));
    }

    #[test]
    fn lines_whose_place_is_there_come_in() {
        let theirs = format!("// 1.4: say why\n{BASE}");
        assert_eq!(merge(BASE, MINE, &theirs).text, format!("// 1.4: say why\n{MINE}"));
        let theirs = BASE.replace("    todo!", "    // 1.5: and in the tables\n    todo!");
        assert_eq!(
            merge(BASE, MINE, &theirs).text,
            MINE.replace("    look", "    // 1.5: and in the tables\n    look")
        );
    }

    #[test]
    fn whole_things_at_one_place_stand_one_after_the_other() {
        let merged = merge("a\n", "a\nmine();\n", "a\nstub();\n");
        assert_eq!(merged.text, "a\nmine();\nstub();\n");
        assert_eq!(merge("", "if a {\n", "if b {\n").refused, refused("", "if b {\n"));
    }

    #[test]
    fn what_both_did_alike_is_done_once() {
        let ours = "a\nx\nb\nmine\n";
        assert_eq!(merge("a\nb\nc\n", ours, "a\nx\nb\nc\n"), Merged { text: ours.into(), refused: vec![] });
    }

    #[test]
    fn a_block_put_around_given_lines_does_not_hide_them() {
        let base = "open();\nread();\nclose();\n";
        let ours = "open();\nif there {\n    read();\n    close();\n}\n";
        let merged = merge(base, ours, "open();\nread();\n// 2.1: count\nclose();\n");
        assert_eq!(merged.text, "open();\nif there {\n    read();\n    // 2.1: count\n    close();\n}\n");
        assert_eq!(merged.refused, vec![]);
    }
}
