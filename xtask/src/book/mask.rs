//! Rust source with the insides of comments and literals blanked, so that what is left can be searched for braces and words.

/// Returns `source` with each byte of a comment, string or character literal replaced by a space. Line ends stay, and so
/// does the position of every other byte.
pub fn mask(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut masked = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let length = opaque_length(&bytes[at..], masked.last().copied());
        match length {
            0 => masked.push(bytes[at]),
            _ => {
                let opaque = &bytes[at..at + length];
                masked.extend(opaque.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
            }
        }
        at += length.max(1);
    }
    // Only whole literals and comments were replaced, and each byte of them by an ASCII one.
    String::from_utf8(masked).expect("what is not masked is the source's own text")
}

/// The length of the comment or literal that starts here, 0 if none does.
fn opaque_length(rest: &[u8], before: Option<u8>) -> usize {
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, b'"'),
        [b'\'', ..] => character(rest),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => raw_string(rest, 2),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// A character literal; a lifetime is none.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', ..] => quoted(rest, b'\''),
        _ => {
            let text = String::from_utf8_lossy(&rest[1..rest.len().min(6)]);
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(inside), Some('\'')) if inside != '\'' => inside.len_utf8() + 2,
                _ => 0,
            }
        }
    }
}

/// A raw string whose `r` ends `prefix`; a raw identifier such as `r#type` is none.
fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.resize(hashes + 1, b'#');
    let inside = &rest[open + 1..];
    let close = inside.windows(end.len()).position(|window| window == end);
    close.map_or(rest.len(), |close| open + 1 + close + end.len())
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn literals_and_comments_are_blanked_and_nothing_moves() {
        for (source, expected) in [
            ("a // {b\nc", "a      \nc"),
            ("a /* { /* } */ { */ b", "a                   b"),
            (r#"f("{\"") {"#, "f(     ) {"),
            ("f('{', '\\'', 'é') {", "f(   ,     ,     ) {"),
            ("fn f<'a>(x: &'a str) {", "fn f<'a>(x: &'a str) {"),
            ("r#\"{\"# }", "       }"),
            ("br\"{\" }", "      }"),
            ("r#type }", "r#type }"),
        ] {
            assert_eq!(mask(source), expected, "of {source}");
            assert_eq!(mask(source).len(), source.len(), "of {source}");
        }
    }

    #[test]
    fn an_unfinished_literal_ends_with_the_file() {
        for source in ["\"abc", "/* abc", "r#\"abc", "'", "\"\\"] {
            assert_eq!(mask(source).len(), source.len(), "of {source}");
        }
    }
}
