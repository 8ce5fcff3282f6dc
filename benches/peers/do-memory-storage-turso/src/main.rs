#![doc = include_str!("../README.md")]

mod record;

use std::io::{stdin, stdout};

use anyhow::{Context, Result, bail, ensure};
use do_memory_core as theirs;
use do_memory_storage_turso::{CacheConfig, CachedTursoStorage, TursoStorage};
use libsql::Builder;
use memory_bench_peer::{Calls, Found, Peer, Ran, clocked, serve};
use memory_core::{Episode, EpisodeId};
use tokio::runtime::Runtime;

/// As many as the other systems ask for.
const LIMIT: usize = 50;

fn main() -> Result<()> {
    serve::<Published>(stdin().lock(), stdout().lock())
}

/// A storage, another behind its cache, and what there is to store.
struct Published {
    // Dropped before the runtime that their tasks are on.
    storage: TursoStorage,
    cached: CachedTursoStorage,
    kept: Vec<theirs::Episode>,
    runtime: Runtime,
}

impl Peer for Published {
    fn open(database: &str, token: &str) -> Result<Self> {
        let runtime = Runtime::new()?;
        let (storage, cached) = runtime.block_on(async {
            let storage = open(database, token).await?;
            storage.initialize_schema().await?;
            let cached = CachedTursoStorage::new(open(database, token).await?, CacheConfig::default());
            anyhow::Ok((storage, cached))
        })?;
        Ok(Self { storage, cached, kept: Vec::new(), runtime })
    }

    fn keep(&mut self, episodes: Vec<Episode>) -> Result<()> {
        self.kept = episodes.iter().map(record::of).collect::<Result<_>>()?;
        Ok(())
    }

    fn run(&mut self, calls: &Calls, unclocked: usize) -> Result<Ran> {
        let Self { storage, cached, kept, runtime } = self;
        let (elapsed, found) = match calls {
            Calls::Get(ids) => runtime.block_on(clocked(ids, unclocked, async |id| {
                let episode = storage.get_episode((*id).into()).await?;
                Ok(vec![episode.context("an episode is missing")?])
            }))?,
            Calls::GetCached(ids) => runtime.block_on(clocked(ids, unclocked, async |id| {
                let episode = cached.get_episode_cached((*id).into()).await?;
                Ok(vec![episode.context("an episode is missing")?])
            }))?,
            Calls::GetBatch(batches) => runtime.block_on(clocked(batches, unclocked, async |ids| {
                let ids: Vec<_> = ids.iter().map(|id| (*id).into()).collect();
                let found: Vec<_> = storage.get_episodes_batch(&ids).await?.into_iter().flatten().collect();
                ensure!(found.len() == ids.len(), "an episode is missing");
                Ok(found)
            }))?,
            Calls::QuerySession(sessions) => runtime.block_on(clocked(sessions, unclocked, async |session| {
                Ok(storage.query_episodes_by_metadata("session", session, Some(LIMIT)).await?)
            }))?,
            Calls::Store(slices) => runtime.block_on(clocked(slices, unclocked, async |slice| {
                match kept.get(slice.clone()).context("more than is kept")? {
                    [episode] => storage.store_episode(episode).await?,
                    episodes => storage.store_episodes_batch(episodes.to_vec()).await?,
                }
                Ok(Vec::new())
            }))?,
            Calls::Delete(_) | Calls::QueryDomain(_) | Calls::QueryConversation(_) => bail!("not asked of it"),
        };
        let found = found.unwrap_or_default();
        Ok(Ran::new(elapsed, found.iter().map(|episode| Found::from(EpisodeId::from(episode.episode_id))).collect()))
    }
}

async fn open(url: &str, token: &str) -> Result<TursoStorage> {
    let database = Builder::new_remote(url.to_owned(), token.to_owned()).build().await?;
    Ok(TursoStorage::from_database(database)?)
}
