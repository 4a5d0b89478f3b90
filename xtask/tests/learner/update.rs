//! `update`.

use super::world::{STARTER, World, read, replace, write};

const MINE: &str = "let one = 1;\n    number + one";

/// A copy in which chapter 1.1 is written, not yet committed.
fn at_work() -> World {
    let world = World::new();
    world.xtask(&world.course(), &["start"]).ends_with(0);
    replace(&world.copy().join("src/lib.rs"), "todo!(\"1.1: add one\")", MINE);
    world
}

fn course_file(world: &World, file: &str) -> std::path::PathBuf {
    world.course().join("week1").join(file)
}

#[test]
fn a_signature_and_a_stub_arrive_and_own_work_stays() {
    let world = at_work();
    let copy = world.copy();
    write(&copy.join("src/mine.rs"), "// mine\n");
    world.xtask(&copy, &["test"]).ends_with(0);
    world.xtask(&copy, &["update"]).ends_with(0).has("committed now").has("nothing new");

    replace(&course_file(&world, "src/lib.rs"), "pub fn one_more(number: u8)", "pub const fn one_more(number: u8)");
    let stub = "\n/// None.\npub fn none() -> u8 {\n    todo!(\"1.2: give none\")\n}\n";
    let new = read(&course_file(&world, "src/lib.rs")) + stub;
    write(&course_file(&world, "src/lib.rs"), &new);
    replace(&course_file(&world, "tests/week1/chapter_2.rs"), "twice(2), 4", "twice(4), 8");
    world.xtask(&copy, &["status"]).has("newer suites for 1.2:");
    world.xtask(&copy, &["test", "1.1"]).ends_with(0).has_not("newer suites");
    let said = world.xtask(&copy.join("src"), &["update"]);
    said.ends_with(0).has("merged into yours").has_not("committed now");

    let mine = read(&copy.join("src/lib.rs"));
    assert!(
        mine.contains("pub const fn one_more(number: u8) -> u8 {\n    let one = 1;\n    number + one\n}"),
        "{mine}"
    );
    assert!(mine.contains("todo!(\"1.2: give none\")"), "{mine}");
    assert_eq!(read(&copy.join("src/mine.rs")), "// mine\n");
    assert!(read(&copy.join("tests/week1/chapter_2.rs")).contains("twice(4), 8"));
    assert!(read(&copy.join("course.toml")).contains("\"1.1\" = "), "progress stays");
    assert_eq!(world.git(&copy, &["status", "--porcelain"]), "");
    assert_eq!(world.git(&copy, &["rev-list", "--parents", "-1", "HEAD"]).split_whitespace().count(), 3);
    world.xtask(&copy, &["status"]).has_not("newer suites").has_not("that you edited");
    world.xtask(&copy, &["update"]).ends_with(0).has("nothing new");
}

#[test]
fn a_task_whose_place_is_gone_goes_to_tasks_md() {
    let world = at_work();
    let copy = world.copy();
    let new = "// 1.2: count the calls,\n    //      all of them\n    todo!(\"1.1: add just one\")";
    replace(&course_file(&world, "src/lib.rs"), "todo!(\"1.1: add one\")", new);
    let said = world.xtask(&copy, &["update"]);
    said.ends_with(0).has("2 tasks are in TASKS.md");
    assert!(read(&copy.join("src/lib.rs")).contains(MINE));
    let tasks = read(&copy.join("TASKS.md"));
    assert!(tasks.contains("- 1.2, `one_more` in src/lib.rs: count the calls, all of them\n"), "{tasks}");
    assert_eq!(world.git(&copy, &["status", "--porcelain"]), "");

    // A second update adds to the file, and says nothing twice.
    replace(&course_file(&world, "src/lib.rs"), "count the calls", "count all calls");
    world.xtask(&copy, &["update"]).ends_with(0);
    let again = read(&copy.join("TASKS.md"));
    assert!(again.starts_with(&tasks) && again.matches("count all calls").count() == 1, "{again}");
}

