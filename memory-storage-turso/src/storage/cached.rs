//! The storage behind caches.

use std::sync::Arc;

use memory_core::Result;
use memory_storage_redb::{CacheConfig, CoarseClock};

use super::TursoStorage;
use crate::cache::CachedStorage;

/// A cached libSQL database: what [`TursoStorage::with_cache`] returns.
pub type CachedTursoStorage = CachedStorage<TursoStorage>;

impl TursoStorage {
    /// Puts caches in front of this storage.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput), which names the field
    /// of `config` that no cache can have.
    #[expect(clippy::needless_pass_by_value, reason = "most callers make it on the spot")]
    pub fn with_cache(self, config: CacheConfig) -> Result<CachedTursoStorage> {
        let metrics = Arc::clone(self.metrics());
        CachedStorage::with_metrics(self, &config, CoarseClock, metrics)
    }
}
