//! The storage itself.

use std::collections::{HashMap, HashSet};
#[cfg(feature = "local")]
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use async_trait::async_trait;
use memory_core::backend::{IndexedKey, check_ids, check_records, validate_count};
use memory_core::{
    Counts, Episode, Field, Filter, Health, Heuristic, Id, Kind, MemoryStorage, Page, Pattern, Plan, Query, Result,
    Store, WriteBatch, WriteId, Written,
};
use tracing::Instrument;

use super::builder::TursoBuilder;
use super::table::Table;
use super::{batch, query, read};
use crate::metrics::{Call, Operation, PerformanceMetrics, PreparedCacheStats};
use crate::schema::{self, Index, IndexSql as _};
use crate::sql::Statement;
use crate::transport::Transport;
use crate::transport::process::Process;
#[cfg(feature = "remote")]
use crate::transport::remote::NetworkStats;

/// A libSQL database, in this process or across a network, as a
/// [`MemoryStorage`].
///
/// A write to a server takes effect exactly once, also if it has to be sent
/// again, and so does a batch that is committed again: its id is in a ledger of
/// the database. The ledger forgets writes after 7 days, and all but the newest
/// million, unless [`TursoBuilder::ledger`] says otherwise. A batch that is
/// committed again later than that is applied again.
///
/// Dropping it closes a local database, and waits on its thread, at most 5 s,
/// until writes that were handed over are done and the file holds everything;
/// [`close`](Self::close) waits without holding up the thread.
///
/// A process that was forked cannot use a storage of its parent:
/// each operation is [`Error::Unsupported`](memory_core::Error::Unsupported).
#[derive(Debug)]
pub struct TursoStorage {
    transport: Transport,
    batch_size: usize,
    metrics: Arc<PerformanceMetrics>,
    /// The metadata keys that the schema is created with.
    indexes: Vec<IndexedKey>,
    /// The metadata keys that have an index, as far as it was declared here.
    indexed: RwLock<HashSet<String>>,
    process: Process,
}

impl TursoStorage {
    /// Connects to a Turso or self-hosted libSQL server with the default
    /// settings: [`TursoBuilder::remote`]. An empty token is none.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> memory_core::Result<()> {
    /// use memory_storage_turso::TursoStorage;
    ///
    /// let storage = TursoStorage::new("libsql://memory-me.turso.io", "the token").await?;
    /// storage.initialize_schema().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`TursoBuilder::remote`].
    #[cfg(feature = "remote")]
    pub async fn new(url: impl AsRef<str>, token: impl AsRef<str>) -> Result<Self> {
        Self::builder().remote(url, token).await
    }

    /// Opens the database in the file at `path`, creating it and its schema as
    /// needed, with the default settings: [`TursoBuilder::local`].
    ///
    /// # Errors
    ///
    /// As [`TursoBuilder::local`].
    #[cfg(feature = "local")]
    pub async fn local(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().local(path).await
    }

    /// Opens a new database in memory with the default settings, which lives
    /// as long as the storage: [`TursoBuilder::memory`].
    ///
    /// # Errors
    ///
    /// As [`TursoBuilder::memory`].
    #[cfg(feature = "local")]
    pub async fn memory() -> Result<Self> {
        Self::builder().memory().await
    }

    /// Settings, to open a storage with.
    pub fn builder() -> TursoBuilder {
        TursoBuilder::default()
    }

    pub(super) fn over(
        transport: Transport,
        batch_size: usize,
        metrics: Arc<PerformanceMetrics>,
        indexes: Vec<IndexedKey>,
    ) -> Self {
        let keys = indexes.iter().map(ToString::to_string).collect();
        Self { transport, batch_size, metrics, indexes, indexed: RwLock::new(keys), process: Process::current() }
    }

