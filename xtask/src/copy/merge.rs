//! Merges a file of the course's update with a learner's, where git sees a conflict.
//!
//! Git takes two changes on neighbouring lines for a conflict. Here that is the usual case and no conflict: the course
//! corrects a signature, and the line below is the `todo!` that the learner has replaced. So what git left as a conflict is
//! merged once more, line by line: changes conflict only where they change the same lines.
//!
//! And a change of the course's that only says what to do (a task's comment, a `todo!`) never conflicts: where its place is
//! taken, the learner's lines stay and the task is handed back, to be kept in TASKS.md.

use std::ops::Range;

/// What came of a merge.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    pub text: String,
    /// How many conflicts are left in the text, between git's usual marks.
    pub conflicts: usize,
    /// The lines of the course's that found no place: tasks alone.
    pub homeless: Vec<Homeless>,
}

/// A task whose place is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Homeless {
    /// As the course's file has it, a line or more.
    pub lines: String,
    /// It replaces another task, which the learner has done.
    pub reworded: bool,
}

/// Merges what `git merge-file --diff3` printed, conflicts and all.
pub fn refine(diff3: &str) -> Merged {
    let mut merged = Merged { text: String::new(), conflicts: 0, homeless: Vec::new() };
    let mut lines = diff3.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !line.starts_with("<<<<<<< ") {
            merged.text.push_str(line);
            continue;
        }
        let ours = until(&mut lines, "||||||| ");
        let base = until(&mut lines, "=======");
        let theirs = until(&mut lines, ">>>>>>> ");
        merged.merge_region(&base, &ours, &theirs);
    }
    merged
}

fn until<'a>(lines: &mut impl Iterator<Item = &'a str>, mark: &str) -> Vec<&'a str> {
    lines.take_while(|line| !line.starts_with(mark)).collect()
}

impl Merged {
    fn merge_region(&mut self, base: &[&str], ours: &[&str], theirs: &[&str]) {
        let mine = changes(base, ours);
        let mut kept: Vec<Change> = mine.clone();
        let mut homeless = Vec::new();
        for change in changes(base, theirs) {
            if mine.contains(&change) {
                continue;
            }
            let taken = mine.iter().any(|other| other.collides(&change));
            if !taken {
                kept.push(change);
            } else if only_tasks(&base[change.base.clone()]) && only_tasks(&change.lines) {
                let reworded = !change.base.is_empty();
                if !change.lines.is_empty() {
                    homeless.push(Homeless { lines: change.lines.concat(), reworded });
                }
            } else {
                return self.keep_conflict(ours, theirs);
            }
        }
        // At one place the learner's lines come first: the sort keeps the order in which they were put in.
        kept.sort_by_key(|change| (change.base.start, change.base.end));
        let mut position = 0;
        for change in kept {
            self.text.push_str(&base[position..change.base.start].concat());
            self.text.push_str(&change.lines.concat());
            position = change.base.end;
        }
        self.text.push_str(&base[position..].concat());
        self.homeless.extend(homeless);
    }

    fn keep_conflict(&mut self, ours: &[&str], theirs: &[&str]) {
        self.conflicts += 1;
        let (ours, theirs) = (ours.concat(), theirs.concat());
        self.text.push_str(&format!("<<<<<<< yours\n{ours}=======\n{theirs}>>>>>>> the course's\n"));
    }
}

/// Lines of the base that are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Change<'a> {
    base: Range<usize>,
    lines: Vec<&'a str>,
}

impl Change<'_> {
    /// Whether both change the same lines, or put something in at the same place that is not whole in itself.
    fn collides(&self, other: &Change) -> bool {
        let (one, two) = (&self.base, &other.base);
        match (one.is_empty(), two.is_empty()) {
            (true, true) => one.start == two.start && !(self.is_whole() && other.is_whole()),
            (true, false) => two.start < one.start && one.start < two.end,
            (false, true) => one.start < two.start && two.start < one.end,
            (false, false) => one.start < two.end && two.start < one.end,
        }
    }

    /// Whether the lines open no brace that they do not close: items and statements, which can stand one after another.
    fn is_whole(&self) -> bool {
        let mut depth = 0_i64;
        self.lines.concat().chars().all(|symbol| {
            depth += match symbol {
                '{' | '(' | '[' => 1,
                '}' | ')' | ']' => -1,
                _ => 0,
            };
            depth >= 0
        }) && depth == 0
    }
}

