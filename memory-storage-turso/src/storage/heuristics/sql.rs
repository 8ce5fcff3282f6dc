//! The statements on heuristics.

use crate::sql::{TableSql, Texts, Upsert};

macro_rules! upsert {
    ($rows:literal) => {
        concat!(
            "INSERT INTO heuristics (
                heuristic_id, condition, action, confidence, evidence, created_at, updated_at, metadata
            ) ",
            $rows,
            " ON CONFLICT (heuristic_id) DO UPDATE SET
                condition = excluded.condition,
                action = excluded.action,
                confidence = excluded.confidence,
                evidence = excluded.evidence,
                created_at = excluded.created_at,
                updated_at = excluded.updated_at,
                metadata = excluded.metadata"
        )
    };
}

pub(super) const SQL: TableSql = TableSql {
    table: "heuristics",
    id: "heuristic_id",
    time: "created_at",
    columns: Texts {
        // libsql cuts a text at a NUL when it reads one, and panics where a text
        // is not UTF-8; a blob it leaves as it is.
        local: "heuristic_id, CAST(condition AS BLOB), CAST(action AS BLOB), CAST(confidence AS BLOB),
            CAST(evidence AS BLOB), created_at, updated_at, CAST(metadata AS BLOB)",
        remote: "heuristic_id, condition, action, confidence, evidence, created_at, updated_at, metadata",
    },
    size: "octet_length(condition) + octet_length(action) + octet_length(evidence) + octet_length(metadata) + 370",
    upsert: Upsert {
        one: upsert!("VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        // `json_each` makes each value anew, as text, as often as it is asked for:
        // once here. The `WHERE` keeps SQLite from taking `ON CONFLICT` for a join.
        many: upsert!(
            "WITH given (value) AS MATERIALIZED (SELECT value FROM json_each(?1))
            SELECT
                value ->> 0, value ->> 1, value ->> 2, value -> 3, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7
            FROM given
            WHERE true"
        ),
    },
    delete: "DELETE FROM heuristics WHERE heuristic_id IN (SELECT value FROM json_each(?1))",
};
