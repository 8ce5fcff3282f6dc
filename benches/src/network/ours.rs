//! This project.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use memory_core::{Episode, EpisodeId, MemoryStorageExt, Pattern, Store};
use memory_storage_turso::{TursoBuilder, TursoStorage};
use tokio::task::JoinSet;

use super::OURS;
use super::input::{PageOf, by_domain, by_session};
use super::settings::ServerAddress;
use super::system::{Episodes, System, join};

/// A request for a thousand real episodes has some 10 MB.
const MAX_REQUEST: usize = 64 << 20;

/// One storage, opened once.
pub(super) struct Ours(Arc<TursoStorage>);

/// Settings that differ from the defaults in the size of requests alone.
pub(super) fn builder() -> TursoBuilder {
    TursoStorage::builder().index_metadata("session").max_request(MAX_REQUEST)
}

impl Ours {
    pub(super) async fn open(address: &ServerAddress) -> Result<Self> {
        // A thousand records over a slow line take longer than one should wait by default.
        let patient = builder().attempt_timeout(Duration::from_secs(60)).deadline(Duration::from_secs(120));
        Ok(Self(Arc::new(patient.remote(&address.url, &address.token).await?)))
    }
}

impl System for Ours {
    const NAME: &'static str = OURS;

    async fn warm_up(&self) -> Result<()> {
        Ok(self.0.connect().await?)
    }

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>> {
        self.0.get_episode(id).await?.context("an episode is missing")
    }

    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        Ok(self.0.get_episodes_batch(ids).await?.into_iter().flatten().collect())
    }

    async fn get_concurrent(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        let mut tasks = JoinSet::new();
        for &id in ids {
            let storage = Arc::clone(&self.0);
            tasks.spawn(async move { storage.get_episode(id).await?.context("an episode is missing") });
        }
        join(tasks).await
    }

    async fn store(&self, episodes: &[Episode]) -> Result<()> {
        Ok(self.0.store_episodes_batch(episodes).await?)
    }

    async fn commit(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        Ok(self.0.store_episodes_with_patterns_batch(episodes, patterns).await?)
    }

    async fn query_metadata(&self, session: &str) -> Result<Episodes> {
        Ok(self.0.query(&by_session(session)).await?.records)
    }

    async fn query_page(&self, page: &PageOf) -> Result<Episodes> {
        Ok(self.0.query(&by_domain(&page.domain).after(page.after.clone())).await?.records)
    }

    fn requests(&self) -> Option<u64> {
        Some(self.0.network_stats().requests)
    }
}
