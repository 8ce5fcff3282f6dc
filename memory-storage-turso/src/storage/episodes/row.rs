//! Episodes to rows and back.

use memory_core::backend::FieldName;
use memory_core::{Episode, Record, Result, Timestamp};

use super::{query, sql};
use crate::sql::{Columns, TableSql, Value};
use crate::storage::table::{RowReader, Table, json};

impl Table for Episode {
    const SQL: &'static TableSql = &sql::SQL;

    fn row(&self) -> Result<Vec<Value>> {
        Ok(vec![
            self.id.to_string().into(),
            self.task_type.name().into(),
            self.task_description.as_str().into(),
            json(&self.context)?,
            self.start_time.as_micros().into(),
            self.end_time.map(Timestamp::as_micros).into(),
            json(&self.steps)?,
            self.outcome.as_ref().map(json).transpose()?.unwrap_or(Value::Null),
            self.reward.as_ref().map(json).transpose()?.unwrap_or(Value::Null),
            self.reflection.as_ref().map(json).transpose()?.unwrap_or(Value::Null),
            json(&self.patterns)?,
            json(&self.heuristics)?,
            json(&self.metadata)?,
            self.archived_at.map(Timestamp::as_micros).into(),
        ])
    }

    fn from_row(columns: &dyn Columns) -> Result<Self> {
        let row = RowReader { kind: Self::KIND, columns };
        let mut episode = Self::with_id(
            row.id(0, "episode_id")?,
            row.time(4, "start_time")?,
            row.text(2, "task_description")?,
            row.json(3, "context")?,
            row.variant(1, "task_type")?,
        );
        episode.end_time = row.optional_time(5, "end_time")?;
        episode.steps = row.json(6, "steps")?;
        episode.outcome = row.optional_json(7, "outcome")?;
        episode.reward = row.optional_json(8, "reward")?;
        episode.reflection = row.optional_json(9, "reflection")?;
        episode.patterns = row.json(10, "patterns")?;
        episode.heuristics = row.json(11, "heuristics")?;
        episode.metadata = row.json(12, "metadata")?;
        episode.archived_at = row.optional_time(13, "archived_at")?;
        Ok(episode)
    }

    fn expression(field: FieldName) -> &'static str {
        query::expression(field)
    }
}
