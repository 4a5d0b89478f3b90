//! Sources that fail in the middle of a merge.

use std::rc::Rc;

use lsm::{MergeIterator, Result, StorageIterator};

use super::fake::{Control, FakeSource, is_failure_of};
use super::{current, entries, entry, walk};

/// A merge of three sources named newest, middle and oldest, and their controls.
fn three_sources() -> (MergeIterator<FakeSource>, [Rc<Control>; 3]) {
    let (newest, newest_control) = FakeSource::new("newest", &[("a", Some("1")), ("c", Some("3")), ("d", Some("4"))]);
    let (middle, middle_control) = FakeSource::new("middle", &[("b", Some("2")), ("c", Some("x")), ("e", Some("5"))]);
    let (oldest, oldest_control) = FakeSource::new("oldest", &[("c", Some("y")), ("f", Some("6"))]);
    let merge = MergeIterator::new(vec![newest, middle, oldest]);
    (merge, [newest_control, middle_control, oldest_control])
}

const ALL: [(&str, Option<&str>); 6] =
    [("a", Some("1")), ("b", Some("2")), ("c", Some("3")), ("d", Some("4")), ("e", Some("5")), ("f", Some("6"))];

fn steps(merge: &mut MergeIterator<FakeSource>, count: usize) {
    for step in 1..=count {
        merge.next().unwrap_or_else(|error| panic!("step {step} failed before any source did: {error}"));
    }
}

fn calls(controls: &[Rc<Control>; 3]) -> usize {
    controls.iter().map(|control| control.calls()).sum()
}

/// What must hold after an error: the merge is not valid, `next` does nothing and moves no source.
fn check_it_is_over(merge: &mut MergeIterator<FakeSource>, controls: &[Rc<Control>; 3], after: &str) {
    assert_eq!(current(merge), None, "where the merge stands after {after}");
    let before = calls(controls);
    for _ in 0..3 {
        let outcome: Result<()> = merge.next();
        assert!(
            outcome.is_ok(),
            "next() after {after}: the error is returned once, by the call that met it: {outcome:?}"
        );
        assert_eq!(current(merge), None, "where the merge stands after {after} and next()");
    }
    assert_eq!(calls(controls), before, "calls of the sources by next() after {after}: none must be moved");
}

/// A source that fails ends the merge: `next` returns that very error, and the merge is not valid, although other
/// sources still hold entries.
///
/// Hint: what the others hold could be hidden by what the failed source did not give.
///
/// Book: week1/2-merge-iterators.md#after-an-error
#[test]
fn an_error_ends_the_merge() {
    let (mut merge, controls) = three_sources();
    controls[0].steps_until_failure.set(Some(0));
    let outcome: Result<()> = merge.next();
    assert!(
        is_failure_of(&outcome, "newest", 1),
        "the newest source failed in its first step; next() gave {outcome:?}"
    );
    check_it_is_over(&mut merge, &controls, "the newest source's failure");
}

/// The error of an older source is not lost when its entry is only stepped over.
///
/// Hint: a source that is stepped over because a newer one has the same key can fail like any other.
///
/// Book: week1/2-merge-iterators.md#after-an-error
#[test]
fn an_error_while_stepping_over_is_not_lost() {
    for (age, name, good_steps) in [(1, "middle", 1), (2, "oldest", 0)] {
        let (mut merge, controls) = three_sources();
        controls[age].steps_until_failure.set(Some(good_steps));
        steps(&mut merge, 2);
        assert_eq!(current(&merge), Some(entry("c", Some("3"))), "after two steps, on c, which all sources have");
        let outcome: Result<()> = merge.next();
        assert!(
            is_failure_of(&outcome, name, 1),
            "the {name} source failed at its c, a shadowed one; next() gave {outcome:?}"
        );
        check_it_is_over(&mut merge, &controls, &format!("the {name} source's failure at c"));
    }
}

/// The failure of the last source that has entries is an error, not the end.
///
/// Hint: a source that failed is not valid, like one that has ended; only the outcome of its `next` tells them apart.
///
/// Book: week1/2-merge-iterators.md#after-an-error
#[test]
fn an_error_is_not_the_end() {
    let (mut merge, controls) = three_sources();
    controls[2].steps_until_failure.set(Some(1));
    steps(&mut merge, 5);
    assert_eq!(current(&merge), Some(entry("f", Some("6"))), "after five steps, on the last key");
    let outcome: Result<()> = merge.next();
    assert!(
        is_failure_of(&outcome, "oldest", 1),
        "the oldest source failed at its last entry; next() gave {outcome:?}"
    );
    check_it_is_over(&mut merge, &controls, "the oldest source's failure at f");
}

