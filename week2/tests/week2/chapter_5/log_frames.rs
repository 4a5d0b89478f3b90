//! Writing a log: the bytes of its frames, and what reaches the disk when.

use lsm::disk::{Operation, SimDisk, Survival};
use lsm::log::{HEADER_LENGTH, LogContents, LogWriter, MAX_RECORD_LENGTH};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::support::{
    HEADER, LOG, MARK, NUMBER, RECORD, contents_of, create_log, frame, is_change, read, read_bytes, record_steps,
    sync_names,
};

/// A log has the bytes that the format says: frame for frame, a mark after each sync.
///
/// Hint: checksum, length, kind, payload, all numbers little-endian. The checksum covers the log's number and the frame's
/// offset, eight bytes each, and then the frame from its length on.
///
/// Book: week2/5-manifest.md#task-1-frames
#[test]
fn a_log_has_the_bytes_of_the_format() {
    let disk = SimDisk::new();
    let mut log: LogWriter = create_log(&disk);
    log.add(b"fig").expect("adding a record");
    log.sync().expect("a sync");
    log.add(b"").expect("adding an empty record");
    log.add_mark();
    log.write().expect("a write");
    let expected: [&[u8]; 4] = [
        // At 0, a record: "fig".
        &[0x56, 0x0e, 0x59, 0x8f, 3, 0, 0, 0, 1, b'f', b'i', b'g'],
        // At 12, the sync's mark: 12 bytes are durable.
        &[0xf2, 0x2f, 0x63, 0xed, 8, 0, 0, 0, 2, 12, 0, 0, 0, 0, 0, 0, 0],
        // At 29, a record without a byte.
        &[0xe1, 0xb5, 0xcf, 0xac, 0, 0, 0, 0, 1],
        // At 38, a mark. There was no sync since.
        &[0x21, 0x02, 0x9d, 0xbb, 8, 0, 0, 0, 2, 12, 0, 0, 0, 0, 0, 0, 0],
    ];
    let found: Vec<u8> = contents_of(&disk, LOG);
    assert_eq!(found.len(), 12 + 17 + 9 + 17, "the log's length; its bytes are {found:02x?}");
    let mut at = 0;
    for (index, expected) in expected.iter().enumerate() {
        assert_eq!(&found[at..at + expected.len()], *expected, "frame {index}, which begins at byte {at} of log 7");
        at += expected.len();
    }
    assert_eq!((HEADER_LENGTH, MAX_RECORD_LENGTH), (9, 1 << 30), "the limits of the format");
}

/// A log gives back every record, whole and in order, with the offset of its frame, however writes and syncs fell.
///
/// Hint: each frame's offset is what was written before plus what waits in the buffer; the reader walks from frame to
/// frame, and a mark is no record.
///
/// Book: week2/5-manifest.md#task-3-read-a-log
#[test]
fn a_log_without_damage_is_read_as_it_was_written() {
    let disk = SimDisk::new();
    let mut log: LogWriter = create_log(&disk);
    let records: Vec<Vec<u8>> = (0..40_usize).map(|number| vec![number as u8; number * number % 700]).collect();
    let mut expected = Vec::new();
    for (number, record) in records.iter().enumerate() {
        expected.extend_from_slice(&frame(NUMBER, expected.len(), RECORD, record));
        log.add(record).expect("adding a record");
        if number % 5 == 4 {
            let durable = expected.len() as u64;
            expected.extend_from_slice(&frame(NUMBER, expected.len(), MARK, &durable.to_le_bytes()));
            log.sync().expect("a sync");
        } else if number % 3 == 0 {
            log.write().expect("a write");
        }
    }
    assert!(contents_of(&disk, LOG) == expected, "the file's bytes are not those of 40 frames and 8 marks");
    let found: LogContents = read(&expected, "a whole log");
    assert!(found.records == records, "the records, in the order in which they were added");
    assert_eq!(found.length, expected.len() as u64, "where the last good frame ends");
    assert!(found.has_mark, "there are marks");
    for (offset, record) in found.offsets.iter().zip(&records) {
        let at = *offset as usize;
        assert_eq!(expected[at + HEADER..at + HEADER + record.len()], record[..], "the record of the frame at {at}");
    }
    assert_eq!(found.offsets.len(), records.len(), "an offset for each record");
}

