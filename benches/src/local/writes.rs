//! Storing and deleting.

use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Result, ensure};
use memory_core::{Episode, MemoryStorageExt};
use memory_storage_turso::TursoStorage;

use super::database::{Ours, Scratch};
use super::{NAIVE, OURS, RAW, by_hand, row};
use crate::trajectories::time_ordered_id;
use crate::{Contender, Settings, Workload};

/// Records of one call, and calls of one round.
const STORES: [(usize, u64); 5] = [(1, 40), (10, 8), (50, 4), (100, 2), (1_000, 1)];
const DELETES: u64 = 40;

pub(super) fn workloads(folder: &Path, settings: &Settings) -> Result<Vec<Workload>> {
    let episodes = fresh(settings, 1_000);
    let databases = Databases::new(folder)?;
    let mut workloads: Vec<_> = STORES.iter().map(|&(size, calls)| databases.store(size, calls, &episodes)).collect();
    workloads.push(databases.delete(&episodes));
    Ok(workloads)
}

/// So many episodes with the trajectories' contents and ids of their own.
fn fresh(settings: &Settings, count: u64) -> Rc<[Episode]> {
    let originals = settings.trajectories.episodes.iter().cycle();
    let renamed = (0..count).zip(originals).map(|(number, episode)| {
        let mut episode = episode.clone();
        episode.id = time_ordered_id(episode.start_time, settings.seed.wrapping_add(number));
        episode
    });
    renamed.collect()
}

/// One database for each system, so that none pays for another's writes.
struct Databases {
    ours: (Rc<Scratch>, Ours),
    raw: (Rc<Scratch>, Rc<by_hand::Writer>),
    naive: (Rc<Scratch>, libsql::Connection),
}

impl Databases {
    fn new(folder: &Path) -> Result<Self> {
        let [ours, raw, naive] =
            ["store-ours", "store-raw", "store-naive"].map(|name| Scratch::new(folder, name).map(Rc::new));
        let (ours, raw, naive) = (ours?, raw?, naive?);
        let storage = Ours::open(&ours.path, TursoStorage::builder())?;
        let writer = Rc::new(by_hand::Writer::new(&by_hand::connect(&raw.path)?)?);
        let connection = by_hand::connect(&naive.path)?;
        Ok(Self { ours: (ours, storage), raw: (raw, writer), naive: (naive, connection) })
    }

    fn store(&self, size: usize, calls: u64, episodes: &Rc<[Episode]>) -> Workload {
        let ours = {
            let ((scratch, ours), episodes) = (self.ours.clone(), Rc::clone(episodes));
            Contender::new(OURS, move |calls| {
                scratch.sweep()?;
                ours.block_on(async {
                    let start = Instant::now();
                    for slice in slices(&episodes, size, calls) {
                        ours.storage.store_episodes_batch(slice).await?;
                    }
                    Ok(start.elapsed().into())
                })
            })
        };
        let raw = {
            let ((scratch, writer), episodes) = (self.raw.clone(), Rc::clone(episodes));
            Contender::new(RAW, move |calls| {
                scratch.sweep()?;
                let start = Instant::now();
                for slice in slices(&episodes, size, calls) {
                    writer.store(slice)?;
                }
                Ok(start.elapsed().into())
            })
        };
        let naive = {
            let ((scratch, connection), episodes) = (self.naive.clone(), Rc::clone(episodes));
            Contender::new(NAIVE, move |calls| {
                scratch.sweep()?;
                let start = Instant::now();
                for episode in slices(&episodes, size, calls).flatten() {
                    by_hand::execute(&connection, row::INSERT, row::values(episode)?)?;
                }
                Ok(start.elapsed().into())
            })
        };
        let operation = if size == 1 { "store".to_owned() } else { format!("store_batch/{size}") };
        Workload { operation, operations: calls, contenders: vec![ours, raw, naive] }
    }

    fn delete(&self, episodes: &Rc<[Episode]>) -> Workload {
        let ours = {
            let ((scratch, ours), episodes) = (self.ours.clone(), Rc::clone(episodes));
            Contender::new(OURS, move |calls| {
                scratch.fill(&episodes)?;
                ours.block_on(async {
                    let start = Instant::now();
                    for episode in slices(&episodes, 1, calls).flatten() {
                        ensure!(ours.storage.delete_episode(episode.id).await?, "nothing was deleted");
                    }
                    Ok(start.elapsed().into())
                })
            })
        };
        let raw = {
            let ((scratch, writer), episodes) = (self.raw.clone(), Rc::clone(episodes));
            Contender::new(RAW, move |calls| {
                scratch.fill(&episodes)?;
                let start = Instant::now();
                for episode in slices(&episodes, 1, calls).flatten() {
                    ensure!(writer.delete(episode.id)? == 1, "nothing was deleted");
                }
                Ok(start.elapsed().into())
            })
        };
        let naive = {
            let ((scratch, connection), episodes) = (self.naive.clone(), Rc::clone(episodes));
            Contender::new(NAIVE, move |calls| {
                scratch.fill(&episodes)?;
                let start = Instant::now();
                for episode in slices(&episodes, 1, calls).flatten() {
                    let deleted = by_hand::execute(&connection, by_hand::DELETE, vec![episode.id.to_string().into()])?;
                    ensure!(deleted == 1, "nothing was deleted");
                }
                Ok(start.elapsed().into())
            })
        };
        Workload { operation: "delete".to_owned(), operations: DELETES, contenders: vec![ours, raw, naive] }
    }
}

/// The slices that so many calls store, from the start again after the last.
fn slices(episodes: &[Episode], size: usize, calls: u64) -> impl Iterator<Item = &[Episode]> {
    (0..calls).zip(episodes.chunks_exact(size).cycle()).map(|(_, slice)| slice)
}
