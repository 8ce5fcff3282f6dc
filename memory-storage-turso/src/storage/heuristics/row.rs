//! Heuristics to rows and back.

use memory_core::backend::FieldName;
use memory_core::{Heuristic, Record, Result};

use super::{query, sql};
use crate::sql::{Columns, TableSql, Value};
use crate::storage::table::{RowReader, Table, json};

impl Table for Heuristic {
    const SQL: &'static TableSql = &sql::SQL;

    fn row(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.id.to_string().into(),
            self.condition.as_str().into(),
            self.action.as_str().into(),
            json(&self.confidence)?,
            json(&self.evidence)?,
            self.created_at.as_micros().into(),
            self.updated_at.as_micros().into(),
            json(&self.metadata)?,
        ])
    }

    fn from_row(columns: &dyn Columns) -> Result<Self> {
        let row = RowReader { kind: Self::KIND, columns };
        let mut heuristic = Self::with_id(
            row.id(0, "heuristic_id")?,
            row.time(5, "created_at")?,
            row.text(1, "condition")?,
            row.text(2, "action")?,
            row.json(3, "confidence")?,
        );
        heuristic.evidence = row.json(4, "evidence")?;
        heuristic.updated_at = row.time(6, "updated_at")?;
        heuristic.metadata = row.json(7, "metadata")?;
        Ok(heuristic)
    }

    fn expression(field: FieldName) -> &'static str {
        query::expression(field)
    }
}