    /// An operation on so many records begins.
    fn begin(&self, operation: Operation, kind: Option<Kind>, count: usize) -> Result<Call<'_>> {
        self.process.check(operation.words())?;
        let transport = self.transport.recorder(&self.metrics);
        Ok(Call::begin(&self.metrics, operation, kind.map(Kind::name), count, transport))
    }

    /// Whether an index answers what a filter tests of metadata; `None` where
    /// it tests none.
    fn by_index<R: Table>(&self, filter: &Filter<R>) -> Option<bool> {
        let indexed = self.indexed.read().unwrap_or_else(PoisonError::into_inner);
        query::by_index(filter, &|key| indexed.contains(key))
    }

    /// Creates the schema, or brings an older one up to date, and the indexes
    /// that were declared, in one transaction; across a network in one request.
    /// A local database has that done when it is opened.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`](memory_core::Error::Unsupported) where the schema
    /// is newer than this library.
    pub async fn initialize_schema(&self) -> Result<()> {
        let call = self.begin(Operation::InitializeSchema, None, 0)?;
        let done = self.transport.initialize_schema(&call, indexes(&self.indexes)).instrument(call.span()).await;
        call.end(done)
    }

    /// Creates an index on a metadata key for each kind of record, unless it is
    /// there: queries on that key use it from then on, in every process.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](memory_core::Error::InvalidInput) for a key that
    /// cannot have one: 1 to 128 letters, digits, `_`, `.` and `-` can.
    pub async fn ensure_metadata_index(&self, key: &str) -> Result<()> {
        let create = indexes(&[IndexedKey::new(key)?]);
        let call = self.begin(Operation::EnsureMetadataIndex, None, 0)?;
        let done = self.transport.create_indexes(&call, create).instrument(call.span()).await;
        if done.is_ok() {
            self.indexed.write().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
        }
        call.end(done)
    }

    /// Opens a connection to the server before the first operation needs it;
    /// worth calling after a long rest. A local database has its connections
    /// open all the time.
    ///
    /// # Errors
    ///
    /// As any read; [`Error::Unsupported`](memory_core::Error::Unsupported)
    /// where the schema is newer than this library. A missing schema is none:
    /// [`initialize_schema`](Self::initialize_schema) may be about to create it.
    #[cfg_attr(not(feature = "remote"), expect(clippy::unused_async, reason = "only servers are connected to"))]
    pub async fn connect(&self) -> Result<()> {
        match &self.transport {
            #[cfg(feature = "local")]
            Transport::Local(_) => Ok(()),
            #[cfg(feature = "remote")]
            Transport::Remote(remote) => {
                let call = self.begin(Operation::Connect, None, 0)?;
                let found = remote.connect(&call).instrument(call.span()).await;
                call.end(found)?.map_or(Ok(()), |found| schema::check_version(found).map(drop))
            }
        }
    }

    /// Closes the database, and returns once writes that were handed over are
    /// done and a local file is no longer in use: it may be copied or deleted.
    pub async fn close(self) {
        self.transport.close().await;
    }

    /// What the caches of prepared statements did so far, all local
    /// connections together. On a network nothing is prepared, and nothing has
    /// to be asked of the server about a statement before it runs.
    pub fn prepared_cache_stats(&self) -> PreparedCacheStats {
        self.metrics.prepared.snapshot()
    }

    /// What this storage and its caches did so far, and how long it took.
    pub const fn metrics(&self) -> &Arc<PerformanceMetrics> {
        &self.metrics
    }

    /// What was sent over the network so far; nothing for a local database.
    #[cfg(feature = "remote")]
    pub fn network_stats(&self) -> NetworkStats {
        match &self.transport {
            #[cfg(feature = "local")]
            Transport::Local(_) => NetworkStats::default(),
            Transport::Remote(_) => NetworkStats::of(&self.metrics),
        }
    }
}

