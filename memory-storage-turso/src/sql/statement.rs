//! Statements and the steps of a write.

use std::borrow::Cow;

use uuid::Uuid;

use super::{Upsert, Value};

/// SQL with its values.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) args: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>, args: impl Into<Vec<Value>>) -> Self {
        Self { sql: sql.into(), args: args.into() }
    }
}

/// A part of an atomic write.
#[derive(Debug)]
pub(crate) enum Step {
    /// Rows to store, by [`TableSql::upsert`](super::TableSql::upsert).
    Each { sql: Upsert, rows: Vec<Vec<Value>> },
    /// One statement, whose changed rows are counted.
    Counted(Statement),
}

/// The result of a write on a server.
#[cfg(feature = "remote")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// Rows that its counted statements changed.
    pub(crate) counted: u64,
    /// True if an earlier attempt took effect, and this one did nothing.
    pub(crate) already: bool,
}

/// Ids as a JSON array, which one parameter of one fixed statement takes.
pub(crate) fn id_list(ids: impl ExactSizeIterator<Item = Uuid>) -> String {
    let mut list = String::with_capacity(2 + 39 * ids.len());
    list.push('[');
    for (number, id) in ids.enumerate() {
        if number > 0 {
            list.push(',');
        }
        list.push('"');
        list.push_str(id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        list.push('"');
    }
    list.push(']');
    list
}
