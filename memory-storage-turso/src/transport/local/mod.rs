//! A database in this process: one writer and a pool of readers, each on a
//! thread of its own, so that no runtime thread ever waits for a disk.

mod connection;
mod error;
mod file;
mod lane;
mod log;
mod place;
mod pragma;
mod queue;
mod row;
mod schema;
mod standstill;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use memory_core::backend::WriteLedger;
use memory_core::{Error, Result, WriteBatch, WriteId, Written};

pub(crate) use connection::{Connection, Part, Work};
use file::OpenFiles;
use lane::{Lane, Pending};
use log::Log;
use place::Mode;
pub(crate) use place::Place;

pub(crate) use row::OwnedRow;

use super::process::Process;
use crate::config::LocalConfig;
use crate::metrics::{Call, PerformanceMetrics};
use crate::schema::{Index, OPEN};
use crate::sql::{Columns, Statement, Step};

#[derive(Debug)]
pub(crate) struct Local {
    writer: Lane,
    /// `None` where the writer's connection is the only one there is: each
    /// connection to `:memory:` would be a database of its own.
    readers: Option<Lane>,
    /// The outcomes of commits; used on the writer's thread.
    ledger: WriteLedger,
    mode: Mode,
    process: Process,
    /// The limit on the wait of a drop until the file is whole.
    patience: Duration,
}

impl Local {
    /// Opens the connections and brings the schema up to date.
    ///
    /// A database that can only be read is opened for that.
    pub(crate) async fn open(place: Place, config: LocalConfig, metrics: Arc<PerformanceMetrics>) -> Result<Self> {
        let named = |error: Error| match place.path() {
            Some(path) => error::about(path, error),
            None => error,
        };
        let (writer, mode) = Self::open_writer(&place, &config, &metrics).await.map_err(named)?;
        let ledger = WriteLedger::new();
        let (process, patience) = (Process::current(), config.patience);
        let mut local = Self { writer, readers: None, ledger, mode, process, patience };
        let Some(path) = place.path() else { return Ok(local) };
        let files = Arc::new(OpenFiles::of(path));
        let (readers, watched) = (config.readers, Arc::clone(&files));
        let open = {
            let (place, config, metrics) = (place.clone(), config.clone(), Arc::clone(&metrics));
            move || {
                let mut connection = Connection::open(&place, mode, &config, Arc::clone(&metrics))?;
                connection.watch_files(Arc::clone(&watched));
                connection.check_files(OPEN)?;
                Ok(connection)
            }
        };
        local.readers = Some(Lane::start("memory-reader", readers, metrics, open).await.map_err(named)?);
        let standstill = local.readers.as_ref().and_then(Lane::standstill);
        let log = (mode == Mode::Write).then(|| Log::new(files.log(path), standstill, &config));
        let keep = move |connection: &mut Connection| {
            connection.watch_files(files);
            if let Some(log) = log {
                connection.keep_log_short(log);
            }
            Ok(())
        };
        local.writer.run(OPEN, keep).await?;
        Ok(local)
    }

    /// Opens the first connection, for writing if that is possible.
    async fn open_writer(
        place: &Place,
        config: &LocalConfig,
        metrics: &Arc<PerformanceMetrics>,
    ) -> Result<(Lane, Mode)> {
        let open = async |mode: Mode| {
            let (place, config, own) = (place.clone(), config.clone(), Arc::clone(metrics));
            let open = move || Connection::open(&place, mode, &config, Arc::clone(&own));
            let writer = Lane::start("memory-writer", 1, Arc::clone(metrics), open).await?;
            writer.run(OPEN, Connection::prepare_database).await?;
            Ok((writer, mode))
        };
        let Some(path) = place.path() else { return open(Mode::Write).await };
        let may_write = file::may_write_existing(path);
        let failed = if may_write {
            match open(Mode::Write).await {
                // The folder cannot be written, perhaps.
                Err(error @ Error::InvalidInput { .. }) if file::read_only(path).is_some() => error,
                answer => return answer,
            }
        } else {
            file::cannot_open(path, "")
        };
        match open(Mode::Read).await {
            Err(Error::InvalidInput { .. }) if file::closed_cleanly(path) => open(Mode::Immutable).await,
            Err(Error::InvalidInput { .. }) => Err(failed),
            answer => answer,
        }
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

    pub(crate) async fn close(mut self) {
        for lane in self.lanes() {
            lane.end();
        }
        for lane in self.lanes() {
            lane.closed().await;
        }
    }

    /// The writer comes first: it may keep the readers from ending.
    fn lanes(&mut self) -> impl Iterator<Item = &mut Lane> {
        std::iter::once(&mut self.writer).chain(&mut self.readers)
    }

    /// Runs one statement, and fails if the database's files are gone.
    pub(crate) async fn health(&self, call: &Call<'_>, statement: Statement) -> Result<Vec<i64>> {
        let operation = sent(call);
        let lane = self.readers.as_ref().unwrap_or(&self.writer);
        lane.run(operation, move |connection| {
            connection.check_files(operation)?;
            connection.read(operation, &statement, &|row| row.integer(0))
        })
        .await
    }

    /// Creates the schema or brings it up to date, and the indexes that are
    /// missing. A database that can only be read stays without them.
    pub(crate) async fn initialize_schema(&self, call: &Call<'_>, indexes: Vec<Index>) -> Result<()> {
        if self.mode != Mode::Write {
            return self.writer.run(sent(call), Connection::check_current).await;
        }
        self.writer.run(sent(call), Connection::migrate).await?;
        self.create_indexes(call, indexes).await
    }

    /// Creates the indexes that are missing.
    pub(crate) async fn create_indexes(&self, call: &Call<'_>, indexes: Vec<Index>) -> Result<()> {
        let operation = sent(call);
        self.writer.run(operation, move |connection| connection.create_indexes(operation, &indexes)).await
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

/// Waits until the file is whole: that what was handed over is done, and the log
/// in the file, unless another process has it open.
impl Drop for Local {
    fn drop(&mut self) {
        if !self.process.is_current() {
            self.lanes().for_each(Lane::forget);
            return;
        }
        self.lanes().for_each(Lane::end);
        // A database in memory leaves nothing behind.
        if self.readers.is_some() {
            let patience = self.patience;
            self.lanes().for_each(|lane| lane.wait_until_closed(patience));
        }
    }
}

/// Counts a job that is handed over, and returns what it is called in errors.
fn sent(call: &Call<'_>) -> &'static str {
    call.round_trip();
    call.words()
}
