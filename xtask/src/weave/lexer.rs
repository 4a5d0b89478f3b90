//! Just enough of Rust's lexical structure to find comments, brackets and what encloses each line.

use super::Error;

/// A source file, cut into lines, tokens, brackets and line comments.
pub struct Lexed<'a> {
    pub lines: Vec<Line<'a>>,
    pub tokens: Vec<Token<'a>>,
    pub brackets: Vec<Bracket>,
    pub comments: Vec<Comment<'a>>,
}

pub struct Line<'a> {
    pub text: &'a str,
    /// The line begins inside a string literal or a block comment: it is kept as it is, always.
    pub opaque: bool,
}

/// A word, a punctuation mark, a bracket or a whole literal; comments and white space are none.
pub struct Token<'a> {
    pub text: &'a str,
    /// The line that the token begins on (from 0).
    pub line: usize,
    /// The innermost bracket around the token; a bracket's own two tokens lie outside of it.
    pub enclosing: Option<usize>,
    /// Whether it is the last token of its line.
    pub ends_line: bool,
}

pub struct Bracket {
    /// The opening token.
    pub open: usize,
    /// The line of the opening bracket.
    pub first_line: usize,
    /// The line of the closing bracket.
    pub last_line: usize,
}

pub struct Comment<'a> {
    /// From its two slashes to the end of the line.
    pub text: &'a str,
    pub line: usize,
    pub enclosing: Option<usize>,
    /// Nothing but white space stands before it.
    pub alone: bool,
}

impl Line<'_> {
    pub fn indentation(&self) -> &str {
        &self.text[..self.text.len() - self.text.trim_start().len()]
    }
}

impl<'a> Lexed<'a> {
    pub fn new(source: &'a str) -> Result<Lexed<'a>, Error> {
        let lines = source.lines().map(|text| Line { text, opaque: false }).collect();
        let lexed = Lexed { lines, tokens: Vec::new(), brackets: Vec::new(), comments: Vec::new() };
        Lexer { source, at: 0, line: 0, stack: Vec::new(), lexed }.run()
    }
}

const NEVER_CLOSED: &str = "this bracket is never closed";

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    stack: Vec<usize>,
    lexed: Lexed<'a>,
}

