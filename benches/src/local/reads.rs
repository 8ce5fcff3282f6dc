//! Getting by id.

use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Result, ensure};
use memory_core::{EpisodeId, MemoryStorage, MemoryStorageExt, WriteId};
use memory_storage_turso::{PreparedCacheConfig, TursoStorage};

use super::database::Ours;
use super::row::select;
use super::{HOP, NAIVE, OURS, RAW, by_hand};
use crate::{Contender, Settings, Workload};

const GETS: u64 = 200;
const BATCHES: u64 = 4;
/// Ids of one batch.
const BATCH: usize = 100;

const GET: &str = select!("WHERE episode_id = ?1");
const GET_BATCH: &str = select!("WHERE episode_id IN (SELECT value FROM json_each(?1))");

pub(super) fn workloads(folder: &Path, settings: &Settings) -> Result<Vec<Workload>> {
    let reads = Reads::new(folder, settings)?;
    Ok(vec![reads.cold()?, reads.warm()?, reads.batch()?])
}

struct Reads {
    path: std::path::PathBuf,
    ours: Ours,
    connection: libsql::Connection,
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
        let connection = by_hand::connect(&path)?;
        for episode in episodes {
            let found = ours.block_on(ours.storage.get_episode(episode.id))?;
            let by_hand = by_hand::episodes(&connection, GET, vec![episode.id.to_string().into()])?;
            ensure!(found.as_deref() == Some(episode) && by_hand == [episode.clone()], "{} differs", episode.id);
        }
        Ok(Self { path, ours, connection, ids: ids.into() })
    }

    /// Ours, and libsql preparing, with no statement cached.
    fn cold(&self) -> Result<Workload> {
        // No text is short enough to be kept.
        let nothing = PreparedCacheConfig { max_sql_bytes: 0, ..PreparedCacheConfig::default() };
        let cold = Ours::open(&self.path, TursoStorage::builder().prepared_cache(nothing))?;
        let contenders = vec![self.get(cold), self.naive()];
        Ok(Workload { operation: "get/cold".to_owned(), operations: GETS, contenders })
    }

    fn warm(&self) -> Result<Workload> {
        let raw = {
            let (get, ids) = (by_hand::Cached::new(&self.connection, GET)?, Rc::clone(&self.ids));
            Contender::new(RAW, move |calls| {
                let start = Instant::now();
                for (_, id) in (0..calls).zip(ids.iter().cycle()) {
                    ensure!(get.episodes(vec![id.to_string().into()])?.len() == 1, "{id} is missing");
                }
                Ok(start.elapsed().into())
            })
        };
        let hop = {
            let ours = self.ours.clone();
            Contender::new(HOP, move |calls| {
                ours.block_on(async {
                    let nothing = [WriteId::new()];
                    let start = Instant::now();
                    for _ in 0..calls {
                        ours.storage.settle(&nothing).await?;
                    }
                    Ok(start.elapsed().into())
                })
            })
        };
        let contenders = vec![self.get(self.ours.clone()), raw, self.naive(), hop];
        Ok(Workload { operation: "get/warm".to_owned(), operations: GETS, contenders })
    }

    fn get(&self, ours: Ours) -> Contender {
        let ids = Rc::clone(&self.ids);
        Contender::new(OURS, move |calls| {
            ours.block_on(async {
                let start = Instant::now();
                for (_, id) in (0..calls).zip(ids.iter().cycle()) {
                    ensure!(ours.storage.get_episode(*id).await?.is_some(), "{id} is missing");
                }
                Ok(start.elapsed().into())
            })
        })
    }

    fn naive(&self) -> Contender {
        let (connection, ids) = (self.connection.clone(), Rc::clone(&self.ids));
        Contender::new(NAIVE, move |calls| {
            let start = Instant::now();
            for (_, id) in (0..calls).zip(ids.iter().cycle()) {
                let found = by_hand::episodes(&connection, GET, vec![id.to_string().into()])?;
                ensure!(found.len() == 1, "{id} is missing");
            }
            Ok(start.elapsed().into())
        })
    }

    fn batch(&self) -> Result<Workload> {
        let size = BATCH.min(self.ids.len());
        let batches = || {
            let ids = Rc::clone(&self.ids);
            move |calls: u64| (0..calls).map(|call| batch(&ids, size, call)).collect::<Vec<_>>()
        };
        let ours = {
            let (ours, batches) = (self.ours.clone(), batches());
            Contender::new(OURS, move |calls| {
                let batches = batches(calls);
                ours.block_on(async {
                    let start = Instant::now();
                    for ids in &batches {
                        let found = ours.storage.get_episodes_batch(ids).await?;
                        ensure!(found.iter().flatten().count() == size, "an episode is missing");
                    }
                    Ok(start.elapsed().into())
                })
            })
        };
        let raw = {
            let (get, batches) = (by_hand::Cached::new(&self.connection, GET_BATCH)?, batches());
            Contender::new(RAW, move |calls| {
                let batches = batches(calls);
                let start = Instant::now();
                for ids in &batches {
                    let found = get.episodes(vec![serde_json::to_string(ids)?.into()])?;
                    ensure!(found.len() == size, "an episode is missing");
                }
                Ok(start.elapsed().into())
            })
        };
        let naive = {
            let (connection, batches) = (self.connection.clone(), batches());
            Contender::new(NAIVE, move |calls| {
                let batches = batches(calls);
                let start = Instant::now();
                for id in batches.iter().flatten() {
                    let found = by_hand::episodes(&connection, GET, vec![id.to_string().into()])?;
                    ensure!(found.len() == 1, "{id} is missing");
                }
                Ok(start.elapsed().into())
            })
        };
        let contenders = vec![ours, raw, naive];
        Ok(Workload { operation: format!("get_batch/{size}"), operations: BATCHES, contenders })
    }
}

/// So many different ids, others for each call.
fn batch(ids: &[EpisodeId], size: usize, call: u64) -> Vec<EpisodeId> {
    let from = usize::try_from(call).unwrap_or_default() * 37 % ids.len();
    ids.iter().cycle().skip(from).take(size).copied().collect()
}
