//! Orders and cursors in SQL.

use memory_core::backend::{Path, Position, Scalar};
use memory_core::{Direction, Order};

use super::Sql;
use super::place::{Place, place};
use crate::storage::table::Table;

/// Appends the condition that a row comes after `position`, and the order.
pub(super) fn push<R: Table>(sql: &mut Sql, order: &Order<R>, position: Option<&Position>) {
    let keys = keys(order);
    if let Some(position) = position {
        sql.push(" AND ");
        push_after(sql, order, &keys, position);
    }
    sql.push(" ORDER BY ");
    for (key, way) in &keys {
        sql.append(key).push(way).push(", ");
    }
    sql.push(R::SQL.id).push(way(order));
}

fn push_after<R: Table>(sql: &mut Sql, order: &Order<R>, keys: &[(Sql, &str)], position: &Position) {
    let after = match order.direction {
        Direction::Ascending => " > ",
        Direction::Descending => " < ",
    };
    let id = position.id.as_hyphenated().to_string();
    let (first, _) = &keys[0];
    let Some(value) = &position.value else {
        // Only rows without a value follow one without.
        sql.append(first).push(" IS NULL AND ").push(R::SQL.id).push(after).bind(id);
        return;
    };
    sql.push("((");
    for (key, _) in keys {
        sql.append(key).push(", ");
    }
    sql.push(R::SQL.id).push(")").push(after).push("(");
    if keys.len() > 1 {
        sql.bind(rank(value)).push(", ");
    }
    sql.scalar(value).push(", ").bind(id).push(")");
    if optional(order) {
        sql.push(" OR ").append(first).push(" IS NULL");
    }
    sql.push(")");
}

/// What rows are ordered by before the id, and which way: the value, and for
/// metadata, which holds values of several types, the rank of its type first.
/// All are NULL together, where there is no single value.
pub(super) fn keys<R: Table>(order: &Order<R>) -> Vec<(Sql, &'static str)> {
    // SQLite puts NULL before everything, which descending is last already.
    let way = match order.direction {
        Direction::Ascending if optional(order) => " ASC NULLS LAST",
        _ => way(order),
    };
    match place(&order.field) {
        Place::Own { value, .. } => {
            let mut sql = Sql::default();
            sql.push(&value);
            vec![(sql, way)]
        }
        Place::Metadata { value, kind, .. } => {
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
            vec![(rank, way), (single, way)]
        }
    }
}

pub(super) const fn way<R>(order: &Order<R>) -> &'static str {
    match order.direction {
        Direction::Ascending => " ASC",
        Direction::Descending => " DESC",
    }
}

/// As in `keys`, for the value of a cursor.
const fn rank(value: &Scalar<'_>) -> i64 {
    match value {
        Scalar::Null | Scalar::Bool(_) => 0,
        Scalar::Integer(_) | Scalar::Real(_) => 1,
        Scalar::Text(_) => 2,
    }
}

/// Whether a row may have no value to order by.
fn optional<R: Table>(order: &Order<R>) -> bool {
    match order.field.path() {
        Path::Own(name) => R::FIELDS.iter().any(|def| def.name == *name && def.optional),
        Path::Metadata(_) => true,
    }
}
