//! Reading a whole table, to find out whether it is sound. Chapter 2.7.

use super::Table;
use crate::Error;

impl Table {
    /// Opens the file anew by its path and reads all of it, not through the cache. Gives one error for each part that is
    /// damaged: the footer, the index, the filter, and each data block. Behind a damaged filter or data block the reading
    /// goes on; without a sound footer and index nobody knows where the rest should be. A table is sound if
    ///
    /// - its file has the length, the footer, and the first and last key with which the table was opened, and its index
    ///   can be decoded, and leads into the file as [`Table::open`] demands it;
    /// - the filter, if there is one, can be decoded, and contains every key's user part;
    /// - each data block can be decoded, its keys ascend from the last one of the block before, and its first and last key
    ///   are those in the index;
    /// - there are as many entries and tombstones as the footer says. (This is left out where a block is damaged.)
    ///
    /// The errors are those of opening a table, and otherwise [`Error::Corruption`] at the beginning of the part: a data
    /// block, also where it is not what the filter or the index says; the index; or the footer, where it is not the one
    /// that was opened, and where the counts are wrong.
    pub fn verify(&self) -> Vec<Error> {
        todo!("2.7: the footer and the index, then the filter, then the blocks, then the counts")
    }
}
