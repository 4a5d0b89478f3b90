//! Writes a table, block by block, while its entries come in. Chapter 1.4; the filter is chapter 1.7.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{FilterBuilder, Footer, Resources, Section, key_hash};
use crate::block::BlockBuilder;
use crate::disk::DiskFile;
use crate::{Error, Result};

/// How many bytes are collected before they are handed to the file.
const WRITE_SIZE: usize = 256 << 10;

/// Builds the file of a table. Only [`TableBuilder::finish`] makes it one; a builder that is dropped before removes
/// the file.
#[derive(Debug)]
pub struct TableBuilder {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    resources: Arc<Resources>,
    /// The data block that is being filled, and its first key.
    block: BlockBuilder,
    block_first_key: Vec<u8>,
    index: BlockBuilder,
    filter: FilterBuilder,
    /// The last key of all.
    last_key: Vec<u8>,
    entries: u64,
    tombstones: u64,
    /// Bytes that are finished but not yet handed to the file, and the offset at which they will stand.
    pending: Vec<u8>,
    pending_offset: u64,
    /// Why an append failed. Part of its bytes may be in the file, so that what follows would stand at a wrong offset.
    failure: Option<Error>,
    is_finished: bool,
}

impl TableBuilder {
    /// Creates the file, which must not exist.
    pub fn create(path: &Path, resources: &Arc<Resources>) -> Result<TableBuilder> {
        Ok(TableBuilder {
            path: path.to_path_buf(),
            file: resources.options.disk.create(path)?,
            resources: resources.clone(),
            block: BlockBuilder::new(resources.options.restart_interval),
            block_first_key: Vec::new(),
            index: BlockBuilder::new(1),
            filter: FilterBuilder::new(),
            last_key: Vec::new(),
            entries: 0,
            tombstones: 0,
            pending: Vec::new(),
            pending_offset: 0,
            failure: None,
            is_finished: false,
        })
    }

    /// Adds an entry; `None` is a tombstone.
    ///
    /// The current data block ends with this entry if it has then reached [`Options::block_size`](crate::Options); so
    /// an entry that is longer than that makes its block longer, and no block is empty. Finished blocks wait in
    /// memory; once they are more than 256 KiB, all of them are appended to the file at once.
    ///
    /// From chapter 1.7 on, the filter takes the [`key_hash`] of the key's user part (see
    /// [`Options::user_part`](crate::Options)).
    ///
    /// Fails with [`Error::InvalidInput`] if `key` is not greater than the key before; the entry is then left out and
    /// nothing else has changed. Fails with [`Error::Io`] if the file cannot be written. Nothing is appended after
    /// that: whatever would be, [`TableBuilder::finish`] at the latest, fails with the same error.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        if self.entries > 0 && key <= self.last_key.as_slice() {
            return Err(Error::InvalidInput("keys do not ascend strictly".to_string()));
        }
        let options = &self.resources.options;
        if options.bits_per_key > 0 {
            self.filter.add(key_hash((options.user_part)(key)));
        }
        if self.block.is_empty() {
            self.block_first_key.clear();
            self.block_first_key.extend_from_slice(key);
        }
        self.block.add(key, value);
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.entries += 1;
        self.tombstones += u64::from(value.is_none());
        if self.block.size() >= self.resources.options.block_size {
            self.end_block()?;
        }
        Ok(())
    }

    /// About how long the file would be if it were finished now, in bytes, index and filter not counted.
    pub fn size(&self) -> u64 {
        self.pending_offset + (self.pending.len() + self.block.size()) as u64
    }

    /// How many entries were added.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Ends the last data block, writes filter, index and footer, and syncs the file. When it returns, the table's
    /// bytes are durable; its name is when the caller has synced the directory.
    ///
    /// Fails with [`Error::InvalidInput`] if no entry was added, since a table has a first and a last key.
    pub fn finish(mut self) -> Result<()> {
        if self.entries == 0 {
            return Err(Error::InvalidInput("a table without entries".to_string()));
        }
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let mut footer = Footer { entries: self.entries, tombstones: self.tombstones, ..Footer::default() };
        if self.resources.options.bits_per_key > 0 {
            let filter = self.filter.finish(self.resources.options.bits_per_key);
            footer.filter = self.append(&filter)?;
        }
        let index = self.index.finish();
        footer.index = self.append(&index)?;
        self.append(&footer.encode())?;
        self.write_pending()?;
        self.file.sync()?;
        self.is_finished = true;
        Ok(())
    }

    fn end_block(&mut self) -> Result<()> {
        let block = self.block.finish();
        let section = self.append(&block)?;
        let mut entry = Vec::with_capacity(12 + self.block_first_key.len());
        entry.extend_from_slice(&section.offset.to_le_bytes());
        entry.extend_from_slice(&section.length.to_le_bytes());
        entry.extend_from_slice(&self.block_first_key);
        self.index.add(&self.last_key, Some(&entry));
        Ok(())
    }

    /// Puts bytes behind all that came before, and says where.
    fn append(&mut self, bytes: &[u8]) -> Result<Section> {
        let offset = self.pending_offset + self.pending.len() as u64;
        let length = u32::try_from(bytes.len());
        let length = length.map_err(|_| Error::InvalidInput("a part of a table exceeds 4 GiB".to_string()))?;
        self.pending.extend_from_slice(bytes);
        if self.pending.len() > WRITE_SIZE {
            self.write_pending()?;
        }
        Ok(Section { offset, length })
    }

    fn write_pending(&mut self) -> Result<()> {
        if self.failure.is_none() {
            self.failure = self.file.append(&self.pending).err();
        }
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.pending_offset += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

impl Drop for TableBuilder {
    fn drop(&mut self) {
        if !self.is_finished {
            // Nothing refers to the file. If it cannot be removed either, it only takes space.
            let _ = self.resources.options.disk.remove(&self.path);
        }
    }
}
