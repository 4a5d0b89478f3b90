//! Git, as far as a copy needs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::weave::tree::Tree;

/// The branch that holds the starter as it was handed out.
pub const COURSE: &str = "course";

/// A copy's repository.
pub struct Git {
    dir: PathBuf,
    /// Settings for every command.
    settings: Vec<String>,
}

/// Whether there is a git to run.
pub fn is_installed() -> bool {
    let version = Command::new("git").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

impl Git {
    /// A new repository in `dir`, its first commit to be on branch `course`.
    pub fn init(dir: &Path) -> Result<Git> {
        let git = Git::new(dir);
        git.run(&["init", "--quiet"])?;
        git.run(&["symbolic-ref", "HEAD", "refs/heads/course"])?;
        Ok(git)
    }

    /// The repository whose work tree `dir` is. A repository around it is not it.
    pub fn open(dir: &Path) -> Result<Git> {
        if !is_installed() {
            bail!("there is no `git` to run: install it first");
        }
        if !dir.join(".git").exists() {
            bail!("{} is not a git repository of its own", dir.display());
        }
        Ok(Git::new(dir))
    }

    fn new(dir: &Path) -> Git {
        let plain = ["core.quotePath=false", "commit.gpgSign=false", "core.safecrlf=false"];
        let mut git = Git { dir: dir.to_path_buf(), settings: plain.map(str::to_owned).to_vec() };
        // For who has told git no name. What the environment says goes before settings.
        for (key, neutral) in [("user.name", "Learner"), ("user.email", "learner@localhost")] {
            if !git.says(&["config", "--get", key]).unwrap_or(false) {
                git.settings.push(format!("{key}={neutral}"));
            }
        }
        git
    }

    /// A git command in the repository, whatever repository the caller's environment points at.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
            command.env_remove(variable);
        }
        if let Some(parent) = self.dir.parent() {
            command.env("GIT_CEILING_DIRECTORIES", parent);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        command.args(args).current_dir(&self.dir).stdin(Stdio::null());
        command
    }

    /// Runs git; an error unless it succeeds. Gives what it printed.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        succeeded(args, self.output(args)?)
    }

    /// Runs git; it may fail.
    pub fn output(&self, args: &[&str]) -> Result<Output> {
        self.command(args).output().context("cannot run git")
    }

    /// Whether git answers yes.
    pub fn says(&self, args: &[&str]) -> Result<bool> {
        Ok(self.output(args)?.status.success())
    }

    /// Commits what is staged.
    pub fn commit(&self, message: &str) -> Result<()> {
        self.run(&["commit", "--quiet", "--no-verify", "--allow-empty", "-m", message]).map(drop)
    }

    /// Commits a folder's files, and only them, onto branch `course`, without a look at the work tree. Gives `false` where
    /// they are what the branch holds already.
    pub fn commit_to_course(&self, folder: &Path, message: &str) -> Result<bool> {
        let git_dir = self.run(&["rev-parse", "--absolute-git-dir"])?;
        let git_dir = git_dir.trim().to_owned();
        let index = tempfile::tempdir().context("cannot make a temporary directory")?;
        let there = |args: &[&str]| -> Result<String> {
            let mut command = self.command(args);
            command.current_dir(folder);
            command.env("GIT_DIR", &git_dir).env("GIT_WORK_TREE", folder);
            command.env("GIT_INDEX_FILE", index.path().join("index"));
            succeeded(args, command.output().context("cannot run git")?)
        };
        there(&["add", "--all", "--force", "."])?;
        let tree = there(&["write-tree"])?;
        let old = self.run(&["rev-parse", "course^{tree}"])?;
        if tree.trim() == old.trim() {
            return Ok(false);
        }
        let commit = self.run(&["commit-tree", tree.trim(), "-p", COURSE, "-m", message])?;
        self.run(&["update-ref", "-m", message, "refs/heads/course", commit.trim()])?;
        Ok(true)
    }

    /// A file as a revision holds it; `None` where it does not.
    pub fn show(&self, revision: &str, file: &str) -> Result<Option<String>> {
        let output = self.output(&["show", &format!("{revision}:{file}")])?;
        Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")))
    }

    /// The files of a revision that are text and no suites.
    pub fn tree(&self, revision: &str) -> Result<Tree> {
        let files = self.paths(&["ls-tree", "-r", "-z", "--name-only", revision])?;
        let mut tree = Tree::new();
        for file in files.iter().filter(|file| !file.starts_with("tests/") && *file != super::record::FILE) {
            if let Some(text) = self.show(revision, file)? {
                tree.insert(PathBuf::from(file), text);
            }
        }
        Ok(tree)
    }

    /// The files that lie elsewhere in the second revision than in the first: where they lay, and where they lie.
    pub fn renames(&self, from: &str, to: &str) -> Result<Vec<(PathBuf, PathBuf)>> {
        let told = self.paths(&["diff", "--find-renames", "--diff-filter=R", "--name-status", "-z", from, to])?;
        let pair = |told: &[String]| (PathBuf::from(&told[1]), PathBuf::from(&told[2]));
        Ok(told.chunks_exact(3).map(pair).collect())
    }

    /// The paths that a command prints with `-z`.
    pub fn paths(&self, args: &[&str]) -> Result<Vec<String>> {
        let text = self.run(args)?;
        Ok(text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }
}

fn succeeded(args: &[&str], output: Output) -> Result<String> {
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`git {}` failed: {}", args.join(" "), said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
