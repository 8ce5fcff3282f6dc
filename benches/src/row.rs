//! Episodes as rows, written by hand.

use std::borrow::Cow;

use anyhow::{Context, Result};
use libsql::{Value, ValueType};
use memory_core::{Episode, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Selects what [`episode`] reads.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT
                episode_id, task_type, task_description, context, start_time, end_time, steps,
                outcome, reward, reflection, patterns, heuristics, metadata, archived_at
            FROM episodes ",
            $which
        )
    };
}

pub(crate) use select;

/// Inserts the values that [`values`] gives.
macro_rules! insert {
    ($conflict:literal) => {
        concat!(
            "INSERT INTO episodes (
                episode_id, task_type, task_description, context, start_time, end_time, steps, outcome, reward,
                reflection, patterns, heuristics, metadata, archived_at, domain, language
            )
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            $conflict
        )
    };
}

pub(crate) use insert;

/// The values of [`insert`].
pub(crate) fn values(episode: &Episode) -> Result<Vec<Value>> {
    Ok(vec![
        episode.id.to_string().into(),
        episode.task_type.name().into(),
        episode.task_description.as_str().into(),
        json(&episode.context)?,
        episode.start_time.as_micros().into(),
        episode.end_time.map(Timestamp::as_micros).into(),
        json(&episode.steps)?,
        optional_json(episode.outcome.as_ref())?,
        optional_json(episode.reward.as_ref())?,
        optional_json(episode.reflection.as_ref())?,
        json(&episode.patterns)?,
        json(&episode.heuristics)?,
        json(&episode.metadata)?,
        episode.archived_at.map(Timestamp::as_micros).into(),
        episode.context.domain.as_str().into(),
        episode.context.language.clone().into(),
    ])
}

/// A value as a column of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<Value> {
    Ok(serde_json::to_string(value)?.into())
}

fn optional_json<T: Serialize>(value: Option<&T>) -> Result<Value> {
    value.map_or(Ok(Value::Null), json)
}

/// What a client reads from a row.
pub(crate) trait Cells {
    /// The text in a column that is not NULL.
    fn text(&self, column: usize) -> Result<Cow<'_, str>>;
    /// Whether a column is NULL.
    fn is_null(&self, column: usize) -> Result<bool>;
    /// The integer in a column that is not NULL.
    fn integer(&self, column: usize) -> Result<i64>;
}

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

/// The episode in a row of [`select`].
pub(crate) fn episode(row: &impl Cells) -> Result<Episode> {
    let mut episode = Episode::with_id(
        row.text(0)?.parse()?,
        time(row, 4)?.context("an episode without a start")?,
        row.text(2)?,
        read(row, 3)?,
        serde_json::from_value(row.text(1)?.as_ref().into())?,
    );
    episode.end_time = time(row, 5)?;
    episode.steps = read(row, 6)?;
    episode.outcome = optional(row, 7)?;
    episode.reward = optional(row, 8)?;
    episode.reflection = optional(row, 9)?;
    episode.patterns = read(row, 10)?;
    episode.heuristics = read(row, 11)?;
    episode.metadata = read(row, 12)?;
    episode.archived_at = time(row, 13)?;
    Ok(episode)
}

fn read<T: DeserializeOwned>(row: &impl Cells, column: usize) -> Result<T> {
    Ok(serde_json::from_str(&row.text(column)?)?)
}

fn optional<T: DeserializeOwned>(row: &impl Cells, column: usize) -> Result<Option<T>> {
    if row.is_null(column)? { Ok(None) } else { read(row, column).map(Some) }
}

fn time(row: &impl Cells, column: usize) -> Result<Option<Timestamp>> {
    if row.is_null(column)? {
        return Ok(None);
    }
    Ok(Some(Timestamp::from_micros(row.integer(column)?)?))
}
