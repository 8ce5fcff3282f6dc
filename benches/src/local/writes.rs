//! Storing and deleting.

use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, ensure};
use memory_bench_peer::Calls;
use memory_core::{Episode, MemoryStorageExt};
use memory_storage_turso::TursoStorage;

use super::database::{Ours, Scratch};
use super::rusqlite::Rusqlite;
use super::{NAIVE, OURS, RAW, by_hand};
use crate::contender::unclocked;
use crate::row::{self, DELETE, INSERT};
use crate::trajectories::time_ordered_id;
use crate::{Contender, Peers, Settings, Workload};

/// Records of one call, and calls of one round.
pub(super) const STORES: [(usize, u64); 5] = [(1, 50), (10, 10), (50, 5), (100, 3), (1_000, 1)];
const DELETES: u64 = 50;

pub(super) fn workloads(folder: &Path, settings: &Settings) -> Result<Vec<Workload>> {
    let most = STORES.iter().map(|&(size, calls)| size as u64 * (calls + unclocked(calls))).max();
    let episodes = fresh(settings, most.unwrap_or_default());
    let databases = Databases::new(folder, settings.peers.as_ref(), &episodes)?;
    let mut workloads: Vec<_> = STORES.iter().map(|&(size, calls)| databases.store(size, calls, &episodes)).collect();
    workloads.push(databases.delete(&episodes[..200]));
    Ok(workloads)
}

/// So many episodes with the trajectories' contents and ids of their own.
pub(super) fn fresh(settings: &Settings, count: u64) -> Rc<[Episode]> {
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
    rusqlite: Option<(Rc<Scratch>, Rusqlite)>,
}

impl Databases {
    fn new(folder: &Path, peers: Option<&Peers>, episodes: &[Episode]) -> Result<Self> {
        let scratch = |name| Scratch::new(folder, name).map(Rc::new);
        let (ours, raw, naive) = (scratch("store-ours")?, scratch("store-raw")?, scratch("store-naive")?);
        let storage = Ours::open(&ours.path, TursoStorage::builder())?;
        let writer = Rc::new(by_hand::Writer::new(&by_hand::connect(&raw.path)?)?);
        let connection = by_hand::connect(&naive.path)?;
        let rusqlite = peers.map(|peers| {
            let scratch = scratch("store-rusqlite")?;
            let rusqlite = Rusqlite::open(peers, &scratch.path)?;
            rusqlite.keep(episodes);
            anyhow::Ok((scratch, rusqlite))
        });
        let rusqlite = rusqlite.transpose()?;
        Ok(Self { ours: (ours, storage), raw: (raw, writer), naive: (naive, connection), rusqlite })
    }

    fn store(&self, size: usize, calls: u64, episodes: &Rc<[Episode]>) -> Workload {
        let ours = {
            let ((scratch, ours), episodes) = (self.ours.clone(), Rc::clone(episodes));
            Contender::new(OURS, move |calls| {
                scratch.sweep()?;
                ours.timed(calls, async |call| {
                    Ok(ours.storage.store_episodes_batch(slice(&episodes, size, call)).await?)
                })
            })
        };
        let raw = {
            let ((scratch, writer), episodes) = (self.raw.clone(), Rc::clone(episodes));
            Contender::new(RAW, move |calls| {
                scratch.sweep()?;
                by_hand::timed(calls, |call| writer.store(slice(&episodes, size, call)))
            })
        };
        let naive = {
            let ((scratch, connection), episodes) = (self.naive.clone(), Rc::clone(episodes));
            Contender::new(NAIVE, move |calls| {
                scratch.sweep()?;
                by_hand::timed(calls, |call| {
                    slice(&episodes, size, call)
                        .iter()
                        .try_for_each(|episode| by_hand::execute(&connection, INSERT, row::values(episode)?).map(drop))
                })
            })
        };
        let peer = self.rusqlite.clone().map(|(scratch, rusqlite)| {
            let count = episodes.len();
            rusqlite.contender_after(
                move || scratch.sweep(),
                move |calls| Calls::Store((0..calls).map(|call| range(count, size, call)).collect()),
            )
        });
        Workload::new(name(size), calls, [ours, raw, naive].into_iter().chain(peer).collect())
    }

    fn delete(&self, episodes: &[Episode]) -> Workload {
        let episodes: Rc<[Episode]> = episodes.into();
        let ours = {
            let ((scratch, ours), episodes) = (self.ours.clone(), Rc::clone(&episodes));
            Contender::new(OURS, move |calls| {
                scratch.fill(&episodes)?;
                ours.timed(calls, async |call| {
                    let [episode] = slice(&episodes, 1, call) else { return Ok(()) };
                    ensure!(ours.storage.delete_episode(episode.id).await?, "nothing was deleted");
                    Ok(())
                })
            })
        };
        let raw = {
            let ((scratch, writer), episodes) = (self.raw.clone(), Rc::clone(&episodes));
            Contender::new(RAW, move |calls| {
                scratch.fill(&episodes)?;
                by_hand::timed(calls, |call| {
                    let [episode] = slice(&episodes, 1, call) else { return Ok(()) };
                    ensure!(writer.delete(episode.id)? == 1, "nothing was deleted");
                    Ok(())
                })
            })
        };
        let naive = {
            let ((scratch, connection), episodes) = (self.naive.clone(), Rc::clone(&episodes));
            Contender::new(NAIVE, move |calls| {
                scratch.fill(&episodes)?;
                by_hand::timed(calls, |call| {
                    let [episode] = slice(&episodes, 1, call) else { return Ok(()) };
                    let deleted = by_hand::execute(&connection, DELETE, vec![episode.id.to_string().into()])?;
                    ensure!(deleted == 1, "nothing was deleted");
                    Ok(())
                })
            })
        };
        let peer = self.rusqlite.clone().map(|(scratch, rusqlite)| {
            let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
            let nth = move |call| ids[range(ids.len(), 1, call).start];
            rusqlite.contender_after(
                move || scratch.fill(&episodes),
                move |calls| Calls::Delete((0..calls).map(&nth).collect()),
            )
        });
        Workload::new("delete", DELETES, [ours, raw, naive].into_iter().chain(peer).collect())
    }
}

/// The operation's name, for so many records in a call.
pub(super) fn name(size: usize) -> String {
    if size == 1 { "store".to_owned() } else { format!("store_batch/{size}") }
}

/// What a call stores or deletes: others for each.
pub(super) fn slice(episodes: &[Episode], size: usize, call: u64) -> &[Episode] {
    &episodes[range(episodes.len(), size, call)]
}

/// Where that is among so many.
fn range(count: usize, size: usize, call: u64) -> Range<usize> {
    let from = usize::try_from(call).unwrap_or_default() * size % count;
    from..from + size
}
