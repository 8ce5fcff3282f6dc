//! What every system can do.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use memory_core::{Episode, EpisodeId, Pattern};

use super::input::PageOf;
use super::turn::Scene;

pub(super) type Episodes = Vec<Arc<Episode>>;

/// A client of the server, used as somebody would who knows it.
pub(super) trait System: 'static {
    /// Its name in the report.
    const NAME: &'static str;
    /// Where a record stored along with others costs a request of its own: how
    /// many round trips they cost beside.
    const REQUEST_PER_RECORD: Option<usize> = None;
    /// What to know about its concurrent reads.
    const CONCURRENCY: Option<&'static str> = None;

    /// Makes sure that what is kept open is open.
    async fn warm_up(&self) -> Result<()>;

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>>;

    /// In any order.
    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes>;

    /// All at the same time, as far as it can.
    async fn get_concurrent(&self, ids: &[EpisodeId]) -> Result<Episodes>;

    /// All or none.
    async fn store(&self, episodes: &[Episode]) -> Result<()>;

    /// All or none.
    async fn commit(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()>;

    async fn query_metadata(&self, session: &str) -> Result<Episodes>;

    async fn query_page(&self, page: &PageOf) -> Result<Episodes>;

    /// Requests that it says it sent, where it counts.
    fn requests(&self) -> Option<u64> {
        None
    }

    /// How long its last operation took, where it takes its time itself.
    fn elapsed(&self) -> Option<Duration> {
        None
    }

    /// Deletes what it stored, all of which must be there.
    async fn sweep(&self, scene: &Scene, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        scene.sweep(episodes, patterns).await
    }
}

/// What tasks gave back.
pub(super) async fn join(mut tasks: tokio::task::JoinSet<Result<Arc<Episode>>>) -> Result<Episodes> {
    let mut episodes = Vec::new();
    while let Some(episode) = tasks.join_next().await {
        episodes.push(episode??);
    }
    Ok(episodes)
}
