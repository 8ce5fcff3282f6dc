//! The part of an entry that a hit accesses.

use super::life::{Lifetimes, STEPS, Term};
use crate::sync::{AtomicU64, Ordering};

/// Maximum frequency.
pub(crate) const MAX_FREQUENCY: u32 = 3;

/// The fields of an entry that a hit accesses.
///
/// Times are milliseconds since the shard's base. With a key of 16 bytes and a value of 8
/// bytes, a slot has 32 bytes and never crosses a cache line. Without the alignment, more than
/// a third of all lookups accessed two lines.
#[repr(C, align(32))]
pub(crate) struct Slot<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    state: AtomicU64,
}

/// The fields of an entry that no hit accesses. The struct is packed: the alignment of the
/// weight would enlarge it by a third, in every bucket of a table.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, packed(4))]
pub(crate) struct ColdFields {
    pub(crate) weight: u64,
    /// Hard deadline: the entry expires at this time whatever its reads.
    pub(crate) hard: u32,
}

/// An entry that was removed.
pub(crate) struct Removed<K, V> {
    _key: K,
    pub(crate) value: V,
    pub(crate) weight: u64,
}

/// The fields of a slot that readers change, in one word, so that readers see each change as
/// a whole.
///
/// From the lowest bit: the frequency (2 bits), which eviction decrements; the reads of the
/// term (6 bits); its step (5 bits); the queue (1 bit); a mark for compaction of the queues
/// (1 bit); unused bits; and from bit 31 the end of the term (32 bits). The sign bit is set
/// while a count is below its maximum.
///
/// Shifted right by 31 bits as a signed number, the word is negative while a count is below its
/// maximum. One comparison with the time then tells whether a read changes nothing: the term
/// lasts and the counts are at their maximum. Such a read writes nothing, so the cache line of a
/// popular entry stays shared between cores.
#[derive(Clone, Copy, PartialEq, Eq)]
struct SlotState(u64);

const FREQUENCY: u64 = 1;
const READ: u64 = 1 << 2;
const READS: u32 = 63;
const STEP: u64 = 1 << 8;
const STEP_BITS: u32 = 31;
const MAIN: u64 = 1 << 13;
const MARK: u64 = 1 << 14;
const ENDS: u64 = 1 << 31;
const COUNTS: u64 = 1 << 63;

impl SlotState {
    /// Creates a state without a mark, in which reads are counted.
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

    /// Returns whether a count is below its maximum, so that reads are counted.
    const fn counts(self) -> bool {
        self.0 & COUNTS != 0
    }

    /// Returns whether the term lasts at `now`.
    #[inline]
    fn lasts(self, now: i64) -> bool {
        now < i64::from(self.ends())
    }

    /// Returns whether the term lasts at `now` and no read is counted.
    #[inline]
    fn lasts_and_is_full(self, now: i64) -> bool {
        now < self.0.cast_signed() >> ENDS.trailing_zeros()
    }

    /// Returns the state after one more read. The reads of a term are counted up to `hot`.
    const fn read(self, hot: u32) -> Self {
        let (frequency, reads) = (self.frequency(), self.reads());
        let more = (frequency < MAX_FREQUENCY) as u64 * FREQUENCY + (reads < hot) as u64 * READ;
        let full = frequency + 1 >= MAX_FREQUENCY && reads + 1 >= hot;
        Self((self.0 + more) & !(full as u64 * COUNTS))
    }
}

impl<K, V> Slot<K, V> {
    /// Creates a slot whose first term ends at `ends`.
    pub(crate) fn new(key: K, value: V, ends: u32) -> Self {
        let state = SlotState::new(0, &Term { ends, step: 0, reads: 0 }, false);
        Self { key, value, state: AtomicU64::new(state.0) }
    }

    #[inline]
    fn state(&self) -> SlotState {
        SlotState(self.state.load(Ordering::Relaxed))
    }

    /// Returns the end of the current term.
    pub(crate) fn ends(&self) -> u32 {
        self.state().ends()
    }

    /// Returns whether the current term lasts at `now`.
    pub(crate) fn in_term(&self, now: u32) -> bool {
        self.state().lasts(i64::from(now))
    }

    /// Returns whether the entry lives at `now`. If its term has ended and its reads earned
    /// another, the term is renewed.
    pub(crate) fn lives(&self, now: u32, hard: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        self.in_term(now) || self.renewed(now, hard, hash, lifetimes)
    }

