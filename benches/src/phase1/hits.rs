//! What a hit costs: of the cache by itself, and through the storage.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result};
use memory_core::{Episode, EpisodeId, InMemoryStorage, MemoryStorageExt, Store};
use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig, CacheConfig};
use memory_storage_turso::CachedStorage;
use pollster::block_on;

use crate::population::population;
use crate::{Contender, Workload, timed};

pub(super) const OPERATION: &str = "hit";
/// The cache by itself.
pub(super) const CACHE: &str = "AdaptiveCache::get";
/// The direct way through the storage.
pub(super) const DIRECT: &str = "CachedStorage::get_cached";
/// The trait's way, with its boxed future and its `Vec`.
pub(super) const TRAIT: &str = "CachedStorage::get";

const GETS: u64 = 20_000;
const EPISODES: usize = 1_000;

type Records = AdaptiveCache<EpisodeId, Option<Arc<Episode>>>;

/// Gets of one id of a thousand that are cached.
pub(super) fn workload(seed: u64) -> Result<Workload> {
    let episodes = population(seed, EPISODES)?;
    let mut ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    let storage = CachedStorage::new(InMemoryStorage::default(), &CacheConfig::default())?;
    block_on(storage.store_episodes_batch(&episodes))?;
    let config = CacheConfig::default().episodes()?.unwrap_or_else(AdaptiveCacheConfig::default);
    let cache = Records::new(config)?;
    for episode in episodes {
        cache.insert(episode.id, Some(Arc::new(episode)));
    }
    fastrand::Rng::with_seed(seed).shuffle(&mut ids);
    let (ids, storage): (Rc<[EpisodeId]>, _) = (ids.into(), Rc::new(storage));
    let by_itself = {
        let ids = Rc::clone(&ids);
        Contender::new(CACHE, move |gets| {
            block_on(timed(gets, async |get| cache.get(&nth(&ids, get)).flatten().map(drop).context("a miss")))
        })
    };
    let direct = {
        let (ids, storage) = (Rc::clone(&ids), Rc::clone(&storage));
        Contender::new(DIRECT, move |gets| {
            block_on(timed(gets, async |get| {
                storage.get_cached::<Episode>(nth(&ids, get)).await?.map(drop).context("a miss")
            }))
        })
    };
    let by_trait = Contender::new(TRAIT, move |gets| {
        block_on(timed(gets, async |get| {
            let found = Store::<Episode>::get(&*storage, &[nth(&ids, get)]).await?;
            found.into_iter().flatten().next().map(drop).context("a miss")
        }))
    });
    Ok(Workload::new(OPERATION, GETS, vec![by_itself, direct, by_trait]))
}

fn nth(ids: &[EpisodeId], number: u64) -> EpisodeId {
    ids[usize::try_from(number).unwrap_or_default() % ids.len()]
}
