//! Storing and deleting.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, ensure};
use memory_core::{Episode, EpisodeId, MemoryStorageExt, Store};
use memory_storage_redb::RedbStorage;

use super::super::database::Ours;
use super::super::writes::{STORES, fresh, name, slice};
use super::by_hand::RawRedb;
use super::{Joining, RAW_QUICK, RAW_REDB, REDB, open, open_raw};
use crate::local::by_hand::timed;
use crate::{Contender, Settings};

/// Calls of one round: fewer than of libSQL, since each waits for the disk.
const CALLS: u64 = 10;
/// Episodes that are there to delete: more than a round does.
const DELETABLE: usize = 20;
/// The note on rows whose writes are more durable than those of the libSQL systems.
const NOTE: &str = "durable once acknowledged; libSQL is not";

pub(super) fn contenders(folder: &Path, settings: &Settings) -> Result<Vec<Joining>> {
    let sizes = STORES.map(|(size, calls)| (size, calls.min(CALLS)));
    let most = sizes.iter().map(|&(size, calls)| size as u64 * (calls + crate::contender::unclocked(calls))).max();
    let databases = Databases {
        ours: open(folder, "store")?,
        raw: open_raw(folder, "store-raw", false)?,
        quick: open_raw(folder, "store-quick", true)?,
        episodes: fresh(settings, most.unwrap_or_default()),
    };
    let mut all: Vec<_> = sizes.iter().map(|&(size, calls)| databases.store(size, calls)).collect();
    all.push(databases.delete());
    Ok(all)
}

struct Databases {
    ours: Ours<RedbStorage>,
    raw: Rc<RawRedb>,
    quick: Rc<RawRedb>,
    episodes: Rc<[Episode]>,
}

impl Databases {
    fn store(&self, size: usize, calls: u64) -> Joining {
        let ours = {
            let (ours, episodes, ids) = (self.ours.clone(), Rc::clone(&self.episodes), self.ids());
            Contender::new(REDB, move |calls| {
                ours.block_on(Store::<Episode>::delete(&*ours.storage, &ids))?;
                ours.timed(calls, async |call| {
                    Ok(ours.storage.store_episodes_batch(slice(&episodes, size, call)).await?)
                })
            })
        };
        let by_hand = |system, raw: &Rc<RawRedb>| {
            let (raw, episodes, ids) = (Rc::clone(raw), Rc::clone(&self.episodes), self.ids());
            Contender::new(system, move |calls| {
                raw.delete(&ids)?;
                timed(calls, |call| raw.store(slice(&episodes, size, call)))
            })
        };
        let contenders = vec![ours, by_hand(RAW_REDB, &self.raw), by_hand(RAW_QUICK, &self.quick)];
        (name(size), contenders.into_iter().map(|contender| contender.times(calls).note(NOTE)).collect())
    }

    fn delete(&self) -> Joining {
        let episodes: Rc<[Episode]> = self.episodes[..DELETABLE.min(self.episodes.len())].into();
        let ours = {
            let (ours, episodes) = (self.ours.clone(), Rc::clone(&episodes));
            Contender::new(REDB, move |calls| {
                ours.load(&episodes)?;
                ours.timed(calls, async |call| {
                    let [episode] = slice(&episodes, 1, call) else { return Ok(()) };
                    ensure!(ours.storage.delete_episode(episode.id).await?, "nothing was deleted");
                    Ok(())
                })
            })
        };
        let raw = {
            let (raw, ids) = (Rc::clone(&self.raw), self.ids());
            Contender::new(RAW_REDB, move |calls| {
                raw.delete(&ids)?;
                raw.store(&episodes)?;
                timed(calls, |call| {
                    let [episode] = slice(&episodes, 1, call) else { return Ok(()) };
                    ensure!(raw.delete(&[episode.id])? == 1, "nothing was deleted");
                    Ok(())
                })
            })
        };
        let contenders = [ours, raw].map(|contender| contender.times(CALLS).note(NOTE));
        ("delete".to_owned(), contenders.into())
    }

    /// Every id that is ever stored.
    fn ids(&self) -> Vec<EpisodeId> {
        self.episodes.iter().map(|episode| episode.id).collect()
    }
}
