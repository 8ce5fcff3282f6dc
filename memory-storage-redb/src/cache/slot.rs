//! One entry, as it lies in the table.

use super::life::{Lifetimes, STEPS, Term};
use crate::sync::{AtomicU64, Ordering};

/// The highest frequency.
pub(crate) const MAX_FREQUENCY: u32 = 3;

/// What a hit asks for of an entry. Times are milliseconds since the shard's
/// base. With a key of 16 bytes and a value of 8 it is half a cache line, and
/// never in two: without that, more than a third of all lookups waited for two.
#[repr(C, align(32))]
pub(crate) struct Slot<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    state: AtomicU64,
}

/// What no hit asks for. Packed, since the alignment of the weight would make it a
/// third longer, in every bucket of a table.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, packed(4))]
pub(crate) struct Rest {
    pub(crate) weight: u64,
    /// When the life is over in any case.
    pub(crate) hard: u32,
}

/// What is left of an entry that was taken out.
pub(crate) struct Gone<K, V> {
    _key: K,
    pub(crate) value: V,
    pub(crate) weight: u64,
}

/// What readers change of a slot, in one word, so that no reader sees a half of
/// a change. From below: two bits of frequency, which eviction counts down; six
/// of the term's reads; five of its step; which queue the slot is in; a mark for
/// whoever walks the queues; and, above what is free, when the term ends. The
/// sign says that a count is not full. Read as a number, what is above the free
/// bits is then below every time from 0 on, so that one comparison tells whether a read
/// has nothing to do but to answer. Full counts are left alone, so that the line
/// of a popular entry stays in every core's cache.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State(u64);

const FREQUENCY: u64 = 1;
const READ: u64 = 1 << 2;
const READS: u32 = 63;
const STEP: u64 = 1 << 8;
const STEP_BITS: u32 = 31;
const MAIN: u64 = 1 << 13;
const MARK: u64 = 1 << 14;
const ENDS: u64 = 1 << 31;
const COUNTS: u64 = 1 << 63;

impl State {
    /// The state whose counts are these, without a mark. Reads count in it.
    fn new(frequency: u32, term: &Term, main: bool) -> Self {
        let step = (term.step - STEPS.start()).unsigned_abs();
        let counts = u64::from(frequency) * FREQUENCY + u64::from(term.reads.min(READS)) * READ;
        Self(COUNTS + u64::from(term.ends) * ENDS + counts + u64::from(step) * STEP + if main { MAIN } else { 0 })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a few bits of it are what is wanted")]
    const fn bits(self, unit: u64, mask: u32) -> u32 {
        (self.0 / unit) as u32 & mask
    }

    const fn ends(self) -> u32 {
        self.bits(ENDS, u32::MAX)
    }

    const fn frequency(self) -> u32 {
        self.bits(FREQUENCY, MAX_FREQUENCY)
    }

    const fn reads(self) -> u32 {
        self.bits(READ, READS)
    }

    const fn step(self) -> i32 {
        self.bits(STEP, STEP_BITS).cast_signed() + *STEPS.start()
    }

    const fn main(self) -> bool {
        self.0 & MAIN != 0
    }

    const fn term(self) -> Term {
        Term { ends: self.ends(), step: self.step(), reads: self.reads() }
    }

    /// Whether a read counts.
    const fn counts(self) -> bool {
        self.0 & COUNTS != 0
    }

    /// Whether the term lasts at `now`.
    #[inline]
    fn lasts(self, now: i64) -> bool {
        now < i64::from(self.ends())
    }

    /// Whether it does, and a read changes nothing.
    #[inline]
    fn lasts_and_is_full(self, now: i64) -> bool {
        now < self.0.cast_signed() >> ENDS.trailing_zeros()
    }

    /// One more read, in both counts, of which that of the term ends at `hot`.
    const fn read(self, hot: u32) -> Self {
        let (frequency, reads) = (self.frequency(), self.reads());
        let more = (frequency < MAX_FREQUENCY) as u64 * FREQUENCY + (reads < hot) as u64 * READ;
        let full = frequency + 1 >= MAX_FREQUENCY && reads + 1 >= hot;
        Self((self.0 + more) & !(full as u64 * COUNTS))
    }
}

impl<K, V> Slot<K, V> {
    /// A slot whose first term ends at `ends`.
    pub(crate) fn new(key: K, value: V, ends: u32) -> Self {
        let state = State::new(0, &Term { ends, step: 0, reads: 0 }, false);
        Self { key, value, state: AtomicU64::new(state.0) }
    }

    #[inline]
    fn state(&self) -> State {
        State(self.state.load(Ordering::Relaxed))
    }

    /// When the present term ends.
    pub(crate) fn ends(&self) -> u32 {
        self.state().ends()
    }

    /// Whether the present term lasts.
    pub(crate) fn in_term(&self, now: u32) -> bool {
        self.state().lasts(i64::from(now))
    }

    /// Whether the entry lives, after any renewal it has earned.
    pub(crate) fn lives(&self, now: u32, hard: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        self.in_term(now) || self.renewed(now, hard, hash, lifetimes)
    }

    #[cold]
    fn renewed(&self, now: u32, hard: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        let renew = |state| {
            let state = State(state);
            let term = lifetimes.renew(state.term(), hard, hash, now)?;
            Some(State::new(state.frequency(), &term, state.main()).0)
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, renew).is_ok()
    }