#[test]
fn of_lines_that_both_changed_the_learners_stand_and_the_courses_are_noted() {
    let world = at_work();
    let copy = world.copy();
    replace(&course_file(&world, "src/lib.rs"), "todo!(\"1.1: add one\")", "given(number)");
    let said = world.xtask(&copy, &["update"]);
    said.ends_with(0).has("Yours stand").has("`one_more` in src/lib.rs").has("committed now").has("git reset --hard");
    assert_eq!(read(&copy.join("src/lib.rs")), STARTER.replace("todo!(\"1.1: add one\")", MINE));
    let notes = read(&copy.join("TASKS.md"));
    assert!(notes.contains("- `one_more` in src/lib.rs: you and the course changed the same lines"), "{notes}");
    assert!(notes.contains("  -    todo!(\"1.1: add one\")\n  +    given(number)\n  ```\n"), "{notes}");
    assert_eq!(world.git(&copy, &["status", "--porcelain"]), "");
    world.xtask(&copy, &["update"]).ends_with(0).has("nothing new");

    world.git(&copy, &["reset", "--quiet", "--hard", "HEAD^"]);
    assert!(read(&copy.join("src/lib.rs")).contains(MINE) && !copy.join("TASKS.md").exists());
    world.xtask(&copy, &["update"]).ends_with(0).has("Yours stand").has_not("committed now");
}

#[test]
fn a_merge_of_ones_own_is_left_alone() {
    let world = at_work();
    let copy = world.copy();
    world.git(&copy, &["commit", "--quiet", "-a", "-m", "mine"]);
    world.git(&copy, &["switch", "--quiet", "-c", "other", "HEAD^"]);
    world.git(&copy, &["commit", "--quiet", "--allow-empty", "-m", "other"]);
    world.git(&copy, &["merge", "--quiet", "--no-commit", "--no-ff", "main"]);
    world.xtask(&copy, &["update"]).ends_with(2).has("a merge is under way");
}

#[test]
fn a_file_that_the_learner_moved_is_merged_where_it_lies() {
    let world = World::new();
    let module = |text: &str| format!("//! A module.\n\n/// One.\npub fn one() -> u8 {{\n    {text}\n}}\n");
    write(&course_file(&world, "src/part.rs"), &module("1"));
    world.xtask(&world.course(), &["start"]).ends_with(0);
    let copy = world.copy();
    world.git(&copy, &["mv", "src/part.rs", "src/mine.rs"]);
    write(&copy.join("src/mine.rs"), &module("1 + 0"));
    write(&course_file(&world, "src/part.rs"), &module("1").replace("/// One.", "/// Just one."));
    world.xtask(&copy, &["update"]).ends_with(0).has_not("TASKS.md");
    assert_eq!(read(&copy.join("src/mine.rs")), module("1 + 0").replace("/// One.", "/// Just one."));
    assert!(!copy.join("src/part.rs").exists());
}

#[test]
fn an_edited_suite_stays_until_it_is_restored() {
    let world = at_work();
    let copy = world.copy();
    let suite = copy.join("tests/week1/chapter_1.rs");
    replace(&suite, "one_more(1), 2", "one_more(5), 6");
    replace(&course_file(&world, "tests/week1/chapter_1.rs"), "one_more(1), 2", "one_more(7), 8");
    replace(&course_file(&world, "tests/week1/main.rs"), "The suites", "All suites");
    let said = world.xtask(&copy, &["update"]);
    said.ends_with(0).has("stay as they are: tests/week1/chapter_1.rs");
    assert!(read(&suite).contains("one_more(5), 6"));
    assert_eq!(read(&copy.join("tests/week1/main.rs")), "//! All suites of week 1.\n\nmod chapter_1;\n");
    world.xtask(&copy, &["test"]).ends_with(0).has("suites that you edited");

    let said = world.xtask(&copy, &["update", "--restore"]);
    said.ends_with(0).has("are back in place of yours: tests/week1/chapter_1.rs");
    assert!(read(&suite).contains("one_more(7), 8"));
    assert!(world.git(&copy, &["log", "-p", "--format=", "--", "tests"]).contains("one_more(5), 6"));
    world.xtask(&copy, &["test"]).ends_with(0).has_not("suites that you edited");
    assert!(read(&copy.join("course.toml")).contains("\"1.1\" = "));
}

#[test]
fn a_clone_and_a_branch_of_ones_own_are_updated_too() {
    let world = at_work();
    world.xtask(&world.copy(), &["update"]).ends_with(0);
    let clone = world.elsewhere().join("clone");
    world.git(&world.elsewhere(), &["clone", "--quiet", world.copy().to_str().unwrap(), "clone"]);
    world.git(&clone, &["switch", "--quiet", "-c", "try"]);
    replace(&course_file(&world, "src/lib.rs"), "//! A tiny engine.", "//! An engine.");
    world.xtask(&clone, &["update"]).ends_with(0).has("merged into yours");
    assert!(read(&clone.join("src/lib.rs")).starts_with("//! An engine."));
    world.git(&clone, &["switch", "--quiet", "course"]);
    world.xtask(&clone, &["update"]).ends_with(2).has("`git switch main`");
}
