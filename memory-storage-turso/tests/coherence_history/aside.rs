//! A cache as it is usually written: fill on a miss, forget after a write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use memory_conformance::history::Unruly;
use memory_core::{
    Counts, Episode, Field, Filter, Health, Id, MemoryStorage, Page, Plan, Query, Record, Result, Store, WriteBatch,
    WriteId, Written,
};
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct CacheAside {
    storage: Unruly,
    episodes: Mutex<HashMap<Uuid, Option<serde_json::Value>>>,
}

impl CacheAside {
    pub(crate) fn new(storage: Unruly) -> Self {
        Self { storage, episodes: Mutex::default() }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Record> Store<R> for CacheAside
where
    Unruly: Store<R>,
{
    async fn put(&self, records: &[R]) -> Result<()> {
        self.storage.put(records).await
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        let mut found = Vec::new();
        for id in ids {
            let cached = self.episodes.lock().unwrap().get(&id.uuid()).cloned();
            if let Some(cached) = cached {
                found.push(cached.map(|record| Arc::new(serde_json::from_value(record).unwrap())));
                continue;
            }
            let record = self.storage.get(&[*id]).await?.remove(0);
            let kept = record.as_ref().map(|record: &Arc<R>| serde_json::to_value(&**record).unwrap());
            self.episodes.lock().unwrap().insert(id.uuid(), kept);
            found.push(record);
        }
        Ok(found)
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        self.storage.delete(ids).await
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        self.storage.query(query).await
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        self.storage.count(filter, by).await
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        self.storage.explain(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for CacheAside {
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        let written = self.storage.commit(batch).await?;
        for (id, _) in batch.changes::<Episode>().iter() {
            self.episodes.lock().unwrap().remove(&id.uuid());
        }
        Ok(written)
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        self.storage.settle(writes).await
    }

    async fn health(&self) -> Result<Health> {
        self.storage.health().await
    }
}
