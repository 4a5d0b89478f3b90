//! Finding an item of a Rust file by its name.
//!
//! Line-based: rustfmt guarantees that an item starts on a line of its own, four columns deeper than what holds it. That
//! is all the parsing that a book needs, and it costs no second of a learner's first build.

use std::ops::Range;

use super::mask::mask;

/// An item and where it stands in its file.
#[derive(Clone, Debug)]
pub struct Item {
    /// The name; of an `impl`, the type's name without path and generics.
    pub name: String,
    /// Of an `impl` of a trait, the trait's name.
    pub of_trait: Option<String>,
    pub is_impl: bool,
    /// Its lines, doc comment and attributes included, counted from 0.
    pub lines: Range<usize>,
    /// The line of its header: after the doc comment and the attributes.
    pub header: usize,
    /// The line and column of the brace that opens its body, if it has one.
    pub open: Option<(usize, usize)>,
    /// What stands in it, for an `impl`, a trait or a module.
    pub children: Vec<Item>,
}

/// All items of a file.
pub fn items(source: &str) -> Vec<Item> {
    let masked = mask(source);
    let file = File { lines: source.lines().collect(), masked: masked.lines().collect() };
    file.items(0..file.lines.len(), 0)
}

/// The one item that `selector` names: `f`, `Type`, `Type::method`, `module::f`, `impl Type`, `impl Trait for Type`,
/// `<Type as Trait>::method`.
///
/// # Errors
///
/// Says what the file has instead when there is none, and how to tell them apart when there are several.
pub fn find<'a>(items: &'a [Item], selector: &str) -> Result<&'a Item, String> {
    let found = select(items, selector.trim());
    match found[..] {
        [one] => Ok(one),
        [] => Err(format!("no item `{selector}`; there are: {}", names(items).join(", "))),
        _ => Err(format!(
            "`{selector}` names {} items; name one with `<Type as Trait>::method` or `impl Trait for Type`",
            found.len()
        )),
    }
}

fn select<'a>(items: &'a [Item], selector: &str) -> Vec<&'a Item> {
    if let Some(header) = selector.strip_prefix("impl ") {
        let (of_trait, name) = split_for(header);
        return items.iter().filter(|item| item.is_impl && item.name == name && item.of_trait == of_trait).collect();
    }
    if let Some((type_and_trait, method)) = selector.strip_prefix('<').and_then(|rest| rest.split_once(">::")) {
        let (name, of_trait) = match type_and_trait.split_once(" as ") {
            Some((name, of_trait)) => (name, Some(of_trait.to_string())),
            None => (type_and_trait, None),
        };
        let blocks = items.iter().filter(|item| item.is_impl && item.name == name && item.of_trait == of_trait);
        return blocks.flat_map(|block| select(&block.children, method)).collect();
    }
    match selector.split_once("::") {
        Some((container, rest)) => {
            let containers = items.iter().filter(|item| item.name == container);
            containers.flat_map(|container| select(&container.children, rest)).collect()
        }
        None => items.iter().filter(|item| !item.is_impl && item.name == selector).collect(),
    }
}

/// The names that a selector may use, for an error message.
fn names(items: &[Item]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let own = match (&item.of_trait, item.is_impl) {
            (Some(of_trait), _) => format!("impl {of_trait} for {}", item.name),
            (None, true) => format!("impl {}", item.name),
            (None, false) => item.name.clone(),
        };
        names.push(own);
        names.extend(item.children.iter().map(|child| format!("{}::{}", item.name, child.name)));
    }
    names
}

struct File<'a> {
    lines: Vec<&'a str>,
    masked: Vec<&'a str>,
}

/// What a header line says.
struct Header {
    name: String,
    of_trait: Option<String>,
    keyword: &'static str,
}

