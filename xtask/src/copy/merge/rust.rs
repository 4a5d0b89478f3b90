//! Cuts a Rust source into its items, and these into fields, variants and functions.

use super::is_task_comment;
use super::names::named;
use super::piece::{Inside, Parts, Piece};
use crate::weave::lexer::{Lexed, Token};

/// The pieces of a source; `None` where its brackets or quotes do not close.
pub fn cut(text: &str) -> Option<Vec<Piece>> {
    let lexed = Lexed::new(text).ok()?;
    Some(Cutter { lexed: &lexed }.level(None, 0, lexed.lines.len(), List::Items))
}

/// What a pair of brackets lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum List {
    Items,
    /// Fields or variants, parted by commas.
    Fields,
}

struct Cutter<'a> {
    lexed: &'a Lexed<'a>,
}

impl<'a> Cutter<'a> {
    /// The pieces directly inside of a bracket, in the lines from `first` to before `end`.
    fn level(&self, bracket: Option<usize>, first: usize, end: usize, list: List) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut line = self.head_end(first, end);
        if line > first {
            self.push_lead(first, line, &mut pieces, Some("head"));
        }
        let lines = line..end;
        let is_here = |token: &Token| token.enclosing == bracket && lines.contains(&token.line);
        let tokens: Vec<usize> = (0..self.lexed.tokens.len()).filter(|index| is_here(self.token(*index))).collect();
        let mut rest = &tokens[..];
        while !rest.is_empty() {
            let (own, further) = rest.split_at(self.length(rest, list));
            let last = own.last().map_or(line, |last| self.token(*last).line);
            self.push(line, last + 1, own, list, &mut pieces);
            line = last + 1;
            rest = further;
        }
        self.push_lead(line, end, &mut pieces, Some("end"));
        pieces
    }

    fn token(&self, index: usize) -> &Token<'a> {
        &self.lexed.tokens[index]
    }

    fn text(&self, first: usize, end: usize) -> String {
        self.lexed.lines[first..end].iter().map(|line| format!("{}\n", line.text)).collect()
    }

    /// Where the inner documentation and attributes end with which a file or a module begins.
    fn head_end(&self, first: usize, end: usize) -> usize {
        let mut head_end = first;
        for line in first..end {
            let text = self.lexed.lines[line].text.trim();
            if text.starts_with("//!") || text.starts_with("#![") {
                head_end = line + 1;
            } else if !text.is_empty() && !text.starts_with("//") {
                break;
            }
        }
        head_end
    }

    /// How many tokens belong to the first piece, and to those that share its last line.
    fn length(&self, tokens: &[usize], list: List) -> usize {
        let mut length = 0;
        while length < tokens.len() {
            length += self.one_length(&tokens[length..], list);
            let last_line = self.token(tokens[length - 1]).line;
            if tokens.get(length).is_none_or(|next| self.token(*next).line > last_line) {
                break;
            }
        }
        length
    }

    fn one_length(&self, tokens: &[usize], list: List) -> usize {
        for (at, index) in tokens.iter().enumerate() {
            let token = self.token(*index);
            let next = tokens.get(at + 1).map_or("", |next| self.token(*next).text);
            let ends = match list {
                List::Items => token.text == ";" || (token.text == "}" && !matches!(next, ";" | "." | "?" | ">" | ",")),
                List::Fields => token.text == "," && token.ends_line,
            };
            if ends {
                return at + 1;
            }
        }
        tokens.len()
    }

    /// Adds an item or a field that ends before line `end`, and what stands above it from line `first` on.
    fn push(&self, first: usize, end: usize, tokens: &[usize], list: List, pieces: &mut Vec<Piece>) {
        let code = &tokens[self.attributes(tokens)..];
        let Some(code_line) = code.first().map(|index| self.token(*index).line) else {
            self.push_lead(first, end, pieces, Some("end"));
            return;
        };
        let (gap, lead) = self.push_lead(first, code_line, pieces, None);
        let words: Vec<&str> = code.iter().map(|index| self.token(*index).text).collect();
        let (mut key, name) = named(&words, list);
        if key == "use" {
            key = format!("use {}", self.text(code_line, end).split_whitespace().collect::<Vec<&str>>().join(" "));
        }
        let parts = match self.body(code) {
            Some((open_line, close_line)) => Parts {
                lead,
                head: self.text(code_line, open_line + 1),
                inside: self.inside(code, open_line + 1, close_line, &key),
                tail: self.text(close_line, end),
            },
            None => self.on_one_line(code_line, end, lead, &key),
        };
        let mut piece = Piece::new(key, name, gap, parts);
        piece.text = piece.parts.lead.clone() + &self.text(code_line, end);
        pieces.push(piece);
    }

    /// Adds the tasks among the lines above an item, each a piece of its own; gives the other lines, and the number of empty
    /// ones before them. With a key, those become a piece too.
    fn push_lead(&self, first: usize, end: usize, pieces: &mut Vec<Piece>, key: Option<&str>) -> (usize, String) {
        let mut gap = 0;
        let mut lead = String::new();
        let mut line = first;
        while line < end {
            let text = self.lexed.lines[line].text;
            let length = if is_task_comment(text) && lead.is_empty() {
                let goes_on = |line: &usize| self.lexed.lines[*line].text.trim().starts_with("//      ");
                1 + (line + 1..end).take_while(goes_on).count()
            } else {
                0
            };
            if length > 0 {
                let text = self.text(line, line + length);
                pieces.push(comment(format!("task {}", text.trim()), std::mem::take(&mut gap), text));
            } else if text.trim().is_empty() && lead.is_empty() {
                gap += 1;
            } else {
                lead.push_str(text);
                lead.push('\n');
            }
            line += length.max(1);
        }
        match key {
            Some(key) if !lead.is_empty() => {
                pieces.push(comment(key.to_owned(), gap, lead));
                (0, String::new())
            }
            _ => (gap, lead),
        }
    }

    /// How many of the tokens are attributes.
    fn attributes(&self, tokens: &[usize]) -> usize {
        let is = |at: usize, text: &str| tokens.get(at).is_some_and(|index| self.token(*index).text == text);
        let mut at = 0;
        while is(at, "#") && is(at + 1, "[") {
            at += 3;
        }
        at
    }

    /// The lines of the braces that an item of several lines ends with.
    fn body(&self, tokens: &[usize]) -> Option<(usize, usize)> {
        let close = self.token(*tokens.last()?);
        let open = *tokens.iter().rev().find(|index| self.token(**index).text == "{")?;
        let line = self.token(open).line;
        let alone = self.lexed.lines[close.line].text.trim() == "}";
        let opens_last = self.lexed.tokens.get(open + 1).is_some_and(|next| next.line > line);
        (close.text == "}" && alone && opens_last).then_some((line, close.line))
    }

    fn inside(&self, tokens: &[usize], first: usize, end: usize, key: &str) -> Inside {
        let list = match key.split(' ').next() {
            Some("impl" | "trait" | "mod") => List::Items,
            Some("struct" | "enum" | "union") => List::Fields,
            _ => return Inside::Lines(self.text(first, end)),
        };
        let open = tokens.iter().rev().find(|index| self.token(**index).text == "{");
        let bracket = self.lexed.brackets.iter().position(|bracket| Some(&bracket.open) == open);
        Inside::Pieces(self.level(bracket, first, end, list))
    }

    /// An item without a body, or with one that has no line of its own.
    fn on_one_line(&self, first: usize, end: usize, lead: String, key: &str) -> Parts {
        let text = self.text(first, end);
        if let (true, Some((head, "}"))) =
            (key.starts_with("fn "), text.trim_end().split_at_checked(text.trim_end().len() - 1))
        {
            let inner = head.split_once(" {").filter(|(_, inner)| !inner.contains(['{', '"', '\'']));
            if let Some((head, inner)) = inner {
                let inside = if inner.trim().is_empty() { String::new() } else { format!("    {}\n", inner.trim()) };
                let tail = format!("{}}}\n", self.lexed.lines[first].indentation());
                return Parts { lead, head: format!("{head} {{\n"), inside: Inside::Lines(inside), tail };
            }
        }
        Parts { lead, head: text, inside: Inside::Lines(String::new()), tail: String::new() }
    }
}