/// How to make `new` out of `base`: the fewest lines changed (longest common subsequence; conflicts are short).
fn changes<'a>(base: &[&str], new: &[&'a str]) -> Vec<Change<'a>> {
    // common[i][j]: how many lines the two have in common from i and j on.
    let mut common = vec![vec![0_u32; new.len() + 1]; base.len() + 1];
    for i in (0..base.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] =
                if base[i] == new[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let mut changes: Vec<Change> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < base.len() || j < new.len() {
        if i < base.len() && j < new.len() && base[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let start = (i, j);
        while i < base.len() || j < new.len() {
            if i < base.len() && j < new.len() && base[i] == new[j] {
                break;
            }
            if j == new.len() || (i < base.len() && common[i + 1][j] >= common[i][j + 1]) {
                i += 1;
            } else {
                j += 1;
            }
        }
        changes.push(Change { base: start.0..i, lines: new[start.1..j].to_vec() });
    }
    changes
}

/// Whether the lines say what to do and nothing else: `// 1.3: …` with the lines it goes on in, `todo!("1.3: …")`.
fn only_tasks(lines: &[&str]) -> bool {
    let mut in_todo = false;
    lines.iter().all(|line| {
        let code = line.trim();
        let closes = in_todo && (code.ends_with(')') || code.ends_with(");"));
        let is_task = in_todo
            || code.is_empty()
            || code.strip_prefix("// ").is_some_and(starts_with_chapter)
            || code.starts_with("//      ")
            || code == "todo!("
            || code.strip_prefix("todo!(\"").is_some_and(starts_with_chapter);
        in_todo = (in_todo || code == "todo!(") && !closes;
        is_task
    })
}

fn starts_with_chapter(text: &str) -> bool {
    text.split_once(':').is_some_and(|(chapter, _)| chapter.parse::<crate::chapter::Chapter>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "fn get(key: &[u8]) -> u8 {\n    todo!(\"1.1: look\")\n}\n";
    const MINE: &str = "fn get(key: &[u8]) -> u8 {\n    look(key)\n}\n";

    fn merge(base: &str, ours: &str, theirs: &str) -> Merged {
        refine(&format!("before\n<<<<<<< a\n{ours}||||||| b\n{base}=======\n{theirs}>>>>>>> c\nafter\n"))
    }

    #[test]
    fn a_signature_is_corrected_above_own_work() {
        let theirs = BASE.replace("u8 {", "Result<u8> {");
        let merged = merge(BASE, MINE, &theirs);
        let expected = "before\nfn get(key: &[u8]) -> Result<u8> {\n    look(key)\n}\nafter\n";
        assert_eq!(merged, Merged { text: expected.into(), conflicts: 0, homeless: vec![] });
    }

    #[test]
    fn a_task_without_its_place_is_handed_back() {
        let theirs = BASE.replace("look\")", "look twice\")");
        let merged = merge(BASE, MINE, &theirs);
        assert_eq!(merged.text, format!("before\n{MINE}after\n"));
        let lines = "    todo!(\"1.1: look twice\")\n".to_owned();
        assert_eq!(merged.homeless, [Homeless { lines, reworded: true }]);

        let theirs = "fn get(key: &[u8]) -> u8 {\n    // 1.5: and look\n    //      again\n    todo!(\n        \"1.1: a long \\\n         task\"\n    )\n}\n";
        let merged = merge(BASE, MINE, theirs);
        assert_eq!((merged.conflicts, merged.homeless.len()), (0, 1));
        assert!(merged.homeless[0].lines.contains("again"));
    }

    #[test]
    fn a_task_whose_place_is_there_comes_in() {
        let theirs = format!("// 1.4: say why\n{BASE}");
        assert_eq!(merge(BASE, MINE, &theirs).text, format!("before\n// 1.4: say why\n{MINE}after\n"));
    }

    #[test]
    fn code_that_both_changed_stays_a_conflict_with_both_sides() {
        let theirs = "fn get(key: &[u8]) -> u8 {\n    0\n}\n";
        let merged = merge(BASE, MINE, theirs);
        assert_eq!((merged.conflicts, merged.homeless.len()), (1, 0));
        for line in ["<<<<<<< yours\n", "    look(key)\n", "=======\n", "    0\n", ">>>>>>> the course's\n"] {
            assert!(merged.text.contains(line), "{}", merged.text);
        }
    }

    #[test]
    fn whole_items_at_one_place_stand_one_after_the_other() {
        let merged = merge("", "fn mine() {\n}\n", "fn stub() {\n    todo!(\"1.2: it\")\n}\n");
        assert_eq!(merged.text, "before\nfn mine() {\n}\nfn stub() {\n    todo!(\"1.2: it\")\n}\nafter\n");
        assert_eq!(merge("", "if a {\n", "if b {\n").conflicts, 1);
    }

    #[test]
    fn what_both_did_alike_is_done_once() {
        let ours = "a\nx\nb\nmine\n";
        assert_eq!(merge("a\nb\nc\n", ours, "a\nx\nb\nc\n").text, format!("before\n{ours}after\n"));
    }
}
