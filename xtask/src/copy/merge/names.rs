//! What the items and the fields of a Rust source are called.

use super::rust::List;

/// The key and the name of the item or the field that these words make.
pub fn named(words: &[&str], list: List) -> (String, String) {
    let words = match words {
        ["pub", "(", ")", rest @ ..] | ["pub", rest @ ..] => rest,
        all => all,
    };
    let first = words.first().copied().unwrap_or_default();
    if list == List::Fields {
        return (format!("field {first}"), first.to_owned());
    }
    let header = words.split(|word| matches!(*word, "{" | "=" | ";" | "(")).next().unwrap_or(words);
    let after = |word: &str| header.iter().skip_while(|other| **other != word).nth(1).copied();
    if let Some(name) = after("fn") {
        return (format!("fn {name}"), name.to_owned());
    }
    match first {
        "struct" | "enum" | "union" | "trait" | "mod" | "type" | "const" | "static" => {
            let name = after(first).unwrap_or_default();
            (format!("{first} {name}"), name.to_owned())
        }
        "macro_rules" => (header.join(" "), header.last().copied().unwrap_or_default().to_owned()),
        "impl" | "unsafe" if header.contains(&"impl") => {
            let header = header.split(|word| *word == "where").next().unwrap_or(header);
            let kept: Vec<&str> = header.iter().copied().filter(|word| !word.starts_with('\'')).collect();
            (kept.join(" ").replacen("unsafe ", "", 1), self_type(header).to_owned())
        }
        "use" => ("use".to_owned(), String::new()),
        _ => (format!("other {}", words.join(" ")), String::new()),
    }
}

/// The type that an `impl` is about, by the words of its header.
pub fn self_type<'a>(header: &[&'a str]) -> &'a str {
    let mut depth = 0_usize;
    let mut name = "";
    for word in header.iter().skip_while(|word| **word != "impl").skip(1) {
        match *word {
            "<" => depth += 1,
            ">" => depth = depth.saturating_sub(1),
            "where" => break,
            "for" | "dyn" | "mut" => {}
            // The last word: of a path its last part, and what stands behind `for`.
            word if depth == 0 && word.starts_with(char::is_alphabetic) => name = word,
            _ => {}
        }
    }
    name
}
