//! `next`, on a course of two weeks.

use super::world::{World, read, replace, write};

const REFERENCE: &str = r#"//! A tiny engine.

//@ 2.1
mod level;

use std::fmt;
//@ 2.1
use std::collections::BTreeMap;

//@ 2.1
pub use level::Level;

/// Counts.
#[derive(Debug)]
pub struct Counter {
    pub count: u64,
    //@ 2.1
    /// What is counted in each level.
    pub levels: BTreeMap<u8, Level>,
}

impl Counter {
    /// Begins at a number.
    pub fn begin(count: u64) -> Counter {
        //@ 1.1: a counter with this count
        Counter {
            count,
            //@ 2.1
            levels: BTreeMap::new(),
        }
    }

    /// Counts one more, and gives the new count.
    pub fn add(&mut self) -> u64 {
        //@ 1.1: count
        self.count += 1;
        //@ 1.2: tell who listens
        self.listen();
        //@ 2.1: in the lowest level too
        self.levels.entry(0).or_default().count += 1;
        //@ 1.1
        self.count
    }

    /// Gives the count and begins anew.
    pub fn take(&mut self) -> u64 {
        //@ 1.2: give the count, and set it to zero
        let count = self.count;
        //@ 2.1: and the levels' counts
        self.levels.clear();
        //@ 1.2
        self.count = 0;
        count
    }

    /// What is given.
    pub fn is_new(&self) -> bool {
        //@ 2.1
        //- self.count == 0
        self.count == 0 && self.levels.is_empty()
    }

    //@ 2.1
    /// How much is counted in a level.
    pub fn level(&self, number: u8) -> u64 {
        //@ 2.1: look it up
        self.levels.get(&number).map_or(0, |level| level.count)
    }

    //@ 1.2 only
    fn listen(&self) {}
}

impl fmt::Display for Counter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.count)
    }
}
"#;

const LEVEL: &str = "//@ 2.1\n//! A level. Chapter 2.1.\n\n/// A level's count.\n#[derive(Debug, Default)]\npub struct Level {\n    pub count: u64,\n}\n";

fn suite(name: &str, test: &str) -> String {
    format!(
        "//! A chapter.\n\n/// It {name}.\n#[test]\nfn {name}() {{\n    let mut counter = lsm::Counter::begin(3);\n    {test}\n}}\n"
    )
}

/// A course of two weeks.
fn two_weeks() -> World {
    let world = World::new();
    let course = world.course();
    let suites = [
        (
            "week1",
            "chapter_1",
            suite("begins", "counter.add();\n    assert_eq!((counter.count, counter.is_new()), (4, false));"),
        ),
        ("week1", "chapter_2", suite("takes", "assert_eq!((counter.take(), counter.count), (3, 0));")),
        ("week2", "chapter_1", suite("levels", "counter.add();\n    assert_eq!(counter.level(0), 1);")),
    ];
    for (week, chapter, text) in suites {
        write(&course.join(format!("{week}/tests/{week}/{chapter}.rs")), &text);
    }
    let mut main = "//! The suites of week 1.\n\n".to_owned();
    for day in 1..=7 {
        main.push_str(&format!("mod chapter_{day};\n"));
        if day > 2 {
            write(
                &course.join(format!("week1/tests/week1/chapter_{day}.rs")),
                &suite("goes_on", "counter.count += 1;"),
            );
        }
    }
    write(&course.join("week1/tests/week1/main.rs"), &main);
    write(&course.join("week2/tests/week2/main.rs"), "//! The suites of week 2.\n\nmod chapter_1;\n");
    write(&course.join("reference-solution/src/lib.rs"), REFERENCE);
    write(&course.join("reference-solution/src/level.rs"), LEVEL);
    write(&course.join("Cargo.lock"), "version = 4\n\n[[package]]\nname = \"lsm\"\nversion = \"0.1.0\"\n");
    world.xtask(&course, &["weave"]).ends_with(0);
    world
}

