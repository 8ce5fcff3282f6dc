//! Getting by id, pages, queries and counts.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, ensure};
use memory_core::field::{domain, metadata};
use memory_core::{Episode, EpisodeId, Filter, Query, Store};
use memory_storage_redb::RedbStorage;

use super::super::database::Ours;
use super::super::pages::{count_domains, newest};
use super::super::queries::{LIMIT, nth as nth_value};
use super::super::reads::{BATCH, batch, nth};
use super::by_hand::{RawRedb, Walk};
use super::{Joining, RAW_REDB, REDB, open, open_raw};
use crate::local::by_hand::timed;
use crate::population::{self, DOMAINS};
use crate::{Contender, Settings};

pub(super) fn contenders(folder: &Path, settings: &Settings) -> Result<Vec<Joining>> {
    let mut all = gets(folder, settings)?;
    all.extend(Searched::new(folder, settings)?.contenders()?);
    Ok(all)
}

fn gets(folder: &Path, settings: &Settings) -> Result<Vec<Joining>> {
    let (ours, raw) = (open(folder, "read")?, open_raw(folder, "read-raw", false)?);
    let episodes = &settings.trajectories.episodes;
    ours.load(episodes)?;
    for episodes in episodes.chunks(1_000) {
        raw.store(episodes)?;
    }
    let mut ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    for (found, episode) in raw.get(&ids)?.into_iter().zip(episodes) {
        let same = ours.block_on(Store::<Episode>::get(&*ours.storage, &[episode.id]))?.swap_remove(0);
        ensure!(found.as_ref() == Some(episode) && same.as_deref() == Some(episode), "{} differs", episode.id);
    }
    fastrand::Rng::with_seed(settings.seed).shuffle(&mut ids);
    let ids: Rc<[EpisodeId]> = ids.into();
    let size = BATCH.min(ids.len());
    let get = |of: Rc<dyn Fn(u64) -> Vec<EpisodeId>>| {
        let ours = {
            let (ours, of) = (ours.clone(), Rc::clone(&of));
            Contender::new(REDB, move |calls| {
                ours.timed(calls, async |call| {
                    let found = Store::<Episode>::get(&*ours.storage, &of(call)).await?;
                    ensure!(found.iter().all(Option::is_some), "an episode is missing");
                    Ok(())
                })
            })
        };
        let raw = Rc::clone(&raw);
        let raw = Contender::new(RAW_REDB, move |calls| {
            timed(calls, |call| {
                ensure!(raw.get(&of(call))?.iter().all(Option::is_some), "an episode is missing");
                Ok(())
            })
        });
        vec![ours, raw]
    };
    let (one, many) = (Rc::clone(&ids), ids);
    Ok(vec![
        ("get/warm".to_owned(), get(Rc::new(move |call| vec![nth(&one, call)]))),
        (format!("get_batch/{size}"), get(Rc::new(move |call| batch(&many, size, call)))),
    ])
}

/// Small episodes, in a file of each system.
struct Searched {
    ours: Ours<RedbStorage>,
    raw: Rc<RawRedb>,
    sessions: usize,
}

type ByHand = fn(&RawRedb, &str) -> Result<Vec<Episode>>;

impl Searched {
    fn new(folder: &Path, settings: &Settings) -> Result<Self> {
        let (ours, raw) = (open(folder, "query")?, open_raw(folder, "query-raw", false)?);
        let episodes = population::population(settings.seed, settings.population)?;
        ours.load(&episodes)?;
        for episodes in episodes.chunks(1_000) {
            raw.store(episodes)?;
        }
        Ok(Self { ours, raw, sessions: population::sessions(settings.population) })
    }

    fn contenders(&self) -> Result<Vec<Joining>> {
        let domains = (0..DOMAINS).map(population::domain).collect();
        let sessions: Vec<_> = (0..self.sessions).map(population::session).collect();
        Ok(vec![
            self.query(
                "query_domain",
                domains,
                |name| Query::new().filter(domain().eq(name.to_owned())),
                |raw, name| raw.page(&Walk::domain(name), LIMIT),
            )?,
            self.query(
                "query_metadata/no_index",
                sessions.clone(),
                |name| Query::new().filter(metadata("conversation").eq(name.to_owned())),
                |raw, name| raw.scan("conversation", name, LIMIT),
            )?,
            self.query(
                "query_metadata/index",
                sessions,
                |name| Query::new().filter(metadata("session").eq(name.to_owned())),
                |raw, name| raw.page(&Walk::session(name), LIMIT),
            )?,
            self.page()?,
            self.count()?,
        ])
    }

    fn query(
        &self,
        operation: &str,
        values: Vec<String>,
        query: fn(&str) -> Query<Episode>,
        by_hand: ByHand,
    ) -> Result<Joining> {
        let Self { ours, raw, .. } = self;
        for value in values.iter().take(5) {
            let page = ours.block_on(ours.storage.query(&query(value).limit(LIMIT)))?;
            let page: Vec<_> = page.records.iter().map(|episode| episode.as_ref().clone()).collect();
            ensure!(by_hand(raw, value)? == page, "{operation}: the answers differ for {value}");
        }
        let values: Rc<[String]> = values.into();
        let ours = {
            let (ours, values) = (ours.clone(), Rc::clone(&values));
            Contender::new(REDB, move |calls| {
                ours.timed(calls, async |call| {
                    ours.storage.query(&query(nth_value(&values, call)).limit(LIMIT)).await?;
                    Ok(())
                })
            })
        };
        let raw = Rc::clone(raw);
        let raw = Contender::new(RAW_REDB, move |calls| {
            timed(calls, |call| by_hand(&raw, nth_value(&values, call)).map(drop))
        });
        Ok((operation.to_owned(), vec![ours, raw]))
    }

    fn page(&self) -> Result<Joining> {
        let Self { ours, raw, .. } = self;
        let page = ours.block_on(ours.storage.query(&Query::<Episode>::new().limit(LIMIT)))?;
        let by_hand = raw.page(&Walk::newest(), LIMIT)?;
        ensure!(page.records.iter().map(|episode| &**episode).eq(&by_hand), "the newest episodes differ");
        let raw = Rc::clone(raw);
        let raw = Contender::new(RAW_REDB, move |calls| timed(calls, |_| raw.page(&Walk::newest(), LIMIT).map(drop)));
        Ok(("page/newest".to_owned(), vec![newest(REDB, ours), raw]))
    }

    fn count(&self) -> Result<Joining> {
        let Self { ours, raw, .. } = self;
        let counts = ours.block_on(ours.storage.count(&Filter::all(), Some(domain::<Episode>())))?;
        ensure!(counts.total == raw.domains()?.values().sum::<u64>(), "the counts differ");
        let raw = Rc::clone(raw);
        let raw = Contender::new(RAW_REDB, move |calls| timed(calls, |_| raw.domains().map(drop)));
        Ok(("count/domain".to_owned(), vec![count_domains(REDB, ours), raw]))
    }
}
