//! Finds the panics in what a test printed.
//!
//! ```text
//! thread 'chapter_1::a_test' (4711) panicked at src/memtable.rs:41:9:
//! not yet implemented: 1.1: insert the entry
//! note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
//! ```

/// One panic, as the standard library prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// The thread's name; a test's own thread has the test's name.
    pub thread: String,
    /// `file:line:column`, the file as the compiler was given it.
    pub at: String,
    /// The message, which may have many lines.
    pub message: String,
}

/// The panics in `text`, in the order in which they were printed.
pub fn find(text: &str) -> Vec<Panic> {
    split(text).0
}

/// The panics in `text`, and the lines that are none's.
pub fn split(text: &str) -> (Vec<Panic>, Vec<&str>) {
    let mut panics: Vec<Panic> = Vec::new();
    let mut rest = Vec::new();
    let mut in_message = false;
    for line in text.lines() {
        if let Some((thread, at)) = headline(line) {
            panics.push(Panic { thread: thread.to_owned(), at: at.to_owned(), message: String::new() });
            in_message = true;
        } else if ends_message(line) {
            in_message = false;
        } else if let (true, Some(panic)) = (in_message, panics.last_mut()) {
            if !panic.message.is_empty() {
                panic.message.push('\n');
            }
            panic.message.push_str(line);
        } else {
            rest.push(line);
        }
    }
    for panic in &mut panics {
        panic.message.truncate(panic.message.trim_end().len());
    }
    (panics, rest)
}

/// The thread and the place of a panic's first line.
fn headline(line: &str) -> Option<(&str, &str)> {
    let (before, at) = line.split_once(" panicked at ")?;
    // What the test printed without a line's end stands before it.
    let thread = &before[before.rfind("thread '")? + "thread '".len()..];
    // The thread's number follows its name.
    let name = &thread[..thread.rfind('\'')?];
    let number = &thread[name.len() + 1..];
    let numbered = number.starts_with(" (") && number.ends_with(')');
    (number.is_empty() || numbered).then_some((name, at.strip_suffix(':')?))
}

fn ends_message(line: &str) -> bool {
    line.starts_with("note: run with `RUST_BACKTRACE=1`")
        || line == "stack backtrace:"
        // What the test harness says when a test is over.
        || (line.starts_with("test ") && (line.ends_with("... FAILED") || line.ends_with("... ok")))
        || line == "failures:"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_of_all_threads_are_found_with_their_whole_messages() {
        let text = "some output, thread 'flush' panicked at src/a.rs:1:2:\nlost\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\nmore output\n\n\
            thread 'chapter_1::it's' (4711) panicked at tests/week1/chapter_1.rs:3:4:\n\
            assertion `left == right` failed: why\n  left: 1\n right: 2\nstack backtrace:\n   0: main\n";
        let panics = find(text);
        assert_eq!(panics.len(), 2);
        assert_eq!(panics[0], Panic { thread: "flush".into(), at: "src/a.rs:1:2".into(), message: "lost".into() });
        assert_eq!(panics[1].thread, "chapter_1::it's");
        assert_eq!(panics[1].at, "tests/week1/chapter_1.rs:3:4");
        assert_eq!(split(text).1, ["more output", "", "   0: main"]);
        assert_eq!(panics[1].message, "assertion `left == right` failed: why\n  left: 1\n right: 2");
    }

    #[test]
    fn what_only_looks_like_a_panic_is_none() {
        assert_eq!(find("the thread 'x' panicked at once\nthread 'x panicked at a:1:1:\n"), []);
    }
}
