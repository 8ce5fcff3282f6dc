//! One connection and what runs on it. Blocks; only a [`Lane`](super::Lane)'s
//! thread calls it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use libsql::{Builder, OpenFlags, Row};
use memory_core::{Error, Result};
use pollster::block_on;

use super::error::{is_busy, storage_error};
use super::file::{OpenFiles, check_not_inherited};
use super::log::{Log, OTHERS};
use super::place::{Mode, Place};
use super::pragma;
use crate::config::LocalConfig;
use crate::metrics::PerformanceMetrics;
use crate::prepared::PreparedStatementCache;
use crate::schema;
use crate::sql::{Columns, Statement, Step, Value};

/// The parts of one atomic write.
pub(crate) enum Work {
    Whole(Vec<Step>),
    /// Parts that are still being made while the first are stored.
    Stream(Receiver<Part>),
}

pub(crate) enum Part {
    Step(Step),
    /// The end. Without it the write was given up, and is rolled back.
    Commit,
}

pub(crate) struct Connection {
    place: Place,
    mode: Mode,
    libsql: libsql::Connection,
    statements: PreparedStatementCache,
    config: LocalConfig,
    metrics: Arc<PerformanceMetrics>,
    /// The files that the storage has open, once that is known.
    files: Option<Arc<OpenFiles>>,
    /// The bound on the length of the log, on the writer's connection.
    log: Option<Log>,
}

const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

impl Connection {
    pub(crate) fn open(
        place: &Place,
        mode: Mode,
        config: &LocalConfig,
        metrics: Arc<PerformanceMetrics>,
    ) -> Result<Self> {
        #[cfg(test)]
        super::tests::database_call();
        if let Some(path) = place.path() {
            check_not_inherited(path)?;
        }
        let opened = |error| storage_error(schema::OPEN, config.busy_timeout, place.path(), &error);
        let mut builder = Builder::new_local(place.name(mode));
        if mode != Mode::Write {
            builder = builder.flags(OpenFlags::SQLITE_OPEN_READ_ONLY);
        }
        let libsql = block_on(builder.build()).and_then(|db| db.connect()).map_err(opened)?;
        libsql.busy_timeout(config.busy_timeout).map_err(opened)?;
        let statements = PreparedStatementCache::new(&config.prepared, Arc::clone(&metrics));
        let (place, config) = (place.clone(), config.clone());
        let mut connection = Self { place, mode, libsql, statements, config, metrics, files: None, log: None };
        connection.execute(schema::OPEN, connection.config.synchronous.pragma(), &[])?;
        Ok(connection)
    }

    /// Makes a new or old database ready for use: WAL, and the schema.
    pub(crate) fn prepare_database(&mut self) -> Result<()> {
        self.check_ours()?;
        if self.mode != Mode::Write {
            return self.check_current();
        }
        // The log is emptied before it gets longer, by `Log`; SQLite itself does
        // not let it rest at more once it begins anew.
        let limit = pragma::journal_size_limit(self.config.log_limit);
        self.read(schema::OPEN, &Statement::new(limit, []), &|_| Ok(()))?;
        // Readers and the writer do not wait for each other in WAL mode. It is
        // a property of the file, and `:memory:` keeps its own.
        self.read(schema::OPEN, &Statement::new("PRAGMA journal_mode = WAL", []), &|_| Ok(()))?;
        self.migrate()
    }

    /// Notes the files that the storage has open, to notice when one is gone.
    pub(super) fn watch_files(&mut self, files: Arc<OpenFiles>) {
        self.files = Some(files);
    }

    /// Fails if the database's files were deleted or replaced.
    pub(crate) fn check_files(&self, operation: &str) -> Result<()> {
        self.files.as_ref().map_or(Ok(()), |files| files.check(operation))
    }

    /// Makes this connection the one that keeps the log short.
    pub(super) fn keep_log_short(&mut self, log: Log) {
        self.log = Some(log);
    }

    /// Looks after the log, when nobody waits for it.
    pub(super) fn after_job(&mut self) {
        if let Some(mut log) = self.log.take() {
            log.keep_short(self);
            self.log = Some(log);
        }
    }

