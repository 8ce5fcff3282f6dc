//! Conditions by which an index on metadata narrows a search.
//!
//! The index holds a coarse form of each value
//! ([`IndexSql::indexed_value`](crate::schema::IndexSql::indexed_value)),
//! which grows with the value. Each condition here holds for every row that the
//! exact one, to which it is added, holds for.

use memory_core::backend::Scalar;

use super::Sql;
use crate::schema::index::FAR;
use crate::sql::Value;

/// Up to here, values of a list are parameters of their own: SQLite then knows
/// how many there are, and sees that an index is worth it.
pub(super) const MAX_SEPARATE: usize = 16;
/// Length of a list of operands as JSON, in bytes, beyond which it does not
/// narrow the search.
const MAX_NARROWING: usize = 256 << 10;

/// Appends the condition for a value that is NULL.
pub(super) fn null(sql: &mut Sql, index: &str) {
    sql.push(" AND ").push(index).push(" IS NULL");
}

/// Appends the condition for a comparison with a number, bool or text.
pub(super) fn compare(sql: &mut Sql, index: &str, operator: &str, operand: &Scalar<'_>) {
    if operator.trim() == "=" {
        return one_of(sql, index, &[operand]);
    }
    sql.push(" AND ").push(index);
    let less = operator.trim().starts_with('<');
    match operand {
        Scalar::Text(text) if less => sql.push(" BETWEEN '' AND ").bind(until_nul(text)),
        // A blob comes after every text.
        Scalar::Text(text) => sql.push(" BETWEEN ").bind(until_nul(text)).push(" AND x''"),
        Scalar::Bool(value) if less => sql.push(" BETWEEN 0 AND ").bind(i64::from(*value)),
        Scalar::Bool(value) => sql.push(" BETWEEN ").bind(i64::from(*value)).push(" AND 1"),
        number => {
            let whole = whole(number);
            let (from, to) = if less {
                (i64::MIN, if whole >= FAR { i64::MAX } else { whole })
            } else {
                (if whole <= -FAR { i64::MIN } else { whole }, i64::MAX)
            };
            sql.push(" BETWEEN ").bind(from).push(" AND ").bind(to)
        }
    };
}

/// Appends the condition for a value that is one of `operands`, which are all
/// of one class and not null.
pub(super) fn one_of(sql: &mut Sql, index: &str, operands: &[&Scalar<'_>]) {
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        match operand {
            Scalar::Null => {}
            Scalar::Bool(value) => values.push(Value::from(i64::from(*value))),
            Scalar::Text(text) => values.push(until_nul(text).into()),
            number => {
                let whole = whole(number);
                values.push(whole.into());
                if whole.unsigned_abs() >= FAR.unsigned_abs() {
                    values.push(if whole > 0 { i64::MAX } else { i64::MIN }.into());
                }
            }
        }
    }
    match values.as_slice() {
        [value] => {
            sql.push(" AND ").push(index).push(" = ").bind(value.clone());
        }
        values if values.len() <= MAX_SEPARATE => {
            sql.push(" AND ").push(index);
            for (number, value) in values.iter().enumerate() {
                sql.push(if number == 0 { " IN (" } else { ", " }).bind(value.clone());
            }
            sql.push(if values.is_empty() { " IN ()" } else { ")" });
        }
        values => {
            let list: Vec<serde_json::Value> = values.iter().map(json).collect();
            let list = serde_json::Value::from(list).to_string();
            // A server limits a value, and the exact condition sends the operands too.
            if list.len() <= MAX_NARROWING {
                sql.push(" AND ").push(index).push(" IN (SELECT value FROM json_each(").bind(list).push("))");
            }
        }
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(integer) => (*integer).into(),
        Value::Text(text) | Value::Json(text) => text.as_str().into(),
    }
}

fn until_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

/// The whole part of a number, or the nearest integer that there is.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as meant")]
fn whole(number: &Scalar<'_>) -> i64 {
    match number {
        Scalar::Integer(integer) => *integer,
        Scalar::Real(real) => *real as i64,
        Scalar::Null | Scalar::Bool(_) | Scalar::Text(_) => 0,
    }
}
