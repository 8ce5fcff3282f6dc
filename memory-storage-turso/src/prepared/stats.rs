//! What statement caches did.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the statement caches of a storage did so far, all connections together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PreparedCacheStats {
    /// Uses of a statement that was there.
    pub hits: u64,
    /// Uses of a statement that had to be prepared first.
    pub misses: u64,
    /// Statements prepared; fewer than `misses` by those that failed.
    pub prepared: u64,
    /// Statements dropped to make room.
    pub evictions: u64,
    /// How long one preparation took on average, in microseconds; 0 before the
    /// first.
    pub avg_preparation_time_us: f64,
}

impl PreparedCacheStats {
    /// The share of uses that found their statement there, 0 to 1; 0 before
    /// the first use.
    pub fn hit_rate(&self) -> f64 {
        ratio(self.hits, self.hits + self.misses)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio of counts below 2^53, and good enough beyond")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The counters behind [`PreparedCacheStats`], shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct PreparedStats {
    hits: AtomicU64,
    misses: AtomicU64,
    prepared: AtomicU64,
    evictions: AtomicU64,
    preparation_nanos: AtomicU64,
}

impl PreparedStats {
    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn prepared(&self, took: Duration) {
        self.prepared.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.preparation_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn evicted(&self) {
        self.evictions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> PreparedCacheStats {
        let prepared = self.prepared.load(Ordering::Relaxed);
        PreparedCacheStats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            prepared,
            evictions: self.evictions.load(Ordering::Relaxed),
            avg_preparation_time_us: ratio(self.preparation_nanos.load(Ordering::Relaxed), prepared) / 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_ratios_of_what_was_counted() {
        let stats = PreparedStats::default();
        assert_eq!(stats.snapshot(), PreparedCacheStats::default());
        assert!(stats.snapshot().hit_rate().abs() < f64::EPSILON);
        stats.miss();
        stats.prepared(Duration::from_micros(10));
        stats.miss();
        stats.prepared(Duration::from_micros(20));
        (0..6).for_each(|_| stats.hit());
        let figures = stats.snapshot();
        assert!((figures.hit_rate() - 0.75).abs() < f64::EPSILON);
        assert!((figures.avg_preparation_time_us - 15.0).abs() < f64::EPSILON);
    }
}
