//! The statements on episodes.

use crate::sql::{TableSql, Texts, Upsert};

macro_rules! upsert {
    ($rows:literal) => {
        concat!(
            "INSERT INTO episodes (
                episode_id, task_type, task_description, context, start_time, end_time, steps, outcome,
                reward, reflection, patterns, heuristics, metadata, archived_at, domain, language
            ) ",
            $rows,
            " ON CONFLICT (episode_id) DO UPDATE SET
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
                language = excluded.language"
        )
    };
}

pub(super) const SQL: TableSql = TableSql {
    table: "episodes",
    id: "episode_id",
    time: "start_time",
    columns: Texts {
        // libsql cuts a text at a NUL when it reads one, and panics where a text
        // is not UTF-8; a blob it leaves as it is.
        local: "episode_id, CAST(task_type AS BLOB), CAST(task_description AS BLOB), CAST(context AS BLOB),
            start_time, end_time, CAST(steps AS BLOB), CAST(outcome AS BLOB), CAST(reward AS BLOB),
            CAST(reflection AS BLOB), CAST(patterns AS BLOB), CAST(heuristics AS BLOB),
            CAST(metadata AS BLOB), archived_at",
        remote: "episode_id, task_type, task_description, context, start_time, end_time, steps, outcome,
            reward, reflection, patterns, heuristics, metadata, archived_at",
    },
    size: "octet_length(task_description) + octet_length(context) + octet_length(steps)
        + ifnull(octet_length(outcome), 0) + ifnull(octet_length(reward), 0) + ifnull(octet_length(reflection), 0)
        + octet_length(patterns) + octet_length(heuristics) + octet_length(metadata) + 540",
    upsert: Upsert {
        one: upsert!(
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?4 ->> '$.domain', ?4 ->> '$.language')"
        ),
        // `json_each` makes each value anew, as text, as often as it is asked for:
        // once here. The `WHERE` keeps SQLite from taking `ON CONFLICT` for a join.
        many: upsert!(
            "WITH given (value) AS MATERIALIZED (SELECT value FROM json_each(?1))
            SELECT
                value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12,
                value ->> 13, value ->> '$[3].domain', value ->> '$[3].language'
            FROM given
            WHERE true"
        ),
    },
    delete: "DELETE FROM episodes WHERE episode_id IN (SELECT value FROM json_each(?1))",
};
