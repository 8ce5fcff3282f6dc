//! What differs between the three kinds: their SQL and their rows.

use std::borrow::Cow;
use std::fmt::Display;

use memory_core::backend::FieldName;
use memory_core::{Error, Id, Kind, Record, Result, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::sql::{Columns, TableSql, Value};

/// A kind of record as a table.
pub(crate) trait Table: Record {
    /// Its statements.
    const SQL: &'static TableSql;

    /// The values of [`TableSql::upsert`].
    fn row(&self) -> Result<Vec<Value>>;

    /// The record in a row of [`TableSql::columns`].
    fn from_row(columns: &dyn Columns) -> Result<Self>;

    /// The SQL that gives the value of one of [`Record::FIELDS`], NULL where
    /// it is missing; of a list or a real, its JSON text.
    fn expression(field: FieldName) -> &'static str;
}

/// A value as JSON text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    serde_json::to_string(value)
        .map(Value::Json)
        .map_err(|error| Error::invalid_input("record", format!("has no JSON form: {error}")))
}

/// A row of one kind being read, which names the record and the column where
/// something is damaged.
pub(crate) struct RowReader<'a> {
    pub(crate) kind: Kind,
    pub(crate) columns: &'a dyn Columns,
}

impl RowReader<'_> {
    pub(crate) fn text(&self, column: usize, name: &str) -> Result<Cow<'_, str>> {
        self.columns.text(column).map_err(|error| self.damaged(name, error))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: usize, name: &str) -> Result<T> {
        serde_json::from_str(&self.text(column, name)?).map_err(|error| self.damaged(name, error))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(&self, column: usize, name: &str) -> Result<Option<T>> {
        let text = self.columns.optional_text(column).map_err(|error| self.damaged(name, error))?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| self.damaged(name, error))
    }

    pub(crate) fn id<R>(&self, column: usize, name: &str) -> Result<Id<R>> {
        self.text(column, name)?.parse().map_err(|error: Error| self.damaged(name, error))
    }

    /// A unit variant, by its name in JSON.
    pub(crate) fn variant<T: DeserializeOwned>(&self, column: usize, name: &str) -> Result<T> {
        let text = self.text(column, name)?;
        T::deserialize(StrDeserializer::<ValueError>::new(&text)).map_err(|error| self.damaged(name, error))
    }

    pub(crate) fn time(&self, column: usize, name: &str) -> Result<Timestamp> {
        let micros = self.columns.integer(column);
        micros.and_then(Timestamp::from_micros).map_err(|error| self.damaged(name, error))
    }

    pub(crate) fn optional_time(&self, column: usize, name: &str) -> Result<Option<Timestamp>> {
        let micros = self.columns.optional_integer(column);
        micros
            .and_then(|micros| micros.map(Timestamp::from_micros).transpose())
            .map_err(|error| self.damaged(name, error))
    }

    pub(crate) fn count(&self, column: usize, name: &str) -> Result<u32> {
        let integer = self.columns.integer(column).map_err(|error| self.damaged(name, error))?;
        u32::try_from(integer).map_err(|error| self.damaged(name, error))
    }

    fn damaged(&self, name: &str, how: impl Display) -> Error {
        let id = self.columns.text(0).unwrap_or_default();
        Error::corrupt(format!("{} {id}: column `{name}`: {how}", self.kind))
    }
}
