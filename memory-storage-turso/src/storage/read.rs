//! Reads of records, whole or in parts where a server would not give all at
//! once.

use std::sync::Arc;

use memory_core::backend::Position;
use memory_core::{Field, Filter, Id, Query, Result};

use super::query;
use super::table::Table;
#[cfg(feature = "local")]
use super::turn::Turn;
use crate::metrics::Call;
#[cfg(feature = "remote")]
use crate::sql::Columns;
use crate::transport::Transport;
#[cfg(feature = "remote")]
use crate::transport::remote::Remote;

/// So few records are decoded by the caller, where they will be freed; more
/// are on the reader's thread.
#[cfg(feature = "local")]
const FEW: usize = 16;

/// The records of these ids that there are, in any order.
pub(super) async fn get<R: Table>(transport: &Transport, call: &Call<'_>, ids: &[Id<R>]) -> Result<Vec<R>> {
    match transport {
        #[cfg(feature = "local")]
        Transport::Local(local) if ids.len() <= FEW => {
            let rows = local.rows(call, query::get(ids)).await?;
            let (mut found, mut turn) = (Vec::with_capacity(rows.len()), Turn::default());
            for row in &rows {
                turn.give_way().await;
                turn.worked(row.size());
                found.push(R::from_row(row)?);
            }
            Ok(found)
        }
        #[cfg(feature = "local")]
        Transport::Local(local) => local.read(call, query::get(ids), |row| R::from_row(row)).await,
        #[cfg(feature = "remote")]
        Transport::Remote(remote) => get_in_parts(remote, call, ids).await,
    }
}

/// As many records in each answer as fit, in order of id; one request if all
/// do.
#[cfg(feature = "remote")]
async fn get_in_parts<R: Table>(remote: &Remote, call: &Call<'_>, ids: &[Id<R>]) -> Result<Vec<R>> {
    let mut wanted = ids.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found: Vec<R> = Vec::new();
    let deadline = remote.deadline();
    // A list of ids that alone is too long for a request goes over in pieces.
    let most = (remote.max_request() / 2 / BYTES_PER_ID).max(1);
    for mut wanted in wanted.chunks(most) {
        loop {
            let statement = |room| query::bounded::get(wanted, room);
            let (part, total) = remote.read_bounded(call, deadline, statement, |row| R::from_row(row)).await?;
            // Else a server could be asked for ever, or for more than memory holds.
            if part.len() > wanted.len() || part.iter().any(|record| wanted.binary_search(&record.id()).is_err()) {
                return Err(memory_core::Error::corrupt(
                    "the server answers a get with records that were not asked for",
                ));
            }
            let last = part.last().map(R::id);
            let complete = part.len() >= total;
            found.extend(part);
            match last {
                Some(last) if !complete => wanted = &wanted[wanted.partition_point(|id| *id <= last)..],
                _ => break,
            }
        }
    }
    Ok(found)
}

/// A quoted UUID and a comma, with its quotes escaped once more.
#[cfg(feature = "remote")]
const BYTES_PER_ID: usize = 41;

/// The first records that answer a query, and whether there are more.
pub(super) async fn page<R: Table>(
    transport: &Transport,
    call: &Call<'_>,
    query: &Query<R>,
    position: Option<&Position>,
) -> Result<(Vec<Arc<R>>, bool)> {
    let (mut found, total) = match transport {
        #[cfg(feature = "local")]
        Transport::Local(local) => {
            let found = local.read(call, query::select(query, position), |row| R::from_row(row).map(Arc::new)).await?;
            let total = found.len();
            (found, total)
        }
        #[cfg(feature = "remote")]
        Transport::Remote(remote) => {
            let statement = |room| query::bounded::select(query, position, room);
            remote.read_bounded(call, remote.deadline(), statement, |row| R::from_row(row).map(Arc::new)).await?
        }
    };
    found.truncate(query.limit);
    let more = total > found.len();
    Ok((found, more))
}

/// The groups of a count by `field`, in any order; as many in each answer as
/// fit, and one request if all do.
pub(super) async fn groups<R: Table>(
    transport: &Transport,
    call: &Call<'_>,
    only: &Filter<R>,
    field: &Field<R>,
) -> Result<Vec<query::Group>> {
    let by = field.clone();
    match transport {
        #[cfg(feature = "local")]
        Transport::Local(local) => {
            local.read(call, query::groups(only, field), move |row| query::group(row, &by)).await
        }
        #[cfg(feature = "remote")]
        Transport::Remote(remote) => {
            let mut found: Vec<query::Group> = Vec::new();
            let deadline = remote.deadline();
            loop {
                let last = found.last();
                let statement = |room| query::groups_bounded(only, field, last, room);
                let by = by.clone();
                let decode = move |row: &dyn Columns| query::group(row, &by);
                let (part, total) = remote.read_bounded(call, deadline, statement, decode).await?;
                let complete = part.len() >= total;
                found.extend(part);
                if complete {
                    return Ok(found);
                }
                if found.len() > query::MAX_FOUND {
                    return Err(memory_core::Error::corrupt("the server answers a count with groups without end"));
                }
            }
        }
    }
}
