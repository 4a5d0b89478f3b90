//! Seeking in a block, on blocks that are put together by the format.

use lsm::block::{Block, BlockIterator};

use super::allocations::longest_request;
use super::format::{Entry, current, decode, encode, encode_with, entry, fruits, numbered, rest, tombstone};

/// Every key, and targets just before and just after each: below all, between any two, above all.
fn targets(entries: &[Entry]) -> Vec<Vec<u8>> {
    let mut targets = vec![vec![], vec![0], vec![0xff; 9]];
    for (key, _) in entries {
        targets.push(key.clone());
        targets.push([&key[..], b"\0"].concat());
        targets.push([&key[..], b"\xff"].concat());
        if let Some((last, start)) = key.split_last() {
            targets.push(start.to_vec());
            targets.push([start, &[last.saturating_sub(1)]].concat());
            targets.push([start, &[last.saturating_add(1)]].concat());
        }
    }
    targets
}

/// Seeks `target` and demands the first entry at or after it, and behind it all others.
fn assert_seek(iterator: &mut BlockIterator, entries: &[Entry], target: &[u8], block: &str) {
    iterator.seek(target);
    let expected = &entries[entries.partition_point(|(key, _)| key.as_slice() < target)..];
    let key = |entry: &Entry| entry.0.escape_ascii().to_string();
    assert_eq!(
        current(iterator).as_ref().map(key),
        expected.first().map(key),
        "{block}: seek('{}') goes to the first key that is not less",
        target.escape_ascii()
    );
    let found = rest(iterator, entries.len());
    assert!(
        found == expected,
        "{block}: after seek('{}') a walk gives {:?}, expected {:?}",
        target.escape_ascii(),
        found.iter().map(key).collect::<Vec<_>>(),
        expected.iter().map(key).collect::<Vec<_>>()
    );
}

fn assert_every_seek(block: &[u8], entries: &[Entry], name: &str) {
    let decoded: Block = decode(block);
    let mut used: BlockIterator = BlockIterator::new(decoded.clone());
    for target in targets(entries) {
        assert_seek(&mut BlockIterator::new(decoded.clone()), entries, &target, name);
        assert_seek(&mut used, entries, &target, name);
    }
}

/// A seek goes to the entry with just this key, if there is one.
///
/// Hint: "at or after": the target itself counts.
///
/// Book: week1/3-blocks.md#task-4-seek
#[test]
fn seek_finds_a_key_that_is_there() {
    for interval in [1, 2, 4, 16] {
        let mut iterator: BlockIterator = BlockIterator::new(decode(&encode(&fruits(), interval)));
        for fruit in fruits() {
            iterator.seek(&fruit.0);
            assert_eq!(current(&iterator), Some(fruit), "a restart point every {interval} entries");
        }
    }
}

/// A seek between two keys goes to the greater one.
///
/// Hint: when the search by halves has ended, walk on while the key is less than the target.
///
/// Book: week1/3-blocks.md#task-4-seek
#[test]
fn seek_between_two_keys_goes_to_the_greater() {
    let entries = [entry("b", "1"), entry("d", "2"), entry("f", "3"), entry("h", "4")];
    for interval in 1..=5 {
        let mut iterator: BlockIterator = BlockIterator::new(decode(&encode(&entries, interval)));
        for (target, expected) in [("c", "d"), ("e", "f"), ("g", "h"), ("ba", "d"), ("dd", "f")] {
            iterator.seek(target.as_bytes());
            let found: &[u8] = iterator.key();
            assert_eq!(found, expected.as_bytes(), "seek('{target}'), a restart point every {interval} entries");
        }
    }
}

/// A seek below the first key goes to the first entry.
///
/// Hint: a search by halves may end at the first restart point without having looked at its key.
///
/// Book: week1/3-blocks.md#task-4-seek
#[test]
fn seek_below_all_keys_goes_to_the_first() {
    for interval in [1, 3, 16] {
        let mut iterator: BlockIterator = BlockIterator::new(decode(&encode(&fruits(), interval)));
        for target in [&b""[..], b"\0", b"a", b"ap"] {
            iterator.seek(target);
            assert_eq!(current(&iterator).as_ref(), fruits().first(), "seek('{}')", target.escape_ascii());
        }
    }
}

/// A seek above the last key ends the iterator, until it seeks again.
///
/// Hint: the walk from the last restart point runs into the end.
///
/// Book: week1/3-blocks.md#task-4-seek
#[test]
fn seek_above_all_keys_goes_to_the_end() {
    for interval in [1, 3, 16] {
        let mut iterator: BlockIterator = BlockIterator::new(decode(&encode(&fruits(), interval)));
        for target in [&b"cherry\0"[..], b"cherrz", b"d", b"\xff\xff\xff"] {
            iterator.seek(target);
            assert_eq!(current(&iterator), None, "seek('{}') finds nothing", target.escape_ascii());
            iterator.next();
            assert_eq!(current(&iterator), None, "next() after seek('{}')", target.escape_ascii());
            iterator.seek(b"cherry");
            assert_eq!(current(&iterator), Some(entry("cherry", "dark red")), "a seek back from the end");
        }
    }
}

