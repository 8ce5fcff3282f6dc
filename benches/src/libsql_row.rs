//! Rows of libsql.

use std::borrow::Cow;

use anyhow::Result;
use libsql::ValueType;

use crate::row::Cells;

impl Cells for libsql::Row {
    fn text(&self, column: usize) -> Result<Cow<'_, str>> {
        Ok(self.get_str(index(column))?.into())
    }

    fn is_null(&self, column: usize) -> Result<bool> {
        Ok(matches!(self.column_type(index(column))?, ValueType::Null))
    }

    fn integer(&self, column: usize) -> Result<i64> {
        Ok(self.get(index(column))?)
    }
}

fn index(column: usize) -> i32 {
    i32::try_from(column).unwrap_or(i32::MAX)
}
