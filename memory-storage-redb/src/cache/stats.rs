//! What has happened.

use crate::sync::{self, AtomicU64, Ordering, STRIPES, Stripe};

/// What a cache has done and what it holds, at one moment. The counts are read
/// one after the other, so that those of threads still at work may be out of
/// step with each other by what these do meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups that found a living entry.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Values that were put in, whether or not they replaced another.
    pub insertions: u64,
    /// Entries that made room for others.
    pub evictions: u64,
    /// Entries that were taken out because their lives were over.
    pub expirations: u64,
    /// Values that were not put in: heavier than the whole cache may be, or
    /// read so long ago that their lives were over.
    pub rejected: u64,
    /// Entries held now, among them those whose lives are over and which were
    /// not taken out yet.
    pub entries: u64,
    /// What these weigh.
    pub weight: u64,
}

impl CacheStats {
    /// Hits as a part of all lookups, from 0 to 1; 0 before the first.
    pub fn hit_ratio(&self) -> f64 {
        let lookups = self.hits + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio, for which an f64 is exact enough")]
        let ratio = if lookups == 0 { 0.0 } else { self.hits as f64 / lookups as f64 };
        ratio
    }
}

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    Hits,
    Misses,
    Insertions,
    Evictions,
    Expirations,
    Rejected,
}

/// The counts of one thread, on lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts([AtomicU64; 6]);

/// Counts, a stripe for each thread and one that the threads beyond share.
/// Nobody else writes to a thread's own, so that it counts without an atomic
/// addition, and still exactly.
#[derive(Debug)]
pub(crate) struct Counters(Option<Box<[Counts; STRIPES + 1]>>);

impl Counters {
    pub(crate) fn new(enabled: bool) -> Self {
        Self(enabled.then(|| Box::new(std::array::from_fn(|_| Counts::default()))))
    }

    pub(crate) fn add(&self, count: Count, more: u64) {
        if more > 0 {
            self.add_to(sync::stripe(), count, more);
        }
    }

    /// Counts a hit of this thread, whose stripe this must be.
    #[inline]
    pub(crate) fn hit(&self, stripe: Option<Stripe>) {
        self.add_to(stripe, Count::Hits, 1);
    }

    #[inline]
    fn add_to(&self, stripe: Option<Stripe>, count: Count, more: u64) {
        let Some(stripes) = &self.0 else { return };
        if let Some(own) = stripe {
            let count = &stripes[own.index()].0[count as usize];
            count.store(count.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        } else {
            stripes[STRIPES].0[count as usize].fetch_add(more, Ordering::Relaxed);
        }
    }

    /// The sums, beside what the cache holds.
    pub(crate) fn snapshot(&self, entries: u64, weight: u64) -> CacheStats {
        let sum = |count: Count| {
            self.0
                .iter()
                .flat_map(|stripes| stripes.iter())
                .map(|stripe| stripe.0[count as usize].load(Ordering::Relaxed))
                .sum()
        };
        CacheStats {
            hits: sum(Count::Hits),
            misses: sum(Count::Misses),
            insertions: sum(Count::Insertions),
            evictions: sum(Count::Evictions),
            expirations: sum(Count::Expirations),
            rejected: sum(Count::Rejected),
            entries,
            weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_s_counts_are_counted_even_beyond_the_stripes() {
        let counters = Counters::new(true);
        for _ in 0..3 {
            std::thread::scope(|scope| {
                for _ in 0..STRIPES + 8 {
                    scope.spawn(|| (0..1_000).for_each(|_| counters.hit(sync::stripe())));
                }
            });
        }
        let stats = counters.snapshot(1, 2);
        assert_eq!(stats.hits, 3 * (STRIPES as u64 + 8) * 1_000);
        assert_eq!((stats.misses, stats.entries, stats.weight), (0, 1, 2));
        assert!((stats.hit_ratio() - 1.0).abs() < f64::EPSILON && CacheStats::default().hit_ratio() < f64::EPSILON);
    }

    #[test]
    fn nothing_is_counted_when_it_is_switched_off() {
        let counters = Counters::new(false);
        counters.add(Count::Misses, 1);
        assert_eq!(counters.snapshot(0, 0), CacheStats::default());
    }
}
