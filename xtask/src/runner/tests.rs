//! The runner on a crate whose tests end in every way a test can.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use super::build::{Binary, Built, Request, build};
use super::process::{Limits, Outcome, run};
use super::verdict::Verdict;
use crate::chapter::Chapter;

const MANIFEST: &str = "[package]\nname = \"lsm\"\nedition = \"2024\"\n[workspace]\n";

const SUITE: &str = r#"
mod chapter_1 {
    #[test]
    fn passes() {}
    #[test]
    fn fails() {
        assert_eq!(1 + 1, 3, "numbers add up");
    }
    #[test]
    fn fails_in_another_thread() {
        let worker = std::thread::Builder::new().name("flush".into()).spawn(|| panic!("the disk is full"));
        worker.unwrap().join().unwrap();
    }
    #[test]
    fn reaches_a_task() {
        todo!("1.1: insert the entry");
    }
    #[test]
    fn reaches_a_task_in_another_thread() {
        std::thread::spawn(|| todo!("1.2: go on")).join().unwrap();
    }
    #[test]
    fn returns_an_error() -> Result<(), String> {
        Err("no such table".into())
    }
}
mod chapter_2 {
    #[test]
    fn aborts() {
        std::process::abort();
    }
    #[test]
    fn asks_for_all_memory() {
        assert!(cfg!(target_os = "linux"), "nothing would stop it");
        let mut entries: Vec<Vec<u8>> = Vec::new();
        loop {
            entries.push(vec![1; 1 << 20]);
        }
    }
    #[test]
    fn exits_as_if_all_were_well() {
        std::process::exit(0);
    }
    #[test]
    fn loops() {
        loop {
            std::hint::black_box(());
        }
    }
    #[test]
    fn overflows() {
        fn deeper(depth: u64) -> u64 {
            if std::hint::black_box(depth) == u64::MAX { 0 } else { deeper(depth + 1) + 1 }
        }
        assert_eq!(deeper(0), 1);
    }
    #[test]
    fn panics_while_it_panics() {
        struct Guard;
        impl Drop for Guard {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        let _guard = Guard;
        panic!("first");
    }
    #[test]
    fn prints_without_end_then_passes() {
        for _ in 0..200 {
            println!("{}", ".".repeat(10_000));
        }
    }
}
"#;

fn write(dir: &Path, file: &str, text: &str) {
    let path = dir.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn build_in(dir: &Path) -> Built {
    build(&Request { crate_dir: dir, week: 1, target_dir: Some(&dir.join("target")), ansi: false }, &mut |_| {})
        .unwrap()
}

fn binary(dir: &Path, suite: &str) -> Binary {
    write(dir, "Cargo.toml", MANIFEST);
    write(dir, "src/lib.rs", "");
    write(dir, "tests/week1/main.rs", suite);
    match build_in(dir) {
        Built::Binary(binary) => binary,
        Built::Failed(messages) => panic!("{messages}"),
    }
}

fn outcome<'a>(outcomes: &'a [Outcome], name: &str) -> &'a Outcome {
    outcomes.iter().find(|outcome| outcome.name.ends_with(&format!("::{name}"))).unwrap()
}

