//! Writes that happen exactly once in effect.
//!
//! Each write inserts its id into the table `memory_writes` first, in its own
//! transaction. Sent again after a lost answer, the same id is refused by the
//! table's key, which tells that the write is done; and an attempt that was
//! held up somewhere and arrives after its retry is refused just so. A write
//! whose outcome is unknown at the end can be *fenced off*: another one inserts
//! its id too, and from then on it cannot happen any more.

use std::ops::Range;

use libsql_hrana::proto::{Batch, BatchCond, BatchStep, Stmt};
use memory_core::{Error, WriteId};

use super::answer::{BatchResult, Row, ServerError};
use super::failure::Failure;
use super::message::{first_error, row_len, row_list, stmt};
use crate::config::LedgerConfig;
use crate::sql::{Columns, Done, Statement, Step, Upsert, Value, id_list};

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

const OUTCOMES: &str = "SELECT write_id, deleted FROM memory_writes
    WHERE write_id IN (SELECT value FROM json_each(?1))";

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

/// Returns the statement that removes old entries beside so many new ones.
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
    fn begin() -> Self {
        let mut chain = Self(Vec::new());
        chain.push(stmt(Statement::new("BEGIN IMMEDIATE", []), false));
        chain
    }

    fn push(&mut self, stmt: Stmt) {
        let condition = self.last().map(|step| BatchCond::Ok { step });
        self.0.push(BatchStep { condition, stmt });
    }

    #[expect(clippy::cast_possible_truncation, reason = "a write has a few steps for each hundred rows")]
    fn last(&self) -> Option<u32> {
        (self.0.len() as u32).checked_sub(1)
    }

    /// Ends the transaction: kept if every step ran, undone otherwise.
    fn end(&mut self) {
        self.push(stmt(Statement::new("COMMIT", []), false));
        let undone = BatchCond::Not { cond: Box::new(BatchCond::Ok { step: self.last().unwrap_or(0) }) };
        self.0.push(BatchStep { condition: Some(undone), stmt: stmt(Statement::new("ROLLBACK", []), false) });
    }
}

/// The statements of a write inside its transaction, its entry first.
pub(super) fn statements(id: WriteId, fences: &[WriteId], steps: Vec<Step>, batch_size: usize) -> Vec<Stmt> {
    let id = || Value::from(id.to_string());
    let mut statements = Vec::new();
    let mut push = |statement| statements.push(stmt(statement, false));
    push(Statement::new(INSERT, [id()]));
    if !fences.is_empty() {
        push(fence(fences));
    }
    for step in steps {
        match step {
            Step::Each { sql, rows } => push_rows(sql, rows, batch_size, &mut push),
            Step::Counted(statement) => {
                push(statement);
                push(Statement::new(COUNT_DELETED, [id()]));
            }
        }
    }
    statements
}

/// Statements that store rows, in order: as many in each as `batch_size` and
/// [`MAX_LIST`] allow.
fn push_rows(sql: Upsert, rows: Vec<Vec<Value>>, batch_size: usize, push: &mut impl FnMut(Statement)) {
    let mut part = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let more = row_len(&row);
        if part.len() == batch_size || bytes + more > MAX_LIST {
            push_part(sql, std::mem::take(&mut part), push);
            bytes = 0;
        }
        part.push(row);
        bytes += more;
    }
    push_part(sql, part, push);
}

fn push_part(sql: Upsert, mut part: Vec<Vec<Value>>, push: &mut impl FnMut(Statement)) {
    // Parameters of its own spare a single row the array's escapes.
    match part.pop() {
        None => {}
        Some(only) if part.is_empty() => push(Statement::new(sql.one, only)),
        Some(last) => {
            part.push(last);
            push(Statement::new(sql.many, [row_list(&part).into()]));
        }
    }
}

/// A write in a request: its id, its statements, and how many writes it fences off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) id: WriteId,
    pub(super) statements: &'a [Stmt],
    pub(super) fences: usize,
}

