//! What a cached storage and its background task have in common.

use std::sync::Arc;

use memory_core::{MemoryStorage, Result, WriteBatch};
use memory_storage_redb::CacheConfig;

use super::doubt::Doubts;
use super::kind::{Begun, KindCache, Kinds, Time};
use super::query_cache::QueryCache;
use super::stats::CachedStats;

pub(super) struct Shared<S> {
    pub(super) storage: S,
    pub(super) kinds: Kinds,
    /// `None` where results are not cached.
    pub(super) queries: Option<QueryCache>,
    pub(super) doubts: Doubts,
}

impl<S: MemoryStorage> Shared<S> {
    pub(super) fn new(storage: S, config: &CacheConfig, time: &Time) -> Result<Arc<Self>> {
        let kinds = Kinds {
            episodes: KindCache::new(config.episodes()?, time)?,
            patterns: KindCache::new(config.patterns()?, time)?,
            heuristics: KindCache::new(config.heuristics()?, time)?,
        };
        let queries = config.queries()?.map(|config| QueryCache::on(config, Arc::clone(time))).transpose()?;
        Ok(Arc::new(Self { storage, kinds, queries, doubts: Doubts::default() }))
    }

    pub(super) fn stats(&self) -> CachedStats {
        CachedStats {
            episodes: self.kinds.episodes.stats(),
            patterns: self.kinds.patterns.stats(),
            heuristics: self.kinds.heuristics.stats(),
            queries: self.queries.as_ref().map(QueryCache::stats).unwrap_or_default(),
            doubts: self.doubts.len() as u64,
        }
    }

    pub(super) fn invalidate_all(&self) {
        self.kinds.episodes.invalidate_all();
        self.kinds.patterns.invalidate_all();
        self.kinds.heuristics.invalidate_all();
        if let Some(queries) = &self.queries {
            queries.invalidate_all();
        }
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
