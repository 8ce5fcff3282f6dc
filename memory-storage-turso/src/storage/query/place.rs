//! Where a field's value is, in SQL.

use std::borrow::Cow;

use memory_core::Field;
use memory_core::backend::{FieldType, IndexedKey, Path};

use super::Sql;
use crate::schema::IndexSql as _;
use crate::schema::index::path;
use crate::storage::table::Table;

/// A field as SQL expressions.
pub(super) enum Place {
    /// A field of the record's own: its value, and what it always holds.
    Own { value: Cow<'static, str>, of: FieldType },
    /// A place in the metadata: its value (of a list or object its JSON text)
    /// and the name of its JSON type, which is NULL where it is missing; and
    /// what an index on it holds, if it can have one
    /// ([`IndexSql::indexed_value`](crate::schema::IndexSql::indexed_value)).
    Metadata { value: Sql, kind: Sql, index: Option<String> },
}

pub(super) fn place<R: Table>(field: &Field<R>) -> Place {
    match field.path() {
        Path::Own(name) => {
            let of = R::FIELDS.iter().find(|def| def.name == *name).map_or(FieldType::Text, |def| def.of);
            let value = match (R::expression(*name), of) {
                (text, FieldType::Real) => Cow::Owned(format!("CAST({text} AS REAL)")),
                (value, _) => Cow::Borrowed(value),
            };
            Place::Own { value, of }
        }
        Path::Metadata(keys) => {
            let checked: Result<Vec<_>, _> = keys.iter().map(|key| IndexedKey::new(key)).collect();
            match (checked, keys.as_slice()) {
                (Ok(checked), [key]) => indexed(&checked[0], key),
                (Ok(checked), keys) => nested(&path(&checked), keys),
                (Err(_), [key]) => Place::Metadata { value: each(key, "value"), kind: each(key, "type"), index: None },
                (Err(_), keys) => Place::Metadata { value: walk(keys, "value"), kind: walk(keys, "type"), index: None },
            }
        }
    }
}

/// The JSON text of a number in metadata as it was written, NULL where SQLite
/// cannot be trusted to find it. `None` if no path leads there: an empty key,
/// one with a quote or one with a NUL cannot be written in a path that every
/// version of SQLite understands.
pub(super) fn text_in_metadata<R: Table>(field: &Field<R>) -> Option<Sql> {
    let Path::Metadata(keys) = field.path() else { return None };
    let mut path = String::from("$");
    for key in keys {
        if key.is_empty() || key.contains(['"', '\0']) {
            return None;
        }
        path.push('.');
        path.push_str(&serde_json::Value::from(key.as_str()).to_string());
    }
    let mut sql = Sql::default();
    match keys.len() {
        // Keys are stored sorted, so this key comes before those that only
        // seem to be it.
        1 => sql.push("(metadata -> ").bind(path).push(")"),
        _ => sql.push("(CASE WHEN ").push(NO_NUL).push(" THEN metadata -> ").bind(path).push(" END)"),
    };
    Some(sql)
}

/// Whether a path means what it says: SQLite takes a key that goes on after an
/// escaped NUL for the key before the NUL.
const NO_NUL: &str = "instr(metadata, '\\u0000') = 0";

/// A key that can have an index. Keys are stored sorted, so where this key is
/// there, it comes before those that only seem to be it; the type tells whether
/// it is there.
fn indexed(checked: &IndexedKey, key: &str) -> Place {
    let path = &checked.path();
    let mut kind = Sql::default();
    kind.push("CASE WHEN ").push(NO_NUL);
    kind.push(" OR EXISTS (SELECT 1 FROM json_each(metadata) WHERE key = ").bind(key);
    kind.push(") THEN json_type(metadata, ").push(path).push(") END");
    let mut value = Sql::default();
    value.push("json_extract(metadata, ").push(path).push(")");
    Place::Metadata { value, kind, index: Some(checked.indexed_value()) }
}

fn nested(path: &str, keys: &[String]) -> Place {
    let either = |function: &str, column: &str| {
        let mut sql = Sql::default();
        sql.push("CASE WHEN ").push(NO_NUL).push(" THEN ").push(function).push("(metadata, ").push(path);
        sql.push(") ELSE ").append(&walk(keys, column)).push(" END");
        sql
    };
    Place::Metadata { value: either("json_extract", "value"), kind: either("json_type", "type"), index: None }
}

/// The value or type of a key of any text; no index can serve it.
fn each(key: &str, column: &str) -> Sql {
    let mut sql = Sql::default();
    sql.push("(SELECT ").push(column).push(" FROM json_each(metadata) WHERE key = ").bind(key).push(")");
    sql
}

/// As `each`, under keys inside each other, by walking the objects.
fn walk(keys: &[String], column: &str) -> Sql {
    let mut sql = Sql::default();
    sql.push(
        "(WITH RECURSIVE walk (level, value, type) AS (
            SELECT 0, metadata, 'object'
            UNION ALL
            SELECT walk.level + 1, inside.value, inside.type
            FROM walk, json_each(CASE walk.type WHEN 'object' THEN walk.value ELSE '{}' END) AS inside
            WHERE inside.key = json_extract(",
    );
    sql.bind(serde_json::Value::from(keys).to_string()).push(", '$[' || walk.level || ']')) SELECT ").push(column);
    sql.push(" FROM walk WHERE level = ").bind(i64::try_from(keys.len()).unwrap_or(i64::MAX)).push(")");
    sql
}