impl<'a> Lexer<'a> {
    fn run(mut self) -> Result<Lexed<'a>, Error> {
        while let Some(next) = self.peek(0) {
            match next {
                '\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                _ if next.is_whitespace() => self.at += next.len_utf8(),
                '/' if self.rest().starts_with("//") => self.comment(),
                '/' if self.rest().starts_with("/*") => self.block_comment()?,
                '"' => self.string(self.at)?,
                '\'' => self.quote()?,
                _ if is_word(next) => self.word()?,
                '(' | '[' | '{' => self.open(),
                ')' | ']' | '}' => self.close()?,
                _ => {
                    let length = if ["=>", "->", "::"].iter().any(|two| self.rest().starts_with(two)) {
                        2
                    } else {
                        next.len_utf8()
                    };
                    self.token(self.at, self.at + length, self.line);
                }
            }
        }
        match self.stack.last() {
            Some(bracket) => {
                let line = self.lexed.brackets[*bracket].first_line;
                Err(Error::new(line, NEVER_CLOSED))
            }
            None => Ok(self.lexed),
        }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest().chars().nth(ahead)
    }

    fn token(&mut self, from: usize, to: usize, line: usize) {
        if let Some(last) = self.lexed.tokens.last_mut() {
            last.ends_line = last.line != line;
        }
        self.lexed.tokens.push(Token {
            text: &self.source[from..to],
            line,
            enclosing: self.stack.last().copied(),
            ends_line: true,
        });
        self.at = to;
    }

    fn comment(&mut self) {
        let length = self.rest().find('\n').unwrap_or(self.rest().len());
        let text = self.rest()[..length].trim_end();
        let alone = self.lexed.lines[self.line].text.trim_start().len() == text.len();
        let enclosing = self.stack.last().copied();
        self.lexed.comments.push(Comment { text, line: self.line, enclosing, alone });
        self.at += length;
    }

    fn block_comment(&mut self) -> Result<(), Error> {
        let first_line = self.line;
        let mut depth = 0;
        loop {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else {
                self.step_inside(first_line, "this comment is never closed")?;
            }
        }
    }

    /// Passes one character of a literal or a comment; a line that begins in it is opaque.
    fn step_inside(&mut self, first_line: usize, never_closed: &str) -> Result<(), Error> {
        let next = self.peek(0).ok_or_else(|| Error::new(first_line, never_closed))?;
        self.at += next.len_utf8();
        if next == '\n' {
            self.line += 1;
            if let Some(line) = self.lexed.lines.get_mut(self.line) {
                line.opaque = true;
            }
        }
        Ok(())
    }

    /// A string literal that begins (with its prefix) at `from`; `self.at` is at its quote.
    fn string(&mut self, from: usize) -> Result<(), Error> {
        const NEVER: &str = "this string is never closed";
        let first_line = self.line;
        self.at += 1;
        loop {
            match self.peek(0) {
                Some('"') => break,
                Some('\\') => {
                    self.at += 1;
                    self.step_inside(first_line, NEVER)?;
                }
                _ => self.step_inside(first_line, NEVER)?,
            }
        }
        self.token(from, self.at + 1, first_line);
        Ok(())
    }

    /// A raw string with its prefix at `from`; `self.at` is at its first hash or its quote.
    fn raw_string(&mut self, from: usize) -> Result<(), Error> {
        let first_line = self.line;
        let hashes = self.rest().len() - self.rest().trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        self.at += hashes + 1;
        while !self.rest().starts_with(&end) {
            self.step_inside(first_line, "this string is never closed")?;
        }
        self.token(from, self.at + end.len(), first_line);
        Ok(())
    }

    /// A character literal or a lifetime.
    fn quote(&mut self) -> Result<(), Error> {
        let from = self.at;
        let literal = self.peek(1) == Some('\\') || (self.peek(2) == Some('\'') && self.peek(1) != Some('\''));
        if !literal {
            let name = self.rest()[1..].find(|next| !is_word(next)).unwrap_or(self.rest().len() - 1);
            self.token(from, from + 1 + name, self.line);
            return Ok(());
        }
        // The character after the quote (or the backslash) may itself be a quote.
        let skipped = if self.peek(1) == Some('\\') { 3 } else { 2 };
        let start: usize = self.rest().chars().take(skipped).map(char::len_utf8).sum();
        let close = self.rest()[start..].find('\'').ok_or_else(|| Error::new(self.line, "a quote is never closed"))?;
        self.token(from, from + start + close + 1, self.line);
        Ok(())
    }

    fn word(&mut self) -> Result<(), Error> {
        let from = self.at;
        let length = self.rest().find(|next| !is_word(next)).unwrap_or(self.rest().len());
        let word = &self.rest()[..length];
        self.at += length;
        let after_hashes = self.rest().trim_start_matches('#');
        match (word, self.peek(0)) {
            ("r" | "br" | "cr", Some('"' | '#')) if after_hashes.starts_with('"') => self.raw_string(from),
            ("b" | "c", Some('"')) => self.string(from),
            _ => {
                self.token(from, from + length, self.line);
                Ok(())
            }
        }
    }

    fn open(&mut self) {
        let open = self.lexed.tokens.len();
        self.lexed.brackets.push(Bracket { open, first_line: self.line, last_line: self.line });
        self.token(self.at, self.at + 1, self.line);
        self.stack.push(self.lexed.brackets.len() - 1);
    }

    fn close(&mut self) -> Result<(), Error> {
        let Some(bracket) = self.stack.pop() else {
            return Err(Error::new(self.line, "this bracket was never opened"));
        };
        let Bracket { open, first_line, .. } = self.lexed.brackets[bracket];
        if !matches!(
            (self.lexed.tokens[open].text, self.peek(0)),
            ("(", Some(')')) | ("[", Some(']')) | ("{", Some('}'))
        ) {
            return Err(Error::new(first_line, NEVER_CLOSED));
        }
        self.lexed.brackets[bracket].last_line = self.line;
        self.token(self.at, self.at + 1, self.line);
        Ok(())
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
