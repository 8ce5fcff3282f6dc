//! The statements on patterns.

use crate::storage::table::TableSql;

macro_rules! select {
    () => {
        // libsql cuts a text at a NUL when it reads one, and panics where a text
        // is not UTF-8; a blob it leaves as it is.
        "SELECT
            pattern_id, CAST(context AS BLOB), CAST(success_rate AS BLOB), occurrences,
            CAST(effectiveness AS BLOB), created_at, updated_at, CAST(data AS BLOB), CAST(metadata AS BLOB)
        FROM patterns"
    };
}

pub(super) const SQL: TableSql = TableSql {
    table: "patterns",
    id: "pattern_id",
    time: "created_at",
    select: select!(),
    get: concat!(select!(), " WHERE pattern_id IN (SELECT value FROM json_each(?1))"),
    upsert: "
        INSERT INTO patterns (
            pattern_id, context, success_rate, occurrences, effectiveness, created_at, updated_at, data,
            metadata, pattern_type, domain, language
        )
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (pattern_id) DO UPDATE SET
            context = excluded.context,
            success_rate = excluded.success_rate,
            occurrences = excluded.occurrences,
            effectiveness = excluded.effectiveness,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at,
            data = excluded.data,
            metadata = excluded.metadata,
            pattern_type = excluded.pattern_type,
            domain = excluded.domain,
            language = excluded.language",
    delete: "DELETE FROM patterns WHERE pattern_id IN (SELECT value FROM json_each(?1))",
};
