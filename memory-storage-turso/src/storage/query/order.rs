//! Orders and cursors in SQL.

use memory_core::{Direction, Order, Position, Scalar};

use super::Sql;
use super::place::{Place, place};
use crate::storage::table::Table;

/// Appends the condition that a row comes after `position`, and the order.
/// With `sorted`, SQLite sorts what it finds and does not walk an index in that
/// order: a unary `+` hides the column from its choice.
pub(super) fn push<R: Table>(sql: &mut Sql, order: &Order<R>, position: Option<&Position>, sorted: bool) {
    let (way, after) = match order.direction {
        Direction::Ascending => (" ASC", " > "),
        Direction::Descending => (" DESC", " < "),
    };
    let keys = keys(order);
    if let Some(position) = position {
        sql.push(" AND ");
        match &position.value {
            // Only rows without a value follow one without.
            None => {
                sql.append(&keys[0]).push(" IS NULL AND ").push(R::SQL.id).push(after).bind(id(position));
            }
            Some(value) => {
                sql.push("((").append(&keys[0]);
                for key in &keys[1..] {
                    sql.push(", ").append(key);
                }
                sql.push(", ").push(R::SQL.id).push(")").push(after).push("(");
                if keys.len() > 1 {
                    sql.bind(rank(value)).push(", ");
                }
                sql.scalar(value).push(", ").bind(id(position)).push(")");
                if optional(order) {
                    sql.push(" OR ").append(&keys[0]).push(" IS NULL");
                }
                sql.push(")");
            }
        }
    }
    sql.push(" ORDER BY ");
    for key in &keys {
        sql.push(if sorted { "+" } else { "" }).append(key).push(way);
        // SQLite puts NULL before everything, which descending is last already.
        if optional(order) && order.direction == Direction::Ascending {
            sql.push(" NULLS LAST");
        }
        sql.push(", ");
    }
    sql.push(R::SQL.id).push(way);
}

fn id(position: &Position) -> String {
    position.id.as_hyphenated().to_string()
}

/// What rows are ordered by before the id: the value, and for metadata, which
/// holds values of several types, the rank of its type first. All are NULL
/// together, where there is no single value.
fn keys<R: Table>(order: &Order<R>) -> Vec<Sql> {
    match place(&order.field) {
        Place::Own { value, .. } => {
            let mut sql = Sql::default();
            sql.push(&value);
            vec![sql]
        }
        Place::Metadata { value, kind } => {
            let mut rank = Sql::default();
            rank.push("CASE ").append(&kind).push(
                " WHEN 'false' THEN 0 WHEN 'true' THEN 0 WHEN 'integer' THEN 1 WHEN 'real' THEN 1 WHEN 'text' THEN 2 END",
            );
            let mut single = Sql::default();
            single
                .push("CASE WHEN ")
                .append(&kind)
                .push(" NOT IN ('array', 'object') THEN ")
                .append(&value)
                .push(" END");
            vec![rank, single]
        }
    }
}

/// As in `keys`, for the value of a cursor.
fn rank(value: &Scalar<'_>) -> i64 {
    match value {
        Scalar::Null | Scalar::Bool(_) => 0,
        Scalar::Integer(_) | Scalar::Real(_) => 1,
        Scalar::Text(_) => 2,
    }
}

/// Whether a row may have no value to order by.
fn optional<R: Table>(order: &Order<R>) -> bool {
    match order.field.path() {
        memory_core::Path::Own(name) => R::FIELDS.iter().any(|def| def.name == *name && def.optional),
        memory_core::Path::Metadata(_) => true,
    }
}
