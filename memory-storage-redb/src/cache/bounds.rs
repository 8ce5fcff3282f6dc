//! Bounds of the whole cache.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// Maximum weight of one entry. The sum of 255 such weights is below 2^64, so that concurrent
/// insertions, which count before they make room, do not overflow the sum.
const MAX_WEIGHT: u64 = 1 << 56;

/// A number of entries and their weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) entries: usize,
    pub(crate) weight: u64,
}

impl Amount {
    /// Returns one entry of this weight.
    pub(crate) const fn of(weight: u64) -> Self {
        Self { entries: 1, weight }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { entries: self.entries + other.entries, weight: self.weight + other.weight }
    }
}

/// The bounds on entries and weight, and the current totals.
///
/// A change to a shard is counted before its lock is released, so that every entry that a lookup
/// finds is counted. Only the difference is added. In a full cache, most insertions replace an
/// entry of the same weight; they leave these cache lines unchanged.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Bounds {
    max_entries: usize,
    pub(crate) max_weight: u64,
    entries: AtomicUsize,
    weight: AtomicU64,
}

impl Bounds {
    pub(crate) const fn new(max_entries: usize, max_weight: u64) -> Self {
        let max_weight = if max_weight < MAX_WEIGHT { max_weight } else { MAX_WEIGHT };
        Self { max_entries, max_weight, entries: AtomicUsize::new(0), weight: AtomicU64::new(0) }
    }

    /// Adds `entered` to the totals and subtracts `left`.
    pub(crate) fn change(&self, entered: Amount, left: Amount) {
        // Negative differences wrap around, and so do the sums.
        if entered.entries != left.entries {
            self.entries.fetch_add(entered.entries.wrapping_sub(left.entries), Ordering::AcqRel);
        }
        if entered.weight != left.weight {
            self.weight.fetch_add(entered.weight.wrapping_sub(left.weight), Ordering::AcqRel);
        }
    }

    /// Returns whether the totals exceed a bound after `entered` is added and `left` subtracted.
    pub(crate) fn exceeded(&self, entered: Amount, left: Amount) -> bool {
        self.entries().saturating_add(entered.entries) > self.max_entries.saturating_add(left.entries)
            || self.weight().saturating_add(entered.weight) > self.max_weight.saturating_add(left.weight)
    }

    pub(crate) fn entries(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    pub(crate) fn weight(&self) -> u64 {
        self.weight.load(Ordering::Acquire)
    }

    /// Returns the number of entries that fit if their average weight stays the same.
    pub(crate) fn capacity(&self) -> usize {
        let (entries, weight) = (self.entries() as u64, self.weight().max(1));
        // The average weight of a few entries predicts little.
        if entries < 64 {
            return self.max_entries;
        }
        let by_weight = u128::from(self.max_weight) * u128::from(entries) / u128::from(weight);
        self.max_entries.min(usize::try_from(by_weight).unwrap_or(usize::MAX))
    }
}
