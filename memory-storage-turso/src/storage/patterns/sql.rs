//! The statements on patterns.

use crate::sql::{TableSql, Texts, Upsert};

macro_rules! upsert {
    ($rows:literal) => {
        concat!(
            "INSERT INTO patterns (
                pattern_id, context, success_rate, occurrences, effectiveness, created_at, updated_at, data,
                metadata, pattern_type, domain, language
            ) ",
            $rows,
            " ON CONFLICT (pattern_id) DO UPDATE SET
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
                language = excluded.language"
        )
    };
}

pub(super) const SQL: TableSql = TableSql {
    table: "patterns",
    id: "pattern_id",
    time: "created_at",
    columns: Texts {
        // libsql cuts a text at a NUL when it reads one, and panics where a text
        // is not UTF-8; a blob it leaves as it is.
        local: "pattern_id, CAST(context AS BLOB), CAST(success_rate AS BLOB), occurrences,
            CAST(effectiveness AS BLOB), created_at, updated_at, CAST(data AS BLOB), CAST(metadata AS BLOB)",
        remote: "pattern_id, context, success_rate, occurrences, effectiveness, created_at, updated_at, data, metadata",
    },
    size: "octet_length(context) + octet_length(effectiveness) + octet_length(data) + octet_length(metadata) + 420",
    upsert: Upsert {
        one: upsert!("VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?2 ->> '$.domain', ?2 ->> '$.language')"),
        // `json_each` makes each value anew, as text, as often as it is asked for:
        // once here. The `WHERE` keeps SQLite from taking `ON CONFLICT` for a join.
        many: upsert!(
            "WITH given (value) AS MATERIALIZED (SELECT value FROM json_each(?1))
            SELECT
                value ->> 0, value ->> 1, value -> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7, value ->> 8, value ->> 9, value ->> '$[1].domain', value ->> '$[1].language'
            FROM given
            WHERE true"
        ),
    },
    delete: "DELETE FROM patterns WHERE pattern_id IN (SELECT value FROM json_each(?1))",
};
