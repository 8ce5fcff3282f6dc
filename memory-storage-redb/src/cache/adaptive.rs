//! The cache itself.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::SeedableRandomState;
use memory_core::Result;

use super::bounds::{Amount, Bounds};
use super::builder::{AdaptiveCacheBuilder, Weigher};
use super::clock::{Clock, CoarseClock, Moment};
use super::config::AdaptiveCacheConfig;
use super::duel::Duel;
use super::life::Lifetimes;
use super::shard::Shard;
use super::shards::Shards;
use super::slot::Gone;
use super::stats::{CacheStats, Count, Counters};
use super::table::short;
use crate::sync::{self, Stripe, own_stripe};

/// A concurrent cache with a life of its own for each entry.
///
/// Bounded by entries and by weight; an entry lives longer the more it is
/// read, up to a hard cap; what is evicted depends on what the cache sees. The
/// crate's front page says how, and what is not promised.
///
/// A lookup takes a shared lock on one of up to 64 shards. Nothing runs in the
/// background, and no runtime is needed. Keys and values are dropped outside
/// the locks; the caller's `Eq`, `Hash` and `Clone`, and the closures of
/// [`with`](Self::with) and [`remove_if`](Self::remove_if), run inside one. They
/// must not come back to the same cache, nor write to another whose own may read
/// this one, and they should be short: a writer does not sleep until they are
/// done, but lets others run and looks again.
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

impl<K: Eq + Hash, V> AdaptiveCache<K, V> {
    /// A cache on the system's [`CoarseClock`], in which every entry weighs 1
    /// unless it is inserted with a weight.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](memory_core::Error::InvalidInput), which names the
    /// setting that no cache can have.
    pub fn new(config: AdaptiveCacheConfig) -> Result<Self> {
        Self::builder(config).build()
    }

    /// Sets what else there is to set: a weigher, a clock.
    pub fn builder(config: AdaptiveCacheConfig) -> AdaptiveCacheBuilder<K, V> {
        AdaptiveCacheBuilder::new(config)
    }
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

    /// The present moment, by the cache's clock: what to note before a value
    /// is read from where it comes from.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// A clone of the value, if its entry is there and lives. Counts as a read.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        V: Clone,
    {
        self.with(key, V::clone)
    }

