//! A part of the cache under one lock: a table of entries and their queues.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::clock::Moment;
use super::discarded::Discarded;
use super::ghosts::Ghosts;
use super::life::Lifetimes;
use super::policy::Coin;
use super::reap::Reaper;
use super::slot::Slot;

/// Half of what 32 bits of milliseconds hold: the other half is for lives.
const REBASE_AFTER: i64 = 1 << 31;
/// Dangling nodes that a shard may have before it tidies up, besides as many
/// as an eighth of its entries.
const DANGLING: usize = 32;

/// A shard. Entries are identified to the queues by 32 bits of their hash; a
/// node whose entry has gone, or is in the other queue, dangles, and is passed
/// over. Every entry has at least one node in its own queue. What a lookup
/// touches comes first, side by side, as the fields are written.
#[repr(C)]
pub(crate) struct Shard<K, V> {
    pub(super) table: HashTable<Slot<K, V>>,
    /// What the times of slots are counted from.
    base: u64,
    pub(super) small: VecDeque<u32>,
    pub(super) main: VecDeque<u32>,
    pub(super) ghosts: Ghosts,
    pub(super) coin: Coin,
    hasher: SeedableRandomState,
    dangling: usize,
    pub(super) reaper: Reaper,
}

/// A value on its way into a shard.
pub(crate) struct Arrival<V> {
    pub(crate) value: V,
    pub(crate) weight: u32,
    /// When it was read from where it comes from.
    pub(crate) read_at: Moment,
    /// The length of its first term.
    pub(crate) term: u32,
}

/// The 32 bits of a hash that a shard goes by. Which shard it is, the upper
/// bits say.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
pub(crate) const fn short(hash: u64) -> u32 {
    hash as u32
}

/// The table's hash: it looks at the highest seven bits and at the lowest, and
/// each of ours is in one of these places.
pub(super) const fn wide(short: u32) -> u64 {
    (short as u64).rotate_right(7)
}

impl<K, V> Shard<K, V> {
    /// An empty shard.
    pub(crate) fn new(now: Moment, hasher: SeedableRandomState, seed: u32) -> Self {
        Self {
            table: HashTable::new(),
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: Ghosts::default(),
            coin: Coin::new(seed),
            hasher,
            base: now.as_millis(),
            dangling: 0,
            reaper: Reaper::default(),
        }
    }

    /// Entries held, among them those whose lives are over and which nobody
    /// has come by since.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The buckets of its table.
    #[cfg(test)]
    pub(super) fn buckets(&self) -> usize {
        self.table.num_buckets()
    }

    /// The time as slots have it, without an end: below 0 for a thread that has
    /// asked its clock before another moved the base.
    #[inline]
    pub(super) fn elapsed(&self, now: Moment) -> i64 {
        now.as_millis().wrapping_sub(self.base).cast_signed()
    }

    /// The time as slots have it. At the very end of the range every life is over.
    pub(super) fn time(&self, now: Moment) -> u32 {
        u32::try_from(self.elapsed(now).max(0)).unwrap_or(u32::MAX)
    }

    /// The entry of a key, whose life may be over.
    #[inline]
    pub(crate) fn get<Q>(&self, hash: u32, key: &Q) -> Option<&Slot<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.table.find(wide(hash), |slot| slot.key.borrow() == key)
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) -> HashTable<Slot<K, V>> {
        (self.small, self.main) = (VecDeque::new(), VecDeque::new());
        self.ghosts = Ghosts::default();
        (self.dangling, self.reaper) = (0, Reaper::default());
        std::mem::take(&mut self.table)
    }

    /// When an arrival's first term ends, and when its life does in any case.
    fn deadlines(&mut self, arrival: &Arrival<V>, lifetimes: &Lifetimes) -> (u32, u32) {
        let at = |life| self.time(Moment::from_millis(arrival.read_at.as_millis().saturating_add(u64::from(life))));
        let hard = at(lifetimes.max_age);
        let ends = at(arrival.term).min(hard);
        self.reaper.expect(ends);
        (ends, hard)
    }
}

