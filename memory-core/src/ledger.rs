//! The write ledger for backends in this process.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::{Error, WriteBatch, WriteId, Written};

/// The record of the writes that have taken effect or never will. It implements
/// write identity, fences and settlement for authors of backends that live in
/// this process.
///
/// A backend keeps one ledger for each open storage and calls it in three
/// places:
///
/// 1. [`begin`](Self::begin) when [`commit`](crate::MemoryStorage::commit) is
///    called, before the first await and before the batch moves to another
///    thread.
/// 2. [`PendingWrite::apply`] where the backend serialises its writes: under
///    its write lock, on its writer thread, or in its only write transaction.
/// 3. [`settle`](Self::settle) in the same place, for
///    [`MemoryStorage::settle`](crate::MemoryStorage::settle).
///
/// Steps 2 and 3 exclude each other. A write therefore takes effect before a
/// settlement or a fence, which then has no effect on it, or never. No call
/// waits: two commits of one batch may be under way at once, and the commit
/// that is applied second reports the outcome of the first.
///
/// # Lifetime and limits
///
/// The ledger lives in memory. A storage that is opened again, and a second
/// storage over the same file, know none of its writes.
///
/// The ledger remembers the outcomes of the latest writes, by default
/// [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY) of them (about 100 bytes each),
/// and forgets the oldest first. A forgotten write is unknown: if it is
/// committed again, it takes effect again. If a fenced write is committed for
/// the first time after its fence was forgotten, it takes effect. The ledger
/// keeps the outcome of a write while a commit of that write is under way.
///
/// Clones share one ledger.
#[derive(Clone)]
pub struct WriteLedger(Arc<Mutex<Writes>>);

struct Writes {
    entries: HashMap<WriteId, Entry>,
    /// Writes with an outcome, oldest first: the order in which they are
    /// forgotten. A write is added when no commit of it is under way.
    known: VecDeque<WriteId>,
    capacity: usize,
}

/// A write that is under way, has an outcome, or both.
#[derive(Default)]
struct Entry {
    outcome: Option<Outcome>,
    /// Number of commits that are under way.
    pending: usize,
    /// True if [`Writes::known`] contains the write.
    listed: bool,
}

#[derive(Clone, Copy)]
enum Outcome {
    Done { deleted: u64 },
    Fenced,
}

impl Outcome {
    const fn report(self, id: WriteId) -> Result<Written> {
        match self {
            Self::Done { deleted } => Ok(Written::already(id, deleted)),
            Self::Fenced => Err(Error::fenced(id)),
        }
    }
}

impl WriteLedger {
    /// Number of outcomes that a ledger remembers by default.
    pub const DEFAULT_CAPACITY: usize = 32_768;

    /// Creates an empty ledger of the default capacity.
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// Creates an empty ledger that remembers the outcomes of the latest
    /// `capacity` writes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Mutex::new(Writes { entries: HashMap::new(), known: VecDeque::new(), capacity })))
    }

    /// Registers a commit of a batch. Dropping the returned value ends the
    /// commit without effect.
    pub fn begin(&self, batch: &WriteBatch) -> PendingWrite {
        let id = batch.id();
        self.writes().entries.entry(id).or_default().pending += 1;
        PendingWrite { ledger: self.clone(), id, fences: batch.fences().into() }
    }

    /// Settles writes: those that have not taken effect never will.
    ///
    /// Call this method where the backend serialises its writes (see the type).
    pub fn settle(&self, writes: &[WriteId]) {
        self.writes().fence(writes);
    }

    // No transition panics half way, so a poisoned lock guards consistent
    // entries.
    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for WriteLedger {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WriteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteLedger").field("writes", &self.writes().entries.len()).finish_non_exhaustive()
    }
}

impl Writes {
    /// Records the outcome of a write that has none.
    fn decide(&mut self, id: WriteId, outcome: Outcome) {
        self.entries.entry(id).or_default().outcome.get_or_insert(outcome);
        self.release(id);
    }