    /// What `read` makes of the value, if its entry is there and lives: without
    /// a clone, and under the shard's shared lock. Counts as a read.
    #[inline]
    pub fn with<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        // What is not compiled into this comes first, and what is seldom needed
        // again is not kept, so that there is little to save: a processor looks ahead by
        // some hundreds of instructions, and how many lookups it has under way
        // is a matter of how few there are to each.
        let hash = self.hasher.hash_one(key);
        let place = self.shards.of(hash);
        let latest = self.clock.latest();
        let Some(stripe) = own_stripe() else { return self.with_care(sync::stripe(), key, read) };
        let Some(shard) = place.read_announced(stripe) else { return self.with_care(Some(stripe), key, read) };
        let elapsed = shard.elapsed(latest);
        let Some(slot) = shard.table.get(short(hash), key) else {
            drop(shard);
            return self.missed(key);
        };
        if !slot.read_in_term(elapsed, &self.lifetimes) {
            drop(shard);
            return self.with_care(Some(stripe), key, read);
        }
        let result = read(&slot.value);
        drop(shard);
        self.counters.hit(Some(stripe));
        self.found(key);
        Some(result)
    }

    /// The same where there may be a lock to wait for, or a life at its end.
    #[inline(never)]
    fn with_care<Q, R>(&self, stripe: Option<Stripe>, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let shard = self.shards.of(hash).read(stripe);
        // There may have been a writer to wait for.
        let now = self.clock.now();
        let Some(slot) = shard.table.get(short(hash), key) else {
            drop(shard);
            return self.missed(key);
        };
        if !slot.read_in_term(shard.elapsed(now), &self.lifetimes) && !self.read_renewed(&shard, hash, now, key) {
            drop(shard);
            self.end(hash, key);
            return self.missed(key);
        }
        let result = read(&slot.value);
        drop(shard);
        self.counters.hit(stripe);
        self.found(key);
        Some(result)
    }

    /// Reads an entry whose term is over: whether it has earned another.
    #[cold]
    fn read_renewed<Q>(&self, shard: &Shard<K, V>, hash: u64, now: Moment, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entry = shard.table.get_whole(short(hash), key);
        entry.is_some_and(|(slot, rest)| slot.read(shard.time(now), rest.hard, short(hash), &self.lifetimes))
    }

    #[inline]
    fn found<Q: Hash + ?Sized>(&self, key: &Q) {
        if self.duel.wants_hits() {
            self.duel.observe_hit(self.hasher.hash_one(key));
        }
    }

    #[inline(never)]
    fn missed<Q: Hash + ?Sized, R>(&self, key: &Q) -> Option<R> {
        self.counters.add(Count::Misses, 1);
        self.duel.observe_miss(self.hasher.hash_one(key));
        None
    }

    /// Takes out an entry whose life is over.
    #[cold]
    fn end<Q>(&self, hash: u64, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let short = short(hash);
        let ended = self.take(hash, |shard| {
            let time = shard.time(self.clock.now());
            shard.remove_if(short, key, |entry| !entry.lives(time, short, &self.lifetimes))
        });
        self.counters.add(Count::Expirations, u64::from(ended.is_some()));
    }

    /// Takes an entry out and returns its value, unless its life was over.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.remove_if(key, |_| true)
    }

    /// Takes an entry out and returns its value if it lives and `condition`
    /// holds for it; both in one step, under the shard's exclusive lock.
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
        self.counters.add(Count::Expirations, 1);
        None
    }

    /// Removes all entries, one shard after the other.
    pub fn clear(&self) {
        for index in 0..self.shards.count() {
            let place = self.shards.at(index);
            let gone = {
                let mut shard = place.write();
                let gone = shard.clear();
                place.note_length(0);
                let amount = gone.iter().fold(Amount::default(), |sum, (_, rest)| sum.plus(Amount::of(rest.weight)));
                self.bounds.change(Amount::default(), amount);
                gone
            };
            drop(gone);
        }
    }

    fn take(&self, hash: u64, remove: impl FnOnce(&mut Shard<K, V>) -> Option<Gone<K, V>>) -> Option<V> {
        let place = self.shards.of(hash);
        let gone = {
            let mut shard = place.write();
            let gone = remove(&mut shard)?;
            place.note_length(shard.len());
            self.bounds.change(Amount::default(), Amount::of(gone.weight));
            gone
        };
        Some(gone.value)
    }
}

impl<K, V, C> AdaptiveCache<K, V, C> {
    /// Entries held, among them those whose lives are over and which were not
    /// taken out yet.
    pub fn len(&self) -> usize {
        self.bounds.entries()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries held weigh together.
    pub fn weight(&self) -> u64 {
        self.bounds.weight()
    }

    /// What has happened so far, and what is held now.
    pub fn stats(&self) -> CacheStats {
        self.counters.snapshot(self.len() as u64, self.weight())
    }
}

impl<K: Eq + Hash + Clone, V: Clone, C: Clock> AdaptiveCache<K, V, C> {
    /// Clones of all living entries, in no order: for tests and the curious.
    /// Each shard is copied under its lock; what changes in others meanwhile
    /// may or may not be seen. Counts as no read.
    pub fn entries(&self) -> Vec<(K, V)> {
        let now = self.clock.now();
        let mut entries = Vec::with_capacity(self.len());
        for index in 0..self.shards.count() {
            self.shards.at(index).read(sync::stripe()).living(now, &self.lifetimes, |key, value| {
                entries.push((key.clone(), value.clone()));
            });
        }
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
