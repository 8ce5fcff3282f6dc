//! Writing: every write is a commit, so that its id is known even if nobody
//! waits for its end.

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use memory_core::backend::ByKind;
use memory_core::{Error, MemoryStorage, Result, WriteBatch, WriteId, Written};

use super::doubt::Ending;
use super::kind::Begun;
use super::shared::Shared;
use super::span;

impl<S: MemoryStorage> Shared<S> {
    pub(super) async fn write(self: &Arc<Self>, batch: &WriteBatch) -> Result<Written> {
        let span = span::commit(batch.len());
        span::during(&span, self.commit(batch)).await
    }

    async fn commit(self: &Arc<Self>, batch: &WriteBatch) -> Result<Written> {
        // While the storage cannot settle them, no further write begins: indeterminate
        // writes are never many.
        while !self.doubts.are_few() {
            let ending = self.doubts.ending(|_| true);
            self.storage.settle(&ending.ids).await?;
            self.resolve(&ending);
        }
        let (writing, batch) = Writing::begin(self, batch);
        let outcome = self.storage.commit(&batch).await;
        writing.end(&batch, &outcome);
        outcome
    }

    pub(super) async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        // What comes into doubt later is not what is settled here.
        let ending = self.doubts.ending(|id| writes.contains(&id));
        self.storage.settle(writes).await?;
        self.resolve(&ending);
        Ok(())
    }
}

/// A write under way. If it is dropped before its end, its outcome is unknown.
struct Writing<'a, S: MemoryStorage> {
    shared: &'a Arc<Shared<S>>,
    id: WriteId,
    begun: ByKind<Begun>,
    /// The doubts that its acknowledgement ends.
    fenced: Ending,
    over: bool,
}

impl<'a, S: MemoryStorage> Writing<'a, S> {
    /// Begins a write, and returns what to commit: the batch with fences
    /// against all writes that are in doubt.
    fn begin<'b>(shared: &'a Arc<Shared<S>>, batch: &'b WriteBatch) -> (Self, Cow<'b, WriteBatch>) {
        // A repetition of a write in doubt must not make itself impossible.
        let fenced = shared.doubts.ending(|id| id != batch.id());
        let missing = fenced.ids.iter().any(|id| !batch.fences().contains(id));
        let fencing = if missing && !batch.is_empty() {
            Cow::Owned(batch.with_fences(fenced.ids.iter().copied()))
        } else {
            Cow::Borrowed(batch)
        };
        let fenced = match &fencing {
            Cow::Owned(_) => fenced,
            Cow::Borrowed(batch) => shared.doubts.ending(|id| id != batch.id() && batch.fences().contains(&id)),
        };
        let begun = shared.caches.begin(batch);
        (Self { shared, id: batch.id(), begun, fenced, over: false }, fencing)
    }

    fn end(mut self, batch: &WriteBatch, outcome: &Result<Written>) {
        if outcome.as_ref().is_err_and(Error::outcome_unknown) {
            return;
        }
        // What had been done before may have been overwritten since, and none of
        // today's fences came with it.
        let effective = outcome.as_ref().is_ok_and(|written| !written.already);
        if effective {
            self.shared.resolve(&self.fenced);
        }
        self.shared.caches.end(&self.begun, effective.then_some(batch));
        self.over = true;
    }
}

impl<S: MemoryStorage> Drop for Writing<'_, S> {
    fn drop(&mut self) {
        if !self.over {
            self.shared.doubts.add(self.id, mem::take(&mut self.begun));
            self.shared.settle_soon();
        }
    }
}
