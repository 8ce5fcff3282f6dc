//! Writes of several kinds at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::Result;
use crate::{Episode, Heuristic, Id, Pattern, Record};

/// The identity of one write, by which its outcome can be asked for later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(Uuid);

impl WriteId {
    /// A fresh identity.
    #[expect(clippy::new_without_default, reason = "two fresh identities are never equal, which a default should be")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The UUID inside.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for WriteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Puts and deletes of every kind that take effect together or not at all.
///
/// One change counts per id, the last one given: a record put and then deleted
/// in the same batch is deleted, and was never there in between.
///
/// ```
/// use memory_core::{Episode, Heuristic, TaskContext, TaskType, WriteBatch};
///
/// let episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
/// let heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
/// let obsolete = memory_core::PatternId::new();
///
/// let mut batch = WriteBatch::new();
/// batch.put(episode).put(heuristic).delete(obsolete);
/// assert_eq!(batch.len(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct WriteBatch {
    id: WriteId,
    fences: Vec<WriteId>,
    pub(crate) episodes: Changes<Episode>,
    pub(crate) patterns: Changes<Pattern>,
    pub(crate) heuristics: Changes<Heuristic>,
}

impl WriteBatch {
    /// An empty batch with a fresh [`WriteId`].
    #[expect(clippy::new_without_default, reason = "every batch has an identity of its own")]
    pub fn new() -> Self {
        Self {
            id: WriteId::new(),
            fences: Vec::new(),
            episodes: Changes::default(),
            patterns: Changes::default(),
            heuristics: Changes::default(),
        }
    }

    /// Stores a record, in place of the one with its id if there is one.
    pub fn put<R: Record>(&mut self, record: impl Into<Arc<R>>) -> &mut Self {
        let record = record.into();
        R::changes_mut(self).0.insert(record.id(), Some(record));
        self
    }

    /// Deletes a record, if it is there.
    pub fn delete<R: Record>(&mut self, id: Id<R>) -> &mut Self {
        R::changes_mut(self).0.insert(id, None);
        self
    }

    /// Makes an earlier write of unknown outcome impossible from the moment
    /// this batch takes effect, if it has not happened by then.
    pub fn fence(&mut self, write: WriteId) -> &mut Self {
        self.fences.push(write);
        self
    }

    /// The identity of this write.
    pub const fn id(&self) -> WriteId {
        self.id
    }

    /// The earlier writes that this one fences off.
    pub fn fences(&self) -> &[WriteId] {
        &self.fences
    }

    /// The changes to one kind.
    pub fn changes<R: Record>(&self) -> &Changes<R> {
        R::changes(self)
    }

    /// How many records are put or deleted.
    pub fn len(&self) -> usize {
        self.episodes.len() + self.patterns.len() + self.heuristics.len()
    }

    /// Whether nothing is put or deleted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn validate_records(&self) -> Result<()> {
        self.episodes.puts().try_for_each(|record| record.validate())?;
        self.patterns.puts().try_for_each(|record| record.validate())?;
        self.heuristics.puts().try_for_each(|record| record.validate())
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
    /// Whether it had taken effect before this attempt, so that nothing was
    /// done now: what it wrote may have been overwritten since, and its fences
    /// are those of the first time.
    pub already: bool,
}

impl Written {
    /// The report of a backend on the batch `id`, which took effect just now.
    pub const fn new(id: WriteId, deleted: u64) -> Self {
        Self { id, deleted, already: false }
    }

    /// The same of one that had taken effect before, by a ledger of writes.
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
        assert_eq!((batch.len(), batch.episodes.puts().count()), (1, 0));
        assert_eq!(batch.episodes.deletes().collect::<Vec<_>>(), [id]);
        batch.put(episode);
        assert_eq!(batch.episodes.deletes().count(), 0);
    }
}
