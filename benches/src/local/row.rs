//! Episodes as rows, written by hand.

use anyhow::{Context, Result};
use libsql::Value;
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

pub(super) use select;

pub(super) const INSERT: &str = "
    INSERT INTO episodes (
        episode_id, task_type, task_description, context, start_time, end_time, steps, outcome, reward, reflection,
        patterns, heuristics, metadata, archived_at, domain, language
    )
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

/// The values of [`INSERT`].
pub(super) fn values(episode: &Episode) -> Result<Vec<Value>> {
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

fn json<T: Serialize>(value: &T) -> Result<Value> {
    Ok(serde_json::to_string(value)?.into())
}

fn optional_json<T: Serialize>(value: Option<&T>) -> Result<Value> {
    value.map_or(Ok(Value::Null), json)
}

/// The episode in a row of [`select`].
pub(super) fn episode(row: &libsql::Row) -> Result<Episode> {
    let mut episode = Episode::with_id(
        row.get_str(0)?.parse()?,
        time(row, 4)?.context("an episode without a start")?,
        row.get_str(2)?,
        read(row, 3)?,
        serde_json::from_value(row.get_str(1)?.into())?,
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

fn read<T: DeserializeOwned>(row: &libsql::Row, column: i32) -> Result<T> {
    Ok(serde_json::from_str(row.get_str(column)?)?)
}

fn optional<T: DeserializeOwned>(row: &libsql::Row, column: i32) -> Result<Option<T>> {
    match row.column_type(column)? {
        libsql::ValueType::Null => Ok(None),
        _ => read(row, column).map(Some),
    }
}

fn time(row: &libsql::Row, column: i32) -> Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    Ok(micros.map(Timestamp::from_micros).transpose()?)
}