/// Writes as one transaction, their outcomes asked for at the end, and the steps
/// of each write. The writes in `riding` are fenced off by the way.
pub(super) fn write(entries: &[Entry<'_>], riding: &[WriteId], ledger: &LedgerConfig) -> (Batch, Vec<Range<usize>>) {
    let mut chain = Chain::begin();
    if !riding.is_empty() {
        chain.push(stmt(fence(riding), false));
    }
    let mut steps = Vec::with_capacity(entries.len());
    for entry in entries {
        let first = chain.0.len();
        entry.statements.iter().for_each(|statement| chain.push(statement.clone()));
        steps.push(first..chain.0.len());
    }
    let new = entries.iter().map(|entry| 1 + entry.fences).sum::<usize>() + riding.len();
    chain.push(stmt(prune(new, ledger), false));
    chain.end();
    let asked = Statement::new(OUTCOMES, [id_list(entries.iter().map(|entry| entry.id.uuid())).into()]);
    chain.0.push(BatchStep { condition: None, stmt: stmt(asked, true) });
    (Batch { steps: chain.0, replication_index: None }, steps)
}

/// Statements as one transaction.
pub(super) fn transaction(statements: impl IntoIterator<Item = Statement>) -> Batch {
    let mut chain = Chain::begin();
    statements.into_iter().for_each(|statement| chain.push(stmt(statement, false)));
    chain.end();
    Batch { steps: chain.0, replication_index: None }
}

/// Makes writes impossible that have not happened yet.
pub(super) fn fence(writes: &[WriteId]) -> Statement {
    Statement::new(FENCE, [id_list(writes.iter().map(|id| id.uuid())).into()])
}

/// The outcome of one of the writes of a request.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The ledger says that it happened, in this attempt or in an earlier one.
    Done(Done),
    Failed(Failure),
    /// Another write of the request failed, and the transaction was undone.
    Undone,
}

