//! A whole crate in one state: woven in memory, then written or compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{State, format, manifest, tasks};
use crate::course;
use crate::runner::build::cargo;

/// The files of a crate, by their path in it.
pub type Tree = BTreeMap<PathBuf, String>;

/// The sources, Cargo.toml, and the suites of all weeks up to the state's; no Cargo.lock.
///
/// Errors name the reference's file and line.
pub fn woven(state: State) -> Result<Tree> {
    let mut tree: Tree = sources(&course::reference().join("src"), state)?
        .into_iter()
        .map(|(file, text)| (Path::new("src").join(file), text))
        .collect();
    let open = tree.iter().any(|(file, text)| !tasks::in_text(file, text).is_empty());
    let reference = read(&course::reference().join("Cargo.toml"))?;
    let root = read(&course::root().join("Cargo.toml"))?;
    let manifest = manifest::weave(&reference, &root, &manifest::Wanted { week: state.week, open })?;
    tree.insert(PathBuf::from("Cargo.toml"), manifest);
    for week in 1..=state.week {
        let folder = PathBuf::from(format!("tests/week{week}"));
        for file in files_below(&course::week(week).join(&folder))? {
            let file = folder.join(file);
            let text = read(&course::week(week).join(&file))?;
            tree.insert(file, text);
        }
    }
    Ok(tree)
}

/// The whole crate, as a learner gets it: also the README and the Cargo.lock of its week.
pub fn whole(state: State) -> Result<Tree> {
    let mut tree = woven(state)?;
    for file in ["Cargo.lock", "README.md"] {
        let path = course::week(state.week).join(file);
        if path.is_file() {
            tree.insert(PathBuf::from(file), read(&path)?);
        }
    }
    if !tree.contains_key(Path::new("Cargo.lock")) {
        tree.insert(PathBuf::from("Cargo.lock"), lock_file(&tree)?);
    }
    Ok(tree)
}

/// The sources below a folder in a state, formatted; paths are relative to the folder.
pub fn sources(src: &Path, state: State) -> Result<Tree> {
    let mut tree = BTreeMap::new();
    let mut absent = Vec::new();
    for file in files_below(src)? {
        let source = read(&src.join(&file))?;
        let name = src.join(&file);
        let shown = name.strip_prefix(course::root()).unwrap_or(&name).display().to_string();
        let woven =
            super::weave(&source, state).map_err(|error| anyhow::anyhow!("{shown}:{}: {}", error.line, error.what))?;
        match woven {
            Some(text) => {
                tree.insert(file, Source { woven: text, original: source, shown });
            }
            None => absent.push(file),
        }
    }
    for file in absent {
        remove_module(&mut tree, &file)?;
    }
    // What weaving left as it was is formatted already.
    tree.into_iter()
        .map(|(file, Source { original, woven, shown })| {
            let text = if woven == original { woven } else { format::format(&woven).context(shown)? };
            Ok((file, text))
        })
        .collect()
}

struct Source {
    original: String,
    woven: String,
    /// How messages name the file.
    shown: String,
}

/// Takes away the submodules of an absent file and its `mod` line.
fn remove_module(tree: &mut BTreeMap<PathBuf, Source>, file: &Path) -> Result<()> {
    let folder = if file.ends_with("mod.rs") { file.with_file_name("") } else { file.with_extension("") };
    let folder: PathBuf = folder.components().collect();
    let name = folder.file_name().and_then(|name| name.to_str()).context("a module has a name")?.to_owned();
    ensure!(folder.components().all(|part| matches!(part, Component::Normal(_))), "{} lies outside", file.display());
    tree.retain(|other, _| !other.starts_with(&folder));
    let parents = match folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => vec![parent.with_extension("rs"), parent.join("mod.rs")],
        None => vec![PathBuf::from("lib.rs"), PathBuf::from("main.rs")],
    };
    for parent in parents {
        if let Some(source) = tree.get_mut(&parent) {
            source.woven = without_module(&source.woven, &name);
        }
    }
    Ok(())
}

