//! Statistics.

use crate::sync::{self, AtomicU64, MAX_THREADS, Ordering, ThreadIndex};

/// Statistics of a cache: events since it was built, and its current size.
///
/// The counts are exact once no other thread uses the cache. While threads use it, the counts
/// are read one after the other and may differ from each other by the concurrent events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups that found a living entry.
    pub hits: u64,
    /// Lookups that found no living entry.
    pub misses: u64,
    /// Values that were inserted, including those that replaced another value.
    pub insertions: u64,
    /// Entries that were evicted to make room.
    pub evictions: u64,
    /// Entries that were removed because they had expired.
    pub expirations: u64,
    /// Values that were not inserted: they were heavier than the maximum weight, or their first
    /// term had already ended.
    pub rejected: u64,
    /// Current number of entries, including expired entries that were not removed yet.
    pub entries: u64,
    /// Total weight of these entries.
    pub weight: u64,
}

impl CacheStats {
    /// Returns hits divided by lookups, from 0 to 1, or `None` if there was no lookup.
    pub fn hit_ratio(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio, for which an f64 is exact enough")]
        let ratio = self.hits as f64 / lookups as f64;
        (lookups > 0).then_some(ratio)
    }
}

/// An event that is counted.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    Hit,
    Miss,
    Insertion,
    Eviction,
    Expiration,
    Rejection,
}

/// The counts of one thread, on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct ThreadCounters([AtomicU64; 6]);

/// Counters for each thread that has an index, and shared counters for the other threads.
///
/// Only one thread writes to the counters of an index, so it counts exactly without an atomic
/// addition.
#[derive(Debug)]
pub(crate) struct Counters(Option<Box<[ThreadCounters; MAX_THREADS + 1]>>);

impl Counters {
    pub(crate) fn new(enabled: bool) -> Self {
        Self(enabled.then(|| Box::new(std::array::from_fn(|_| ThreadCounters::default()))))
    }

    pub(crate) fn add(&self, event: Event, more: u64) {
        if more > 0 {
            self.add_to(sync::thread_index(), event, more);
        }
    }

    /// Counts a hit. `thread` is the calling thread's index, if it has one.
    #[inline]
    pub(crate) fn hit(&self, thread: Option<ThreadIndex>) {
        self.add_to(thread, Event::Hit, 1);
    }

    #[inline]
    fn add_to(&self, thread: Option<ThreadIndex>, event: Event, more: u64) {
        let Some(threads) = &self.0 else { return };
        if let Some(own) = thread {
            let count = &threads[own.index()].0[event as usize];
            count.store(count.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        } else {
            threads[MAX_THREADS].0[event as usize].fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Returns the sums over all threads, and the given size of the cache.
    pub(crate) fn snapshot(&self, entries: u64, weight: u64) -> CacheStats {
        let sum = |event: Event| {
            self.0
                .iter()
                .flat_map(|threads| threads.iter())
                .map(|counters| counters.0[event as usize].load(Ordering::Relaxed))
                .sum()
        };
        CacheStats {
            hits: sum(Event::Hit),
            misses: sum(Event::Miss),
            insertions: sum(Event::Insertion),
            evictions: sum(Event::Eviction),
            expirations: sum(Event::Expiration),
            rejected: sum(Event::Rejection),
            entries,
            weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_all_threads_are_summed_even_beyond_the_indexes() {
        let counters = Counters::new(true);
        for _ in 0..3 {
            std::thread::scope(|scope| {
                for _ in 0..MAX_THREADS + 8 {
                    scope.spawn(|| (0..1_000).for_each(|_| counters.hit(sync::thread_index())));
                }
            });
        }
        let stats = counters.snapshot(1, 2);
        assert_eq!(stats.hits, 3 * (MAX_THREADS as u64 + 8) * 1_000);
        assert_eq!((stats.misses, stats.entries, stats.weight), (0, 1, 2));
        assert_eq!((stats.hit_ratio(), CacheStats::default().hit_ratio()), (Some(1.0), None));
    }

    #[test]
    fn disabled_counters_count_nothing() {
        let counters = Counters::new(false);
        counters.add(Event::Miss, 1);
        assert_eq!(counters.snapshot(0, 0), CacheStats::default());
    }
}