    fn fence(&mut self, writes: &[WriteId]) {
        for id in writes {
            self.decide(*id, Outcome::Fenced);
        }
    }

    /// Ends a commit of a write.
    fn end(&mut self, id: WriteId) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.pending -= 1;
        }
        self.release(id);
    }

    /// Releases a write unless a commit of it is under way. A write without an
    /// outcome is removed; a write with an outcome joins the list of known
    /// writes.
    fn release(&mut self, id: WriteId) {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.pending == 0) else { return };
        if entry.outcome.is_none() {
            self.entries.remove(&id);
        } else if !entry.listed {
            entry.listed = true;
            self.known.push_back(id);
            self.forget();
        }
    }

    fn forget(&mut self) {
        while self.known.len() > self.capacity
            && let Some(oldest) = self.known.pop_front()
        {
            if let Some(entry) = self.entries.get_mut(&oldest) {
                entry.listed = false;
                if entry.pending == 0 {
                    self.entries.remove(&oldest);
                }
            }
        }
    }
}

/// A commit under way, created by [`WriteLedger::begin`].
#[must_use = "the commit ends without effect when this is dropped"]
pub struct PendingWrite {
    ledger: WriteLedger,
    id: WriteId,
    fences: Box<[WriteId]>,
}

impl PendingWrite {
    /// Returns the report on this write if its outcome is known: it has taken
    /// effect, was settled or was fenced. A backend can ask first, to avoid
    /// preparing a write that [`apply`](Self::apply) would not run.
    pub fn outcome(&self) -> Option<Result<Written>> {
        let outcome = self.ledger.writes().entries.get(&self.id).and_then(|entry| entry.outcome);
        outcome.map(|outcome| outcome.report(self.id))
    }

    /// Runs `effect` unless the outcome of this write is known already.
    ///
    /// `effect` makes the whole write durable and returns the number of deleted
    /// records. From the moment it returns `Ok`, the fences of this write hold.
    ///
    /// Call this method where the backend serialises its writes (see
    /// [`WriteLedger`]). If `effect` fails or panics, it must have changed
    /// nothing; the write can then be committed again.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the write was settled or fenced before, and the
    /// errors of `effect`.
    pub fn apply(self, effect: impl FnOnce() -> Result<u64>) -> Result<Written> {
        if let Some(outcome) = self.outcome() {
            return outcome;
        }
        let deleted = effect()?;
        let mut writes = self.ledger.writes();
        writes.decide(self.id, Outcome::Done { deleted });
        writes.fence(&self.fences);
        drop(writes);
        Ok(Written::new(self.id, deleted))
    }
}

impl Drop for PendingWrite {
    fn drop(&mut self) {
        self.ledger.writes().end(self.id);
    }
}

