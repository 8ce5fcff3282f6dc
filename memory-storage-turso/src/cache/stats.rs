//! What the caches did.

/// What a [`CachedStorage`](crate::CachedStorage) did so far, and holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedStats {
    /// Gets of episodes.
    pub episodes: KindCacheStats,
    /// Gets of patterns.
    pub patterns: KindCacheStats,
    /// Gets of heuristics.
    pub heuristics: KindCacheStats,
    /// Queries and counts of all kinds.
    pub queries: QueryCacheStats,
    /// Writes whose outcome is unknown now: what they may have changed is not cached.
    pub doubts: u64,
}

/// Of one kind, counted by ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindCacheStats {
    /// Answered from the cache, absent ids included.
    pub hits: u64,
    /// Not answered from the cache.
    pub misses: u64,
    /// Of the misses, those that waited for a load of somebody else.
    pub coalesced: u64,
    /// Loaded, and not cached because of a write meanwhile.
    pub refused: u64,
    /// Of the hits, those that told that there is no such record.
    pub negative_hits: u64,
    /// Entries that made room for others.
    pub evictions: u64,
    /// Entries whose lives were over.
    pub expirations: u64,
    /// Entries held now.
    pub entries: u64,
    /// The bytes of these.
    pub bytes: u64,
}

/// Of queries and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryCacheStats {
    /// Answered from the cache.
    pub hits: u64,
    /// Not answered from the cache.
    pub misses: u64,
    /// Of the misses, those that waited for somebody else's answer.
    pub coalesced: u64,
    /// Answers that were not cached because of a write meanwhile.
    pub refused: u64,
    /// Results that a write of their kind could not touch, and that were kept.
    pub kept: u64,
    /// Results that a write dropped.
    pub forgotten: u64,
    /// Entries that made room for others.
    pub evictions: u64,
    /// Entries whose lives were over.
    pub expirations: u64,
    /// Entries held now.
    pub entries: u64,
    /// The bytes of these.
    pub bytes: u64,
}

impl QueryCacheStats {
    /// Adds the counts of another cache.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            hits: self.hits + other.hits,
            misses: self.misses + other.misses,
            coalesced: self.coalesced + other.coalesced,
            refused: self.refused + other.refused,
            kept: self.kept + other.kept,
            forgotten: self.forgotten + other.forgotten,
            evictions: self.evictions + other.evictions,
            expirations: self.expirations + other.expirations,
            entries: self.entries + other.entries,
            bytes: self.bytes + other.bytes,
        }
    }
}
