//! Which lines each marker of a source rules.

use std::collections::BTreeMap;

use super::Error;
use super::context::Context;
use super::lexer::{Lexed, Token};
use super::marker::{Kind, Marker, OldLine, Reading};

/// A marker and the lines it rules. Extents nest or lie apart; none crosses another.
pub struct Extent {
    pub marker: Marker,
    /// Where it begins: with the marker, or with the documentation that stands above it.
    pub start: usize,
    /// The marker's line; the first of its lines where a task goes on.
    pub line: usize,
    /// The line below the marker.
    pub first: usize,
    /// The line after the last one ruled.
    pub end: usize,
    pub old: Vec<OldLine>,
    /// The brackets around the marker.
    pub enclosing: Option<usize>,
}

/// A source with its markers understood.
pub struct Marked<'a> {
    pub lexed: Lexed<'a>,
    /// What rules the whole file, from its first line.
    pub file: Option<Marker>,
    /// By the line where they begin.
    pub extents: BTreeMap<usize, Extent>,
    /// The lines that are `//-` lines.
    pub old_lines: Vec<usize>,
}

impl<'a> Marked<'a> {
    pub fn new(source: &'a str) -> Result<Marked<'a>, Error> {
        let mut marked =
            Marked { lexed: Lexed::new(source)?, file: None, extents: BTreeMap::new(), old_lines: Vec::new() };
        let old = marked.read_comments()?;
        marked.measure()?;
        for (line, enclosing, old) in old {
            marked.give_old_line(line, enclosing, old)?;
        }
        Ok(marked)
    }

    /// Finds the markers; gives back the `//-` lines, which need to know the extents.
    fn read_comments(&mut self) -> Result<Vec<(usize, Option<usize>, OldLine)>, Error> {
        let mut old_lines = Vec::new();
        for comment in &self.lexed.comments {
            let line = comment.line;
            match Reading::of(comment)? {
                Reading::Marker(Marker { kind: Kind::Task(_), .. }) if line == 0 => {
                    return Err(Error::new(
                        line,
                        "a marker of a whole file has no task: write `//@ 1.2` or `//@ 1.2 only`",
                    ));
                }
                Reading::Marker(marker) if line == 0 => {
                    if !self.lexed.lines.get(1).is_some_and(|next| next.text.starts_with("//!")) {
                        let what =
                            "a marker on the first line is about the whole file, and the file's `//!` docs follow it";
                        return Err(Error::new(line, what));
                    }
                    self.file = Some(marker);
                }
                Reading::Marker(marker) => {
                    let enclosing = comment.enclosing;
                    let extent = Extent {
                        marker,
                        start: line,
                        line,
                        first: line + 1,
                        end: line + 1,
                        old: Vec::new(),
                        enclosing,
                    };
                    self.extents.insert(line, extent);
                }
                Reading::Continuation(more) => {
                    let above = self.extents.values_mut().next_back().filter(|extent| extent.first == line);
                    match above.map(|extent| (&mut extent.marker.kind, &mut extent.first)) {
                        Some((Kind::Task(lines), first)) => {
                            lines.push(more);
                            *first += 1;
                        }
                        _ => {
                            return Err(Error::new(
                                line,
                                "this goes on with no task: the line above is no `//@ 1.2: task`",
                            ));
                        }
                    }
                }
                Reading::Old(old) => {
                    self.old_lines.push(line);
                    old_lines.push((line, comment.enclosing, old));
                }
                Reading::Plain => {}
            }
        }
        Ok(old_lines)
    }

    /// Sets where every extent begins and ends.
    fn measure(&mut self) -> Result<(), Error> {
        let mut reach = Vec::new();
        for extent in self.extents.values() {
            let context = Context::inside(&self.lexed, extent.enclosing);
            self.check_place(extent)?;
            if context.is_body() && extent.marker.kind == Kind::Only {
                let what = "`only` is for an item; among statements write `//@ 1.2: task`";
                return Err(Error::new(extent.line, what));
            }
            reach.push(match context.is_body() {
                true => (extent.line, self.region_end(extent)),
                false => self.thing(extent, context)?,
            });
        }
        let extents = std::mem::take(&mut self.extents);
        for (mut extent, (start, end)) in extents.into_values().zip(reach) {
            (extent.start, extent.end) = (start, end);
            self.extents.insert(start, extent);
        }
        Ok(())
    }

    /// A marker stands where a statement or an item could begin.
    fn check_place(&self, extent: &Extent) -> Result<(), Error> {
        let before = self.lexed.tokens.iter().rev().find(|token| token.line < extent.line);
        let good = before.is_none_or(|token| matches!(token.text, ";" | "," | "{" | "}" | "(" | "[" | "]"));
        if good { Ok(()) } else { Err(Error::new(extent.line, "a marker in the middle of a statement or an item")) }
    }

    /// A region ends at the next marker between the same brackets, or with them.
    fn region_end(&self, extent: &Extent) -> usize {
        let next = self.extents.values().find(|next| next.line > extent.line && next.enclosing == extent.enclosing);
        match next {
            Some(next) => next.line,
            None => self.close_line(extent.enclosing),
        }
    }

    /// One item, field, arm, attribute …: where it begins and ends.
    fn thing(&self, extent: &Extent, context: Context) -> Result<(usize, usize), Error> {
        let first_token = self.lexed.tokens.iter().position(|token| token.line > extent.line);
        let rest = first_token.map_or(&[][..], |index| &self.lexed.tokens[index..]);
        let level: Vec<&Token> = rest.iter().filter(|token| token.enclosing == extent.enclosing).collect();
        if level.first().is_none_or(|token| token.line >= self.close_line(extent.enclosing)) {
            return Err(Error::new(extent.line, "nothing follows this marker"));
        }
        let documented = self.is_documentation(extent.line - 1);
        // A comment between the marker and the attributes makes it a marker of the whole item.
        let commented = self
            .lexed
            .comments
            .iter()
            .any(|comment| comment.line == extent.first && comment.alone && !comment.text.starts_with("//- "));
        if let Some(after) = attribute_end(&level, 0).filter(|_| !documented && !commented && !says_when(rest)) {
            return Ok((extent.line, level[after - 1].line + 1));
        }
        let above = |line: &usize| self.is_documentation(*line) || self.is_attribute(*line);
        let start = extent.line - (0..extent.line).rev().take_while(above).count();
        Ok((start, self.thing_end(extent, context, &level)))
    }

    /// Where the thing ends whose tokens (outside of its own brackets) these are, with all that follows it.
    fn thing_end(&self, extent: &Extent, context: Context, level: &[&Token]) -> usize {
        let mut index = 0;
        while let Some(after) = attribute_end(level, index) {
            index = after;
        }
        let mut arrow = false;
        for (at, token) in level.iter().enumerate().skip(index) {
            let next = level.get(at + 1).map_or("", |token| token.text);
            let closes = token.text == "}" && !matches!(next, ";" | "." | "?");
            arrow |= token.text == "=>";
            let ends = match context {
                Context::Items => token.text == ";" || closes,
                Context::Arms => arrow && token.ends_line && (token.text == "," || closes),
                _ => token.ends_line && token.text == ",",
            };
            if ends {
                return token.line + 1;
            }
        }
        self.close_line(extent.enclosing)
    }

    fn is_documentation(&self, line: usize) -> bool {
        let line = &self.lexed.lines[line];
        !line.opaque && line.text.trim_start().starts_with("///")
    }

    fn is_attribute(&self, line: usize) -> bool {
        let line = &self.lexed.lines[line];
        !line.opaque && line.text.trim_start().starts_with("#[") && line.text.ends_with(']')
    }

    /// The line of the closing bracket, or the file's end.
    fn close_line(&self, bracket: Option<usize>) -> usize {
        bracket.map_or(self.lexed.lines.len(), |bracket| self.lexed.brackets[bracket].last_line)
    }

    /// A `//-` line belongs to the marker above it between the same brackets.
    fn give_old_line(&mut self, line: usize, enclosing: Option<usize>, old: OldLine) -> Result<(), Error> {
        let owner = self
            .extents
            .values_mut()
            .rev()
            .find(|extent| extent.line < line && line < extent.end && extent.enclosing == enclosing);
        let Some(owner) = owner else {
            return Err(Error::new(line, "this old line is under no marker of its own block"));
        };
        if old.from.is_some_and(|from| from >= owner.marker.chapter) {
            let what = format!("an old line of chapter {} or later", owner.marker.chapter);
            return Err(Error::new(line, format!("{what}, which replaces it: its chapter is an earlier one")));
        }
        owner.old.push(old);
        Ok(())
    }
}

/// Where the attribute that begins at `index` ends (the index after it), if one does.
fn attribute_end(level: &[&Token], index: usize) -> Option<usize> {
    let is = |at: usize, text: &str| level.get(at).is_some_and(|token| token.text == text);
    (is(index, "#") && is(index + 1, "[")).then_some(index + 3)
}

/// Whether the attribute at the beginning says when its item exists at all, and so is part of it.
fn says_when(tokens: &[Token]) -> bool {
    tokens.get(2).is_some_and(|token| matches!(token.text, "cfg" | "test"))
}
