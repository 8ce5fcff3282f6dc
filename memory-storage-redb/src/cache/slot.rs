//! One entry, as it lies in the table.

use super::life::{Lifetimes, STEPS, Term};
use crate::sync::{AtomicU32, Ordering};

/// The highest frequency.
pub(crate) const MAX_FREQUENCY: u32 = 3;

/// An entry. Times are milliseconds since the shard's base.
pub(crate) struct Slot<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    /// When the present term ends.
    ends: AtomicU32,
    /// When the life is over in any case.
    hard: u32,
    pub(crate) weight: u32,
    state: AtomicU32,
}

/// What readers change of a slot, in one word: two bits of frequency, which
/// eviction counts down; six of the term's reads; five of the term's step; which
/// queue the slot is in; and a mark for whoever walks the queues. A full count is left alone, so that the line of
/// a popular entry stays in every core's cache.
#[derive(Clone, Copy)]
struct State(u32);

const READ: u32 = 1 << 2;
const READS: u32 = 63;
const STEP: u32 = 1 << 8;
const STEP_BITS: u32 = 31;
const MAIN: u32 = 1 << 13;
const MARK: u32 = 1 << 14;

impl State {
    fn new(frequency: u32, term: &Term, main: bool) -> Self {
        let step = (term.step - STEPS.start()).unsigned_abs();
        Self(frequency | term.reads.min(READS) * READ | step * STEP | if main { MAIN } else { 0 })
    }

    const fn frequency(self) -> u32 {
        self.0 & MAX_FREQUENCY
    }

    const fn reads(self) -> u32 {
        self.0 / READ & READS
    }

    const fn main(self) -> bool {
        self.0 & MAIN != 0
    }

    const fn step(self) -> i32 {
        (self.0 / STEP & STEP_BITS).cast_signed() + *STEPS.start()
    }

    /// One more read, in both counts, of which that of the term ends at `hot`.
    fn read(self, hot: u32) -> Self {
        let mut state = self.0;
        if self.frequency() < MAX_FREQUENCY {
            state += 1;
        }
        if self.reads() < hot {
            state += READ;
        }
        Self(state)
    }
}

impl<K, V> Slot<K, V> {
    /// A slot whose first term ends at `ends`.
    pub(crate) fn new(key: K, value: V, weight: u32, ends: u32, hard: u32) -> Self {
        let state = State::new(0, &Term { ends, step: 0, reads: 0 }, false);
        Self { key, value, ends: AtomicU32::new(ends), hard, weight, state: AtomicU32::new(state.0) }
    }

    fn state(&self) -> State {
        State(self.state.load(Ordering::Relaxed))
    }

    /// Whether the present term lasts.
    pub(crate) fn in_term(&self, now: u32) -> bool {
        now < self.ends.load(Ordering::Relaxed)
    }

    /// Whether the entry lives, after any renewal it has earned.
    pub(crate) fn lives(&self, now: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        self.in_term(now) || self.renewed(now, hash, lifetimes)
    }

    #[cold]
    fn renewed(&self, now: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        let ends = self.ends.load(Ordering::Relaxed);
        let state = self.state();
        let term = Term { ends, step: state.step(), reads: state.reads() };
        let Some(next) = lifetimes.renew(term, self.hard, hash, now) else { return false };
        // Of readers that come at once, one renews; the others find it done.
        if self.ends.compare_exchange(ends, next.ends, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            // Reads between the two exchanges are lost with the old count,
            // which costs nothing but their part in the next renewal.
            let _ = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
                Some(State::new(State(state).frequency(), &next, State(state).main()).0)
            });
        }
        true
    }

    /// Counts a read. One that meets another, or a renewal, may undo that: a
    /// count or a step too few, which is not worth what an atomic addition
    /// costs each read. Where the entry is, only holders of the exclusive lock
    /// change.
    pub(crate) fn read(&self, hot: u32) {
        let state = self.state();
        let counted = state.read(hot);
        if counted.0 != state.0 {
            self.state.store(counted.0, Ordering::Relaxed);
        }
    }

    /// Puts another value in the entry's place, with a life of its own. What
    /// is known of the key's popularity stays.
    pub(crate) fn replace(&mut self, value: V, weight: u32, ends: u32, hard: u32) -> (V, u32) {
        let state = State::new(self.frequency(), &Term { ends, step: 0, reads: 0 }, self.in_main());
        *self.state.get_mut() = state.0;
        *self.ends.get_mut() = ends;
        self.hard = hard;
        (std::mem::replace(&mut self.value, value), std::mem::replace(&mut self.weight, weight))
    }

    /// How often it was read since eviction last looked, up to [`MAX_FREQUENCY`].
    pub(crate) fn frequency(&self) -> u32 {
        self.state().frequency()
    }

    /// Counts the frequency down by one.
    pub(crate) fn cool(&mut self) {
        let state = self.state.get_mut();
        *state -= u32::from(*state & MAX_FREQUENCY > 0);
    }

    /// Whether the slot is in the main queue, and not in the small one.
    pub(crate) fn in_main(&self) -> bool {
        self.state().main()
    }

    /// Moves the slot to the main queue, with its frequency at 0.
    pub(crate) fn promote(&mut self) {
        let state = self.state.get_mut();
        *state = *state & !MAX_FREQUENCY | MAIN;
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
        let ends = self.ends.get_mut();
        *ends = ends.saturating_sub(by);
        self.hard = self.hard.saturating_sub(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_full_at_their_limits_and_leave_each_other_alone() {
        let mut slot = Slot::new(1, 2, 3, 4, 5);
        slot.promote();
        for reads in 1..=100 {
            slot.read(63);
            assert_eq!((slot.frequency(), slot.state().reads()), (reads.min(3), reads.min(63)));
            assert!(slot.in_main() && slot.state().step() == 0);
        }
        for frequency in [2, 1, 0, 0] {
            slot.cool();
            assert_eq!((slot.frequency(), slot.state().reads()), (frequency, 63));
        }
        assert_eq!(slot.replace(7, 8, 9, 10), (2, 3));
        assert!(slot.in_main() && slot.state().reads() == 0);
    }

    #[test]
    fn a_step_is_kept_over_its_whole_range() {
        for step in STEPS {
            let term = Term { ends: 0, step, reads: 63 };
            for main in [false, true] {
                let state = State::new(2, &term, main);
                assert_eq!((state.step(), state.reads(), state.frequency(), state.main()), (step, 63, 2, main));
            }
        }
    }
}
