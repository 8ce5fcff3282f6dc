//! Writes as steps of one transaction.

#[cfg(feature = "local")]
use std::slice::Iter;

use memory_core::limits::MAX_KEY_TEXT;
use memory_core::{Episode, Error, Heuristic, Id, Kind, Pattern, Result, WriteBatch};

use super::table::Table;
use super::turn::Turn;
use crate::metrics::{Call, Operation};
use crate::sql::{Statement, Step, Value, id_list};
use crate::transport::Transport;
#[cfg(feature = "local")]
use crate::transport::local::{Local, Part};

/// The operation that a batch is counted as: a put or a delete if it does that
/// alone and to one kind, which is how a cached storage writes.
pub(super) fn operation(batch: &WriteBatch) -> (Operation, Option<Kind>) {
    let kinds = [changes::<Episode>(batch), changes::<Pattern>(batch), changes::<Heuristic>(batch)];
    let mut changed = kinds.into_iter().filter(|(_, puts, deletes)| puts + deletes > 0);
    match (changed.next(), changed.next()) {
        (Some((kind, _, 0)), None) => (Operation::Put, Some(kind)),
        (Some((kind, 0, _)), None) => (Operation::Delete, Some(kind)),
        _ => (Operation::Commit, None),
    }
}

/// Returns the number of records of a kind that a batch puts and deletes.
fn changes<R: Table>(batch: &WriteBatch) -> (Kind, usize, usize) {
    let changes = batch.changes::<R>();
    let puts = changes.puts().count();
    (R::KIND, puts, changes.len() - puts)
}

/// Stores valid records in one transaction.
pub(super) async fn put<R: Table>(
    transport: &Transport,
    call: &Call<'_>,
    batch_size: usize,
    records: &[R],
) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    let (mut records, mut turn) = (records.iter(), Turn::default());
    let max_row = transport.max_row_size();
    let first = rows(&mut records, batch_size, max_row, &mut turn)?;
    match transport {
        #[cfg(feature = "local")]
        Transport::Local(local) if records.len() > 0 => {
            put_in_parts(local, call, batch_size, first, records, turn).await
        }
        _ => {
            let mut all = first;
            while records.len() > 0 {
                turn.give_way().await;
                all.append(&mut rows(&mut records, batch_size, max_row, &mut turn)?);
            }
            transport.write(call, vec![upsert::<R>(all)]).await.map(drop)
        }
    }
}

/// Hands the records over in parts: the writer stores one while the next is
/// encoded.
#[cfg(feature = "local")]
async fn put_in_parts<R: Table>(
    local: &Local,
    call: &Call<'_>,
    batch_size: usize,
    first: Rows,
    mut records: Iter<'_, R>,
    mut turn: Turn,
) -> Result<()> {
    let (parts, written) = local.begin_write(call);
    let mut part = first;
    while !part.is_empty() {
        // An early return drops the sender, and the write is rolled back.
        if parts.send(Part::Step(upsert::<R>(part))).is_err() {
            // The writer has failed, and its answer says why.
            break;
        }
        turn.give_way().await;
        part = rows(&mut records, batch_size, None, &mut turn)?;
    }
    drop(parts.send(Part::Commit));
    drop(parts);
    written.answer().await.map(drop)
}

/// Everything that a batch changes.
pub(super) async fn steps(transport: &Transport, batch: &WriteBatch) -> Result<Vec<Step>> {
    let (mut steps, mut turn, max_row) = (Vec::new(), Turn::default(), transport.max_row_size());
    push_steps::<Episode>(batch, &mut steps, max_row, &mut turn).await?;
    push_steps::<Pattern>(batch, &mut steps, max_row, &mut turn).await?;
    push_steps::<Heuristic>(batch, &mut steps, max_row, &mut turn).await?;
    Ok(steps)
}

async fn push_steps<R: Table>(
    batch: &WriteBatch,
    steps: &mut Vec<Step>,
    max_row: Option<usize>,
    turn: &mut Turn,
) -> Result<()> {
    let changes = batch.changes::<R>();
    let mut puts = changes.puts().map(AsRef::as_ref);
    let mut all = Rows::new();
    loop {
        let mut part = rows(&mut puts, usize::MAX, max_row, turn)?;
        if part.is_empty() {
            break;
        }
        all.append(&mut part);
        turn.give_way().await;
    }
    if !all.is_empty() {
        steps.push(upsert::<R>(all));
    }
    let deletes: Vec<_> = changes.deletes().collect();
    if !deletes.is_empty() {
        steps.push(delete(&deletes));
    }
    Ok(())
}

type Rows = Vec<Vec<Value>>;

/// The rows of the next records: `most`, or fewer where the turn is over
/// before, but at least one. Refuses a record whose row has more than `max_row`
/// bytes.
fn rows<'a, R: Table>(
    records: &mut impl Iterator<Item = &'a R>,
    most: usize,
    max_row: Option<usize>,
    turn: &mut Turn,
) -> Result<Rows> {
    let mut rows = Rows::new();
    while rows.is_empty() || (rows.len() < most && !turn.is_over()) {
        let Some(record) = records.next() else { break };
        let row = record.row()?;
        let size = row.iter().map(Value::size).sum();
        check_row(record, size, max_row)?;
        turn.worked(size);
        rows.push(row);
    }
    Ok(rows)
}

/// Refuses a record whose values, of `size` bytes, make too large a row.
fn check_row<R: Table>(record: &R, size: usize, max_row: Option<usize>) -> Result<()> {
    // The domain and the language are stored a second time.
    let size = size + 2 * MAX_KEY_TEXT;
    match max_row {
        Some(max) if size > max => {
            let reason = format!(
                "a row of about {size} bytes in the database, of which the server takes at most {max} \
                 (`max_row_size`); JSON escapes count, so shorten the texts, or store what is large elsewhere"
            );
            Err(Error::invalid_input("record", reason).about(record.id().into()))
        }
        _ => Ok(()),
    }
}

const fn upsert<R: Table>(rows: Rows) -> Step {
    Step::Each { sql: R::SQL.upsert, rows }
}

pub(super) fn delete<R: Table>(ids: &[Id<R>]) -> Step {
    Step::Counted(Statement::new(R::SQL.delete, [id_list(ids.iter().map(|id| id.uuid())).into()]))
}
