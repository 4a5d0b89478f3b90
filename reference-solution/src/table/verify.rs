//@ 2.7
//! Reading a whole table, to find out whether it is sound. Chapter 2.7.

//@ 2.7 only
use bytes::Bytes;

use super::Table;
//@ 2.7 only
use super::{Filter, Footer, Section, check_index, index_entry, key_hash, read_footer, read_section};
use crate::Error;
//@ 2.7 only
use crate::Result;
//@ 2.7 only
use crate::block::{Block, BlockIterator};
//@ 2.7 only
use crate::disk::DiskFile;

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
        //@ 2.7: the footer and the index, then the filter, then the blocks, then the counts
        let opened = self.resources.options.disk.open(self.file.path());
        let (file, index) = match opened.and_then(|file| Ok((file.clone(), self.verify_ends(file.as_ref())?))) {
            Ok(found) => found,
            Err(error) => return vec![error],
        };
        let filter = self.read_filter(file.as_ref());
        let mut damages = Vec::from_iter(filter.as_ref().err().cloned());
        let mut walk = Walk { table: self, file: file.as_ref(), filter: filter.ok().flatten(), found: self.footer };
        (walk.found.entries, walk.found.tombstones) = (0, 0);
        let mut is_counted = true;
        let mut before = None;
        let mut blocks = BlockIterator::new(index);
        blocks.seek_to_first();
        while let Some((section, first_key)) = index_entry(&blocks) {
            let last_key = Bytes::copy_from_slice(blocks.key());
            if let Err(error) = walk.block(section, before.as_ref(), first_key, &last_key) {
                damages.push(error);
                is_counted = false;
            }
            before = Some(last_key);
            blocks.next();
        }
        if is_counted && walk.found != self.footer {
            let Footer { entries, tombstones, .. } = walk.found;
            let what = format!("{entries} entries and {tombstones} tombstones, not as the footer says");
            damages.push(self.damaged(self.size - Footer::LENGTH as u64, &what));
        }
        damages
    }

    //@ 2.7 only
    /// Reads the footer and the index again.
    fn verify_ends(&self, file: &dyn DiskFile) -> Result<Block> {
        let size = file.length()?;
        let footer = read_footer(file, size)?;
        if size != self.size || footer != self.footer {
            let footer_at = size - Footer::LENGTH as u64;
            return Err(self.damaged(footer_at, "the file is not the one that was opened"));
        }
        let index = Block::decode(read_section(file, footer.index)?, file.path(), footer.index.offset)?;
        let ends = check_index(&index, file.path(), footer)?;
        if ends != (self.first_key.clone(), self.last_key.clone()) {
            return Err(self.damaged(footer.index.offset, "the index is not the one that was opened"));
        }
        Ok(index)
    }

    //@ 2.7 only
    fn read_filter(&self, file: &dyn DiskFile) -> Result<Option<Filter>> {
        let section = self.footer.filter;
        if section.length == 0 {
            return Ok(None);
        }
        Filter::decode(read_section(file, section)?, file.path(), section.offset).map(Some)
    }

    //@ 2.7 only
    fn damaged(&self, offset: u64, what: &str) -> Error {
        Error::corruption(self.file.path(), offset, what)
    }
}

//@ 2.7 only
/// A walk through a table's data blocks.
struct Walk<'a> {
    table: &'a Table,
    file: &'a dyn DiskFile,
    filter: Option<Filter>,
    /// The table's footer with the entries that were found so far.
    found: Footer,
}

//@ 2.7 only
impl Walk<'_> {
    /// Reads a block, whose keys come behind `before`.
    fn block(&mut self, section: Section, before: Option<&Bytes>, first_key: &[u8], last_key: &[u8]) -> Result<()> {
        let damaged = |what| Err(self.table.damaged(section.offset, what));
        let bytes = read_section(self.file, section)?;
        let mut entries = BlockIterator::new(Block::decode(bytes, self.file.path(), section.offset)?);
        entries.seek_to_first();
        if entries.key() != first_key {
            return damaged("a block's first key is not the one in the index");
        }
        let user_part = self.table.resources.options.user_part;
        let mut previous = before.cloned();
        while entries.is_valid() {
            if previous.is_some_and(|previous| previous >= entries.key()) {
                return damaged("keys do not ascend");
            }
            if self.filter.as_ref().is_some_and(|filter| !filter.may_contain(key_hash(user_part(entries.key())))) {
                return damaged("the filter does not contain a key of the block");
            }
            self.found.entries += 1;
            self.found.tombstones += u64::from(entries.value().is_none());
            previous = Some(Bytes::copy_from_slice(entries.key()));
            entries.next();
        }
        if previous.as_deref() != Some(last_key) {
            return damaged("a block's last key is not the one in the index");
        }
        Ok(())
    }
}
