//! Reading a log that ends in the middle: what a power cut leaves is not damage.

use lsm::disk::{Disk, Fault, SimDisk};
use lsm::log::{LogContents, read_log};
use lsm::{Error, Result};

use super::support::{HEADER, LOG, MARK, NUMBER, RECORD, frame, push, push_mark, read};

/// Three records without a sync: their bytes and where each begins, and the end.
fn unsynced() -> (Vec<u8>, Vec<usize>) {
    let mut log = Vec::new();
    let mut starts: Vec<usize> = [&b"apple"[..], b"", b"a longer record"].map(|r| push(&mut log, RECORD, r)).to_vec();
    starts.push(log.len());
    (log, starts)
}

/// How many frames end at or before a byte.
fn whole_before(starts: &[usize], at: usize) -> usize {
    starts[1..].iter().filter(|end| **end <= at).count()
}

/// Wherever a log is cut, reading gives the records that are whole, and says where the last of them ends. That holds for
/// logs with marks, too: those behind the cut are gone with it.
///
/// Hint: a frame of which a part is missing is not good, whether the cut went through its header or its payload. What was
/// read before it counts.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn a_log_that_is_cut_ends_with_its_last_whole_frame() {
    let (plain, starts) = unsynced();
    for cut in 0..=plain.len() {
        let found: LogContents = read(&plain[..cut], &format!("a log of {} bytes, cut to {cut}", plain.len()));
        let whole = whole_before(&starts, cut);
        assert_eq!(found.records.len(), whole, "records of a log that is cut at {cut}; frames begin at {starts:?}");
        let offsets: Vec<u64> = starts[..whole].iter().map(|start| *start as u64).collect();
        assert_eq!(found.offsets, offsets, "the offsets of the frames, cut at {cut}");
        assert_eq!(found.length, starts[whole] as u64, "where the last good frame ends, cut at {cut}");
        assert!(!found.has_mark, "there is no mark in it, cut at {cut}");
    }
    let mut marked = Vec::new();
    let mut ends = vec![0];
    for number in 0..4_u8 {
        push(&mut marked, RECORD, &[number; 20]);
        ends.push(marked.len());
        let durable = marked.len();
        push_mark(&mut marked, durable);
        ends.push(marked.len());
    }
    for cut in 0..=marked.len() {
        let found: LogContents = read(&marked[..cut], &format!("a log with marks, cut to {cut} bytes"));
        let frames = whole_before(&ends, cut);
        assert_eq!(found.records.len(), frames.div_ceil(2), "records of a log with marks that is cut at {cut}");
        assert_eq!(found.length, ends[frames] as u64, "where the last good frame ends, cut at {cut}");
        assert_eq!(found.has_mark, frames >= 2, "whether there is a mark, cut at {cut}");
    }
}

/// A flipped bit where nothing was promised ends the log: the records before the damaged frame are there, and nothing
/// behind it, although that is whole.
///
/// Hint: do not step over a frame that is not good. Without a mark behind it, it is the torn end.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn a_flipped_bit_that_no_mark_vouches_for_ends_the_log() {
    let (log, starts) = unsynced();
    for bit in 0..8 * log.len() {
        let mut flipped = log.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let what = format!("bit {} of byte {} is flipped; frames begin at {starts:?}", bit % 8, bit / 8);
        let found: LogContents = read(&flipped, &what);
        let whole = whole_before(&starts, bit / 8);
        assert_eq!((found.records.len(), found.length), (whole, starts[whole] as u64), "{what}");
    }
}

/// A frame whose header reached the disk and whose payload reads as zeros is the log's torn end. So is a hole of zeros
/// where a frame should begin, and a log that is nothing but zeros.
///
/// Hint: a length is only worth something when the checksum that covers it matches. Zeros are no frame: their kind is 0.
///
/// Book: week2/5-manifest.md#torn-or-broken
#[test]
fn zeros_in_place_of_bytes_are_a_torn_end() {
    let mut log = Vec::new();
    push(&mut log, RECORD, b"apple");
    let second = push(&mut log, RECORD, &[0xAB; 1500]);
    push(&mut log, RECORD, b"behind");
    for hole in [second + HEADER..second + HEADER + 1500, second + 400..second + 912, second..second + 512] {
        let mut holed = log.clone();
        holed[hole.clone()].fill(0);
        let found: LogContents = read(&holed, &format!("zeros in bytes {hole:?}"));
        assert_eq!((found.records.len(), found.length), (1, second as u64), "zeros in bytes {hole:?}");
    }
    for length in [1, 8, 9, 10, 512, 5000] {
        let found: LogContents = read(&vec![0; length], &format!("{length} zeros"));
        assert_eq!(found, LogContents::default(), "a log of {length} zeros");
    }
}

