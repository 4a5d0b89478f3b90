//! Writes that happen together or not at all. Chapter 2.7.

use bytes::Bytes;

/// A list of puts and deletions for [`Engine::write`](crate::Engine::write). After a crash all of them are there or none
/// is. Where a key comes several times, the last one counts.
///
/// ```
/// let mut batch = lsm::WriteBatch::new();
/// batch.put(b"from", b"90");
/// batch.put(b"to", b"110");
/// batch.delete(b"pending");
/// assert_eq!(batch.len(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteBatch {
    entries: Vec<(Bytes, Option<Bytes>)>,
}

impl WriteBatch {
    pub fn new() -> WriteBatch {
        WriteBatch::default()
    }

    /// Sets a key's value.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        todo!("2.7: keep an entry")
    }

    /// Removes a key, whether or not it exists.
    pub fn delete(&mut self, key: &[u8]) {
        todo!("2.7: keep a tombstone")
    }

    /// How many puts and deletions there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets everything, to be filled anew.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The entries, in their order; `None` is a deletion.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, Option<&Bytes>)> {
        self.entries.iter().map(|(key, value)| (key, value.as_ref()))
    }
}
