//! Metadata: free-form data on records.

mod value;

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::fmt;

use serde::ser::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use value::MetadataValue;

/// A JSON object with sorted keys, for data that an application keeps with a
/// record and filters by.
///
/// Storages refuse keys longer than
/// [`MAX_METADATA_KEY`](crate::limits::MAX_METADATA_KEY), values nested deeper
/// than [`MAX_DEPTH`](crate::limits::MAX_DEPTH), integers outside `i64` and
/// numbers that are not finite. Any string is a key, including the empty one,
/// except strings that begin with `$serde_json::private::`: some builds of
/// `serde_json` do not read such an object as an object.
///
/// A NaN or an infinity that is inserted reads as `null`, and
/// [`Record::validate`](crate::Record::validate) and every storage refuse the
/// record until the key is set again or removed. If `json!` or [`Value::from`]
/// has already turned the number into `null`, it is stored as `null`.
///
/// ```
/// use memory_core::Metadata;
///
/// let mut metadata = Metadata::from([("session", "s77")]);
/// metadata.insert("priority", 3);
/// assert_eq!(metadata.get("priority").and_then(|value| value.as_i64()), Some(3));
/// assert_eq!(metadata.to_string(), r#"{"priority":3,"session":"s77"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    values: BTreeMap<String, Value>,
    /// Keys whose value held a number that JSON lacks: `NaN`, `inf`, `-inf`.
    not_finite: BTreeMap<String, String>,
}

impl Metadata {
    /// Creates empty metadata.
    pub const fn new() -> Self {
        Self { values: BTreeMap::new(), not_finite: BTreeMap::new() }
    }

    /// Sets a key and returns its previous value.
    ///
    /// A number that is not finite reads as `null` and makes every storage
    /// refuse the record.
    ///
    /// ```
    /// use memory_core::{Episode, Record, TaskContext, TaskType};
    ///
    /// let mut episode = Episode::new("Rank", TaskContext::new("web"), TaskType::Other);
    /// episode.metadata.insert("score", f64::NAN);
    /// let refused = episode.validate().unwrap_err().to_string();
    /// assert!(refused.ends_with("`metadata`: NaN at key `score` is not a finite number"));
    /// ```
    pub fn insert(&mut self, key: impl Into<String>, value: impl MetadataValue) -> Option<Value> {
        let key = key.into();
        let value = match value.into_json() {
            Ok(value) => {
                self.not_finite.remove(&key);
                value
            }
            Err(number) => {
                self.not_finite.insert(key.clone(), number.to_string());
                Value::Null
            }
        };
        self.values.insert(key, value)
    }

    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// Returns the value at a path of literal keys through nested objects.
    pub fn get_path(&self, keys: &[String]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.get(first)?, |value, key| value.as_object()?.get(key))
    }

    /// Removes a key and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.not_finite.remove(key);
        self.values.remove(key)
    }

    /// Returns the number of keys.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns true if there are no keys.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Iterates over the keys and values, sorted by key.
    pub fn iter(&self) -> btree_map::Iter<'_, String, Value> {
        self.values.iter()
    }

    /// Returns the first key whose value held a number that is not finite, and
    /// that number.
    pub(crate) fn not_finite(&self) -> Option<(&str, &str)> {
        self.not_finite.first_key_value().map(|(key, number)| (key.as_str(), number.as_str()))
    }
}

impl<'a> IntoIterator for &'a Metadata {
    type Item = (&'a String, &'a Value);
    type IntoIter = btree_map::Iter<'a, String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<K: Into<String>, V: MetadataValue> FromIterator<(K, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut metadata = Self::new();
        for (key, value) in pairs {
            metadata.insert(key, value);
        }
        metadata
    }
}

impl<K: Into<String>, V: MetadataValue, const N: usize> From<[(K, V); N]> for Metadata {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

/// Prints the compact JSON text.
impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.values).map_err(|_| fmt::Error)?)
    }
}

/// Fails if a number is not finite, where JSON would hold `null`.
impl Serialize for Metadata {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some((key, number)) = self.not_finite() {
            return Err(S::Error::custom(format!("{number} at key `{}` is not a finite number", key.escape_debug())));
        }
        crate::json::serialize(&self.values, serializer)
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { values: crate::json::deserialize(deserializer)?, not_finite: BTreeMap::new() })
    }
}
