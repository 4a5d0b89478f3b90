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
    todo!("2.5: the magic and the version")
}

/// Checks the first record.
///
/// Fails with [`Error::Corruption`] at offset 0 if it is shorter than 12 bytes or does not begin with the magic; with
/// [`Error::UnsupportedVersion`] if the version is above [`FORMAT_VERSION`]. (A later version may have a longer header.)
pub fn decode_header(bytes: &[u8], file: &Path) -> Result<()> {
    todo!("2.5: the magic, then the version")
}

/// An edit's record. `next_id` is stored with it.
pub fn encode_edit(edit: &Edit, next_id: u64) -> Vec<u8> {
    todo!("2.5: the numbers, then the three lists, as drawn at the top of this file")
}

/// Reads an edit's record: the edit, and the `next_id` stored with it. `file` and `offset` say where the record is from.
///
/// Fails with [`Error::Corruption`] at `offset` if the bytes end too early or too late, if there are two cursors or more,
/// or if a level is above 1,000. No count and no length makes it ask for memory that the record's own bytes do not fill.
pub fn decode_edit(bytes: &Bytes, file: &Path, offset: u64) -> Result<(Edit, u64)> {
    todo!("2.5: the numbers, then the three lists, and nothing behind them")
}
