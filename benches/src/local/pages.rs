//! The newest episodes, and how many there are in each domain.

use std::path::Path;

use anyhow::{Result, ensure};
use memory_core::field::domain;
use memory_core::{Episode, Filter, MemoryStorage, Query, Store};
use memory_storage_turso::TursoStorage;

use super::by_hand::{self, Cached, timed};
use super::database::Ours;
use super::queries::LIMIT;
use super::{OURS, RAW};
use crate::row::select;
use crate::{Contender, Settings, Workload, population};

const PAGES: u64 = 20;
const COUNTS: u64 = 8;

const NEWEST: &str = select!("ORDER BY start_time DESC, episode_id DESC LIMIT 50");
const COUNT: &str = "SELECT domain, count(*) FROM episodes GROUP BY domain";

pub(super) fn workloads(folder: &Path, settings: &Settings) -> Result<Vec<Workload>> {
    let path = folder.join("page.db");
    let ours = Ours::open(&path, TursoStorage::builder())?;
    ours.load(&population::population(settings.seed, settings.population)?)?;
    let connection = by_hand::connect(&path)?;
    let page = ours.block_on(ours.storage.query(&Query::<Episode>::new().limit(LIMIT)))?;
    let raw = Cached::new(&connection, NEWEST)?;
    let by_hand = raw.episodes(Vec::new())?;
    ensure!(page.records.iter().map(|episode| &**episode).eq(&by_hand), "the newest episodes differ");
    let raw = Contender::new(RAW, move |calls| timed(calls, |_| raw.episodes(Vec::new()).map(drop)));
    let pages = Workload::new("page/newest", PAGES, vec![newest(OURS, &ours), raw]);
    let raw = Cached::new(&connection, COUNT)?;
    let raw = Contender::new(RAW, move |calls| timed(calls, |_| raw.counts().map(drop)));
    let counts = Workload::new("count/domain", COUNTS, vec![count_domains(OURS, &ours), raw]);
    Ok(vec![pages, counts])
}

/// Reads the newest episodes.
pub(super) fn newest<S: MemoryStorage + 'static>(system: &'static str, ours: &Ours<S>) -> Contender {
    let ours = ours.clone();
    Contender::new(system, move |calls| {
        ours.timed(calls, async |_| {
            let page = ours.storage.query(&Query::<Episode>::new().limit(LIMIT)).await?;
            ensure!(page.records.len() == LIMIT, "an episode is missing");
            Ok(())
        })
    })
}

/// Counts the episodes of each domain.
pub(super) fn count_domains<S: MemoryStorage + 'static>(system: &'static str, ours: &Ours<S>) -> Contender {
    let ours = ours.clone();
    Contender::new(system, move |calls| {
        ours.timed(calls, async |_| {
            ours.storage.count(&Filter::all(), Some(domain::<Episode>())).await?;
            Ok(())
        })
    })
}
