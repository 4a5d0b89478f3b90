//! A range of keys, owned, made from any range that Rust can write.

use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use bytes::Bytes;

/// Which keys a scan covers, in plain byte order.
///
/// `engine.scan(..)`, `engine.scan("a".."b")` and `engine.scan((Bound::Excluded("a"), Bound::Unbounded))` all work,
/// since each of these ranges turns into a `KeyRange`, for any `K: AsRef<[u8]>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    pub lower: Bound<Bytes>,
    pub upper: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> KeyRange {
        KeyRange { lower: Bound::Unbounded, upper: Bound::Unbounded }
    }

    /// Whether `key` is not below the range.
    pub fn reaches_down_to(&self, key: &[u8]) -> bool {
        match &self.lower {
            Bound::Included(lower) => key >= lower.as_ref(),
            Bound::Excluded(lower) => key > lower.as_ref(),
            Bound::Unbounded => true,
        }
    }

    /// Whether `key` is not above the range.
    pub fn reaches_up_to(&self, key: &[u8]) -> bool {
        match &self.upper {
            Bound::Included(upper) => key <= upper.as_ref(),
            Bound::Excluded(upper) => key < upper.as_ref(),
            Bound::Unbounded => true,
        }
    }

    /// Whether no key at all can be in the range, for example because its bounds are the wrong way round.
    pub fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (Bound::Included(lower) | Bound::Excluded(lower), Bound::Included(upper) | Bound::Excluded(upper)) => {
                lower >= upper
            }
            (_, Bound::Excluded(upper)) => upper.is_empty(),
            _ => false,
        }
    }
}

fn owned<K: AsRef<[u8]>>(bound: Bound<K>) -> Bound<Bytes> {
    bound.map(|key| Bytes::copy_from_slice(key.as_ref()))
}

impl<K: AsRef<[u8]>> From<(Bound<K>, Bound<K>)> for KeyRange {
    fn from((lower, upper): (Bound<K>, Bound<K>)) -> KeyRange {
        KeyRange { lower: owned(lower), upper: owned(upper) }
    }
}

impl From<RangeFull> for KeyRange {
    fn from(_: RangeFull) -> KeyRange {
        KeyRange::all()
    }
}

impl<K: AsRef<[u8]>> From<Range<K>> for KeyRange {
    fn from(range: Range<K>) -> KeyRange {
        (Bound::Included(range.start), Bound::Excluded(range.end)).into()
    }
}

impl<K: AsRef<[u8]>> From<RangeInclusive<K>> for KeyRange {
    fn from(range: RangeInclusive<K>) -> KeyRange {
        let (start, end) = range.into_inner();
        (Bound::Included(start), Bound::Included(end)).into()
    }
}

impl<K: AsRef<[u8]>> From<RangeFrom<K>> for KeyRange {
    fn from(range: RangeFrom<K>) -> KeyRange {
        (Bound::Included(range.start), Bound::Unbounded).into()
    }
}

impl<K: AsRef<[u8]>> From<RangeTo<K>> for KeyRange {
    fn from(range: RangeTo<K>) -> KeyRange {
        (Bound::Unbounded, Bound::Excluded(range.end)).into()
    }
}

impl<K: AsRef<[u8]>> From<RangeToInclusive<K>> for KeyRange {
    fn from(range: RangeToInclusive<K>) -> KeyRange {
        (Bound::Unbounded, Bound::Included(range.end)).into()
    }
}
