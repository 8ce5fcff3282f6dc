//! What caches count themselves: a hit is counted once, where it happens.

use std::fmt::Debug;
use std::ops::AddAssign;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::PerformanceMetrics;

/// What the caches of one storage counted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CacheTotals {
    pub(crate) gets: ReadTotals,
    pub(crate) queries: ReadTotals,
}

/// Reads of one sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadTotals {
    pub(crate) hits: u64,
    pub(crate) negative_hits: u64,
    pub(crate) misses: u64,
    pub(crate) coalesced: u64,
    /// Calls that were answered from the cache alone.
    pub(crate) avoided: u64,
}

impl AddAssign for CacheTotals {
    fn add_assign(&mut self, other: Self) {
        self.gets += other.gets;
        self.queries += other.queries;
    }
}

impl AddAssign for ReadTotals {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.negative_hits += other.negative_hits;
        self.misses += other.misses;
        self.coalesced += other.coalesced;
        self.avoided += other.avoided;
    }
}

/// Caches that count their reads.
pub(crate) trait Counted: Debug + Send + Sync {
    /// What they counted so far.
    fn totals(&self) -> CacheTotals;
}

/// The caches whose counts are part of a storage's figures.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<Registered>);

#[derive(Debug, Default)]
struct Registered {
    caches: Vec<Weak<dyn Counted>>,
    /// What those counted that are no longer there.
    gone: CacheTotals,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, Registered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What all caches counted, those included that are gone.
    pub(super) fn totals(&self) -> CacheTotals {
        let registered = self.lock();
        let mut totals = registered.gone;
        registered.caches.iter().filter_map(Weak::upgrade).for_each(|caches| totals += caches.totals());
        totals
    }
}

/// Keeps the counts of caches among the figures of a storage, also when the
/// caches are gone.
#[derive(Debug)]
pub(crate) struct Registration {
    metrics: Arc<PerformanceMetrics>,
    caches: Arc<dyn Counted>,
}

impl Registration {
    pub(crate) fn new(metrics: Arc<PerformanceMetrics>, caches: Arc<dyn Counted>) -> Self {
        metrics.caches.lock().caches.push(Arc::downgrade(&caches));
        Self { metrics, caches }
    }
}

impl Drop for Registration {
    /// In one step under the lock, so that no snapshot sees the counts twice
    /// or not at all.
    fn drop(&mut self) {
        let mut registered = self.metrics.caches.lock();
        registered.gone += self.caches.totals();
        registered.caches.retain(|caches| !std::ptr::addr_eq(caches.as_ptr(), Arc::as_ptr(&self.caches)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Hits(u64);

    impl Counted for Hits {
        fn totals(&self) -> CacheTotals {
            let gets = ReadTotals { hits: self.0, misses: 1, ..ReadTotals::default() };
            CacheTotals { gets, ..CacheTotals::default() }
        }
    }

    #[test]
    fn the_counts_of_caches_that_are_gone_stay() {
        let metrics = Arc::new(PerformanceMetrics::new());
        let hits = || metrics.snapshot().cache_first.gets.hits;
        let first = Registration::new(Arc::clone(&metrics), Arc::new(Hits(3)));
        let second = Registration::new(Arc::clone(&metrics), Arc::new(Hits(4)));
        assert_eq!(hits(), 7);
        drop(first);
        assert_eq!((hits(), metrics.caches.lock().caches.len()), (7, 1));
        drop(second);
        assert_eq!((hits(), metrics.snapshot().cache_first.gets.misses), (7, 2));
    }
}
