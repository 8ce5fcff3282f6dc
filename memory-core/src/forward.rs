//! Storage traits for `Arc` and `Box` of a storage.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::{
    Counts, Field, Filter, Health, Id, MemoryStorage, Page, Plan, Query, Record, Store, WriteBatch, WriteId, Written,
};

macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<R: Record, S: Store<R> + ?Sized> Store<R> for $pointer<S> {
            async fn put(&self, records: &[R]) -> Result<()> {
                (**self).put(records).await
            }

            async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
                (**self).get(ids).await
            }

            async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
                (**self).delete(ids).await
            }

            async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
                (**self).query(query).await
            }

            async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
                (**self).count(filter, by).await
            }

            async fn explain(&self, query: &Query<R>) -> Result<Plan> {
                (**self).explain(query).await
            }
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<S: MemoryStorage + ?Sized> MemoryStorage for $pointer<S> {
            async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
                (**self).commit(batch).await
            }

            async fn settle(&self, writes: &[WriteId]) -> Result<()> {
                (**self).settle(writes).await
            }

            async fn health(&self) -> Result<Health> {
                (**self).health().await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
