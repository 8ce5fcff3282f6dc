//! Who may put what into a cache, and when: the protocol that keeps a cached
//! answer from ever being older than a write that was acknowledged.
//!
//! Keys share stripes. Each stripe counts the writes that began and ended in
//! it, and those that are pending: under way, or of unknown outcome. Two keys in
//! one stripe merely disturb each other. No lock is held across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// A stretch of time in a stripe in which no write began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Generation(u64);

#[cfg(test)]
impl Generation {
    /// No stripe's, under which whatever comes meets.
    pub(super) const ANY: Self = Self(u64::MAX);
}

/// What a stripe knows of the writes in it: the whole protocol is in these few
/// transitions, so that a model can walk through all of their orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    generation: u64,
    pending: u32,
}

impl Cell {
    /// A read that misses. `None` while a write is pending: such a read asks
    /// the database by itself, and what it learns is nobody else's.
    pub(crate) fn note(&self) -> Option<Generation> {
        (self.pending == 0).then_some(Generation(self.generation))
    }

    /// Whether what was read since `noted` may be cached: nothing was written
    /// or began to be meanwhile.
    pub(crate) fn is_still(&self, noted: Generation) -> bool {
        self.note() == Some(noted)
    }

    /// A write begins, before anything is sent. The caller removes what is
    /// cached under the same lock.
    pub(crate) const fn begin(&mut self) -> Generation {
        self.generation += 1;
        self.pending += 1;
        Generation(self.generation)
    }

    /// A write ends, before it is acknowledged. True if no other overlapped
    /// it, so that what it wrote is what is stored.
    pub(crate) const fn end(&mut self, begun: Generation) -> bool {
        let alone = self.generation == begun.0 && self.pending == 1;
        self.generation += 1;
        self.pending -= 1;
        alone
    }

    #[cfg(test)]
    pub(super) const fn generation(&self) -> Generation {
        Generation(self.generation)
    }

    /// What is cached is not to be trusted any more, nor what is being read.
    pub(crate) const fn invalidate(&mut self) {
        self.generation += 1;
    }
}

/// What each stripe follows: the protocol, or in tests what looks like it.
#[cfg(not(test))]
type Protocol = Cell;
#[cfg(test)]
type Protocol = super::shortcut::Mutant;

/// The stripes of one kind of record, or the one of its table.
#[derive(Debug)]
pub(crate) struct CoherenceTable(Box<[Mutex<Protocol>]>);

/// A number below the count of stripes.
pub(crate) type Stripe = u16;

/// The generations of some stripes at one moment, in order and each once.
#[derive(Debug)]
pub(crate) struct Notes(Vec<(Stripe, Generation)>);

impl Notes {
    /// The generation of a stripe that was noted.
    pub(crate) fn of(&self, stripe: Stripe) -> Option<Generation> {
        let found = self.0.binary_search_by_key(&stripe, |(stripe, _)| *stripe).ok()?;
        Some(self.0[found].1)
    }
}

impl CoherenceTable {
    /// So many stripes, rounded up to a power of two.
    pub(crate) fn new(stripes: Stripe) -> Self {
        Self((0..stripes.next_power_of_two()).map(|_| Mutex::default()).collect())
    }

    /// The stripe of a key.
    pub(crate) fn stripe(&self, key: Uuid) -> Stripe {
        let (high, low) = key.as_u64_pair();
        // Identifiers may differ in a few bits anywhere: multiplying spreads them upwards.
        let mixed = (high ^ low).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
        #[expect(clippy::cast_possible_truncation, reason = "sixteen bits are left")]
        let stripe = mixed as Stripe & (self.0.len() - 1) as Stripe;
        stripe
    }

    /// From here on, all stripes take a shortcut.
    #[cfg(test)]
    pub(crate) fn take(&self, shortcut: super::shortcut::Shortcut) {
        self.0.iter().for_each(|cell| cell.lock().unwrap_or_else(PoisonError::into_inner).take(shortcut));
    }

