//! Rows as columns, on their connection and off it.

use std::borrow::Cow;

use libsql::{Row, Value, ValueType};
use memory_core::Result;

use crate::sql::{Columns, unexpected};

impl Columns for Row {
    fn optional_text(&self, column: usize) -> Result<Option<Cow<'_, str>>> {
        let wrong = |_| unexpected(column, "a text");
        match self.column_type(index(column)).map_err(wrong)? {
            ValueType::Null => Ok(None),
            ValueType::Text => self.get_str(index(column)).map(|text| Some(Cow::Borrowed(text))).map_err(wrong),
            ValueType::Blob => {
                let bytes: Vec<u8> = self.get(index(column)).map_err(wrong)?;
                String::from_utf8(bytes).map(|text| Some(Cow::Owned(text))).map_err(|_| unexpected(column, "UTF-8"))
            }
            ValueType::Integer | ValueType::Real => Err(unexpected(column, "a text")),
        }
    }

    fn optional_integer(&self, column: usize) -> Result<Option<i64>> {
        match self.get_value(index(column)) {
            Ok(Value::Null) => Ok(None),
            Ok(Value::Integer(integer)) => Ok(Some(integer)),
            _ => Err(unexpected(column, "an integer")),
        }
    }
}

fn index(column: usize) -> i32 {
    i32::try_from(column).unwrap_or(i32::MAX)
}

/// A row taken off its connection, to be decoded elsewhere: a record made on
/// one thread and freed on another costs the allocator more than the copy.
#[derive(Debug)]
pub(crate) struct OwnedRow(Vec<Value>);

impl OwnedRow {
    pub(super) fn new(row: &Row) -> Result<Self> {
        let value = |column| row.get_value(column).map_err(|_| unexpected(0, "readable"));
        (0..row.column_count()).map(value).collect::<Result<_>>().map(Self)
    }

    /// The bytes that its columns hold.
    pub(crate) fn size(&self) -> usize {
        let size = |value: &Value| match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => size_of::<Value>(),
        };
        self.0.iter().map(size).sum()
    }
}

impl Columns for OwnedRow {
    fn optional_text(&self, column: usize) -> Result<Option<Cow<'_, str>>> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(Cow::Borrowed(text))),
            Some(Value::Blob(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(Cow::Borrowed(text))),
                Err(_) => Err(unexpected(column, "UTF-8")),
            },
            _ => Err(unexpected(column, "a text")),
        }
    }

    fn optional_integer(&self, column: usize) -> Result<Option<i64>> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(integer)) => Ok(Some(*integer)),
            _ => Err(unexpected(column, "an integer")),
        }
    }
}
