//! The result cache of one kind.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memory_core::backend::Changes;
use memory_core::{Kind, Record, Result};
use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig, Moment};

use super::answer::Answer;
use super::kind::{Time, count};
use super::query_key::QueryKey;
use super::stats::QueryCacheStats;

/// Maximum comparisons of records with filters in one write, about 10 ms at
/// 100 ns each. If a write would need more, it drops all results of its kind.
const MAX_MATCHED: usize = 100_000;

/// Cached results of queries and counts of one kind.
pub(super) struct ResultCache<R> {
    answers: AdaptiveCache<QueryKey, Arc<Answer<R>>, Time>,
    misses: AtomicU64,
    coalesced: AtomicU64,
    refused: AtomicU64,
    kept: AtomicU64,
    forgotten: AtomicU64,
}

impl<R: Record> ResultCache<R> {
    /// Creates the cache of this kind, with its [share] of the bounds of `all`.
    pub(super) fn new(all: &AdaptiveCacheConfig, time: &Time) -> Result<Self> {
        all.validate()?;
        let weight = |key: &QueryKey, answer: &Arc<Answer<R>>| {
            (size_of::<(QueryKey, Arc<Answer<R>>, Answer<R>)>() + key.size() + answer.size()) as u64
        };
        let config = AdaptiveCacheConfig {
            max_entries: share(all.max_entries as u64, R::KIND).try_into().unwrap_or(usize::MAX),
            max_weight: share(all.max_weight, R::KIND),
            ..all.clone()
        };
        Ok(Self {
            answers: AdaptiveCache::builder(config).weigher(weight).clock(Arc::clone(time)).build()?,
            misses: AtomicU64::new(0),
            coalesced: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            kept: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
        })
    }

    pub(super) fn now(&self) -> Moment {
        self.answers.now()
    }

    pub(super) fn get(&self, key: &QueryKey) -> Option<Arc<Answer<R>>> {
        self.answers.get(key)
    }

    pub(super) fn insert(&self, key: QueryKey, answer: Arc<Answer<R>>, read_at: Moment) {
        self.answers.insert_read_at(key, answer, read_at);
    }

    pub(super) fn remove(&self, key: &QueryKey) {
        drop(self.answers.remove(key));
    }

    pub(super) fn clear(&self) {
        self.answers.clear();
    }

    /// Drops the results that a write of `changes` may alter.
    ///
    /// Expired results are dropped too: a lookup that began before the write could
    /// otherwise count its read after the write, and renew the result.
    pub(super) fn forget(&self, changes: &Changes<R>) {
        let narrow = self.answers.len().saturating_mul(changes.len()) <= MAX_MATCHED;
        let (mut kept, mut forgotten) = (0, 0);
        self.answers.retain(|_, answer| {
            let stands = narrow && answer.stands(changes);
            *(if stands { &mut kept } else { &mut forgotten }) += 1;
            stands
        });
        count(&self.kept, kept);
        count(&self.forgotten, forgotten);
    }

    /// Counts a miss, and whether its call joined the load of another call.
    pub(super) fn missed(&self, joined: bool) {
        count(&self.misses, 1);
        count(&self.coalesced, joined.into());
    }

    /// Subtracts a miss whose call begins anew.
    pub(super) fn take_back(&self, joined: bool) {
        self.misses.fetch_sub(1, Ordering::Relaxed);
        self.coalesced.fetch_sub(joined.into(), Ordering::Relaxed);
    }

    /// Counts a result that was not cached because of a write meanwhile.
    pub(super) fn refused(&self) {
        count(&self.refused, 1);
    }

    pub(super) fn stats(&self) -> QueryCacheStats {
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
}

impl<R: Record> fmt::Debug for ResultCache<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// The share of one kind in a bound on the results of all kinds: a quarter for
/// patterns, a quarter for heuristics and the rest for episodes, at least 1 each.
fn share(bound: u64, kind: Kind) -> u64 {
    let quarter = (bound / 4).max(1);
    match kind {
        Kind::Episode => bound.saturating_sub(2 * quarter).max(1),
        Kind::Pattern | Kind::Heuristic => quarter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_bound_add_up_to_it() {
        let shares = |bound| [Kind::Episode, Kind::Pattern, Kind::Heuristic].map(|kind| share(bound, kind));
        assert_eq!(shares(1_000), [500, 250, 250]);
        assert_eq!(shares(7), [5, 1, 1]);
        assert_eq!(shares(1), [1, 1, 1]);
        for bound in (1..100).chain([u64::MAX - 1, u64::MAX]) {
            let total: u128 = shares(bound).map(u128::from).iter().sum();
            assert_eq!(total, u128::from(bound.max(3)));
            assert!(shares(bound)[0] >= shares(bound)[1]);
        }
    }
}
