//! The storage itself.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use memory_core::backend::{IndexedKey, WriteLedger, check_ids, check_records, validate_count};
use memory_core::{
    Counts, Field, Filter, Health, Id, MemoryStorage, Page, Plan, Query, Result, Store, WriteBatch, WriteId, Written,
};

use super::budget;
use super::builder::RedbBuilder;
use super::check::CheckReport;
use super::database::{Config, Shared};
use super::encode::{Changed, Changes};
use super::error::BACKEND;
use super::writer::{Job, Write, Writer};
use super::{count, find, plan, schema};

/// A redb database in one file, as a [`MemoryStorage`].
///
/// One storage in one process at a time has the file open. Every write is
/// durable when it is acknowledged: writes that are made at once share a
/// transaction, and so the disk's two syncs.
///
/// Dropping it closes the file soon after, once writes that were handed over are
/// done; [`close`](Self::close) waits for that.
///
/// After a failure of the disk the file is opened again, never made anew: where it
/// was deleted or replaced, calls fail with
/// [`Error::Unavailable`](memory_core::Error::Unavailable) until it is put back.
///
/// redb panics on some damage to the file. Such a panic becomes
/// [`Error::Corrupt`](memory_core::Error::Corrupt) only in programs that are built
/// with `panic = "unwind"`, the default; with `panic = "abort"` it ends the process.
pub struct RedbStorage {
    pub(super) shared: Arc<Shared>,
    writer: Writer,
    ledger: WriteLedger,
}

impl fmt::Debug for RedbStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedbStorage").field(&self.shared).finish()
    }
}

impl RedbStorage {
    /// Opens the database in the file at `path`, creating it as needed, with the
    /// default settings: [`RedbBuilder::open`].
    ///
    /// # Errors
    ///
    /// As [`RedbBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().open(path).await
    }

    /// Opens a new database in memory with the default settings, which lives as
    /// long as the storage: [`RedbBuilder::memory`].
    ///
    /// # Errors
    ///
    /// As [`RedbBuilder::memory`].
    pub async fn memory() -> Result<Self> {
        Self::builder().memory().await
    }

    /// Settings, to open a storage with.
    pub fn builder() -> RedbBuilder {
        RedbBuilder::default()
    }

    pub(super) async fn start(config: Config) -> Result<Self> {
        let ledger = WriteLedger::new();
        let (writer, shared) = Writer::start(config, ledger.clone()).await?;
        Ok(Self { shared, writer, ledger })
    }

    /// Writes changes of which nobody knows the id.
    async fn write(&self, changes: Changes) -> Result<u64> {
        let (id, fences) = (WriteId::new(), Vec::new());
        let write = |reply| Job::Write(Write { id, fences, pending: None, changes, reply });
        Ok(self.writer.hand_over(write).await?.deleted)
    }

    /// Creates an index on a metadata key for each kind of record, unless it is
    /// there. Other writes wait until all records have their entries in it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](memory_core::Error::InvalidInput) for a key that
    /// cannot have one: 1 to 128 letters, digits, `_`, `.` and `-` can.
    pub async fn ensure_metadata_index(&self, key: &str) -> Result<()> {
        let key = IndexedKey::new(key)?;
        self.writer.hand_over(|reply| Job::EnsureIndex(key, reply)).await
    }

    /// Verifies the checksum of every page, every record, and every entry of
    /// every index. Reads and writes wait while the pages are verified.
    ///
    /// # Errors
    ///
    /// Only where nothing can be checked: damage is in the report.
    pub async fn check(&self) -> Result<CheckReport> {
        self.writer.hand_over(Job::Check).await
    }

    /// Gives space that is not used any more back to the file system. Returns
    /// whether there was any. Reads and writes wait meanwhile. Where the process is
    /// killed before it returns, no record is lost, but the next opening repairs the
    /// file, which reads all of it.
    ///
    /// # Errors
    ///
    /// As any write; the records are as they were.
    pub async fn compact(&self) -> Result<bool> {
        self.writer.hand_over(Job::Compact).await
    }

    /// Closes the database, and returns once writes that were handed over are
    /// done and the file is no longer in use: it may be copied, deleted or opened
    /// again.
    ///
    /// # Errors
    ///
    /// If the disk fails; acknowledged writes are durable all the same.
    pub async fn close(self) -> Result<()> {
        self.writer.hand_over(Job::Close).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Changed> Store<R> for RedbStorage {
    async fn put(&self, records: &[R]) -> Result<()> {
        check_records(records)?;
        if records.is_empty() {
            return Ok(());
        }
        let changes = Changes::puts(self.shared.indexes(), records).await?;
        self.write(changes).await?;
        Ok(())
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        check_ids(ids)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (shared, ids) = (Arc::clone(&self.shared), ids.to_vec());
        budget::run("get", move |budget| shared.read("get", budget, |txn, _, budget| find::get(txn, &ids, budget)))
            .await
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        check_ids(ids)?;
        if ids.is_empty() {
            return Ok(0);
        }
        let changes = Changes::deletes(self.shared.indexes(), ids);
        self.write(changes).await
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        let from = query.validate()?;
        let (shared, query) = (Arc::clone(&self.shared), query.clone());
        budget::run("query", move |budget| {
            shared.read("query", budget, |txn, indexes, budget| find::page(txn, indexes, &query, from.as_ref(), budget))
        })
        .await
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        validate_count(filter, by.as_ref())?;
        let (shared, filter) = (Arc::clone(&self.shared), filter.clone());
        budget::run("count", move |budget| {
            shared
                .read("count", budget, |txn, indexes, budget| count::count(txn, indexes, &filter, by.as_ref(), budget))
        })
        .await
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        query.validate()?;
        Ok(plan::plan(&self.shared.indexes(), &query.filter).explain(&query.order))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for RedbStorage {
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        batch.validate()?;
        if batch.is_empty() && batch.fences().is_empty() {
            return Ok(Written::new(batch.id(), 0));
        }
        let pending = self.ledger.begin(batch);
        if let Some(outcome) = pending.outcome() {
            return outcome;
        }
        let changes = Changes::batch(self.shared.indexes(), batch).await?;
        let (id, fences, pending) = (batch.id(), batch.fences().to_vec(), Some(pending));
        self.writer.hand_over(|reply| Job::Write(Write { id, fences, pending, changes, reply })).await
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        self.writer.hand_over(|reply| Job::Settle(writes.to_vec(), reply)).await
    }

    async fn health(&self) -> Result<Health> {
        let start = Instant::now();
        let shared = Arc::clone(&self.shared);
        let version =
            budget::run("health", move |budget| shared.read("health", budget, |txn, _, _| Ok(schema::version(txn)?)))
                .await?;
        Ok(Health::new(BACKEND, start.elapsed(), version))
    }
}
