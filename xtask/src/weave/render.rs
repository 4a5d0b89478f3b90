//! The text of a source in one state of the course.

use super::context::{self, Context};
use super::extent::{Extent, Marked};
use super::marker::{Kind, Marker, OldLine};
use super::{State, tasks};
use crate::chapter::Chapter;

/// A line of the woven text.
struct Woven {
    text: String,
    is: Is,
}

enum Is {
    /// Kept from inside a literal or a block comment: never touched.
    Opaque,
    Code,
    Comment,
    Blank,
    /// The lines of an open task, as one entry.
    Task(Chapter, Vec<String>),
}

/// The woven text, `None` where the file does not exist in this state.
pub fn render(marked: &Marked, state: State) -> Option<String> {
    if marked.file.as_ref().is_some_and(|marker| !state.shows(marker, false)) {
        return None;
    }
    let first = usize::from(marked.file.is_some());
    let lines = Renderer { marked, state }.lines(first, marked.lexed.lines.len());
    Some(tidy(lines))
}

struct Renderer<'a> {
    marked: &'a Marked<'a>,
    state: State,
}

impl Renderer<'_> {
    /// The woven form of the lines from `first` to before `end`.
    fn lines(&self, first: usize, end: usize) -> Vec<Woven> {
        let mut woven = Vec::new();
        let mut line = first;
        while line < end {
            if let Some(extent) = self.marked.extents.get(&line) {
                line = if self.shows(extent) {
                    woven.extend((extent.start..extent.line).map(|line| self.kept(line)));
                    extent.first
                } else {
                    self.replace(extent, &mut woven);
                    extent.end
                };
                continue;
            }
            if !self.marked.old_lines.contains(&line) {
                woven.push(self.kept(line));
            }
            line += 1;
            if let Some(bracket) = self.function_body(line - 1) {
                let close = self.marked.lexed.brackets[bracket].last_line;
                let mut body = self.lines(line, close);
                close_function(&mut body, context::returns_a_value(&self.marked.lexed, bracket));
                woven.append(&mut body);
                line = close;
            }
        }
        woven
    }

    fn shows(&self, extent: &Extent) -> bool {
        let body = Context::inside(&self.marked.lexed, extent.enclosing).is_body();
        self.state.shows(&extent.marker, body)
    }

    /// What stands in the place of lines whose chapter is not done.
    fn replace(&self, extent: &Extent, woven: &mut Vec<Woven>) {
        let indentation = self.marked.lexed.lines[extent.line].indentation();
        let task = |marker: &Marker| match &marker.kind {
            Kind::Task(lines) if self.state.is_open(marker.chapter) => Some((marker.chapter, lines.clone())),
            _ => None,
        };
        let nested = self.marked.extents.range(extent.first..extent.end).map(|(_, nested)| &nested.marker);
        // A task inside that is of the same chapter is part of this one.
        let later = nested.filter(|marker| marker.chapter > extent.marker.chapter);
        for (chapter, lines) in task(&extent.marker).into_iter().chain(later.filter_map(task)) {
            woven.push(Woven { text: indentation.to_owned(), is: Is::Task(chapter, lines) });
        }
        let in_force = |old: &&OldLine| old.from.is_none_or(|from| self.state.is_done(from));
        let latest = extent.old.iter().filter(in_force).map(|old| old.from).max();
        for old in extent.old.iter().filter(|old| Some(old.from) == latest) {
            woven.push(Woven { text: format!("{indentation}{}", old.text), is: Is::Code });
        }
    }

    fn kept(&self, line: usize) -> Woven {
        let line = &self.marked.lexed.lines[line];
        let text = line.text.trim();
        let is = match text {
            _ if line.opaque => Is::Opaque,
            "" => Is::Blank,
            _ if text.starts_with("//") => Is::Comment,
            _ => Is::Code,
        };
        Woven { text: line.text.to_owned(), is }
    }

    /// The brackets of a function's body of several lines that opens on this line.
    fn function_body(&self, line: usize) -> Option<usize> {
        let lexed = &self.marked.lexed;
        let opened = (0..lexed.brackets.len()).filter(|bracket| lexed.brackets[*bracket].first_line == line);
        opened
            .filter(|bracket| lexed.brackets[*bracket].last_line > line)
            .find(|bracket| Context::inside(lexed, Some(*bracket)) == Context::Function)
    }
}

/// A function of which only open tasks are left, or which returns a value and has open tasks where its result
/// was, ends in a `todo!` with the earliest of these tasks.
fn close_function(body: &mut Vec<Woven>, returns_a_value: bool) {
    let last_code = body.iter().rposition(|line| matches!(line.is, Is::Code | Is::Opaque));
    let end = match last_code {
        Some(_) if !returns_a_value => return,
        Some(last) => last + 1,
        None => 0,
    };
    let tasks = body.iter().enumerate().skip(end).filter_map(|(index, line)| match line.is {
        Is::Task(chapter, _) => Some((chapter, index)),
        _ => None,
    });
    let Some((_, index)) = tasks.min() else { return };
    let task = body.remove(index);
    if let Is::Task(chapter, lines) = task.is {
        body.push(Woven { text: tasks::todo(&task.text, chapter, &lines), is: Is::Code });
    }
}

/// Joins the lines; no blank line opens or closes a block, and no two follow each other.
fn tidy(lines: Vec<Woven>) -> String {
    let mut text = String::new();
    let mut blank = false;
    let mut opens = true;
    for line in lines {
        let content = match line.is {
            Is::Blank => {
                blank = true;
                continue;
            }
            Is::Task(chapter, lines) => tasks::comment(&line.text, chapter, &lines),
            _ => line.text,
        };
        let closes = matches!(content.trim_start().chars().next(), Some('}' | ')' | ']'));
        if blank && !opens && !closes {
            text.push('\n');
        }
        blank = false;
        opens = content.ends_with(['{', '(', '[']);
        text.push_str(&content);
        text.push('\n');
    }
    text
}
