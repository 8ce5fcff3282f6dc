//! What the peers send, on the schema that ours creates.

use anyhow::Result;
use libsql::Value;
use memory_core::Pattern;

pub(super) use crate::row::{BY_SESSION, GET, GET_BATCH};
use crate::row::{insert, json, select};

pub(super) const UPSERT: &str = insert!(
    " ON CONFLICT (episode_id) DO UPDATE SET
        task_type = excluded.task_type, task_description = excluded.task_description, context = excluded.context,
        start_time = excluded.start_time, end_time = excluded.end_time, steps = excluded.steps,
        outcome = excluded.outcome, reward = excluded.reward, reflection = excluded.reflection,
        patterns = excluded.patterns, heuristics = excluded.heuristics, metadata = excluded.metadata,
        archived_at = excluded.archived_at, domain = excluded.domain, language = excluded.language"
);

pub(super) const UPSERT_PATTERN: &str = "
    INSERT INTO patterns (
        pattern_id, context, success_rate, occurrences, effectiveness, created_at, updated_at, data, metadata,
        pattern_type, domain, language
    )
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT (pattern_id) DO UPDATE SET
        context = excluded.context, success_rate = excluded.success_rate, occurrences = excluded.occurrences,
        effectiveness = excluded.effectiveness, created_at = excluded.created_at, updated_at = excluded.updated_at,
        data = excluded.data, metadata = excluded.metadata, pattern_type = excluded.pattern_type,
        domain = excluded.domain, language = excluded.language";

/// The values of [`UPSERT_PATTERN`].
pub(super) fn pattern(pattern: &Pattern) -> Result<Vec<Value>> {
    Ok(vec![
        pattern.id.to_string().into(),
        json(&pattern.context)?,
        json(&pattern.success_rate)?,
        i64::from(pattern.occurrences).into(),
        json(&pattern.effectiveness)?,
        pattern.created_at.as_micros().into(),
        pattern.updated_at.as_micros().into(),
        json(&pattern.kind)?,
        json(&pattern.metadata)?,
        pattern.kind.name().into(),
        pattern.context.domain.as_str().into(),
        pattern.context.language.clone().into(),
    ])
}

pub(super) const PAGE: &str = select!(
    "WHERE domain = ?1 AND (start_time, episode_id) < (?2, ?3)
    ORDER BY start_time DESC, episode_id DESC LIMIT 50"
);
