//! This project.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use memory_core::{Episode, EpisodeId, MemoryStorage, MemoryStorageExt, Pattern, Store};
use memory_storage_turso::{CacheConfig, CachedTursoStorage, TursoBuilder, TursoStorage};
use tokio::task::JoinSet;

use super::OURS;
use super::address::ServerAddress;
use super::input::{PageOf, by_domain, by_session};
use super::system::{Episodes, System, join};

/// A request for a thousand real episodes has some 10 MB.
const MAX_REQUEST: usize = 64 << 20;

/// One storage, opened once.
pub(crate) struct Ours<S = TursoStorage> {
    pub(crate) storage: Arc<S>,
    inner: fn(&S) -> &TursoStorage,
    forget: fn(&S),
}

/// Settings that differ from the defaults in the size of requests alone.
pub(crate) fn builder() -> TursoBuilder {
    TursoStorage::builder().index_metadata("session").max_request(MAX_REQUEST)
}

impl Ours {
    /// Without caches.
    pub(crate) async fn open(address: &ServerAddress) -> Result<Self> {
        Ok(Self { storage: Arc::new(open(address).await?), inner: |storage| storage, forget: |_| {} })
    }
}

impl Ours<CachedTursoStorage> {
    /// With the caches that an application has by default.
    pub(crate) async fn cached(address: &ServerAddress) -> Result<Self> {
        let storage = open(address).await?.with_cache(CacheConfig::default())?;
        let forget = CachedTursoStorage::invalidate_all;
        Ok(Self { storage: Arc::new(storage), inner: CachedTursoStorage::inner, forget })
    }
}

async fn open(address: &ServerAddress) -> Result<TursoStorage> {
    // A thousand records over a slow line take longer than one should wait by default.
    let patient = builder().attempt_timeout(Duration::from_secs(60)).deadline(Duration::from_secs(120));
    Ok(patient.remote(&address.url, &address.token).await?)
}

impl<S: MemoryStorage> System for Ours<S> {
    const NAME: &'static str = OURS;

    async fn warm_up(&self) -> Result<()> {
        Ok((self.inner)(&self.storage).connect().await?)
    }

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>> {
        self.storage.get_episode(id).await?.context("an episode is missing")
    }

    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        Ok(self.storage.get_episodes_batch(ids).await?.into_iter().flatten().collect())
    }

    async fn get_concurrent(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        let mut tasks = JoinSet::new();
        for &id in ids {
            let storage = Arc::clone(&self.storage);
            tasks.spawn(async move { storage.get_episode(id).await?.context("an episode is missing") });
        }
        join(tasks).await
    }

    async fn store(&self, episodes: &[Episode]) -> Result<()> {
        Ok(self.storage.store_episodes_batch(episodes).await?)
    }

    async fn commit(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        Ok(self.storage.store_episodes_with_patterns_batch(episodes, patterns).await?)
    }

    async fn query_metadata(&self, session: &str) -> Result<Episodes> {
        Ok(Store::<Episode>::query(&*self.storage, &by_session(session)).await?.records)
    }

    async fn query_page(&self, page: &PageOf) -> Result<Episodes> {
        Ok(Store::<Episode>::query(&*self.storage, &by_domain(&page.domain).after(page.after.clone())).await?.records)
    }

    fn forget(&self) {
        (self.forget)(&self.storage);
    }

    fn requests(&self) -> Option<u64> {
        Some((self.inner)(&self.storage).network_stats().requests)
    }
}
