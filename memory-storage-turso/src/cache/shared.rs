//! The state that a cached storage shares with its background task.

use std::sync::Arc;

use memory_core::{MemoryStorage, Result};
use memory_storage_redb::CacheConfig;

use super::caches::Caches;
use super::doubt::Doubts;
use super::kind::Time;
use super::stats::CachedStats;
use crate::metrics::{Counted, PerformanceMetrics, Registration};

pub(super) struct Shared<S> {
    pub(super) storage: S,
    pub(super) caches: Arc<Caches>,
    pub(super) doubts: Doubts,
    pub(super) metrics: Arc<PerformanceMetrics>,
    /// Keeps the caches' counts among the metrics.
    _registration: Registration,
}

impl<S: MemoryStorage> Shared<S> {
    pub(super) fn new(
        storage: S,
        config: &CacheConfig,
        time: &Time,
        metrics: Arc<PerformanceMetrics>,
    ) -> Result<Arc<Self>> {
        let caches = Arc::new(Caches::new(config, time)?);
        let registration = Registration::new(Arc::clone(&metrics), Arc::clone(&caches) as Arc<dyn Counted>);
        Ok(Arc::new(Self { storage, caches, doubts: Doubts::default(), metrics, _registration: registration }))
    }

    pub(super) fn stats(&self) -> CachedStats {
        self.caches.stats(self.doubts.len() as u64)
    }
}
