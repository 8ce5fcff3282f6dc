//! Episodes as rows, written by hand, for any client.
//!
//! The peer `rusqlite` compiles this file too, so that it does what raw libsql
//! does.

use std::borrow::Cow;

use anyhow::{Context, Result};
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

pub(crate) const GET: &str = select!("WHERE episode_id = ?1");

/// By a JSON array of ids.
pub(crate) const GET_BATCH: &str = select!("WHERE episode_id IN (SELECT value FROM json_each(?1))");

pub(crate) const BY_DOMAIN: &str = select!("WHERE domain = ?1 ORDER BY start_time DESC, episode_id DESC LIMIT 50");

pub(crate) const BY_CONVERSATION: &str = select!(
    r#"WHERE json_extract(metadata, '$."conversation"') = ?1
    ORDER BY start_time DESC, episode_id DESC LIMIT 50"#
);

pub(crate) const BY_SESSION: &str = select!(
    r#"WHERE json_extract(metadata, '$."session"') = ?1
    ORDER BY start_time DESC, episode_id DESC LIMIT 50"#
);

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

pub(crate) const INSERT: &str = insert!("");

pub(crate) const DELETE: &str = "DELETE FROM episodes WHERE episode_id = ?1";

/// A client's values.
pub(crate) trait Value: From<String> + From<i64> + From<Option<String>> + From<Option<i64>> {}

impl<V: From<String> + From<i64> + From<Option<String>> + From<Option<i64>>> Value for V {}

/// The values of [`insert`].
pub(crate) fn values<V: Value>(episode: &Episode) -> Result<Vec<V>> {
    Ok(vec![
        episode.id.to_string().into(),
        episode.task_type.name().to_owned().into(),
        episode.task_description.clone().into(),
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
        episode.context.domain.clone().into(),
        episode.context.language.clone().into(),
    ])
}

/// A value as a column of JSON.
pub(crate) fn json<V: From<String>>(value: &impl Serialize) -> Result<V> {
    Ok(serde_json::to_string(value)?.into())
}

fn optional_json<V: From<Option<String>>>(value: Option<&impl Serialize>) -> Result<V> {
    Ok(value.map(serde_json::to_string).transpose()?.into())
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
