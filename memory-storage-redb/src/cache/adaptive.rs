//! The cache type, and everything but lookups and insertions.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::SeedableRandomState;

use super::adaptation::Duel;
use super::bounds::{Amount, Bounds};
use super::clock::{Clock, CoarseClock, Moment};
use super::config::AdaptiveCacheConfig;
use super::entry::{Discarded, Lifetimes, Removed, short};
use super::shard::Shard;
use super::shards::Shards;
use super::stats::{CacheStats, Counters, Event};
use crate::sync::Inside;

/// Function that returns an entry's weight.
pub(super) type Weigher<K, V> = dyn Fn(&K, &V) -> u64 + Send + Sync;

/// A concurrent cache whose entries expire individually.
///
/// The cache is bounded by entries and by weight. The more often an entry is read, the
/// later it expires, up to a hard limit. The cache selects its eviction policy by the
/// workload. The crate's front page documents the algorithms and what they do not guarantee.
///
/// A lookup takes a shared lock on one of at most 64 shards. The cache has no background
/// task and needs no async runtime.
///
/// # Calls from inside
///
/// The weigher, the clock, and the destructors of keys and values run outside the locks and
/// may use the cache. The `Eq`, `Hash`, `Borrow` and `Clone` implementations of keys and
/// values, and the closures of [`with`](Self::with), [`remove_if`](Self::remove_if) and
/// [`retain`](Self::retain), run under a lock.
///
/// - They must not call the same cache. Such a call panics in builds with debug assertions
///   and may deadlock in others.
/// - They must not write to another cache whose own closures may read this one.
/// - They should be short. A waiting writer does not sleep: it yields and checks again.
pub struct AdaptiveCache<K, V, C = CoarseClock> {
    pub(super) shards: Shards<K, V>,
    pub(super) hasher: SeedableRandomState,
    pub(super) lifetimes: Lifetimes,
    pub(super) clock: C,
    pub(super) counters: Counters,
    pub(super) bounds: Bounds,
    pub(super) duel: Duel,
    pub(super) weigher: Option<Box<Weigher<K, V>>>,
}

impl<K: Eq + Hash, V, C: Clock> AdaptiveCache<K, V, C> {
    pub(super) fn assemble(
        config: &AdaptiveCacheConfig,
        shards: Shards<K, V>,
        weigher: Option<Box<Weigher<K, V>>>,
        clock: C,
        hasher: SeedableRandomState,
    ) -> Self {
        Self {
            shards,
            hasher,
            lifetimes: Lifetimes::new(config),
            clock,
            counters: Counters::new(config.statistics),
            bounds: Bounds::new(config.max_entries, config.max_weight),
            duel: Duel::new(config.adapt, config.max_entries),
            weigher,
        }
    }

    /// Returns the present moment of the cache's clock. A caller of
    /// [`insert_read_at`](Self::insert_read_at) notes it before the caller reads the value from
    /// its source.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Removes an entry, and returns its value if the entry had not expired.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.remove_if(key, |_| true)
    }

    /// Removes an entry if `condition` holds for its value, and returns the value.
    ///
    /// - The check and the removal are one step under the shard's exclusive lock.
    /// - An expired entry is removed without a call of `condition`, and `None` is returned.
    ///
    /// # Panics
    ///
    /// In builds with debug assertions, if `condition` calls this cache. In other builds such
    /// a call may deadlock.
    pub fn remove_if<Q>(&self, key: &Q, condition: impl FnOnce(&V) -> bool) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let now = self.clock.now();
        let mut lived = true;
        let removed = self.take(hash, |shard| {
            let time = shard.time(now);
            shard.remove_if(short(hash), key, |entry| {
                lived = entry.lives(time, short(hash), &self.lifetimes);
                !lived || condition(&entry.slot().value)
            })
        })?;
        if lived {
            return Some(removed);
        }
        self.counters.add(Event::Expiration, 1);
        None
    }

    /// Removes the expired entries, and the other entries for which `keep` returns false.
    ///
    /// - The shards are processed one after the other, each under its exclusive lock.
    /// - `keep` is called for living entries, and does not count as a read.
    /// - An entry that is inserted into a shard that was already processed is not checked.
    /// - If `keep` panics, the entries of the current shard and of later shards stay.
    ///
    /// # Panics
    ///
    /// In builds with debug assertions, if `keep` calls this cache. In other builds such a
    /// call deadlocks.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        for index in 0..self.shards.count() {
            let now = self.clock.now();
            let mut discarded = Discarded::new();
            {
                let _inside = self.inside();
                let lock = self.shards.at(index);
                let mut shard = lock.write();
                shard.retain(now, &self.lifetimes, &mut keep, &mut discarded);
                lock.note_length(shard.len());
                self.bounds.change(Amount::default(), discarded.total());
            }
            self.counters.add(Event::Expiration, discarded.expired);
        }
    }

    /// Removes all entries, one shard after the other.
    pub fn clear(&self) {
        for index in 0..self.shards.count() {
            let lock = self.shards.at(index);
            let removed = {
                let _inside = self.inside();
                let mut shard = lock.write();
                let removed = shard.clear();
                lock.note_length(0);
                self.bounds.change(Amount::default(), removed.amount());
                removed
            };
            drop(removed);
        }
    }

    /// Removes the entry that `remove` takes from the hash's shard, and returns its value.
    pub(super) fn take(&self, hash: u64, remove: impl FnOnce(&mut Shard<K, V>) -> Option<Removed<K, V>>) -> Option<V> {
        let lock = self.shards.of(hash);
        let removed = {
            let _inside = self.inside();
            let mut shard = lock.write();
            let removed = remove(&mut shard)?;
            lock.note_length(shard.len());
            self.bounds.change(Amount::default(), Amount::of(removed.weight));
            removed
        };
        Some(removed.value)
    }
}

impl<K, V, C> AdaptiveCache<K, V, C> {
    /// Marks this thread as one that runs the caller's code under a lock of this cache.
    #[inline]
    pub(super) fn inside(&self) -> Inside {
        Inside::enter(std::ptr::from_ref(self).addr())
    }

    /// Returns the number of entries, including expired entries that were not removed yet.
    pub fn len(&self) -> usize {
        self.bounds.entries()
    }

    /// Returns whether the cache contains no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the total weight of the entries, including expired entries that were not
    /// removed yet.
    pub fn weight(&self) -> u64 {
        self.bounds.weight()
    }

    /// Returns the statistics.
    pub fn stats(&self) -> CacheStats {
        self.counters.snapshot(self.len() as u64, self.weight())
    }
}

impl<K: Eq + Hash + Clone, V: Clone, C: Clock> AdaptiveCache<K, V, C> {
    /// Returns clones of all living entries, in no particular order.
    ///
    /// - Each shard is copied under its exclusive lock, and its expired entries are removed.
    /// - A concurrent change to another shard may or may not be visible.
    /// - The copy does not count as a read.
    pub fn entries(&self) -> Vec<(K, V)> {
        let mut entries = Vec::with_capacity(self.len());
        self.retain(|key, value| {
            entries.push((key.clone(), value.clone()));
            true
        });
        entries
    }
}

impl<K, V, C: fmt::Debug> fmt::Debug for AdaptiveCache<K, V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveCache")
            .field("clock", &self.clock)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
