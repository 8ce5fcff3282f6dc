//! Whole results of queries.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memory_core::backend::Changes;
use memory_core::{Counts, Episode, Filter, Heuristic, Kind, Page, Pattern, Query, Result};
use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig, CacheConfig, Clock, CoarseClock, Moment};

use super::answer::{Answer, Found};
use super::kind::{Cached, Time, count};
use super::query_key::QueryKey;
use super::stats::QueryCacheStats;
use crate::metrics::ReadTotals;

/// A cache of whole results, bounded by entries and bytes, each at most as old
/// as `query_ttl` of [`CacheConfig`] says. Records are shared, not copied.
///
/// Inside a [`CachedStorage`](crate::CachedStorage) it follows every write. Used
/// alone it is **not coherent**: it knows of no writes, and a result is as old
/// as the caller lets it become, by [`invalidate`](Self::invalidate) or up to
/// the age that the configuration allows.
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
/// ```
pub struct QueryCache {
    answers: AdaptiveCache<QueryKey, Arc<Answer>, Time>,
    pub(super) misses: AtomicU64,
    pub(super) coalesced: AtomicU64,
    pub(super) refused: AtomicU64,
    kept: AtomicU64,
    forgotten: AtomicU64,
}

/// Records held against filters by one write; where there would be more, every
/// result of the kind goes. At about 100 ns each this is 10 ms.
const MAX_MATCHED: usize = 100_000;

impl Default for QueryCache {
    /// At most 1,000 results of 32 MiB together, none older than 5 minutes: the
    /// defaults of [`CacheConfig`].
    fn default() -> Self {
        let config = CacheConfig::default().queries().ok().flatten();
        Self::new(config.unwrap_or_default()).expect("the defaults are valid")
    }
}

impl QueryCache {
    /// A cache on the system's clock.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput), which names the
    /// setting that no cache can have.
    pub fn new(config: AdaptiveCacheConfig) -> Result<Self> {
        Self::with_clock(config, CoarseClock)
    }

    /// A cache on a clock of the caller's.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_clock(config: AdaptiveCacheConfig, clock: impl Clock + 'static) -> Result<Self> {
        Self::on(config, Arc::new(clock))
    }

    pub(super) fn on(config: AdaptiveCacheConfig, time: Time) -> Result<Self> {
        let weight = |key: &QueryKey, answer: &Arc<Answer>| {
            (size_of::<(QueryKey, Arc<Answer>, Answer)>() + key.size() + answer.size()) as u64
        };
        Ok(Self {
            answers: AdaptiveCache::builder(config).weigher(weight).clock(time).build()?,
            misses: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
        })
    }

    /// Drops one result.
    pub fn invalidate(&self, key: &QueryKey) {
        drop(self.answers.remove(key));
    }

    /// Drops all results.
    pub fn invalidate_all(&self) {
        self.answers.clear();
    }

    /// What it did so far, and holds now.
    pub fn stats(&self) -> QueryCacheStats {
        let cache = self.answers.stats();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueryCacheStats {
            hits: cache.hits,
            misses: read(&self.misses),
            coalesced: read(&self.coalesced),
            refused: read(&self.refused),
            kept: read(&self.kept),
            forgotten: read(&self.forgotten),
            evictions: cache.evictions,
            expirations: cache.expirations,
            entries: cache.entries,
            bytes: cache.weight,
        }
    }

    /// What is part of a storage's metrics.
    pub(super) fn totals(&self) -> ReadTotals {
        let QueryCacheStats { hits, misses, coalesced, .. } = self.stats();
        ReadTotals { hits, negative_hits: 0, misses, coalesced, avoided: hits }
    }

    /// Counts a miss, which may wait for somebody else's load.
    pub(super) fn missed(&self, joined: bool) {
        self.misses.fetch_add(1, Ordering::Relaxed);
        self.coalesced.fetch_add(joined.into(), Ordering::Relaxed);
    }

    /// Takes back a miss, after which the call begins anew.
    pub(super) fn take_back(&self, joined: bool) {
        self.misses.fetch_sub(1, Ordering::Relaxed);
        self.coalesced.fetch_sub(joined.into(), Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Moment {
        self.answers.now()
    }

    pub(super) fn get(&self, key: &QueryKey) -> Option<Arc<Answer>> {
        self.answers.get(key)
    }

    pub(super) fn insert(&self, key: QueryKey, answer: Arc<Answer>, read_at: Moment) {
        self.answers.insert_read_at(key, answer, read_at);
    }

    /// Drops the results that a write of these changes may touch.
    ///
    /// A result whose term is over goes too, as `entries` takes it out: a lookup that began
    /// before could otherwise count its read after this, and renew it.
    pub(super) fn forget<R: Cached>(&self, changes: &Changes<R>) {
        let answers = self.answers.entries();
        let narrow = answers.len().saturating_mul(changes.len()) <= MAX_MATCHED;
        for (key, answer) in answers.iter().filter(|(_, answer)| answer.kind() == R::KIND) {
            if narrow && answer.stands(changes) {
                count(&self.kept, 1);
            } else {
                self.invalidate(key);
                count(&self.forgotten, 1);
            }
        }
    }

    /// Drops the results of one kind.
    pub(super) fn forget_kind(&self, kind: Kind) {
        self.answers.retain(|_, answer| answer.kind() != kind);
    }

    fn cache<R: Cached>(&self, key: QueryKey, records: Vec<Arc<R>>) {
        let page = Page::new(&Query::new(), records, false);
        self.insert(key, Arc::new(R::answer(Found { filter: None, page })), self.now());
    }

    fn records<R: Cached>(&self, key: &QueryKey) -> Option<Vec<Arc<R>>> {
        let found = self.get(key).and_then(|answer| Some(R::found(&answer)?.page.records.clone()));
        if found.is_none() {
            count(&self.misses, 1);
        }
        found
    }
}

macro_rules! alone {
    ($($record:ident: $cache:ident, $get:ident;)*) => {
        /// Used alone, and then not coherent: see the type's documentation.
        impl QueryCache {
            $(
                /// Caches records under `key`, in place of what it had.
                pub fn $cache(&self, key: QueryKey, records: Vec<Arc<$record>>) {
                    self.cache(key, records);
                }

                /// The records cached under `key`; `None` where there are none of this kind.
                pub fn $get(&self, key: &QueryKey) -> Option<Vec<Arc<$record>>> {
                    self.records(key)
                }
            )*
        }
    };
}

alone! {
    Episode: cache_episodes, get_episodes;
    Pattern: cache_patterns, get_patterns;
    Heuristic: cache_heuristics, get_heuristics;
}

/// A page as it is cached.
pub(super) fn page_answer<R: Cached>(filter: &Filter<R>, page: &Page<R>) -> Arc<Answer> {
    Arc::new(R::answer(Found { filter: Some(filter.clone()), page: page.clone() }))
}

/// The count, if it is one.
pub(super) fn counts(answer: &Answer) -> Option<Counts> {
    if let Answer::Counts(_, counts) = answer { Some(counts.clone()) } else { None }
}

impl fmt::Debug for QueryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