/// A seek goes backward as well as forward.
///
/// Hint: a seek begins at a restart point, not where the iterator stands.
///
/// Book: week1/3-blocks.md#task-4-seek
#[test]
fn seek_goes_backward() {
    for interval in [1, 3, 16] {
        let mut iterator: BlockIterator = BlockIterator::new(decode(&encode(&fruits(), interval)));
        for fruit in fruits().into_iter().rev() {
            iterator.seek(&fruit.0);
            assert_eq!(current(&iterator), Some(fruit), "a seek backward, a restart point every {interval} entries");
        }
    }
}

/// A seek stops at a tombstone as at any other entry.
///
/// Hint: a deletion decides a lookup; whoever skips it finds an older value.
///
/// Book: week1/3-blocks.md#a-tombstone-is-not-an-empty-value
#[test]
fn seek_stops_at_a_tombstone() {
    let entries = [entry("a", "1"), tombstone("b"), entry("c", "3")];
    for interval in [1, 16] {
        let mut iterator: BlockIterator = BlockIterator::new(decode(&encode(&entries, interval)));
        iterator.seek(b"aa");
        assert_eq!(current(&iterator), Some(tombstone("b")));
    }
}

/// From every target, in a block with every interval of restart points, a seek and the walk after it are right.
///
/// Hint: entries between restart points have shortened keys: only a walk from a restart point puts them together.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn seeks_work_with_restart_points_far_apart() {
    for interval in 1..=10 {
        let name = format!("nine entries, a restart point every {interval}");
        assert_every_seek(&encode(&fruits(), interval), &fruits(), &name);
    }
}

/// With one restart point, two, or many, the search ends in the right stretch of entries.
///
/// Hint: count the restart points, not the entries; the last stretch may be shorter.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn seeks_work_with_any_number_of_restart_points() {
    for count in 1..=18 {
        let entries = numbered(count);
        for interval in [1, 3, 5] {
            let name = format!("{count} entries, a restart point every {interval}");
            assert_every_seek(&encode(&entries, interval), &entries, &name);
        }
    }
}

/// Restart points need not be evenly spaced.
///
/// Hint: where a stretch ends is told by the keys, not by a count.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn seeks_work_with_uneven_restart_points() {
    for pattern in 0..256_usize {
        let is_restart = |index: usize| pattern >> (index - 1) & 1 == 1;
        let entries = fruits();
        let block = encode_with(&entries, 3, is_restart);
        let decoded: Block = decode(&block);
        let mut iterator: BlockIterator = BlockIterator::new(decoded);
        for target in ["", "app", "applesauce", "applet", "band", "bandit", "cherry", "d"] {
            assert_seek(&mut iterator, &entries, target.as_bytes(), &format!("restart points {pattern:08b}"));
        }
    }
}

/// Keys compare as plain bytes without a sign: a prefix comes first, and 80 is above 7f.
///
/// Hint: slices of u8 compare just so.
///
/// Book: week1/3-blocks.md#task-4-seek
#[test]
fn seeks_compare_plain_bytes() {
    let keys: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\0\0",
        b"\0\x01",
        b"\x01",
        b"\x7f",
        b"\x7f\xff",
        b"\x80",
        b"\x80\0",
        b"\xfe",
        b"\xff",
        b"\xff\xff",
    ];
    let entries: Vec<Entry> = keys.iter().map(|key| (key.to_vec(), Some(b"v".to_vec()))).collect();
    for interval in [1, 2, 3, 16] {
        assert_every_seek(&encode(&entries, interval), &entries, &format!("a restart point every {interval} entries"));
    }
}

/// A seek reads the entries of one stretch, those between two restart points, and no others on its way: neither from the
/// first entry on, nor from where the iterator stands.
///
/// Hint: the restart points tell where the stretch begins, wherever the iterator stands and also when it is new; the
/// failing seek walked there, and put together a long key that lies between.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn seeks_do_not_read_the_whole_block() {
    // Each stretch of eight entries begins with a short key. One entry, behind the third of its stretch, has a long one.
    // Whoever walks over it asks for memory for its key; whoever looks at restart points does not.
    const LONG: usize = 1 << 20;
    let stretches = 40;
    let first_key = |stretch: usize| numbered(8 * stretches)[8 * stretch].0.clone();
    for long in [0, 13, stretches - 2] {
        let mut entries = numbered(8 * stretches);
        entries[8 * long + 3].0.resize(LONG, b'x');
        let block: Block = decode(&encode(&entries, 8));
        let away = |stretch: &usize| *stretch != long;
        for from in (0..stretches).step_by(6).filter(away) {
            for to in (0..stretches).step_by(5).filter(away) {
                let mut iterator: BlockIterator = BlockIterator::new(block.clone());
                for (stretch, place) in [(from, "is new"), (to, "stands on another entry")] {
                    let target = [&first_key(stretch)[..], b"!"].concat();
                    let ((), asked) = longest_request(|| iterator.seek(&target));
                    assert!(
                        asked < LONG / 2,
                        "seek('{}') on an iterator that {place} asked for {asked} bytes of memory at once: it read the entry \
                         with the long key, '{}…', which is in another stretch",
                        target.escape_ascii(),
                        first_key(long).escape_ascii()
                    );
                    let expected = entries[8 * stretch + 1].0.escape_ascii().to_string();
                    assert_eq!(
                        iterator.key().escape_ascii().to_string(),
                        expected,
                        "seek('{}')",
                        target.escape_ascii()
                    );
                }
            }
        }
    }
}
