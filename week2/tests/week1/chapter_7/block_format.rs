//! The published layout of a block, read a second time, from its description alone.

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it begins, from the block's start.
    pub offset: usize,
    /// How many bytes of the key before it leaves out.
    pub shared: usize,
    /// The whole key, put together.
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// What a block's bytes say.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub entries: Vec<Stored>,
    pub restarts: Vec<usize>,
}

impl Parsed {
    pub fn shared(&self) -> Vec<usize> {
        self.entries.iter().map(|entry| entry.shared).collect()
    }
}

/// Takes a block apart; panics with what is wrong.
pub fn parse(block: &[u8]) -> Parsed {
    let (rest, checksum) = take_u32(block);
    assert_eq!(checksum, crc32fast::hash(rest), "the block's last four bytes must be the CRC-32 of all before");
    let (mut rest, count) = take_u32(rest);
    let mut restarts: Vec<usize> = Vec::new();
    for _ in 0..count {
        let (before, restart) = take_u32(rest);
        restarts.insert(0, restart as usize);
        rest = before;
    }
    let mut entries: Vec<Stored> = Vec::new();
    let mut at: usize = 0;
    while at < rest.len() {
        let offset: usize = at;
        let [shared, length, value]: [usize; 3] = std::array::from_fn(|_| varint(rest, &mut at));
        let previous: &[u8] = entries.last().map_or(&[], |entry| &entry.key);
        assert!(shared <= previous.len(), "the entry at byte {offset} shares {shared} bytes with {previous:?}");
        let key: Vec<u8> = [&previous[..shared], &rest[at..at + length]].concat();
        at += length;
        let value: Option<Vec<u8>> = value.checked_sub(1).map(|length| {
            at += length;
            rest[at - length..at].to_vec()
        });
        entries.push(Stored { offset, shared, key, value });
    }
    Parsed { entries, restarts }
}

/// How many bytes an entry shares, its whole key, its value.
pub type Sharing<'a> = (usize, &'a [u8], Option<&'a [u8]>);

/// Writes a block with these entries; restart points are the ones that are given.
pub fn write(entries: &[Sharing<'_>], restarts: &[usize]) -> Vec<u8> {
    let mut block: Vec<u8> = Vec::new();
    let mut offsets: Vec<usize> = Vec::new();
    for (shared, key, value) in entries {
        offsets.push(block.len());
        // Small numbers only: a varint of one byte.
        block.extend([*shared as u8, (key.len() - shared) as u8, value.map_or(0, |value| value.len() as u8 + 1)]);
        block.extend_from_slice(&key[*shared..]);
        block.extend_from_slice(value.unwrap_or_default());
    }
    for restart in restarts {
        block.extend_from_slice(&(offsets[*restart] as u32).to_le_bytes());
    }
    block.extend_from_slice(&(restarts.len() as u32).to_le_bytes());
    let checksum: u32 = crc32fast::hash(&block);
    block.extend_from_slice(&checksum.to_le_bytes());
    block
}

/// The number in the last four bytes, and what stands before them.
fn take_u32(bytes: &[u8]) -> (&[u8], u32) {
    let (rest, last) = bytes.split_last_chunk::<4>().expect("a block has room for its restart points and checksum");
    (rest, u32::from_le_bytes(*last))
}

fn varint(bytes: &[u8], at: &mut usize) -> usize {
    let mut number: usize = 0;
    for place in 0.. {
        let byte: u8 = bytes[*at];
        *at += 1;
        number |= usize::from(byte % 128) << (7 * place);
        if byte < 128 {
            break;
        }
    }
    number
}
