//! The storage that answers from its caches first.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use memory_core::backend::{check_ids, check_records};
use memory_core::{
    Counts, Field, Filter, Health, Id, MemoryStorage, Page, Plan, Query, Record, Result, Store, WriteBatch, WriteId,
    Written,
};
use memory_storage_redb::{CacheConfig, Clock, CoarseClock};

use super::shared::Shared;
use super::stats::CachedStats;
use crate::metrics::PerformanceMetrics;

/// A storage whose answers are remembered: what is known costs no round trip.
///
/// **The promise.** Through one `CachedStorage`, a read never returns something
/// older than the newest write that was acknowledged, made through it, or than
/// any such write an earlier read returned. What other processes write shows at
/// the latest when the `*_ttl` of [`CacheConfig`] is over, counted from the
/// moment a read began; and it may show in a query before it does in a get.
///
/// - Records are cached by id, and that there is none too. Many that miss one
///   id at once wait for one load; a get of many ids loads what is missing in
///   one call, and is one moment's answer whatever is written meanwhile, as far
///   as one call to the storage behind is.
/// - Whole results of queries and counts are cached. A write drops those that it
///   may touch, by what is written alone.
/// - While the outcome of a write is unknown, because it failed so or its
///   future was dropped, nothing that it may change is cached. It is settled in
///   the background, on the runtime that is at hand, and fenced off by the next
///   write. After that the same batch, committed again, is reported if it had
///   happened, and refused as [`Fenced`](memory_core::Error::Fenced) if not: a
///   new batch can be written.
/// - A read that fails is not remembered; all that wait for it fail with it.
///
/// Clone an `Arc` of it to share it: two caches over one database know nothing
/// of each other's writes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> memory_core::Result<()> {
/// use memory_core::{Episode, MemoryStorageExt, TaskContext, TaskType};
/// use memory_storage_turso::{CacheConfig, TursoStorage};
///
/// let storage = TursoStorage::memory().await?.with_cache(CacheConfig::default())?;
/// let episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
/// storage.store_episode(&episode).await?;
///
/// assert_eq!(*storage.get_episode(episode.id).await?.expect("just stored"), episode);
/// assert_eq!(storage.stats().episodes.hits, 1);
/// # Ok(())
/// # }
/// ```
pub struct CachedStorage<S> {
    shared: Arc<Shared<S>>,
}

impl<S: MemoryStorage> CachedStorage<S> {
    /// Puts caches in front of `storage`, on the system's clock.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput), which names the field
    /// of `config` that no cache can have.
    pub fn new(storage: S, config: &CacheConfig) -> Result<Self> {
        Self::with_clock(storage, config, CoarseClock)
    }

    /// As [`new`](Self::new), with the ages of entries counted by `clock`, which must not
    /// call the storage that it is the clock of.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_clock(storage: S, config: &CacheConfig, clock: impl Clock + 'static) -> Result<Self> {
        Self::with_metrics(storage, config, clock, Arc::default())
    }

    /// As [`with_clock`](Self::with_clock), and records into `metrics`: most
    /// often those of the storage behind, as [`TursoStorage::with_cache`](crate::TursoStorage::with_cache) does.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_metrics(
        storage: S,
        config: &CacheConfig,
        clock: impl Clock + 'static,
        metrics: Arc<PerformanceMetrics>,
    ) -> Result<Self> {
        let time: Arc<dyn Clock> = Arc::new(clock);
        Ok(Self { shared: Shared::new(storage, config, &time, metrics)? })
    }

    /// The same, following the protocol with a shortcut for episodes.
    #[cfg(test)]
    pub(super) fn with_shortcut(self, shortcut: super::shortcut::Shortcut) -> Self {
        let episodes = self.shared.caches.of::<memory_core::Episode>();
        episodes.keys.take(shortcut);
        episodes.table.take(shortcut);
        self
    }

    /// The storage behind. A write made there directly is another process's
    /// to the caches.
    pub fn inner(&self) -> &S {
        &self.shared.storage
    }

    /// Gives the storage behind back, to close it for instance; `None` while
    /// writes of unknown outcome are being settled.
    pub fn into_inner(self) -> Option<S> {
        Arc::into_inner(self.shared).map(|shared| shared.storage)
    }

    /// [`Store::get`] of one id, at the price of a lookup if it is cached: no
    /// boxed future and no `Vec`.
    ///
    /// # Errors
    ///
    /// As [`Store::get`].
    pub async fn get_cached<R: Record>(&self, id: Id<R>) -> Result<Option<Arc<R>>>
    where
        S: Store<R>,
    {
        self.shared.get_one(id).await
    }

    /// Forgets what is cached of one record, and all results of its kind: for
    /// who knows that another process has changed it. Every read that begins
    /// from here on asks the storage.
    pub fn invalidate<R: Record>(&self, id: Id<R>) {
        self.shared.caches.of::<R>().invalidate(id);
    }

    /// Forgets everything that is cached, as [`invalidate`](Self::invalidate)
    /// does one record.
    pub fn invalidate_all(&self) {
        self.shared.caches.invalidate_all();
    }

    /// What the caches did so far and how long it took, and what the storage
    /// behind did if it records into the same metrics.
    pub fn metrics(&self) -> &Arc<PerformanceMetrics> {
        &self.shared.metrics
    }

    /// What the caches did so far, and hold now.
    pub fn stats(&self) -> CachedStats {
        self.shared.stats()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Record, S: MemoryStorage + Store<R>> Store<R> for CachedStorage<S> {
    async fn put(&self, records: &[R]) -> Result<()> {
        check_records(records)?;
        let mut batch = WriteBatch::new();
        for record in records {
            batch.put(record.clone());
        }
        self.shared.write(&batch).await.map(drop)
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        match ids {
            [] => Ok(Vec::new()),
            [id] => Ok(vec![self.shared.get_one(*id).await?]),
            ids => {
                check_ids(ids)?;
                self.shared.get(ids).await
            }
        }
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        check_ids(ids)?;
        let mut batch = WriteBatch::new();
        for id in ids {
            batch.delete(*id);
        }
        Ok(self.shared.write(&batch).await?.deleted)
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        self.shared.query(query).await
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        self.shared.count(filter, by).await
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        self.shared.storage.explain(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: MemoryStorage> MemoryStorage for CachedStorage<S> {
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        batch.validate()?;
        self.shared.write(batch).await
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        self.shared.settle(writes).await
    }

    async fn health(&self) -> Result<Health> {
        self.shared.storage.health().await
    }
}

impl<S: MemoryStorage> fmt::Debug for CachedStorage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedStorage")
            .field("storage", &self.shared.storage)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
