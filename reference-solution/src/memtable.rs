//! The newest data, in memory and in order: a concurrent skip list. Chapter 1.1; its iterator is chapter 1.2.
//!
//! A write goes into the memtable first. Memory makes it fast; order makes it useful, since what comes out at the
//! flush is sorted and can be written to a table as it stands. A skip list gives both at once, and lets readers walk
//! it while a writer inserts:
//!
//! ```text
//!   3  ──────────────────────▶ banana ──────────────────────▶
//!   2  ────────▶ apricot ────▶ banana ──────────────▶ fig ──▶
//!   1  ▶ apple ▶ apricot ────▶ banana ──▶ cherry ───▶ fig ──▶
//! ```
//!
//! **A node is never replaced.** The map's own `insert` over an existing key takes the old node out before the new
//! one is in, and a reader that looks in between finds nothing (crossbeam issue 1023). So a key's node goes in once,
//! with its value already in it, and a later value is swapped inside of the node. A key that always existed is never
//! missing.
//!
//! A deletion is an entry too, without a value: a *tombstone*. It has to be kept, since older data further down the
//! tree may still hold the key.
//!
//! RocksDB's memtable is a skip list of its own in an arena that frees all nodes at once; it holds every version of a
//! key as a node (as ours does from week 3 on).

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use crossbeam_skiplist::SkipMap;
use crossbeam_skiplist::map::{Entry as Node, Range};
use ouroboros::self_referencing;
use parking_lot::RwLock;

use crate::iterator::StorageIterator;
use crate::{KeyRange, Result, UserPart, whole_key};

/// Entries in key order. Any number of threads may read while one writes; the engine's turn sees to there being only
/// one.
#[derive(Debug)]
pub struct MemTable {
    id: u64,
    map: Arc<Map>,
    size: AtomicUsize,
}

/// A value, or `None` for a tombstone, that can be swapped while its node stays.
type Slot = RwLock<Option<Bytes>>;
type Map = SkipMap<Bytes, Slot>;

impl MemTable {
    /// What an entry counts beside its key and its value: a rough price, in bytes, of a node, its tower of links, and
    /// the handles of key and value.
    pub const ENTRY_OVERHEAD: usize = 100;

    /// An empty memtable. Of two memtables of an engine, the one with the greater id is the newer.
    pub fn new(id: u64) -> MemTable {
        MemTable { id, map: Arc::default(), size: AtomicUsize::new(0) }
    }

    pub fn id(&self) -> u64 {
        self.id
    }

    /// Sets a key's value. An empty value is a value.
    pub fn put(&self, key: &[u8], value: &[u8]) {
        self.write(key, Some(value));
    }

    /// Writes a tombstone, whether or not the key is here.
    pub fn delete(&self, key: &[u8]) {
        self.write(key, None);
    }

    /// Writes a value, or a tombstone for `None`.
    ///
    /// A key that is already here keeps its node, and the new value takes the old one's place inside of it. A new
    /// key's node has its value before any reader can see it. [`MemTable::size`] follows in both cases.
    pub fn write(&self, key: &[u8], value: Option<&[u8]>) {
        //@ 1.1: insert the key's node once, swap the value inside of it later, and account for the size
        let length = value.map_or(0, <[u8]>::len);
        let mut value = Some(value.map(Bytes::copy_from_slice));
        // A new node takes the value with it; if it is still here afterwards, the key had a node.
        let node = self.map.get_or_insert_with(Bytes::copy_from_slice(key), || RwLock::new(value.take().flatten()));
        match value {
            None => {
                self.size.fetch_add(key.len() + length + Self::ENTRY_OVERHEAD, Ordering::Relaxed);
            }
            Some(value) => {
                let old = std::mem::replace(&mut *node.value().write(), value);
                self.size.fetch_add(length, Ordering::Relaxed);
                self.size.fetch_sub(old.map_or(0, |old| old.len()), Ordering::Relaxed);
            }
        }
    }

