//! The one place that sends SQL.

#[cfg(feature = "local")]
pub(crate) mod local;

use std::borrow::Cow;

use memory_core::{Error, Result};

/// A value bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

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
    /// One statement, run for each row.
    Each { sql: &'static str, rows: Vec<Vec<Value>> },
    /// One statement, whose changed rows are counted.
    Counted(Statement),
}

/// A row of an answer, as its columns.
pub(crate) trait Columns {
    /// The text of a column, also one that was cast to a blob so that nothing
    /// cuts it at a NUL.
    fn text(&self, column: usize) -> Result<Cow<'_, str>>;
    fn optional_text(&self, column: usize) -> Result<Option<Cow<'_, str>>>;
    fn integer(&self, column: usize) -> Result<i64>;
    fn optional_integer(&self, column: usize) -> Result<Option<i64>>;
    fn real(&self, column: usize) -> Result<f64>;
}

pub(crate) fn unexpected(column: usize, wanted: &str) -> Error {
    Error::corrupt(format!("column {column} of a row is not {wanted}"))
}
