//! Querying by domain and by metadata.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, ensure};
use libsql::{Connection, Value};
use memory_bench_peer::Calls;
use memory_core::field::{domain, metadata};
use memory_core::{Episode, Query, Store};
use memory_storage_turso::TursoStorage;

use super::database::Ours;
use super::rusqlite::Rusqlite;
use super::{NAIVE, OURS, RAW, by_hand};
use crate::population::{self, DOMAINS};
use crate::row::{BY_CONVERSATION, BY_DOMAIN, BY_SESSION, select};
use crate::{Contender, Settings, Workload};

/// Records of one page.
pub(super) const LIMIT: usize = 50;

const LIKE: &str = select!("WHERE metadata LIKE ?1 ORDER BY start_time DESC, episode_id DESC LIMIT 50");

pub(super) fn workloads(folder: &Path, settings: &Settings) -> Result<Vec<Workload>> {
    let searched = Searched::new(&folder.join("query.db"), settings, settings.population)?;
    let domains = Case {
        operation: "query_domain",
        calls: 50,
        values: (0..DOMAINS).map(population::domain).collect(),
        query: |name: &str| Query::new().filter(domain().eq(name.to_owned())),
        raw: BY_DOMAIN,
        naive: BY_DOMAIN,
        value_of: str::to_owned,
        calls_of: Calls::QueryDomain,
    };
    Ok(vec![
        searched.workload(domains)?,
        searched.by_metadata(
            "query_metadata/no_index",
            8,
            "conversation",
            BY_CONVERSATION,
            Calls::QueryConversation,
        )?,
        searched.by_metadata("query_metadata/index", 50, "session", BY_SESSION, Calls::QuerySession)?,
    ])
}

/// The question by a metadata key that has an index, among so many episodes in
/// a file at `path`; the naive way is `LIKE`.
pub(crate) fn by_index(path: &Path, operation: &'static str, settings: &Settings, episodes: usize) -> Result<Workload> {
    let searched = Searched::new(path, settings, episodes)?;
    searched.by_metadata(operation, 10, "session", BY_SESSION, Calls::QuerySession)
}

/// What is searched, and by whom.
struct Searched {
    ours: Ours,
    /// One connection for each way by hand, so that each has a page cache of its own.
    by_hand: (Connection, Connection),
    rusqlite: Option<Rusqlite>,
    sessions: usize,
}

impl Searched {
    fn new(path: &Path, settings: &Settings, episodes: usize) -> Result<Self> {
        let ours = Ours::open(path, TursoStorage::builder().index_metadata("session"))?;
        ours.load(&population::population(settings.seed, episodes)?)?;
        let by_hand = (by_hand::connect(path)?, by_hand::connect(path)?);
        let rusqlite = settings.peers.as_ref().map(|peers| Rusqlite::open(peers, path)).transpose()?;
        Ok(Self { ours, by_hand, rusqlite, sessions: population::sessions(episodes) })
    }

    fn by_metadata(
        &self,
        operation: &'static str,
        calls: u64,
        key: &'static str,
        raw: &'static str,
        calls_of: fn(Vec<String>) -> Calls,
    ) -> Result<Workload> {
        self.workload(Case {
            operation,
            calls,
            values: (0..self.sessions).map(population::session).collect(),
            query: move |session: &str| Query::new().filter(metadata(key).eq(session.to_owned())),
            raw,
            naive: LIKE,
            value_of: move |session: &str| format!("%\"{key}\":\"{session}\"%"),
            calls_of,
        })
    }

    fn workload<Q, V>(&self, case: Case<Q, V>) -> Result<Workload>
    where
        Q: Fn(&str) -> Query<Episode> + 'static,
        V: Fn(&str) -> String + 'static,
    {
        let Self { ours, by_hand: (raw_on, naive_on), rusqlite, .. } = self;
        let rusqlite = rusqlite.as_ref();
        let Case { operation, calls, values, query, raw, naive, value_of, calls_of } = case;
        let values: Rc<[String]> = values.into();
        let raw = by_hand::Cached::new(raw_on, raw)?;
        for value in values.iter().take(5) {
            let page = ours.block_on(ours.storage.query(&query(value).limit(LIMIT)))?;
            let page: Vec<_> = page.records.iter().map(|episode| episode.as_ref().clone()).collect();
            let by_hand = [raw.episodes(bound(value))?, by_hand::episodes(naive_on, naive, bound(&value_of(value)))?];
            ensure!(by_hand.iter().all(|found| *found == page), "{operation}: the answers differ for {value}");
            if let Some(rusqlite) = rusqlite {
                rusqlite.expect(calls_of(vec![value.clone()]), &page);
            }
        }
        let peer = rusqlite.map(|rusqlite| {
            let values = Rc::clone(&values);
            rusqlite.contender(move |calls| calls_of((0..calls).map(|call| nth(&values, call).to_owned()).collect()))
        });
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
        Ok(Workload::new(operation, calls, [ours, raw, naive].into_iter().chain(peer).collect()))
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
    /// The same for the peer, who asks as `raw` does.
    calls_of: fn(Vec<String>) -> Calls,
}

fn bound(value: &str) -> Vec<Value> {
    vec![value.into()]
}

pub(super) fn nth(values: &[String], call: u64) -> &str {
    &values[usize::try_from(call).unwrap_or_default() % values.len()]
}
