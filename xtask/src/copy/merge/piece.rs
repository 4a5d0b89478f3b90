//! A text cut into named pieces: the items of a source, the functions of an `impl`, the fields of a struct, the tables of a
//! manifest.

use super::is_only_tasks;

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

    /// Whether it says what to do, and nothing else.
    pub fn is_task(&self) -> bool {
        is_only_tasks(&self.text)
    }
}

impl Parts {
    pub fn text(&self) -> String {
        [&self.lead, &self.head, &self.inside.text(), &self.tail].into_iter().map(String::as_str).collect()
    }
}

impl Inside {
    pub fn text(&self) -> String {
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

/// The piece with a key.
pub fn find<'a>(pieces: &'a [Piece], key: &str) -> Option<&'a Piece> {
    pieces.iter().find(|piece| piece.key == key)
}

/// The pieces with keys of their own: of several with one key, each gets the key of the one in `base` that it resembles.
pub fn aligned(base: &[Piece], pieces: &[Piece]) -> Vec<Piece> {
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

/// A key as it was before [`aligned`].
pub fn without_number(key: &str) -> &str {
    key.split(" #").next().unwrap_or(key)
}

fn likeness(one: &Piece, other: &Piece) -> usize {
    let inner = other.inner().iter().filter(|inner| find(one.inner(), &inner.key).is_some()).count();
    let alike = other.text.lines().filter(|line| one.text.lines().any(|other| other == *line)).count();
    inner * 1000 + alike
}

/// Where the course's piece at `index` belongs: behind the nearest one before it, and what the learner put there.
pub fn place(merged: &[Piece], theirs: &[Piece], index: usize, is_given: impl Fn(&str) -> bool) -> usize {
    let position = |key: &str| merged.iter().position(|piece| piece.key == key);
    if let Some(before) = theirs[..index].iter().rev().find_map(|piece| position(&piece.key)) {
        let own = merged[before + 1..].iter().take_while(|piece| !is_given(&piece.key)).count();
        return before + 1 + own;
    }
    theirs[index + 1..].iter().find_map(|piece| position(&piece.key)).unwrap_or(merged.len())
}

/// Puts a piece in, with the empty lines around it that the course has.
pub fn insert(pieces: &mut Vec<Piece>, place: usize, mut piece: Piece, is_first: bool, next: Option<&Piece>) {
    if is_first && place > 0 {
        let usual = || pieces.iter().skip(1).map(|piece| piece.gap.min(1)).max();
        piece.gap = next.map(|next| next.gap).or_else(usual).unwrap_or(0);
    }
    if let (Some(below), Some(next)) = (pieces.get_mut(place), next)
        && below.key == next.key
    {
        below.gap = next.gap;
    }
    pieces.insert(place, piece);
}
