//! Running the steps of a program on a stream's connection.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use libsql_hrana::proto;
use rusqlite::StatementStatus;
use rusqlite::types::ValueRef;

use super::database::Database;
use super::failure::{self, Failure, Rejection};
use super::lane::WriteLane;
use super::program::Step;
use crate::lock::lock;

/// Who is told what the steps do, as they do it.
pub(super) trait Sink {
    /// A step begins to run.
    fn begin(&mut self, columns: Vec<proto::Col>) -> Result<(), Interruption>;
    /// It yields a row.
    fn row(&mut self, values: Vec<proto::Value>) -> Result<(), Interruption>;
    /// It succeeded.
    fn finish(&mut self, summary: &Summary) -> Result<(), Interruption>;
    /// It failed, perhaps before it began, perhaps after some rows.
    fn fail(&mut self, error: proto::Error) -> Result<(), Interruption>;
    /// Its condition did not hold.
    fn skip(&mut self) -> Result<(), Interruption>;
}

/// What a successful step reports when it ends.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) affected_rows: u64,
    pub(super) last_insert_rowid: Option<i64>,
    pub(super) rows_read: u64,
    pub(super) rows_written: u64,
    pub(super) milliseconds: f64,
}

/// Why a program was broken off in the middle. What it has done stays done.
#[derive(Debug)]
pub(super) enum Interruption {
    /// The answer is over the limit.
    TooLarge,
    /// Nobody is listening any more.
    Gone,
    /// The server is at a loss.
    Failed(Failure),
}

enum Broken {
    Step(proto::Error),
    Program(Interruption),
}

impl From<Interruption> for Broken {
    fn from(interruption: Interruption) -> Self {
        Self::Program(interruption)
    }
}

impl From<rusqlite::Error> for Broken {
    fn from(cause: rusqlite::Error) -> Self {
        match failure::sqlite(cause) {
            Ok(error) => Self::Step(error),
            Err(failure) => Self::Program(Interruption::Failed(failure)),
        }
    }
}

/// Runs `steps` in order. Blocks on the disk, and on other writers.
pub(super) fn run(
    steps: &[Step],
    stream: u64,
    database: &Arc<Mutex<Database>>,
    lane: &WriteLane,
    sink: &mut impl Sink,
) -> Result<(), Interruption> {
    let mut succeeded = Vec::with_capacity(steps.len());
    let mut timed_out = false;
    for step in steps {
        let autocommit = lock(database).is_autocommit();
        let due = step.condition.as_ref().is_none_or(|condition| condition.holds(&succeeded, autocommit));
        if due && step.statement.writes && lane.enter(stream, database).is_err() {
            sink.fail(failure::error("SQLITE_BUSY", "SQLite error: database is locked"))?;
            succeeded.push(false);
            continue;
        }
        let mut locked = lock(database);
        timed_out |= locked.take_rolled_back();
        // After a forced rollback no step of the request runs, whatever its condition.
        let outcome = if timed_out {
            sink.fail(failure::transaction_timeout()).map(|()| false)
        } else if due {
            execute(step, &locked.sqlite, sink)
        } else {
            sink.skip().map(|()| false)
        };
        if locked.is_autocommit() {
            drop(locked);
            lane.leave(stream);
        }
        succeeded.push(outcome?);
    }
    Ok(())
}

/// Whether the step succeeded.
fn execute(step: &Step, sqlite: &rusqlite::Connection, sink: &mut impl Sink) -> Result<bool, Interruption> {
    match try_execute(step, sqlite, sink) {
        Ok(summary) => sink.finish(&summary).map(|()| true),
        Err(Broken::Step(error)) => sink.fail(error).map(|()| false),
        Err(Broken::Program(interruption)) => Err(interruption),
    }
}

fn try_execute(step: &Step, sqlite: &rusqlite::Connection, sink: &mut impl Sink) -> Result<Summary, Broken> {
    let started = Instant::now();
    let mut statement = sqlite.prepare(&step.statement.sql)?;
    let columns = columns(&statement);
    let width = columns.len();
    sink.begin(columns)?;
    step.arguments.bind(&mut statement).map_err(|rejection| match rejection {
        Rejection::Part(error) => Broken::Step(error),
        Rejection::Request(failure) => Broken::Program(Interruption::Failed(failure)),
    })?;

    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(width);
        for index in 0..width {
            values.push(value(row.get_ref(index)?)?);
        }
        sink.row(values)?;
    }
    let affected_rows = if step.statement.changes_rows { sqlite.changes() } else { 0 };
    let last_insert_rowid = step.statement.inserts.then(|| sqlite.last_insert_rowid());
    drop(rows);

    Ok(Summary {
        affected_rows,
        last_insert_rowid,
        rows_read: status(&statement, StatementStatus::RowsRead),
        rows_written: status(&statement, StatementStatus::RowsWritten),
        milliseconds: started.elapsed().as_secs_f64() * 1_000.0,
    })
}

/// The counters are unsigned in the library, and signed in its interface.
fn status(statement: &rusqlite::Statement<'_>, counter: StatementStatus) -> u64 {
    u64::from(statement.get_status(counter).cast_unsigned())
}

fn columns(statement: &rusqlite::Statement<'_>) -> Vec<proto::Col> {
    let columns = statement.columns().into_iter();
    let describe = |column: rusqlite::Column<'_>| proto::Col {
        name: Some(column.name().to_owned()),
        decltype: column.decl_type().map(ToOwned::to_owned),
    };
    columns.map(describe).collect()
}

fn value(value: ValueRef<'_>) -> Result<proto::Value, Interruption> {
    Ok(match value {
        ValueRef::Null => proto::Value::Null,
        ValueRef::Integer(value) => proto::Value::Integer { value },
        ValueRef::Real(value) => proto::Value::Float { value },
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes);
            let text = text.map_err(|cause| Interruption::Failed(Failure::Internal(cause.to_string())))?;
            proto::Value::Text { value: text.into() }
        }
        ValueRef::Blob(bytes) => proto::Value::Blob { value: bytes.to_vec().into() },
    })
}

/// What a statement takes and yields, without running it.
pub(super) fn describe(sql: &str, database: &Mutex<Database>) -> Result<proto::DescribeResult, Rejection> {
    let database = lock(database);
    let statement = database.sqlite.prepare(sql);
    let statement = statement.map_err(|cause| failure::sqlite(cause).map_or_else(Rejection::from, Rejection::from))?;
    let parameters = 1..=statement.parameter_count();
    let name = |index| statement.parameter_name(index).map(ToOwned::to_owned);
    let columns = columns(&statement).into_iter();
    Ok(proto::DescribeResult {
        params: parameters.map(|index| proto::DescribeParam { name: name(index) }).collect(),
        cols: columns
            .map(|column| proto::DescribeCol { name: column.name.unwrap_or_default(), decltype: column.decltype })
            .collect(),
        is_explain: statement.is_explain() != 0,
        is_readonly: statement.readonly(),
    })
}
