//! Who has to go.

use std::hash::Hash;

use super::clock::Moment;
use super::discarded::Discarded;
use super::ghosts::Ghosts;
use super::life::Lifetimes;
use super::policy::{self, Policy};
use super::shard::Shard;
use super::slot::MAX_FREQUENCY;

/// How often an eviction passes over the entry that it is for: in the small
/// queue, and each time that the clock comes round to it while it counts others
/// down. Two entries of one hash would otherwise keep it going for ever.
const SPARED: u32 = MAX_FREQUENCY + 2;

impl<K: Eq + Hash, V> Shard<K, V> {
    /// Takes one entry out, if there is any: not the one of hash `spare`, as
    /// long as there is another.
    pub(crate) fn evict(
        &mut self,
        policy: &Policy,
        spare: Option<u32>,
        now: Moment,
        lifetimes: &Lifetimes,
        discarded: &mut Discarded<K, V>,
    ) -> bool {
        let time = self.time(now);
        let mut spared = 0;
        let mut is_spared = |hash| {
            let is_it = spare == Some(hash) && spared < SPARED;
            spared += u32::from(is_it);
            is_it
        };
        loop {
            if self.main.is_empty() || self.small.len() >= policy.small_target(self.len()) {
                let Some(hash) = self.small.pop_front() else { return false };
                let Some(mut entry) = self.find(hash, false) else {
                    self.passed_over();
                    continue;
                };
                let lives = entry.lives(time, hash, lifetimes);
                if lives && (entry.slot().frequency() >= policy.promote || is_spared(hash)) {
                    entry.slot_mut().promote();
                    self.main.push_back(hash);
                    continue;
                }
                let gone = entry.remove();
                if lives {
                    self.bury(hash);
                    discarded.evict(gone);
                } else {
                    discarded.expire(gone);
                }
                self.shorten_small(policy);
                return true;
            }
            if self.main.front().is_some_and(|hash| is_spared(*hash)) {
                self.main.rotate_left(1);
            } else if self.turn(false, now, lifetimes, discarded) {
                return true;
            }
        }
    }

    /// Hands an entry on where the small queue is longer than it should be,
    /// as it is after a change of policy: otherwise it would stay so, since for
    /// each that leaves another comes in.
    fn shorten_small(&mut self, policy: &Policy) {
        if self.small.len() <= policy.small_target(self.len()) {
            return;
        }
        let Some(hash) = self.small.pop_front() else { return };
        match self.find(hash, false) {
            Some(mut entry) => {
                entry.slot_mut().promote();
                self.main.push_back(hash);
            }
            None => self.passed_over(),
        }
    }

    /// Turns the main queue by one: whether its hand's entry has gone. If it was
    /// read it stays, and one of its reads is forgotten, or all.
    fn turn(&mut self, forget: bool, now: Moment, lifetimes: &Lifetimes, discarded: &mut Discarded<K, V>) -> bool {
        let time = self.time(now);
        let Some(hash) = self.main.pop_front() else { return false };
        let Some(mut entry) = self.find(hash, true) else {
            self.passed_over();
            return false;
        };
        let lives = entry.lives(time, hash, lifetimes);
        if lives && entry.slot().frequency() > 0 {
            entry.slot_mut().cool(if forget { MAX_FREQUENCY } else { 1 });
            self.main.push_back(hash);
            return false;
        }
        let gone = entry.remove();
        if lives {
            discarded.evict(gone);
        } else {
            discarded.expire(gone);
        }
        true
    }

    /// Whether a newcomer belongs in the main queue. Where it takes a place
    /// there, the place is made free.
    pub(crate) fn admits_to_main(
        &mut self,
        hash: u32,
        policy: &Policy,
        full: bool,
        now: Moment,
        lifetimes: &Lifetimes,
        discarded: &mut Discarded<K, V>,
    ) -> bool {
        let ghost = self.ghosts.exhume(hash);
        if !full {
            // Main fills first.
            return ghost || policy.straight || self.small.len() >= policy.small_target(self.len() + 1);
        }
        let probes = match (ghost, policy.ghost_probes) {
            (true, 0) => return true,
            (true, probes) => probes,
            (false, _) => u32::from(self.coin.once_in(policy.probe)),
        };
        (0..probes).any(|_| self.turn(policy.forget, now, lifetimes, discarded)) || policy.straight
    }

    fn bury(&mut self, hash: u32) {
        let wanted = policy::ghosts(self.len());
        // What is remembered is forgotten when the room for it changes, which
        // it does while a shard fills, and hardly ever later.
        if self.ghosts.capacity() * 2 < wanted || self.ghosts.capacity() > wanted * 4 {
            self.ghosts = Ghosts::new(wanted);
        }
        self.ghosts.bury(hash);
    }
}
