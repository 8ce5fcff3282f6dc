//! The statements on episodes.

use crate::storage::table::TableSql;

macro_rules! select {
    () => {
        // libsql cuts a text at a NUL when it reads one, and panics where a text
        // is not UTF-8; a blob it leaves as it is.
        "SELECT
            episode_id, CAST(task_type AS BLOB), CAST(task_description AS BLOB), CAST(context AS BLOB),
            start_time, end_time, CAST(steps AS BLOB), CAST(outcome AS BLOB), CAST(reward AS BLOB),
            CAST(reflection AS BLOB), CAST(patterns AS BLOB), CAST(heuristics AS BLOB),
            CAST(metadata AS BLOB), archived_at
        FROM episodes"
    };
}

pub(super) const SQL: TableSql = TableSql {
    table: "episodes",
    id: "episode_id",
    time: "start_time",
    select: select!(),
    get: concat!(select!(), " WHERE episode_id IN (SELECT value FROM json_each(?1))"),
    upsert: "
        INSERT INTO episodes (
            episode_id, task_type, task_description, context, start_time, end_time, steps, outcome,
            reward, reflection, patterns, heuristics, metadata, archived_at, domain, language
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
        ON CONFLICT (episode_id) DO UPDATE SET
            task_type = excluded.task_type,
            task_description = excluded.task_description,
            context = excluded.context,
            start_time = excluded.start_time,
            end_time = excluded.end_time,
            steps = excluded.steps,
            outcome = excluded.outcome,
            reward = excluded.reward,
            reflection = excluded.reflection,
            patterns = excluded.patterns,
            heuristics = excluded.heuristics,
            metadata = excluded.metadata,
            archived_at = excluded.archived_at,
            domain = excluded.domain,
            language = excluded.language",
    delete: "DELETE FROM episodes WHERE episode_id IN (SELECT value FROM json_each(?1))",
};
