//! Blocks that were read lately, bounded in bytes. Chapter 1.4.
//!
//! Tables never change, so a cached block is never wrong, and a table that goes away simply stops being asked for.
//! The eviction policy is quick_cache's: S3-FIFO, which keeps what was used more than once over what a scan touched
//! only once (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023). It is sharded, so that
//! threads do not wait for each other.

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::Result;
use crate::block::Block;

/// Which block: the table's id and the block's offset in the file.
pub type BlockKey = (u64, u64);

/// A map from [`BlockKey`] to blocks that forgets.
#[derive(Debug)]
pub struct BlockCache {
    blocks: Cache<BlockKey, Block, BlockWeighter>,
}

/// Tells the cache what a block costs.
#[derive(Clone, Debug)]
struct BlockWeighter;

impl Weighter<BlockKey, Block> for BlockWeighter {
    /// The memory that a block takes, in bytes.
    fn weight(&self, _key: &BlockKey, block: &Block) -> u64 {
        block.size() as u64
    }
}

impl BlockCache {
    /// A cache whose blocks take at most `capacity` bytes ([`Block::size`]).
    pub fn new(capacity: usize) -> BlockCache {
        let expected_blocks = capacity / 4096;
        BlockCache { blocks: Cache::with_weighter(expected_blocks, capacity as u64, BlockWeighter) }
    }

    /// The block, from the cache, or from `read` if it is not there; then it is there afterwards, if there is room
    /// for it. If several threads miss the same block at once, one reads and the others wait for it. A failed read
    /// leaves no trace.
    pub fn get_or_read(&self, key: BlockKey, read: impl FnOnce() -> Result<Block>) -> Result<Block> {
        self.blocks.get_or_insert_with(&key, read)
    }

    /// How many bytes the cached blocks take.
    pub fn bytes(&self) -> u64 {
        self.blocks.weight()
    }
}