impl File<'_> {
    fn items(&self, range: Range<usize>, indent: usize) -> Vec<Item> {
        let mut found = Vec::new();
        let mut first_free = range.start;
        let mut line = range.start;
        while line < range.end {
            let Some(header) = self.header(line, indent) else {
                line += 1;
                continue;
            };
            let (end, open) = self.extent(line, header.keyword);
            let children = match (header.keyword, open) {
                ("impl" | "trait" | "mod", Some((opened, _))) if opened < end => {
                    self.items(opened + 1..end, indent + 4)
                }
                _ => Vec::new(),
            };
            found.push(Item {
                name: header.name,
                of_trait: header.of_trait,
                is_impl: header.keyword == "impl",
                lines: self.first_line(line, first_free, indent)..end + 1,
                header: line,
                open,
                children,
            });
            line = end + 1;
            first_free = line;
        }
        found
    }

    fn header(&self, line: usize, indent: usize) -> Option<Header> {
        let text = self.masked[line];
        let trimmed = text.trim_start();
        if trimmed.is_empty() || text.len() - trimmed.len() != indent {
            return None;
        }
        if let Some(rest) = trimmed.strip_prefix("unsafe ").unwrap_or(trimmed).strip_prefix("impl") {
            if !rest.starts_with([' ', '<']) {
                return None;
            }
            let mut whole = rest.to_string();
            for next in &self.masked[line + 1..] {
                if whole.contains('{') {
                    break;
                }
                whole.push(' ');
                whole.push_str(next.trim());
            }
            let (of_trait, name) = split_for(whole.split('{').next()?);
            return Some(Header { name, of_trait, keyword: "impl" });
        }
        named(trimmed)
    }

    /// The item's last line, and the brace that opens its body.
    fn extent(&self, header: usize, keyword: &str) -> (usize, Option<(usize, usize)>) {
        let to_semicolon = matches!(keyword, "const" | "static" | "type");
        let mut depth = 0_usize;
        let mut open = None;
        for (line, text) in self.masked.iter().enumerate().skip(header) {
            for (column, character) in text.char_indices() {
                match character {
                    '(' | '[' => depth += 1,
                    '{' => {
                        if depth == 0 && open.is_none() && !to_semicolon {
                            open = Some((line, column));
                        }
                        depth += 1;
                    }
                    ')' | ']' => depth = depth.saturating_sub(1),
                    '}' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 && !to_semicolon {
                            return (line, open);
                        }
                    }
                    ';' if depth == 0 => return (line, open),
                    _ => {}
                }
            }
        }
        (self.lines.len() - 1, open)
    }

    /// The first line of the doc comment and the attributes above a header.
    fn first_line(&self, header: usize, first_free: usize, indent: usize) -> usize {
        let mut first = header;
        let mut closing = false;
        while first > first_free {
            let line = self.lines[first - 1];
            let text = line.trim_start();
            let belongs = if line.len() - text.len() > indent {
                closing
            } else if text.starts_with("#[") {
                closing = false;
                true
            } else if text.starts_with(")]") {
                closing = true;
                true
            } else {
                text.starts_with("//") && !text.starts_with("//!")
            };
            if !belongs {
                break;
            }
            first -= 1;
        }
        first
    }
}

/// Reads `pub(crate) const unsafe fn name…` and its like.
fn named(text: &str) -> Option<Header> {
    const KEYWORDS: [&str; 10] =
        ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod", "macro_rules!"];
    let mut words = text.split(|character: char| !(character.is_alphanumeric() || "_!".contains(character)));
    let mut previous = "";
    loop {
        let word = words.find(|word| !word.is_empty())?;
        if let Some(keyword) = KEYWORDS.iter().find(|keyword| **keyword == previous) {
            let goes_on = *keyword == "const" && matches!(word, "fn" | "unsafe" | "async" | "extern");
            if !goes_on {
                return Some(Header { name: word.to_string(), of_trait: None, keyword });
            }
        } else if !matches!(
            previous,
            "" | "pub" | "crate" | "super" | "self" | "in" | "default" | "async" | "unsafe" | "extern"
        ) {
            return None;
        }
        previous = word;
    }
}

