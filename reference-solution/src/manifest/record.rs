//! The manifest's records, as bytes. Chapter 2.5.
//!
//! ```text
//!   header    0  "lsm-tree"        8 bytes
//!             8  format version    u32       1
//!
//!   edit      0  flushed_through   u64
//!             8  last_version      u64
//!            16  next_id           u64
//!            24  removed           u32 count, then for each:  id u64
//!             …  added             u32 count, then for each:  level u32, id u64, size u64, entries u64,
//!                                                             tombstones u64, first key, last key
//!             …  cursor            u32 count, 0 or 1:         level u32, key
//!
//!   key       length u32, then its bytes
//! ```

use std::path::Path;

use bytes::Bytes;

use crate::coding::{read_u32, read_u64};
use crate::compaction::{Edit, TableShape};
use crate::{Error, Result};

/// The format version that this engine writes, and the greatest that it reads.
pub const FORMAT_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"lsm-tree";

/// The greatest level that a manifest may name.
const MAX_LEVEL: u32 = 1000;

/// The first record.
pub fn encode_header() -> Vec<u8> {
    //@ 2.5: the magic and the version
    [&MAGIC[..], &FORMAT_VERSION.to_le_bytes()].concat()
}

/// Checks the first record.
///
/// Fails with [`Error::Corruption`] at offset 0 if it is shorter than 12 bytes or does not begin with the magic; with
/// [`Error::UnsupportedVersion`] if the version is above [`FORMAT_VERSION`]. (A later version may have a longer header.)
pub fn decode_header(bytes: &[u8], file: &Path) -> Result<()> {
    //@ 2.5: the magic, then the version
    let version = read_u32(bytes, 8).filter(|_| bytes.starts_with(MAGIC));
    match version {
        None => Err(Error::corruption(file, 0, "the file does not begin as a manifest does")),
        Some(found) if found > FORMAT_VERSION => {
            Err(Error::UnsupportedVersion { file: file.to_path_buf(), found, supported: FORMAT_VERSION })
        }
        Some(_) => Ok(()),
    }
}

/// An edit's record. `next_id` is stored with it.
pub fn encode_edit(edit: &Edit, next_id: u64) -> Vec<u8> {
    //@ 2.5: the numbers, then the three lists, as drawn at the top of this file
    let mut bytes = Vec::new();
    for number in [edit.flushed_through, edit.last_version, next_id] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    put_u32(&mut bytes, edit.removed.len());
    for id in &edit.removed {
        bytes.extend_from_slice(&id.to_le_bytes());
    }
    put_u32(&mut bytes, edit.added.len());
    for (level, table) in &edit.added {
        put_u32(&mut bytes, *level);
        for number in [table.id, table.size, table.entries, table.tombstones] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        put_key(&mut bytes, &table.first_key);
        put_key(&mut bytes, &table.last_key);
    }
    put_u32(&mut bytes, usize::from(edit.cursor.is_some()));
    if let Some((level, key)) = &edit.cursor {
        put_u32(&mut bytes, *level);
        put_key(&mut bytes, key);
    }
    bytes
}

/// Reads an edit's record: the edit, and the `next_id` stored with it. `file` and `offset` say where the record is from.
///
/// Fails with [`Error::Corruption`] at `offset` if the bytes end too early or too late, if there are two cursors or more,
/// or if a level is above 1,000. No count and no length makes it ask for memory that the record's own bytes do not fill.
pub fn decode_edit(bytes: &Bytes, file: &Path, offset: u64) -> Result<(Edit, u64)> {
    //@ 2.5: the numbers, then the three lists, and nothing behind them
    let mut fields = Fields { bytes: bytes.clone(), at: 0 };
    let decoded = fields.edit().filter(|_| fields.at == bytes.len());
    decoded.ok_or_else(|| Error::corruption(file, offset, "a record of the manifest is not well-formed"))
}

//@ 2.5 only
/// Takes fields off the front of a record; `None` where it ends too early.
struct Fields {
    bytes: Bytes,
    at: usize,
}

//@ 2.5 only
impl Fields {
    fn edit(&mut self) -> Option<(Edit, u64)> {
        let (flushed_through, last_version, next_id) = (self.u64()?, self.u64()?, self.u64()?);
        let mut edit = Edit { flushed_through, last_version, ..Edit::default() };
        // The lists grow with what is there, whatever the counts say.
        for _ in 0..self.u32()? {
            edit.removed.push(self.u64()?);
        }
        for _ in 0..self.u32()? {
            edit.added.push((self.level()?, self.table()?));
        }
        match self.u32()? {
            0 => {}
            1 => edit.cursor = Some((self.level()?, self.key()?)),
            _ => return None,
        }
        Some((edit, next_id))
    }

    fn table(&mut self) -> Option<TableShape> {
        let (id, size, entries, tombstones) = (self.u64()?, self.u64()?, self.u64()?, self.u64()?);
        Some(TableShape { id, size, entries, tombstones, first_key: self.key()?, last_key: self.key()? })
    }

    fn level(&mut self) -> Option<usize> {
        self.u32().filter(|level| *level <= MAX_LEVEL).map(|level| level as usize)
    }

    fn u32(&mut self) -> Option<u32> {
        let number = read_u32(&self.bytes, self.at)?;
        self.at += 4;
        Some(number)
    }

    fn u64(&mut self) -> Option<u64> {
        let number = read_u64(&self.bytes, self.at)?;
        self.at += 8;
        Some(number)
    }

    fn key(&mut self) -> Option<Bytes> {
        let length = self.u32()? as usize;
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let key = self.bytes.slice(self.at..end);
        self.at = end;
        Some(key)
    }
}

//@ 2.5 only
fn put_u32(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u32).to_le_bytes());
}

//@ 2.5 only
fn put_key(bytes: &mut Vec<u8>, key: &[u8]) {
    put_u32(bytes, key.len());
    bytes.extend_from_slice(key);
}