/// Returns the outcome of each write, by its name, its id and its steps.
pub(super) fn verdicts<'a>(
    writes: impl Iterator<Item = (&'a str, WriteId)>,
    steps: &[Range<usize>],
    result: &BatchResult,
) -> Vec<Verdict> {
    let outcomes = result.step_results.last().and_then(Option::as_ref).map(|outcomes| &outcomes.rows);
    let error_in = |steps: &Range<usize>| result.step_errors[steps.clone()].iter().flatten().next();
    let culprit = steps.iter().position(|steps| error_in(steps).is_some());
    let verdict = |(number, (name, id)): (usize, (&str, WriteId))| {
        let own = error_in(&steps[number]);
        let failed = || match (own, culprit) {
            (Some(error), _) => Verdict::Failed(Failure::server(name, error)),
            (None, Some(_)) => Verdict::Undone,
            (None, None) => Verdict::Failed(first_error(name, result)),
        };
        let Some(rows) = outcomes else {
            // It got to the commit, or found its id in the ledger.
            let entry = result.step_errors[steps[number].start].as_ref();
            if has_committed(result) || entry.is_some_and(ServerError::is_constraint) {
                return Verdict::Failed(Failure { retry: true, ..first_error(name, result).in_doubt() });
            }
            return failed();
        };
        let of_write = |row: &&Row| row.text(0).is_ok_and(|found| found == id.to_string());
        match rows.iter().find(of_write).map(|row| row.integer(1)) {
            Some(Ok(FENCED)) => Verdict::Failed(Failure::never(Error::fenced(id))),
            Some(Ok(deleted)) => match u64::try_from(deleted) {
                Ok(counted) => Verdict::Done(Done { counted, already: !has_committed(result) }),
                Err(_) => Verdict::Failed(Failure::unreadable(name, "a negative count")),
            },
            Some(Err(_)) => Verdict::Failed(Failure::unreadable(name, "a count that is no integer")),
            None if has_committed(result) => {
                Verdict::Failed(Failure::unreadable(name, "a write that was committed is not in the ledger"))
            }
            None => failed(),
        }
    };
    writes.enumerate().map(verdict).collect()
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
    use super::super::answer::{StmtResult, Value as Found};
    use super::super::failure::Outcome;
    use super::*;

    /// The result of a request of two writes of one statement each: which steps
    /// worked, an error, and the entries in the ledger.
    struct Answer {
        ids: [WriteId; 2],
        result: BatchResult,
    }

    /// A verdict in short: done, and whether before; failed, and how; or undone.
    type Short = Result<(u64, bool), Option<(Outcome, bool)>>;

    // BEGIN, two times INSERT and the statement, PRUNE, COMMIT, ROLLBACK, OUTCOMES.
    const STEPS: usize = 9;
    const COMMIT: usize = 6;

    impl Answer {
        fn new(
            worked: impl IntoIterator<Item = usize>,
            errors: &[(usize, &str)],
            ledger: Option<[Option<i64>; 2]>,
        ) -> Self {
            let ids = [WriteId::new(), WriteId::new()];
            let mut result = BatchResult { step_results: vec![None; STEPS], step_errors: vec![None; STEPS] };
            worked.into_iter().for_each(|step| result.step_results[step] = Some(StmtResult::default()));
            for (step, code) in errors {
                result.step_errors[*step] = Some(ServerError { message: String::new(), code: (*code).to_owned() });
            }
            let row = |(id, deleted): (&WriteId, Option<i64>)| {
                Some(Row { values: vec![Found::Text(id.to_string()), Found::Integer(deleted?)] })
            };
            result.step_results[STEPS - 1] =
                ledger.map(|found| StmtResult { rows: ids.iter().zip(found).filter_map(row).collect() });
            Self { ids, result }
        }

        fn verdicts(&self) -> [Short; 2] {
            let writes = self.ids.iter().map(|id| ("put", *id));
            let found = verdicts(writes, &[1..3, 3..5], &self.result);
            let short = |verdict: Verdict| match verdict {
                Verdict::Done(done) => Ok((done.counted, done.already)),
                Verdict::Failed(failure) => Err(Some((failure.outcome, failure.retry))),
                Verdict::Undone => Err(None),
            };
            let short: Vec<_> = found.into_iter().map(short).collect();
            short.try_into().unwrap()
        }
    }

    #[test]
    fn the_ledger_has_the_last_word() {
        let done = Answer::new(0..=COMMIT, &[], Some([Some(2), Some(0)]));
        assert_eq!(done.verdicts(), [Ok((2, false)), Ok((0, false))]);
        // An earlier attempt has done both.
        let again = Answer::new([0, 7], &[(1, "SQLITE_CONSTRAINT")], Some([Some(3), Some(1)]));
        assert_eq!(again.verdicts(), [Ok((3, true)), Ok((1, true))]);
        let busy = Answer::new([], &[(0, "SQLITE_BUSY")], Some([Some(3), None]));
        assert_eq!(busy.verdicts(), [Ok((3, true)), Err(Some((Outcome::NotDone, true)))]);
        // It was quicker than the question.
        let quicker = Answer::new([0, 1, 7], &[(2, "SQLITE_FULL")], Some([Some(3), None]));
        assert_eq!(quicker.verdicts(), [Ok((3, true)), Err(None)]);
        let fenced = Answer::new([0, 1, 2, 7], &[(3, "SQLITE_CONSTRAINT")], Some([None, Some(FENCED)]));
        assert_eq!(fenced.verdicts(), [Err(None), Err(Some((Outcome::Never, false)))]);
    }

    #[test]
    fn a_write_that_fails_takes_no_other_with_it() {
        for (step, of) in [(1, 0), (2, 0), (3, 1), (4, 1)] {
            let error = if step % 2 == 0 { "SQLITE_CONSTRAINT" } else { "SQLITE_ERROR" };
            let failed = Answer::new((0..step).chain([7]), &[(step, error)], Some([None, None]));
            let verdicts = failed.verdicts();
            assert_eq!(verdicts[of], Err(Some((Outcome::NotDone, false))), "{step}");
            assert_eq!(verdicts[1 - of], Err(None), "{step}");
        }
    }

    #[test]
    fn what_fails_for_all_is_told_to_all() {
        for (step, code, retry) in
            [(0, "SQLITE_BUSY", true), (5, "SQLITE_FULL", false), (COMMIT, "SQLITE_IOERR", false)]
        {
            let failed = Answer::new(0..step, &[(step, code)], Some([None, None]));
            assert_eq!(failed.verdicts(), [Err(Some((Outcome::NotDone, retry))), Err(Some((Outcome::NotDone, retry)))]);
        }
    }

    #[test]
    fn a_commit_is_in_doubt_until_the_ledger_was_read() {
        let unread = (STEPS - 1, "SQLITE_IOERR");
        let unknown = Err(Some((Outcome::Unknown, true)));
        assert_eq!(Answer::new(0..=COMMIT, &[unread], None).verdicts(), [unknown, unknown]);
        let refused = Answer::new([0, 7], &[(1, "SQLITE_CONSTRAINT"), unread], None);
        assert_eq!(refused.verdicts(), [unknown, Err(None)]);
        let undone = Answer::new([0, 1, 7], &[(2, "SQLITE_ERROR"), unread], None);
        assert_eq!(undone.verdicts(), [Err(Some((Outcome::NotDone, false))), Err(None)]);
    }

    #[test]
    fn each_write_has_its_steps_and_none_runs_after_one_that_failed() {
        let ids = [WriteId::new(), WriteId::new()];
        let own = ids.map(|id| statements(id, &[], Vec::new(), 1));
        let entries = [0, 1].map(|n| Entry { id: ids[n], statements: &own[n], fences: 0 });
        let (batch, steps) = write(&entries, &[WriteId::new()], &LedgerConfig::default());
        assert_eq!(steps, [2..3, 3..4]);
        let after: Vec<_> = batch
            .steps
            .iter()
            .map(|step| match step.condition {
                Some(BatchCond::Ok { step }) => Some(step),
                _ => None,
            })
            .collect();
        // BEGIN, the fence, two entries, PRUNE, COMMIT, ROLLBACK, OUTCOMES.
        assert_eq!(after, [None, Some(0), Some(1), Some(2), Some(3), Some(4), None, None]);
    }
}
