//! Rows as their columns.

use std::borrow::Cow;

use memory_core::{Error, Result};

/// A row of an answer, as its columns.
pub(crate) trait Columns {
    /// The text of a column, also one that was cast to a blob so that nothing
    /// cuts it at a NUL.
    fn text(&self, column: usize) -> Result<Cow<'_, str>> {
        self.optional_text(column)?.ok_or_else(|| unexpected(column, "a text"))
    }
    fn optional_text(&self, column: usize) -> Result<Option<Cow<'_, str>>>;
    fn integer(&self, column: usize) -> Result<i64> {
        self.optional_integer(column)?.ok_or_else(|| unexpected(column, "an integer"))
    }
    fn optional_integer(&self, column: usize) -> Result<Option<i64>>;
}

pub(crate) fn unexpected(column: usize, wanted: &str) -> Error {
    Error::corrupt(format!("column {column} of a row is not {wanted}"))
}
