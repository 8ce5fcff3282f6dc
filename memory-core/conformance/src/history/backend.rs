//! A backend with the faults of a network.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fastrand::Rng;
use memory_core::{
    Counts, Episode, Error, Field, Filter, Health, Id, InMemoryStorage, MemoryStorage, Page, Plan, Query, Record,
    Result, Store, WriteBatch, WriteId, Written,
};

use super::lock::lock;
use super::record::History;
use super::time::Time;

/// An [`InMemoryStorage`] that delays calls at random, loses answers, and
/// applies some abandoned writes much later. Clones share one storage.
#[derive(Clone, Debug)]
pub struct Unruly(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: InMemoryStorage,
    history: Arc<History>,
    time: Time,
    rng: Mutex<Rng>,
    ledger: tokio::sync::Mutex<Ledger>,
    /// True if fences and settlements are ignored.
    unfenced: AtomicBool,
}

/// The outcomes of writes.
#[derive(Debug, Default)]
struct Ledger {
    /// The writes that took effect, with their numbers of deleted records.
    done: HashMap<WriteId, u64>,
    /// The writes that never will take effect.
    dead: HashSet<WriteId>,
}

impl Unruly {
    pub(super) fn new(history: Arc<History>, time: Time, rng: Rng) -> Self {
        let storage = InMemoryStorage::new();
        Self(Arc::new(Inner {
            storage,
            history,
            time,
            rng: Mutex::new(rng),
            ledger: tokio::sync::Mutex::default(),
            unfenced: AtomicBool::default(),
        }))
    }

    /// Makes the backend ignore fences and settlements, so that a test can show
    /// that histories detect it.
    #[must_use]
    pub fn unfenced(self) -> Self {
        self.0.unfenced.store(true, Ordering::Relaxed);
        self
    }

    /// Returns the time of the history, for the clock of a cache in front of
    /// this storage.
    pub fn time(&self) -> Time {
        self.0.time.for_a_cache()
    }

    fn chance(&self, percent: u32) -> bool {
        lock(&self.0.rng).u32(..100) < percent
    }

    async fn delay(&self) {
        let millis = lock(&self.0.rng).u64(..20);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// The delays before and after a read: the answer may be outdated when it
    /// arrives.
    async fn slowly<T>(&self, read: impl Future<Output = Result<T>>) -> Result<T> {
        self.delay().await;
        if self.chance(5) {
            return Err(Error::unavailable("read", "the history says so"));
        }
        let answer = read.await;
        self.delay().await;
        answer
    }

    /// Applies a write unless it is fenced or was applied before.
    async fn store(&self, batch: &WriteBatch) -> Result<Written> {
        let mut ledger = self.0.ledger.lock().await;
        if ledger.dead.contains(&batch.id()) && !self.0.unfenced.load(Ordering::Relaxed) {
            return Err(Error::fenced(batch.id()));
        }
        if let Some(deleted) = ledger.done.get(&batch.id()) {
            return Ok(Written::already(batch.id(), *deleted));
        }
        for fence in batch.fences() {
            if !ledger.done.contains_key(fence) {
                ledger.dead.insert(*fence);
            }
        }
        // A clone is another write, so that only this ledger decides.
        let deleted = self.0.storage.commit(&batch.clone()).await?.deleted;
        let changes: Vec<_> = batch.changes::<Episode>().iter().collect();
        let changes: Vec<_> = changes.iter().map(|(id, record)| (*id, record.map(AsRef::as_ref))).collect();
        self.0.history.store(batch.id(), &changes);
        ledger.done.insert(batch.id(), deleted);
        Ok(Written::new(batch.id(), deleted))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Record> Store<R> for Unruly
where
    InMemoryStorage: Store<R>,
{
    async fn put(&self, records: &[R]) -> Result<()> {
        let mut batch = WriteBatch::new();
        for record in records {
            batch.put(record.clone());
        }
        self.commit(&batch).await.map(drop)
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        self.slowly(self.0.storage.get(ids)).await
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        let mut batch = WriteBatch::new();
        for id in ids {
            batch.delete(*id);
        }
        Ok(self.commit(&batch).await?.deleted)
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        self.slowly(self.0.storage.query(query)).await
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        self.slowly(self.0.storage.count(filter, by)).await
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        self.0.storage.explain(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for Unruly {
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        let (backend, sent) = (self.clone(), batch.with_fences([]));
        // The write continues when the caller is dropped.
        let server = tokio::spawn(async move {
            backend.delay().await;
            if backend.chance(20) {
                for _ in 0..10 {
                    backend.delay().await;
                }
            }
            backend.store(&sent).await
        });
        let outcome = if self.chance(15) {
            self.delay().await;
            Err(Error::indeterminate(batch.id(), "the history says so"))
        } else if self.chance(5) {
            server.abort();
            match server.await {
                Ok(written) => written,
                Err(_) => Err(Error::unavailable("commit", "the history says so")),
            }
        } else {
            match server.await {
                Ok(written) => written,
                Err(_) => Err(Error::indeterminate(batch.id(), "it was lost")),
            }
        };
        self.delay().await;
        outcome
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        self.delay().await;
        if self.chance(30) {
            return Err(Error::unavailable("settle", "the history says so"));
        }
        let mut ledger = self.0.ledger.lock().await;
        for write in writes {
            if !ledger.done.contains_key(write) {
                ledger.dead.insert(*write);
            }
        }
        drop(ledger);
        self.delay().await;
        Ok(())
    }

    async fn health(&self) -> Result<Health> {
        self.0.storage.health().await
    }
}
