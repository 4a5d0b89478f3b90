//! Cuts a Cargo.toml or a Cargo.lock into its tables, and these into their entries.

use super::piece::{Inside, Parts, Piece};

/// The pieces of a manifest or a lock file, line by line: entries that are not well-formed stay as they are.
pub fn cut(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut gap = 0;
    let mut lead = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() && lead.is_empty() {
            gap += 1;
            continue;
        }
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            lead.push_str(line);
            lead.push('\n');
            continue;
        }
        let mut head = format!("{line}\n");
        while open_brackets(&head) > 0
            && let Some(more) = lines.next()
        {
            head.push_str(more);
            head.push('\n');
        }
        let is_table = line.starts_with('[');
        let key = if is_table { line.trim() } else { line.split('=').next().unwrap_or(line).trim() }.to_owned();
        let inside = if is_table { Inside::Pieces(Vec::new()) } else { Inside::Lines(String::new()) };
        let parts = Parts { lead: std::mem::take(&mut lead), head, inside, tail: String::new() };
        let piece = Piece::new(key.clone(), key, std::mem::take(&mut gap), parts);
        match pieces.last_mut().map(|table| &mut table.parts.inside) {
            Some(Inside::Pieces(entries)) if !is_table => entries.push(piece),
            _ => pieces.push(piece),
        }
    }
    pieces.iter_mut().for_each(finish);
    if !lead.is_empty() {
        let parts = Parts { lead, head: String::new(), inside: Inside::Lines(String::new()), tail: String::new() };
        pieces.push(Piece::new("end".to_owned(), String::new(), gap, parts));
    }
    pieces
}

/// How many brackets the text opens and does not close. What stands in quotes counts too, and hardly ever matters.
fn open_brackets(text: &str) -> usize {
    let count = |brackets: [char; 2]| text.matches(brackets).count();
    count(['[', '{']).saturating_sub(count([']', '}']))
}

/// A table that there may be several of is told by its name, and a foreign package by its version too.
fn finish(table: &mut Piece) {
    let value = |key: &str| {
        let entry = table.inner().iter().find(|entry| entry.key == key)?;
        entry.parts.head.split_once('=').map(|(_, value)| value.trim().to_owned())
    };
    if table.key.starts_with("[[") {
        let version = value("source").and(value("version"));
        let told: Vec<String> = [Some(table.key.clone()), value("name"), version].into_iter().flatten().collect();
        table.key = told.join(" ");
    }
    table.text = table.parts.text();
}

#[cfg(test)]
mod tests {
    use super::super::whole::Elsewhere;
    use super::super::{Left, What, merge};

    const BASE: &str = "# Woven.\n[workspace]\n\n[package]\nname = \"lsm\"\nversion = \"0.1.0\"\n\n[dependencies]\n\
                        bytes = \"1\"\nfoot = { version = \"1\", features = [\n    \"a\",\n] }\n\n[[test]]\nname = \"week1\"\n";

    #[test]
    fn dependencies_and_tests_of_both_come_together() {
        let ours = BASE.replace("bytes = \"1\"\n", "bytes = \"1\"\nmine = \"2\"\n");
        let theirs = BASE.replace("0.1.0", "0.2.0").replace("bytes = \"1\"\n", "bytes = \"1\"\nnew = \"3\"\n")
            + "\n[[test]]\nname = \"week2\"\n";
        let merged = merge("Cargo.toml", BASE, &ours, &theirs, &Elsewhere::default());
        let expected = theirs.replace("bytes = \"1\"\n", "bytes = \"1\"\nmine = \"2\"\n");
        assert_eq!((merged.text, merged.left), (expected, vec![]));
    }

    #[test]
    fn an_entry_that_both_changed_stays_the_learners() {
        let ours = BASE.replace("\"a\"", "\"b\"");
        let theirs = BASE.replace("foot = { version = \"1\", features = [\n    \"a\",\n] }", "foot = \"2\"");
        let merged = merge("Cargo.toml", BASE, &ours, &theirs, &Elsewhere::default());
        assert_eq!(merged.text, ours);
        let [Left { item, what: What::Change { new, .. }, .. }] = &merged.left[..] else { panic!("{merged:?}") };
        assert_eq!((item.as_str(), new.as_str()), ("[dependencies]::foot", "foot = \"2\"\n"));
    }

    #[test]
    fn packages_of_one_name_are_told_by_their_version() {
        let package = |name: &str, version: &str, source: &str| {
            format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}")
        };
        let from = "source = \"registry\"\n";
        let base = "version = 4\n".to_owned() + &package("a", "1.0.0", from) + &package("lsm", "0.1.0", "");
        let ours = base.clone() + &package("mine", "1.0.0", from);
        let theirs = base.replace("1.0.0", "2.0.0").replace("0.1.0", "0.2.0");
        let merged = merge("Cargo.lock", &base, &ours, &theirs, &Elsewhere::default());
        assert_eq!((merged.text, merged.left), (theirs + &package("mine", "1.0.0", from), vec![]));
    }
}
