//! Comments of shown code, wrapped to what a page has room for: the source's lines are wider.
//!
//! Only a paragraph or an item of a list that has a line too wide is wrapped anew, so an author's own breaks stay where
//! they fit. What is set by hand is never touched: fenced blocks, tables, headings, links' targets, indented drawings.

/// Columns of a comment's line in a page, its indentation included.
const WIDTH: usize = 84;

/// The code with its comments wrapped; all other lines are as they were.
pub fn wrap_comments(code: &str) -> String {
    let lines: Vec<&str> = code.lines().collect();
    let mut wrapped: Vec<String> = Vec::with_capacity(lines.len());
    let mut fence = None;
    let mut next = 0;
    while next < lines.len() {
        let line = lines[next];
        next += 1;
        let Some(comment) = Comment::parse(line) else {
            fence = None;
            wrapped.push(line.to_string());
            continue;
        };
        let opens = ["```", "~~~"].into_iter().find(|mark| comment.text.trim_start().starts_with(mark));
        if fence.is_some() || opens.is_some() {
            fence = if fence.is_none() { opens } else { fence.filter(|open| Some(*open) != opens) };
            wrapped.push(line.to_string());
            continue;
        }
        let Some(hang) = comment.hang() else {
            wrapped.push(line.to_string());
            continue;
        };
        let first = next - 1;
        while next < lines.len() && Comment::parse(lines[next]).is_some_and(|other| other.continues(&comment, hang)) {
            next += 1;
        }
        if lines[first..next].iter().any(|line| line.chars().count() > WIDTH) {
            fill(&comment, hang, &lines[first..next], &mut wrapped);
        } else {
            wrapped.extend(lines[first..next].iter().map(|line| line.to_string()));
        }
    }
    wrapped.join("\n")
}

/// A line that is a comment.
struct Comment<'a> {
    /// All up to and with `///`, `//!` or `//`.
    prefix: &'a str,
    /// What follows, without the one space that separates it.
    text: &'a str,
}

impl<'a> Comment<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let indent = line.len() - line.trim_start().len();
        let is_mark = |mark: &&&str| {
            line[indent..].strip_prefix(**mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let mark = ["///", "//!", "//"].iter().find(is_mark)?;
        let (prefix, text) = line.split_at(indent + mark.len());
        Some(Comment { prefix, text: text.strip_prefix(' ').unwrap_or(text) })
    }

    /// For a paragraph's line 0, for an item of a list the columns of its mark; `None` for what is never wrapped.
    fn hang(&self) -> Option<usize> {
        let mark = list_mark(self.text);
        let set_by_hand = [' ', '\t', '#', '|', '>', '<'];
        let is_link_target = self.text.starts_with('[') && self.text.contains("]: ");
        (!self.text.is_empty() && !self.text.starts_with(set_by_hand) && !is_link_target).then_some(mark)
    }

    /// Whether this line goes on with the paragraph or item that begins with `first`.
    fn continues(&self, first: &Comment, hang: usize) -> bool {
        let text = self.text.trim_start();
        self.prefix == first.prefix
            && self.text.len() - text.len() == hang
            && Comment { prefix: self.prefix, text }.hang() == Some(0)
            && !text.starts_with("```")
            && !text.starts_with("~~~")
    }
}

/// How wide the mark of a list's item is, the space behind it included; 0 where no item begins.
fn list_mark(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 && text[digits..].starts_with(". ") {
        digits + 2
    } else if ["- ", "* ", "+ "].iter().any(|mark| text.starts_with(mark)) {
        2
    } else {
        0
    }
}

/// Puts as many words into each line as fit; a word that is wider than a line gets one of its own.
fn fill(first: &Comment, hang: usize, lines: &[&str], wrapped: &mut Vec<String>) {
    let mark = &first.text[..hang];
    let mut line = format!("{} {mark}", first.prefix);
    let mut is_begun = false;
    let texts = lines.iter().filter_map(|line| Comment::parse(line)).map(|comment| &comment.text[hang..]);
    for word in texts.flat_map(str::split_whitespace) {
        if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            wrapped.push(std::mem::replace(&mut line, format!("{} {:hang$}", first.prefix, "")));
        } else if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    wrapped.push(line);
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, wrap_comments};

    /// Twenty words of five letters, with spaces between them 119 columns wide.
    fn words() -> String {
        vec!["words"; 20].join(" ")
    }

    #[test]
    fn a_wide_paragraph_is_wrapped_and_keeps_its_words_and_indentation() {
        let code = format!("    /// {}\n    /// and more\n    pub fn get();", words());
        let wrapped = wrap_comments(&code);
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(lines.len(), 3, "{wrapped}");
        assert!(lines[..2].iter().all(|line| line.starts_with("    /// ") && line.len() <= WIDTH), "{wrapped}");
        assert!(lines[0].len() + 6 > WIDTH, "the first line is full: {wrapped}");
        let text = |code: &str| code.replace("///", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(text(&wrapped), text(&code));
    }

    #[test]
    fn what_fits_keeps_its_breaks() {
        let code = "//! A table.\n//!\n//! Two short\n//! lines.\n\npub struct Table;";
        assert_eq!(wrap_comments(code), code);
    }

    #[test]
    fn paragraphs_stay_apart() {
        let wrapped = wrap_comments(&format!("/// {}\n///\n/// Second.\n//! Third.", words()));
        assert!(wrapped.ends_with("\n///\n/// Second.\n//! Third."), "{wrapped}");
    }

    #[test]
    fn an_item_of_a_list_is_wrapped_under_its_text() {
        let wrapped = wrap_comments(&format!("/// - {}\n///   end\n/// 2. next\n/// after", words()));
        let lines: Vec<&str> = wrapped.lines().collect();
        assert!(lines[0].starts_with("/// - words") && lines[1].starts_with("///   words"), "{wrapped}");
        assert!(lines[1].ends_with(" end") && lines[2..] == ["/// 2. next", "/// after"], "{wrapped}");
    }

    #[test]
    fn what_is_set_by_hand_is_left_alone() {
        let wide = words();
        for code in [
            format!("/// ```text\n/// {wide}\n/// ```"),
            format!("/// ~~~\n/// {wide}\n///\n/// {wide}\n/// ~~~"),
            format!("/// | a | {wide} |"),
            format!("///     {wide}\n///       {wide}"),
            format!("/// # {wide}"),
            format!("/// [link]: {wide}"),
            format!("//// {wide}"),
            format!("let a = 1; // {wide}"),
            format!("let text = \"{wide}\";"),
        ] {
            assert_eq!(wrap_comments(&code), code);
        }
    }

    #[test]
    fn a_paragraph_behind_a_fence_is_wrapped_again() {
        let wrapped = wrap_comments(&format!("/// ```\n/// a\n/// ```\n/// {0}\nfn a() {{}}\n/// {0}", words()));
        assert_eq!(wrapped.lines().count(), 8, "{wrapped}");
    }

    #[test]
    fn a_word_wider_than_a_line_is_not_cut() {
        let link = format!("<https://example.org/{}>", "a".repeat(100));
        assert_eq!(
            wrap_comments(&format!("/// See {link}, which\n/// is far.")),
            format!("/// See\n/// {link},\n/// which is far.")
        );
    }
}
