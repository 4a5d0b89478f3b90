//! The links of the built book: every one that stays inside it has to arrive.
//!
//! What mdbook wrote is read, not the pages' source, so that anchors are what mdbook made of the headings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::problem::Problem;
use super::{files_under, read_text, relative};

/// The built book: each HTML page, by its path in the book, with its identifiers and links.
pub struct Built {
    pages: BTreeMap<String, Html>,
    files: BTreeSet<String>,
}

struct Html {
    ids: BTreeSet<String>,
    links: BTreeSet<String>,
}

/// Pages that mdbook makes out of others; the first page stands in the book twice.
const MADE: [&str; 4] = ["index.html", "print.html", "404.html", "toc.html"];

impl Built {
    /// Reads what mdbook wrote to `folder`.
    pub fn read(folder: &Path) -> anyhow::Result<Built> {
        let mut pages = BTreeMap::new();
        let mut files = BTreeSet::new();
        for extension in ["html", "svg", "png", "css", "js", "ico", "woff2", "txt", "json"] {
            files.extend(files_under(folder, extension)?.iter().map(|path| relative(path, folder)));
        }
        for path in files_under(folder, "html")? {
            pages.insert(relative(&path, folder), Html::read(&read_text(&path)?));
        }
        Ok(Built { pages, files })
    }

    /// Follows every link of every page; returns how many there are. `source` is a page's text by its path in `book/src`.
    pub fn check(&self, source: impl Fn(&str) -> Option<String>, problems: &mut Vec<Problem>) -> usize {
        let mut count = 0;
        for (page, html) in self.pages.iter().filter(|(page, _)| !MADE.contains(&page.as_str())) {
            for link in html.links.iter().filter(|link| is_internal(link)) {
                count += 1;
                if let Err(what) = self.follow(page, link) {
                    let name = page.replace(".html", ".md");
                    let line = source(&name).map_or(0, |text| line_of(&text, link));
                    problems.push(Problem::new(format!("book/src/{name}"), line, what));
                }
            }
        }
        count
    }

    /// Whether `target`, such as `week1/1-memtable.md#heading`, is a page of the book with that anchor.
    pub fn resolve(&self, target: &str) -> Result<(), String> {
        let (page, anchor) = target.split_once('#').unwrap_or((target, ""));
        let Some(name) = page.strip_suffix(".md") else {
            return Err(format!("`{page}` is not the path of a page below book/src"));
        };
        self.arrive(&format!("{name}.html"), anchor)
    }

    fn follow(&self, page: &str, link: &str) -> Result<(), String> {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let path = path.split('?').next().unwrap_or_default();
        match path {
            "" => self.arrive(page, anchor),
            path => self.arrive(&resolve_path(page, path), anchor),
        }
    }

    fn arrive(&self, path: &str, anchor: &str) -> Result<(), String> {
        match self.pages.get(path) {
            Some(html) if anchor.is_empty() || html.ids.contains(anchor) => Ok(()),
            Some(html) => {
                let near = html.ids.iter().filter(|id| !id.contains("mdbook-") && shares_a_word(id, anchor));
                let near: Vec<&str> = near.map(String::as_str).take(6).collect();
                Err(format!("{path} has no anchor `#{anchor}`; near it: {}", near.join(", ")))
            }
            None if self.files.contains(path) => Ok(()),
            None => Err(format!("the link leads to {path}, which is not in the book")),
        }
    }
}

impl Html {
    fn read(text: &str) -> Html {
        let values = |attribute: &str| {
            let mark = format!(" {attribute}=\"");
            let found = text.split(mark.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
            found.map(decode).collect::<BTreeSet<String>>()
        };
        let mut links = values("href");
        links.extend(values("src"));
        Html { ids: values("id"), links }
    }
}

/// Undoes the escapes that mdbook writes in attributes.
fn decode(text: &str) -> String {
    let plain = text.replace("&quot;", "\"").replace("&#x27;", "'").replace("&amp;", "&");
    let mut bytes = Vec::with_capacity(plain.len());
    let mut rest = plain.as_bytes();
    while let [first, others @ ..] = rest {
        let hex = others.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => (bytes, rest) = ([bytes, vec![byte]].concat(), &others[2..]),
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_internal(link: &str) -> bool {
    let scheme = link.split(['/', '#', '?']).next().unwrap_or_default();
    !scheme.contains(':') && !link.starts_with("//")
}

fn resolve_path(page: &str, path: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if joined.is_empty() || path.ends_with('/') {
        format!("{joined}/index.html").trim_start_matches('/').to_string()
    } else {
        joined
    }
}

fn shares_a_word(id: &str, anchor: &str) -> bool {
    anchor.split('-').any(|word| word.len() > 3 && id.contains(word))
}

/// The line of a page's source that holds a link, 0 if it cannot be told.
fn line_of(source: &str, link: &str) -> usize {
    let written = link.replace(".html", ".md");
    source.lines().position(|line| line.contains(&written) || line.contains(link)).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> Built {
        let html = |text: &str| Html::read(text);
        let pages = BTreeMap::from([
            (
                "a.html".to_string(),
                html("<h1 id=\"top\"><a href=\"week1/b.html#the-end\">b</a> <a href=\"#none\">x</a>"),
            ),
            (
                "week1/b.html".to_string(),
                html("<h2 id=\"the-end\"> <a href=\"../a.html#top\"> <img src=\"p.svg\"> <a href=\"c.html\">"),
            ),
            ("print.html".to_string(), html("<a href=\"nowhere.html\"> <a href=\"https://example.org/x\">")),
        ]);
        Built { pages, files: BTreeSet::from(["week1/p.svg".to_string()]) }
    }

    #[test]
    fn links_inside_the_book_are_followed() {
        let mut problems = Vec::new();
        let source = |page: &str| (page == "week1/b.md").then(|| "one\n[c](c.md)\n".to_string());
        assert_eq!(built().check(source, &mut problems), 5);
        let told: Vec<(&str, usize)> = problems.iter().map(|problem| (problem.file.as_str(), problem.line)).collect();
        assert_eq!(told, [("book/src/a.md", 0), ("book/src/week1/b.md", 2)], "{problems:?}");
    }

    #[test]
    fn a_target_is_a_page_and_an_anchor() {
        assert_eq!(built().resolve("week1/b.md#the-end"), Ok(()));
        assert_eq!(built().resolve("a.md"), Ok(()));
        assert!(built().resolve("week1/b.md#end-of-it-all").is_err());
        assert!(built().resolve("b.md").is_err());
        assert!(built().resolve("week1/b.html").is_err());
    }

    #[test]
    fn escapes_are_undone_and_other_sites_left_alone() {
        assert_eq!(decode("a%C3%A9&amp;b%"), "aé&b%");
        assert!(is_internal("a.html#b:c") && is_internal("#x") && is_internal(""));
        assert!(!is_internal("https://example.org") && !is_internal("mailto:a@b") && !is_internal("//x.org"));
    }
}
