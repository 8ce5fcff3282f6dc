//! Writes of several kinds at once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::limits::check_len;
use crate::record::{ByKind, PerKind};
use crate::write_id::WriteId;
use crate::{Episode, Heuristic, Id, Pattern, Record};

/// Puts and deletes of every kind that take effect together or not at all.
///
/// One change counts per id, the last one given: a record put and then deleted
/// in the same batch is deleted, and was never there in between.
///
/// # Identity
///
/// A batch is one write, known by its [`WriteId`]: a storage lets it take
/// effect at most once, however often it is committed. The identity follows the
/// content. A batch that is changed, by [`put`](Self::put),
/// [`delete`](Self::delete) or [`fence`](Self::fence), is another write with
/// another id from then on, and so is a clone. To commit the same write again,
/// keep the batch (behind an `Arc`, if several tasks need it).
///
/// ```
/// use memory_core::{Episode, Heuristic, TaskContext, TaskType, WriteBatch};
///
/// let episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
/// let heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
/// let obsolete = memory_core::PatternId::new();
///
/// let mut batch = WriteBatch::new();
/// batch.put(episode).put(heuristic);
/// let first = batch.id();
/// batch.delete(obsolete);
/// assert_eq!(batch.len(), 3);
/// assert_ne!(batch.id(), first);
/// ```
#[derive(Debug, Default)]
#[must_use = "a batch does nothing until a storage commits it"]
pub struct WriteBatch {
    /// Drawn when it is first asked for, and taken back by every change.
    id: OnceLock<WriteId>,
    fences: Vec<WriteId>,
    changes: ByKind<AllChanges>,
}

/// The changes to each kind.
#[derive(Debug)]
struct AllChanges;

impl PerKind for AllChanges {
    type Of<R: Record> = Changes<R>;
}

/// A clone has the same changes and fences, and is another write.
impl Clone for WriteBatch {
    fn clone(&self) -> Self {
        Self { id: OnceLock::new(), fences: self.fences.clone(), changes: self.changes.clone() }
    }
}

impl WriteBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a record, in place of the one with its id if there is one.
    pub fn put<R: Record>(&mut self, record: impl Into<Arc<R>>) -> &mut Self {
        let record = record.into();
        self.changing().changes.of_mut::<R>().0.insert(record.id(), Some(record));
        self
    }

    /// Deletes a record, if it is there.
    pub fn delete<R: Record>(&mut self, id: Id<R>) -> &mut Self {
        self.changing().changes.of_mut::<R>().0.insert(id, None);
        self
    }

    /// Makes an earlier write of unknown outcome impossible from the moment
    /// this batch takes effect, if it has not happened by then.
    pub fn fence(&mut self, write: WriteId) -> &mut Self {
        self.changing().fences.push(write);
        self
    }

    /// The same write, with the same id, and with further fences.
    ///
    /// For storages, not for applications: one that wraps another adds fences
    /// of its own this way, and one that hands a write to another thread takes a
    /// copy with no further fence. Fences that the batch has are not repeated.
    pub fn with_fences(&self, fences: impl IntoIterator<Item = WriteId>) -> Self {
        let mut same = self.clone();
        same.id = self.id().into();
        for fence in fences {
            if !same.fences.contains(&fence) {
                same.fences.push(fence);
            }
        }
        same
    }

    /// The identity of this write, until the batch is changed.
    pub fn id(&self) -> WriteId {
        *self.id.get_or_init(WriteId::new)
    }

    /// The earlier writes that this one fences off.
    pub fn fences(&self) -> &[WriteId] {
        &self.fences
    }

    /// The changes to one kind.
    pub fn changes<R: Record>(&self) -> &Changes<R> {
        self.changes.of::<R>()
    }

    /// How many records are put or deleted.
    pub fn len(&self) -> usize {
        self.changes.episodes.len() + self.changes.patterns.len() + self.changes.heuristics.len()
    }

    /// Whether nothing is put or deleted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batch as another write, whose content is about to change.
    fn changing(&mut self) -> &mut Self {
        self.id = OnceLock::new();
        self
    }

    /// Checks that every storage accepts this batch: the number of its changes
    /// ([`MAX_PER_CALL`](crate::limits::MAX_PER_CALL)), and each record by itself.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput), naming the record and the field.
    pub fn validate(&self) -> Result<()> {
        check_len("changes", self.len())?;
        self.changes::<Episode>().puts().try_for_each(|record| record.validate())?;
        self.changes::<Pattern>().puts().try_for_each(|record| record.validate())?;
        self.changes::<Heuristic>().puts().try_for_each(|record| record.validate())
    }
}

