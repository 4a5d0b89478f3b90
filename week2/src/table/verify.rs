//! Reading a whole table, to find out whether it is sound. Chapter 2.7.

use bytes::Bytes;

use super::{Footer, Section, Table, check_index, index_entry, key_hash, read_footer, read_section};
use crate::block::{Block, BlockIterator};
use crate::{Error, Result};

impl Table {
    /// Reads the whole file anew, not through the cache, and gives one error for each part that is damaged: the footer,
    /// the index, the filter, and each data block. Reading goes on behind a damaged data block. A table is sound if
    ///
    /// - its footer and its index can be read, and are those with which the table was opened;
    /// - each data block can be read and decoded, its keys ascend from the last one of the block before, and its first and
    ///   last key are those in the index;
    /// - the filter, if there is one, can be read and decoded, and contains every key's user part;
    /// - there are as many entries and tombstones as the footer says. (This is left out where a block is damaged.)
    pub fn verify(&self) -> Vec<Error> {
        todo!("2.7: the footer and the index, then the blocks, then the counts")
    }
}