/// The text without `mod name;`, its documentation and its attributes.
fn without_module(text: &str, name: &str) -> String {
    let ends = [format!("mod {name};"), format!(" mod {name};")];
    let is_module = |line: &str| line == ends[0] || (line.starts_with("pub") && line.ends_with(&ends[1]));
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines() {
        if !is_module(line) {
            kept.push(line);
            continue;
        }
        while kept.last().is_some_and(|above| above.starts_with("///") || above.starts_with("#[")) {
            kept.pop();
        }
    }
    kept.join("\n") + "\n"
}

/// The Cargo.lock of a woven crate: the root's, with what the crate does not need taken out by cargo.
pub fn lock_file(tree: &Tree) -> Result<String> {
    let directory = course::root().join("target").join("weave").join("lock");
    let mut needed = Tree::new();
    for file in ["Cargo.toml", "src/lib.rs", "src/main.rs"] {
        if let Some(text) = tree.get(Path::new(file)) {
            // Cargo wants to see the targets, not what is in them.
            let text = if file == "Cargo.toml" { text.clone() } else { String::new() };
            needed.insert(PathBuf::from(file), text);
        }
    }
    needed.insert(PathBuf::from("Cargo.lock"), read(&course::root().join("Cargo.lock"))?);
    write(&needed, &directory, &[""])?;
    let update = |offline: &[&str]| {
        cargo(&directory)
            .args(["update", "--workspace", "--quiet"])
            .args(offline)
            .output()
            .context("cargo does not start")
    };
    let mut output = update(&["--offline"])?;
    if !output.status.success() {
        output = update(&[])?;
    }
    if !output.status.success() {
        bail!("cargo makes no Cargo.lock for the woven crate: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    read(&directory.join("Cargo.lock"))
}

/// How a tree differs from what is in a directory.
#[derive(Default)]
pub struct Difference {
    pub missing: Vec<PathBuf>,
    pub changed: Vec<PathBuf>,
    /// In the directory alone.
    pub stale: Vec<PathBuf>,
}

/// Compares; in the directory, only what lies below the `owned` paths can be stale (`""`: everything).
pub fn compare(tree: &Tree, directory: &Path, owned: &[&str]) -> Result<Difference> {
    let mut difference = Difference::default();
    for (file, text) in tree {
        match fs::read(directory.join(file)) {
            Ok(bytes) if bytes == text.as_bytes() => {}
            Ok(_) => difference.changed.push(file.clone()),
            Err(_) => difference.missing.push(file.clone()),
        }
    }
    let mut found = BTreeSet::new();
    for owned in owned {
        let below = directory.join(owned);
        if below.is_dir() {
            found.extend(files_below(&below)?.into_iter().map(|file| Path::new(owned).join(file)));
        }
    }
    difference.stale = found.into_iter().filter(|file| !tree.contains_key(file)).collect();
    Ok(difference)
}

/// Makes the directory hold the tree: writes what differs, and only that, and removes what is stale.
pub fn write(tree: &Tree, directory: &Path, owned: &[&str]) -> Result<Difference> {
    let difference = compare(tree, directory, owned)?;
    for file in difference.missing.iter().chain(&difference.changed) {
        let path = directory.join(file);
        let folder = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        fs::write(&path, &tree[file]).with_context(|| format!("writing {}", path.display()))?;
    }
    for file in &difference.stale {
        let path = directory.join(file);
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        // A folder that became empty goes too; one that did not stays, which is what the refusal says.
        let _ = path.parent().map(fs::remove_dir);
    }
    Ok(difference)
}

/// The text of a file, with line ends of one kind.
pub fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text.replace("\r\n", "\n"))
}

/// Every file below a folder, relative to it, in order. Editors' and systems' hidden files are left out.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let path = folder.join(&below);
        for entry in fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))? {
            let entry = entry?;
            let name = below.join(entry.file_name());
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(name);
            } else {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_goes_with_its_documentation() {
        let text =
            "mod a;\n\n/// Blocks.\n#[cfg(test)]\npub(crate) mod block;\nmod block_cache;\npub use block_cache::x;\n";
        assert_eq!(without_module(text, "block"), "mod a;\n\nmod block_cache;\npub use block_cache::x;\n");
        assert_eq!(without_module("pub mod a;\nmod b;\n", "a"), "mod b;\n");
    }
}
