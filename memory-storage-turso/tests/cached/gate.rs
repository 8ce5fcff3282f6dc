//! A backend that counts its calls, and does what a test tells it to.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use memory_core::{
    Counts, Episode, Error, Field, Filter, Health, Heuristic, Id, InMemoryStorage, MemoryStorage, Page, Pattern, Plan,
    Query, Record, Result, Store, WriteBatch, WriteId, Written,
};
use tokio::sync::{Mutex as Lock, OwnedMutexGuard, watch};

/// Reads and commits pass only while it is open. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    storage: InMemoryStorage,
    lock: Arc<Lock<()>>,
    calls: watch::Sender<u64>,
    failure: Mutex<Option<Error>>,
    panics: AtomicU64,
    unsettled: AtomicU32,
    fences: Mutex<Vec<WriteId>>,
}

impl Gate {
    pub(crate) fn storage(&self) -> &InMemoryStorage {
        &self.0.storage
    }

    /// Closes the gate until what it returns is dropped.
    pub(crate) fn close(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.0.lock).try_lock_owned().expect("an open gate")
    }

    /// Calls that came so far, to read or commit.
    pub(crate) fn calls(&self) -> u64 {
        *self.0.calls.borrow()
    }

    pub(crate) async fn reached(&self, calls: u64) {
        self.0.calls.subscribe().wait_for(|seen| *seen >= calls).await.expect("the sender is here");
    }

    pub(crate) fn fail_once(&self, error: Error) {
        *self.0.failure.lock().expect("no panic") = Some(error);
    }

    pub(crate) fn panic_once(&self) {
        self.0.panics.store(1, Ordering::SeqCst);
    }

    pub(crate) fn refuse_to_settle(&self, times: u32) {
        self.0.unsettled.store(times, Ordering::SeqCst);
    }

    /// The fences of all commits.
    pub(crate) fn fences(&self) -> Vec<WriteId> {
        self.0.fences.lock().expect("no panic").clone()
    }

    async fn pass(&self) -> Result<()> {
        self.0.calls.send_modify(|calls| *calls += 1);
        drop(self.0.lock.lock().await);
        assert_eq!(self.0.panics.swap(0, Ordering::SeqCst), 0, "as the test asked");
        self.0.failure.lock().expect("no panic").take().map_or(Ok(()), Err)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Record> Store<R> for Gate
where
    InMemoryStorage: Store<R>,
{
    async fn put(&self, records: &[R]) -> Result<()> {
        self.pass().await?;
        self.0.storage.put(records).await
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        self.pass().await?;
        self.0.storage.get(ids).await
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        self.pass().await?;
        self.0.storage.delete(ids).await
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        self.pass().await?;
        self.0.storage.query(query).await
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        self.pass().await?;
        self.0.storage.count(filter, by).await
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        self.0.storage.explain(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for Gate
where
    InMemoryStorage: Store<Episode> + Store<Pattern> + Store<Heuristic>,
{
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        self.0.fences.lock().expect("no panic").extend(batch.fences());
        self.pass().await?;
        self.0.storage.commit(batch).await
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        let refuse = |left: u32| left.checked_sub(1);
        if self.0.unsettled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse).is_ok() {
            return Err(Error::unavailable("settle", "as the test asked"));
        }
        self.0.storage.settle(writes).await
    }

    async fn health(&self) -> Result<Health> {
        self.0.storage.health().await
    }
}