/// A copy in which week 1 is written, in another way than the reference's, and passed.
fn with_week_1_done() -> World {
    let world = two_weeks();
    world.xtask(&world.course(), &["start"]).ends_with(0);
    let lib = world.copy().join("src/lib.rs");
    replace(&lib, "todo!(\"1.1: a counter with this count\")", "let start = count;\n        Counter { count: start }");
    replace(
        &lib,
        "        // 1.2: tell who listens\n        todo!(\"1.1: count\")\n",
        "        self.bump(1);\n        self.count\n    }\n\n    // How I do it.\n    fn bump(&mut self, by: u64) {\n        self.count += by;\n",
    );
    replace(&lib, "todo!(\"1.2: give the count, and set it to zero\")", "std::mem::replace(&mut self.count, 0)");
    world.xtask(&world.copy(), &["test", "--all", "1.7"]).ends_with(0).has("`cargo xtask next` brings week 2");
    world
}

/// What `next` makes of the learner's code.
const MERGED: &str = r#"//! A tiny engine.

mod level;

use std::collections::BTreeMap;
use std::fmt;

pub use level::Level;

/// Counts.
#[derive(Debug)]
pub struct Counter {
    pub count: u64,
    /// What is counted in each level.
    pub levels: BTreeMap<u8, Level>,
}

impl Counter {
    /// Begins at a number.
    pub fn begin(count: u64) -> Counter {
        let start = count;
        Counter {
            count: start,
            levels: BTreeMap::new(),
        }
    }

    /// Counts one more, and gives the new count.
    pub fn add(&mut self) -> u64 {
        self.bump(1);
        self.count
    }

    // How I do it.
    fn bump(&mut self, by: u64) {
        self.count += by;
    }

    /// Gives the count and begins anew.
    pub fn take(&mut self) -> u64 {
        // 2.1: and the levels' counts
        std::mem::replace(&mut self.count, 0)
    }

    /// What is given.
    pub fn is_new(&self) -> bool {
        self.count == 0
    }

    /// How much is counted in a level.
    pub fn level(&self, number: u8) -> u64 {
        todo!("2.1: look it up")
    }
}
"#;

#[test]
fn week_2_comes_into_code_of_ones_own() {
    let world = with_week_1_done();
    let copy = world.copy();
    world.xtask(&copy, &["status"]).has("`cargo xtask next` brings week 2");
    world.xtask(&copy, &["test", "2.1"]).ends_with(2).has("`cargo xtask next` brings week 2");
    let mine = read(&copy.join("src/lib.rs"));

    let said = world.xtask(&copy.join("src"), &["next"]);
    said.ends_with(0).has("Week 2 is here.").has("Save my work before week 2").has("a task is in TASKS.md");
    said.has("GREEN. Chapter 1.1").has("GREEN. Chapter 1.2").has("RED. Chapter 2.1").has("green as before");
    said.has("lib.rs:41: and the levels' counts")
        .has("my-lsm/TASKS.md:5: `Counter::add` in src/lib.rs: in the lowest level too");
    let merged = read(&copy.join("src/lib.rs"));
    assert!(merged.starts_with(MERGED), "{merged}");
    assert!(copy.join("src/level.rs").is_file() && copy.join("tests/week2/chapter_1.rs").is_file());
    assert!(read(&copy.join("Cargo.toml")).contains("name = \"week2\""));
    assert!(read(&copy.join("course.toml")).contains("handed_out = \"1.1\"\nweek = 2\n"));
    assert_eq!(world.git(&copy, &["show", "HEAD^:src/lib.rs"]), mine);
    let starter = world.git(&copy, &["show", "course:src/lib.rs"]);
    assert!(
        starter.contains("todo!(\"1.1: count\")") && starter.contains("        // 2.1: in the lowest level too\n"),
        "{starter}"
    );

    // From now on the copy has two weeks.
    world.xtask(&copy, &["next"]).ends_with(2).has("no week 3 yet");
    world.xtask(&copy, &["update"]).ends_with(0).has("nothing new");
    replace(
        &world.course().join("reference-solution/src/lib.rs"),
        "/// How much is counted",
        "/// How many are counted",
    );
    replace(&world.course().join("week2/tests/week2/chapter_1.rs"), "It levels", "It counts in levels");
    world.xtask(&copy, &["status"]).ends_with(0).has("newer suites for 2.1").has("next");
    world.xtask(&copy, &["update"]).ends_with(0).has("merged into yours").has_not("TASKS.md");
    let lib = copy.join("src/lib.rs");
    assert!(read(&lib).contains("/// How many are counted") && read(&lib).contains("self.bump(1);"));
    replace(&lib, "todo!(\"2.1: look it up\")", "self.levels.get(&number).map_or(0, |level| level.count)");
    replace(&lib, "self.bump(1);", "self.bump(1);\n        self.levels.entry(0).or_default().count += 1;");
    world.xtask(&copy, &["test"]).ends_with(0).has("GREEN. Chapter 2.1");
    world.xtask(&copy, &["status"]).has("passed 20");
}

