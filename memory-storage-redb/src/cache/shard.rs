//! A part of the cache under one lock.

use std::borrow::Borrow;
use std::hash::Hash;

use foldhash::fast::SeedableRandomState;

use super::clock::Moment;
use super::entry::{ColdFields, Discarded, EntryTable, Lifetimes, Occupied, Removed, Slot};
use super::eviction::{Evictor, Policy, Queues, Reaper};

/// Age of the base, in milliseconds, from which it is moved: half of the range of 32 bits.
/// The other half is for the ends of terms.
const REBASE_AFTER: i64 = 1 << 31;

/// A table of entries with its queues. The fields are declared in memory order, and those
/// that a lookup reads come first.
#[repr(C)]
pub(crate) struct Shard<K, V> {
    /// Origin of the times in slots, in milliseconds of the cache's clock.
    base: u64,
    pub(super) table: EntryTable<K, V>,
    queues: Queues,
    reaper: Reaper,
}

/// A value that is to be inserted.
pub(crate) struct NewEntry<V> {
    pub(crate) value: V,
    pub(crate) weight: u64,
    /// The moment at which the value was read from its source.
    pub(crate) read_at: Moment,
    /// Length of the first term, in milliseconds.
    pub(crate) term: u32,
}

impl<K, V> Shard<K, V> {
    /// Creates an empty shard.
    pub(crate) fn new(now: Moment, hasher: SeedableRandomState, seed: u32) -> Self {
        Self {
            base: now.as_millis(),
            table: EntryTable::new(hasher),
            queues: Queues::new(seed),
            reaper: Reaper::default(),
        }
    }

    /// Returns the number of entries, including expired entries that were not removed yet.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns the number of buckets in the table.
    #[cfg(test)]
    pub(super) fn buckets(&self) -> usize {
        self.table.buckets()
    }

    /// Returns the milliseconds since the base. The result is negative if another thread moved
    /// the base after the caller read the clock.
    #[inline]
    pub(super) fn elapsed(&self, now: Moment) -> i64 {
        now.as_millis().wrapping_sub(self.base).cast_signed()
    }

    /// Returns the milliseconds since the base in the range of slots. At the maximum every
    /// entry is expired.
    pub(super) fn time(&self, now: Moment) -> u32 {
        u32::try_from(self.elapsed(now).max(0)).unwrap_or(u32::MAX)
    }

    /// Returns true with probability `1 / of`.
    pub(crate) fn one_in(&mut self, of: u32) -> bool {
        self.queues.random.one_in(of)
    }

    /// Removes all entries and returns them.
    pub(crate) fn clear(&mut self) -> EntryTable<K, V> {
        self.queues.clear();
        self.reaper = Reaper::default();
        self.table.clear()
    }

    /// Returns the end of a new entry's first term, and its hard deadline.
    fn deadlines(&mut self, new: &NewEntry<V>, lifetimes: &Lifetimes) -> (u32, u32) {
        let at = |life| self.time(Moment::from_millis(new.read_at.as_millis().saturating_add(u64::from(life))));
        let hard = at(lifetimes.max_age);
        let ends = at(new.term).min(hard);
        self.reaper.expect(ends);
        (ends, hard)
    }

    fn evictor<'a>(
        &'a mut self,
        now: Moment,
        lifetimes: &'a Lifetimes,
        discarded: &'a mut Discarded<K, V>,
    ) -> (Evictor<'a, K, V>, &'a mut Reaper) {
        let time = self.time(now);
        let Self { table, queues, reaper, .. } = self;
        (Evictor { table, queues, time, lifetimes, discarded }, reaper)
    }
}

impl<K: Eq + Hash, V> Shard<K, V> {
    /// Removes an entry if `condition` holds for it.
    pub(crate) fn remove_if<Q>(
        &mut self,
        hash: u32,
        key: &Q,
        condition: impl FnOnce(&Occupied<'_, K, V>) -> bool,
    ) -> Option<Removed<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let entry = self.table.entry(hash, key).filter(condition)?;
        let removed = entry.remove();
        self.queues.left_dangling(&mut self.table);
        Some(removed)
    }

