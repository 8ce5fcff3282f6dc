//! Writes that happen exactly once in effect.
//!
//! Each write inserts its id into the table `memory_writes` first, in its own
//! transaction. Sent again after a lost answer, the same id is refused by the
//! table's key, which tells that the write is done; and an attempt that was
//! held up somewhere and arrives after its retry is refused just so. A write
//! whose outcome is unknown at the end can be *fenced off*: another one inserts
//! its id too, and from then on it cannot happen any more.

use libsql_hrana::proto::{Batch, BatchCond, BatchStep};
use memory_core::{Error, WriteId};

use super::answer::{BatchResult, ServerError};
use super::failure::Failure;
use super::message::{first_error, row_len, row_list, stmt};
use crate::config::LedgerConfig;
use crate::storage::table::Upsert;
use crate::transport::{Columns, Done, Statement, Step, Value};

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

/// Forgets entries that are too old or too many, of the few oldest ones.
///
/// Rows are in the order in which they were written, so that only the first
/// ones are looked at. A clock of the server's that was ahead for a while delays
/// pruning by age, not pruning by number.
const PRUNE: &str = "DELETE FROM memory_writes
    WHERE rowid IN (SELECT rowid FROM memory_writes ORDER BY rowid LIMIT ?1)
    AND (written_at < unixepoch() * 1000000 - ?2
        OR rowid <= (SELECT max(rowid) FROM memory_writes) - ?3)";

/// Entries looked at for each that is written: pruning keeps up with writing.
const PRUNED: usize = 8;

/// What is forgotten beside so many new entries.
pub(super) fn prune(new: usize, ledger: &LedgerConfig) -> Statement {
    let limit = i64::try_from(new.saturating_mul(PRUNED)).unwrap_or(i64::MAX);
    // Far less than the age of the epoch would be more than any clock counts.
    let age = i64::try_from(ledger.max_age.as_micros()).unwrap_or(i64::MAX).min(i64::MAX / 2);
    let rows = i64::try_from(ledger.max_rows).unwrap_or(i64::MAX);
    Statement::new(PRUNE, [limit.into(), age.into(), rows.into()])
}

/// The most bytes of rows in one parameter. A server's limit on a value is ten
/// times as high, and counts copies that SQLite makes of it, too.
const MAX_LIST: usize = 512 << 10;

/// A batch in the making, each step of which runs only if the one before did.
struct Chain(Vec<BatchStep>);

impl Chain {
    fn push(&mut self, statement: Statement) {
        let condition = self.last().map(|step| BatchCond::Ok { step });
        self.0.push(BatchStep { condition, stmt: stmt(statement, false) });
    }

    /// Statements that store rows, in order: as many in each as `batch_size`
    /// and [`MAX_LIST`] allow.
    fn push_rows(&mut self, sql: Upsert, rows: Vec<Vec<Value>>, batch_size: usize) {
        let mut part = Vec::new();
        let mut bytes = 0;
        for row in rows {
            let more = row_len(&row);
            if part.len() == batch_size || bytes + more > MAX_LIST {
                self.push_part(sql, std::mem::take(&mut part));
                bytes = 0;
            }
            part.push(row);
            bytes += more;
        }
        self.push_part(sql, part);
    }