/// The indexes on these keys, for each kind of record.
fn indexes(keys: &[IndexedKey]) -> Vec<Index> {
    let tables = [Episode::SQL, Pattern::SQL, Heuristic::SQL];
    keys.iter().flat_map(|key| tables.map(|sql| key.index(sql.table, sql.time, sql.id))).collect()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Table> Store<R> for TursoStorage {
    async fn put(&self, records: &[R]) -> Result<()> {
        check_records(records)?;
        if records.is_empty() {
            return Ok(());
        }
        let call = self.begin(Operation::Put, Some(R::KIND), records.len())?;
        let done = batch::put(&self.transport, &call, self.batch_size, records).instrument(call.span()).await;
        call.end(done)
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        check_ids(ids)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.begin(Operation::Get, Some(R::KIND), ids.len())?;
        let found = read::get(&self.transport, &call, ids).instrument(call.span()).await;
        let found = call.end(found)?;
        let found: HashMap<_, _> = found.into_iter().map(|record| (record.id(), Arc::new(record))).collect();
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        check_ids(ids)?;
        if ids.is_empty() {
            return Ok(0);
        }
        let call = self.begin(Operation::Delete, Some(R::KIND), ids.len())?;
        let steps = vec![batch::delete::<R>(ids)];
        let done = self.transport.write(&call, steps).instrument(call.span()).await;
        call.end(done)
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        let position = query.validate()?;
        query::check_filter(&query.filter)?;
        let call = self.begin(Operation::Query, Some(R::KIND), query.limit)?.by_index(self.by_index(&query.filter));
        let found = read::page(&self.transport, &call, query, position.as_ref()).instrument(call.span()).await;
        let (found, more) = call.end(found)?;
        Ok(Page::new(query, found, more))
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        validate_count(filter, by.as_ref())?;
        query::check_filter(filter)?;
        let call = self.begin(Operation::Count, Some(R::KIND), 0)?.by_index(self.by_index(filter));
        let span = call.span();
        match by {
            None => {
                let read = self.transport.read(&call, query::count(filter), |row| row.integer(0));
                let counted = read.instrument(span).await;
                let counted = call.end(counted)?;
                Ok(Counts::total(counted.first().copied().and_then(|total| total.try_into().ok()).unwrap_or(0)))
            }
            Some(field) => {
                let groups = read::groups(&self.transport, &call, filter, &field).instrument(span).await;
                let groups = call.end(groups)?;
                Counts::grouped(&field, groups.into_iter().map(|group| (group.value, group.count)))
            }
        }
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        let position = query.validate()?;
        query::check_filter(&query.filter)?;
        let statement = query::explain(query::select(query, position.as_ref()));
        // Columns: id, parent, not used, detail.
        let call = self.begin(Operation::Explain, Some(R::KIND), 0)?;
        let read = self.transport.read_plan(&call, statement, |row| Ok(row.text(3)?.into_owned()));
        let details = read.instrument(call.span()).await;
        let details = call.end(details)?;
        Ok(query::plan(R::SQL.table, &details))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for TursoStorage {
    /// Commits a batch; on a server exactly once in effect, as long as the
    /// ledger remembers it: 7 days and the newest million writes unless
    /// [`TursoBuilder::ledger`] says otherwise. A batch that is committed again
    /// later than that is applied again.
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        batch.validate()?;
        if batch.is_empty() && batch.fences().is_empty() {
            return Ok(Written::new(batch.id(), 0));
        }
        let (operation, kind) = batch::operation(batch);
        let call = self.begin(operation, kind, batch.len())?;
        let commit = self.transport.commit(&call, batch, batch::steps(&self.transport, batch));
        let written = commit.instrument(call.span()).await;
        call.end(written)
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        let call = self.begin(Operation::Settle, None, writes.len())?;
        let done = self.transport.settle(&call, writes).instrument(call.span()).await;
        call.end(done)
    }

    async fn health(&self) -> Result<Health> {
        let start = Instant::now();
        let statement = Statement::new(schema::SELECT_VERSION, []);
        let call = self.begin(Operation::Health, None, 0)?;
        let found = self.transport.health(&call, statement).instrument(call.span()).await;
        let found = call.end(found)?;
        let version = found.first().copied().map(schema::check_version).transpose()?;
        Ok(Health::new("libsql", start.elapsed(), version))
    }
}
