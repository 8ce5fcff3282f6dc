//! The storage itself.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use memory_core::limits::{check_batch, check_ids, check_records};
use memory_core::{
    Counts, Episode, Field, Filter, Health, Heuristic, Id, MemoryStorage, Page, Pattern, Plan, Query, Result, Store,
    WriteBatch, WriteId, Written, validate_count,
};

use super::builder::TursoBuilder;
use super::table::Table;
use super::{batch, query};
use crate::prepared::{PreparedCacheStats, PreparedStats};
use crate::schema::{self, IndexedKey};
use crate::transport::Statement;
use crate::transport::local::{Local, Work};

/// A libSQL database as a [`MemoryStorage`].
///
/// Dropping it closes the database soon after, once writes that were handed
/// over are done; [`close`](Self::close) waits for that.
#[derive(Debug)]
pub struct TursoStorage {
    local: Local,
    batch_size: usize,
    prepared: Arc<PreparedStats>,
}

impl TursoStorage {
    /// Opens the database in the file at `path`, creating it and its schema as
    /// needed, with the default settings: [`TursoBuilder::local`].
    ///
    /// # Errors
    ///
    /// As [`TursoBuilder::local`].
    pub async fn local(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder().local(path).await
    }

    /// Opens a new database in memory with the default settings, which lives
    /// as long as the storage: [`TursoBuilder::memory`].
    ///
    /// # Errors
    ///
    /// As [`TursoBuilder::memory`].
    pub async fn memory() -> Result<Self> {
        Self::builder().memory().await
    }

    /// Settings, to open a storage with.
    pub fn builder() -> TursoBuilder {
        TursoBuilder::default()
    }

    pub(super) const fn new_local(local: Local, batch_size: usize, prepared: Arc<PreparedStats>) -> Self {
        Self { local, batch_size, prepared }
    }

    /// Creates the schema, or brings an older one up to date, in one
    /// transaction. A local database has that done when it is opened, so this
    /// is for one whose tables were lost since.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`](memory_core::Error::Unsupported) where the schema
    /// is newer than this library.
    pub async fn initialize_schema(&self) -> Result<()> {
        self.local.on_writer("initialize the schema", schema::migrate).await
    }

    /// Creates an index on a metadata key for each kind of record, unless it is
    /// there: queries on that key use it from then on, in every process.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](memory_core::Error::InvalidInput) for a key that
    /// cannot have one: 1 to 128 letters, digits, `_`, `.` and `-` can.
    pub async fn ensure_metadata_index(&self, key: &str) -> Result<()> {
        self.create_indexes(vec![IndexedKey::new(key)?]).await
    }

    pub(super) async fn create_indexes(&self, keys: Vec<IndexedKey>) -> Result<()> {
        const OPERATION: &str = "create metadata indexes";
        if keys.is_empty() {
            return Ok(());
        }
        let create = |key: &IndexedKey| {
            [Episode::SQL, Pattern::SQL, Heuristic::SQL].map(|sql| key.create_index(sql.table, sql.time, sql.id))
        };
        let statements: Vec<_> = keys.iter().flat_map(create).collect();
        self.local
            .on_writer(OPERATION, move |connection| {
                connection.transaction(OPERATION, |connection| {
                    statements.iter().try_for_each(|sql| connection.execute(OPERATION, sql, &[]).map(drop))
                })
            })
            .await
    }

    /// Closes the database, and returns once writes that were handed over are
    /// done and the file is no longer in use: it may be copied or deleted.
    pub async fn close(self) {
        self.local.close().await;
    }

    /// What the caches of prepared statements did so far, all connections
    /// together.
    pub fn prepared_cache_stats(&self) -> PreparedCacheStats {
        self.prepared.snapshot()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Table> Store<R> for TursoStorage {
    async fn put(&self, records: &[R]) -> Result<()> {
        check_records(records)?;
        batch::put(&self.local, self.batch_size, records).await
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        check_ids(ids)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let statement = Statement::new(R::SQL.get, [batch::id_list(ids).into()]);
        let found = self.local.read("get", statement, |row| R::from_row(row)).await?;
        let found: HashMap<_, _> = found.into_iter().map(|record| (record.id(), Arc::new(record))).collect();
        Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        check_ids(ids)?;
        if ids.is_empty() {
            return Ok(0);
        }
        self.local.write("delete", Work::Whole(vec![batch::delete::<R>(ids)])).await
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        let position = query.validate()?;
        let statement = query::select(query, position.as_ref());
        let mut found = self.local.read("query", statement, |row| R::from_row(row).map(Arc::new)).await?;
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        Ok(Page::new(query, found, more))
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        validate_count(filter, by.as_ref())?;
        let statement = query::count(filter, by.as_ref());
        match by {
            None => {
                let counted = self.local.read("count", statement, |row| row.integer(0)).await?;
                Ok(Counts::total(counted.first().copied().and_then(|total| total.try_into().ok()).unwrap_or(0)))
            }
            Some(field) => {
                let groups = self.local.read("count", statement, query::group).await?;
                Counts::grouped(&field, groups)
            }
        }
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        let position = query.validate()?;
        let statement = query::explain(query::select(query, position.as_ref()));
        // Columns: id, parent, not used, detail.
        let details = self.local.read_plan("explain", statement, |row| Ok(row.text(3)?.into_owned())).await?;
        Ok(query::plan(R::SQL.table, &details))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for TursoStorage {
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        check_batch(batch)?;
        // The one writer takes writes in order, so that any earlier one has
        // happened or never will: fences need nothing more.
        let deleted = self.local.write("commit", Work::Whole(batch::steps(batch)?)).await?;
        Ok(Written::new(batch.id(), deleted))
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        self.local.on_writer("settle", |_| Ok(())).await
    }

    async fn health(&self) -> Result<Health> {
        let start = Instant::now();
        let statement = Statement::new(schema::SELECT_VERSION, []);
        let found = self.local.read("health", statement, |row| row.integer(0)).await?;
        let version = found.first().copied().map(schema::check_version).transpose()?;
        Ok(Health::new("libsql", start.elapsed(), version))
    }
}
