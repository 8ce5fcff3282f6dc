//! Getting again what was got before, through a cache.

use std::rc::Rc;

use anyhow::{Context, Result};
use memory_bench_peer::Calls;
use memory_core::{EpisodeId, MemoryStorageExt};
use memory_storage_turso::CacheConfig;

use super::OURS;
use super::ours::builder;
use super::place::{Place, Route};
use super::published::Published;
use super::system::System;
use super::turn::{Player, Scene};
use crate::rounds::unclocked;
use crate::{Contender, Sample, Workload, timed};

/// Calls of one round: each takes microseconds at most.
const CALLS: u64 = 1_000;

/// The caches of those that have one, in front of the server across the network.
pub(super) fn workload(place: &Place, published: &Rc<Player<Published>>, scene: &Rc<Scene>) -> Result<Workload> {
    let id = scene.input.population.first().context("no episodes to get")?.id;
    let contenders = vec![ours(place, scene, id)?, theirs(published, id)];
    Ok(Workload::new(format!("get_cached{}", scene.input.suffix), CALLS, contenders))
}

fn ours(place: &Place, scene: &Rc<Scene>, id: EpisodeId) -> Result<Contender> {
    let route = place.route()?;
    let (url, token) = (&route.address.url, &route.address.token);
    let storage = place.runtime.block_on(builder().remote(url, token))?.with_cache(CacheConfig::default())?;
    let runtime = Rc::clone(&scene.runtime);
    Ok(Contender::new(OURS, move |calls| {
        counted(&route, || {
            runtime.block_on(timed(calls, async |_| {
                storage.get_episode(id).await?.context("an episode is missing")?;
                Ok(())
            }))
        })
    }))
}

fn theirs(published: &Rc<Player<Published>>, id: EpisodeId) -> Contender {
    let player = Rc::clone(published);
    let turn = move |calls| {
        let published = player.system()?;
        counted(player.route(), || {
            let before = unclocked(calls);
            let all = usize::try_from(before + calls)?;
            published.run(Calls::GetCached(vec![id; all]), usize::try_from(before)?)?;
            Ok(published.elapsed().unwrap_or_default().into())
        })
    };
    Contender::new(Published::NAME, turn).peer()
}

/// Adds what went through the route meanwhile.
fn counted(route: &Route, operate: impl FnOnce() -> Result<Sample>) -> Result<Sample> {
    let before = route.counters();
    let sample = operate()?;
    Ok(Sample { traffic: route.traffic_since(before), ..sample })
}