    fn cell(&self, stripe: Stripe) -> MutexGuard<'_, Protocol> {
        // No transition can panic half way, so a poisoned lock guards a whole cell.
        self.0[usize::from(stripe)].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`Cell::note`].
    pub(crate) fn note(&self, stripe: Stripe) -> Option<Generation> {
        self.cell(stripe).note()
    }

    /// The generations of all of these stripes, or `None` if a write is
    /// pending in any.
    pub(crate) fn note_all(&self, stripes: impl IntoIterator<Item = Stripe>) -> Option<Notes> {
        let mut stripes: Vec<_> = stripes.into_iter().collect();
        stripes.sort_unstable();
        stripes.dedup();
        stripes.into_iter().map(|stripe| Some((stripe, self.note(stripe)?))).collect::<Option<_>>().map(Notes)
    }

    /// Whether no write began in any of these stripes since they were noted:
    /// what was read of them meanwhile was all there at one moment.
    pub(crate) fn are_still(&self, notes: &Notes) -> bool {
        notes.0.iter().all(|(stripe, noted)| self.cell(*stripe).is_still(*noted))
    }

    /// Lets `put` put what was read since `noted` into the cache, unless it
    /// may be old. Says whether it did.
    pub(crate) fn install(&self, stripe: Stripe, noted: Generation, put: impl FnOnce()) -> bool {
        let cell = self.cell(stripe);
        let may = cell.is_still(noted);
        if may {
            put();
        }
        may
    }

    /// Begins a write, and removes what is cached of it.
    pub(crate) fn begin(&self, stripe: Stripe, remove: impl FnOnce()) -> Generation {
        let mut cell = self.cell(stripe);
        remove();
        cell.begin()
    }

    /// Ends a write, and lets `put` put what it wrote into the cache if no
    /// other overlapped it.
    pub(crate) fn end(&self, stripe: Stripe, begun: Generation, put: impl FnOnce()) {
        let mut cell = self.cell(stripe);
        if cell.end(begun) {
            put();
        }
    }

    /// Removes what is cached, and refuses what is being read.
    pub(crate) fn invalidate(&self, stripe: Stripe, remove: impl FnOnce()) {
        let mut cell = self.cell(stripe);
        remove();
        cell.invalidate();
    }

    /// Refuses all that is being read; the caller removes what is cached next.
    pub(crate) fn invalidate_all(&self) {
        self.0.iter().for_each(|cell| cell.lock().unwrap_or_else(PoisonError::into_inner).invalidate());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_disturbs_what_is_read_meanwhile_and_nothing_else() {
        let table = CoherenceTable::new(4);
        let noted = table.note(1).unwrap();
        let other = table.note(2).unwrap();
        let begun = table.begin(1, || {});
        assert_eq!(table.note(1), None);
        assert!(!table.install(1, noted, || unreachable!()));
        let mut put = false;
        table.end(1, begun, || put = true);
        assert!(put && !table.install(1, noted, || unreachable!()));
        assert!(table.install(2, other, || {}));
        assert!(table.note(1) > Some(noted));
    }

    #[test]
    fn of_writes_that_overlap_neither_is_cached() {
        let table = CoherenceTable::new(1);
        let (first, second) = (table.begin(0, || {}), table.begin(0, || {}));
        table.end(0, first, || unreachable!());
        assert_eq!(table.note(0), None);
        table.end(0, second, || unreachable!());
        assert!(table.note(0).is_some());
    }

    #[test]
    fn several_stripes_are_noted_together_or_not_at_all() {
        let table = CoherenceTable::new(8);
        let notes = table.note_all([3, 1, 3]).unwrap();
        assert_eq!((notes.0.len(), notes.of(3).is_some(), notes.of(2)), (2, true, None));
        assert!(table.are_still(&notes));
        table.begin(3, || {});
        assert!(!table.are_still(&notes) && table.note_all([1, 3]).is_none() && table.note_all([1]).is_some());
    }

    #[test]
    fn keys_spread_over_the_stripes() {
        let table = CoherenceTable::new(256);
        let mut seen = [0; 256];
        for n in 0..25_600_u128 {
            seen[usize::from(table.stripe(Uuid::from_u128(n << 64)))] += 1;
            seen[usize::from(table.stripe(Uuid::now_v7()))] += 1;
        }
        assert!(seen.iter().all(|count| (100..300).contains(count)), "{seen:?}");
    }
}
