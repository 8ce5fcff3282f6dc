//! Typed record identifiers.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::error::Error;

/// The identifier of a record: a UUID with the record's kind as a type.
///
/// Identifiers are ordered, printed (lowercase, hyphenated) and serialised as
/// their UUIDs. The kind exists only at compile time.
pub struct Id<R> {
    uuid: Uuid,
    kind: PhantomData<fn() -> R>,
}

impl<R> Id<R> {
    /// Creates a new identifier: a version 7 UUID. Later identifiers sort after
    /// earlier ones.
    #[expect(clippy::new_without_default, reason = "two fresh identifiers are never equal, which a default should be")]
    pub fn new() -> Self {
        Uuid::now_v7().into()
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl<R> From<Uuid> for Id<R> {
    fn from(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }
}

impl<R> From<Id<R>> for Uuid {
    fn from(id: Id<R>) -> Self {
        id.uuid
    }
}

// Derives would require the same traits of `R`.

impl<R> Clone for Id<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Id<R> {}

impl<R> PartialEq for Id<R> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<R> Eq for Id<R> {}

impl<R> PartialOrd for Id<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for Id<R> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<R> Hash for Id<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<R> fmt::Display for Id<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.uuid.as_hyphenated(), f)
    }
}

impl<R> fmt::Debug for Id<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<R> FromStr for Id<R> {
    type Err = Error;

    /// Parses a UUID in any of its usual forms. Other text is
    /// [`Error::InvalidInput`](crate::Error::InvalidInput).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text)
            .map(Self::from)
            .map_err(|error| Error::invalid_input("id", format!("not a UUID: {error}")))
    }
}

impl<R> Serialize for Id<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.uuid.serialize(serializer)
    }
}

impl<'de, R> Deserialize<'de> for Id<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EpisodeId, PatternId};

    #[test]
    fn an_id_reads_and_prints_as_its_uuid() {
        let text = "0190a0b0-1111-7222-8333-444455556666";
        let id: EpisodeId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<EpisodeId>(&format!("\"{text}\"")).unwrap(), id);
        assert_eq!(EpisodeId::from(Uuid::from(id)), id);
    }

    #[test]
    fn garbage_is_refused_by_name() {
        let error = "not-a-uuid".parse::<PatternId>().unwrap_err();
        assert!(error.to_string().contains("not a UUID"), "{error}");
    }

    #[test]
    fn fresh_ids_are_distinct_and_later_ones_do_not_sort_earlier() {
        let ids: Vec<_> = (0..1000).map(|_| EpisodeId::new()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