/// What a batch does to one kind: at most one change per id, in order of id.
#[derive(Clone, Debug)]
pub struct Changes<R: Record>(BTreeMap<Id<R>, Option<Arc<R>>>);

impl<R: Record> Changes<R> {
    /// Every change: the id, and the record to store or `None` to delete it.
    pub fn iter(&self) -> impl Iterator<Item = (Id<R>, Option<&Arc<R>>)> {
        self.0.iter().map(|(id, put)| (*id, put.as_ref()))
    }

    /// Whether this record is put or deleted.
    pub fn contains(&self, id: Id<R>) -> bool {
        self.0.contains_key(&id)
    }

    /// The records to store.
    pub fn puts(&self) -> impl Iterator<Item = &Arc<R>> {
        self.0.values().flatten()
    }

    /// The ids to delete.
    pub fn deletes(&self) -> impl Iterator<Item = Id<R>> {
        self.0.iter().filter(|(_, put)| put.is_none()).map(|(id, _)| *id)
    }

    /// How many records are put or deleted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is put or deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<R: Record> Default for Changes<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The batch's identity.
    pub id: WriteId,
    /// How many of the records to delete were there.
    pub deleted: u64,
    /// Whether the batch had taken effect before this attempt, so that nothing
    /// was done now: what it wrote may have been overwritten since. Its fences
    /// are those of the first time.
    pub already: bool,
}

impl Written {
    /// The report of a backend on the batch `id`, which took effect just now.
    pub const fn new(id: WriteId, deleted: u64) -> Self {
        Self { id, deleted, already: false }
    }

    /// The report of a backend on the batch `id`, which had taken effect before
    /// with this count.
    pub const fn already(id: WriteId, deleted: u64) -> Self {
        Self { id, deleted, already: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TaskContext, TaskType};

    #[test]
    fn the_last_change_to_an_id_is_the_one_that_counts() {
        let mut episode = Episode::new("first", TaskContext::new("web"), TaskType::Testing);
        let id = episode.id;
        let mut batch = WriteBatch::new();
        batch.put(episode.clone());
        episode.task_description = "second".to_owned();
        batch.put(episode.clone());
        assert_eq!(
            batch.changes::<Episode>().puts().map(|e| e.task_description.as_str()).collect::<Vec<_>>(),
            ["second"]
        );
        batch.delete(id);
        assert_eq!((batch.len(), batch.changes::<Episode>().puts().count()), (1, 0));
        assert_eq!(batch.changes::<Episode>().deletes().collect::<Vec<_>>(), [id]);
        batch.put(episode);
        assert_eq!(batch.changes::<Episode>().deletes().count(), 0);
    }

    #[test]
    fn every_change_makes_a_batch_another_write() {
        let heuristic = crate::Heuristic::new("a form posts twice", "look for a missing key", 0.8);
        let id = heuristic.id;
        let mut batch = WriteBatch::new();
        let mut seen = vec![batch.id()];
        batch.put(heuristic);
        seen.push(batch.id());
        batch.delete(id);
        seen.push(batch.id());
        batch.fence(WriteId::new());
        seen.push(batch.id());
        batch.changing();
        seen.push(batch.id());
        seen.push(batch.clone().id());
        assert_eq!(batch.id(), seen[4], "asking and cloning change nothing");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn a_write_with_more_fences_is_the_same_write() {
        let (first, second) = (WriteId::new(), WriteId::new());
        let mut batch = WriteBatch::new();
        batch.delete(crate::PatternId::new()).fence(first);
        let same = batch.with_fences([second, first, second]);
        assert_eq!((same.id(), same.len(), same.fences()), (batch.id(), 1, &[first, second][..]));
        assert_eq!(batch.fences(), [first]);
        assert_ne!(same.clone().id(), batch.id());
    }
}
