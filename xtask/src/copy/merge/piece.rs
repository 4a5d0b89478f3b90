//! A text cut into named pieces, and how three versions of a list of pieces are merged.
//!
//! Items of a module, functions of an `impl`, fields of a struct, tables of a manifest: what carries a name is found by
//! it, wherever it stands. So a function that somebody put between two given ones, or a change in the documentation of
//! one whose body was written anew, is no conflict.

use super::{Left, What, imports, is_only_tasks, lines};

/// Lines that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Tells it from its neighbours, and is the same in every version.
    pub key: String,
    /// What a person calls it: `Core` for `impl Core`, `open` for a function. Empty where it has no name.
    pub name: String,
    /// Empty lines above it.
    pub gap: usize,
    /// All of its lines.
    pub text: String,
    pub parts: Parts,
}

/// What a piece's text consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Comments, documentation, attributes.
    pub lead: String,
    /// Up to the opening brace; everything, where nothing is inside of it.
    pub head: String,
    pub inside: Inside,
    /// The line of the closing brace.
    pub tail: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    Pieces(Vec<Piece>),
    Lines(String),
}

impl Piece {
    pub fn new(key: String, name: String, gap: usize, parts: Parts) -> Piece {
        Piece { text: parts.text(), key, name, gap, parts }
    }

    /// The pieces inside of it.
    pub fn inner(&self) -> &[Piece] {
        match &self.parts.inside {
            Inside::Pieces(pieces) => pieces,
            Inside::Lines(_) => &[],
        }
    }

    fn is_task(&self) -> bool {
        is_only_tasks(&self.text)
    }
}

impl Parts {
    pub fn text(&self) -> String {
        [&self.lead, &self.head, &self.inside.text(), &self.tail].into_iter().map(String::as_str).collect()
    }
}

impl Inside {
    fn text(&self) -> String {
        match self {
            Inside::Pieces(pieces) => text_of(pieces),
            Inside::Lines(lines) => lines.clone(),
        }
    }
}

/// The text of pieces one after the other.
pub fn text_of(pieces: &[Piece]) -> String {
    let gap = |index: usize| if index == 0 { 0 } else { pieces[index].gap };
    pieces.iter().enumerate().map(|(index, piece)| "\n".repeat(gap(index)) + &piece.text).collect()
}

/// What a merge of one file must know of all others.
#[derive(Debug, Default)]
pub struct Elsewhere {
    /// Names whose items stay though the course took them away: the learner uses them.
    pub needed: std::collections::BTreeSet<String>,
    /// What the learner added to an `impl`, in whatever file: the keys of the `impl` and of the item.
    pub taken: std::collections::BTreeSet<(String, String)>,
}

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
                self.parts(base, own, new, |merger| Inside::Lines(merger.lines(&texts[0], &texts[1], &texts[2])))
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

    /// Merges lines; what is refused is left over.
    pub fn lines(&mut self, base: &str, ours: &str, theirs: &str) -> String {
        let merged = lines::merge(base, ours, theirs);
        merged.refused.into_iter().for_each(|refused| self.leave(None, refused));
        merged.text
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

fn find<'a>(pieces: &'a [Piece], key: &str) -> Option<&'a Piece> {
    pieces.iter().find(|piece| piece.key == key)
}

/// The pieces with keys of their own: of several with one key, each gets the key of the one in `base` that it resembles.
fn aligned(base: &[Piece], pieces: &[Piece]) -> Vec<Piece> {
    let mut aligned: Vec<Piece> = pieces.to_vec();
    let numbered = |key: &str, number: usize| if number == 0 { key.to_owned() } else { format!("{key} #{number}") };
    let mut keys: Vec<&str> = pieces.iter().map(|piece| piece.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let mut open: Vec<usize> = (0..pieces.len()).filter(|index| pieces[*index].key == key).collect();
        let mut number = 0;
        while let Some(like) = find(base, &numbered(key, number)) {
            // The first of those that are alike: `max_by_key` would give the last.
            let best = (0..open.len()).rev().max_by_key(|index| likeness(like, &pieces[open[*index]]));
            if let Some(best) = best {
                aligned[open.remove(best)].key = numbered(key, number);
            }
            number += 1;
        }
        for index in open {
            aligned[index].key = numbered(key, number);
            number += 1;
        }
    }
    aligned
}

fn without_number(key: &str) -> &str {
    key.split(" #").next().unwrap_or(key)
}

fn likeness(one: &Piece, other: &Piece) -> usize {
    let inner = other.inner().iter().filter(|inner| find(one.inner(), &inner.key).is_some()).count();
    let alike = other.text.lines().filter(|line| one.text.lines().any(|other| other == *line)).count();
    inner * 1000 + alike
}

/// Where the course's piece at `index` belongs: behind the nearest one before it, and what the learner put there.
fn place(merged: &[Piece], theirs: &[Piece], index: usize, is_given: impl Fn(&str) -> bool) -> usize {
    let position = |key: &str| merged.iter().position(|piece| piece.key == key);
    if let Some(before) = theirs[..index].iter().rev().find_map(|piece| position(&piece.key)) {
        let own = merged[before + 1..].iter().take_while(|piece| !is_given(&piece.key)).count();
        return before + 1 + own;
    }
    theirs[index + 1..].iter().find_map(|piece| position(&piece.key)).unwrap_or(merged.len())
}

/// Puts a piece in, with the empty lines around it that the course has.
fn insert(pieces: &mut Vec<Piece>, place: usize, mut piece: Piece, is_first: bool, next: Option<&Piece>) {
    if let (true, Some(next)) = (is_first && place > 0, next) {
        piece.gap = piece.gap.max(next.gap);
    }
    if let (Some(below), Some(next)) = (pieces.get_mut(place), next)
        && below.key == next.key
    {
        below.gap = next.gap;
    }
    pieces.insert(place, piece);
}
