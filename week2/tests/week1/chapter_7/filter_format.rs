//! The published layout of a filter, written a second time, from its description alone.

/// Bytes of a line, and of what follows the lines: the number of probes and the checksum.
pub const LINE: usize = 64;
pub const TRAILER: usize = 5;

/// A filter of this many lines with these hashes in it.
pub fn encode(hashes: &[u64], lines: usize, probes: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = vec![0; lines * LINE];
    for hash in hashes {
        for bit in bits_of(*hash, lines, probes) {
            bytes[bit / 8] |= 1_u8 << (bit % 8);
        }
    }
    with_trailer(bytes, probes)
}

/// Lines, then the number of probes, then a checksum that matches, whatever the lines are.
pub fn with_trailer(mut bytes: Vec<u8>, probes: u8) -> Vec<u8> {
    bytes.push(probes);
    let checksum: u32 = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What an encoded filter says of a hash.
pub fn says_maybe(filter: &[u8], hash: u64) -> bool {
    let lines: usize = (filter.len() - TRAILER) / LINE;
    let probes: u8 = filter[lines * LINE];
    bits_of(hash, lines, probes).into_iter().all(|bit| filter[bit / 8] >> (bit % 8) & 1 == 1)
}

/// The bits of a hash, counted from the filter's first.
pub fn bits_of(hash: u64, lines: usize, probes: u8) -> Vec<usize> {
    let (upper, lower): (u64, u64) = (hash >> 32, hash & 0xFFFF_FFFF);
    let line: u64 = upper * lines as u64 / (1 << 32);
    let mut mixed: u64 = lower;
    let mut bits: Vec<usize> = Vec::new();
    for _ in 0..probes {
        bits.push(line as usize * 512 + (mixed / (1 << 23)) as usize);
        mixed = mixed * 0x9E37_79B9 % (1 << 32);
    }
    bits
}
