//! A table's last bytes: where everything else is. Chapter 1.4.
//!
//! ```text
//!    0  index offset     u64
//!    8  index length     u32
//!   12  filter offset    u64
//!   20  filter length    u32    0: the table has no filter
//!   24  entries          u64    tombstones included
//!   32  tombstones       u64
//!   40  format version   u32    1
//!   44  checksum         u32    CRC-32 of bytes 0 to 43
//!   48  magic            8 bytes "lsmtable"
//!   56
//! ```
//!
//! The magic comes last, where a reader looks first; a later version keeps the last 16 bytes as they are.

use std::path::Path;

use crate::coding::{read_u32, read_u64};
use crate::{Error, Result};

/// The bytes with which a table's file ends.
pub const MAGIC: &[u8; 8] = b"lsmtable";

/// The format version that this engine writes, and the greatest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// A part of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section {
    pub offset: u64,
    /// In bytes.
    pub length: u32,
}

impl Section {
    /// The offset behind the last byte; `None` if there is no such number.
    pub fn end(self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.length))
    }
}

/// What a table's last bytes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footer {
    pub index: Section,
    /// Of length 0 if the table has no filter.
    pub filter: Section,
    /// How many entries the table has, tombstones included.
    pub entries: u64,
    pub tombstones: u64,
}

impl Footer {
    /// How long an encoded footer is, in bytes.
    pub const LENGTH: usize = 56;

    /// The footer's bytes, as drawn at the top of this file.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Footer::LENGTH);
        for section in [self.index, self.filter] {
            bytes.extend_from_slice(&section.offset.to_le_bytes());
            bytes.extend_from_slice(&section.length.to_le_bytes());
        }
        bytes.extend_from_slice(&self.entries.to_le_bytes());
        bytes.extend_from_slice(&self.tombstones.to_le_bytes());
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes
    }

    /// Reads the last bytes of a file that is `file_size` bytes long: [`Footer::LENGTH`] of them, or all if it has
    /// fewer.
    ///
    /// Fails, in this order, with [`Error::Corruption`] if there are too few bytes or if they do not end with the
    /// magic; with [`Error::UnsupportedVersion`] if the version is above [`FORMAT_VERSION`]; with
    /// [`Error::Corruption`] if the checksum does not match, or if the index or the filter does not end at or before
    /// the footer's beginning.
    pub fn decode(bytes: &[u8], file: &Path, file_size: u64) -> Result<Footer> {
        let start = file_size.saturating_sub(Footer::LENGTH as u64);
        let damaged = |what| Error::corruption(file, start, what);
        if bytes.len() != Footer::LENGTH {
            return Err(damaged("the file is too short for a table"));
        }
        if !bytes.ends_with(MAGIC) {
            return Err(damaged("the file does not end as a table does"));
        }
        let short = || damaged("the footer is cut short");
        let number = |offset| read_u32(bytes, offset).ok_or_else(short);
        let long_number = |offset| read_u64(bytes, offset).ok_or_else(short);
        let found = number(40)?;
        if found > FORMAT_VERSION {
            return Err(Error::UnsupportedVersion { file: file.to_path_buf(), found, supported: FORMAT_VERSION });
        }
        if number(44)? != crc32fast::hash(&bytes[..44]) {
            return Err(damaged("the footer's checksum does not match its bytes"));
        }
        let footer = Footer {
            index: Section { offset: long_number(0)?, length: number(8)? },
            filter: Section { offset: long_number(12)?, length: number(20)? },
            entries: long_number(24)?,
            tombstones: long_number(32)?,
        };
        let is_inside = |section: Section| section.end().is_some_and(|end| end <= start);
        if !is_inside(footer.index) || !is_inside(footer.filter) {
            return Err(damaged("the footer leads outside of the file"));
        }
        Ok(footer)
    }
}