    fn push_part(&mut self, sql: Upsert, mut part: Vec<Vec<Value>>) {
        // Parameters of its own spare a single row the array's escapes.
        match part.pop() {
            None => {}
            Some(only) if part.is_empty() => self.push(Statement::new(sql.one, only)),
            Some(last) => {
                part.push(last);
                self.push(Statement::new(sql.many, [row_list(&part).into()]));
            }
        }
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
pub(super) fn write(
    id: WriteId,
    fences: &[WriteId],
    steps: Vec<Step>,
    batch_size: usize,
    ledger: &LedgerConfig,
) -> Batch {
    let id = || Value::from(id.to_string());
    let mut chain = Chain(Vec::new());
    chain.push(Statement::new("BEGIN IMMEDIATE", []));
    chain.push(Statement::new(INSERT, [id()]));
    if !fences.is_empty() {
        chain.push(fence(fences));
    }
    for step in steps {
        match step {
            Step::Each { sql, rows } => chain.push_rows(sql, rows, batch_size),
            Step::Counted(statement) => {
                chain.push(statement);
                chain.push(Statement::new(COUNT_DELETED, [id()]));
            }
        }
    }
    chain.push(prune(1 + fences.len(), ledger));
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

/// What a write did, if the ledger says that it happened: in this attempt or
/// in an earlier one.
pub(super) fn outcome(operation: &str, id: WriteId, result: &BatchResult) -> Result<Done, Failure> {
    let Some(rows) = result.step_results.last().and_then(Option::as_ref) else {
        let failure = first_error(operation, result);
        return Err(if may_have_happened(result) { Failure { retry: true, ..failure.in_doubt() } } else { failure });
    };
    match rows.rows.first().map(|row| row.integer(0)) {
        Some(Ok(FENCED)) => Err(Failure::never(Error::fenced(id))),
        Some(Ok(deleted)) => {
            let counted = u64::try_from(deleted).map_err(|_| Failure::unreadable(operation, "a negative count"))?;
            Ok(Done { counted, already: !has_committed(result) })
        }
        Some(Err(_)) => Err(Failure::unreadable(operation, "a count that is no integer")),
        None => Err(first_error(operation, result)),
    }
}

/// Whether a batch of [`write`], whose last step could not read the ledger, got
/// to its commit, or found its id in the ledger.
fn may_have_happened(result: &BatchResult) -> bool {
    let insert = result.step_errors.get(1).and_then(Option::as_ref);
    has_committed(result) || insert.is_some_and(ServerError::is_constraint)
}

/// Whether the commit of a batch of [`write`] succeeded.
fn has_committed(result: &BatchResult) -> bool {
    result.step_results.iter().rev().nth(2).is_some_and(Option::is_some)
}

/// Whether a transaction of [`transaction`] was kept.
pub(super) fn committed(operation: &str, result: &BatchResult) -> Result<(), Failure> {
    // The last step but one is the commit.
    match result.step_results.iter().rev().nth(1) {
        Some(Some(_)) => Ok(()),
        _ => Err(first_error(operation, result)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Row, StmtResult, Value as Found};
    use super::super::failure::Outcome;
    use super::*;

    /// The result of a write of one statement: which steps worked, an error,
    /// and the count in the ledger.
    fn result(worked: &[usize], error: Option<(usize, &str)>, ledger: Option<&[i64]>) -> BatchResult {
        const STEPS: usize = 7;
        let mut result = BatchResult {
            step_results: (0..STEPS).map(|step| worked.contains(&step).then(StmtResult::default)).collect(),
            step_errors: vec![None; STEPS],
        };
        if let Some((step, code)) = error {
            result.step_errors[step] = Some(ServerError { message: String::new(), code: code.to_owned() });
        }
        let row = |deleted: &i64| Row { values: vec![Found::Integer(*deleted)] };
        result.step_results[STEPS - 1] = ledger.map(|rows| StmtResult { rows: rows.iter().map(row).collect() });
        result
    }

    fn failed(result: &BatchResult) -> (Outcome, bool) {
        let failure = outcome("put", WriteId::new(), result).unwrap_err();
        (failure.outcome, failure.retry)
    }

    #[test]
    fn the_ledger_has_the_last_word() {
        // BEGIN, INSERT, the statement, PRUNE, COMMIT, ROLLBACK, OUTCOME.
        let done = |counted, already| Done { counted, already };
        assert_eq!(
            outcome("put", WriteId::new(), &result(&[0, 1, 2, 3, 4], None, Some(&[2]))).unwrap(),
            done(2, false)
        );
        // An earlier attempt has done it.
        let refused = Some((1, "SQLITE_CONSTRAINT"));
        assert_eq!(outcome("put", WriteId::new(), &result(&[0, 5], refused, Some(&[3]))).unwrap(), done(3, true));
        assert_eq!(
            outcome("put", WriteId::new(), &result(&[], Some((0, "SQLITE_BUSY")), Some(&[3]))).unwrap(),
            done(3, true)
        );
        // It was quicker than the question.
        assert_eq!(
            outcome("put", WriteId::new(), &result(&[0, 1, 5], Some((2, "SQLITE_FULL")), Some(&[3]))).unwrap(),
            done(3, true)
        );
        assert_eq!(failed(&result(&[0, 5], Some((1, "SQLITE_CONSTRAINT")), Some(&[FENCED]))), (Outcome::Never, false));
    }

    #[test]
    fn what_was_rolled_back_is_not_done() {
        assert_eq!(failed(&result(&[0, 1, 5], Some((2, "SQLITE_CONSTRAINT")), Some(&[]))), (Outcome::NotDone, false));
        assert_eq!(failed(&result(&[], Some((0, "SQLITE_BUSY")), Some(&[]))), (Outcome::NotDone, true));
        assert_eq!(failed(&result(&[0, 5], Some((1, "SQLITE_ERROR")), None)), (Outcome::NotDone, false));
    }

    #[test]
    fn a_commit_is_in_doubt_until_the_ledger_was_read() {
        let unread = Some((6, "SQLITE_IOERR"));
        assert_eq!(failed(&result(&[0, 1, 2, 3, 4], unread, None)), (Outcome::Unknown, true));
        assert_eq!(failed(&result(&[0, 5], Some((1, "SQLITE_CONSTRAINT")), None)), (Outcome::Unknown, true));
    }
}
