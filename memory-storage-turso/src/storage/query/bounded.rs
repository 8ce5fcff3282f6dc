//! Reads that stop before an answer gets too large for a server.
//!
//! The rows are found and measured first, which reads no long text, and then
//! as many fetched, in order, as fit; the last column of each row is how many
//! were found, so that the reader knows whether there are more.

use memory_core::backend::Position;
use memory_core::{Id, Query};

use super::{Sql, filter, limit_and_one, order};
use crate::sql::{Statement, id_list};
use crate::storage::table::Table;

/// The records of these ids, in order of id, up to about `max` bytes and at
/// least one.
pub(crate) fn get<R: Table>(ids: &[Id<R>], max: usize) -> Statement {
    let mut sql = Sql::default();
    sql.push("WITH found AS (SELECT ").push(R::SQL.id).push(" AS id, ").push(R::SQL.size).push(" AS size FROM ");
    sql.push(R::SQL.table).push(" WHERE ").push(R::SQL.id).push(" IN (SELECT value FROM json_each(");
    sql.bind(id_list(ids.iter().map(|id| id.uuid()))).push(")))");
    fetch::<R>(&mut sql, "id", max);
    sql.statement()
}

/// The records that answer a valid query from `position` on, one more than its
/// limit at the most, up to about `max` bytes and at least one.
pub(crate) fn select<R: Table>(query: &Query<R>, position: Option<&Position>, max: usize) -> Statement {
    let mut sql = Sql::default();
    sql.push("WITH found AS (SELECT ").push(R::SQL.id).push(" AS id, ").push(R::SQL.size).push(" AS size");
    let mut window = String::new();
    for (number, (key, way)) in order::keys(&query.order).iter().enumerate() {
        let name = format!("key{number}");
        sql.push(", ").append(key).push(" AS ").push(&name);
        window.push_str(&name);
        window.push_str(way);
        window.push_str(", ");
    }
    window.push_str("id");
    window.push_str(order::way(&query.order));
    sql.push(" FROM ").push(R::SQL.table).push(" WHERE ");
    filter::push(&mut sql, &query.filter);
    order::push(&mut sql, &query.order, position);
    sql.push(" LIMIT ").bind(limit_and_one(query)).push(")");
    fetch::<R>(&mut sql, &window, max);
    sql.statement()
}

/// Appends the fetching of what `found` holds, in the order of `window`.
fn fetch<R: Table>(sql: &mut Sql, window: &str, max: usize) {
    sql.push(
        ", measured AS (
            SELECT id, row_number() OVER wanted AS number, sum(size) OVER wanted AS running, count(*) OVER () AS total
            FROM found
            WINDOW wanted AS (ORDER BY ",
    );
    sql.push(window).push(" ROWS UNBOUNDED PRECEDING)) SELECT ").push(R::SQL.columns.remote);
    sql.push(", total FROM measured CROSS JOIN ").push(R::SQL.table).push(" ON ").push(R::SQL.id);
    sql.push(" = measured.id WHERE number = 1 OR running <= ").bind(i64::try_from(max).unwrap_or(i64::MAX));
    sql.push(" ORDER BY number");
}
