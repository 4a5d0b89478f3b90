//! Each kind of damage that the documentation of `Block::decode` lists, under a checksum that is right.

use super::format::{
    assemble, assert_refused, decode, entry, fruits, offsets, put_varint, raw_entry, seal, well_formed,
};

/// Three well-formed entries: `apple` = `red`, `apply` = `` (sharing 4 bytes), `banana` = `yellow`.
fn three() -> Vec<Vec<u8>> {
    let entries = vec![
        well_formed(&entry("apple", "red"), 0),
        well_formed(&entry("apply", ""), 4),
        well_formed(&entry("banana", "yellow"), 0),
    ];
    decode(&assemble(&entries, &[0]));
    entries
}

/// A checksum that is not that of the bytes before it is refused, though all else is well-formed.
///
/// Hint: CRC-32 by `crc32fast::hash`, stored little-endian in the last four bytes.
///
/// Book: week1/3-blocks.md#damage-is-found-at-the-door
#[test]
fn a_wrong_checksum() {
    let block = assemble(&three(), &[0]);
    let covered = &block[..block.len() - 4];
    let checksum = crc32fast::hash(covered);
    for wrong in [checksum.wrapping_add(1), checksum.swap_bytes(), !checksum, 0] {
        assert_refused(
            &[covered, &wrong.to_le_bytes()].concat(),
            &format!("the checksum is {wrong:08x}, not {checksum:08x}"),
        );
    }
    let all = crc32fast::hash(&block);
    assert_refused(&[covered, &all.to_le_bytes()].concat(), "the checksum is not of the bytes before it");
}

/// A block without room for the count of its restart points is refused.
///
/// Hint: four bytes of count; with fewer left, there is no block.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn no_room_for_the_count() {
    three();
    for bytes in [&b""[..], b"\0", b"\0\0", b"\x01\0\0"] {
        assert_refused(&seal(bytes.to_vec()), &format!("{} bytes and a checksum are no block", bytes.len()));
    }
}

/// A block without an entry is refused, whatever its restart points say.
///
/// Hint: a builder never writes one; with no entry there is nothing that a restart point could be.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn no_entry() {
    three();
    for restarts in [&[][..], &[0], &[0, 0], &[4]] {
        assert_refused(&assemble(&[], restarts), &format!("no entry, restart points {restarts:?}"));
    }
}

/// A block without a restart point is refused: a search would have nowhere to begin.
///
/// Hint: the count must not be 0.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn no_restart_point() {
    assert_refused(&assemble(&three(), &[]), "three entries and no restart point");
}

/// A count of restart points that the block has no room for is refused, also where four times the count overflows.
///
/// Hint: `checked_mul`, then `checked_sub`.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn restart_points_that_do_not_fit() {
    let entries = three().concat();
    for count in [entries.len() as u32, 1_000, 0x0100_0000, 0x4000_0000, 0x4000_0001, 0x8000_0001, u32::MAX] {
        let bytes = [&entries[..], &0_u32.to_le_bytes(), &count.to_le_bytes()].concat();
        assert_refused(&seal(bytes), &format!("{count} restart points in a block of {} bytes", entries.len() + 12));
    }
    assert_refused(&seal(2_u32.to_le_bytes().to_vec()), "two restart points in a block of eight bytes");
}

/// An entry whose key reaches into the restart points is refused.
///
/// Hint: the key's rest begins behind the three varints, and must end before the restart points.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn a_key_that_reaches_too_far() {
    for (length, there) in [(6, 5), (9, 5), (100, 5), (127, 0)] {
        let mut last = vec![0, length, 0];
        last.extend_from_slice(&b"cherry"[..there]);
        let mut entries = three();
        entries.push(last);
        let damage = format!("the last key is said to have {length} bytes, and {there} are left for it");
        assert_refused(&assemble(&entries, &[0]), &damage);
    }
}