/// A seek that succeeds after a failed step brings all sources back, in their order of age.
///
/// Hint: after an error keep all sources, idle; a seek starts with all of them.
///
/// Book: week1/2-merge-iterators.md#after-an-error
#[test]
fn a_seek_revives_a_merge_after_a_failed_step() {
    for failing in 0..3 {
        let (mut merge, controls) = three_sources();
        controls[failing].steps_until_failure.set(Some(0));
        let failed = (0..6).find_map(|_| merge.next().err());
        assert!(failed.is_some(), "source {failing} failed in its first step, and no next() returned the error");
        merge.seek(b"b\0").expect("a seek in sources that work again");
        assert_eq!(walk(&mut merge), entries(&ALL[2..]), "the walk after source {failing}'s failure and seek(b\\0)");
        merge.seek(b"").expect("a seek in sources that work again");
        assert_eq!(walk(&mut merge), entries(&ALL), "the walk after source {failing}'s failure and seek(\"\")");
    }
}

/// A seek that fails in one source returns that error and leaves the merge not valid, wherever it stood before.
///
/// Hint: no source may stay in the heap: some have moved to the target, others have not.
///
/// Book: week1/2-merge-iterators.md#after-an-error
#[test]
fn a_failed_seek_ends_the_merge() {
    for (failing, name) in ["newest", "middle", "oldest"].into_iter().enumerate() {
        // After four steps and more, some sources have ended while others still stand on an entry.
        for steps_before in 0..=6 {
            let (mut merge, controls) = three_sources();
            steps(&mut merge, steps_before);
            controls[failing].seeks_until_failure.set(Some(0));
            let outcome: Result<()> = merge.seek(b"b");
            let when = format!("the {name} source's failure in seek(b), after {steps_before} steps");
            assert!(is_failure_of(&outcome, name, 2), "{when}: seek() gave {outcome:?}");
            check_it_is_over(&mut merge, &controls, &when);
        }
    }
}

/// Checks that of three sources that would all fail, one was asked, and its failure is the outcome.
fn check_only_one_was_asked(outcome: &Result<()>, asked: [usize; 3], call: u64, when: &str) {
    assert_eq!(
        asked.iter().sum::<usize>(),
        1,
        "{when}: calls of newest, middle and oldest were {asked:?}, not one in all"
    );
    let name = ["newest", "middle", "oldest"][asked.iter().position(|calls| *calls == 1).unwrap_or(0)];
    assert!(is_failure_of(outcome, name, call), "{when}: the {name} source failed; the merge gave {outcome:?}");
}

/// At the first error `next` and `seek` stop: that error is returned, and no other source is touched in that call.
///
/// Hint: an error leaves the loop over the sources at once.
///
/// Book: week1/2-merge-iterators.md#after-an-error
#[test]
fn nothing_is_moved_after_the_first_error() {
    let (mut merge, controls) = three_sources();
    steps(&mut merge, 2);
    let steps_so_far = controls.each_ref().map(|control| control.steps.get());
    controls.iter().for_each(|control| control.steps_until_failure.set(Some(0)));
    let outcome: Result<()> = merge.next();
    let asked = std::array::from_fn(|age| controls[age].steps.get() - steps_so_far[age]);
    check_only_one_was_asked(&outcome, asked, 1, "next() over c, where every source fails");
    for steps_before in 0..=6 {
        let (mut merge, controls) = three_sources();
        steps(&mut merge, steps_before);
        controls.iter().for_each(|control| control.seeks_until_failure.set(Some(0)));
        let outcome: Result<()> = merge.seek(b"b");
        let asked = controls.each_ref().map(|control| control.seeks.get());
        let when = format!("seek(b) after {steps_before} steps, where every source fails");
        check_only_one_was_asked(&outcome, asked, 2, &when);
    }
}

/// After a failed seek a seek that succeeds brings all sources back, also those that the failed one did not reach.
///
/// Hint: a failed seek must not lose a source.
///
/// Book: week1/2-merge-iterators.md#after-an-error
#[test]
fn a_seek_revives_a_merge_after_a_failed_seek() {
    for failing in 0..3 {
        for steps_before in 0..=6 {
            let (mut merge, controls) = three_sources();
            steps(&mut merge, steps_before);
            controls[failing].seeks_until_failure.set(Some(0));
            assert!(merge.seek(b"d").is_err(), "source {failing} failed in seek(d), and the merge's seek did not");
            merge.seek(b"c").expect("a seek in sources that work again");
            let after = format!("{steps_before} steps, source {failing}'s failure in seek(d), and seek(c)");
            assert_eq!(walk(&mut merge), entries(&ALL[2..]), "the walk after {after}");
        }
    }
}
