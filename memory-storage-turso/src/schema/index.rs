//! Metadata keys that can have an index.

use std::fmt;

use memory_core::{Error, Result};
use uuid::Uuid;

use crate::transport::Statement;

/// The longest key that can have an index.
const MAX_LEN: usize = 128;

/// A metadata key made of `[A-Za-z0-9_.-]` alone, 1 to 128 of them: the only
/// text from outside that ever becomes part of an SQL text.
///
/// SQLite uses an index on an expression only where the query holds the same
/// text, so the path must be written out. A key of these characters needs no
/// escaping between the quotes of a JSON path or of an SQL string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexedKey(String);

impl IndexedKey {
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for any other key.
    pub(crate) fn new(key: &str) -> Result<Self> {
        let admissible = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if (1..=MAX_LEN).contains(&key.len()) && key.bytes().all(admissible) {
            return Ok(Self(key.to_owned()));
        }
        let reason = format!(
            "{:?} cannot have an index: 1 to {MAX_LEN} letters, digits, `_`, `.` and `-` can; other keys are found by a scan",
            key.chars().take(MAX_LEN).collect::<String>()
        );
        Err(Error::invalid_input("index_metadata", reason))
    }

    /// The index on `table`, whose rows are ordered by `time` and `id`.
    pub(crate) fn index(&self, table: &str, time: &str, id: &str) -> Index {
        let name = format!("{table}_metadata_{}", self.hash());
        let create = format!(
            "CREATE INDEX IF NOT EXISTS {name} ON {table} (json_extract(metadata, {path}), {time} DESC, {id} DESC)",
            path = self.path(),
        );
        Index {
            create: Statement::new(create, []),
            #[cfg(feature = "local")]
            name,
        }
    }

    /// The JSON path of this key, quoted for SQL.
    pub(crate) fn path(&self) -> String {
        path(std::slice::from_ref(self))
    }

    /// Stands for the key in the index's name, since SQLite's names ignore
    /// case and keys do not.
    fn hash(&self) -> String {
        Uuid::new_v5(&Uuid::NAMESPACE_OID, self.0.as_bytes()).simple().to_string()
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
    for IndexedKey(key) in keys {
        path.push_str(".\"");
        path.push_str(key);
        path.push('"');
    }
    path.push('\'');
    path
}

impl fmt::Display for IndexedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_keys_can_have_an_index() {
        let longest = "k".repeat(MAX_LEN);
        for key in ["session", "a.b", "a-b_c.9", "0", longest.as_str()] {
            assert!(IndexedKey::new(key).is_ok(), "{key}");
        }
        let too_long = "k".repeat(MAX_LEN + 1);
        let hostile =
            ["", "a b", "a\"b", "a'b", "$.x", "a[0]", "\\", "ключ", "a\0", "x') --", "a;b", "a\n", too_long.as_str()];
        for key in hostile {
            let error = IndexedKey::new(key).unwrap_err();
            assert!(error.to_string().contains("cannot have an index"), "{error}");
        }
    }

    #[test]
    fn keys_that_differ_in_case_have_indexes_of_their_own() {
        let name = |key: &str| IndexedKey::new(key).unwrap().hash().to_lowercase();
        assert_ne!(name("Session"), name("session"));
    }

    #[test]
    fn a_path_holds_its_keys_literally() {
        let keys = ["a.b", "c-d"].map(|key| IndexedKey::new(key).unwrap());
        assert_eq!(keys[0].path(), r#"'$."a.b"'"#);
        assert_eq!(path(&keys), r#"'$."a.b"."c-d"'"#);
    }
}