fn comment(key: String, gap: usize, text: String) -> Piece {
    let parts = Parts { lead: String::new(), head: text, inside: Inside::Lines(String::new()), tail: String::new() };
    Piece::new(key, String::new(), gap, parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::merge::piece::text_of;

    const SOURCE: &str = r#"//! A file.

mod a;
use std::{fmt,
    io};
#[derive(Debug)]
pub(crate) struct Core<T> {
    /// Its number.
    pub id: u64,
    map: HashMap<u8, u16>,
}

pub enum Error {
    #[error("a, b")]
    Io { path: PathBuf, source: io::Error },
    Closed,
}
// 1.3: write this,
//      all of it

// On its own.

impl<'a, T: Into<u8>> Core<T> {
    pub const fn new(id: u64) -> Core<T> { Core { id } }

    fn stop(&self) {}

    fn get(&self,
        key: &[u8],
    ) -> u8 {
        match key { [] => 1, _ => 2 }
    }
    // 2.1: and the rest
}

unsafe impl Send for Core<u8> {}
const TEN: [u8; 2] = [1, 2];
thread_local! { static X: u8 = 1; }
"#;

    fn keys(pieces: &[Piece]) -> Vec<&str> {
        pieces.iter().map(|piece| piece.key.as_str()).collect()
    }

    #[test]
    fn a_source_is_cut_into_its_items_and_nothing_is_lost() {
        let pieces = cut(SOURCE).unwrap();
        assert_eq!(text_of(&pieces), SOURCE);
        let expected = [
            "head",
            "mod a",
            "use use std::{fmt, io};",
            "struct Core",
            "enum Error",
            "task // 1.3: write this,\n//      all of it",
            "impl < , T : Into < u8 > > Core < T >",
            "impl Send for Core < u8 >",
            "const TEN",
            "other thread_local ! { }",
        ];
        assert_eq!(keys(&pieces), expected);
        assert_eq!(keys(pieces[3].inner()), ["field id", "field map"]);
        assert_eq!(keys(pieces[4].inner()), ["field Io", "field Closed"]);
        assert_eq!(keys(pieces[6].inner()), ["fn new", "fn stop", "fn get", "task // 2.1: and the rest"]);
        assert_eq!([&pieces[6], &pieces[7]].map(|piece| piece.name.as_str()), ["Core", "Core"]);
        assert!(pieces[6].parts.lead.starts_with("// On its own.\n\n"), "{:?}", pieces[6].parts);
    }

    #[test]
    fn a_function_has_a_head_and_a_body_even_on_one_line() {
        let pieces = cut(SOURCE).unwrap();
        let [new, stop, get, _] = pieces[6].inner() else { panic!("{:?}", keys(pieces[6].inner())) };
        assert!(get.parts.head.ends_with("    ) -> u8 {\n") && get.parts.tail == "    }\n", "{:?}", get.parts);
        assert_eq!(new.parts.tail, "");
        assert_eq!(stop.parts.text(), "    fn stop(&self) {\n    }\n");
        assert_eq!(stop.text, "    fn stop(&self) {}\n");
    }

    #[test]
    fn what_does_not_close_is_not_cut() {
        assert_eq!((cut("fn a() {"), cut("fn a() { \"b }")), (None, None));
    }
}