/// An entry whose value reaches into the restart points is refused.
///
/// Hint: the value ends where the next entry begins; the last one's end is where the restart points begin.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn a_value_that_reaches_too_far() {
    let mut entries = three();
    entries.push(raw_entry(0, b"cherry", 4 + 1, b"dark"));
    decode(&assemble(&entries, &[0]));
    for length in [5, 6, 12, 1_000, 70_000] {
        entries[3] = raw_entry(0, b"cherry", length + 1, b"dark");
        assert_refused(&assemble(&entries, &[0]), &format!("the last value is said to have {length} bytes; it has 4"));
    }
}

/// An entry that ends before its three lengths do is refused.
///
/// Hint: `take_varint` gives `None` when the bytes end too early: hand it the entries only, not the restart points.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn lengths_that_are_cut_off() {
    for cut in [&b"\0"[..], b"\0\x01", b"\x80", b"\0\x80", b"\0\0\x80", b"\0\xff\xff"] {
        let mut entries = three();
        entries.push(cut.to_vec());
        assert_refused(
            &assemble(&entries, &[0]),
            &format!("the last entry is {cut:02x?}, and then come restart points"),
        );
    }
}

/// A length that does not fit 32 bits is refused; so is one that fits, but not into this block. No memory is asked for
/// on its account.
///
/// Hint: `take_varint` refuses the former; sums of the latter must not overflow, and are compared with what is there.
///
/// Book: week1/3-blocks.md#varints
#[test]
fn lengths_that_are_absurd() {
    for length in [1 << 28, u64::from(u32::MAX), 1 << 32, (1 << 35) - 1, u64::MAX] {
        for place in 0..3 {
            let mut last = Vec::new();
            for field in 0..3 {
                put_varint(&mut last, if field == place { length } else { 1 });
            }
            last.extend_from_slice(b"c");
            let mut entries = three();
            entries.push(last);
            let name = ["shared", "rest", "value"][place];
            assert_refused(&assemble(&entries, &[0]), &format!("the last entry's field '{name}' is {length}"));
        }
    }
}

/// Lengths whose sum is right only when it wraps around at 32 bits are refused.
///
/// Hint: cast lengths to `usize` first, then `checked_add`; and the value does not end before the key does.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn lengths_whose_sums_wrap_around() {
    three();
    let blocks = [
        // The key ends at 7 + (2^32 - 1) = 6, and its value of one byte at 7: where the restart points begin.
        (&b"\x00\xff\xff\xff\xff\x0f\x02"[..], "the ends of key and value wrap around"),
        // The value ends at 9 + (2^32 - 2) = 7; its key, at bytes 7 and 8, is in the restart points.
        (b"\x00\x02\xff\xff\xff\xff\x0f", "the end of the value wraps around, the key ends too late"),
        // All is in place but the value: it ends at 10 + (2^32 - 3) = 7, where the key begins, which looks like an entry.
        (b"\x00\x03\xfe\xff\xff\xff\x0f\0\0\0", "the end of the value wraps around"),
        // The same with a value that ends where its own entry begins, and the walk with it, for ever.
        (b"\x00\x01\xf9\xff\xff\xff\x0fk", "the value wraps around to its entry's beginning"),
    ];
    for (entry, damage) in blocks {
        assert_refused(&assemble(&[entry.to_vec()], &[0]), damage);
    }
}

/// The first entry cannot share bytes: no key precedes it.
///
/// Hint: before the first entry, the key before has length 0.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn a_first_entry_that_shares() {
    three();
    for shared in [1, 2, 5] {
        let entries = [raw_entry(shared, b"apple", 1, b""), raw_entry(0, b"banana", 1, b"")];
        let second = offsets(&entries)[1];
        assert_refused(&assemble(&entries, &[0]), &format!("the first entry shares {shared} bytes"));
        assert_refused(&assemble(&entries, &[0, second]), &format!("the first entry shares {shared} bytes"));
        assert_refused(&assemble(&entries, &[second]), &format!("the first entry shares {shared} bytes"));
    }
}

