//! A page taken apart into its text and its fenced blocks.

/// A line of text, or a fenced block whole. Lines are counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Text {
        line: usize,
        text: &'a str,
    },
    Fence {
        /// The opening line.
        line: usize,
        /// What follows the opening fence: the language, and what comes with it.
        info: &'a str,
        /// The opening line and all up to the closing one, both included.
        raw: Vec<&'a str>,
        /// Whether a closing line was found.
        closed: bool,
    },
}

/// Takes a page apart. A fence opens with three or more backticks or tildes and is closed by as many of the same.
pub fn parts(page: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((index, text)) = lines.next() {
        let Some((mark, length, info)) = opening(text) else {
            parts.push(Part::Text { line: index + 1, text });
            continue;
        };
        let mut raw = vec![text];
        let mut closed = false;
        for (_, text) in lines.by_ref() {
            raw.push(text);
            let trimmed = text.trim();
            if trimmed.len() >= length && trimmed.chars().all(|character| character == mark) {
                closed = true;
                break;
            }
        }
        parts.push(Part::Fence { line: index + 1, info, raw, closed });
    }
    parts
}

fn opening(line: &str) -> Option<(char, usize, &str)> {
    let text = line.trim_start();
    let mark = text.chars().next().filter(|character| matches!(character, '`' | '~'))?;
    let info = text.trim_start_matches(mark);
    let length = text.len() - info.len();
    (length >= 3 && !info.contains('`')).then(|| (mark, length, info.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_ends_at_as_many_marks_as_opened_it() {
        let page = "a\n````text\n```\nb\n````\nc ```d``` e\n  ~~~\nf";
        let expected = vec![
            Part::Text { line: 1, text: "a" },
            Part::Fence { line: 2, info: "text", raw: vec!["````text", "```", "b", "````"], closed: true },
            Part::Text { line: 6, text: "c ```d``` e" },
            Part::Fence { line: 7, info: "", raw: vec!["  ~~~", "f"], closed: false },
        ];
        assert_eq!(parts(page), expected);
    }
}