impl<K: Eq + Hash, V> Shard<K, V> {
    /// Takes an entry out if `condition` holds for it.
    pub(crate) fn remove_if<Q>(
        &mut self,
        hash: u32,
        key: &Q,
        condition: impl FnOnce(&Slot<K, V>) -> bool,
    ) -> Option<Slot<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let found = self.table.find_entry(wide(hash), |slot| slot.key.borrow() == key).ok()?;
        if !condition(found.get()) {
            return None;
        }
        let (slot, _) = found.remove();
        self.left_dangling();
        Some(slot)
    }

    /// Puts another value in the place of a key's present one, or gives the
    /// arrival back if there is none.
    pub(crate) fn replace(
        &mut self,
        hash: u32,
        key: &K,
        arrival: Arrival<V>,
        lifetimes: &Lifetimes,
    ) -> Result<(V, u32), Arrival<V>> {
        let (ends, hard) = self.deadlines(&arrival, lifetimes);
        match self.table.find_mut(wide(hash), |slot| slot.key == *key) {
            Some(slot) => Ok(slot.replace(arrival.value, arrival.weight, ends, hard)),
            None => Err(arrival),
        }
    }

    /// Adds an entry that is not there yet, to the end of a queue.
    pub(crate) fn add(&mut self, hash: u32, key: K, arrival: Arrival<V>, to_main: bool, lifetimes: &Lifetimes) {
        let (ends, hard) = self.deadlines(&arrival, lifetimes);
        let mut slot = Slot::new(key, arrival.value, arrival.weight, ends, hard);
        if to_main {
            slot.promote();
            self.main.push_back(hash);
        } else {
            self.small.push_back(hash);
        }
        if self.table.len() == self.table.capacity() {
            self.rebuild();
        }
        let Self { table, hasher, .. } = self;
        table.insert_unique(wide(hash), slot, |slot| wide(short(hasher.hash_one(&slot.key))));
    }

    /// Moves all entries to a new table: a larger one only where they fill this
    /// one. What had filled it may be the marks of those that have left, for
    /// which the table would by itself take twice the memory.
    fn rebuild(&mut self) {
        let Self { table, hasher, .. } = self;
        let wanted = table.len() + table.len() / 32 + 1;
        let hash = |slot: &Slot<K, V>| wide(short(hasher.hash_one(&slot.key)));
        let former = std::mem::replace(table, HashTable::with_capacity(wanted));
        for slot in former {
            table.insert_unique(hash(&slot), slot, hash);
        }
        self.reaper.restart();
    }

    /// The hash that entries are identified by.
    pub(super) fn hash(&self, key: &K) -> u32 {
        short(self.hasher.hash_one(key))
    }

    /// Hands out every living entry.
    pub(crate) fn living(&self, now: Moment, lifetimes: &Lifetimes, mut hand_out: impl FnMut(&K, &V)) {
        let time = self.time(now);
        let living = self.table.iter().filter(|slot| slot.lives(time, self.hash(&slot.key), lifetimes));
        living.for_each(|slot| hand_out(&slot.key, &slot.value));
    }

    /// The entry that a node of a queue stands for; nothing if it dangles.
    pub(super) fn find(&mut self, hash: u32, in_main: bool) -> Option<OccupiedEntry<'_, Slot<K, V>>> {
        let Self { table, hasher, .. } = self;
        let is_it = |slot: &Slot<K, V>| slot.in_main() == in_main && short(hasher.hash_one(&slot.key)) == hash;
        table.find_entry(wide(hash), is_it).ok()
    }

    /// Lets the times of slots begin later, before they reach the end of their
    /// range.
    pub(crate) fn keep_time(&mut self, now: Moment, lifetimes: &Lifetimes, discarded: &mut Discarded<K, V>) {
        let by = self.elapsed(now);
        if by <= REBASE_AFTER {
            return;
        }
        let time = self.time(now);
        let Self { table, hasher, .. } = self;
        let ended = |slot: &mut Slot<K, V>| !slot.lives(time, short(hasher.hash_one(&slot.key)), lifetimes);
        table.extract_if(ended).for_each(|slot| discarded.expire(slot));
        // Where this is cut short, nothing is left to count from the new base.
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        table.iter_mut().for_each(|slot| slot.rebase(by));
        self.reaper = Reaper::default();
        self.base = now.as_millis();
        self.tidy();
    }

    /// Notes that an entry has gone and its node has not.
    pub(super) fn left_dangling(&mut self) {
        self.dangling += 1;
        if self.dangling > DANGLING + self.table.len() / 8 {
            self.tidy();
        }
    }

    /// Notes that a node without an entry has gone.
    pub(super) fn passed_over(&mut self) {
        self.dangling = self.dangling.saturating_sub(1);
    }

    /// Leaves each entry its latest node, and drops the others.
    fn tidy(&mut self) {
        let Self { table, small, main, hasher, .. } = self;
        table.iter_mut().for_each(|slot| slot.mark(false));
        for (queue, in_main) in [(small, false), (main, true)] {
            let nodes = queue.iter().rev().copied().filter(|hash| {
                let is_it = |slot: &Slot<K, V>| {
                    !slot.is_marked() && slot.in_main() == in_main && short(hasher.hash_one(&slot.key)) == *hash
                };
                table.find_mut(wide(*hash), is_it).map(|slot| slot.mark(true)).is_some()
            });
            let mut nodes: Vec<_> = nodes.collect();
            nodes.reverse();
            *queue = nodes.into();
        }
        self.dangling = 0;
    }
}
