//! Write batches over several kinds of record.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::limits::check_len;
use crate::record::{ByKind, PerKind};
use crate::write_id::WriteId;
use crate::{Episode, Heuristic, Id, Pattern, Record};

/// A batch of puts and deletes, of any kinds, that take effect together or not
/// at all.
///
/// A batch holds one change for each id, the last one given. If a record is put
/// and then deleted in one batch, it is deleted, and no reader ever sees it.
///
/// # Identity
///
/// A batch is one write, identified by its [`WriteId`]. A storage lets the
/// write take effect at most once, however often the batch is committed. A
/// batch that is changed by [`put`](Self::put), [`delete`](Self::delete) or
/// [`fence`](Self::fence) becomes another write with a new id, and a clone is
/// another write, too. To commit the same write again, keep the batch (behind
/// an `Arc`, if several tasks need it).
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
    /// Drawn at the first call of `id`, and reset by every change.
    id: OnceLock<WriteId>,
    fences: Vec<WriteId>,
    changes: ByKind<AllChanges>,
}

/// The changes of each kind.
#[derive(Debug)]
struct AllChanges;

impl PerKind for AllChanges {
    type Of<R: Record> = Changes<R>;
}

/// Clones the changes and the fences. The clone is another write.
impl Clone for WriteBatch {
    fn clone(&self) -> Self {
        Self { id: OnceLock::new(), fences: self.fences.clone(), changes: self.changes.clone() }
    }
}

impl WriteBatch {
    /// Creates an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a record to store. It replaces the stored record with its id.
    pub fn put<R: Record>(&mut self, record: impl Into<Arc<R>>) -> &mut Self {
        let record = record.into();
        self.changing().changes.of_mut::<R>().0.insert(record.id(), Some(record));
        self
    }

    /// Adds a record to delete. A missing record is not an error.
    pub fn delete<R: Record>(&mut self, id: Id<R>) -> &mut Self {
        self.changing().changes.of_mut::<R>().0.insert(id, None);
        self
    }

    /// Fences an earlier write of unknown outcome: if that write has not taken
    /// effect when this batch does, it never will.
    pub fn fence(&mut self, write: WriteId) -> &mut Self {
        self.changing().fences.push(write);
        self
    }

    /// Returns the same write, with the same id and further fences.
    ///
    /// This method is for storages, not for applications. A wrapper uses it to
    /// add fences of its own; a storage that sends a write to another thread
    /// uses it, without further fences, to copy the write. Fences that the
    /// batch has are not repeated.
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

    /// Returns the identity of this write. A change to the batch changes it.
    pub fn id(&self) -> WriteId {
        *self.id.get_or_init(WriteId::new)
    }

    /// Returns the earlier writes that this write fences.
    pub fn fences(&self) -> &[WriteId] {
        &self.fences
    }

    /// Returns the changes of one kind.
    pub fn changes<R: Record>(&self) -> &Changes<R> {
        self.changes.of::<R>()
    }

    /// Returns the number of records that are put or deleted.
    pub fn len(&self) -> usize {
        self.changes.episodes.len() + self.changes.patterns.len() + self.changes.heuristics.len()
    }

    /// Returns true if no record is put or deleted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the batch another write, for a change of its content.
    fn changing(&mut self) -> &mut Self {
        self.id = OnceLock::new();
        self
    }

    /// Validates the number of changes
    /// ([`MAX_PER_CALL`](crate::limits::MAX_PER_CALL)) and each record.
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

/// The changes of one kind in a batch: at most one for each id, in the order of
/// ids.
#[derive(Clone, Debug)]
pub struct Changes<R: Record>(BTreeMap<Id<R>, Option<Arc<R>>>);

impl<R: Record> Changes<R> {
    /// Iterates over the changes: the id, and the record to store or `None` to
    /// delete it.
    pub fn iter(&self) -> impl Iterator<Item = (Id<R>, Option<&Arc<R>>)> {
        self.0.iter().map(|(id, put)| (*id, put.as_ref()))
    }

    /// Returns true if the record with this id is put or deleted.
    pub fn contains(&self, id: Id<R>) -> bool {
        self.0.contains_key(&id)
    }

    /// Iterates over the records to store.
    pub fn puts(&self) -> impl Iterator<Item = &Arc<R>> {
        self.0.values().flatten()
    }

    /// Iterates over the ids to delete.
    pub fn deletes(&self) -> impl Iterator<Item = Id<R>> {
        self.0.iter().filter(|(_, put)| put.is_none()).map(|(id, _)| *id)
    }

    /// Returns the number of records that are put or deleted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns true if no record is put or deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<R: Record> Default for Changes<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// The report on a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The batch's identity.
    pub id: WriteId,
    /// Number of deleted records.
    pub deleted: u64,
    /// True if the batch had taken effect before this attempt. Nothing was done
    /// now: later writes may have replaced the batch's records, and its fences
    /// took effect the first time.
    pub already: bool,
}

impl Written {
    /// Creates the report on a batch that took effect in this commit.
    pub const fn new(id: WriteId, deleted: u64) -> Self {
        Self { id, deleted, already: false }
    }

    /// Creates the report on a batch that had taken effect before, with this
    /// number of deleted records.
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
