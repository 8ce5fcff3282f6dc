//! Storage traits.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;
use crate::{
    Counts, Episode, Field, Filter, Heuristic, Id, Page, Pattern, Plan, Query, Record, WriteBatch, WriteId, Written,
};

/// Storage of one kind of record.
///
/// A backend implements this trait once, for every [`Record`]. All methods may
/// be called from many tasks at once, and may be cancelled. A cancelled write
/// takes effect completely or not at all, and [`MemoryStorage::settle`] waits
/// until it is over.
///
/// The conformance suite (crate `memory-conformance`) tests implementations.
/// [`limits`](crate::limits) lists the bounds on accepted input.
#[async_trait]
pub trait Store<R: Record>: Send + Sync {
    /// Stores records. Each replaces the stored record with its id.
    ///
    /// # Behaviour
    ///
    /// - All records are stored, or none.
    /// - If an id occurs twice in the slice, the last record wins.
    /// - An empty slice causes no I/O.
    /// - After the method returns, every read through this storage sees the
    ///   records.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput), naming the first
    /// record and field that exceed the [`limits`](crate::limits). No record of
    /// the slice is stored then.
    async fn put(&self, records: &[R]) -> Result<()>;

    /// Returns records by id.
    ///
    /// # Behaviour
    ///
    /// - The result has one element for each id, in the order of the ids,
    ///   repeated ids included.
    /// - A missing record is `None`.
    /// - An empty slice causes no I/O.
    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>>;

    /// Deletes records by id.
    ///
    /// # Behaviour
    ///
    /// - Returns the number of deleted records. An id that occurs twice counts
    ///   once; a missing record does not count.
    /// - All records are deleted, or none.
    /// - An empty slice causes no I/O.
    async fn delete(&self, ids: &[Id<R>]) -> Result<u64>;

    /// Returns a page of the records that match a query.
    ///
    /// # Behaviour
    ///
    /// - The filter and the order have the meaning that [`Filter`] and
    ///   [`Order`](crate::Order) define.
    /// - A caller that follows [`Page::next`] to the end sees every record that
    ///   exists during the whole walk exactly once, whatever is added or
    ///   deleted meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a query that
    /// [`Query::validate`] refuses.
    async fn query(&self, query: &Query<R>) -> Result<Page<R>>;

    /// Counts the records that match a filter, in total and by the values of a
    /// field if one is given.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a filter that
    /// [`Filter::validate`] refuses, for a list field, and for more than
    /// [`MAX_GROUPS`](crate::limits::MAX_GROUPS) groups.
    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts>;

    /// Returns the plan by which [`query`](Store::query) would answer, without
    /// running the query.
    ///
    /// # Errors
    ///
    /// Those of [`query`](Store::query).
    async fn explain(&self, query: &Query<R>) -> Result<Plan>;
}

/// The storage of an agent's memory: all kinds of record.
///
/// The trait is object-safe: an application can hold an `Arc<dyn
/// MemoryStorage>` and exchange the backend.
/// [`MemoryStorageExt`](crate::MemoryStorageExt) adds named operations.
#[async_trait]
pub trait MemoryStorage: Store<Episode> + Store<Pattern> + Store<Heuristic> + Debug + Send + Sync + 'static {
    /// Applies a batch of puts and deletes atomically.
    ///
    /// # Behaviour
    ///
    /// - The whole batch takes effect, or nothing of it.
    /// - Reports the number of deleted records.
    /// - When the batch takes effect, the writes that it fences can no longer
    ///   do so. Writes that have taken effect before are not undone.
    /// - An empty batch without fences causes no I/O.
    /// - A batch takes effect at most once. If it is committed again unchanged,
    ///   neither its changes nor its fences are applied again, and the report
    ///   is the first one with [`already`](Written::already) set. Two
    ///   concurrent commits of one batch are one write. A batch that was
    ///   changed or cloned is another write (see [`WriteBatch`]).
    /// - A batch that was settled or fenced before it took effect is refused as
    ///   [`Fenced`](crate::Error::Fenced), now and at every later commit.
    ///
    /// A storage remembers its writes for a limited time. The ledger of a
    /// server is a table that all clients share; the backend's settings say for
    /// how long it is kept. An embedded storage remembers its latest commits
    /// while it is open (see [`WriteLedger`](crate::backend::WriteLedger)). A
    /// forgotten write is unknown: if it is committed again, it takes effect
    /// again.
    ///
    /// # Errors
    ///
    /// Those of [`Store::put`]. [`Error::Fenced`](crate::Error::Fenced) if the
    /// write has not taken effect and never will.
    /// [`Error::Indeterminate`](crate::Error::Indeterminate), with the batch's
    /// id, if a network failure hides the outcome.
    async fn commit(&self, batch: &WriteBatch) -> Result<Written>;

    /// Waits until each of these writes has taken effect or never will.
    ///
    /// This covers writes that are under way, that were cancelled, and that
    /// were not committed yet. A write that has not taken effect by then is
    /// refused as [`Fenced`](crate::Error::Fenced) from then on, for as long as
    /// the storage remembers it (see [`commit`](Self::commit)).
    async fn settle(&self, writes: &[WriteId]) -> Result<()>;

    /// Checks that the storage can be reached and used, by a read.
    async fn health(&self) -> Result<Health>;
}

/// The result of a successful health check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Name of the backend: `memory`, `libsql`, `redb`.
    pub backend: &'static str,
    /// Duration of the check.
    pub latency: Duration,
    /// Version of the database's schema, if it has one.
    pub schema_version: Option<u32>,
}

impl Health {
    /// Creates the result of a health check.
    pub const fn new(backend: &'static str, latency: Duration, schema_version: Option<u32>) -> Self {
        Self { backend, latency, schema_version }
    }
}
