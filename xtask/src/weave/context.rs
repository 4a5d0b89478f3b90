//! What a pair of brackets holds: statements, items, arms, or a list.

use super::lexer::{Lexed, Token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The body of a function: statements, and a `todo!` when none is left.
    Function,
    /// Any other block of statements.
    Statements,
    /// The arms of a match.
    Arms,
    /// The top of a file, a module, an impl, a trait.
    Items,
    /// Fields, variants, parameters, arguments, elements: parted by commas.
    List,
}

impl Context {
    pub fn is_body(self) -> bool {
        matches!(self, Context::Function | Context::Statements)
    }

    /// The context of what lies directly inside of a bracket (`None`: at the file's top level).
    pub fn inside(lexed: &Lexed, bracket: Option<usize>) -> Context {
        let Some(bracket) = bracket.map(|bracket| &lexed.brackets[bracket]) else { return Context::Items };
        if lexed.tokens[bracket.open].text != "{" {
            return Context::List;
        }
        let header = header(lexed, bracket.open);
        by_last_word(&header).unwrap_or_else(|| by_keyword(&header))
    }
}

/// Whether the function whose body this is has a result other than `()`.
pub fn returns_a_value(lexed: &Lexed, body: usize) -> bool {
    header(lexed, lexed.brackets[body].open).contains(&"->")
}

/// The words between the end of the statement before and the opening brace, what stands in brackets left out.
fn header<'a>(lexed: &Lexed<'a>, open: usize) -> Vec<&'a str> {
    let enclosing = lexed.tokens[open].enclosing;
    let enclosing_open = enclosing.map(|bracket| lexed.brackets[bracket].open);
    let mut words = Vec::new();
    for index in (0..open).rev() {
        let token = &lexed.tokens[index];
        if Some(index) == enclosing_open {
            break;
        }
        if token.enclosing != enclosing {
            continue;
        }
        if token.text == ";" || (token.text == "}" && spans_lines(lexed, index)) {
            break;
        }
        words.push(token.text);
    }
    words.reverse();
    words
}

/// Whether the closing bracket at this token ends something of several lines.
fn spans_lines(lexed: &Lexed, close: usize) -> bool {
    let line = lexed.tokens[close].line;
    // The opening bracket is the last one before it with the same surroundings.
    let is_open = |token: &Token| matches!(token.text, "(" | "[" | "{");
    let open =
        lexed.tokens[..close].iter().rfind(|token| is_open(token) && token.enclosing == lexed.tokens[close].enclosing);
    open.is_some_and(|open| open.line != line)
}

fn by_last_word(header: &[&str]) -> Option<Context> {
    match header.last() {
        None => Some(Context::Statements),
        Some(&("=>" | "=" | "else" | "loop" | "unsafe" | "async" | "move" | "const" | "|" | "return" | ":")) => {
            Some(Context::Statements)
        }
        Some(&",") if !header.contains(&"where") => Some(Context::Statements),
        Some(&"::" | &"!") => Some(Context::List),
        _ => None,
    }
}

fn by_keyword(header: &[&str]) -> Context {
    let next_is_name = |index: usize| {
        header.get(index + 1).is_some_and(|next| next.starts_with(|first: char| first.is_alphabetic() || first == '_'))
    };
    if (0..header.len()).any(|index| header[index] == "fn" && next_is_name(index)) {
        return Context::Function;
    }
    for (index, word) in header.iter().enumerate().rev() {
        match *word {
            "match" => return Context::Arms,
            "if" | "while" | "in" => return Context::Statements,
            "struct" | "enum" | "union" => return Context::List,
            "impl" | "trait" | "mod" | "extern" => return Context::Items,
            "->" if index > 0 && header[index - 1] == "|" => return Context::Statements,
            "=>" | "return" => return Context::List,
            _ => {}
        }
    }
    Context::List
}
