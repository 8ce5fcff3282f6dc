//! A database in this process: one writer and a pool of readers, each on a
//! thread of its own, so that no runtime thread ever waits for a disk.

mod connection;
mod error;
mod lane;
mod row;
#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use memory_core::{Error, Result, WriteBatch, WriteId, WriteLedger, Written};

pub(crate) use connection::{Connection, Part, Work};
use lane::{Lane, Pending};

pub(crate) use row::OwnedRow;

use super::{Columns, Statement, Step};
use crate::config::LocalConfig;
use crate::metrics::{Call, PerformanceMetrics};
use crate::schema::{self, Index};

/// Where the database is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Memory,
}

impl Place {
    /// A file, by a path that libsql cannot take for anything else.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let refused = |reason: &str| Err(Error::invalid_input("path", format!("{}: {reason}", path.display())));
        match path.to_str() {
            None => refused("not UTF-8, which libsql needs"),
            Some("" | ":memory:") => refused("no file; `memory()` opens a database without one"),
            Some(text) if text.contains('\0') => refused("a NUL in it"),
            // An absolute path is never taken for a `file:` URI.
            Some(_) => std::path::absolute(path).map(Self::File).or_else(|error| refused(&error.to_string())),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Local {
    writer: Lane,
    /// `None` where the writer's connection is the only one there is: each
    /// connection to `:memory:` would be a database of its own.
    readers: Option<Lane>,
    /// What became of the commits; applied to and asked on the writer's thread.
    ledger: WriteLedger,
}

impl Local {
    /// Opens the connections and brings the schema up to date.
    pub(crate) async fn open(place: Place, config: LocalConfig, metrics: Arc<PerformanceMetrics>) -> Result<Self> {
        let readers = config.readers;
        let open = {
            let (place, metrics) = (place.clone(), Arc::clone(&metrics));
            move || Connection::open(&place, &config, Arc::clone(&metrics))
        };
        let writer = Lane::start("memory-writer", 1, Arc::clone(&metrics), open.clone()).await?;
        writer.run("open the database", Connection::prepare_database).await?;
        let readers = match place {
            Place::Memory => None,
            Place::File(_) => Some(Lane::start("memory-reader", readers, metrics, open).await?),
        };
        Ok(Self { writer, readers, ledger: WriteLedger::new() })
    }

    /// Runs one statement and collects what `decode` makes of each row.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        statement: Statement,
        decode: impl Fn(&dyn Columns) -> Result<T> + Send + 'static,
    ) -> Result<Vec<T>> {
        let operation = sent(call);
        let lane = self.readers.as_ref().unwrap_or(&self.writer);
        lane.run(operation, move |connection| connection.read(operation, &statement, &|row| decode(row))).await
    }

    /// Runs one statement and collects its rows, to be decoded by the caller.
    pub(crate) async fn rows(&self, call: &Call<'_>, statement: Statement) -> Result<Vec<OwnedRow>> {
        let operation = sent(call);
        let lane = self.readers.as_ref().unwrap_or(&self.writer);
        lane.run(operation, move |connection| connection.read(operation, &statement, &OwnedRow::new)).await
    }

    /// As [`Self::read`], for an `EXPLAIN`.
    pub(crate) async fn read_plan<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        statement: Statement,
        decode: impl Fn(&dyn Columns) -> Result<T> + Send + 'static,
    ) -> Result<Vec<T>> {
        let operation = sent(call);
        let lane = self.readers.as_ref().unwrap_or(&self.writer);
        lane.run(operation, move |connection| connection.read_plan(operation, &statement, &|row| decode(row))).await
    }

    /// Runs a write as one transaction and returns how many rows its counted
    /// statements changed.
    pub(crate) async fn write(&self, call: &Call<'_>, work: Work) -> Result<u64> {
        let operation = sent(call);
        self.writer.run(operation, move |connection| connection.write(operation, work)).await
    }

    /// Commits a batch, the steps of which are made by `steps`.
    pub(crate) async fn commit(
        &self,
        call: &Call<'_>,
        batch: &WriteBatch,
        steps: impl Future<Output = Result<Vec<Step>>> + Send,
    ) -> Result<Written> {
        let pending = self.ledger.begin(batch);
        if let Some(outcome) = pending.outcome() {
            return outcome;
        }
        let steps = steps.await?;
        let operation = sent(call);
        let effect =
            move |connection: &mut Connection| pending.apply(|| connection.write(operation, Work::Whole(steps)));
        self.writer.run(operation, effect).await
    }

    /// As [`Self::write`], for parts that are still to be made: the writer
    /// stores the first while the caller makes the next.
    pub(crate) fn begin_write(&self, call: &Call<'_>) -> (Sender<Part>, Pending<u64>) {
        let (parts, stream) = channel();
        let work = Work::Stream(stream);
        let operation = sent(call);
        (parts, self.writer.submit(operation, move |connection| connection.write(operation, work)))
    }

    pub(crate) async fn close(self) {
        if let Some(readers) = self.readers {
            readers.close().await;
        }
        self.writer.close().await;
    }

    /// Creates the schema or brings it up to date, and the indexes that are missing.
    pub(crate) async fn initialize_schema(&self, call: &Call<'_>, indexes: Vec<Index>) -> Result<()> {
        self.writer.run(sent(call), schema::migrate).await?;
        self.create_indexes(call, indexes).await
    }

    /// Creates the indexes that are missing.
    pub(crate) async fn create_indexes(&self, call: &Call<'_>, indexes: Vec<Index>) -> Result<()> {
        let operation = sent(call);
        self.writer.run(operation, move |connection| schema::create_indexes(connection, operation, &indexes)).await
    }

    /// Makes each of these writes impossible that has not taken effect, once
    /// those that were handed over before are over.
    pub(crate) async fn settle(&self, call: &Call<'_>, writes: &[WriteId]) -> Result<()> {
        let (ledger, writes) = (self.ledger.clone(), writes.to_vec());
        let settled = move |_: &mut Connection| {
            ledger.settle(&writes);
            Ok(())
        };
        self.writer.run(sent(call), settled).await
    }
}

/// Counts a job that is handed over, and returns what it is called in errors.
fn sent(call: &Call<'_>) -> &'static str {
    call.round_trip();
    call.words()
}