impl fmt::Debug for PendingWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingWrite").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::EpisodeId;

    fn batch() -> WriteBatch {
        let mut batch = WriteBatch::new();
        batch.delete(EpisodeId::new());
        batch
    }

    fn commit(ledger: &WriteLedger, batch: &WriteBatch) -> Result<Written> {
        ledger.begin(batch).apply(|| Ok(7))
    }

    fn is_fenced(result: &Result<Written>, batch: &WriteBatch) -> bool {
        matches!(result, Err(Error::Fenced { write }) if *write == batch.id())
    }

    fn len(ledger: &WriteLedger) -> (usize, usize) {
        let writes = ledger.writes();
        (writes.entries.len(), writes.known.len())
    }

    #[test]
    fn a_write_takes_effect_once_and_its_first_count_is_reported() {
        let (ledger, batch) = (WriteLedger::new(), batch());
        assert!(ledger.begin(&batch).outcome().is_none());
        assert_eq!(commit(&ledger, &batch).unwrap(), Written::new(batch.id(), 7));
        assert_eq!(ledger.begin(&batch).outcome().unwrap().unwrap(), Written::already(batch.id(), 7));
        let again = ledger.begin(&batch).apply(|| panic!("it ran a second time"));
        assert_eq!(again.unwrap(), Written::already(batch.id(), 7));
    }

    #[test]
    fn of_two_commits_under_way_at_once_the_second_reports_the_first() {
        let (ledger, batch) = (WriteLedger::new(), batch());
        let (first, second) = (ledger.begin(&batch), ledger.begin(&batch));
        assert!(!second.apply(|| Ok(3)).unwrap().already);
        assert_eq!(first.apply(|| panic!("it ran a second time")).unwrap(), Written::already(batch.id(), 3));
    }

    #[test]
    fn what_was_settled_or_fenced_off_never_takes_effect() {
        let ledger = WriteLedger::new();
        let (under_way, unknown, fenced, done) = (batch(), batch(), batch(), batch());
        commit(&ledger, &done).unwrap();
        let pending = ledger.begin(&under_way);
        ledger.settle(&[under_way.id(), unknown.id(), done.id()]);
        let mut fencing = batch();
        fencing.fence(fenced.id()).fence(done.id());
        commit(&ledger, &fencing).unwrap();
        assert!(is_fenced(&pending.apply(|| panic!("it ran")), &under_way));
        for refused in [&under_way, &unknown, &fenced] {
            for _ in 0..2 {
                assert!(is_fenced(&commit(&ledger, refused), refused));
            }
        }
        assert!(commit(&ledger, &done).unwrap().already);
    }

    #[test]
    fn of_two_writes_that_fence_each_other_the_first_to_take_effect_wins() {
        let ledger = WriteLedger::new();
        let (first, second) = (batch(), batch());
        let (first, second) = (first.with_fences([second.id()]), second.with_fences([first.id()]));
        let pending = ledger.begin(&first);
        commit(&ledger, &second).unwrap();
        assert!(is_fenced(&pending.apply(|| panic!("it ran")), &first));
        // A batch that fences itself off fences nothing.
        let own = batch();
        let own = own.with_fences([own.id()]);
        commit(&ledger, &own).unwrap();
        assert!(commit(&ledger, &own).unwrap().already);
    }

    #[test]
    fn a_write_that_failed_or_was_dropped_fences_nothing_and_can_be_committed_again() {
        let ledger = WriteLedger::new();
        let fenced = batch();
        let mut batch = batch();
        batch.fence(fenced.id());
        drop(ledger.begin(&batch));
        assert!(ledger.begin(&batch).apply(|| Err(Error::unavailable("commit", "busy"))).is_err());
        let panicked = catch_unwind(AssertUnwindSafe(|| ledger.begin(&batch).apply(|| panic!("no memory"))));
        assert!(panicked.is_err());
        assert_eq!(len(&ledger), (0, 0));
        assert!(!commit(&ledger, &fenced).unwrap().already);
        assert!(!commit(&ledger, &batch).unwrap().already);
    }

    #[test]
    fn the_oldest_outcomes_are_forgotten_first_and_none_of_a_commit_under_way() {
        let ledger = WriteLedger::with_capacity(3);
        let (fenced, old) = (batch(), batch());
        let pending = ledger.begin(&fenced);
        ledger.settle(&[fenced.id()]);
        commit(&ledger, &old).unwrap();
        let again = ledger.begin(&old);
        for _ in 0..10 {
            commit(&ledger, &batch()).unwrap();
        }
        assert_eq!(len(&ledger), (5, 3));
        assert!(again.apply(|| panic!("it ran a second time")).unwrap().already);
        assert!(is_fenced(&pending.apply(|| panic!("it ran")), &fenced));
        assert_eq!(len(&ledger), (3, 3));
        let recent = batch();
        commit(&ledger, &recent).unwrap();
        for _ in 0..10 {
            assert!(commit(&ledger, &recent).unwrap().already, "asking pushes nothing out");
        }
        assert!(is_fenced(&commit(&ledger, &fenced), &fenced));
        for _ in 0..3 {
            commit(&ledger, &batch()).unwrap();
        }
        assert!(!commit(&ledger, &fenced).unwrap().already, "it is forgotten");
    }
}
