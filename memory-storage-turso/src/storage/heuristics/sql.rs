//! The statements on heuristics.

use crate::storage::table::TableSql;

macro_rules! select {
    () => {
        // libsql cuts a text at a NUL when it reads one, and panics where a text
        // is not UTF-8; a blob it leaves as it is.
        "SELECT
            heuristic_id, CAST(condition AS BLOB), CAST(action AS BLOB), CAST(confidence AS BLOB),
            CAST(evidence AS BLOB), created_at, updated_at, CAST(metadata AS BLOB)
        FROM heuristics"
    };
}

pub(super) const SQL: TableSql = TableSql {
    table: "heuristics",
    id: "heuristic_id",
    time: "created_at",
    select: select!(),
    get: concat!(select!(), " WHERE heuristic_id IN (SELECT value FROM json_each(?1))"),
    upsert: "
        INSERT INTO heuristics (
            heuristic_id, condition, action, confidence, evidence, created_at, updated_at, metadata
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (heuristic_id) DO UPDATE SET
            condition = excluded.condition,
            action = excluded.action,
            confidence = excluded.confidence,
            evidence = excluded.evidence,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at,
            metadata = excluded.metadata",
    delete: "DELETE FROM heuristics WHERE heuristic_id IN (SELECT value FROM json_each(?1))",
};
