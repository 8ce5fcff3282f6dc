//! What statement caches did.

use std::time::Duration;

use super::{Count, LatencyRecorder, PreparedStatementMetrics, seconds, total};

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
    #[expect(clippy::cast_precision_loss, reason = "a ratio of counts below 2^53, and good enough beyond")]
    pub fn hit_rate(&self) -> f64 {
        let uses = self.hits + self.misses;
        if uses == 0 { 0.0 } else { self.hits as f64 / uses as f64 }
    }
}

/// What is recorded behind [`PreparedCacheStats`] and
/// [`PreparedStatementMetrics`], shared by all connections.
#[derive(Debug)]
pub(crate) struct PreparedStats {
    hits: Count,
    misses: Count,
    evictions: Count,
    /// Recorded also where latencies are not: each is a statement prepared.
    preparation: LatencyRecorder,
    cached_execution: LatencyRecorder,
    uncached_execution: LatencyRecorder,
}

impl PreparedStats {
    pub(crate) fn new(enabled: bool) -> Self {
        let uses = |cached| {
            let about = "Uses of statements, by whether they were prepared already";
            Count::new(total("memory_storage_statements_total", about), &[("cached", cached)])
        };
        let execution = |cached| {
            let about = "How long statements with values took, preparation included";
            LatencyRecorder::new(enabled, seconds("memory_storage_statement_seconds", about), &[("cached", cached)])
        };
        let evicted = total("memory_storage_statements_evicted_total", "Statements dropped to make room");
        let preparation = seconds("memory_storage_statement_preparation_seconds", "How long preparing took");
        Self {
            hits: uses("true"),
            misses: uses("false"),
            evictions: Count::new(evicted, &[]),
            preparation: LatencyRecorder::new(true, preparation, &[]),
            cached_execution: execution("true"),
            uncached_execution: execution("false"),
        }
    }

    pub(crate) fn hit(&self) {
        self.hits.add(1);
    }

    pub(crate) fn miss(&self) {
        self.misses.add(1);
    }

    pub(crate) fn prepared(&self, took: Duration) {
        self.preparation.record(took);
    }

    pub(crate) fn evicted(&self) {
        self.evictions.add(1);
    }

    /// A statement was run.
    pub(crate) fn executed(&self, cached: bool, took: Duration) {
        if cached { &self.cached_execution } else { &self.uncached_execution }.record(took);
    }

    pub(crate) fn snapshot(&self) -> PreparedCacheStats {
        let preparation = self.preparation.snapshot();
        PreparedCacheStats {
            hits: self.hits.get(),
            misses: self.misses.get(),
            prepared: preparation.count(),
            evictions: self.evictions.get(),
            avg_preparation_time_us: preparation.mean().unwrap_or_default().as_secs_f64() * 1e6,
        }
    }

    pub(crate) fn metrics(&self) -> PreparedStatementMetrics {
        PreparedStatementMetrics {
            cached: self.hits.get(),
            uncached: self.misses.get(),
            cached_execution: self.cached_execution.snapshot(),
            uncached_execution: self.uncached_execution.snapshot(),
            preparation: self.preparation.snapshot(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_ratios_of_what_was_counted() {
        let stats = PreparedStats::new(false);
        assert_eq!(stats.snapshot(), PreparedCacheStats::default());
        assert!(stats.snapshot().hit_rate().abs() < f64::EPSILON);
        stats.miss();
        stats.prepared(Duration::from_micros(10));
        stats.miss();
        stats.prepared(Duration::from_micros(20));
        (0..6).for_each(|_| stats.hit());
        let figures = stats.snapshot();
        assert_eq!((figures.hits, figures.misses, figures.prepared), (6, 2, 2));
        assert!((figures.hit_rate() - 0.75).abs() < f64::EPSILON);
        assert!((figures.avg_preparation_time_us - 15.0).abs() < 1e-9);
    }
}
