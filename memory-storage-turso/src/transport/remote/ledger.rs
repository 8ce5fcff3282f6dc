//! Writes that happen exactly once in effect.
//!
//! Each write inserts its id into the table `memory_writes` first, in its own
//! transaction. Sent again after a lost answer, the same id is refused by the
//! table's key, which tells that the write is done; and an attempt that was
//! held up somewhere and arrives after its retry is refused just so. A write
//! whose outcome is unknown at the end can be *fenced off*: another one inserts
//! its id too, and from then on it cannot happen any more.

use libsql_hrana::proto::{Batch, BatchCond, BatchResult, BatchStep};
use memory_core::{Error, WriteId};

use super::failure::Failure;
use super::message::{first_error, row_list, stmt};
use crate::transport::{Columns, Statement, Step, Value};

/// What a row's count of deleted records says of a write that was fenced off
/// before it happened.
const FENCED: i64 = -1;

// The server's clock counts, in microseconds, so that a client whose clock is
// wrong cannot forget another's writes.
const INSERT: &str = "INSERT INTO memory_writes (write_id, written_at, deleted)
    VALUES (?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER), 0)";

const FENCE: &str = "INSERT OR IGNORE INTO memory_writes (write_id, written_at, deleted)
    SELECT value, CAST(unixepoch('subsec') * 1000000 AS INTEGER), -1 FROM json_each(?1)";

const COUNT_DELETED: &str = "UPDATE memory_writes SET deleted = deleted + changes() WHERE write_id = ?1";

const OUTCOME: &str = "SELECT deleted FROM memory_writes WHERE write_id = ?1";

/// A week is far beyond any deadline, and a few rows a write keep up with one
/// row a write.
const PRUNE: &str = "DELETE FROM memory_writes WHERE write_id IN (
        SELECT write_id FROM memory_writes
        WHERE written_at < (unixepoch() - 7 * 24 * 3600) * 1000000
        LIMIT 8
    )";

/// A batch in the making, each step of which runs only if the one before did.
struct Chain(Vec<BatchStep>);

impl Chain {
    fn push(&mut self, statement: Statement) {
        let condition = self.last().map(|step| BatchCond::Ok { step });
        self.0.push(BatchStep { condition, stmt: stmt(statement, false) });
    }

    #[expect(clippy::cast_possible_truncation, reason = "a write has a few steps for each hundred rows")]
    fn last(&self) -> Option<u32> {
        (self.0.len() as u32).checked_sub(1)
    }

    /// Ends the transaction: kept if every step ran, undone otherwise.
    fn end(&mut self) {
        self.push(Statement::new("COMMIT", []));
        let undone = BatchCond::Not { cond: Box::new(BatchCond::Ok { step: self.last().unwrap_or(0) }) };
        self.0.push(BatchStep { condition: Some(undone), stmt: stmt(Statement::new("ROLLBACK", []), false) });
    }
}

/// The steps of a write as one transaction, its outcome asked for at the end.
pub(super) fn write(id: WriteId, fences: &[WriteId], steps: Vec<Step>, batch_size: usize) -> Batch {
    let id = || Value::from(id.to_string());
    let mut chain = Chain(Vec::new());
    chain.push(Statement::new("BEGIN IMMEDIATE", []));
    chain.push(Statement::new(INSERT, [id()]));
    if !fences.is_empty() {
        chain.push(fence(fences));
    }
    for step in steps {
        match step {
            // Parameters of its own spare a single row the array's escapes.
            Step::Each { sql, rows } if rows.len() == 1 => {
                for row in rows {
                    chain.push(Statement::new(sql.one, row));
                }
            }
            Step::Each { sql, rows } => {
                for rows in rows.chunks(batch_size) {
                    chain.push(Statement::new(sql.many, [row_list(rows).into()]));
                }
            }
            Step::Counted(statement) => {
                chain.push(statement);
                chain.push(Statement::new(COUNT_DELETED, [id()]));
            }
        }
    }
    chain.push(Statement::new(PRUNE, []));
    chain.end();
    chain.0.push(BatchStep { condition: None, stmt: stmt(Statement::new(OUTCOME, [id()]), true) });
    Batch { steps: chain.0, replication_index: None }
}

/// Statements as one transaction.
pub(super) fn transaction(statements: impl IntoIterator<Item = Statement>) -> Batch {
    let mut chain = Chain(Vec::new());
    chain.push(Statement::new("BEGIN IMMEDIATE", []));
    statements.into_iter().for_each(|statement| chain.push(statement));
    chain.end();
    Batch { steps: chain.0, replication_index: None }
}

/// Makes writes impossible that have not happened yet.
pub(super) fn fence(writes: &[WriteId]) -> Statement {
    let ids: Vec<_> = writes.iter().map(ToString::to_string).collect();
    Statement::new(FENCE, [serde_json::Value::from(ids).to_string().into()])
}

/// How many records a write deleted, if the ledger says that it happened: in
/// this attempt or in an earlier one.
pub(super) fn outcome(operation: &str, result: &BatchResult) -> Result<u64, Failure> {
    let rows = result.step_results.last().and_then(Option::as_ref);
    match rows.and_then(|rows| rows.rows.first()).map(|row| row.integer(0)) {
        Some(Ok(FENCED)) => {
            Err(Failure::last(Error::unavailable(operation, "a later write of this storage made this one impossible")))
        }
        Some(Ok(deleted)) => u64::try_from(deleted).map_err(|_| Failure::unreadable(operation, "a negative count")),
        Some(Err(_)) => Err(Failure::unreadable(operation, "a count that is no integer")),
        None => Err(first_error(operation, result)),
    }
}

/// Whether a transaction of [`transaction`] was kept.
pub(super) fn committed(operation: &str, result: &BatchResult) -> Result<(), Failure> {
    // The last step but one is the commit.
    match result.step_results.iter().rev().nth(1) {
        Some(Some(_)) => Ok(()),
        _ => Err(first_error(operation, result)),
    }
}
