//! What a result is cached by.

use std::sync::Arc;

use memory_core::{Field, Filter, Kind, Query, Record, Timestamp};

/// What a result is cached by.
///
/// A [`CachedStorage`](crate::CachedStorage) makes its own keys,
/// [`of_query`](Self::of_query) and [`of_count`](Self::of_count), also for the
/// named queries, which are queries like any other; the rest are for a
/// [`QueryCache`](crate::QueryCache) that is used alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryKey {
    /// The episodes that began at this time or later.
    EpisodesSince(Timestamp),
    /// The episodes of this domain.
    EpisodesByDomain(String),
    /// The episodes whose metadata holds this value at this key.
    EpisodesByMetadata {
        /// The metadata key.
        key: String,
        /// The value, as text.
        value: String,
    },
    /// Anything else that the caller can tell apart.
    Custom(String),
    /// A query of this kind in its [canonical text](Query::canonical_text).
    Query(Kind, Arc<str>),
    /// A count of this kind in its [canonical text](Filter::canonical_count).
    Count(Kind, Arc<str>),
}

impl QueryKey {
    /// The key of a query, however its filter is spelt.
    pub fn of_query<R: Record>(query: &Query<R>) -> Self {
        Self::Query(R::KIND, query.canonical_text().into())
    }

    /// The key of a count.
    pub fn of_count<R: Record>(filter: &Filter<R>, by: Option<&Field<R>>) -> Self {
        Self::Count(R::KIND, filter.canonical_count(by).into())
    }

    /// The bytes that it takes beside its struct.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::EpisodesSince(_) => 0,
            Self::EpisodesByDomain(text) | Self::Custom(text) => text.len(),
            Self::EpisodesByMetadata { key, value } => key.len() + value.len(),
            Self::Query(_, text) | Self::Count(_, text) => text.len(),
        }
    }
}
