//@ 2.7
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
        //@ 2.7: the footer and the index, then the blocks, then the counts
        let mut damages = Vec::new();
        if let Err(error) = self.verify_ends() {
            // Without a sound index there is no telling where the blocks should be.
            return vec![error];
        }
        let mut found = Footer { entries: 0, tombstones: 0, ..self.footer };
        let mut last_key: Option<Bytes> = None;
        let mut index = BlockIterator::new(self.index.clone());
        index.seek_to_first();
        while let Some((section, first_key)) = index_entry(&index) {
            let verified = self.verify_block(section, first_key, index.key(), last_key.as_ref(), &mut found);
            damages.extend(verified.err());
            last_key = Some(Bytes::copy_from_slice(index.key()));
            index.next();
        }
        if damages.is_empty() && found != self.footer {
            let what = format!("{} entries and {} tombstones, not as the footer says", found.entries, found.tombstones);
            damages.push(self.damaged(self.size - Footer::LENGTH as u64, what));
        }
        damages
    }

    //@ 2.7 only
    /// Reads footer, index and filter again.
    fn verify_ends(&self) -> Result<()> {
        let size = self.file.length()?;
        let footer = read_footer(self.file.as_ref(), size)?;
        if size != self.size || footer != self.footer {
            return Err(self.damaged(0, "the file is not the one that was opened".to_string()));
        }
        let index =
            Block::decode(read_section(self.file.as_ref(), footer.index)?, self.file.path(), footer.index.offset)?;
        let ends = check_index(&index, self.file.path(), footer)?;
        if ends != (self.first_key.clone(), self.last_key.clone()) {
            return Err(self.damaged(footer.index.offset, "the index is not the one that was opened".to_string()));
        }
        if footer.filter.length > 0 {
            let bytes = read_section(self.file.as_ref(), footer.filter)?;
            super::Filter::decode(bytes, self.file.path(), footer.filter.offset)?;
        }
        Ok(())
    }

    //@ 2.7 only
    /// Reads a data block and counts its entries into `found`.
    fn verify_block(
        &self,
        section: Section,
        first_key: &[u8],
        last_key: &[u8],
        before: Option<&Bytes>,
        found: &mut Footer,
    ) -> Result<()> {
        let bytes = read_section(self.file.as_ref(), section)?;
        let mut entries = BlockIterator::new(Block::decode(bytes, self.file.path(), section.offset)?);
        entries.seek_to_first();
        let damaged = |what: &str| Err(self.damaged(section.offset, what.to_string()));
        if entries.key() != first_key {
            return damaged("a block's first key is not the one in the index");
        }
        let user_part = self.resources.options.user_part;
        let mut previous = before.cloned();
        while entries.is_valid() {
            if previous.is_some_and(|previous| previous >= entries.key()) {
                return damaged("keys do not ascend");
            }
            if self.filter.as_ref().is_some_and(|filter| !filter.may_contain(key_hash(user_part(entries.key())))) {
                return damaged("the filter does not contain a key of the block");
            }
            found.entries += 1;
            found.tombstones += u64::from(entries.value().is_none());
            previous = Some(Bytes::copy_from_slice(entries.key()));
            entries.next();
        }
        if previous.is_none_or(|previous| previous != last_key) {
            return damaged("a block's last key is not the one in the index");
        }
        Ok(())
    }

    //@ 2.7 only
    fn damaged(&self, offset: u64, what: String) -> Error {
        Error::corruption(self.file.path(), offset, what)
    }
}
