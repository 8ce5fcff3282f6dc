//! What a cached storage and its background task have in common.

use std::sync::Arc;

use memory_core::{MemoryStorage, Result, WriteBatch};
use memory_storage_redb::CacheConfig;

use super::doubt::Doubts;
use super::kind::{Begun, KindCache, Kinds, Time};
use super::query_cache::QueryCache;
use super::stats::CachedStats;
use crate::metrics::{CacheTotals, Counted, PerformanceMetrics, Registration};

pub(super) struct Shared<S> {
    pub(super) storage: S,
    pub(super) caches: Arc<Caches>,
    pub(super) doubts: Doubts,
    pub(super) metrics: Arc<PerformanceMetrics>,
    /// Keeps the caches' counts among the metrics.
    _registration: Registration,
}

/// What is cached.
#[derive(Debug)]
pub(super) struct Caches {
    pub(super) kinds: Kinds,
    /// `None` where results are not cached.
    pub(super) queries: Option<QueryCache>,
}

impl<S: MemoryStorage> Shared<S> {
    pub(super) fn new(
        storage: S,
        config: &CacheConfig,
        time: &Time,
        metrics: Arc<PerformanceMetrics>,
    ) -> Result<Arc<Self>> {
        let kinds = Kinds {
            episodes: KindCache::new(config.episodes()?, time)?,
            patterns: KindCache::new(config.patterns()?, time)?,
            heuristics: KindCache::new(config.heuristics()?, time)?,
        };
        let queries = config.queries()?.map(|config| QueryCache::on(config, Arc::clone(time))).transpose()?;
        let caches = Arc::new(Caches { kinds, queries });
        let registration = Registration::new(Arc::clone(&metrics), Arc::clone(&caches) as Arc<dyn Counted>);
        Ok(Arc::new(Self { storage, caches, doubts: Doubts::default(), metrics, _registration: registration }))
    }

    pub(super) fn stats(&self) -> CachedStats {
        CachedStats {
            episodes: self.caches.kinds.episodes.stats(),
            patterns: self.caches.kinds.patterns.stats(),
            heuristics: self.caches.kinds.heuristics.stats(),
            queries: self.caches.queries.as_ref().map(QueryCache::stats).unwrap_or_default(),
            doubts: self.doubts.len() as u64,
        }
    }

    pub(super) fn invalidate_all(&self) {
        self.caches.kinds.episodes.invalidate_all();
        self.caches.kinds.patterns.invalidate_all();
        self.caches.kinds.heuristics.invalidate_all();
        if let Some(queries) = &self.caches.queries {
            queries.invalidate_all();
        }
    }
}

impl Counted for Caches {
    fn totals(&self) -> CacheTotals {
        let Kinds { episodes, patterns, heuristics } = &self.kinds;
        let mut totals = CacheTotals { gets: episodes.totals(), ..CacheTotals::default() };
        totals.gets += patterns.totals();
        totals.gets += heuristics.totals();
        totals.queries = self.queries.as_ref().map(QueryCache::totals).unwrap_or_default();
        totals
    }
}

impl Kinds {
    pub(super) fn begin(&self, batch: &WriteBatch, queries: Option<&QueryCache>) -> [Begun; 3] {
        [
            self.episodes.begin(batch.changes(), queries),
            self.patterns.begin(batch.changes(), queries),
            self.heuristics.begin(batch.changes(), queries),
        ]
    }

    /// Ends a write, of which what it wrote may be cached if it is given.
    pub(super) fn end(&self, [episodes, patterns, heuristics]: &[Begun; 3], written: Option<&WriteBatch>) {
        self.episodes.end(episodes, written.map(WriteBatch::changes));
        self.patterns.end(patterns, written.map(WriteBatch::changes));
        self.heuristics.end(heuristics, written.map(WriteBatch::changes));
    }
}
