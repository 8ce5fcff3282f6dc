//! Statements that are prepared once, against preparing each time.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use memory_core::{EpisodeId, MemoryStorageExt};
use memory_storage_turso::{PreparedCacheConfig, TursoStorage};

use crate::local::by_hand;
use crate::local::{NAIVE, OURS, Ours, RAW};
use crate::population::population;
use crate::row::GET;
use crate::{Contender, Workload};

/// Through our storage.
pub(super) const OPERATION: &str = "prepared_statements";
/// By hand: the database alone.
pub(super) const BY_HAND: &str = "prepared_statements/by_hand";
/// Ours, with no statement kept.
pub(super) const PREPARING: &str = "ours-preparing";

const GETS: u64 = 640;
/// Gets that are under way at the same time. One after the other most of their
/// time is that of waking threads, which both ways have in common.
const AT_ONCE: u64 = 64;
const EPISODES: usize = 1_000;

/// Gets of one small episode each in a local file, ours by one reader.
pub(super) fn workload(path: &Path, seed: u64) -> Result<Workload> {
    let episodes = population(seed, EPISODES)?;
    let ids: Rc<[EpisodeId]> = episodes.iter().map(|episode| episode.id).collect();
    let keeping = Ours::open(path, TursoStorage::builder().readers(1))?;
    keeping.load(&episodes)?;
    // No text is short enough to be kept.
    let nothing = PreparedCacheConfig { max_sql_bytes: 0, ..PreparedCacheConfig::default() };
    let preparing = Ours::open(path, TursoStorage::builder().readers(1).prepared_cache(nothing))?;
    let ours = |ours: Ours, system| {
        let ids = Rc::clone(&ids);
        Contender::new(system, move |gets| {
            let get = async |number: u64| {
                ensure!(ours.storage.get_episode(nth(&ids, number)).await?.is_some(), "an episode is missing");
                Ok(())
            };
            ours.timed(gets / AT_ONCE, async |turn| {
                try_join_all((0..AT_ONCE).map(|number| get(AT_ONCE * turn + number))).await.map(drop)
            })
        })
    };
    let (raw_on, naive_on) = (by_hand::connect(path)?, by_hand::connect(path)?);
    let raw = {
        let (get, ids) = (by_hand::Cached::new(&raw_on, GET)?, Rc::clone(&ids));
        Contender::new(RAW, move |gets| by_hand::timed(gets, |number| one(&get.episodes(value(&ids, number))?)))
    };
    let naive = {
        let ids = Rc::clone(&ids);
        Contender::new(NAIVE, move |gets| {
            by_hand::timed(gets, |number| one(&by_hand::episodes(&naive_on, GET, value(&ids, number))?))
        })
    };
    let by_hand = [raw, naive].map(|contender| contender.operation(BY_HAND));
    let mut contenders = vec![ours(keeping, OURS), ours(preparing, PREPARING)];
    contenders.extend(by_hand);
    Ok(Workload::new(OPERATION, GETS, contenders))
}

fn nth(ids: &[EpisodeId], number: u64) -> EpisodeId {
    // 7 and the number of ids have no divisor in common.
    ids[usize::try_from(7 * number).unwrap_or_default() % ids.len()]
}

fn value(ids: &[EpisodeId], number: u64) -> Vec<libsql::Value> {
    vec![nth(ids, number).to_string().into()]
}

fn one(found: &[memory_core::Episode]) -> Result<()> {
    ensure!(found.len() == 1, "an episode is missing");
    Ok(())
}