    /// Replaces the value of an existing entry and returns the former value and weight. If
    /// there is no entry, returns the new one as the error.
    pub(crate) fn replace(
        &mut self,
        hash: u32,
        key: &K,
        new: NewEntry<V>,
        lifetimes: &Lifetimes,
    ) -> Result<(V, u64), NewEntry<V>> {
        let (ends, hard) = self.deadlines(&new, lifetimes);
        match self.table.entry(hash, key) {
            Some(mut entry) => Ok(entry.replace(new.value, ends, ColdFields { hard, weight: new.weight })),
            None => Err(new),
        }
    }

    /// Adds an entry whose key is not in the shard, and appends its node to a queue.
    pub(crate) fn add(&mut self, hash: u32, key: K, new: NewEntry<V>, to_main: bool, lifetimes: &Lifetimes) {
        let (ends, hard) = self.deadlines(&new, lifetimes);
        let mut slot = Slot::new(key, new.value, ends);
        if to_main {
            slot.promote();
        }
        self.queues.push(hash, to_main);
        if self.table.add(hash, slot, ColdFields { hard, weight: new.weight }) {
            self.reaper.rebuilt();
        }
    }

    /// Removes one entry, as [`Evictor::evict`] does.
    pub(crate) fn evict(
        &mut self,
        policy: &Policy,
        spare: Option<u32>,
        now: Moment,
        lifetimes: &Lifetimes,
        discarded: &mut Discarded<K, V>,
    ) -> bool {
        self.evictor(now, lifetimes, discarded).0.evict(policy, spare)
    }

    /// Returns whether a new entry is to be inserted into the main queue, as
    /// [`Evictor::admits_to_main`] does.
    pub(crate) fn admits_to_main(
        &mut self,
        hash: u32,
        policy: &Policy,
        full: bool,
        now: Moment,
        lifetimes: &Lifetimes,
        discarded: &mut Discarded<K, V>,
    ) -> bool {
        self.evictor(now, lifetimes, discarded).0.admits_to_main(hash, policy, full)
    }

    /// Removes some of the expired entries.
    pub(crate) fn reap(&mut self, now: Moment, lifetimes: &Lifetimes, discarded: &mut Discarded<K, V>) {
        let (evictor, reaper) = self.evictor(now, lifetimes, discarded);
        reaper.reap(evictor);
    }

    /// Removes the expired entries, and the other entries for which `keep` returns false. If
    /// `keep` panics, no entry is removed.
    pub(crate) fn retain(
        &mut self,
        now: Moment,
        lifetimes: &Lifetimes,
        keep: &mut impl FnMut(&K, &V) -> bool,
        discarded: &mut Discarded<K, V>,
    ) {
        let time = self.time(now);
        let mut leaving = Vec::new();
        for bucket in 0..self.table.buckets() {
            let Some(hash) = self.table.hash_in(bucket) else { continue };
            let Some(entry) = self.table.bucket(bucket) else { continue };
            let lives = entry.lives(time, hash, lifetimes);
            if !lives || !keep(&entry.slot().key, &entry.slot().value) {
                leaving.push((bucket, lives));
            }
        }
        for (bucket, lived) in &leaving {
            let Some(entry) = self.table.bucket(*bucket) else { continue };
            if *lived {
                discarded.remove(entry.remove());
            } else {
                discarded.expire(entry.remove());
            }
        }
        if !leaving.is_empty() {
            self.queues.compact(&mut self.table);
        }
    }

    /// Moves the base to `now` once its age exceeds [`REBASE_AFTER`], so that the times of
    /// slots stay within 32 bits. Expired entries are removed.
    pub(crate) fn rebase(&mut self, now: Moment, lifetimes: &Lifetimes, discarded: &mut Discarded<K, V>) {
        let by = self.elapsed(now);
        if by <= REBASE_AFTER {
            return;
        }
        let time = self.time(now);
        // If this saturates, every entry is expired and removed below.
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        for bucket in 0..self.table.buckets() {
            let Some(hash) = self.table.hash_in(bucket) else { continue };
            let Some(mut entry) = self.table.bucket(bucket) else { continue };
            if entry.lives(time, hash, lifetimes) {
                entry.rebase(by);
            } else {
                discarded.expire(entry.remove());
            }
        }
        self.reaper = Reaper::default();
        self.base = now.as_millis();
        self.queues.compact(&mut self.table);
    }
}
