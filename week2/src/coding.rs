//! Numbers as bytes. Given.
//!
//! Fixed-width numbers are little-endian. A *varint* holds seven bits in a byte, the lowest first; a set top bit says
//! that another byte follows (LEB128, as in LevelDB): 0 to 127 take one byte, and 300 is `ac 02`.

/// The most bytes that a varint of 32 bits takes.
pub const MAX_VARINT_LENGTH: usize = 5;

/// Appends `number` as a varint.
pub fn put_varint(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a varint off the front of `bytes`: the number and the bytes behind it. `None` if `bytes` ends too early, or
/// if the number does not fit 32 bits.
#[inline]
pub fn take_varint(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    if *first < 0x80 {
        return Some((u32::from(*first), rest));
    }
    let mut number = u64::from(first & 0x7f);
    for (index, byte) in rest.iter().enumerate().take(MAX_VARINT_LENGTH - 1) {
        number |= u64::from(byte & 0x7f) << (7 * (index + 1));
        if *byte < 0x80 {
            return Some((u32::try_from(number).ok()?, &rest[index + 1..]));
        }
    }
    None
}

/// Reads a little-endian number at `offset`; `None` if `bytes` ends before.
pub fn read_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    let found = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(found.try_into().ok()?))
}

/// Reads a little-endian number at `offset`; `None` if `bytes` ends before.
pub fn read_u64(bytes: &[u8], offset: usize) -> Option<u64> {
    let found = bytes.get(offset..offset.checked_add(8)?)?;
    Some(u64::from_le_bytes(found.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_read_as_they_are_written() {
        for number in [0, 1, 127, 128, 300, 16_383, 16_384, u32::MAX - 1, u32::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, number);
            bytes.push(0xEE);
            assert_eq!(take_varint(&bytes), Some((number, &[0xEE][..])));
            let cut = bytes.len() - 2;
            assert_eq!(take_varint(&bytes[..cut]), None);
        }
    }

    #[test]
    fn a_varint_above_32_bits_is_refused() {
        assert_eq!(take_varint(&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F]), None);
        assert_eq!(take_varint(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]), None);
    }
}