/// An entry that shares more bytes than the key before it has is refused.
///
/// Hint: the key's length is `shared` and the rest together; keep it while you walk the entries.
///
/// Book: week1/3-blocks.md#task-2-check-a-block
#[test]
fn an_entry_that_shares_too_much() {
    // "apple", then "apply" by 4 shared bytes; then 5 bytes may be shared, and no more.
    for (shared, is_good) in [(0, true), (5, true), (6, false), (7, false), (9, false), (200, false)] {
        let mut entries = three();
        entries[2] = raw_entry(shared, b"ing", 1, b"");
        let block = assemble(&entries, &[0]);
        if is_good {
            decode(&block);
        } else {
            assert_refused(&block, &format!("an entry shares {shared} bytes with 'apply'"));
        }
    }
    for (index, (key, _)) in fruits().iter().enumerate().skip(1) {
        let mut entries: Vec<Vec<u8>> = fruits()[..=index].iter().map(|entry| well_formed(entry, 0)).collect();
        entries.push(raw_entry(key.len() as u64, b"x", 1, b""));
        decode(&assemble(&entries, &[0]));
        entries[index + 1] = raw_entry(key.len() as u64 + 1, b"x", 1, b"");
        assert_refused(&assemble(&entries, &[0]), "an entry shares one byte more than the key before has");
    }
}

/// A block whose first restart point is not its first entry is refused.
///
/// Hint: a search for a key below that restart point would miss the first entries.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn a_first_entry_that_is_no_restart_point() {
    let entries = three();
    let third = offsets(&entries)[2];
    decode(&assemble(&entries, &[0, third]));
    assert_refused(&assemble(&entries, &[third]), "the only restart point is the third entry");
}

/// A restart point at which no entry begins is refused.
///
/// Hint: walk the entries and the restart points together; each restart point has to be met.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn a_restart_point_that_is_no_entry() {
    let entries = three();
    let third = offsets(&entries)[2];
    let end = entries.concat().len() as u32;
    for wrong in [1, third - 1, third + 1, end - 1, end, end + 1, end + 4, end + 1_000, u32::MAX] {
        assert_refused(
            &assemble(&entries, &[0, wrong]),
            &format!("a restart point at {wrong}; the third entry is at {third}"),
        );
        assert_refused(&assemble(&entries, &[wrong]), &format!("the only restart point is at {wrong}"));
        assert_refused(&assemble(&entries, &[0, third, wrong]), &format!("the last restart point is at {wrong}"));
    }
}

/// A restart point at an entry that shares bytes is refused: its key cannot be read there.
///
/// Hint: the entry at a restart point needs `shared` = 0.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn a_restart_point_without_its_whole_key() {
    let entries = three();
    let [first, second, third] = offsets(&entries)[..] else { panic!("three entries have three offsets") };
    assert_refused(&assemble(&entries, &[first, second]), "the second entry shares 4 bytes and is a restart point");
    assert_refused(
        &assemble(&entries, &[first, second, third]),
        "the second entry shares 4 bytes and is a restart point",
    );
}

/// Restart points that do not ascend are refused, and so is one that stands there twice.
///
/// Hint: a search by halves needs them in order.
///
/// Book: week1/3-blocks.md#restart-points
#[test]
fn restart_points_out_of_order() {
    let mut entries = three();
    entries.push(well_formed(&entry("cherry", "dark"), 0));
    let offsets = offsets(&entries);
    let (third, fourth) = (offsets[2], offsets[3]);
    decode(&assemble(&entries, &[0, third, fourth]));
    for wrong in [[0, fourth, third], [third, 0, fourth], [fourth, third, 0], [0, 0, third], [0, third, third]] {
        assert_refused(&assemble(&entries, &wrong), &format!("restart points {wrong:?}"));
    }
}
