//! Writes as steps of one transaction.

use memory_core::{Episode, Heuristic, Id, Pattern, Result, WriteBatch, WriteId};

use super::table::Table;
use crate::metrics::Call;
#[cfg(feature = "local")]
use crate::transport::local::{Local, Part};
use crate::transport::{Statement, Step, Transport};

/// Stores valid records in one transaction.
pub(super) async fn put<R: Table>(
    transport: &Transport,
    call: &Call<'_>,
    batch_size: usize,
    records: &[R],
) -> Result<()> {
    match transport {
        #[cfg(feature = "local")]
        Transport::Local(local) if records.len() > batch_size => put_in_parts(local, call, batch_size, records).await,
        _ if records.is_empty() => Ok(()),
        _ => transport.write(call, WriteId::new(), &[], vec![upsert(records)?]).await.map(drop),
    }
}

/// Hands the records over in parts: the writer stores one while the next is
/// encoded.
#[cfg(feature = "local")]
async fn put_in_parts<R: Table>(local: &Local, call: &Call<'_>, batch_size: usize, records: &[R]) -> Result<()> {
    let (parts, written) = local.begin_write(call);
    for records in records.chunks(batch_size) {
        // An early return drops the sender, and the write is rolled back.
        let step = upsert(records)?;
        if parts.send(Part::Step(step)).is_err() {
            // The writer has failed, and its answer says why.
            break;
        }
    }
    drop(parts.send(Part::Commit));
    drop(parts);
    written.answer().await.map(drop)
}

/// Everything that a batch changes.
pub(super) fn steps(batch: &WriteBatch) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    push_steps::<Episode>(batch, &mut steps)?;
    push_steps::<Pattern>(batch, &mut steps)?;
    push_steps::<Heuristic>(batch, &mut steps)?;
    Ok(steps)
}

fn push_steps<R: Table>(batch: &WriteBatch, steps: &mut Vec<Step>) -> Result<()> {
    let changes = batch.changes::<R>();
    let rows = changes.puts().map(|record| record.row()).collect::<Result<Vec<_>>>()?;
    if !rows.is_empty() {
        steps.push(Step::Each { sql: R::SQL.upsert, rows });
    }
    let deletes: Vec<_> = changes.deletes().collect();
    if !deletes.is_empty() {
        steps.push(delete(&deletes));
    }
    Ok(())
}

fn upsert<R: Table>(records: &[R]) -> Result<Step> {
    let rows = records.iter().map(Table::row).collect::<Result<_>>()?;
    Ok(Step::Each { sql: R::SQL.upsert, rows })
}

pub(super) fn delete<R: Table>(ids: &[Id<R>]) -> Step {
    Step::Counted(Statement::new(R::SQL.delete, [id_list(ids).into()]))
}

/// Ids as a JSON array, which one parameter of one fixed statement takes.
pub(crate) fn id_list<R: Table>(ids: &[Id<R>]) -> String {
    let mut list = String::with_capacity(2 + 39 * ids.len());
    list.push('[');
    for (number, id) in ids.iter().enumerate() {
        if number > 0 {
            list.push(',');
        }
        list.push('"');
        list.push_str(id.uuid().as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
        list.push('"');
    }
    list.push(']');
    list
}
