//! Querying by domain and by metadata.

use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Result, ensure};
use libsql::Value;
use memory_core::field::{domain, metadata};
use memory_core::{Episode, Query, Store};
use memory_storage_turso::TursoStorage;

use super::database::Ours;
use super::population::{self, DOMAINS};
use super::row::select;
use super::{NAIVE, OURS, RAW, by_hand};
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
    let path = folder.join("query.db");
    let ours = Ours::open(&path, TursoStorage::builder().index_metadata("session"))?;
    ours.load(&population::population(settings.seed, settings.population)?)?;
    let connection = by_hand::connect(&path)?;
    let sessions = population::sessions(settings.population);
    let by_metadata =
        |key: &'static str| move |session: &str| Query::new().filter(metadata(key).eq(session.to_owned()));
    let pattern = |key: &'static str| move |session: &str| format!("%\"{key}\":\"{session}\"%");
    Ok(vec![
        workload(
            &ours,
            &connection,
            Case {
                operation: "query_domain",
                calls: 10,
                values: (0..DOMAINS).map(population::domain).collect(),
                query: |name: &str| Query::new().filter(domain().eq(name.to_owned())),
                raw: BY_DOMAIN,
                naive: BY_DOMAIN,
                value_of: str::to_owned,
            },
        )?,
        workload(
            &ours,
            &connection,
            Case {
                operation: "query_metadata/no_index",
                calls: 2,
                values: (0..sessions).map(population::session).collect(),
                query: by_metadata("conversation"),
                raw: BY_CONVERSATION,
                naive: LIKE,
                value_of: pattern("conversation"),
            },
        )?,
        workload(
            &ours,
            &connection,
            Case {
                operation: "query_metadata/index",
                calls: 5,
                values: (0..sessions).map(population::session).collect(),
                query: by_metadata("session"),
                raw: BY_SESSION,
                naive: LIKE,
                value_of: pattern("session"),
            },
        )?,
    ])
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

fn workload<Q, V>(ours: &Ours, connection: &libsql::Connection, case: Case<Q, V>) -> Result<Workload>
where
    Q: Fn(&str) -> Query<Episode> + 'static,
    V: Fn(&str) -> String + 'static,
{
    let Case { operation, calls, values, query, raw, naive, value_of } = case;
    let values: Rc<[String]> = values.into();
    let raw = by_hand::Cached::new(connection, raw)?;
    for value in values.iter().take(5) {
        let page = ours.block_on(ours.storage.query(&query(value).limit(LIMIT)))?;
        let page: Vec<_> = page.records.iter().map(|episode| episode.as_ref().clone()).collect();
        let by_hand = [raw.episodes(bound(value))?, by_hand::episodes(connection, naive, bound(&value_of(value)))?];
        ensure!(by_hand.iter().all(|found| *found == page), "{operation}: the answers differ for {value}");
    }
    let ours = {
        let (ours, mut values) = (ours.clone(), Turns::of(&values));
        Contender::new(OURS, move |calls| {
            ours.block_on(async {
                let start = Instant::now();
                for value in values.next(calls) {
                    ours.storage.query(&query(value).limit(LIMIT)).await?;
                }
                Ok(start.elapsed().into())
            })
        })
    };
    let raw = {
        let mut values = Turns::of(&values);
        Contender::new(RAW, move |calls| {
            let start = Instant::now();
            for value in values.next(calls) {
                raw.episodes(bound(value))?;
            }
            Ok(start.elapsed().into())
        })
    };
    let naive = {
        let (connection, mut values) = (connection.clone(), Turns::of(&values));
        Contender::new(NAIVE, move |calls| {
            let start = Instant::now();
            for value in values.next(calls) {
                by_hand::episodes(&connection, naive, bound(&value_of(value)))?;
            }
            Ok(start.elapsed().into())
        })
    };
    Ok(Workload { operation: operation.to_owned(), operations: calls, contenders: vec![ours, raw, naive] })
}

fn bound(value: &str) -> Vec<Value> {
    vec![value.into()]
}

/// The values in turn, each contender through them by itself.
struct Turns {
    values: Rc<[String]>,
    taken: usize,
}

impl Turns {
    fn of(values: &Rc<[String]>) -> Self {
        Self { values: Rc::clone(values), taken: 0 }
    }

    fn next(&mut self, count: u64) -> impl Iterator<Item = &String> {
        let from = self.taken;
        self.taken = (from + usize::try_from(count).unwrap_or_default()) % self.values.len();
        (0..count).zip(self.values.iter().cycle().skip(from)).map(|(_, value)| value)
    }
}
