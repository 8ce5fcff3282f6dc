//! The storage under test.

use std::collections::HashSet;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::check::{Failure, Outcome, holds, same};
use super::sample::Sample;
use memory_core::limits::MAX_LIMIT;
use memory_core::{Counts, Field, Filter, Id, MemoryStorage, Page, Plan, Query, Result};

/// A storage under test, and the source of generated input.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    storage: Arc<dyn MemoryStorage>,
    pub(super) seed: u64,
    pub(super) generated: u32,
}

/// Number of concurrent calls in cases with many inputs, by which a case on a
/// remote storage ends in seconds.
const AT_ONCE: usize = 16;

impl Subject {
    pub(super) fn new(storage: Arc<dyn MemoryStorage>, seed: u64, generated: u32) -> Self {
        Self { storage, seed, generated }
    }

    pub(super) async fn put<R: Sample>(&self, records: &[R]) -> Result<()> {
        R::store(&*self.storage).put(records).await
    }

    pub(super) async fn get<R: Sample>(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        R::store(&*self.storage).get(ids).await
    }

    pub(super) async fn delete<R: Sample>(&self, ids: &[Id<R>]) -> Result<u64> {
        R::store(&*self.storage).delete(ids).await
    }

    pub(super) async fn query<R: Sample>(&self, query: &Query<R>) -> Result<Page<R>> {
        R::store(&*self.storage).query(query).await
    }

    pub(super) async fn count<R: Sample>(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        R::store(&*self.storage).count(filter, by).await
    }

    pub(super) async fn explain<R: Sample>(&self, query: &Query<R>) -> Result<Plan> {
        R::store(&*self.storage).explain(query).await
    }

    /// Returns all results of a query, page by page.
    pub(super) async fn walk<R: Sample>(&self, query: &Query<R>) -> Result<Vec<Arc<R>>, Failure> {
        let mut query = query.clone();
        let mut seen = HashSet::new();
        let mut records = Vec::new();
        loop {
            let page = self.query(&query).await?;
            let len = page.records.len();
            holds(len <= query.limit, || format!("a page of {len} records; the limit is {}", query.limit))?;
            holds(len > 0 || page.next.is_none(), || "an empty page that says more follow".to_owned())?;
            for record in &page.records {
                holds(seen.insert(record.id()), || format!("{} was returned twice", record.id()))?;
            }
            records.extend(page.records);
            if page.next.is_none() {
                return Ok(records);
            }
            query = query.after(page.next);
        }
    }

    /// Returns the ids of all results of a query.
    pub(super) async fn ids<R: Sample>(&self, query: &Query<R>) -> Result<Vec<Id<R>>, Failure> {
        Ok(self.walk(query).await?.iter().map(|record| record.id()).collect())
    }

    /// Returns the ids of all records that match, sorted.
    pub(super) async fn matching<R: Sample>(&self, filter: &Filter<R>) -> Result<Vec<Id<R>>, Failure> {
        let mut ids = self.ids(&Query::new().filter(filter.clone()).limit(MAX_LIMIT)).await?;
        ids.sort();
        Ok(ids)
    }

    /// Puts records, and checks that `get` returns them unchanged.
    pub(super) async fn keeps<R: Sample>(&self, records: &[R]) -> Outcome {
        self.put(records).await?;
        self.holds(records).await
    }

    /// Checks that these records exist, unchanged.
    pub(super) async fn holds<R: Sample>(&self, records: &[R]) -> Outcome {
        let ids: Vec<_> = records.iter().map(R::id).collect();
        let found = self.get(&ids).await?;
        holds(found.len() == ids.len(), || format!("{} answers to {} ids", found.len(), ids.len()))?;
        for (found, record) in found.iter().zip(records) {
            match found {
                Some(found) => same(&**found, record)?,
                None => return Err(Failure::new(format!("{} is missing", record.id()))),
            }
        }
        Ok(())
    }

    /// Checks that none of these records exists.
    pub(super) async fn lacks<R: Sample>(&self, ids: impl IntoIterator<Item = Id<R>>) -> Outcome {
        let ids: Vec<_> = ids.into_iter().collect();
        for (found, id) in self.get(&ids).await?.iter().zip(ids) {
            holds(found.is_none(), || format!("{id} still exists"))?;
        }
        Ok(())
    }

    /// Checks many inputs concurrently, and returns a failure if there is one.
    pub(super) async fn each<T, F>(&self, inputs: impl IntoIterator<Item = T>, check: impl Fn(Self, T) -> F) -> Outcome
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        for input in inputs {
            if tasks.len() == AT_ONCE {
                join_one(&mut tasks).await?;
            }
            tasks.spawn(check(self.clone(), input));
        }
        while !tasks.is_empty() {
            join_one(&mut tasks).await?;
        }
        Ok(())
    }
}

async fn join_one(tasks: &mut JoinSet<Outcome>) -> Outcome {
    tasks.join_next().await.map_or(Ok(Ok(())), |joined| joined)?
}

impl Deref for Subject {
    type Target = dyn MemoryStorage;

    fn deref(&self) -> &Self::Target {
        &*self.storage
    }
}
