//! The Cargo.toml of a woven crate, made line by line out of the reference's and the root's.
//!
//! `#@ 2.5` on a line of its own shows the line or the table below from the starter of that week on.
//! `# reference only`, at the end of a line or of a table's header, keeps the line or the table out of every
//! woven crate; so are benches, examples and lints. The suites of all weeks so far are test targets. The crate of week 2
//! has version 0.2.0, and so on.

use anyhow::{Context, Result, bail};

use crate::chapter::Chapter;

/// What differs between the woven manifests.
pub struct Wanted {
    pub week: u8,
    /// Tasks are open: what only their answers use is no cause for a warning.
    pub open: bool,
}

const HEADER: &str = "# Woven from reference-solution/Cargo.toml by `cargo xtask weave`.";
const DROPPED: [&str; 5] = ["[[bench]]", "[[example]]", "[[test]]", "[lints", "[workspace"];
const OPEN_LINTS: &str = "
# Code that only the answers of open tasks use is not yet used.
[lints.rust]
dead_code = \"allow\"
unused_imports = \"allow\"
unused_mut = \"allow\"
unused_variables = \"allow\"
";

/// The woven manifest's text. Errors name the line of the reference's manifest.
pub fn weave(reference: &str, root: &str, wanted: &Wanted) -> Result<String> {
    let mut text = format!("{HEADER}\n[workspace]\n");
    for table in tables(reference) {
        weave_table(&table, root, wanted, &mut text)?;
    }
    for week in 1..=wanted.week {
        text.push_str(&format!("\n[[test]]\nname = \"week{week}\"\npath = \"tests/week{week}/main.rs\"\n"));
    }
    if wanted.open {
        text.push_str(OPEN_LINTS);
    }
    for table in tables(root).into_iter().filter(|table| table.header() == "[profile.dev]") {
        weave_table(&table, root, wanted, &mut text)?;
    }
    Ok(text)
}

/// A table with the comments above its header.
struct Table<'a> {
    /// Number from 1, text.
    lines: Vec<(usize, &'a str)>,
    header: usize,
}

impl<'a> Table<'a> {
    fn header(&self) -> &'a str {
        self.lines[self.header].1.split('#').next().unwrap_or_default().trim()
    }
}

fn tables(text: &str) -> Vec<Table<'_>> {
    let lines: Vec<(usize, &str)> =
        text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end())).collect();
    let headers: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].1.starts_with('[')).collect();
    let begin = |header: usize| {
        let comments = lines[..header].iter().rev().take_while(|(_, line)| line.starts_with('#')).count();
        header - comments
    };
    let ends = headers.iter().skip(1).map(|header| begin(*header)).chain([lines.len()]);
    headers
        .iter()
        .zip(ends)
        .map(|(header, end)| Table { lines: lines[begin(*header)..end].to_vec(), header: header - begin(*header) })
        .collect()
}

fn weave_table(table: &Table, root: &str, wanted: &Wanted, text: &mut String) -> Result<()> {
    let header = table.header();
    let reference_only = table.lines[table.header].1.ends_with("# reference only");
    if reference_only || DROPPED.iter().any(|dropped| header.starts_with(dropped)) {
        return Ok(());
    }
    let mut woven = Vec::new();
    let mut lines = table.lines.iter();
    while let Some((number, line)) = lines.next() {
        if let Some(marker) = line.trim().strip_prefix("#@ ") {
            let chapter: Chapter = marker.parse().map_err(|what| at(*number, what))?;
            let hidden = chapter.week > wanted.week;
            let next = lines.as_slice().first().with_context(|| at(*number, "nothing follows this marker"))?;
            if hidden && next.1.starts_with('[') {
                return Ok(());
            }
            if hidden {
                skip_entry(&mut lines);
            }
        } else if line.trim().starts_with("#@") {
            bail!(at(*number, "a marker of the manifest is written `#@ 2.5`"));
        } else if line.ends_with("# reference only") {
            if line.trim() == "# reference only" {
                bail!(at(*number, "`# reference only` stands at the end of a line"));
            }
        } else if line.trim() == "version.workspace = true" {
            // Cargo tells crates that share a target directory by name and version, and all of these have one name.
            woven.push(format!("version = \"0.{}.0\"", wanted.week));
        } else if let Some(key) = line.strip_suffix(".workspace = true") {
            woven.push(inherited(root, key).with_context(|| at(*number, "nothing to inherit"))?);
        } else if line.contains("workspace = true") {
            bail!(at(*number, "write `name.workspace = true`: the weaver resolves no other form"));
        } else {
            woven.push((*line).to_owned());
        }
    }
    text.push('\n');
    text.push_str(woven.join("\n").trim());
    text.push('\n');
    Ok(())
}

