//! Where a field's value is, in SQL.

use memory_core::{Field, FieldType, Path};

use super::Sql;
use crate::schema::IndexedKey;
use crate::schema::index::path;
use crate::storage::table::Table;

/// A field as SQL expressions.
pub(super) enum Place {
    /// A field of the record's own: its value, and what it always holds.
    Own { value: &'static str, of: FieldType },
    /// A place in the metadata: its value (of a list or object its JSON text)
    /// and the name of its JSON type, both NULL where it is missing.
    Metadata { value: Sql, kind: Sql },
}

/// The value or type under literal keys of any text, by walking the objects;
/// no index can serve it.
const WALK: [&str; 3] = [
    "(WITH RECURSIVE walk (level, value, type) AS (
        SELECT 0, metadata, 'object'
        UNION ALL
        SELECT walk.level + 1, inside.value, inside.type
        FROM walk, json_each(CASE walk.type WHEN 'object' THEN walk.value ELSE '{}' END) AS inside
        WHERE inside.key = json_extract(",
    ", '$[' || walk.level || ']')
    )
    SELECT ",
    " FROM walk WHERE level = ",
];

pub(super) fn place<R: Table>(field: &Field<R>) -> Place {
    match field.path() {
        Path::Own(name) => {
            let of = R::FIELDS.iter().find(|def| def.name == *name).map_or(FieldType::Text, |def| def.of);
            Place::Own { value: R::expression(*name), of }
        }
        Path::Metadata(keys) => {
            let checked: Result<Vec<_>, _> = keys.iter().map(|key| IndexedKey::new(key)).collect();
            match (checked, keys.as_slice()) {
                (Ok(checked), _) => literal(&path(&checked)),
                (Err(_), [key]) => Place::Metadata { value: each(key, "value"), kind: each(key, "type") },
                (Err(_), keys) => Place::Metadata { value: walk(keys, "value"), kind: walk(keys, "type") },
            }
        }
    }
}

fn literal(path: &str) -> Place {
    let call = |function: &str| Sql { text: format!("{function}(metadata, {path})"), args: Vec::new() };
    Place::Metadata { value: call("json_extract"), kind: call("json_type") }
}

fn each(key: &str, column: &str) -> Sql {
    let mut sql = Sql::default();
    sql.push("(SELECT ").push(column).push(" FROM json_each(metadata) WHERE key = ").bind(key).push(")");
    sql
}

fn walk(keys: &[String], column: &str) -> Sql {
    let mut sql = Sql::default();
    let [start, select, from] = WALK;
    sql.push(start).bind(serde_json::Value::from(keys).to_string()).push(select).push(column).push(from);
    sql.bind(i64::try_from(keys.len()).unwrap_or(i64::MAX)).push(")");
    sql
}