/// A frame is good only with a kind that is known, 1 or 2, and a mark only with a payload of 8 bytes, even where the
/// checksum matches.
///
/// Hint: check the kind and a mark's length beside the checksum.
///
/// Book: week2/5-manifest.md#task-3-read-a-log
#[test]
fn a_frame_of_no_known_kind_is_not_good() {
    let wrong = [(0, 5), (3, 5), (3, 8), (MARK | 0x80, 8), (255, 0), (MARK, 0), (MARK, 7), (MARK, 9), (MARK, 16)];
    for (kind, length) in wrong {
        let mut log = Vec::new();
        push(&mut log, RECORD, b"apple");
        let second = push(&mut log, kind, &vec![1; length]);
        push(&mut log, RECORD, b"behind");
        let found: LogContents = read(&log, "a frame of no known kind");
        let what = format!("behind a frame of kind {kind} with {length} bytes");
        assert_eq!((found.records.len(), found.length, found.has_mark), (1, second as u64, false), "{what}");
    }
}

/// A frame counts only in its own place: one that stands elsewhere in the log, or comes from another log, ends it.
///
/// Hint: the frame's offset and the log's number are in the checksum. The reader puts in the offset at which it looks.
///
/// Book: week2/5-manifest.md#task-1-frames
#[test]
fn a_frame_in_another_place_is_not_good() {
    let mut log = Vec::new();
    push(&mut log, RECORD, b"apple");
    let second = push(&mut log, RECORD, b"berry");
    let third = push(&mut log, RECORD, b"cacao");
    let (one, two) = (log[second..third].to_vec(), log[third..].to_vec());
    let swapped: Vec<u8> = [&log[..second], &two, &one].concat();
    let found: LogContents = read(&swapped, "two frames of one length that are swapped");
    assert_eq!((found.records.len(), found.length), (1, second as u64), "two frames that are swapped");
    let doubled: Vec<u8> = [&log[..], &two].concat();
    let found: LogContents = read(&doubled, "a frame that stands twice");
    assert_eq!((found.records.len(), found.length), (3, log.len() as u64), "a frame that stands twice");
    let foreign: Vec<u8> = [&log[..third], &frame(NUMBER + 1, third, RECORD, b"cacao")].concat();
    let found: LogContents = read(&foreign, "a frame of log 8 in log 7");
    assert_eq!((found.records.len(), found.length), (2, third as u64), "a frame of log 8 in log 7");
    let high: Vec<u8> = [&log[..third], &frame(NUMBER | 1 << 40, third, RECORD, b"cacao")].concat();
    assert_eq!(
        read(&high, "a log's number in 32 bits").records.len(),
        2,
        "a frame of a log whose low 32 bits are equal"
    );
}

/// A log that nothing was written to has no record.
///
/// Hint: this is no special case, if reading stops where no whole frame follows.
///
/// Book: week2/5-manifest.md#task-3-read-a-log
#[test]
fn an_empty_log_has_no_record() {
    assert_eq!(read(b"", "an empty file"), LogContents::default());
}

/// A file that cannot be measured or read is an `Error::Io`, not an empty log.
///
/// Hint: `?` on `length` and on `read_at`.
///
/// Book: week2/5-manifest.md#task-3-read-a-log
#[test]
fn a_log_that_cannot_be_read_is_an_error() {
    let (log, _) = unsynced();
    for nth in 0..2 {
        let disk = SimDisk::new();
        disk.set_contents(LOG.as_ref(), &log);
        let file = disk.open(LOG.as_ref()).expect("opening the log");
        disk.fail_read(disk.reads() + nth, Fault::Broken);
        let outcome: Result<LogContents> = read_log(file.as_ref(), NUMBER);
        assert!(
            matches!(outcome, Err(Error::Io { .. })),
            "read {nth} of the file fails, and read_log gives {outcome:?}"
        );
    }
}