    #[cold]
    fn renewed(&self, now: u32, hard: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        let renew = |state| {
            let state = SlotState(state);
            let term = lifetimes.renew(state.term(), hard, hash, now)?;
            Some(SlotState::new(state.frequency(), &term, state.main()).0)
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, renew).is_ok()
    }

    /// Counts a read at `now` and returns whether the entry lives.
    pub(crate) fn read(&self, now: u32, hard: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        // The state is loaded again: another reader may have renewed or read the entry.
        let lives = self.lives(now, hard, hash, lifetimes);
        let state = self.state();
        if lives && state.counts() {
            self.count(state, lifetimes);
        }
        lives
    }

    /// Counts a read at `now` if the current term lasts, and returns whether it does. If the term
    /// has ended, nothing changes.
    #[inline]
    pub(crate) fn read_in_term(&self, now: i64, lifetimes: &Lifetimes) -> bool {
        let state = self.state();
        if state.lasts_and_is_full(now) {
            return true;
        }
        // Either the term has ended, or the read is counted.
        let lasts = state.lasts(now);
        if lasts {
            self.count(state, lifetimes);
        }
        lasts
    }

    /// Counts a read of an entry that is in `state`.
    #[inline]
    fn count(&self, state: SlotState, lifetimes: &Lifetimes) {
        // This is a store, since an atomic addition would make every read slower. If two readers
        // store at the same time, one read may not be counted, or a renewal may be undone, which the
        // next reader repeats. Every other change needs the exclusive lock.
        self.state.store(state.read(lifetimes.hot).0, Ordering::Relaxed);
    }

    /// Replaces the value and starts a new lifetime. The frequency and the queue stay.
    pub(crate) fn replace(&mut self, value: V, ends: u32) -> V {
        let state = SlotState::new(self.frequency(), &Term { ends, step: 0, reads: 0 }, self.in_main());
        *self.state.get_mut() = state.0;
        std::mem::replace(&mut self.value, value)
    }

    /// Converts the slot to a removed entry of this weight.
    pub(crate) fn leave(self, weight: u64) -> Removed<K, V> {
        Removed { _key: self.key, value: self.value, weight }
    }

    /// Returns the number of reads since eviction last examined the entry, at most
    /// [`MAX_FREQUENCY`].
    pub(crate) fn frequency(&self) -> u32 {
        self.state().frequency()
    }

    /// Subtracts `reads` from the frequency, down to 0.
    pub(crate) fn cool(&mut self, reads: u32) {
        let fewer = u64::from(reads.min(self.frequency()));
        if fewer > 0 {
            let state = self.state.get_mut();
            *state = (*state - fewer * FREQUENCY) | COUNTS;
        }
    }

    /// Returns whether the entry is in the main queue. Otherwise it is in the small queue.
    pub(crate) fn in_main(&self) -> bool {
        self.state().main()
    }

    /// Assigns the entry to the main queue and resets its frequency to 0.
    pub(crate) fn promote(&mut self) {
        let state = self.state();
        *self.state.get_mut() = SlotState::new(0, &state.term(), true).0;
    }

    /// Sets or clears the mark.
    pub(crate) fn mark(&mut self, mark: bool) {
        let state = self.state.get_mut();
        *state = *state & !MARK | if mark { MARK } else { 0 };
    }

    /// Returns whether the mark is set.
    pub(crate) fn is_marked(&self) -> bool {
        self.state().0 & MARK != 0
    }

    /// Moves the origin of times `by` milliseconds later.
    pub(crate) fn rebase(&mut self, by: u32) {
        let state = self.state();
        let term = Term { ends: state.ends().saturating_sub(by), ..state.term() };
        let counts = state.0 | !COUNTS;
        *self.state.get_mut() = counts & SlotState::new(state.frequency(), &term, state.main()).0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::config::AdaptiveCacheConfig;

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
        assert_eq!(size_of::<ColdFields>(), 12);
    }

    #[test]
    fn a_step_is_kept_over_its_whole_range() {
        for step in STEPS {
            let term = Term { ends: u32::MAX, step, reads: 63 };
            for main in [false, true] {
                let state = SlotState::new(2, &term, main);
                assert_eq!((state.term(), state.frequency(), state.main()), (term, 2, main));
            }
        }
    }
}
