//! Runs the cases of golden.txt: a source, and its woven text in some states.

use super::{State, weave};

const CASES: &str = include_str!("golden.txt");

/// `--- week 1` is the starter, `--- at 1.3` the checkpoint, `--- week 2 from 1.1` what is given in week 2 to somebody who
/// began at 1.1.
fn state(name: &str) -> State {
    match name.split_once(' ') {
        Some(("week", week)) => match week.split_once(" from ") {
            Some((week, first)) => State::carried_on(first.parse().expect("a chapter"), week.parse().expect("a week")),
            None => State::starter(week.parse().expect("a week")),
        },
        Some(("at", chapter)) => State::checkpoint(chapter.parse().expect("a chapter")),
        _ => panic!("golden.txt names no state '{name}'"),
    }
}

#[test]
fn every_case_weaves_as_written() {
    let mut checked = 0;
    for case in CASES.split("\n=== ").skip(1) {
        let mut parts = case.split("\n--- ");
        let title = parts.next().expect("a title").trim();
        let source = parts.next().and_then(|part| part.strip_prefix("source\n")).expect("a source").to_owned() + "\n";
        for part in parts {
            let (head, text) = part.split_once('\n').unwrap_or((part, ""));
            let expected = if text.is_empty() { String::new() } else { format!("{}\n", text.trim_end_matches('\n')) };
            checked += 1;
            if let Some(error) = head.strip_prefix("error ") {
                let found = weave(&source, State::starter(1)).expect_err(&format!("{title}: no error"));
                assert_eq!(format!("{}: {}", found.line, found.what), error, "{title}");
            } else if let Some(name) = head.strip_prefix("absent ") {
                assert_eq!(weave(&source, state(name)), Ok(None), "{title}, {name}");
            } else {
                let woven = weave(&source, state(head)).unwrap_or_else(|error| panic!("{title}: {error}"));
                let woven = woven.unwrap_or_else(|| panic!("{title}, {head}: the file is absent"));
                assert!(woven == expected, "{title}, {head}:\n{woven}\n--- expected\n{expected}");
            }
        }
    }
    assert!(checked > 60, "only {checked} cases were found");
}
