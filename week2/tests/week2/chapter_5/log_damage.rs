//! Reading a log that is broken where it was durable: damage that must not pass for a torn end.

use lsm::Result;
use lsm::disk::SimDisk;
use lsm::log::{LogContents, LogWriter};

use super::support::{
    HEADER, LOG, MARK, NUMBER, RECORD, assert_broken, contents_of, create_log, frame, push, push_mark, read, read_bytes,
};
use crate::support::longest_request;

/// A frame of a log: where it begins, and what it says if it is a mark.
type Frame = (usize, Option<usize>);

/// Records, each followed by a sync's mark, and one at the end that was not synced.
fn synced() -> (Vec<u8>, Vec<Frame>) {
    let mut log = Vec::new();
    let mut frames = Vec::new();
    for record in [&b"apple"[..], b"", b"a longer record"] {
        frames.push((push(&mut log, RECORD, record), None));
        let durable = log.len();
        frames.push((push_mark(&mut log, durable), Some(durable)));
    }
    frames.push((push(&mut log, RECORD, b"unsynced"), None));
    (log, frames)
}

/// A flipped bit in what a later mark vouches for is `Corruption`, with the file and the damaged frame's offset. In what
/// none vouches for, it is the torn end.
///
/// Hint: when a frame is not good, look at every offset behind it for a good mark. If one says that more bytes were
/// durable than stand before the bad frame, that frame was durable.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn a_flipped_bit_in_what_was_durable_is_corruption() {
    let (log, frames) = synced();
    for bit in 0..8 * log.len() {
        let mut flipped = log.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let damaged = frames.iter().rposition(|(start, _)| *start <= bit / 8).expect("a frame begins at 0");
        let start = frames[damaged].0;
        let is_promised = frames[damaged + 1..].iter().any(|(_, mark)| mark.is_some_and(|durable| durable > start));
        let what = format!("bit {} of byte {} is flipped, in the frame at {start}", bit % 8, bit / 8);
        if is_promised {
            assert_broken(&flipped, start, &what);
        } else {
            let found: LogContents = read(&flipped, &what);
            let before = frames[..damaged].iter().filter(|(_, mark)| mark.is_none()).count();
            assert_eq!((found.records.len(), found.length), (before, start as u64), "{what}");
        }
    }
}

/// A mark vouches for the bytes before the number that it says, and for none behind: a bad frame that begins at just that
/// offset is a torn end.
///
/// Hint: the bad frame at `at` was durable if a mark says *more* than `at`.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn a_mark_vouches_for_what_lies_before_its_number() {
    for (more, is_broken) in [(0, false), (1, true), (5, true)] {
        let mut log = Vec::new();
        push(&mut log, RECORD, b"apple");
        let second = push(&mut log, RECORD, b"berry");
        push_mark(&mut log, second + more);
        log[second + HEADER] ^= 1;
        let what = format!("a bad frame at {second}, and behind it a mark that says {}", second + more);
        if is_broken {
            assert_broken(&log, second, &what);
        } else {
            assert_eq!(read(&log, &what).length, second as u64, "{what}");
        }
    }
}

/// Any later mark may be the one that vouches: not only the first behind the damage, and not only one in its place in
/// the row of frames. The damage may have taken the lengths by which one would find it.
///
/// Hint: try every offset behind the bad frame, to the file's end. A mark that does not vouch ends nothing.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn every_offset_behind_the_damage_is_tried() {
    for padding in 0..40 {
        let mut log = Vec::new();
        push(&mut log, RECORD, b"apple");
        let at = log.len();
        // What stands here was a frame; even its length is gone.
        log.extend(std::iter::repeat_n(0xFF, padding + 1));
        push_mark(&mut log, at);
        push(&mut log, RECORD, b"cacao");
        push_mark(&mut log, 3);
        assert_eq!(read(&log, "two marks that vouch for less").length, at as u64, "{padding} bytes of damage");
        push_mark(&mut log, at + 1);
        let what = format!("{padding} bytes of damage, then marks that say {at}, 3 and {}", at + 1);
        assert_broken(&log, at, &what);
        log.extend_from_slice(b"and a torn end of its own");
        assert_broken(&log, at, &what);
    }
    // The frame at the very beginning, and a mark directly behind one bad byte.
    let mut log = vec![0xEE];
    push_mark(&mut log, 1);
    assert_broken(&log, 0, "a bad byte and a mark that vouches for it");
}

