//! Sampling of lookups, and the selected policy.

use super::contest::Contest;
use super::shadow::Shadows;
use crate::cache::entry::short;
use crate::cache::eviction::{POLICIES, POLICY_COUNT, Policy};
use crate::sync::{AtomicI32, AtomicU8, AtomicU32, Mutex, Ordering};

/// Maximum capacity of a shadow, in keys.
const LARGEST: usize = 1_024;
/// Number of sampled hits that the shadows observe for each sampled miss.
const HITS_PER_MISS: i32 = 16;

/// The selected policy, and the shadows that select it.
///
/// The shadows observe the sampled misses, and up to 16 sampled hits for each of them. If
/// all lookups hit, no choice is needed, and a lookup has no additional cost. If another
/// thread holds the lock of the shadows, the lookup is not observed.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Duel {
    enabled: bool,
    /// Index of the selected policy.
    policy: AtomicU8,
    /// Sample mask: a key is sampled if these bits of its hash are 0.
    mask: AtomicU32,
    /// Number of sampled hits that the shadows still observe.
    budget: AtomicI32,
    state: Mutex<DuelState>,
}

#[derive(Default)]
struct DuelState {
    shadows: Option<Box<Shadows>>,
    capacity: usize,
    contest: Contest,
}

impl std::fmt::Debug for DuelState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DuelState")
            .field("capacity", &self.capacity)
            .field("contest", &self.contest)
            .finish_non_exhaustive()
    }
}

impl Duel {
    /// Creates a duel for a cache of `capacity` entries. If it is not `enabled`, the first
    /// policy stays selected.
    pub(crate) fn new(enabled: bool, capacity: usize) -> Self {
        let duel = Self {
            enabled,
            policy: AtomicU8::new(0),
            mask: AtomicU32::new(u32::MAX),
            budget: AtomicI32::new(0),
            state: Mutex::new(DuelState::default()),
        };
        duel.resize(capacity);
        duel
    }

    /// Returns the selected policy.
    pub(crate) fn policy(&self) -> &'static Policy {
        &POLICIES[usize::from(self.policy.load(Ordering::Relaxed)) % POLICY_COUNT]
    }

    /// Sets the capacity of the cache, in entries.
    pub(crate) fn resize(&self, capacity: usize) {
        if !self.enabled {
            return;
        }
        let Some(mut state) = self.state.try_lock() else { return };
        let mask = self.mask.load(Ordering::Relaxed);
        // A new sample invalidates the contents of the shadows, so the sampling rate changes
        // only if the capacity changes by a large factor.
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

    /// Returns whether the shadows observe hits.
    ///
    /// A lookup calls this before it tests whether the key is sampled. The result is nearly
    /// always the same, while in a small cache about half of the keys are sampled; the
    /// mispredicted branch took a fifth of a lookup's time.
    #[inline]
    pub(crate) fn wants_hits(&self) -> bool {
        self.budget.load(Ordering::Relaxed) > 0
    }

    /// Records a hit.
    pub(crate) fn observe_hit(&self, hash: u64) {
        if self.is_sampled(hash) {
            self.observe(short(hash), true);
        }
    }

    /// Records a miss.
    pub(crate) fn observe_miss(&self, hash: u64) {
        if self.enabled && self.is_sampled(hash) {
            self.observe(short(hash), false);
        }
    }

    fn is_sampled(&self, hash: u64) -> bool {
        (hash >> 32) as u32 & self.mask.load(Ordering::Relaxed) == 0
    }

    #[cold]
    fn observe(&self, hash: u32, hit: bool) {
        let Some(mut state) = self.state.try_lock() else { return };
        let budget = self.budget.load(Ordering::Relaxed) + if hit { -1 } else { HITS_PER_MISS };
        self.budget.store(budget.min(1 << 12), Ordering::Relaxed);
        let DuelState { shadows, capacity, contest } = &mut *state;
        contest.note(shadows.get_or_insert_with(|| Box::new(Shadows::new(*capacity))).access(hash));
        if contest.is_due(*capacity) {
            let policy = contest.select(usize::from(self.policy.load(Ordering::Relaxed)), *capacity);
            #[expect(clippy::cast_possible_truncation, reason = "an index below the number of policies")]
            self.policy.store(policy as u8, Ordering::Relaxed);
        }
    }
}
