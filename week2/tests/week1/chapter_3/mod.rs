//! Chapter 1.3: blocks.
//!
//! The builder is tested by a reader of the published format that stands in [`format`], and the reader by blocks that
//! are put together there. So each half can be made to work without the other; `round_trip` then joins them. What a block
//! makes the engine ask of the allocator is watched by [`allocations`].

mod allocations;
mod builder;
mod decode;
mod format;
mod iterator;
mod refused;
mod round_trip;
mod seek;

mod regressions {
    use lsm::block::BlockBuilder;

    /// A new builder is empty.
    ///
    /// Hint: `is_empty` and `last_key` are given; they look at what `add` keeps.
    ///
    /// Book: week1/3-blocks.md#task-1-write-a-block
    #[test]
    fn a_new_builder_is_empty() {
        let builder: BlockBuilder = BlockBuilder::new(16);
        assert!(builder.is_empty(), "a builder to which nothing was added is empty");
        assert_eq!(builder.last_key(), b"", "a builder to which nothing was added has no last key");
    }
}
