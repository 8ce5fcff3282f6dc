//! Querying by domain and by metadata.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, ensure};
use libsql::{Connection, Value};
use memory_core::field::{domain, metadata};
use memory_core::{Episode, Query, Store};
use memory_storage_turso::TursoStorage;

use super::database::Ours;
use super::{NAIVE, OURS, RAW, by_hand};
use crate::population::{self, DOMAINS};
use crate::row::select;
use crate::{Contender, Settings, Workload};

/// Records of one page.
const LIMIT: usize = 50;

const BY_DOMAIN: &str = select!("WHERE domain = ?1 ORDER BY start_time DESC, episode_id DESC LIMIT 50");
const BY_CONVERSATION: &str = select!(
    r#"WHERE json_extract(metadata, '$."conversation"') = ?1
    ORDER BY start_time DESC, episode_id DESC LIMIT 50"#
);
const BY_SESSION: &str = select!(
    r#"WHERE json_extract(metadata, '$."session"') = ?1
    ORDER BY start_time DESC, episode_id DESC LIMIT 50"#
);
const LIKE: &str = select!("WHERE metadata LIKE ?1 ORDER BY start_time DESC, episode_id DESC LIMIT 50");

pub(super) fn workloads(folder: &Path, settings: &Settings) -> Result<Vec<Workload>> {
    let searched = Searched::new(&folder.join("query.db"), settings.seed, settings.population)?;
    let domains = Case {
        operation: "query_domain",
        calls: 50,
        values: (0..DOMAINS).map(population::domain).collect(),
        query: |name: &str| Query::new().filter(domain().eq(name.to_owned())),
        raw: BY_DOMAIN,
        naive: BY_DOMAIN,
        value_of: str::to_owned,
    };
    Ok(vec![
        searched.workload(domains)?,
        searched.by_metadata("query_metadata/no_index", 8, "conversation", BY_CONVERSATION)?,
        searched.by_metadata("query_metadata/index", 50, "session", BY_SESSION)?,
    ])
}

/// The question by a metadata key that has an index, among so many episodes in
/// a file at `path`; the naive way is `LIKE`.
pub(crate) fn by_index(path: &Path, operation: &'static str, seed: u64, episodes: usize) -> Result<Workload> {
    Searched::new(path, seed, episodes)?.by_metadata(operation, 10, "session", BY_SESSION)
}

/// What is searched, and by whom.
struct Searched {
    ours: Ours,
    /// One connection for each way by hand, so that each has a page cache of its own.
    by_hand: (Connection, Connection),
    sessions: usize,
}

impl Searched {
    fn new(path: &Path, seed: u64, episodes: usize) -> Result<Self> {
        let ours = Ours::open(path, TursoStorage::builder().index_metadata("session"))?;
        ours.load(&population::population(seed, episodes)?)?;
        let by_hand = (by_hand::connect(path)?, by_hand::connect(path)?);
        Ok(Self { ours, by_hand, sessions: population::sessions(episodes) })
    }

    fn by_metadata(
        &self,
        operation: &'static str,
        calls: u64,
        key: &'static str,
        raw: &'static str,
    ) -> Result<Workload> {
        self.workload(Case {
            operation,
            calls,
            values: (0..self.sessions).map(population::session).collect(),
            query: move |session: &str| Query::new().filter(metadata(key).eq(session.to_owned())),
            raw,
            naive: LIKE,
            value_of: move |session: &str| format!("%\"{key}\":\"{session}\"%"),
        })
    }

    fn workload<Q, V>(&self, case: Case<Q, V>) -> Result<Workload>
    where
        Q: Fn(&str) -> Query<Episode> + 'static,
        V: Fn(&str) -> String + 'static,
    {
        let Self { ours, by_hand: (raw_on, naive_on), .. } = self;
        let Case { operation, calls, values, query, raw, naive, value_of } = case;
        let values: Rc<[String]> = values.into();
        let raw = by_hand::Cached::new(raw_on, raw)?;
        for value in values.iter().take(5) {
            let page = ours.block_on(ours.storage.query(&query(value).limit(LIMIT)))?;
            let page: Vec<_> = page.records.iter().map(|episode| episode.as_ref().clone()).collect();
            let by_hand = [raw.episodes(bound(value))?, by_hand::episodes(naive_on, naive, bound(&value_of(value)))?];
            ensure!(by_hand.iter().all(|found| *found == page), "{operation}: the answers differ for {value}");
        }
        let ours = {
            let (ours, values) = (ours.clone(), Rc::clone(&values));
            Contender::new(OURS, move |calls| {
                ours.timed(calls, async |call| {
                    ours.storage.query(&query(nth(&values, call)).limit(LIMIT)).await?;
                    Ok(())
                })
            })
        };
        let raw = {
            let values = Rc::clone(&values);
            Contender::new(RAW, move |calls| {
                by_hand::timed(calls, |call| raw.episodes(bound(nth(&values, call))).map(drop))
            })
        };
        let naive = {
            let connection = naive_on.clone();
            Contender::new(NAIVE, move |calls| {
                by_hand::timed(calls, |call| {
                    by_hand::episodes(&connection, naive, bound(&value_of(nth(&values, call)))).map(drop)
                })
            })
        };
        Ok(Workload::new(operation, calls, vec![ours, raw, naive]))
    }
}

/// One question in the three ways to ask it.
struct Case<Q, V> {
    operation: &'static str,
    calls: u64,
    /// What is asked for, one after the other.
    values: Vec<String>,
    query: Q,
    raw: &'static str,
    naive: &'static str,
    /// What the naive statement takes for a value.
    value_of: V,
}

fn bound(value: &str) -> Vec<Value> {
    vec![value.into()]
}

fn nth(values: &[String], call: u64) -> &str {
    &values[usize::try_from(call).unwrap_or_default() % values.len()]
}
