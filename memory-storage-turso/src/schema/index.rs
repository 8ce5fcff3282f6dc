//! Metadata keys that can have an index, and what the index holds.

use memory_core::backend::IndexedKey;
use uuid::Uuid;

use crate::sql::Statement;

/// From this magnitude on, the index may hold a real as the largest or smallest
/// integer instead of its whole part.
pub(crate) const FAR: i64 = 4_000_000_000_000_000;

/// What SQL needs of a key that can have an index: the only text from outside
/// that ever becomes part of an SQL text.
///
/// SQLite uses an index on an expression only where the query holds the same
/// text, so the path must be written out.
pub(crate) trait IndexSql {
    /// The index on `table`, whose rows are ordered by `time` and `id`.
    fn index(&self, table: &str, time: &str, id: &str) -> Index;

    /// The SQL expression that the index holds.
    fn indexed_value(&self) -> String;

    /// The JSON path of this key, quoted for SQL.
    fn path(&self) -> String;
}

impl IndexSql for IndexedKey {
    fn index(&self, table: &str, time: &str, id: &str) -> Index {
        let definition = format!("ON {table} ({}, {time} DESC, {id} DESC)", self.indexed_value());
        // The name stands for the whole definition. It is a hash, since names in
        // SQLite ignore case and keys do not.
        let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, definition.as_bytes()).simple();
        let name = format!("{table}_metadata_{hash}");
        Index {
            create: Statement::new(format!("CREATE INDEX IF NOT EXISTS {name} {definition}"), []),
            #[cfg(feature = "local")]
            name,
        }
    }

    /// The SQL expression that the index holds: a coarse form of the value that
    /// every version of SQLite computes alike, so that a file may be written by
    /// one and read by another.
    ///
    /// - A text: up to its first NUL, where versions before 3.45 end.
    /// - An integer, `true` (1) and `false` (0): themselves.
    /// - A real: its whole part, taken from the JSON text, since versions parse
    ///   reals differently. Texts with an exponent stand for reals below 1e-5,
    ///   whose whole part is 0, or from 1e16 on, which become the largest or
    ///   smallest integer; [`FAR`] lies where no version is in doubt.
    /// - NULL for `null`, lists, objects and where the key is missing.
    ///
    /// Versions disagree on whether `$."k"` finds the key `k\0…`; where there is
    /// one, the key itself must be there.
    fn indexed_value(&self) -> String {
        let (key, path) = (self.as_str(), self.path());
        let value = format!("json_extract(metadata, {path})");
        let text = format!("(metadata -> {path})");
        format!(
            "CASE WHEN instr(metadata, '\"{key}\\u0000') = 0 OR instr(metadata, '\"{key}\":') > 0 \
            THEN CASE json_type(metadata, {path}) \
            WHEN 'text' THEN printf('%s', {value}) \
            WHEN 'integer' THEN {value} \
            WHEN 'real' THEN CASE \
            WHEN instr(lower({text}), 'e') = 0 THEN CAST({text} AS INTEGER) \
            WHEN abs({value}) < {FAR} THEN CAST({value} AS INTEGER) \
            WHEN {value} > 0 THEN {max} ELSE {min} END \
            WHEN 'true' THEN 1 WHEN 'false' THEN 0 END END",
            max = i64::MAX,
            min = i64::MIN,
        )
    }

    fn path(&self) -> String {
        path(std::slice::from_ref(self))
    }
}

/// An index on a metadata key.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// The one in the schema.
    #[cfg(feature = "local")]
    pub(crate) name: String,
    /// What creates it unless it is there.
    pub(crate) create: Statement,
}

/// The JSON path of keys inside each other, quoted for SQL.
pub(crate) fn path(keys: &[IndexedKey]) -> String {
    let mut path = String::from("'$");
    for key in keys {
        path.push_str(".\"");
        path.push_str(key.as_str());
        path.push('"');
    }
    path.push('\'');
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_differ_in_name_where_they_differ_in_case_or_order() {
        let create =
            |key: &str, time| IndexedKey::new(key).unwrap().index("episodes", time, "id").create.sql.to_lowercase();
        let name = |sql: &str| sql.split_whitespace().nth(5).unwrap().to_owned();
        let names =
            [create("Session", "time"), create("session", "time"), create("session", "other")].map(|sql| name(&sql));
        assert!(names.iter().all(|name| name.starts_with("episodes_metadata_")), "{names:?}");
        assert!(names[0] != names[1] && names[1] != names[2], "{names:?}");
    }

    #[test]
    fn a_path_holds_its_keys_literally() {
        let keys = ["a.b", "c-d"].map(|key| IndexedKey::new(key).unwrap());
        assert_eq!(keys[0].path(), r#"'$."a.b"'"#);
        assert_eq!(path(&keys), r#"'$."a.b"."c-d"'"#);
    }
}
