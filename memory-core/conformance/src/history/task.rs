//! The operations of a task.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use memory_core::field::domain;
use memory_core::{Episode, Error, MemoryStorage, Query, Store, WriteBatch};

use super::record::{DOMAINS, History, KEYS, State, held};

pub(super) struct Task<S> {
    storage: Arc<S>,
    history: Arc<History>,
    rng: Rng,
    /// The batches that the task committed or abandoned.
    past: Vec<Arc<WriteBatch>>,
}

impl<S: MemoryStorage> Task<S> {
    pub(super) fn new(storage: Arc<S>, history: Arc<History>, rng: Rng) -> Self {
        Self { storage, history, rng, past: Vec::new() }
    }

    /// Runs a number of operations. `quiet` tasks seldom write.
    pub(super) async fn run(mut self, operations: usize, quiet: bool) {
        for _ in 0..operations {
            let writes = !quiet || self.rng.u8(..6) == 0;
            match self.rng.u8(..10) {
                7.. if !writes && self.rng.bool() => self.query().await,
                7.. if !writes => self.count().await,
                0..3 => {
                    let key = self.rng.usize(..KEYS);
                    self.get(&[key]).await;
                }
                3..5 => {
                    let keys: Vec<_> = (0..self.rng.usize(2..5)).map(|_| self.rng.usize(..KEYS)).collect();
                    self.get(&keys).await;
                }
                5 => self.query().await,
                6 => self.count().await,
                7 if !self.past.is_empty() => {
                    let batch = Arc::clone(&self.past[self.rng.usize(..self.past.len())]);
                    let given_up = self.history.resume(batch.id());
                    self.commit(&batch, given_up).await;
                }
                _ => self.write().await,
            }
            if self.rng.bool() {
                tokio::time::sleep(Duration::from_millis(self.rng.u64(..30))).await;
            }
        }
    }

    /// Runs one write.
    pub(super) async fn write_once(mut self) {
        self.write().await;
    }

    /// Waits for an operation, for a random time. Returns `None` if the
    /// operation failed or was cancelled.
    async fn patiently<T>(&mut self, operation: impl Future<Output = Result<T, Error>>) -> Option<Result<T, Error>> {
        if self.rng.u8(..100) >= 15 {
            return Some(operation.await);
        }
        tokio::time::timeout(Duration::from_millis(self.rng.u64(..25)), operation).await.ok()
    }

    async fn get(&mut self, keys: &[usize]) {
        let ids: Vec<_> = keys.iter().map(|key| self.history.ids[*key]).collect();
        let (start, storage) = (self.history.start(), Arc::clone(&self.storage));
        match self.patiently(Store::<Episode>::get(&*storage, &ids)).await {
            Some(Ok(found)) => {
                let found: Vec<_> = found.iter().map(|record| record.as_deref().and_then(held)).collect();
                let holds = |state: &State| keys.iter().zip(&found).all(|(key, held)| state[*key] == *held);
                self.history.check(start, keys, &format!("got {found:?}"), holds);
            }
            _ => self.history.unanswered(),
        }
    }

    async fn query(&mut self) {
        let wanted = self.rng.usize(..DOMAINS.len());
        let query = Query::<Episode>::new().filter(domain().eq(DOMAINS[wanted]));
        let (start, storage) = (self.history.start(), Arc::clone(&self.storage));
        match self.patiently(storage.query(&query)).await {
            Some(Ok(page)) => {
                let mut found = [None; KEYS];
                for (key, id) in self.history.ids.iter().enumerate() {
                    found[key] = page.records.iter().find(|record| record.id == *id).and_then(|record| held(record));
                }
                let of_domain = |state: &State| state.map(|held| held.filter(|(_, domain)| *domain == wanted));
                let keys: [usize; KEYS] = std::array::from_fn(|key| key);
                self.history.check(start, &keys, &format!("found {found:?}"), |state| of_domain(state) == found);
            }
            _ => self.history.unanswered(),
        }
    }

    async fn count(&mut self) {
        let wanted = self.rng.usize(..DOMAINS.len());
        let (start, storage) = (self.history.start(), Arc::clone(&self.storage));
        match self.patiently(storage.count(&domain::<Episode>().eq(DOMAINS[wanted]), None)).await {
            Some(Ok(counts)) => {
                let total =
                    |state: &State| state.iter().flatten().filter(|(_, domain)| *domain == wanted).count() as u64;
                let keys: [usize; KEYS] = std::array::from_fn(|key| key);
                let what = format!("counted {}", counts.total);
                self.history.check(start, &keys, &what, |state| total(state) == counts.total);
            }
            _ => self.history.unanswered(),
        }
    }

    async fn write(&mut self) {
        let mut keys: Vec<_> = (0..self.rng.usize(1..4)).map(|_| self.rng.usize(..KEYS)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut batch = WriteBatch::new();
        for key in &keys {
            if self.rng.u8(..4) == 0 {
                batch.delete(self.history.ids[*key]);
            } else {
                batch.put(self.history.fresh(*key, self.rng.usize(..DOMAINS.len())));
            }
        }
        self.commit(&batch, None).await;
        self.past.push(Arc::new(batch));
    }

    /// Commits a batch, for the first time or again. `given_up` is the time at
    /// which an earlier commit was abandoned.
    async fn commit(&mut self, batch: &WriteBatch, given_up: Option<u64>) {
        let changed = |id| self.history.ids.iter().position(|known| *known == id);
        let keys: Vec<_> = batch.changes::<Episode>().iter().filter_map(|(id, _)| changed(id)).collect();
        let (start, storage) = (self.history.start(), Arc::clone(&self.storage));
        match self.patiently(storage.commit(batch)).await {
            Some(Ok(written)) => self.history.acknowledge(&written, &keys, start),
            Some(Err(Error::Fenced { .. })) => self.history.fenced(batch.id()),
            Some(Err(error)) if !error.outcome_unknown() => self.history.failed(batch.id(), given_up),
            _ => self.history.give_up(batch.id()),
        }
    }
}
