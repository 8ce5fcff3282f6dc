//! The schema on a server, in one request.

use libsql_hrana::proto::{Batch, BatchCond, BatchCondList, BatchStep, Stmt};
use memory_core::Result;

use super::Remote;
use super::answer::BatchResult;
use super::failure::Failure;
use super::message::first_error;
use crate::metrics::{Call, Operation};
use crate::schema::{INSERT_VERSION, Index, MIGRATIONS, SELECT_VERSION, VERSION, check_version};
use crate::sql::Columns;

/// The name of the operation in errors.
const OPERATION: &str = Operation::InitializeSchema.words();

/// The step that reads the version there is.
const FOUND: u32 = 1;

impl Remote {
    /// Creates the schema unless there is one, and indexes, in one transaction:
    /// the steps that create the schema run only if reading its version failed.
    pub(crate) async fn initialize_schema(&self, call: &Call<'_>, indexes: &[Index]) -> Result<()> {
        let (batch, committed) = creation(indexes);
        let request = self.encode(OPERATION, batch, 0)?;
        self.change(call, self.policy.begin(OPERATION, None), &request, move |_, mut result| {
            let found = result.step_results.get(FOUND as usize).and_then(Option::as_ref);
            if let Some(row) = found.and_then(|found| found.rows.first()) {
                row.integer(0).and_then(check_version).map_err(Failure::last)?;
            }
            match result.step_results.get(committed as usize) {
                Some(Some(_)) => Ok(()),
                _ => Err(creation_error(&mut result)),
            }
        })
        .await
    }
}

/// The batch, and which of its steps is the commit.
fn creation(indexes: &[Index]) -> (Batch, u32) {
    let ok = |step| BatchCond::Ok { step };
    let insert = format!("{INSERT_VERSION} ({VERSION})");
    let mut steps = vec![step("BEGIN IMMEDIATE", None), step(SELECT_VERSION, Some(ok(0)))];
    for create in MIGRATIONS.iter().copied().flatten().copied().chain([insert.as_str()]) {
        let last = last(&steps);
        // The first follows the version's error, the others each other. A step
        // that was skipped counts as failed, too, and so the transaction must
        // have begun.
        let condition = if last == FOUND {
            BatchCond::And(BatchCondList { conds: vec![ok(0), BatchCond::Error { step: FOUND }] })
        } else {
            ok(last)
        };
        steps.push(step(create, Some(condition)));
    }
    let mut ready = BatchCond::Or(BatchCondList { conds: vec![ok(FOUND), ok(last(&steps))] });
    for index in indexes {
        steps.push(step(&index.create.sql, Some(ready)));
        ready = ok(last(&steps));
    }
    steps.push(step("COMMIT", Some(ready)));
    let committed = last(&steps);
    let undone = BatchCond::Not { cond: Box::new(ok(committed)) };
    steps.push(step("ROLLBACK", Some(undone)));
    (Batch { steps, replication_index: None }, committed)
}

fn step(sql: &str, condition: Option<BatchCond>) -> BatchStep {
    BatchStep { condition, stmt: Stmt::new(sql, true) }
}

#[expect(clippy::cast_possible_truncation, reason = "a handful of steps")]
fn last(steps: &[BatchStep]) -> u32 {
    steps.len() as u32 - 1
}

/// What stopped the creation; the missing version, which began it, did not.
fn creation_error(result: &mut BatchResult) -> Failure {
    if let Some(missing) = result.step_errors.get_mut(FOUND as usize) {
        *missing = None;
    }
    first_error(OPERATION, result)
}
