//! What the user of the engine walks: live entries, as a Rust iterator. Chapter 1.2.

use std::iter::FusedIterator;

use bytes::Bytes;

use super::{MergeIterator, Source, StorageIterator};
use crate::Result;

/// The live entries of a range, in key order. Made by [`Engine::scan`](crate::Engine::scan).
///
/// It reads from the engine's state as it was when the scan began, and holds no lock. After the first error it gives
/// nothing more: what it would give could be wrong.
pub struct Scan {
    merge: MergeIterator<Source>,
    /// Whether the merge still stands on the entry that was given last. It steps on when the next one is asked for:
    /// who wants ten entries does not pay for an eleventh.
    was_given: bool,
}

impl Scan {
    /// Walks what `merge` gives. Its sources stop at the range's bounds by themselves, and keep alive what they read from.
    pub(crate) fn new(merge: MergeIterator<Source>) -> Scan {
        Scan { merge, was_given: false }
    }

    /// The next live entry: a tombstone is stepped over, and with it what it hides.
    fn next_live(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        loop {
            if self.was_given {
                self.merge.next()?;
            }
            self.was_given = true;
            if !self.merge.is_valid() {
                return Ok(None);
            }
            if let Some(value) = self.merge.value_bytes() {
                return Ok(Some((Bytes::copy_from_slice(self.merge.key()), value)));
            }
        }
    }
}

impl Iterator for Scan {
    type Item = Result<(Bytes, Bytes)>;

    fn next(&mut self) -> Option<Result<(Bytes, Bytes)>> {
        // A merge that has ended or failed is not valid and stays so, which is all that it takes to be fused.
        self.next_live().transpose()
    }
}

impl FusedIterator for Scan {}
