//! `start` and `link`.

use std::fs;

use super::world::{CHAPTER_2, STARTER, World, read, replace, write};

#[test]
fn a_copy_is_made_and_its_first_suite_is_red_with_its_tasks_named() {
    let world = World::new();
    let said = world.xtask(&world.course(), &["start"]);
    said.ends_with(0)
        .has("1 test stops here: adds_one")
        .has("add one")
        .has("my-lsm/src/lib.rs:5")
        .has("Red is what is expected");
    said.has("cd my-lsm").has("1 of 1 regressions").has_not("double it");

    let copy = world.copy();
    assert_eq!(read(&copy.join("src/lib.rs")), STARTER);
    assert_eq!(read(&copy.join("tests/week1/main.rs")), "//! The suites of week 1.\n\nmod chapter_1;\n");
    assert_eq!(world.git(&copy, &["branch", "--format=%(refname:short)"]), "course\nmain\n");
    assert_eq!(world.git(&copy, &["symbolic-ref", "--short", "HEAD"]), "main\n");
    assert_eq!(world.git(&copy, &["status", "--porcelain"]), "", "all is committed");
    let tracked = world.git(&copy, &["ls-files"]);
    for file in ["Cargo.lock", "README.md", ".vscode/settings.json", "course.toml", "tests/week1/chapter_2.rs"] {
        assert!(tracked.lines().any(|line| line == file), "{file} is not tracked:\n{tracked}");
    }
    assert!(!tracked.contains(".cargo"), "{tracked}");
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let world = World::new();
    let copy = world.copy();
    write(&copy.join("src/lib.rs"), "mine");
    let said = world.xtask(&world.course(), &["start"]);
    said.ends_with(2).has("nothing was written").has("would have been written over:\n    src/lib.rs").has("Cargo.toml");
    said.has("--dir FOLDER");
    assert_eq!(read(&copy.join("src/lib.rs")), "mine");
    assert_eq!(fs::read_dir(&copy).unwrap().count(), 1);
    world.xtask(&world.course(), &["start", "--chapter", "2.1"]).ends_with(2).has("no week 2 yet");
}

#[test]
fn a_copy_can_begin_at_a_later_chapter_with_what_comes_before_done() {
    let world = World::new();
    let copy = world.elsewhere().join("mine");
    let said = world.xtask(&world.elsewhere(), &["start", "--chapter", "1.2", "--dir", "mine"]);
    said.ends_with(0).has("double it").has_not("add one").has("cd mine");
    assert!(read(&copy.join("src/lib.rs")).contains("number + 1"));
    world.xtask(&copy, &["status"]).ends_with(0).has("given").has("suite of 1.2");
    world.xtask(&copy, &["test", "1.1"]).ends_with(0).has("GREEN");
}

#[test]
fn work_done_in_place_is_taken_over_on_top_of_the_pristine_starter() {
    let world = World::new();
    world.commit_course();
    let week = world.course().join("week1");
    replace(&week.join("src/lib.rs"), "todo!(\"1.1: add one\")", "number + 1");
    replace(&week.join("tests/week1/chapter_2.rs"), "twice(2), 4", "twice(3), 6");
    let said = world.xtask(&world.course(), &["start", "--from", "week1"]);
    said.ends_with(0)
        .has("2 files differ")
        .has("git restore week1")
        .has("GREEN. Chapter 1.1")
        .has("RED. Chapter 1.2")
        .has("chapter 1.2 of the book");

    let copy = world.copy();
    assert!(read(&copy.join("src/lib.rs")).contains("number + 1"));
    assert_eq!(world.git(&copy, &["show", "course:src/lib.rs"]), STARTER);
    assert_eq!(world.git(&copy, &["show", "course:tests/week1/chapter_2.rs"]), CHAPTER_2);
    assert_eq!(world.git(&copy, &["log", "--format=%s", "main"]).lines().next(), Some("Take over my work from week1"));
    world.xtask(&copy, &["status"]).has("suites that you edited: tests/week1/chapter_2.rs").has("passed 20");
}

#[cfg(unix)]
#[test]
fn without_git_and_rustfmt_the_copy_is_made_and_it_says_what_will_not_work() {
    let world = World::new();
    let said = world.xtask_without(&["git", "rustfmt"], &world.course(), &["start"]);
    said.ends_with(0).has("there is no git here").has("Red is what is expected").has_not("rustfmt");
    let copy = world.copy();
    assert!(!copy.join(".git").exists());
    world.xtask_without(&["git"], &copy, &["update"]).ends_with(2).has("no `git`");
    world.xtask(&copy, &["update"]).ends_with(2).has("not a git repository of its own");
    replace(&copy.join("src/lib.rs"), "todo!(\"1.1: add one\")", "number + 1");
    world.xtask_without(&["git"], &copy, &["test"]).ends_with(0).has("GREEN");
}

/// The course's path has a space, which an alias that is a string cannot hold.
#[test]
fn the_alias_runs_the_courses_runner_from_every_folder_of_a_copy() {
    let world = World::new();
    let outside = world.elsewhere().join("mine");
    world.xtask(&world.course(), &["start"]).ends_with(0);
    world.xtask(&world.elsewhere(), &["start", "--dir", "mine"]).ends_with(0);
    let clone = world.elsewhere().join("clone");
    world.git(&world.elsewhere(), &["clone", "--quiet", "mine", "clone"]);
    assert_ne!(world.cargo(&clone, &["xtask", "status"]).code, Some(0), "a clone knows no course");
    world.xtask(&world.course(), &["link", clone.to_str().unwrap()]).ends_with(0).has("works in");
    assert_eq!(world.git(&clone, &["status", "--porcelain"]), "");

    for copy in [world.copy(), outside, clone] {
        for here in [copy.clone(), copy.join("src"), copy.join("tests").join("week1")] {
            let said = world.cargo(&here, &["xtask", "status"]);
            said.ends_with(0).has(&format!("ran in {}", here.display()));
        }
        assert!(!copy.join("target/debug/xtask").exists(), "the runner was built into {}", copy.display());
    }
    assert_eq!(world.git(&world.copy(), &["status", "--porcelain"]), "");
    world.xtask(&world.course(), &["link", "week1"]).ends_with(2).has("no copy of the course");
}

#[test]
fn where_another_alias_is_in_the_way_it_says_so_and_the_copy_is_made() {
    let world = World::new();
    for alias in ["[\"run\", \"--quiet\"]", "\"run --quiet\""] {
        write(&world.elsewhere().join(".cargo/config.toml"), &format!("[alias]\nxtask = {alias}\n"));
        let _ = fs::remove_dir_all(world.elsewhere().join("mine"));
        let said = world.xtask(&world.elsewhere(), &["start", "--dir", "mine"]);
        said.ends_with(0).has("`cargo xtask` does not work in the copy").has("an alias `xtask` of its own");
        said.has("Red is what is expected");
    }
}