fn at(number: usize, what: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("reference-solution/Cargo.toml:{number}: {what}")
}

/// Passes one `key = value`, over several lines where its brackets stay open.
fn skip_entry(lines: &mut std::slice::Iter<(usize, &str)>) {
    let mut depth = 0;
    for (_, line) in lines.by_ref() {
        depth += line.matches(['[', '{']).count();
        depth -= line.matches([']', '}']).count().min(depth);
        if depth == 0 {
            break;
        }
    }
}

/// The line of the root's `[workspace.package]` or `[workspace.dependencies]` for a key.
fn inherited(root: &str, key: &str) -> Option<String> {
    let tables = tables(root);
    let inheritable = |table: &&Table| {
        matches!(table.header(), "[workspace.package]" | "[workspace.dependencies]" | "[workspace.lints]")
    };
    let mut lines = tables.iter().filter(inheritable).flat_map(|table| &table.lines);
    let named = |line: &str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    lines.find(|(_, line)| named(line)).map(|(_, line)| (*line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str =
        "[workspace]\nmembers = []\n\n[workspace.package]\nedition = \"2024\"\n\n# why\n[profile.dev]\ndebug = 1\n";
    const REFERENCE: &str = "[package]
name = \"lsm\"
edition.workspace = true

# The REPL.
[features]
repl = []
deep = [] # reference only

[[bench]]
name = \"fill\"

[[test]]
name = \"week1\"
path = \"../week1/tests/week1/main.rs\"

[dependencies]
bytes = \"1\"
#@ 2.5
manifest = { version = \"1\", features = [
    \"a\",
] }
zlib = \"1\"

#@ 3.1
[target.'cfg(unix)'.dependencies]
libc = \"1\"

[dev-dependencies] # reference only
criterion = \"1\"
";

    #[test]
    fn week_1_holds_what_its_code_needs() {
        let woven = weave(REFERENCE, ROOT, &Wanted { week: 1, open: false }).unwrap();
        let expected = format!(
            "{HEADER}
[workspace]

[package]
name = \"lsm\"
edition = \"2024\"

# The REPL.
[features]
repl = []

[dependencies]
bytes = \"1\"
zlib = \"1\"

[[test]]
name = \"week1\"
path = \"tests/week1/main.rs\"

# why
[profile.dev]
debug = 1
"
        );
        assert_eq!(woven, expected);
    }

    #[test]
    fn a_dependency_appears_with_its_week() {
        let woven = weave(REFERENCE, ROOT, &Wanted { week: 2, open: true }).unwrap();
        assert!(woven.contains("manifest = { version = \"1\", features = [\n    \"a\",\n] }\n"), "{woven}");
        assert!(woven.contains("week1") && woven.contains("week2") && woven.contains("dead_code"), "{woven}");
        assert!(!woven.contains("libc"), "{woven}");
        assert!(weave(REFERENCE, ROOT, &Wanted { week: 3, open: true }).unwrap().contains("libc"));
    }

    #[test]
    fn errors_name_the_line() {
        for (manifest, line) in [
            ("[package]\nlicense.workspace = true", 2),
            ("[package]\n#@ 1.9\nname = \"a\"", 2),
            ("[package]\n#@1.2\nname = \"a\"", 2),
            ("[dependencies]\na = { workspace = true }", 2),
            ("[dependencies]\n#@ 1.2", 2),
        ] {
            let error = weave(manifest, ROOT, &Wanted { week: 1, open: true }).unwrap_err();
            assert!(format!("{error}").contains(&format!("Cargo.toml:{line}: ")), "{manifest:?} gave {error:#}");
        }
    }
}