#[test]
fn what_is_not_passed_is_named_and_one_can_go_on_anyway() {
    let world = two_weeks();
    world.xtask(&world.course(), &["start"]).ends_with(0);
    let copy = world.copy();
    let before = world.git(&copy, &["rev-parse", "HEAD"]);
    world.xtask(&copy, &["next"]).ends_with(1).has("not passed yet: 1.1, 1.2, 1.3").has("--anyway");
    assert_eq!(world.git(&copy, &["rev-parse", "HEAD"]), before);

    world.git(&copy, &["switch", "--quiet", "-c", "mine"]);
    world
        .xtask(&copy, &["next", "--anyway"])
        .ends_with(0)
        .has("Week 2 is here.")
        .has("RED. Chapter 2.1")
        .has_not("TASKS.md");
    assert_eq!(world.git(&copy, &["rev-parse", "HEAD:src"]), world.git(&copy, &["rev-parse", "course:src"]));
    world.xtask(&copy, &["test", "1.1"]).ends_with(1).has("1.1").has("count").has_not("does not compile");
    assert!(read(&copy.join("src/lib.rs")).contains("self.count == 0\n"), "an old line stands until its chapter");
}

#[test]
fn it_can_be_taken_back_and_done_again() {
    let world = with_week_1_done();
    let copy = world.copy();
    let lib = copy.join("src/lib.rs");
    // The course changes the second of these lines too.
    replace(&lib, "    pub count: u64,", "    pub count: u64,\n    pub mine: u8,");
    replace(&lib, "Counter { count: start }", "Counter { count: start, mine: 1 }");
    replace(&lib, "/// What is given.\n", "/// What I changed.\n");
    replace(
        &world.course().join("reference-solution/src/lib.rs"),
        "/// What is given.\n",
        "/// What is given to all.\n",
    );
    let said = world.xtask(&copy, &["next"]);
    said.ends_with(0).has("Yours stand").has("    `Counter::is_new` in src/lib.rs\n").has("green as before");
    assert!(read(&lib).contains("Counter { count: start, mine: 1, levels: BTreeMap::new() }"), "{}", read(&lib));
    assert!(read(&copy.join("TASKS.md")).contains("  -    /// What is given.\n  +    /// What is given to all.\n"));

    world.git(&copy, &["reset", "--quiet", "--hard", "HEAD^"]);
    assert!(!copy.join("src/level.rs").exists() && !copy.join("tests/week2").exists());
    world.xtask(&copy, &["status"]).has("`cargo xtask next` brings week 2");
    world.xtask(&copy, &["next"]).ends_with(0).has("Week 2 is here.").has_not("Save my work");
}

#[cfg(unix)]
#[test]
fn without_git_or_rustfmt_it_says_what_to_do() {
    let world = with_week_1_done();
    let copy = world.copy();
    world.xtask_without(&["git"], &copy, &["next"]).ends_with(2).has("install it first");
    world.xtask_without(&["rustfmt"], &copy, &["next"]).ends_with(2).has("rustup component add rustfmt");
    std::fs::rename(copy.join(".git"), world.elsewhere().join("git")).unwrap();
    world.xtask(&copy, &["next"]).ends_with(2).has("not a git repository of its own");
}