    /// Writes what it can of the log into the file; readers go on meanwhile.
    pub(super) fn write_log_back(&mut self) {
        self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)");
    }

    /// Writes the log into the file and empties it, and tells whether that was
    /// possible: another connection that reads or writes prevents it.
    pub(super) fn empty_log(&mut self) -> bool {
        // Failing to set a timeout leaves the other, which is long.
        drop(self.libsql.busy_timeout(OTHERS.min(self.config.busy_timeout)));
        let emptied = self.checkpoint("PRAGMA wal_checkpoint(TRUNCATE)");
        drop(self.libsql.busy_timeout(self.config.busy_timeout));
        emptied
    }

    /// The log is as good in its own file: a failure is another attempt's, or
    /// is met by the next write.
    fn checkpoint(&mut self, pragma: &'static str) -> bool {
        let busy = self.read("write the log back", &Statement::new(pragma, []), &|row| row.integer(0));
        busy.is_ok_and(|busy| busy == [0])
    }

    /// Runs one statement and collects what `decode` makes of each row.
    pub(crate) fn read<T>(
        &mut self,
        operation: &str,
        statement: &Statement,
        decode: &dyn Fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.retrying(operation, |connection| {
            let mut checkout = connection.statements.checkout(&connection.libsql, &statement.sql)?;
            let mut rows = checkout.query(statement.args.clone())?;
            let mut found = Vec::new();
            while let Some(row) = block_on(rows.next())? {
                match decode(&row) {
                    Ok(record) => found.push(record),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(found))
        })?
    }

    /// As [`Self::read`], for a statement that only looks at the schema, as
    /// `EXPLAIN` does: such a one never notices that the schema has changed, so
    /// a real read comes first, and the statement is not kept.
    pub(crate) fn read_plan<T>(
        &mut self,
        operation: &str,
        statement: &Statement,
        decode: &dyn Fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.read(operation, &Statement::new(schema::SELECT_VERSION, []), &|_| Ok(()))?;
        let plan = self.read(operation, statement, decode);
        self.statements.forget(&statement.sql);
        plan
    }

    /// Runs one statement without rows and returns how many it changed.
    pub(crate) fn execute(&mut self, operation: &str, sql: &str, args: &[Value]) -> Result<u64> {
        self.retrying(operation, |connection| {
            connection.statements.checkout(&connection.libsql, sql)?.execute(args.to_vec())
        })
    }

    /// Runs the parts as one transaction, and returns how many rows the
    /// counted statements changed.
    pub(crate) fn write(&mut self, operation: &str, work: Work) -> Result<u64> {
        self.check_files(operation)?;
        match work {
            // One statement is a transaction by itself.
            Work::Whole(steps) => match steps.as_slice() {
                [] => Ok(0),
                [Step::Each { sql, rows }] if rows.len() == 1 => self.execute(operation, sql.one, &rows[0]).map(|_| 0),
                [Step::Counted(statement)] => self.execute(operation, &statement.sql, &statement.args),
                _ => self.transaction(operation, |connection| {
                    steps.into_iter().try_fold(0, |counted, step| Ok(counted + connection.step(operation, step)?))
                }),
            },
            Work::Stream(parts) => self.transaction(operation, |connection| {
                let mut counted = 0;
                loop {
                    match parts.recv_timeout(connection.config.patience) {
                        Ok(Part::Step(step)) => counted += connection.step(operation, step)?,
                        Ok(Part::Commit) => return Ok(counted),
                        Err(RecvTimeoutError::Disconnected) => {
                            return Err(Error::unavailable(operation, "the write was given up by its caller"));
                        }
                        // Others want to write, too.
                        Err(RecvTimeoutError::Timeout) => {
                            let reason = "its caller was not polled for too long, and it was rolled back";
                            return Err(Error::unavailable(operation, reason));
                        }
                    }
                }
            }),
        }
    }

    fn step(&mut self, operation: &str, step: Step) -> Result<u64> {
        match step {
            Step::Counted(statement) => self.execute(operation, &statement.sql, &statement.args),
            Step::Each { sql, rows } => {
                let each = || {
                    let mut checkout = self.statements.checkout(&self.libsql, sql.one)?;
                    rows.into_iter().try_for_each(|row| checkout.execute(row).map(drop))
                };
                each().map(|()| 0).map_err(|error| self.failed(operation, &error))
            }
        }
    }

    /// Runs `body` as one transaction: its changes are all kept if it returns
    /// `Ok`, and none otherwise.
    ///
    /// The write lock is taken at the start. A transaction that began by
    /// reading could not wait for it: SQLite refuses at once if another
    /// connection has written since.
    pub(crate) fn transaction<T>(&mut self, operation: &str, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.execute(operation, BEGIN, &[])?;
        let done = body(self).and_then(|value| self.execute(operation, COMMIT, &[]).map(|_| value));
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    /// Ends a transaction that is still open, if one is.
    pub(crate) fn roll_back(&mut self) {
        if !self.libsql.is_autocommit() {
            // Should even this fail, the next `BEGIN` says so.
            drop(self.execute("roll back", ROLLBACK, &[]));
        }
    }

    /// Tries again where SQLite reports a lock, which it does without waiting
    /// in a few states (recovery of the log, the switch to WAL); the usual wait
    /// is inside SQLite, by its busy timeout.
    fn retrying<T>(&mut self, operation: &str, attempt: impl Fn(&mut Self) -> libsql::Result<T>) -> Result<T> {
        let start = Instant::now();
        let mut retry = 0;
        loop {
            match attempt(self) {
                Ok(value) => return Ok(value),
                Err(error)
                    if is_busy(&error)
                        && retry < self.config.batch.max_retries
                        && start.elapsed() < self.config.busy_timeout =>
                {
                    let left = self.config.busy_timeout.saturating_sub(start.elapsed());
                    thread::sleep(jittered(self.config.batch.delay_limit(retry)).min(left));
                    retry += 1;
                    self.metrics.local.retries.add(1);
                }
                Err(error) => return Err(self.failed(operation, &error)),
            }
        }
    }

    fn failed(&self, operation: &str, error: &libsql::Error) -> Error {
        if is_busy(error) {
            self.metrics.local.deadline_misses.add(1);
        }
        storage_error(operation, self.config.busy_timeout, self.place.path(), error)
    }
}

fn jittered(limit: Duration) -> Duration {
    limit.mul_f64(fastrand::f64())
}
