//! Lookups.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use super::adaptive::AdaptiveCache;
use super::clock::{Clock, Moment};
use super::entry::short;
use super::shard::Shard;
use super::stats::Event;
use crate::sync::{self, ThreadIndex, known_thread_index};

impl<K: Eq + Hash, V, C: Clock> AdaptiveCache<K, V, C> {
    /// Returns a clone of the value if the cache contains a living entry for `key`. A hit
    /// counts as a read of the entry.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        V: Clone,
    {
        self.with(key, V::clone)
    }

    /// Calls `read` with the value if the cache contains a living entry for `key`, and returns
    /// its result. The value is not cloned; `read` runs under the shard's shared lock. A hit
    /// counts as a read of the entry.
    ///
    /// # Panics
    ///
    /// In builds with debug assertions, if `read` calls this cache. In other builds such a
    /// call may deadlock.
    #[inline]
    pub fn with<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        // The order of the statements is measured. Calls that are not inlined come first,
        // while few registers need to be saved, and rarely needed values are computed again
        // instead of being kept. The fewer instructions a lookup has, the more lookups a
        // processor overlaps while they wait for memory.
        let hash = self.hasher.hash_one(key);
        let lock = self.shards.of(hash);
        let latest = self.clock.latest();
        let Some(thread) = known_thread_index() else { return self.with_slow(sync::thread_index(), key, read) };
        let inside = self.inside();
        let Some(shard) = lock.read_announced(thread) else {
            drop(inside);
            return self.with_slow(Some(thread), key, read);
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
            return self.with_slow(Some(thread), key, read);
        }
        let result = read(&slot.value);
        drop(shard);
        drop(inside);
        self.counters.hit(Some(thread));
        self.found(key);
        Some(result)
    }

    /// Looks a key up as [`with`](Self::with) does, if the lookup may have to wait for a writer
    /// or the entry's term may have ended.
    #[inline(never)]
    fn with_slow<Q, R>(&self, thread: Option<ThreadIndex>, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        loop {
            // The clock is the caller's code, so it is called outside the lock.
            let now = self.clock.now();
            let inside = self.inside();
            let shard = self.shards.of(hash).read(thread);
            let Some(slot) = shard.table.get(short(hash), key) else {
                drop(shard);
                drop(inside);
                return self.missed(key);
            };
            if slot.read_in_term(shard.elapsed(now), &self.lifetimes) || self.read_renewed(&shard, hash, now, key) {
                let result = read(&slot.value);
                drop(shard);
                drop(inside);
                self.counters.hit(thread);
                self.found(key);
                return Some(result);
            }
            drop(shard);
            drop(inside);
            // Another lookup that read the clock before the term ended may still count its
            // read. Expiry is therefore decided under the exclusive lock only.
            if !self.lives_or_expires(hash, now, key) {
                return self.missed(key);
            }
        }
    }

    /// Reads an entry whose term has ended, and returns whether its reads earned another term.
    #[cold]
    fn read_renewed<Q>(&self, shard: &Shard<K, V>, hash: u64, now: Moment, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entry = shard.table.get_with_cold(short(hash), key);
        entry.is_some_and(|(slot, cold)| slot.read(shard.time(now), cold.hard, short(hash), &self.lifetimes))
    }

    #[inline]
    fn found<Q: Hash + ?Sized>(&self, key: &Q) {
        if self.duel.wants_hits() {
            self.duel.observe_hit(self.hasher.hash_one(key));
        }
    }

    #[inline(never)]
    fn missed<Q: Hash + ?Sized, R>(&self, key: &Q) -> Option<R> {
        self.counters.add(Event::Miss, 1);
        self.duel.observe_miss(self.hasher.hash_one(key));
        None
    }

    /// Returns whether the entry of a key lives at `now`, and removes it if it has expired.
    ///
    /// Here and everywhere else, an entry expires under the exclusive lock and is removed in
    /// the same step. All reads that count have been counted by then, so no later read can
    /// renew an entry that was found expired.
    #[cold]
    fn lives_or_expires<Q>(&self, hash: u64, now: Moment, key: &Q) -> bool
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
        self.counters.add(Event::Expiration, u64::from(ended.is_some()));
        lives
    }
}
