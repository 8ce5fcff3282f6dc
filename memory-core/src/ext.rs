//! Named operations on storages.

use std::future::Future;
use std::sync::Arc;

use crate::error::Result;
use crate::field::{domain, metadata};
use crate::fields::Scalar;
use crate::{
    Episode, EpisodeId, Heuristic, HeuristicId, MemoryStorage, Page, Pattern, PatternId, Query, Record, Store,
    Timestamp, WriteBatch,
};

macro_rules! of_each_kind {
    ($($record:ident, $id:ident: $store:ident, $store_batch:ident, $get:ident, $get_batch:ident, $delete:ident;)*) => {$(
        #[doc = concat!("Stores one record: [`Store::put`] of a single [`", stringify!($record), "`].")]
        fn $store(&self, record: &$record) -> impl Future<Output = Result<()>> + Send {
            async move { self.put(std::slice::from_ref(record)).await }
        }

        /// Stores records, all or none: [`Store::put`].
        fn $store_batch(&self, records: &[$record]) -> impl Future<Output = Result<()>> + Send {
            async move { self.put(records).await }
        }

        /// Returns one record, or `None` if it does not exist: [`Store::get`]
        /// of a single id.
        fn $get(&self, id: $id) -> impl Future<Output = Result<Option<Arc<$record>>>> + Send {
            async move { one(self, id).await }
        }

        /// Returns records in the order of the ids: [`Store::get`].
        fn $get_batch(&self, ids: &[$id]) -> impl Future<Output = Result<Vec<Option<Arc<$record>>>>> + Send {
            async move { self.get(ids).await }
        }

        /// Deletes one record, and returns true if it existed:
        /// [`Store::delete`] of a single id.
        fn $delete(&self, id: $id) -> impl Future<Output = Result<bool>> + Send {
            async move { Ok(self.delete(&[id]).await? > 0) }
        }
    )*};
}

async fn one<R: Record, S: Store<R> + ?Sized>(store: &S, id: crate::Id<R>) -> Result<Option<Arc<R>>> {
    Ok(store.get(&[id]).await?.pop().flatten())
}

/// Named operations on every [`MemoryStorage`]. Each calls one method of the
/// storage traits, with the same cost and errors.
pub trait MemoryStorageExt: MemoryStorage {
    of_each_kind! {
        Episode, EpisodeId: store_episode, store_episodes_batch, get_episode, get_episodes_batch, delete_episode;
        Pattern, PatternId: store_pattern, store_patterns_batch, get_pattern, get_patterns_batch, delete_pattern;
        Heuristic, HeuristicId: store_heuristic, store_heuristics_batch, get_heuristic, get_heuristics_batch, delete_heuristic;
    }

    /// Stores episodes and patterns, all or none: [`MemoryStorage::commit`].
    fn store_episodes_with_patterns_batch(
        &self,
        episodes: &[Episode],
        patterns: &[Pattern],
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            let mut batch = WriteBatch::new();
            for episode in episodes {
                batch.put(episode.clone());
            }
            for pattern in patterns {
                batch.put(pattern.clone());
            }
            self.commit(&batch).await.map(drop)
        }
    }

    /// Returns the first page of the episodes that began at `time` or later,
    /// newest first.
    fn query_episodes_since(&self, time: Timestamp) -> impl Future<Output = Result<Page<Episode>>> + Send {
        async move { self.query(&Query::new().since(time)).await }
    }

    /// Returns the first page of the episodes whose metadata holds `value` at
    /// `key`, newest first.
    fn query_episodes_by_metadata(
        &self,
        key: impl Into<String> + Send,
        value: impl Into<Scalar<'static>> + Send,
    ) -> impl Future<Output = Result<Page<Episode>>> + Send {
        async move { self.query(&Query::new().filter(metadata(key).eq(value))).await }
    }

    /// Returns the first page of the episodes of a domain, newest first.
    fn query_episodes_by_domain(
        &self,
        name: impl Into<String> + Send,
    ) -> impl Future<Output = Result<Page<Episode>>> + Send {
        async move { self.query(&Query::new().filter(domain().eq(name.into()))).await }
    }
}

impl<S: MemoryStorage + ?Sized> MemoryStorageExt for S {}
