#![doc = include_str!("../README.md")]

/// The rows of `raw-libsql`, from the same file.
#[path = "../../../src/row.rs"]
#[allow(dead_code, unused_imports, reason = "the other clients need all of it")]
mod row;

use std::borrow::Cow;
use std::io::{stdin, stdout};
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use memory_bench_peer::{Calls, Found, Peer, Ran, clocked, serve};
use memory_core::Episode;
use pollster::block_on;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, Row, Statement, params_from_iter};

use self::row::{BY_CONVERSATION, BY_DOMAIN, BY_SESSION, Cells, DELETE, GET, GET_BATCH, INSERT};

fn main() -> Result<()> {
    serve::<Rusqlite>(stdin().lock(), stdout().lock())
}

/// One connection, and what there is to store.
struct Rusqlite {
    connection: Connection,
    kept: Vec<Episode>,
}

impl Peer for Rusqlite {
    fn open(database: &str, _token: &str) -> Result<Self> {
        let connection = Connection::open(database).with_context(|| format!("open {database}"))?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(Self { connection, kept: Vec::new() })
    }

    fn keep(&mut self, episodes: Vec<Episode>) -> Result<()> {
        self.kept = episodes;
        Ok(())
    }

    fn run(&mut self, calls: &Calls, unclocked: usize) -> Result<Ran> {
        match calls {
            Calls::Get(ids) => self.select(GET, ids, unclocked, |id| Ok(id.to_string()), Some(|_| 1)),
            Calls::GetBatch(batches) => {
                self.select(GET_BATCH, batches, unclocked, |ids| Ok(serde_json::to_string(ids)?), Some(Vec::len))
            }
            Calls::QueryDomain(names) => self.select(BY_DOMAIN, names, unclocked, |name| Ok(name.clone()), None),
            Calls::QueryConversation(names) => {
                self.select(BY_CONVERSATION, names, unclocked, |name| Ok(name.clone()), None)
            }
            Calls::QuerySession(names) => self.select(BY_SESSION, names, unclocked, |name| Ok(name.clone()), None),
            Calls::Store(slices) => {
                let ran = self.store(slices, unclocked);
                if !self.connection.is_autocommit() {
                    self.connection.execute_batch("ROLLBACK")?;
                }
                ran
            }
            Calls::Delete(ids) => {
                let mut delete = self.connection.prepare(DELETE)?;
                let (elapsed, _) = block_on(clocked(ids, unclocked, async |id| {
                    ensure!(delete.execute([id.to_string()])? == 1, "nothing was deleted");
                    Ok(())
                }))?;
                Ok(Ran::new(elapsed, Vec::new()))
            }
            Calls::GetCached(_) => bail!("it has no cache"),
        }
    }
}

impl Rusqlite {
    /// Reads by a statement of one parameter that is prepared once.
    fn select<C>(
        &self,
        sql: &str,
        calls: &[C],
        unclocked: usize,
        value: impl Fn(&C) -> Result<String>,
        expected: Option<fn(&C) -> usize>,
    ) -> Result<Ran> {
        let mut statement = self.connection.prepare(sql)?;
        let (elapsed, last) = block_on(clocked(calls, unclocked, async |call| {
            let found = episodes(&mut statement, value(call)?)?;
            ensure!(expected.is_none_or(|expected| found.len() == expected(call)), "an episode is missing");
            Ok(found)
        }))?;
        Ok(Ran::new(elapsed, last.unwrap_or_default().into_iter().map(Found::from).collect()))
    }

    fn store(&self, slices: &[Range<usize>], unclocked: usize) -> Result<Ran> {
        let mut begin = self.connection.prepare("BEGIN IMMEDIATE")?;
        let mut insert = self.connection.prepare(INSERT)?;
        let mut commit = self.connection.prepare("COMMIT")?;
        let mut store = |episode: &Episode| -> Result<()> {
            insert.execute(params_from_iter(row::values::<Value>(episode)?))?;
            Ok(())
        };
        let (elapsed, _) = block_on(clocked(slices, unclocked, async |slice| {
            let episodes = self.kept.get(slice.clone()).context("more than is kept")?;
            // One statement is a transaction by itself.
            if let [episode] = episodes {
                return store(episode);
            }
            begin.execute(())?;
            episodes.iter().try_for_each(&mut store)?;
            commit.execute(())?;
            Ok(())
        }))?;
        Ok(Ran::new(elapsed, Vec::new()))
    }
}

fn episodes(statement: &mut Statement<'_>, value: String) -> Result<Vec<Episode>> {
    let mut rows = statement.query([value])?;
    let mut episodes = Vec::new();
    while let Some(row) = rows.next()? {
        episodes.push(row::episode(row)?);
    }
    Ok(episodes)
}

impl Cells for Row<'_> {
    fn text(&self, column: usize) -> Result<Cow<'_, str>> {
        Ok(self.get_ref(column)?.as_str()?.into())
    }

    fn is_null(&self, column: usize) -> Result<bool> {
        Ok(self.get_ref(column)?.data_type() == Type::Null)
    }

    fn integer(&self, column: usize) -> Result<i64> {
        Ok(self.get(column)?)
    }
}
