//! Patterns to rows and back.

use memory_core::backend::FieldName;
use memory_core::{Pattern, Record, Result};

use super::{query, sql};
use crate::sql::{Columns, TableSql, Value};
use crate::storage::table::{RowReader, Table, json};

impl Table for Pattern {
    const SQL: &'static TableSql = &sql::SQL;

    fn row(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.id.to_string().into(),
            json(&self.context)?,
            json(&self.success_rate)?,
            i64::from(self.occurrences).into(),
            json(&self.effectiveness)?,
            self.created_at.as_micros().into(),
            self.updated_at.as_micros().into(),
            json(&self.kind)?,
            json(&self.metadata)?,
            self.kind.name().into(),
        ])
    }

    fn from_row(columns: &dyn Columns) -> Result<Self> {
        let row = RowReader { kind: Self::KIND, columns };
        let mut pattern = Self::with_id(
            row.id(0, "pattern_id")?,
            row.time(5, "created_at")?,
            row.json(1, "context")?,
            row.json(7, "data")?,
        );
        pattern.success_rate = row.json(2, "success_rate")?;
        pattern.occurrences = row.count(3, "occurrences")?;
        pattern.effectiveness = row.json(4, "effectiveness")?;
        pattern.updated_at = row.time(6, "updated_at")?;
        pattern.metadata = row.json(8, "metadata")?;
        Ok(pattern)
    }

    fn expression(field: FieldName) -> &'static str {
        query::expression(field)
    }
}
