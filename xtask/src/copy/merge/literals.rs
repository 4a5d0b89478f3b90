//! Finds the struct literals of a source, with what they are in and which fields they have.

use super::names::self_type;
use crate::weave::lexer::{Lexed, Token};

/// A source in which literals are looked for.
pub struct Source<'a> {
    text: &'a str,
    lexed: Lexed<'a>,
}

/// `Core { id, map: Map::new() }`, also as a pattern; never one that ends in `..`.
#[derive(Debug)]
pub struct Literal {
    /// The struct's name; of `Self`, what it stands for.
    pub name: String,
    /// `Core::open`: the function that it stands in.
    pub place: String,
    /// Each field with its value as it is written; one without a colon with its name.
    pub fields: Vec<(String, String)>,
    pub is_pattern: bool,
    open: usize,
    close: usize,
}

impl Literal {
    pub fn value(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Option<Source<'a>> {
        Some(Source { text, lexed: Lexed::new(text).ok()? })
    }

    pub fn literals(&self) -> Vec<Literal> {
        self.lexed.brackets.iter().filter_map(|bracket| self.literal(bracket.open)).collect()
    }

    /// The text of the function around a literal, from its `fn` on.
    pub fn around(&self, literal: &Literal) -> &'a str {
        let function = self.enclosing(literal.open).into_iter().find(|(_, header)| header.contains(&"fn"));
        let open = function.map_or(literal.open, |(open, _)| open);
        let begin = (0..open).rev().find(|index| self.token(*index).text == "fn").unwrap_or(0);
        &self.text[self.offset(begin)..self.offset(self.close_of(open))]
    }

    /// The source with one more line in a literal.
    pub fn with_field(&self, literal: &Literal, line: &str) -> String {
        let last = literal.close - 1;
        let end = self.offset(last) + self.token(last).text.len();
        let (head, tail) = self.text.split_at(end);
        let comma = if matches!(self.token(last).text, "," | "{") { "" } else { "," };
        let first = self.token(literal.open + 1).line;
        if first == self.token(literal.open).line {
            return format!("{head}{comma} {line}{tail}");
        }
        format!("{head}{comma}\n{}{line},{tail}", self.lexed.lines[first].indentation())
    }

    fn token(&self, index: usize) -> &Token<'a> {
        &self.lexed.tokens[index]
    }

    fn word(&self, index: Option<usize>) -> &'a str {
        index.and_then(|index| self.lexed.tokens.get(index)).map_or("", |token| token.text)
    }

    /// Where a token begins: its text is a part of the source's.
    fn offset(&self, index: usize) -> usize {
        self.token(index).text.as_ptr() as usize - self.text.as_ptr() as usize
    }

    /// The token that closes the bracket which a token opens.
    fn close_of(&self, open: usize) -> usize {
        let enclosing = self.token(open).enclosing;
        let closes = |index: &usize| {
            self.token(*index).enclosing == enclosing && matches!(self.token(*index).text, "}" | ")" | "]")
        };
        (open + 1..self.lexed.tokens.len()).find(closes).unwrap_or(self.lexed.tokens.len() - 1)
    }

    fn literal(&self, open: usize) -> Option<Literal> {
        let name_at = open.checked_sub(1).filter(|_| self.token(open).text == "{")?;
        let name = self.token(name_at).text;
        if !name.starts_with(char::is_uppercase) {
            return None;
        }
        let mut first = name_at;
        while first >= 2 && self.token(first - 1).text == "::" {
            first -= 2;
        }
        let before = self.word(first.checked_sub(1));
        if matches!(before, "struct" | "enum" | "union" | "trait" | "impl" | "for" | "mod" | "->" | "+") {
            return None;
        }
        let close = self.close_of(open);
        let around = self.enclosing(open);
        let owner = around.iter().find(|(_, header)| header.contains(&"impl")).map(|(_, header)| self_type(header));
        let function = around.iter().find_map(|(_, header)| {
            let at = header.iter().position(|word| *word == "fn")?;
            header.get(at + 1).copied()
        })?;
        let place = [owner, Some(function)].into_iter().flatten().collect::<Vec<&str>>().join("::");
        let after = (self.word(Some(close + 1)), self.word(Some(close + 2)));
        let is_pattern = before == "let" || after.0 == "=>" || (after.0 == "=" && after.1 != "=");
        let fields = self.fields(open, close)?;
        let name = if name == "Self" { owner? } else { name }.to_owned();
        Some(Literal { name, place, fields, is_pattern, open, close })
    }

    /// The fields between two braces; `None` where these hold anything else, or leave some to `..`.
    fn fields(&self, open: usize, close: usize) -> Option<Vec<(String, String)>> {
        let inside = self.lexed.brackets.iter().position(|bracket| bracket.open == open);
        let level: Vec<usize> = (open + 1..close).filter(|index| self.token(*index).enclosing == inside).collect();
        let mut fields = Vec::new();
        let mut rest = &level[..];
        while let Some(first) = rest.first() {
            let name = self.token(*first).text;
            let is_name = name.starts_with(|first: char| first.is_lowercase() || first == '_');
            let next = rest.get(1).map_or("}", |index| self.token(*index).text);
            if !is_name || !matches!(next, ":" | "," | "}") {
                return None;
            }
            let colon = usize::from(next == ":");
            let end = self.end_of_value(rest);
            let last = rest[..end].iter().rev().find(|index| self.token(**index).text != ",")?;
            let (from, to) = (rest.get(2 * colon)?, self.offset(*last) + self.token(*last).text.len());
            fields.push((name.to_owned(), self.text[self.offset(*from)..to].to_owned()));
            rest = &rest[end..];
        }
        Some(fields)
    }

    /// How many of a list's tokens its first entry has, with its comma. A comma between `<` and `>` ends no line, or no
    /// name and colon follow it.
    fn end_of_value(&self, level: &[usize]) -> usize {
        let word = |at: usize| level.get(at).map_or("}", |index| self.token(*index).text);
        let ends = |at: &usize| word(*at) == "," && (matches!(word(at + 2), ":" | "," | "}") || word(at + 1) == ".");
        (0..level.len()).find(ends).map_or(level.len(), |comma| comma + 1)
    }

    /// The brackets around a token, the innermost first: where each opens, and the words before it.
    fn enclosing(&self, token: usize) -> Vec<(usize, Vec<&'a str>)> {
        let mut found = Vec::new();
        let mut around = self.token(token).enclosing;
        while let Some(bracket) = around {
            let open = self.lexed.brackets[bracket].open;
            around = self.token(open).enclosing;
            let same = (0..open).rev().filter(|index| self.token(*index).enclosing == around);
            let mut header: Vec<&str> =
                same.map(|index| self.token(index).text).take_while(|word| !matches!(*word, ";" | "}" | "{")).collect();
            header.reverse();
            found.push((open, header));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "impl<T> Core<T> {
    pub fn open(id: u64) -> Core {
        let Pair { one, two: (_, b) } = pair;
        if a == (Old { ..Old::new() }) {}
        Arc::new(Core { id, map: HashMap::<u8, u16>::new(), path: a.join(\"x, y\") })
    }
}

fn copy(core: &Core) -> super::Core {
    super::Core {
        id: core.id, // its number
        map: build(
            1,
        ),
        path
    }
}
";

    #[test]
    fn literals_are_found_with_their_fields_and_their_place() {
        let source = Source::new(TEXT).unwrap();
        let found: Vec<_> = source.literals();
        let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.place.as_str(), one.is_pattern)).collect();
        assert_eq!(told, [("Pair", "Core::open", true), ("Core", "Core::open", false), ("Core", "copy", false)]);
        let fields = |index: usize| found[index].fields.iter().map(|(a, b)| format!("{a}={b}")).collect::<Vec<_>>();
        assert_eq!(fields(0), ["one=one", "two=(_, b)"]);
        assert_eq!(fields(1), ["id=id", "map=HashMap::<u8, u16>::new()", "path=a.join(\"x, y\")"]);
        assert_eq!(fields(2), ["id=core.id", "map=build(\n            1,\n        )", "path=path"]);
        assert!(source.around(&found[2]).starts_with("fn copy(core: &Core)"), "{}", source.around(&found[2]));
    }

    #[test]
    fn a_field_is_put_in_behind_the_last() {
        let source = Source::new(TEXT).unwrap();
        let found = source.literals();
        assert!(source.with_field(&found[0], "three: _").contains("two: (_, b), three: _ }"));
        let text = source.with_field(&found[2], "new: 1");
        assert!(text.contains("        path,\n        new: 1,\n    }\n"), "{text}");
    }
}
