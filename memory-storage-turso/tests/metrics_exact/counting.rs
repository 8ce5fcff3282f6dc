//! A backend that counts the reads and commits that reach it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use memory_core::{
    Counts, Episode, Field, Filter, Health, Heuristic, Id, MemoryStorage, Page, Pattern, Plan, Query, Record, Result,
    Store, WriteBatch, WriteId, Written,
};
use memory_storage_turso::TursoStorage;

/// Clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Counting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: TursoStorage,
    calls: AtomicU64,
}

impl Counting {
    pub(crate) fn new(storage: TursoStorage) -> Self {
        Self(Arc::new(Inner { storage, calls: AtomicU64::new(0) }))
    }

    pub(crate) fn storage(&self) -> &TursoStorage {
        &self.0.storage
    }

    /// Calls so far, to read or to commit.
    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    fn counted(&self) -> &TursoStorage {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        &self.0.storage
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Record> Store<R> for Counting
where
    TursoStorage: Store<R>,
{
    async fn put(&self, records: &[R]) -> Result<()> {
        self.counted().put(records).await
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        self.counted().get(ids).await
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        self.counted().delete(ids).await
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        self.counted().query(query).await
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        self.counted().count(filter, by).await
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        self.0.storage.explain(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for Counting
where
    TursoStorage: Store<Episode> + Store<Pattern> + Store<Heuristic>,
{
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        self.counted().commit(batch).await
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        self.0.storage.settle(writes).await
    }

    async fn health(&self) -> Result<Health> {
        self.0.storage.health().await
    }
}
