//! What a storage does.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;
use crate::{
    Counts, Episode, Field, Filter, Heuristic, Id, Page, Pattern, Plan, Query, Record, WriteBatch, WriteId, Written,
};

/// Storing and finding records of one kind.
///
/// A backend implements this once, for every [`Record`]. All methods are safe
/// to call from many tasks at once, and to cancel: a cancelled write has taken
/// effect whole or not at all, and [`MemoryStorage::settle`] tells when it is
/// over.
///
/// The conformance suite (crate `memory-conformance`) checks what every
/// implementation does; what it accepts stands in [`limits`](crate::limits).
#[async_trait]
pub trait Store<R: Record>: Send + Sync {
    /// Stores records, each in place of the one with its id if there is one.
    ///
    /// # Behaviour
    ///
    /// - All of them are stored, or none.
    /// - Where an id is twice in the slice, the last one wins.
    /// - An empty slice does nothing, and no I/O.
    /// - Once it returns, every read through this storage sees them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput), naming the first
    /// record and field that the [`limits`](crate::limits) refuse; nothing of
    /// the slice is stored.
    async fn put(&self, records: &[R]) -> Result<()>;

    /// Finds records by id.
    ///
    /// # Behaviour
    ///
    /// - One answer for each id, in the order asked, repeats included.
    /// - `None` where there is no such record.
    /// - An empty slice does no I/O.
    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>>;

    /// Deletes records by id.
    ///
    /// # Behaviour
    ///
    /// - Returns how many were there; an id that is twice in the slice counts
    ///   once, a missing one not at all.
    /// - All of them are deleted, or none.
    /// - An empty slice does no I/O.
    async fn delete(&self, ids: &[Id<R>]) -> Result<u64>;

    /// Finds records by what they hold, in order, a page at a time.
    ///
    /// # Behaviour
    ///
    /// - The meaning of filter and order is that of [`Filter`] and
    ///   [`Order`](crate::Order).
    /// - Following [`Page::next`] to its end gives every record that was there
    ///   all the time exactly once, whatever is added or deleted meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a query that
    /// [`Query::validate`] refuses.
    async fn query(&self, query: &Query<R>) -> Result<Page<R>>;

    /// Counts the records that match, by the values of a field if one is given.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for a filter that
    /// [`Filter::validate`] refuses, a list field to count by, and more than
    /// [`MAX_GROUPS`](crate::limits::MAX_GROUPS) groups.
    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts>;

    /// Says how [`query`](Store::query) would find the records, without
    /// looking for them.
    ///
    /// # Errors
    ///
    /// As [`query`](Store::query).
    async fn explain(&self, query: &Query<R>) -> Result<Plan>;
}

/// A storage for everything an agent remembers.
///
/// Object-safe: an application holds an `Arc<dyn MemoryStorage>` and swaps the
/// backend behind it. [`MemoryStorageExt`](crate::MemoryStorageExt) adds the
/// usual named operations.
#[async_trait]
pub trait MemoryStorage: Store<Episode> + Store<Pattern> + Store<Heuristic> + Debug + Send + Sync + 'static {
    /// Puts and deletes records of every kind, all or nothing.
    ///
    /// # Behaviour
    ///
    /// - All of the batch takes effect, or nothing of it.
    /// - Reports how many of the records to delete were there.
    /// - From the moment it takes effect, none of the writes that it fences
    ///   off can, unless they already have.
    /// - An empty batch without fences does nothing, and no I/O.
    /// - A batch takes effect at most once. Committed again unchanged, it does
    ///   nothing, nor do its fences, and its first count is reported as
    ///   [`already`](Written::already) done; two commits of one batch at once are
    ///   one write. A batch that was changed or cloned is another write (see
    ///   [`WriteBatch`]).
    /// - A batch that was settled or fenced off before it took effect is refused
    ///   as [`Fenced`](crate::Error::Fenced), for the first time or again.
    ///
    /// A storage remembers its writes for a limited time. A server's ledger is a
    /// table that every client shares; the backend's settings say for how long it
    /// is kept. An embedded storage remembers its latest commits for as long as it
    /// is open (see [`WriteLedger`](crate::WriteLedger)). A write that was
    /// forgotten is an unknown one: it takes effect when it is committed again.
    ///
    /// # Errors
    ///
    /// As [`Store::put`]. [`Error::Fenced`](crate::Error::Fenced) where the write
    /// did not happen and never will.
    /// [`Error::Indeterminate`](crate::Error::Indeterminate), with the batch's id,
    /// where a network leaves the outcome unknown.
    async fn commit(&self, batch: &WriteBatch) -> Result<Written>;

    /// Returns once each of these writes has taken effect or never will: those
    /// under way, those that were cancelled, and those that were not committed
    /// yet. A write that has not taken effect by then is refused as
    /// [`Fenced`](crate::Error::Fenced) from there on, within the limits that
    /// [`commit`](Self::commit) names.
    async fn settle(&self, writes: &[WriteId]) -> Result<()>;

    /// Whether the storage can be reached and used, by reading something.
    async fn health(&self) -> Result<Health>;
}

/// The answer of a storage that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Which backend: `memory`, `libsql`, `redb`.
    pub backend: &'static str,
    /// How long the check took.
    pub latency: Duration,
    /// The version of the database's schema, where it has one.
    pub schema_version: Option<u32>,
}

impl Health {
    /// A healthy answer.
    pub const fn new(backend: &'static str, latency: Duration, schema_version: Option<u32>) -> Self {
        Self { backend, latency, schema_version }
    }
}
