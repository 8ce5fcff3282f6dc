//! How full the cache is.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// Largest weight that is counted. The sum of 255 such weights is below 2^64, so that
/// insertions that run at the same time, and count before they make room, do not wrap it.
const MAX_WEIGHT: u64 = 1 << 56;

/// Entries and their weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) entries: usize,
    pub(crate) weight: u64,
}

impl Amount {
    /// One entry.
    pub(crate) const fn of(weight: u64) -> Self {
        Self { entries: 1, weight }
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { entries: self.entries + other.entries, weight: self.weight + other.weight }
    }
}

/// The two bounds, and what counts towards them. What changes in a shard is
/// counted before its lock is free again, so that nothing is found that does
/// not count; and only the difference, which is nothing where an entry takes the
/// place of another of its weight. That is most insertions in a full cache, and
/// they leave these lines to the other threads.
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

    /// Counts what came in and what has gone.
    pub(crate) fn change(&self, entered: Amount, left: Amount) {
        // Differences below 0 wrap around, and so do the sums.
        if entered.entries != left.entries {
            self.entries.fetch_add(entered.entries.wrapping_sub(left.entries), Ordering::AcqRel);
        }
        if entered.weight != left.weight {
            self.weight.fetch_add(entered.weight.wrapping_sub(left.weight), Ordering::AcqRel);
        }
    }

    /// Whether something has to go, once `entered` counts and `left` does not.
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

    /// How many entries fit, if those to come weigh what these do.
    pub(crate) fn capacity(&self) -> usize {
        let (entries, weight) = (self.entries() as u64, self.weight().max(1));
        // Too few say little about the others.
        if entries < 64 {
            return self.max_entries;
        }
        let by_weight = u128::from(self.max_weight) * u128::from(entries) / u128::from(weight);
        self.max_entries.min(usize::try_from(by_weight).unwrap_or(usize::MAX))
    }
}
