//! How three versions of a list of pieces are merged.
//!
//! What carries a name is found by it, wherever it stands. So a function that somebody put between two given ones, or a
//! change in the documentation of one whose body was written anew, is no conflict.

use super::piece::{Inside, Parts, Piece, aligned, find, insert, place, without_number};
use super::whole::Elsewhere;
use super::{Left, What, imports, is_only_tasks, lines};
use crate::weave::lexer::Lexed;

/// The merge of one file.
pub struct Merger<'a> {
    pub file: &'a str,
    pub elsewhere: &'a Elsewhere,
    /// The course's changes that found no place.
    pub left: Vec<Left>,
    /// The names of what went because the course took it away.
    pub gone: Vec<String>,
    /// Key and name of what is around the pieces that are being merged.
    around: Vec<(String, String)>,
}

impl<'a> Merger<'a> {
    pub fn new(file: &'a str, elsewhere: &'a Elsewhere) -> Merger<'a> {
        Merger { file, elsewhere, left: Vec::new(), gone: Vec::new(), around: Vec::new() }
    }

    /// Merges lists of pieces. The order is the learner's; what is new stands where the course has it.
    pub fn pieces(&mut self, base: &[Piece], ours: &[Piece], theirs: &[Piece]) -> Vec<Piece> {
        let base = aligned(&[], base);
        let (ours, theirs) = (aligned(&base, ours), aligned(&base, theirs));
        let mut merged = Vec::new();
        for own in &ours {
            match (find(&base, &own.key), find(&theirs, &own.key)) {
                (base, Some(new)) => merged.push(self.piece(base, own, new)),
                (Some(base), None) if self.goes(base, own) => self.gone.push(own.name.clone()),
                _ => merged.push(own.clone()),
            }
        }
        for (index, new) in theirs.iter().enumerate() {
            if find(&ours, &new.key).is_some() {
                continue;
            }
            let wanted = match find(&base, &new.key) {
                Some(base) => self.taken_away_by_learner(base, new),
                None => self.unless_taken(new),
            };
            if let Some(piece) = wanted {
                let place = place(&merged, &theirs, index, |key| find(&base, key).or(find(&theirs, key)).is_some());
                insert(&mut merged, place, piece, index == 0, theirs.get(index + 1));
            }
        }
        imports::settle(self, &mut merged, &ours);
        merged
    }

    /// Merges one piece with what the course has of the same name.
    fn piece(&mut self, base: Option<&Piece>, own: &Piece, new: &Piece) -> Piece {
        if own.text == new.text || base.is_some_and(|base| base.text == new.text) {
            return own.clone();
        }
        if base.is_some_and(|base| base.text == own.text) {
            return Piece { gap: own.gap, ..new.clone() };
        }
        let Some(base) = base else { return self.added_by_both(own, new) };
        self.around.push((own.key.clone(), own.name.clone()));
        let parts = match [base, own, new].map(|piece| (&piece.parts.inside, piece.parts.tail.is_empty())) {
            [(Inside::Pieces(one), _), (Inside::Pieces(two), _), (Inside::Pieces(three), _)] => {
                let inside = Inside::Pieces(self.pieces(one, two, three));
                self.parts(base, own, new, |_| inside)
            }
            [(one, closed), (two, closed_2), (three, closed_3)] if closed == closed_2 && closed == closed_3 => {
                let texts = [one, two, three].map(Inside::text);
                self.parts(base, own, new, |merger| Inside::Lines(merger.code(&texts[0], &texts[1], &texts[2])))
            }
            _ => Parts {
                lead: self.lines(&base.text, &own.text, &new.text),
                head: String::new(),
                inside: Inside::Lines(String::new()),
                tail: String::new(),
            },
        };
        self.around.pop();
        Piece::new(own.key.clone(), own.name.clone(), own.gap, parts)
    }

    fn parts(&mut self, base: &Piece, own: &Piece, new: &Piece, inside: impl FnOnce(&mut Self) -> Inside) -> Parts {
        let [one, two, three] = [base, own, new].map(|piece| &piece.parts);
        Parts {
            lead: self.lines(&one.lead, &two.lead, &three.lead),
            head: self.lines(&one.head, &two.head, &three.head),
            inside: inside(self),
            tail: self.lines(&one.tail, &two.tail, &three.tail),
        }
    }

    pub fn lines(&mut self, base: &str, ours: &str, theirs: &str) -> String {
        let merged = lines::merge(base, ours, theirs);
        merged.refused.into_iter().for_each(|refused| self.leave(None, refused));
        merged.text
    }

    /// Merges code: if its brackets would no longer close, the learner's stands as it is.
    fn code(&mut self, base: &str, ours: &str, theirs: &str) -> String {
        let merged = lines::merge(base, ours, theirs);
        let closes = Lexed::new(&merged.text).is_ok() || Lexed::new(ours).is_err();
        let refused = if closes { merged.refused } else { lines::difference(base, theirs) };
        refused.into_iter().for_each(|refused| self.leave(None, refused));
        if closes { merged.text } else { ours.to_owned() }
    }

    /// Two of the same name: containers become one, of anything else the learner's stands.
    fn added_by_both(&mut self, own: &Piece, new: &Piece) -> Piece {
        let (Inside::Pieces(ours), Inside::Pieces(theirs)) = (&own.parts.inside, &new.parts.inside) else {
            self.leave(Some(new), lines::Refused { old: String::new(), new: new.text.clone() });
            return own.clone();
        };
        self.around.push((own.key.clone(), own.name.clone()));
        let inside = Inside::Pieces(self.pieces(&[], ours, theirs));
        self.around.pop();
        Piece::new(own.key.clone(), own.name.clone(), own.gap, Parts { inside, ..own.parts.clone() })
    }

    /// Whether a piece goes that the course took away: the learner has not touched it, and nothing needs it.
    fn goes(&mut self, base: &Piece, own: &Piece) -> bool {
        if base.text != own.text && !own.is_task() {
            self.leave(Some(own), lines::Refused { old: base.text.clone(), new: String::new() });
            return false;
        }
        !self.elsewhere.needed.contains(&own.name)
    }

    /// The learner took a piece away that the course changed: of a container, what is new inside of it is wanted.
    fn taken_away_by_learner(&mut self, base: &Piece, new: &Piece) -> Option<Piece> {
        let Inside::Pieces(new_inner) = &new.parts.inside else {
            if !new.key.starts_with("use ") {
                lines::difference(&base.text, &new.text).into_iter().for_each(|change| self.leave(Some(new), change));
            }
            return None;
        };
        self.around.push((new.key.clone(), new.name.clone()));
        let inner = self.pieces(base.inner(), &[], new_inner);
        self.around.pop();
        let parts = Parts { inside: Inside::Pieces(inner), ..new.parts.clone() };
        let piece = Piece::new(new.key.clone(), new.name.clone(), new.gap, parts);
        Some(piece).filter(|piece| !piece.inner().is_empty())
    }

    /// A new piece, unless the learner has one of its name elsewhere in the same `impl`.
    fn unless_taken(&mut self, new: &Piece) -> Option<Piece> {
        let around = self.around.last().map_or("", |(key, _)| without_number(key));
        if self.elsewhere.taken.contains(&(around.to_owned(), new.key.clone())) {
            self.leave(Some(new), lines::Refused { old: String::new(), new: new.text.clone() });
            return None;
        }
        let mut new = new.clone();
        if let Inside::Pieces(inner) = &new.parts.inside {
            self.around.push((new.key.clone(), new.name.clone()));
            let kept: Vec<Piece> = inner.iter().filter_map(|inner| self.unless_taken(inner)).collect();
            self.around.pop();
            if kept.len() < inner.len() {
                new.parts.inside = Inside::Pieces(kept);
                new.text = new.parts.text();
            }
        }
        Some(new)
    }

    /// Notes a change that found no place, in a piece or in what is around.
    pub fn leave(&mut self, piece: Option<&Piece>, change: lines::Refused) {
        let names = self.around.iter().map(|(_, name)| name).chain(piece.map(|piece| &piece.name));
        let item = names.filter(|name| !name.is_empty()).cloned().collect::<Vec<String>>().join("::");
        let is_task = is_only_tasks(&change.old) && is_only_tasks(&change.new);
        let what = match is_task {
            true if change.new.trim().is_empty() => return,
            true => What::Task { reworded: !change.old.trim().is_empty(), lines: change.new },
            false => What::Change { old: change.old, new: change.new },
        };
        self.left.push(Left { file: self.file.to_owned(), item, what });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Merged, merge};
    use super::*;

    const BASE: &str = "impl Core {
    /// Reads.
    fn get(&self) -> u8 {
        // 1.5: and the tables
        todo!(\"1.1: look\")
    }

    fn id(&self) -> u8 {
        self.id
    }
}
";
    const MINE: &str = "impl Core {
    /// Reads.
    fn get(&self) -> u8 {
        look(self)
    }

    fn mine(&self) {}

    fn id(&self) -> u8 {
        self.id
    }

    fn last(&self) {}
}
";

    fn merged(ours: &str, theirs: &str) -> Merged {
        merge("src/a.rs", BASE, ours, theirs, &Elsewhere::default())
    }

    #[test]
    fn docs_signatures_and_new_functions_come_beside_own_bodies() {
        let theirs = BASE
            .replace("/// Reads.", "/// Reads.\n    ///\n    /// From 2.1 on, the levels too.")
            .replace("fn get(&self) -> u8", "pub fn get(&self) -> u8")
            .replace("    fn id", "    fn new(&self) {\n        todo!(\"2.1: it\")\n    }\n\n    fn id");
        let Merged { text, left, .. } = merged(MINE, &theirs);
        let expected = MINE
            .replace("/// Reads.", "/// Reads.\n    ///\n    /// From 2.1 on, the levels too.")
            .replace("fn get(&self) -> u8", "pub fn get(&self) -> u8")
            .replace("    fn id", "    fn new(&self) {\n        todo!(\"2.1: it\")\n    }\n\n    fn id");
        assert_eq!((text, left), (expected, vec![]));
    }

    #[test]
    fn a_task_in_a_function_written_anew_is_left_with_its_place() {
        let theirs = BASE.replace("tables\n", "tables\n        // 2.1: and the levels\n");
        let Merged { text, left, .. } = merged(MINE, &theirs);
        assert_eq!(text, MINE);
        let what = What::Task { lines: "        // 2.1: and the levels\n".into(), reworded: false };
        assert_eq!(left, [Left { file: "src/a.rs".into(), item: "Core::get".into(), what }]);
    }

    #[test]
    fn what_the_course_takes_away_goes_unless_the_learner_changed_it() {
        let theirs = BASE.replace("    fn id(&self) -> u8 {\n        self.id\n    }\n", "");
        let Merged { text, gone, .. } = merged(MINE, &theirs);
        assert!(!text.contains("fn id") && text.contains("fn mine") && text.contains("fn last"), "{text}");
        assert_eq!(gone, ["id"]);
        let Merged { text, left, .. } = merged(&MINE.replace("self.id\n", "self.id + 1\n"), &theirs);
        assert!(text.contains("fn id") && left.len() == 1, "{text}");
        let elsewhere = Elsewhere { needed: ["id".to_owned()].into(), ..Elsewhere::default() };
        assert!(merge("src/a.rs", BASE, MINE, &theirs, &elsewhere).text.contains("fn id"));
    }

    #[test]
    fn of_two_functions_of_one_name_the_learners_stands() {
        let theirs =
            BASE.replace("    fn id", "    fn mine(&self, course: u8) {\n        course();\n    }\n\n    fn id");
        let Merged { text, left, .. } = merged(MINE, &theirs);
        assert_eq!(text, MINE);
        let [Left { item, what: What::Change { old, new }, .. }] = &left[..] else { panic!("{left:?}") };
        assert!(item == "Core::mine" && old.is_empty() && new.contains("course();"), "{left:?}");
        // Also where it stands in another file.
        let own = MINE.replace("    fn mine(&self) {}\n\n", "");
        let taken = [("impl Core".to_owned(), "fn mine".to_owned())].into();
        let elsewhere = Elsewhere { taken, ..Elsewhere::default() };
        let Merged { text, left, .. } = merge("src/a.rs", BASE, &own, &theirs, &elsewhere);
        assert_eq!((text, left.len()), (own, 1));
    }

    #[test]
    fn a_second_impl_of_the_learners_is_not_taken_for_the_given_one() {
        let ours = format!("impl Core {{\n    fn other(&self) {{}}\n}}\n\n{MINE}");
        let theirs = BASE.replace("self.id\n", "self.id.get()\n");
        let Merged { text, left, .. } = merged(&ours, &theirs);
        assert_eq!((text, left), (ours.replace("self.id\n", "self.id.get()\n"), vec![]));
    }

    #[test]
    fn what_is_new_in_a_block_that_the_learner_moved_away_comes_in() {
        let theirs = BASE.replace("    fn id", "    fn new(&self) {}\n\n    fn id");
        let Merged { text, left, .. } = merged("struct Mine;\n", &theirs);
        assert_eq!(text, "struct Mine;\nimpl Core {\n    fn new(&self) {}\n}\n");
        assert_eq!(left, []);
    }
}