    /// Reads the entry at `now`: whether it lives.
    pub(crate) fn read(&self, now: u32, hard: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        // Another reader may have renewed it, and others have read it since.
        let lives = self.lives(now, hard, hash, lifetimes);
        let state = self.state();
        if lives && state.counts() {
            self.count(state, lifetimes);
        }
        lives
    }

    /// Reads the entry at `now` if the present term lasts. Otherwise it says no,
    /// and does nothing.
    #[inline]
    pub(crate) fn read_in_term(&self, now: i64, lifetimes: &Lifetimes) -> bool {
        let state = self.state();
        if state.lasts_and_is_full(now) {
            return true;
        }
        // So it is over, or a read counts.
        let lasts = state.lasts(now);
        if lasts {
            self.count(state, lifetimes);
        }
        lasts
    }

    /// Counts a read of an entry in this state.
    #[inline]
    fn count(&self, state: State, lifetimes: &Lifetimes) {
        // A store, since an atomic addition costs each read too much. Of two
        // readers at once one may go uncounted, or undo the other's renewal,
        // which the next then makes anew. Nothing else changes meanwhile: that
        // takes the exclusive lock.
        self.state.store(state.read(lifetimes.hot).0, Ordering::Relaxed);
    }

    /// Puts another value in the slot, with a life of its own. What is known of
    /// the key's popularity stays.
    pub(crate) fn replace(&mut self, value: V, ends: u32) -> V {
        let state = State::new(self.frequency(), &Term { ends, step: 0, reads: 0 }, self.in_main());
        *self.state.get_mut() = state.0;
        std::mem::replace(&mut self.value, value)
    }

    /// Leaves the cache, with what it weighed.
    pub(crate) fn leave(self, weight: u64) -> Gone<K, V> {
        Gone { _key: self.key, value: self.value, weight }
    }

    /// How often it was read since eviction last looked, up to [`MAX_FREQUENCY`].
    pub(crate) fn frequency(&self) -> u32 {
        self.state().frequency()
    }

    /// Counts the frequency down by so many reads, or to none.
    pub(crate) fn cool(&mut self, reads: u32) {
        let fewer = u64::from(reads.min(self.frequency()));
        if fewer > 0 {
            let state = self.state.get_mut();
            *state = (*state - fewer * FREQUENCY) | COUNTS;
        }
    }

    /// Whether the slot is in the main queue, and not in the small one.
    pub(crate) fn in_main(&self) -> bool {
        self.state().main()
    }

    /// Moves the slot to the main queue, with its frequency at 0.
    pub(crate) fn promote(&mut self) {
        let state = self.state();
        *self.state.get_mut() = State::new(0, &state.term(), true).0;
    }

    /// Marks the slot, or takes the mark away.
    pub(crate) fn mark(&mut self, mark: bool) {
        let state = self.state.get_mut();
        *state = *state & !MARK | if mark { MARK } else { 0 };
    }

    /// Whether the slot is marked.
    pub(crate) fn is_marked(&self) -> bool {
        self.state().0 & MARK != 0
    }

    /// Counts the times from a base that is later by `by`.
    pub(crate) fn rebase(&mut self, by: u32) {
        let state = self.state();
        let term = Term { ends: state.ends().saturating_sub(by), ..state.term() };
        let counts = state.0 | !COUNTS;
        *self.state.get_mut() = counts & State::new(state.frequency(), &term, state.main()).0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::AdaptiveCacheConfig;
    use super::*;

    #[test]
    fn counts_are_full_at_their_limits_and_leave_each_other_alone() {
        let lifetimes = Lifetimes::new(&AdaptiveCacheConfig { hot_threshold: 63, ..AdaptiveCacheConfig::default() });
        let mut slot = Slot::new([0_u64; 2], 2_u64, u32::MAX);
        slot.promote();
        for reads in 1..=100 {
            assert!(slot.read(0, u32::MAX, 0, &lifetimes));
            assert_eq!((slot.frequency(), slot.state().reads()), (reads.min(3), reads.min(63)));
            assert!(slot.in_main() && slot.state().step() == 0 && slot.state().ends() == u32::MAX);
        }
        for frequency in [2, 1, 0, 0] {
            slot.cool(1);
            assert_eq!((slot.frequency(), slot.state().reads()), (frequency, 63));
        }
        for frequency in [1, 2, 3, 3] {
            assert!(slot.read_in_term(0, &lifetimes));
            assert_eq!((slot.frequency(), slot.state().reads()), (frequency, 63));
        }
        slot.cool(MAX_FREQUENCY);
        assert_eq!(slot.frequency(), 0);
        assert_eq!((slot.replace(7, 9), slot.state().ends()), (2, 9));
        assert!(slot.in_main() && slot.state().reads() == 0);
    }

    #[test]
    fn a_slot_of_an_id_and_a_pointer_is_half_a_cache_line() {
        assert_eq!(size_of::<Slot<[u64; 2], Option<std::sync::Arc<u64>>>>(), 32);
        assert_eq!(size_of::<Rest>(), 12);
    }

    #[test]
    fn a_step_is_kept_over_its_whole_range() {
        for step in STEPS {
            let term = Term { ends: u32::MAX, step, reads: 63 };
            for main in [false, true] {
                let state = State::new(2, &term, main);
                assert_eq!((state.term(), state.frequency(), state.main()), (term, 2, main));
            }
        }
    }
}