/// What looks like a mark and is none vouches for nothing: a record with a mark's payload, a mark with a wrong checksum,
/// one of another log, one that stands in another place, one whose payload is longer.
///
/// Hint: a mark that vouches has to be a good frame at its own offset, just as any other.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn only_a_good_mark_vouches() {
    let mut before = Vec::new();
    push(&mut before, RECORD, b"apple");
    let at = before.len();
    before.extend_from_slice(b"not a frame");
    let here = before.len();
    let payload = (here as u64).to_le_bytes();
    let mut flipped = frame(NUMBER, here, MARK, &payload);
    flipped[HEADER] ^= 0x40;
    let behind = [
        ("a record", frame(NUMBER, here, RECORD, &payload)),
        ("a mark with a flipped bit", flipped),
        ("a mark of log 8", frame(NUMBER + 1, here, MARK, &payload)),
        ("a mark from a byte before", frame(NUMBER, here - 1, MARK, &payload)),
        ("a mark of nine bytes", frame(NUMBER, here, MARK, &[&payload[..], &[0]].concat())),
        ("a mark of seven bytes", frame(NUMBER, here, MARK, &payload[..7])),
        ("a mark of which a byte is missing", frame(NUMBER, here, MARK, &payload)[..HEADER + 7].to_vec()),
    ];
    for (what, frame) in behind {
        let found: LogContents = read(&[&before[..], &frame].concat(), what);
        assert_eq!((found.records.len(), found.length), (1, at as u64), "behind a bad frame stands {what}");
    }
    push_mark(&mut before, here);
    assert_broken(&before, at, "behind a bad frame stands a good mark");
}

/// A log that says nothing of itself is durable vouches for nothing: with `add_mark` before the first sync.
///
/// Hint: `add_mark` writes what is durable at this moment, which is 0 before the first sync.
///
/// Book: week2/5-manifest.md#task-2-write-and-sync
#[test]
fn a_mark_before_the_first_sync_vouches_for_nothing() {
    let disk = SimDisk::new();
    let mut log: LogWriter = create_log(&disk);
    log.add(b"apple").expect("adding a record");
    log.write().expect("a write");
    log.add_mark();
    log.add(b"berry").expect("adding a record");
    log.write().expect("a write");
    let mut bytes: Vec<u8> = contents_of(&disk, LOG);
    let whole: LogContents = read(&bytes, "an undamaged log");
    assert_eq!((whole.records.len(), whole.has_mark), (2, true), "two records and a mark");
    bytes[HEADER] ^= 1;
    let found: LogContents = read(&bytes, "a record that was never synced is damaged");
    assert_eq!((found.records.len(), found.length), (0, 0), "a record that was never synced is damaged");
}

/// A value may hold a copy of a log, marks included, even of this log itself. Its frames are not frames of the log that
/// holds the value, and its marks vouch for nothing.
///
/// Hint: in the copy the frames stand at other offsets than in the log that they are a copy of. So the offset in the
/// checksum tells them apart, if the reader puts in where it found them.
///
/// Book: week2/5-manifest.md#task-1-frames
#[test]
fn a_copy_of_the_log_in_a_record_vouches_for_nothing() {
    let (copy, _) = synced();
    let mut log = Vec::new();
    push(&mut log, RECORD, b"apple");
    let second = push(&mut log, RECORD, &copy);
    let end = log.len();
    let whole: LogContents = read(&log, "a log in a log");
    assert_eq!(whole.records.len(), 2, "the records of a log that holds a copy of a log");
    assert_eq!(whole.records[1], copy, "the copy");
    assert!(!whole.has_mark, "the copy's marks are none of this log");
    for byte in [second, second + 4, second + 8, end - 1] {
        let mut damaged = log.clone();
        damaged[byte] ^= 1;
        let found: LogContents = read(&damaged, &format!("byte {byte} is damaged, in or before a copy of a log"));
        assert_eq!((found.records.len(), found.length), (1, second as u64), "byte {byte} is damaged");
    }
    // The same copy with a mark behind it that is the log's own.
    push_mark(&mut log, end);
    log[second + 4] ^= 1;
    assert_broken(&log, second, "a record that holds a log is damaged, and a mark vouches for it");
}

/// No length that a damaged log holds makes the reader ask for memory, or step outside of the file.
///
/// Hint: compare a frame's end with the file's before you take its payload. Offset plus length may be more than the
/// machine can count, where `usize` has 32 bits: add with `checked_add`.
///
/// Book: week2/5-manifest.md#task-3-read-a-log
#[test]
fn a_length_that_leads_outside_costs_no_memory() {
    let mut log = Vec::new();
    push(&mut log, RECORD, b"apple");
    let at = log.len();
    for length in [1, 7, 0x0001_0000, 0x4000_0000, 0x7FFF_FFFF, 0xFFFF_FFF0, u32::MAX] {
        for kind in [RECORD, MARK] {
            let header = [&[0; 4][..], &length.to_le_bytes(), &[kind]].concat();
            let bytes: Vec<u8> = [&log[..], &header].concat();
            let (outcome, longest): (Result<LogContents>, usize) = longest_request(|| read_bytes(&bytes, NUMBER));
            let found = outcome.unwrap_or_else(|error| panic!("a length of {length} at the end gave {error:?}"));
            assert_eq!((found.records.len(), found.length), (1, at as u64), "a length of {length} at the log's end");
            assert!(longest < 4096, "a log of {} bytes made the reader ask for {longest} bytes", bytes.len());
        }
    }
}