#[test]
fn each_way_to_end_is_told_apart_and_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let binary = binary(dir.path(), SUITE);
    assert!(binary.tests(Some(Chapter { week: 1, day: 3 })).unwrap().is_empty());
    assert_eq!(binary.tests(Some(Chapter { week: 1, day: 1 })).unwrap().len(), 6);

    let names = binary.tests(None).unwrap();
    let limits = Limits { time: Duration::from_secs(3), memory: 100 };
    let mut seen = 0;
    let outcomes = run(&binary, &names, limits, |_| {
        seen += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(outcomes.iter().map(|outcome| outcome.name.clone()).collect::<Vec<_>>(), names);
    assert_eq!(seen, names.len());

    let verdict = |name| outcome(&outcomes, name).verdict.clone();
    assert_eq!(verdict("passes"), Verdict::Passed);
    assert_eq!(verdict("prints_without_end_then_passes"), Verdict::Passed);
    assert!(outcome(&outcomes, "prints_without_end_then_passes").stdout.len() < 200_000);

    let Verdict::Panicked { panic, others } = verdict("fails") else { panic!("{:?}", verdict("fails")) };
    assert!(panic.at.ends_with("main.rs:7:9"), "{}", panic.at);
    assert!(panic.message.contains("numbers add up\n  left: 2\n right: 3"), "{}", panic.message);
    assert!(others.is_empty());

    let Verdict::Panicked { others, .. } = verdict("fails_in_another_thread") else { panic!() };
    assert_eq!(others[0].thread, "flush");
    assert_eq!(others[0].message, "the disk is full");

    for (name, expected, task) in [
        ("reaches_a_task", Chapter { week: 1, day: 1 }, "insert the entry"),
        ("reaches_a_task_in_another_thread", Chapter { week: 1, day: 2 }, "go on"),
    ] {
        let Verdict::OpenTask { chapter, task: found, .. } = verdict(name) else { panic!("{:?}", verdict(name)) };
        assert_eq!((chapter, found.as_str()), (expected, task));
    }
    let Verdict::Panicked { panic, .. } = verdict("returns_an_error") else { panic!() };
    assert_eq!(panic.message, "Error: \"no such table\"");

    assert_eq!(verdict("loops"), Verdict::RanTooLong { limit: limits.time });
    assert_eq!(verdict("overflows"), Verdict::OverflowedItsStack);
    assert_eq!(verdict("aborts"), Verdict::Aborted { panics: Vec::new() });
    if cfg!(target_os = "linux") {
        assert_eq!(verdict("asks_for_all_memory"), Verdict::OutOfMemory { limit: 100 });
    }
    let Verdict::Aborted { panics } = verdict("panics_while_it_panics") else { panic!() };
    assert_eq!(panics[0].message, "first");
    assert!(matches!(verdict("exits_as_if_all_were_well"), Verdict::Ended { .. }));
}

#[test]
fn what_a_test_leaves_running_ends_with_it() {
    if cfg!(windows) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let suite = r#"
#[test]
fn leaves_a_child() {
    let mut child = std::process::Command::new("sleep");
    child.arg("60").spawn().unwrap();
}
#[test]
fn waits_for_a_child() {
    std::process::Command::new("sleep").arg("60").status().unwrap();
}
"#;
    let binary = binary(dir.path(), suite);
    let limits = Limits { time: Duration::from_secs(2), memory: 100 };
    let outcomes = run(&binary, &binary.tests(None).unwrap(), limits, |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(outcomes[0].verdict, Verdict::Passed);
    assert_eq!(outcomes[1].verdict, Verdict::RanTooLong { limit: limits.time });
    // The children hold the pipes that `run` reads to their end: it would have waited for them.
    assert!(outcomes.iter().all(|outcome| outcome.took < Duration::from_secs(30)));
}

#[test]
fn a_run_can_be_broken_off_at_its_first_failure() {
    let dir = tempfile::tempdir().unwrap();
    let suite: String = (0..50).map(|number| format!("#[test] fn t{number:02}() {{ panic!() }}\n")).collect();
    let binary = binary(dir.path(), &suite);
    let outcomes = run(&binary, &binary.tests(None).unwrap(), Limits::default(), |_| ControlFlow::Break(())).unwrap();
    assert!(!outcomes.is_empty() && outcomes.len() < 50, "{} ran", outcomes.len());
}

#[test]
fn a_compile_error_is_shown_and_a_warning_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let warned = binary(dir.path(), "#[test] fn t() { let unused = 1; }");
    assert_eq!(warned.warnings.len(), 1, "{:?}", warned.warnings);
    assert!(warned.warnings[0].contains("unused variable: `unused`"));

    write(dir.path(), "src/lib.rs", "pub fn get() -> u8 { \"one\" }");
    let Built::Failed(messages) = build_in(dir.path()) else { panic!("it compiled") };
    assert!(messages.contains("mismatched types") && messages.contains("lib.rs:1:"), "{messages}");

    write(dir.path(), "Cargo.toml", "[package]\n");
    let request = Request { crate_dir: dir.path(), week: 1, target_dir: None, ansi: false };
    assert!(build(&request, &mut |_| {}).is_err());
}
