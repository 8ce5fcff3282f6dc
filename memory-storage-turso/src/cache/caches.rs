//! The caches of all kinds.

use memory_core::backend::{ByKind, PerKind};
use memory_core::{Record, Result, WriteBatch};
use memory_storage_redb::CacheConfig;

use super::kind::{Begun, KindCache, Time};
use super::results::ResultCache;
use super::stats::{CachedStats, QueryCacheStats};
use crate::metrics::{CacheTotals, Counted, ReadTotals};

/// The caches of one storage, one for each kind.
#[derive(Debug)]
pub(super) struct Caches(ByKind<KindCaches>);

/// The family of the kinds' caches.
struct KindCaches;

impl PerKind for KindCaches {
    type Of<R: Record> = KindCache<R>;
}

impl Caches {
    pub(super) fn new(config: &CacheConfig, time: &Time) -> Result<Self> {
        let results = config.queries()?;
        let results = results.as_ref();
        Ok(Self(ByKind {
            episodes: KindCache::new(config.episodes()?, results, time)?,
            patterns: KindCache::new(config.patterns()?, results, time)?,
            heuristics: KindCache::new(config.heuristics()?, results, time)?,
        }))
    }

    /// The cache of one kind.
    pub(super) fn of<R: Record>(&self) -> &KindCache<R> {
        self.0.of::<R>()
    }

    /// Begins a write: drops what it may change, and caches nothing of that until
    /// the write has ended.
    pub(super) fn begin(&self, batch: &WriteBatch) -> ByKind<Begun> {
        let ByKind { episodes, patterns, heuristics } = &self.0;
        ByKind {
            episodes: episodes.begin(batch.changes()),
            patterns: patterns.begin(batch.changes()),
            heuristics: heuristics.begin(batch.changes()),
        }
    }

    /// Ends a write. Caches the records of `written`, which is given only if the
    /// write has taken effect.
    pub(super) fn end(&self, begun: &ByKind<Begun>, written: Option<&WriteBatch>) {
        let ByKind { episodes, patterns, heuristics } = &self.0;
        episodes.end(&begun.episodes, written.map(WriteBatch::changes));
        patterns.end(&begun.patterns, written.map(WriteBatch::changes));
        heuristics.end(&begun.heuristics, written.map(WriteBatch::changes));
    }

    /// Drops everything that is cached.
    pub(super) fn invalidate_all(&self) {
        let ByKind { episodes, patterns, heuristics } = &self.0;
        episodes.invalidate_all();
        patterns.invalidate_all();
        heuristics.invalidate_all();
    }

    /// The counts of the caches, beside a number of indeterminate writes.
    pub(super) fn stats(&self, doubts: u64) -> CachedStats {
        let ByKind { episodes, patterns, heuristics } = &self.0;
        CachedStats {
            episodes: episodes.stats(),
            patterns: patterns.stats(),
            heuristics: heuristics.stats(),
            queries: self.query_stats(),
            doubts,
        }
    }

    fn query_stats(&self) -> QueryCacheStats {
        fn stats<R: Record>(kind: &KindCache<R>) -> QueryCacheStats {
            kind.results.as_ref().map(ResultCache::stats).unwrap_or_default()
        }
        let ByKind { episodes, patterns, heuristics } = &self.0;
        stats(episodes).plus(stats(patterns)).plus(stats(heuristics))
    }
}

impl Counted for Caches {
    fn totals(&self) -> CacheTotals {
        let ByKind { episodes, patterns, heuristics } = &self.0;
        let mut gets = episodes.totals();
        gets += patterns.totals();
        gets += heuristics.totals();
        let QueryCacheStats { hits, misses, coalesced, .. } = self.query_stats();
        let queries = ReadTotals { hits, negative_hits: 0, misses, coalesced, avoided: hits };
        CacheTotals { gets, queries }
    }
}
