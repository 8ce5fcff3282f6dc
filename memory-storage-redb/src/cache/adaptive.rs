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
use super::discarded::Discarded;
use super::duel::Duel;
use super::life::Lifetimes;
use super::shard::Shard;
use super::shards::Shards;
use super::slot::Gone;
use super::stats::{CacheStats, Count, Counters};
use super::table::short;
use crate::sync::{self, Inside, Stripe, own_stripe};

/// A concurrent cache with a life of its own for each entry.
///
/// Bounded by entries and by weight; an entry lives longer the more it is
/// read, up to a hard cap; what is evicted depends on what the cache sees. The
/// crate's front page says how, and what is not promised.
///
/// A lookup takes a shared lock on one of up to 64 shards. Nothing runs in the
/// background, and no runtime is needed.
///
/// The weigher, the clock, and what drops keys and values run outside the locks, and
/// may use the cache. The caller's `Eq`, `Hash`, `Borrow` and `Clone`, and the closures
/// of [`with`](Self::with), [`remove_if`](Self::remove_if) and
/// [`retain`](Self::retain), run inside one. They must not call the same cache, which
/// would wait for itself for ever (in builds with debug assertions it panics), nor write
/// to another whose own may read this one. They should be short: a writer does not sleep
/// until they are done, but lets others run and looks again.
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
    ///
    /// # Panics
    ///
    /// In builds with debug assertions, if `read` calls this cache. In others it may
    /// wait for itself for ever.
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
        let inside = self.inside();
        let Some(shard) = place.read_announced(stripe) else {
            drop(inside);
            return self.with_care(Some(stripe), key, read);
        };
        let elapsed = shard.elapsed(latest);
        let Some(slot) = shard.table.get(short(hash), key) else {
            drop(shard);
            drop(inside);
            return self.missed(key);
        };
        if !slot.read_in_term(elapsed, &self.lifetimes) {
            drop(shard);
            drop(inside);
            return self.with_care(Some(stripe), key, read);
        }
        let result = read(&slot.value);
        drop(shard);
        drop(inside);
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
        loop {
            // Before the lock, since a clock is the caller's code.
            let now = self.clock.now();
            let inside = self.inside();
            let shard = self.shards.of(hash).read(stripe);
            let Some(slot) = shard.table.get(short(hash), key) else {
                drop(shard);
                drop(inside);
                return self.missed(key);
            };
            if slot.read_in_term(shard.elapsed(now), &self.lifetimes) || self.read_renewed(&shard, hash, now, key) {
                let result = read(&slot.value);
                drop(shard);
                drop(inside);
                self.counters.hit(stripe);
                self.found(key);
                return Some(result);
            }
            drop(shard);
            drop(inside);
            // Another lookup that took its time before the end of the term may be about to
            // count its read, so that nothing is decided under the shared lock.
            if !self.outlives(hash, now, key) {
                return self.missed(key);
            }
        }
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

    /// Whether the entry of a key lives at `now`; if its life is over it is taken out.
    ///
    /// A life ends here and wherever else an entry is judged: under the exclusive lock,
    /// and together with the entry. So a life that was found to be over stays over: every
    /// read that counts has been counted, and nothing is left for a later one.
    #[cold]
    fn outlives<Q>(&self, hash: u64, now: Moment, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let short = short(hash);
        let mut lives = false;
        let ended = self.take(hash, |shard| {
            let time = shard.time(now);
            shard.remove_if(short, key, |entry| {
                lives = entry.lives(time, short, &self.lifetimes);
                !lives
            })
        });
        self.counters.add(Count::Expirations, u64::from(ended.is_some()));
        lives
    }

    /// Takes an entry out, whether or not its life is over, and returns its value
    /// if it is not.
    pub fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.remove_if(key, |_| true)
    }

    /// Takes an entry out and returns its value if it lives and `condition`
    /// holds for it; both in one step, under the shard's exclusive lock. An entry
    /// whose life is over is taken out without a look at `condition`.
    ///
    /// # Panics
    ///
    /// In builds with debug assertions, if `condition` calls this cache. In others it
    /// may wait for itself for ever.
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

    /// Removes the entries for which `keep` does not hold, and those whose lives are over,
    /// one shard after the other. Counts as no read.
    ///
    /// - `keep` is asked about living entries, under the exclusive lock of their shard.
    /// - An entry that is put into a shard after its turn is not asked about.
    /// - If `keep` panics, the entries of that shard and of those after it stay.
    ///
    /// # Panics
    ///
    /// In builds with debug assertions, if `keep` calls this cache. In others it waits for
    /// itself for ever.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        for index in 0..self.shards.count() {
            let now = self.clock.now();
            let mut discarded = Discarded::new();
            {
                let _inside = self.inside();
                let place = self.shards.at(index);
                let mut shard = place.write();
                shard.retain(now, &self.lifetimes, &mut keep, &mut discarded);
                place.note_length(shard.len());
                self.bounds.change(Amount::default(), discarded.total());
            }
            self.counters.add(Count::Expirations, discarded.expired);
        }
    }

    /// Removes all entries, one shard after the other.
    pub fn clear(&self) {
        for index in 0..self.shards.count() {
            let place = self.shards.at(index);
            let gone = {
                let _inside = self.inside();
                let mut shard = place.write();
                let gone = shard.clear();
                place.note_length(0);
                self.bounds.change(Amount::default(), gone.amount());
                gone
            };
            drop(gone);
        }
    }

    fn take(&self, hash: u64, remove: impl FnOnce(&mut Shard<K, V>) -> Option<Gone<K, V>>) -> Option<V> {
        let place = self.shards.of(hash);
        let gone = {
            let _inside = self.inside();
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
    /// Marks this thread as one that is about to run, under a lock of this cache, the
    /// caller's code.
    #[inline]
    pub(super) fn inside(&self) -> Inside {
        Inside::enter(std::ptr::from_ref(self).addr())
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
    /// Clones of all living entries, in no order. Each shard is copied under its
    /// exclusive lock, and entries whose lives are over are taken out; what changes in
    /// other shards meanwhile may or may not be seen. Counts as no read.
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
