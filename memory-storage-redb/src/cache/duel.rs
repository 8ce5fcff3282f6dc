//! Which way of evicting is the best just now.

use super::contest::Contest;
use super::policy::{POLICIES, Policy, WAYS};
use super::shadow::Shadows;
use super::table::short;
use crate::sync::{AtomicI32, AtomicU8, AtomicU32, Mutex, Ordering};

/// The most keys that a shadow stands for.
const LARGEST: usize = 1_024;
/// Sampled hits that each sampled miss pays for.
const HITS_PER_MISS: i32 = 16;

/// Shadows of all ways, on a sample of the keys, and the way that would have
/// hit most often of late.
///
/// Only misses and as many hits as they pay for reach the shadows: where
/// everything hits there is nothing to decide, and a lookup costs what it costs
/// without. Who finds the shadows locked goes on without them.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Duel {
    enabled: bool,
    /// The present way.
    way: AtomicU8,
    /// A key is in the sample if these bits of its hash are 0.
    mask: AtomicU32,
    /// Hits that are paid for.
    budget: AtomicI32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shadows: Option<Box<Shadows>>,
    capacity: usize,
    contest: Contest,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("capacity", &self.capacity)
            .field("contest", &self.contest)
            .finish_non_exhaustive()
    }
}

impl Duel {
    /// A duel over a cache of so many entries.
    pub(crate) fn new(enabled: bool, capacity: usize) -> Self {
        let duel = Self {
            enabled,
            way: AtomicU8::new(0),
            mask: AtomicU32::new(u32::MAX),
            budget: AtomicI32::new(0),
            state: Mutex::new(State::default()),
        };
        duel.resize(capacity);
        duel
    }

    /// The present way.
    pub(crate) fn policy(&self) -> &'static Policy {
        &POLICIES[usize::from(self.way.load(Ordering::Relaxed)) % WAYS]
    }

    /// The capacity has turned out to be another one.
    pub(crate) fn resize(&self, capacity: usize) {
        if !self.enabled {
            return;
        }
        let Some(mut state) = self.state.try_lock() else { return };
        let mask = self.mask.load(Ordering::Relaxed);
        // A change of sample costs what the shadows know, so that a little
        // more or less is no reason for one.
        let mut rate = u64::from(mask) + 1;
        if capacity as u64 > LARGEST as u64 * rate || (capacity as u64) * 3 < LARGEST as u64 * rate {
            rate = (capacity.div_ceil(LARGEST) as u64).next_power_of_two().min(1 << 31);
        }
        let capacity = usize::try_from(capacity as u64 / rate).unwrap_or(LARGEST).max(1);
        self.mask.store(u32::try_from(rate - 1).unwrap_or(u32::MAX), Ordering::Relaxed);
        state.capacity = capacity;
        if let Some(shadows) = &mut state.shadows {
            shadows.resize(capacity);
        }
    }

    /// Whether hits are paid for. To be asked first: it has the same answer
    /// nearly every time, while in a small cache it is a coin's throw whether a
    /// key is in the sample. A branch that cannot be foreseen was a fifth of a
    /// lookup.
    #[inline]
    pub(crate) fn wants_hits(&self) -> bool {
        self.budget.load(Ordering::Relaxed) > 0
    }

    /// Takes note of a hit.
    pub(crate) fn observe_hit(&self, hash: u64) {
        if self.is_sampled(hash) {
            self.feed(short(hash), true);
        }
    }

    /// Takes note of a miss.
    pub(crate) fn observe_miss(&self, hash: u64) {
        if self.enabled && self.is_sampled(hash) {
            self.feed(short(hash), false);
        }
    }

    fn is_sampled(&self, hash: u64) -> bool {
        (hash >> 32) as u32 & self.mask.load(Ordering::Relaxed) == 0
    }

    #[cold]
    fn feed(&self, hash: u32, hit: bool) {
        let Some(mut state) = self.state.try_lock() else { return };
        let budget = self.budget.load(Ordering::Relaxed) + if hit { -1 } else { HITS_PER_MISS };
        self.budget.store(budget.min(1 << 12), Ordering::Relaxed);
        let State { shadows, capacity, contest } = &mut *state;
        contest.note(shadows.get_or_insert_with(|| Box::new(Shadows::new(*capacity))).access(hash));
        if contest.is_due(*capacity) {
            let way = contest.sum_up(usize::from(self.way.load(Ordering::Relaxed)), *capacity);
            #[expect(clippy::cast_possible_truncation, reason = "one of a handful")]
            self.way.store(way as u8, Ordering::Relaxed);
        }
    }
}
