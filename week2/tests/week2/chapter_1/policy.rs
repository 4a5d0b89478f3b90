//! What a compaction leaves out.

use lsm::compaction::{DropPolicy, Shape};
use lsm::{UserPart, whole_key};

use super::fixture::{first_four, tree};

/// Whether a tombstone with this key is kept, and that a value with it is.
fn keeps_tombstone(shape: &Shape, target: usize, user_part: UserPart, key: &str) -> bool {
    let mut policy: DropPolicy<'_> = DropPolicy::new(shape, target, user_part);
    let keeps_value: bool = policy.keeps(key.as_bytes(), Some(b"value"));
    assert!(keeps_value, "a value is kept, here of {key} in a compaction into level {target}");
    let keeps_empty: bool = policy.keeps(key.as_bytes(), Some(b""));
    assert!(keeps_empty, "an empty value is a value, here of {key} in a compaction into level {target}");
    policy.keeps(key.as_bytes(), None)
}

/// A tombstone is kept where a level below the target may hold its key, and nowhere else. A value is always kept.
///
/// Hint: what lies in the target or above is merged or newer. Ask the shape what may be below.
///
/// Book: week2/1-compaction.md#what-may-be-left-out
#[test]
fn a_tombstone_is_kept_above_what_it_may_hide() {
    let shape: Shape = tree(&["9:a-z", "1:c-f 2:m-n", "3:a-z", "4:e-g 5:p-p"]);
    let cases = [
        (1, "c", true),
        (1, "z", true),
        (2, "c", false),
        (2, "e", true),
        (2, "g", true),
        (2, "h", false),
        (3, "e", false),
    ];
    for (target, key, expected) in cases {
        let found: bool = keeps_tombstone(&shape, target, whole_key, key);
        assert_eq!(found, expected, "whether a compaction into level {target} keeps a tombstone of {key}");
    }
}

/// The policy asks the shape for the key's user part: shapes are in user keys.
///
/// Hint: `(self.user_part)(key)`.
///
/// Book: week2/1-compaction.md#what-may-be-left-out
#[test]
fn the_policy_asks_for_user_keys() {
    let shape: Shape = tree(&["", "", "1:bbbb-dddd"]);
    let cases = [("bbbb", true), ("dddd7", true), ("dddd", true), ("ddde0", false), ("bbba9", false), ("eeee1", false)];
    for (key, expected) in cases {
        let found: bool = keeps_tombstone(&shape, 1, first_four, key);
        assert_eq!(found, expected, "whether a tombstone of {key} is kept, above user keys bbbb to dddd");
    }
}
