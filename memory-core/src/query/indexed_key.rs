//! Metadata keys that can have an index.

use std::fmt;

use crate::error::{Error, Result};

/// The longest key that can have an index, in bytes.
const MAX_LEN: usize = 128;

/// A metadata key that can have an index: 1 to 128 letters, digits, `_`, `.` and
/// `-`, the same on every backend.
///
/// A backend may write such a key into a statement or a table's name: the key
/// needs no escaping in SQL, in a JSON path or in a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexedKey(String);

impl IndexedKey {
    /// Checks a key.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for any other key.
    pub fn new(key: &str) -> Result<Self> {
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

    /// Returns the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
}