    /// What this memtable knows of a key: `None` is nothing, `Some(None)` that it is deleted.
    pub fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        self.lookup(key, whole_key)
    }

    /// The value, or the tombstone, of the first entry at or after `target`, provided that its key has the same user
    /// part as `target`.
    ///
    /// With whole keys that is the entry of just this key. From week 3 on a user's key has many entries, the newest
    /// first, and `target` is where to begin among them.
    pub fn lookup(&self, target: &[u8], user_part: UserPart) -> Option<Option<Bytes>> {
        //@ 1.1: find the first node at or after the target, and compare the user parts
        let node = self.map.lower_bound(Bound::Included(target))?;
        if user_part(node.key()) != user_part(target) {
            return None;
        }
        Some(node.value().read().clone())
    }

    /// The memory that the entries take, in bytes: for each key that is here, the length of the key, that of its
    /// current value (0 for a tombstone), and [`MemTable::ENTRY_OVERHEAD`].
    pub fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    /// How many keys are here, deleted ones included.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The entries of a range, in key order, tombstones included. The iterator stands on the first one. It keeps the
    /// entries alive, and sees what is written to keys that it has not reached.
    pub fn scan(&self, range: &KeyRange) -> MemTableIterator {
        //@ 1.2: an iterator that owns the map, standing on the range's first entry
        let mut iterator = MemTableIteratorBuilder {
            map: self.map.clone(),
            range_builder: |map: &Arc<Map>| map.range((range.lower.clone(), range.upper.clone())),
            upper: range.upper.clone(),
            current: None,
        }
        .build();
        iterator.step();
        iterator
    }
}

/// Walks a memtable, or a part of it, in key order. Made by [`MemTable::scan`].
///
/// The map's own range borrows the map, so that an iterator which is to outlive the call must own both: a value with
/// a reference into itself, which ouroboros makes safely.
#[self_referencing]
pub struct MemTableIterator {
    map: Arc<Map>,
    #[borrows(map)]
    #[not_covariant]
    range: Range<'this, Bytes, (Bound<Bytes>, Bound<Bytes>), Bytes, Slot>,
    upper: Bound<Bytes>,
    /// The entry that the iterator stands on; `None` after the last.
    current: Option<(Bytes, Option<Bytes>)>,
}

//@ 1.2 only
impl MemTableIterator {
    fn step(&mut self) {
        let read = |node: Node<'_, Bytes, Slot>| (node.key().clone(), node.value().read().clone());
        self.with_mut(|fields| *fields.current = fields.range.next().map(read));
    }
}

impl StorageIterator for MemTableIterator {
    fn is_valid(&self) -> bool {
        //@ 1.2: whether the iterator stands on an entry
        self.borrow_current().is_some()
    }

    fn key(&self) -> &[u8] {
        //@ 1.2: the current entry's key, empty after the last
        self.borrow_current().as_ref().map_or(&[], |(key, _)| key)
    }

    fn value(&self) -> Option<&[u8]> {
        //@ 1.2: the current entry's value
        self.borrow_current().as_ref().and_then(|(_, value)| value.as_deref())
    }

    fn value_bytes(&self) -> Option<Bytes> {
        //@ 1.2: the current entry's value, without a copy of its bytes
        self.borrow_current().as_ref().and_then(|(_, value)| value.clone())
    }

    fn next(&mut self) -> Result<()> {
        //@ 1.2: go to the next entry
        if self.is_valid() {
            self.step();
        }
        Ok(())
    }

    fn seek(&mut self, target: &[u8]) -> Result<()> {
        //@ 1.2: go to the first entry at or after the target, within the upper bound
        let lower = Bound::Included(Bytes::copy_from_slice(target));
        self.with_mut(|fields| *fields.range = fields.map.range((lower, fields.upper.clone())));
        self.step();
        Ok(())
    }
}