/// What a test asks of a log.
#[derive(Clone, Debug)]
enum Action {
    Add(Vec<u8>),
    Mark,
    Write,
    Sync,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Action::Add),
        1 => Just(Action::Mark),
        2 => Just(Action::Write),
        2 => Just(Action::Sync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, rng_seed: RngSeed::Fixed(205), failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Whatever is added, written and synced: what was written is read, what was synced survives a power cut, and the
    /// writer knows which is which.
    ///
    /// Hint: `sync` notes the length as durable *before* it leaves its mark. `is_durable` compares with the length behind
    /// that mark.
    ///
    /// Book: week2/5-manifest.md#task-2-write-and-sync
    #[test]
    fn what_was_synced_survives_a_power_cut(actions in proptest::collection::vec(action(), 0..24), seed in any::<u64>()) {
        let disk = SimDisk::new();
        let mut log: LogWriter = create_log(&disk);
        sync_names(&disk);
        let mut added: Vec<Vec<u8>> = Vec::new();
        let (mut written, mut synced) = (0, 0);
        // Whether anything was added since the last sync.
        let mut is_durable = true;
        for action in &actions {
            match action {
                Action::Add(record) => {
                    log.add(record).expect("adding a record");
                    added.push(record.clone());
                    is_durable = false;
                }
                Action::Mark => {
                    log.add_mark();
                    is_durable = false;
                }
                Action::Write => {
                    log.write().expect("a write");
                    written = added.len();
                }
                Action::Sync => {
                    log.sync().expect("a sync");
                    (written, synced) = (added.len(), added.len());
                    is_durable = true;
                }
            }
            prop_assert_eq!(log.is_durable(), is_durable, "is_durable after {:?}", action);
            prop_assert_eq!(log.length(), contents_of(&disk, LOG).len() as u64, "length after {:?}", action);
        }
        let now: LogContents = read(&contents_of(&disk, LOG), "an undamaged log");
        prop_assert_eq!(&now.records[..], &added[..written], "what was written is read");
        for survival in [Survival::Nothing, Survival::Everything, Survival::Some] {
            let left: LogContents = read(&contents_of(&disk.after_power_cut(survival, seed), LOG), "after a power cut");
            let found = left.records.len();
            proptest::prop_assert!(found >= synced, "{found} of {synced} synced records survive ({survival:?})");
            prop_assert_eq!(&left.records[..], &added[..found], "what survives is a beginning ({:?})", survival);
        }
    }
}

/// Records are in memory until they are written, and then all of them go to the file in one append.
///
/// Hint: `add` puts the frame into the buffer. `write` appends the buffer as a whole and empties it; an empty buffer is
/// not appended.
///
/// Book: week2/5-manifest.md#task-2-write-and-sync
#[test]
fn a_write_is_one_append() {
    let disk = SimDisk::new();
    let mut log: LogWriter = create_log(&disk);
    let steps = record_steps(&disk, |step| is_change(step.operation));
    for record in [&b"apple"[..], b"", b"fig"] {
        log.add(record).expect("adding a record");
    }
    assert_eq!((steps.lock().len(), log.length()), (0, 0), "operations and bytes before the write");
    log.write().expect("a write");
    log.write().expect("a write with nothing to write");
    let found: Vec<Operation> = steps.lock().iter().map(|step| step.0).collect();
    assert_eq!(found, [Operation::Append], "what two writes, the second with nothing added, ask of the disk");
    assert_eq!(log.length(), 3 * 9 + 5 + 3, "bytes written");
}

/// A sync writes what was added, syncs, and writes its mark, which is not synced. When all is durable it does nothing.
///
/// Hint: the mark must not count as something to sync, or each sync would leave work for the next.
///
/// Book: week2/5-manifest.md#task-2-write-and-sync
#[test]
fn a_sync_leaves_a_mark_behind_it() {
    let disk = SimDisk::new();
    let mut log: LogWriter = create_log(&disk);
    let steps = record_steps(&disk, |step| is_change(step.operation));
    let take = || -> Vec<Operation> { std::mem::take(&mut *steps.lock()).into_iter().map(|step| step.0).collect() };
    log.sync().expect("a sync of an empty log");
    assert_eq!(take(), [], "an empty log is durable");
    log.add(b"fig").expect("adding a record");
    assert!(!log.is_durable(), "a record waits in the buffer");
    log.sync().expect("a sync");
    let expected = [Operation::Append, Operation::Sync, Operation::Append];
    assert_eq!(take(), expected, "the record, the sync, the mark");
    assert!(log.is_durable(), "after a sync");
    log.sync().expect("a second sync");
    assert_eq!(take(), [], "nothing was added since");
    log.add(b"kiwi").expect("adding a record");
    log.write().expect("a write");
    assert!(!log.is_durable(), "a record was written and not synced");
    assert_eq!(take(), [Operation::Append], "the write");
    log.sync().expect("a third sync");
    assert_eq!(take(), [Operation::Sync, Operation::Append], "nothing to write, but to sync");
    let marks: Vec<u8> = contents_of(&disk, LOG);
    assert_eq!(marks[12 + 9..12 + 17], 12_u64.to_le_bytes(), "the first mark vouches for the first record");
    assert_eq!(marks[42 + 9..42 + 17], 42_u64.to_le_bytes(), "the second for all before it, the first mark included");
}

/// The number of a log is in each of its frames: a log that is read under another number has no good frame.
///
/// Hint: the number is the first of what the checksum covers.
///
/// Book: week2/5-manifest.md#task-1-frames
#[test]
fn a_log_of_another_number_has_no_good_frame() {
    let disk = SimDisk::new();
    let mut log: LogWriter = create_log(&disk);
    log.add(b"fig").expect("adding a record");
    log.sync().expect("a sync");
    let bytes: Vec<u8> = contents_of(&disk, LOG);
    for number in [0, 6, 8, 7 << 32, u64::MAX] {
        let found: LogContents = read_bytes(&bytes, number).expect("frames of another log are a torn end");
        assert_eq!(found, LogContents::default(), "log 7, read as log {number}");
    }
}
