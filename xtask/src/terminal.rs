//! What a person sees: styles, paths, a bar that tells how far things are, a question.
//!
//! Styled text is printed with `anstream`, which leaves the styles out where the output is no terminal or `NO_COLOR` says so.

use std::io::IsTerminal;
use std::path::{Component, Path, PathBuf};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const OPEN: Style = AnsiColor::Yellow.on_default().bold();

/// The words in a style.
pub fn styled(style: Style, words: impl std::fmt::Display) -> String {
    format!("{style}{words}{style:#}")
}

/// Whether compiler messages that go to the standard output carry colours.
pub fn stdout_has_colours() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The path as a person in the current directory writes it, `/` between its parts; that directory itself with its full
/// path, since `.` names nothing to a reader.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = path.strip_prefix(&here).unwrap_or(path);
    if short.as_os_str().is_empty() { path.display().to_string() } else { slashed(short) }
}

/// A path with `/` between its parts where it is relative, so that what is printed and recorded is the same everywhere.
pub fn slashed(path: &Path) -> String {
    if path.components().any(|part| matches!(part, Component::Prefix(_) | Component::RootDir)) {
        return path.display().to_string();
    }
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// The path made absolute, without asking the file system, which would resolve links (and on Windows give `\\?\` paths).
pub fn absolute(path: &Path) -> PathBuf {
    let joined = std::env::current_dir().unwrap_or_default().join(path);
    let mut plain = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// As an argument for a shell: in quotes where it holds a space.
pub fn argument(text: &str) -> String {
    if text.contains(char::is_whitespace) { format!("\"{text}\"") } else { text.to_owned() }
}

/// Asks on the terminal; `None` where nobody is there to answer.
pub fn ask(question: &str) -> Option<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    eprint!("{question} [Y/n] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

/// One line on the standard error that tells how far things are; nothing where that is no terminal.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new() -> Bar {
        Bar(ProgressBar::new(0))
    }

    /// Shows how many of how many are done, and a few words.
    pub fn steps(&self, done: usize, all: usize, words: &str) {
        self.0.set_style(style("[{bar:24}] {pos}/{len} {wide_msg}"));
        self.0.set_length(all as u64);
        self.0.set_position(done as u64);
        self.0.set_message(words.to_owned());
    }

    /// Shows a few words.
    pub fn line(&self, words: &str) {
        self.0.set_style(style("{wide_msg}"));
        self.0.set_message(words.to_owned());
        self.0.tick();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // Only a template that is not well-formed is refused; both are written above.
    ProgressStyle::with_template(template).expect("the template is well-formed").progress_chars("=  ")
}
