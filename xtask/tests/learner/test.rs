//! `test` and `status`.

use super::world::{CHAPTER_2, World, read, replace, write};

fn started() -> World {
    let world = World::new();
    world.xtask(&world.course(), &["start"]).ends_with(0);
    world
}

#[test]
fn a_chapter_is_red_until_it_is_written_and_what_passed_is_kept() {
    let world = started();
    let copy = world.copy();
    replace(&copy.join("src/lib.rs"), "todo!(\"1.1: add one\")", "number + 2");
    let said = world.xtask(&copy.join("src"), &["test"]);
    said.ends_with(1).has("FAILED chapter_1::adds_one").has("One more than a number is its successor.");
    said.has("the successor of 1").has("left: 3").has("right: 2").has("Hint: addition.");
    said.has("Book: book/src/week1/1-memtable.md#successors").has("tests/week1/chapter_1.rs:10\n");
    said.has("Alone: cargo test --test week1 chapter_1::adds_one -- --exact");
    let alone = world.cargo(&copy, &["test", "--test", "week1", "chapter_1::adds_one", "--", "--exact"]);
    alone.has("running 1 test").has("1 failed");

    replace(&copy.join("src/lib.rs"), "number + 2", "number + 1");
    world.xtask(&copy.join("src"), &["test"]).ends_with(0).has("GREEN").has("Next: chapter 1.2");
    assert!(read(&copy.join("course.toml")).contains("\"1.1\" = \"20"));
    // The next run is about the next chapter, whose suite comes in now.
    let said = world.xtask(&world.elsewhere(), &["test"]);
    said.ends_with(1).has("Chapter 1.2").has("double it");
    assert!(read(&copy.join("tests/week1/main.rs")).contains("mod chapter_2;"));
    world.xtask(&copy, &["status"]).ends_with(0).has("passed 20").has("next").has("not in the course yet");

    replace(&copy.join("src/lib.rs"), "number + 1", "number");
    replace(&copy.join("src/lib.rs"), "todo!(\"1.2: double it\")", "number * 2");
    let said = world.xtask(&copy, &["test", "--all"]);
    said.ends_with(1).has("RED. Chapter 1.1").has("GREEN. Chapter 1.2").has("open again");
    assert!(!read(&copy.join("course.toml")).contains("\"1.1\" ="));
}

#[test]
fn what_is_broken_in_a_later_suite_does_not_hide_an_earlier_one() {
    let world = started();
    let copy = world.copy();
    write(&copy.join("tests/week1/chapter_2.rs"), "no rust at all");
    world.xtask(&copy, &["test", "1.1"]).ends_with(1).has("add one");
    let said = world.xtask(&copy, &["test", "1.2"]);
    said.ends_with(1).has("chapter_2.rs:1").has("my-lsm does not compile").has_not("FAILED");
}

#[test]
fn an_edited_suite_is_used_named_and_proves_nothing() {
    let world = started();
    let copy = world.copy();
    replace(&copy.join("tests/week1/chapter_1.rs"), "lsm::one_more(1), 2, \"the successor of 1\"", "1, 1");
    let said = world.xtask(&copy, &["test"]);
    said.ends_with(0).has("GREEN").has("suites that you edited: tests/week1/chapter_1.rs").has("not recorded");
    assert!(!read(&copy.join("course.toml")).contains("\"1.1\" ="));
    assert!(read(&copy.join("tests/week1/chapter_1.rs")).contains("1, 1"));
}

#[test]
fn warnings_and_what_a_failing_test_printed_are_shown() {
    let world = started();
    let copy = world.copy();
    let mine = "println!(\"number is {number}\"); Ok::<u8, u8>(1); number";
    replace(&copy.join("src/lib.rs"), "todo!(\"1.1: add one\")", mine);
    let said = world.xtask(&copy, &["test"]);
    said.ends_with(1).has("It printed:\n      number is 1\n").has("unused `Result` that must be used");
}

#[test]
fn a_wrong_command_is_told_apart_from_a_red_suite() {
    let world = World::new();
    world.xtask(&world.course(), &["test"]).ends_with(2).has("cargo xtask start");
    world.xtask(&world.course(), &["test", "4.1"]).ends_with(2).has("chapters are 1.1 to 1.7");
    world.xtask(&world.course(), &["test", "--dir", "week1"]).ends_with(2).has("no copy of the course");
    world.xtask(&world.course(), &["status"]).ends_with(0).has("no copy yet").has("Memtable");
    let help = world.xtask(&world.course(), &["--help"]);
    let first = help.text.lines().take(5).collect::<Vec<_>>().join("\n");
    assert!(first.contains("start ") && first.contains("test 1.3 ") && first.contains("--reference"), "{first}");
    assert_eq!(CHAPTER_2, read(&world.course().join("week1/tests/week1/chapter_2.rs")));
}
