//! A request's statements, checked before the first of them runs.

use std::collections::HashMap;

use libsql_hrana::proto;

use super::arguments::Arguments;
use super::failure::{Failure, Rejection};
use super::statement::{Statement, parse_all, parse_one};

/// The version of the protocol that a request's path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Two,
    Three,
}

impl Version {
    /// Refuses `what` before version 3.
    pub(super) fn require_three(self, what: &str) -> Result<(), Failure> {
        if self >= Self::Three {
            return Ok(());
        }
        Err(Failure::protocol(format!("{what} is only supported in protocol version hrana3 and higher")))
    }
}

/// One statement, and when to run it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) condition: Option<Condition>,
    pub(super) statement: Statement,
    pub(super) arguments: Arguments,
}

/// What must be so for a step to run.
#[derive(Debug)]
pub(super) enum Condition {
    Ok(usize),
    Error(usize),
    Not(Box<Condition>),
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Autocommit,
}

impl Condition {
    /// A condition may refer to the steps before its own, of which there are `earlier`.
    fn new(condition: proto::BatchCond, earlier: usize, version: Version) -> Result<Self, Failure> {
        let step = |step: u32| match usize::try_from(step) {
            Ok(step) if step < earlier => Ok(step),
            _ => Err(Failure::protocol("Invalid reference to step in a batch condition")),
        };
        let all = |list: proto::BatchCondList| -> Result<Vec<Self>, Failure> {
            list.conds.into_iter().map(|condition| Self::new(condition, earlier, version)).collect()
        };
        Ok(match condition {
            proto::BatchCond::None => return Err(Failure::protocol("BatchCond type not recognized")),
            proto::BatchCond::Ok { step: of } => Self::Ok(step(of)?),
            proto::BatchCond::Error { step: of } => Self::Error(step(of)?),
            proto::BatchCond::Not { cond } => Self::Not(Box::new(Self::new(*cond, earlier, version)?)),
            proto::BatchCond::And(list) => Self::And(all(list)?),
            proto::BatchCond::Or(list) => Self::Or(all(list)?),
            proto::BatchCond::IsAutocommit {} => {
                version.require_three("BatchCond of type `is_autocommit`")?;
                Self::Autocommit
            }
        })
    }

    /// Whether it holds, given which of the earlier steps succeeded.
    ///
    /// The protocol says that `error` is false for a skipped step. libSQL's
    /// server knows only success and its absence, so there it is true.
    pub(super) fn holds(&self, succeeded: &[bool], autocommit: bool) -> bool {
        let ok = |step: &usize| succeeded.get(*step).copied().unwrap_or_default();
        match self {
            Self::Ok(step) => ok(step),
            Self::Error(step) => !ok(step),
            Self::Not(condition) => !condition.holds(succeeded, autocommit),
            Self::And(all) => all.iter().all(|condition| condition.holds(succeeded, autocommit)),
            Self::Or(any) => any.iter().any(|condition| condition.holds(succeeded, autocommit)),
            Self::Autocommit => autocommit,
        }
    }
}

impl Step {
    pub(super) fn new(statement: proto::Stmt, stored: &HashMap<i32, String>) -> Result<Self, Rejection> {
        let parsed = parse_one(sql_of(statement.sql.as_deref(), statement.sql_id, stored)?)?;
        let arguments = Arguments::new(statement.args, statement.named_args)?;
        Ok(Self { condition: None, statement: parsed, arguments })
    }
}

/// The steps of a batch.
pub(super) fn batch(
    batch: proto::Batch,
    stored: &HashMap<i32, String>,
    version: Version,
) -> Result<Vec<Step>, Rejection> {
    let mut steps = Vec::with_capacity(batch.steps.len());
    for (earlier, step) in batch.steps.into_iter().enumerate() {
        let mut program = Step::new(step.stmt, stored)?;
        program.condition = step.condition.map(|condition| Condition::new(condition, earlier, version)).transpose()?;
        steps.push(program);
    }
    Ok(steps)
}

/// The statements of `sql`, each to be run if the one before it succeeded.
pub(super) fn sequence(sql: &str) -> Result<Vec<Step>, Rejection> {
    let statements = parse_all(sql)?.into_iter().enumerate();
    let steps = statements.map(|(index, statement)| Step {
        condition: index.checked_sub(1).map(Condition::Ok),
        statement,
        arguments: Arguments::none(),
    });
    Ok(steps.collect())
}

/// The text itself, or the one stored under the number.
pub(super) fn sql_of<'sql>(
    sql: Option<&'sql str>,
    id: Option<i32>,
    stored: &'sql HashMap<i32, String>,
) -> Result<&'sql str, Failure> {
    match (sql, id) {
        (Some(sql), None) => Ok(sql),
        (None, Some(id)) => {
            let sql = stored.get(&id).map(String::as_str);
            sql.ok_or_else(|| Failure::protocol(format!("SQL text {id} not found")))
        }
        (Some(_), Some(_)) => Err(Failure::protocol("Either `sql` or `sql_id` are required, but not both")),
        (None, None) => Err(Failure::protocol("Either `sql` or `sql_id` are required")),
    }
}