/// Splits an `impl`'s header, `<T: Bound> Trait<T> for path::Type<T> where …`, into the trait's and the type's name.
fn split_for(header: &str) -> (Option<String>, String) {
    let mut flat = String::new();
    let mut depth = 0_usize;
    let mut previous = ' ';
    for character in header.chars() {
        match character {
            '<' => depth += 1,
            '>' if previous != '-' => depth = depth.saturating_sub(1),
            _ if depth == 0 => flat.push(character),
            _ => {}
        }
        previous = character;
    }
    let flat = flat.split(" where ").next().unwrap_or_default();
    let last_segment = |path: &str| {
        let path = path.trim().trim_start_matches(['&', '!']).trim_start_matches("mut ").trim_start_matches("dyn ");
        path.rsplit("::").next().unwrap_or_default().trim().to_string()
    };
    match flat.split_once(" for ") {
        Some((of_trait, name)) => (Some(last_segment(of_trait)), last_segment(name)),
        None => (None, last_segment(flat)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"//! A module.

use std::fmt;

/// Holds entries.
#[derive(
    Debug,
    Clone,
)]
pub struct Builder {
    data: Vec<u8>,
}

const LIMIT: [usize; 2] = [1, 2];

impl Builder {
    /// Adds an entry.
    pub fn add(
        &mut self,
        key: &[u8],
    ) -> bool {
        let brace = '{';
        if key.is_empty() { return false; }
        true
    }

    pub const fn len(&self) -> usize { 0 }
}

impl<T: Into<Vec<u8>>> From<T> for crate::Builder
where
    T: Clone,
{
    fn from(value: T) -> Builder {
        todo!("1.3: {")
    }
}

/// A source.
pub trait Source {
    fn key(&self) -> &[u8];
    fn len(&self) -> usize;
}

impl Source for Builder {
    fn key(&self) -> &[u8] { &[] }
    fn len(&self) -> usize { 1 }
}

#[cfg(test)]
mod tests {
    fn helper() {}
}
"#;

    fn lines_of(selector: &str) -> Result<String, String> {
        let items = items(SOURCE);
        let item = find(&items, selector)?;
        Ok(SOURCE.lines().collect::<Vec<_>>()[item.lines.clone()].join("\n"))
    }

    #[test]
    fn an_item_is_found_whole_by_its_name() {
        for (selector, first, last) in [
            ("Builder", "/// Holds entries.", "}"),
            ("LIMIT", "const LIMIT: [usize; 2] = [1, 2];", "const LIMIT: [usize; 2] = [1, 2];"),
            ("Builder::add", "    /// Adds an entry.", "    }"),
            (
                "<Builder>::len",
                "    pub const fn len(&self) -> usize { 0 }",
                "    pub const fn len(&self) -> usize { 0 }",
            ),
            ("<Builder as Source>::len", "    fn len(&self) -> usize { 1 }", "    fn len(&self) -> usize { 1 }"),
            ("Source::len", "    fn len(&self) -> usize;", "    fn len(&self) -> usize;"),
            ("impl From for Builder", "impl<T: Into<Vec<u8>>> From<T> for crate::Builder", "}"),
            ("impl Builder", "impl Builder {", "}"),
            ("tests::helper", "    fn helper() {}", "    fn helper() {}"),
        ] {
            let text = lines_of(selector).unwrap_or_else(|error| panic!("{selector}: {error}"));
            assert_eq!((text.lines().next(), text.lines().last()), (Some(first), Some(last)), "{selector}: {text}");
        }
        assert_eq!(lines_of("Builder::add").map(|text| text.lines().count()), Ok(9));
    }

    #[test]
    fn an_unknown_item_lists_what_there_is() {
        let error = lines_of("Builder::push").expect_err("there is no such item");
        assert!(error.contains("Builder::add") && error.contains("impl Source for Builder"), "{error}");
    }

    #[test]
    fn a_name_of_several_items_is_refused() {
        let error = lines_of("Builder::len").expect_err("two methods have this name");
        assert!(error.contains("2 items"), "{error}");
    }
}
