//! Changes as the writer takes them: checked, encoded and indexed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use memory_core::{Episode, Heuristic, Id, Pattern, Result, WriteBatch, codec};
use uuid::Uuid;

use super::index::Indexes;
use super::records::Stored;

/// About a millisecond's work of encoding, after which other tasks have their
/// turn, in bytes of records.
const TURN: usize = 256 << 10;

/// The changes of one write.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) episodes: Vec<Change>,
    pub(super) patterns: Vec<Change>,
    pub(super) heuristics: Vec<Change>,
    /// The indexes that the entries are for.
    pub(super) indexes: Arc<Indexes>,
    /// The approximate number of bytes to write.
    pub(super) bytes: usize,
}

/// One record put or deleted.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) id: Uuid,
    pub(super) put: Option<Put>,
}

/// A record as it is stored.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) bytes: Vec<u8>,
    /// Its entries, as [`Indexes::entries`] gives them.
    pub(super) entries: Vec<(usize, Vec<u8>)>,
}

/// A kind whose changes are part of [`Changes`].
pub(super) trait Changed: Stored {
    fn of(changes: &Changes) -> &[Change];
    fn of_mut(changes: &mut Changes) -> &mut Vec<Change>;
}

macro_rules! changed {
    ($($record:ident in $field:ident),*) => {$(
        impl Changed for $record {
            fn of(changes: &Changes) -> &[Change] {
                &changes.$field
            }

            fn of_mut(changes: &mut Changes) -> &mut Vec<Change> {
                &mut changes.$field
            }
        }
    )*};
}

changed!(Episode in episodes, Pattern in patterns, Heuristic in heuristics);

impl Changes {
    pub(super) fn new(indexes: Arc<Indexes>) -> Self {
        Self { indexes, ..Self::default() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.episodes.is_empty() && self.patterns.is_empty() && self.heuristics.is_empty()
    }

    /// Adds a record to put. In one write, no id is added twice.
    fn put<R: Changed>(&mut self, record: &R) -> Result<()> {
        let bytes = codec::encode(record)?;
        let entries = self.indexes.entries(record);
        self.bytes += bytes.len() + entries.iter().map(|(_, key)| key.len()).sum::<usize>();
        R::of_mut(self).push(Change { id: record.id().uuid(), put: Some(Put { bytes, entries }) });
        Ok(())
    }

    fn delete<R: Changed>(&mut self, id: Id<R>) {
        self.bytes += 16;
        R::of_mut(self).push(Change { id: id.uuid(), put: None });
    }

    /// The changes of a put, of which the last one of an id counts.
    pub(super) async fn puts<R: Changed>(indexes: Arc<Indexes>, records: &[R]) -> Result<Self> {
        let last: BTreeMap<_, _> = records.iter().map(|record| (record.id(), record)).collect();
        let (mut changes, mut turn) = (Self::new(indexes), 0);
        for record in last.into_values() {
            changes.give_way(&mut turn).await;
            changes.put(record)?;
        }
        Ok(changes)
    }

    pub(super) fn deletes<R: Changed>(indexes: Arc<Indexes>, ids: &[Id<R>]) -> Self {
        let mut changes = Self::new(indexes);
        let ids: BTreeSet<_> = ids.iter().copied().collect();
        for id in ids {
            changes.delete(id);
        }
        changes
    }

    /// The changes of a batch.
    pub(super) async fn batch(indexes: Arc<Indexes>, batch: &WriteBatch) -> Result<Self> {
        let mut changes = Self::new(indexes);
        changes.kind::<Episode>(batch).await?;
        changes.kind::<Pattern>(batch).await?;
        changes.kind::<Heuristic>(batch).await?;
        Ok(changes)
    }

    async fn kind<R: Changed>(&mut self, batch: &WriteBatch) -> Result<()> {
        let mut turn = self.bytes;
        for (id, put) in batch.changes::<R>().iter() {
            self.give_way(&mut turn).await;
            match put {
                Some(record) => self.put(&**record)?,
                None => self.delete(id),
            }
        }
        Ok(())
    }

    /// Lets other tasks go first once enough was encoded since `turn`.
    async fn give_way(&self, turn: &mut usize) {
        if self.bytes - *turn >= TURN {
            *turn = self.bytes;
            tokio::task::yield_now().await;
        }
    }
}
