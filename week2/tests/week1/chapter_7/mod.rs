//! Chapter 1.7: bloom filters, and keys that leave out what they share.

mod block_format;
mod blocks;
mod engine;
mod filter_format;
mod filters;
mod regressions;
mod tables;
