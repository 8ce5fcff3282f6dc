//! How full the cache is.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// The two bounds, and what counts towards them. An insertion counts before
/// its entry can be found, and makes room before it returns.
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
        Self { max_entries, max_weight, entries: AtomicUsize::new(0), weight: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, entries: usize, weight: u64) {
        self.entries.fetch_add(entries, Ordering::AcqRel);
        self.weight.fetch_add(weight, Ordering::AcqRel);
    }

    pub(crate) fn subtract(&self, (entries, weight): (usize, u64)) {
        self.entries.fetch_sub(entries, Ordering::AcqRel);
        self.weight.fetch_sub(weight, Ordering::AcqRel);
    }

    /// Whether something has to go, once `leaving` has.
    pub(crate) fn exceeded(&self, leaving: (usize, u64)) -> bool {
        self.entries() > self.max_entries.saturating_add(leaving.0)
            || self.weight() > self.max_weight.saturating_add(leaving.1)
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
