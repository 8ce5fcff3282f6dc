//! A part of the cache under one lock: a table of entries and their queues.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::hash::Hash;

use foldhash::fast::SeedableRandomState;

use super::clock::Moment;
use super::discarded::Discarded;
use super::ghosts::Ghosts;
use super::life::Lifetimes;
use super::policy::Coin;
use super::reap::Reaper;
use super::slot::{Gone, Rest, Slot};
use super::table::{Occupied, Table};

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
    /// What the times of slots are counted from.
    base: u64,
    pub(super) table: Table<K, V>,
    pub(super) small: VecDeque<u32>,
    pub(super) main: VecDeque<u32>,
    pub(super) ghosts: Ghosts,
    pub(super) coin: Coin,
    dangling: usize,
    pub(super) reaper: Reaper,
}

/// A value on its way into a shard.
pub(crate) struct Arrival<V> {
    pub(crate) value: V,
    pub(crate) weight: u64,
    /// When it was read from where it comes from.
    pub(crate) read_at: Moment,
    /// The length of its first term.
    pub(crate) term: u32,
}

impl<K, V> Shard<K, V> {
    /// An empty shard.
    pub(crate) fn new(now: Moment, hasher: SeedableRandomState, seed: u32) -> Self {
        Self {
            base: now.as_millis(),
            table: Table::new(hasher),
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: Ghosts::default(),
            coin: Coin::new(seed),
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
        self.table.buckets()
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

    /// Takes everything out.
    pub(crate) fn clear(&mut self) -> Table<K, V> {
        (self.small, self.main) = (VecDeque::new(), VecDeque::new());
        self.ghosts = Ghosts::default();
        (self.dangling, self.reaper) = (0, Reaper::default());
        self.table.clear()
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
        condition: impl FnOnce(&Occupied<'_, K, V>) -> bool,
    ) -> Option<Gone<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let entry = self.table.entry(hash, key).filter(condition)?;
        let gone = entry.remove();
        self.left_dangling();
        Some(gone)
    }

    /// Puts another value in the place of a key's present one, or gives the
    /// arrival back if there is none.
    pub(crate) fn replace(
        &mut self,
        hash: u32,
        key: &K,
        arrival: Arrival<V>,
        lifetimes: &Lifetimes,
    ) -> Result<(V, u64), Arrival<V>> {
        let (ends, hard) = self.deadlines(&arrival, lifetimes);
        match self.table.entry(hash, key) {
            Some(mut entry) => Ok(entry.replace(arrival.value, ends, Rest { hard, weight: arrival.weight })),
            None => Err(arrival),
        }
    }

    /// Adds an entry that is not there yet, to the end of a queue.
    pub(crate) fn add(&mut self, hash: u32, key: K, arrival: Arrival<V>, to_main: bool, lifetimes: &Lifetimes) {
        let (ends, hard) = self.deadlines(&arrival, lifetimes);
        let mut slot = Slot::new(key, arrival.value, ends);
        if to_main {
            slot.promote();
            self.main.push_back(hash);
        } else {
            self.small.push_back(hash);
        }
        if self.table.add(hash, slot, Rest { hard, weight: arrival.weight }) {
            self.reaper.moved();
        }
    }

    /// Takes out the entries whose lives are over, and those of the others for which
    /// `keep` does not hold. If `keep` panics, nothing is taken out.
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
            self.tidy();
        }
    }

    /// The entry that a node of a queue stands for; nothing if it dangles.
    pub(super) fn find(&mut self, hash: u32, in_main: bool) -> Option<Occupied<'_, K, V>> {
        self.table.entry_of(hash, |slot| slot.in_main() == in_main)
    }

    /// Lets the times of slots begin later, before they reach the end of their
    /// range.
    pub(crate) fn keep_time(&mut self, now: Moment, lifetimes: &Lifetimes, discarded: &mut Discarded<K, V>) {
        let by = self.elapsed(now);
        if by <= REBASE_AFTER {
            return;
        }
        let time = self.time(now);
        // Where this is cut short, nothing is left to count from the new base.
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
        let Self { table, small, main, .. } = self;
        table.slots_mut().for_each(|slot| slot.mark(false));
        for (queue, in_main) in [(small, false), (main, true)] {
            let nodes = queue.iter().rev().copied().filter(|hash| {
                let entry = table.entry_of(*hash, |slot| !slot.is_marked() && slot.in_main() == in_main);
                entry.map(|mut entry| entry.slot_mut().mark(true)).is_some()
            });
            let mut nodes: Vec<_> = nodes.collect();
            nodes.reverse();
            *queue = nodes.into();
        }
        self.dangling = 0;
    }
}
