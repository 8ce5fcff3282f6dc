//! libsql by hand, as one would write it with care and without.

use std::path::Path;

use anyhow::Result;
use libsql::{Builder, Connection, Statement, Value};
use memory_core::{Episode, EpisodeId};
use pollster::block_on;

use crate::Sample;
use crate::row::{self, DELETE, INSERT};

/// Does a blocking operation so many times under the clock.
pub(crate) fn timed(operations: u64, mut operate: impl FnMut(u64) -> Result<()>) -> Result<Sample> {
    block_on(crate::timed(operations, async |number| operate(number)))
}

/// A connection to a database file, on the calling thread.
pub(crate) fn connect(path: &Path) -> Result<Connection> {
    let connection = block_on(Builder::new_local(path).build())?.connect()?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"] {
        all(&connection, pragma)?;
    }
    Ok(connection)
}

/// Runs SQL that may have rows, and lets them go.
pub(crate) fn all(connection: &Connection, sql: &str) -> Result<()> {
    let mut rows = block_on(connection.query(sql, ()))?;
    while block_on(rows.next())?.is_some() {}
    Ok(())
}

/// A statement that is prepared once.
pub(crate) struct Cached(Statement);

impl Cached {
    pub(crate) fn new(connection: &Connection, sql: &str) -> Result<Self> {
        Ok(Self(block_on(connection.prepare(sql))?))
    }

    pub(crate) fn execute(&self, values: Vec<Value>) -> Result<usize> {
        self.0.reset();
        Ok(block_on(self.0.execute(values))?)
    }

    /// The rows of a name and a count.
    pub(crate) fn counts(&self) -> Result<Vec<(String, i64)>> {
        self.0.reset();
        let mut rows = block_on(self.0.query(()))?;
        let mut counts = Vec::new();
        while let Some(row) = block_on(rows.next())? {
            counts.push((row.get(0)?, row.get(1)?));
        }
        Ok(counts)
    }

    pub(crate) fn episodes(&self, values: Vec<Value>) -> Result<Vec<Episode>> {
        self.0.reset();
        let mut rows = block_on(self.0.query(values))?;
        let mut episodes = Vec::new();
        while let Some(row) = block_on(rows.next())? {
            episodes.push(row::episode(&row)?);
        }
        Ok(episodes)
    }
}

/// Prepares, and runs once.
pub(crate) fn execute(connection: &Connection, sql: &str, values: Vec<Value>) -> Result<usize> {
    Cached::new(connection, sql)?.execute(values)
}

/// Prepares, and reads once.
pub(crate) fn episodes(connection: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Episode>> {
    Cached::new(connection, sql)?.episodes(values)
}

/// Writes with cached statements, a slice as one transaction.
pub(crate) struct Writer {
    begin: Cached,
    insert: Cached,
    commit: Cached,
    delete: Cached,
}

impl Writer {
    pub(crate) fn new(connection: &Connection) -> Result<Self> {
        Ok(Self {
            begin: Cached::new(connection, "BEGIN IMMEDIATE")?,
            insert: Cached::new(connection, INSERT)?,
            commit: Cached::new(connection, "COMMIT")?,
            delete: Cached::new(connection, DELETE)?,
        })
    }

    pub(crate) fn store(&self, episodes: &[Episode]) -> Result<()> {
        // One statement is a transaction by itself.
        if let [episode] = episodes {
            return self.insert.execute(row::values(episode)?).map(drop);
        }
        self.begin.execute(Vec::new())?;
        for episode in episodes {
            self.insert.execute(row::values(episode)?)?;
        }
        self.commit.execute(Vec::new()).map(drop)
    }

    pub(crate) fn delete(&self, id: EpisodeId) -> Result<usize> {
        self.delete.execute(vec![id.to_string().into()])
    }
}
