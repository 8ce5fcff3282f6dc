//! The eviction algorithm.

use std::hash::Hash;

use super::policy::Policy;
use super::queues::{Queues, entry_of_node};
use crate::cache::entry::{Discarded, EntryTable, Lifetimes, MAX_FREQUENCY};

/// Number of times that one eviction skips the entry that it makes room for: once in the
/// small queue, and once for each round of the clock in which other entries are counted
/// down. Without this limit, two entries with the same hash would keep the loop running.
const SPARED: u32 = MAX_FREQUENCY + 2;

/// Eviction from one shard at one time.
pub(crate) struct Evictor<'a, K, V> {
    pub(crate) table: &'a mut EntryTable<K, V>,
    pub(crate) queues: &'a mut Queues,
    /// The time, in milliseconds since the shard's base.
    pub(crate) time: u32,
    pub(crate) lifetimes: &'a Lifetimes,
    /// Receives the removed entries.
    pub(crate) discarded: &'a mut Discarded<K, V>,
}

impl<K: Eq + Hash, V> Evictor<'_, K, V> {
    /// Removes one entry and returns whether there was one. The entry with the hash `spare`
    /// is removed only if there is no other.
    pub(crate) fn evict(&mut self, policy: &Policy, spare: Option<u32>) -> bool {
        let Self { time, lifetimes, .. } = *self;
        let mut spared = 0;
        let mut is_spared = |hash| {
            let is_spared = spare == Some(hash) && spared < SPARED;
            spared += u32::from(is_spared);
            is_spared
        };
        loop {
            if self.queues.main.is_empty() || self.queues.small.len() >= policy.small_target(self.table.len()) {
                let Some(hash) = self.queues.small.pop_front() else { return false };
                let Some(mut entry) = entry_of_node(self.table, hash, false) else {
                    self.queues.skipped();
                    continue;
                };
                let lives = entry.lives(time, hash, lifetimes);
                if lives && (entry.slot().frequency() >= policy.promote || is_spared(hash)) {
                    entry.slot_mut().promote();
                    self.queues.main.push_back(hash);
                    continue;
                }
                let removed = entry.remove();
                if lives {
                    self.queues.insert_ghost(hash, self.table.len());
                    self.discarded.evict(removed);
                } else {
                    self.discarded.expire(removed);
                }
                self.shorten_small(policy);
                return true;
            }
            if self.queues.main.front().is_some_and(|hash| is_spared(*hash)) {
                self.queues.main.rotate_left(1);
            } else if self.advance_hand(false) {
                return true;
            }
        }
    }

    /// Returns whether a new entry is to be inserted into the main queue. If that queue is
    /// full, this evicts an entry from it first.
    pub(crate) fn admits_to_main(&mut self, hash: u32, policy: &Policy, full: bool) -> bool {
        let ghost = self.queues.ghosts.take(hash);
        if !full {
            // The main queue fills before the small queue grows beyond its target.
            return ghost || policy.straight || self.queues.small.len() >= policy.small_target(self.table.len() + 1);
        }
        let probes = match (ghost, policy.ghost_probes) {
            (true, 0) => return true,
            (true, probes) => probes,
            (false, _) => u32::from(self.queues.random.one_in(policy.probe)),
        };
        (0..probes).any(|_| self.advance_hand(policy.forget)) || policy.straight
    }

    /// Moves one entry to the main queue if the small queue exceeds its target, as it does
    /// after a change of policy. Without this step the small queue would keep its length,
    /// since each evicted entry is replaced by a new one.
    fn shorten_small(&mut self, policy: &Policy) {
        if self.queues.small.len() <= policy.small_target(self.table.len()) {
            return;
        }
        let Some(hash) = self.queues.small.pop_front() else { return };
        match entry_of_node(self.table, hash, false) {
            Some(mut entry) => {
                entry.slot_mut().promote();
                self.queues.main.push_back(hash);
            }
            None => self.queues.skipped(),
        }
    }

    /// Advances the clock's hand by one entry and returns whether that entry was removed. An
    /// entry that was read stays, and its frequency is decremented, or reset if `forget`.
    fn advance_hand(&mut self, forget: bool) -> bool {
        let Some(hash) = self.queues.main.pop_front() else { return false };
        let Some(mut entry) = entry_of_node(self.table, hash, true) else {
            self.queues.skipped();
            return false;
        };
        let lives = entry.lives(self.time, hash, self.lifetimes);
        if lives && entry.slot().frequency() > 0 {
            entry.slot_mut().cool(if forget { MAX_FREQUENCY } else { 1 });
            self.queues.main.push_back(hash);
            return false;
        }
        let removed = entry.remove();
        if lives {
            self.discarded.evict(removed);
        } else {
            self.discarded.expire(removed);
        }
        true
    }
}
