//! A result cache for direct use.

use std::fmt;
use std::sync::Arc;

use memory_core::backend::{ByKind, PerKind};
use memory_core::{Episode, Heuristic, Page, Pattern, Query, Record, Result};
use memory_storage_redb::{AdaptiveCacheConfig, CacheConfig, Clock, CoarseClock};

use super::answer::Answer;
use super::kind::Time;
use super::query_key::QueryKey;
use super::results::ResultCache;
use super::stats::QueryCacheStats;

/// A cache of whole results, bounded by entries, bytes and age. Records are
/// shared, not copied.
///
/// A [`CachedStorage`](crate::CachedStorage) keeps results in the same way and
/// drops them when a write may alter them. A `QueryCache` is **not coherent**: it
/// sees no writes. A result stays until the caller drops it with
/// [`invalidate`](Self::invalidate) or until its age reaches the configured
/// maximum.
///
/// - Each kind of record has keys of its own: `cache_patterns` does not replace
///   the episodes under the same key.
/// - The bounds on entries and bytes hold for all kinds together. Episodes have
///   one half of each, patterns and heuristics have one quarter each. A kind
///   always has room for one entry.
///
/// ```
/// use std::sync::Arc;
///
/// use memory_core::{Episode, TaskContext, TaskType};
/// use memory_storage_turso::{QueryCache, QueryKey};
///
/// let cache = QueryCache::default();
/// let key = QueryKey::Custom("open pull requests".to_owned());
/// let episode = Arc::new(Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging));
/// cache.cache_episodes(key.clone(), vec![Arc::clone(&episode)]);
/// assert_eq!(cache.get_episodes(&key), Some(vec![episode]));
/// assert_eq!(cache.get_patterns(&key), None);
/// ```
pub struct QueryCache {
    results: ByKind<ResultCaches>,
}

/// The family of the result caches.
struct ResultCaches;

impl PerKind for ResultCaches {
    type Of<R: Record> = ResultCache<R>;
}

impl Default for QueryCache {
    /// A cache of at most 1,000 results and 32 MiB, each at most 5 minutes old: the
    /// defaults of [`CacheConfig`].
    fn default() -> Self {
        let config = CacheConfig::default().queries().ok().flatten();
        Self::new(config.unwrap_or_default()).expect("the defaults are valid")
    }
}

impl QueryCache {
    /// Creates a cache on the system's clock.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput), which names the invalid
    /// setting.
    pub fn new(config: AdaptiveCacheConfig) -> Result<Self> {
        Self::with_clock(config, CoarseClock)
    }

    /// Creates a cache on the caller's clock.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    #[expect(clippy::needless_pass_by_value, reason = "as `new`, whose callers make it on the spot")]
    pub fn with_clock(config: AdaptiveCacheConfig, clock: impl Clock + 'static) -> Result<Self> {
        let time: Time = Arc::new(clock);
        let results = ByKind {
            episodes: ResultCache::new(&config, &time)?,
            patterns: ResultCache::new(&config, &time)?,
            heuristics: ResultCache::new(&config, &time)?,
        };
        Ok(Self { results })
    }

    /// Drops the results of all kinds under `key`.
    pub fn invalidate(&self, key: &QueryKey) {
        let ByKind { episodes, patterns, heuristics } = &self.results;
        episodes.remove(key);
        patterns.remove(key);
        heuristics.remove(key);
    }

    /// Drops all results.
    pub fn invalidate_all(&self) {
        let ByKind { episodes, patterns, heuristics } = &self.results;
        episodes.clear();
        patterns.clear();
        heuristics.clear();
    }

    /// Returns the counts since the cache was created, and its present size.
    pub fn stats(&self) -> QueryCacheStats {
        let ByKind { episodes, patterns, heuristics } = &self.results;
        episodes.stats().plus(patterns.stats()).plus(heuristics.stats())
    }

    fn cache<R: Record>(&self, key: QueryKey, records: Vec<Arc<R>>) {
        let results = self.results.of::<R>();
        let page = Page::new(&Query::new(), records, false);
        results.insert(key, Arc::new(Answer::Page(None, page)), results.now());
    }

    fn records<R: Record>(&self, key: &QueryKey) -> Option<Vec<Arc<R>>> {
        let results = self.results.of::<R>();
        if let Some(Answer::Page(_, page)) = results.get(key).as_deref() {
            return Some(page.records.clone());
        }
        results.missed(false);
        None
    }
}

macro_rules! direct_use {
    ($($record:ident: $cache:ident, $get:ident;)*) => {
        /// The records of each kind.
        impl QueryCache {
            $(
                /// Caches records under `key`, in place of those of this kind there.
                pub fn $cache(&self, key: QueryKey, records: Vec<Arc<$record>>) {
                    self.cache(key, records);
                }

                /// Returns the records of this kind cached under `key`, if any.
                pub fn $get(&self, key: &QueryKey) -> Option<Vec<Arc<$record>>> {
                    self.records(key)
                }
            )*
        }
    };
}

direct_use! {
    Episode: cache_episodes, get_episodes;
    Pattern: cache_patterns, get_patterns;
    Heuristic: cache_heuristics, get_heuristics;
}

impl fmt::Debug for QueryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use memory_core::{TaskContext, TaskType};

    use super::*;

    fn key(name: usize) -> QueryKey {
        QueryKey::Custom(name.to_string())
    }

    #[test]
    fn each_kind_has_keys_of_its_own() {
        let cache = QueryCache::default();
        let episode = Arc::new(Episode::new("a", TaskContext::new("web"), TaskType::Debugging));
        cache.cache_episodes(key(1), vec![Arc::clone(&episode)]);
        cache.cache_patterns(key(1), Vec::new());
        assert_eq!((cache.get_episodes(&key(1)), cache.get_patterns(&key(1))), (Some(vec![episode]), Some(Vec::new())));
        assert_eq!(cache.get_heuristics(&key(1)), None);
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.misses, stats.entries), (2, 1, 2));
        cache.invalidate(&key(1));
        assert_eq!((cache.get_episodes(&key(1)), cache.get_patterns(&key(1))), (None, None));
    }

    #[test]
    fn the_kinds_together_hold_no_more_than_the_bound() {
        let cache = QueryCache::new(AdaptiveCacheConfig::with_max_entries(40)).unwrap();
        for name in 0..1_000 {
            cache.cache_episodes(key(name), Vec::new());
            cache.cache_patterns(key(name), Vec::new());
            cache.cache_heuristics(key(name), Vec::new());
        }
        let results = &cache.results;
        assert!(results.episodes.stats().entries <= 20, "{results:?}");
        assert!(results.patterns.stats().entries <= 10, "{results:?}");
        assert!(results.heuristics.stats().entries <= 10, "{results:?}");
        assert!((20..=40).contains(&cache.stats().entries), "{results:?}");
        cache.invalidate_all();
        assert_eq!(cache.stats().entries, 0);
    }

    #[test]
    fn a_bound_of_nothing_is_refused_by_name() {
        for (name, config) in [
            ("max_entries", AdaptiveCacheConfig { max_entries: 0, ..AdaptiveCacheConfig::default() }),
            ("max_weight", AdaptiveCacheConfig { max_weight: 0, ..AdaptiveCacheConfig::default() }),
        ] {
            let error = QueryCache::new(config).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
