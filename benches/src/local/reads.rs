//! Getting by id.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, ensure};
use libsql::Connection;
use memory_bench_peer::Calls;
use memory_core::{EpisodeId, MemoryStorage, MemoryStorageExt, WriteId};
use memory_storage_turso::{PreparedCacheConfig, TursoStorage};

use super::database::Ours;
use super::rusqlite::Rusqlite;
use super::{HOP, NAIVE, OURS, RAW, by_hand};
use crate::row::{GET, GET_BATCH};
use crate::{Contender, Settings, Workload};

const GETS: u64 = 200;
const BATCHES: u64 = 5;
/// Ids of one batch.
pub(super) const BATCH: usize = 100;

pub(super) fn workloads(folder: &Path, settings: &Settings) -> Result<Vec<Workload>> {
    let reads = Reads::new(folder, settings)?;
    Ok(vec![reads.cold()?, reads.warm()?, reads.batch()?])
}

struct Reads {
    path: PathBuf,
    ours: Ours,
    /// One connection for each way, so that each has a page cache of its own.
    raw: Connection,
    naive: Connection,
    rusqlite: Option<Rusqlite>,
    /// Every id, in an order without order.
    ids: Rc<[EpisodeId]>,
}

impl Reads {
    fn new(folder: &Path, settings: &Settings) -> Result<Self> {
        let path = folder.join("read.db");
        let episodes = &settings.trajectories.episodes;
        let ours = Ours::open(&path, TursoStorage::builder())?;
        ours.load(episodes)?;
        let mut ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
        fastrand::Rng::with_seed(settings.seed).shuffle(&mut ids);
        let (raw, naive) = (by_hand::connect(&path)?, by_hand::connect(&path)?);
        let rusqlite = settings.peers.as_ref().map(|peers| Rusqlite::open(peers, &path)).transpose()?;
        for episode in episodes {
            let found = ours.block_on(ours.storage.get_episode(episode.id))?;
            let by_hand = by_hand::episodes(&raw, GET, vec![episode.id.to_string().into()])?;
            ensure!(found.as_deref() == Some(episode) && by_hand == [episode.clone()], "{} differs", episode.id);
            if let Some(rusqlite) = &rusqlite {
                rusqlite.expect(Calls::Get(vec![episode.id]), std::slice::from_ref(episode));
            }
        }
        Ok(Self { path, ours, raw, naive, rusqlite, ids: ids.into() })
    }

    /// Ours, and libsql preparing, with no statement cached.
    fn cold(&self) -> Result<Workload> {
        // No text is short enough to be kept.
        let nothing = PreparedCacheConfig { max_sql_bytes: 0, ..PreparedCacheConfig::default() };
        let cold = Ours::open(&self.path, TursoStorage::builder().prepared_cache(nothing))?;
        let contenders = vec![self.get(cold), self.naive()];
        Ok(Workload::new("get/cold", GETS, contenders))
    }

    fn warm(&self) -> Result<Workload> {
        let raw = {
            let (get, ids) = (by_hand::Cached::new(&self.raw, GET)?, Rc::clone(&self.ids));
            Contender::new(RAW, move |calls| {
                by_hand::timed(calls, |call| {
                    let id = nth(&ids, call);
                    ensure!(get.episodes(vec![id.to_string().into()])?.len() == 1, "{id} is missing");
                    Ok(())
                })
            })
        };
        let hop = {
            let ours = self.ours.clone();
            let nothing = [WriteId::new()];
            Contender::new(HOP, move |calls| ours.timed(calls, async |_| Ok(ours.storage.settle(&nothing).await?)))
        };
        let mut contenders = vec![self.get(self.ours.clone()), raw, self.naive(), hop];
        contenders.extend(self.rusqlite.as_ref().map(|rusqlite| {
            let ids = Rc::clone(&self.ids);
            rusqlite.contender(move |calls| Calls::Get((0..calls).map(|call| nth(&ids, call)).collect()))
        }));
        Ok(Workload::new("get/warm", GETS, contenders))
    }

    fn get(&self, ours: Ours) -> Contender {
        let ids = Rc::clone(&self.ids);
        Contender::new(OURS, move |calls| {
            ours.timed(calls, async |call| {
                let id = nth(&ids, call);
                ensure!(ours.storage.get_episode(id).await?.is_some(), "{id} is missing");
                Ok(())
            })
        })
    }

    fn naive(&self) -> Contender {
        let (connection, ids) = (self.naive.clone(), Rc::clone(&self.ids));
        Contender::new(NAIVE, move |calls| by_hand::timed(calls, |call| get_naively(&connection, nth(&ids, call))))
    }

    fn batch(&self) -> Result<Workload> {
        let size = BATCH.min(self.ids.len());
        let ours = {
            let (ours, ids) = (self.ours.clone(), Rc::clone(&self.ids));
            Contender::new(OURS, move |calls| {
                ours.timed(calls, async |call| {
                    let found = ours.storage.get_episodes_batch(&batch(&ids, size, call)).await?;
                    ensure!(found.iter().flatten().count() == size, "an episode is missing");
                    Ok(())
                })
            })
        };
        let raw = {
            let (get, ids) = (by_hand::Cached::new(&self.raw, GET_BATCH)?, Rc::clone(&self.ids));
            Contender::new(RAW, move |calls| {
                by_hand::timed(calls, |call| {
                    let list = serde_json::to_string(&batch(&ids, size, call))?;
                    ensure!(get.episodes(vec![list.into()])?.len() == size, "an episode is missing");
                    Ok(())
                })
            })
        };
        let naive = {
            let (connection, ids) = (self.naive.clone(), Rc::clone(&self.ids));
            Contender::new(NAIVE, move |calls| {
                by_hand::timed(calls, |call| {
                    batch(&ids, size, call).into_iter().try_for_each(|id| get_naively(&connection, id))
                })
            })
        };
        let mut contenders = vec![ours, raw, naive];
        contenders.extend(self.rusqlite.as_ref().map(|rusqlite| {
            let ids = Rc::clone(&self.ids);
            rusqlite.contender(move |calls| Calls::GetBatch((0..calls).map(|call| batch(&ids, size, call)).collect()))
        }));
        Ok(Workload::new(format!("get_batch/{size}"), BATCHES, contenders))
    }
}

fn get_naively(connection: &Connection, id: EpisodeId) -> Result<()> {
    let found = by_hand::episodes(connection, GET, vec![id.to_string().into()])?;
    ensure!(found.len() == 1, "{id} is missing");
    Ok(())
}

pub(super) fn nth(ids: &[EpisodeId], call: u64) -> EpisodeId {
    ids[usize::try_from(call).unwrap_or_default() % ids.len()]
}

/// So many different ids, others for each call.
pub(super) fn batch(ids: &[EpisodeId], size: usize, call: u64) -> Vec<EpisodeId> {
    (37 * call..).take(size).map(|number| nth(ids, number)).collect()
}
