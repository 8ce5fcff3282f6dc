//! The in-memory backend.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use async_trait::async_trait;

use crate::backend::{ByKind, PerKind, WriteLedger, check_ids, check_records};
use crate::error::Result;
use crate::{
    Access, Counts, Episode, Field, Filter, Health, Heuristic, Id, MemoryStorage, Page, Pattern, Plan, Query, Record,
    Store, WriteBatch, WriteId, Written, query,
};

/// A [`MemoryStorage`] in the memory of this process. It is the reference for
/// other backends, and replaces them in tests.
///
/// The records are lost when the storage is dropped. A query reads every
/// record. A [`WriteLedger`] recognises repeated commits.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> memory_core::Result<()> {
/// use memory_core::{Heuristic, InMemoryStorage, MemoryStorageExt};
///
/// let storage = InMemoryStorage::new();
/// let heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
/// storage.store_heuristic(&heuristic).await?;
/// assert_eq!(*storage.get_heuristic(heuristic.id).await?.unwrap(), heuristic);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct InMemoryStorage {
    tables: RwLock<Tables>,
    /// Used under the write lock of the tables.
    ledger: WriteLedger,
}

/// The records of each kind, in the order of ids.
#[derive(Debug)]
struct Table;

impl PerKind for Table {
    type Of<R: Record> = BTreeMap<Id<R>, Arc<R>>;
}

type Tables = ByKind<Table>;

impl InMemoryStorage {
    /// Creates an empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    // A panic cannot leave a partial change: all operations that may fail
    // precede the first change.

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies the changes of one kind, and returns the number of deleted records.
fn apply<R: Record>(tables: &mut Tables, batch: &WriteBatch) -> u64 {
    let table = tables.of_mut::<R>();
    for record in batch.changes::<R>().puts() {
        table.insert(record.id(), Arc::clone(record));
    }
    batch.changes::<R>().deletes().filter(|id| table.remove(id).is_some()).count() as u64
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Record> Store<R> for InMemoryStorage {
    async fn put(&self, records: &[R]) -> Result<()> {
        check_records(records)?;
        let records: Vec<_> = records.iter().map(|record| (record.id(), Arc::new(record.clone()))).collect();
        self.write().of_mut::<R>().extend(records);
        Ok(())
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        check_ids(ids)?;
        let tables = self.read();
        Ok(ids.iter().map(|id| tables.of::<R>().get(id).cloned()).collect())
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        check_ids(ids)?;
        let mut tables = self.write();
        Ok(ids.iter().filter(|id| tables.of_mut::<R>().remove(id).is_some()).count() as u64)
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        query::select(query, self.read().of::<R>().values().cloned())
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        query::count(filter, by.as_ref(), self.read().of::<R>().values().map(Arc::as_ref))
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        query.validate()?;
        Ok(Plan::new(Access::Scan, format!("read every {} in memory, then sort", R::KIND)))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MemoryStorage for InMemoryStorage {
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        batch.validate()?;
        if batch.is_empty() && batch.fences().is_empty() {
            return Ok(Written::new(batch.id(), 0));
        }
        let mut tables = self.write();
        self.ledger.begin(batch).apply(|| {
            Ok(apply::<Episode>(&mut tables, batch)
                + apply::<Pattern>(&mut tables, batch)
                + apply::<Heuristic>(&mut tables, batch))
        })
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        let _order = self.write();
        self.ledger.settle(writes);
        Ok(())
    }

    async fn health(&self) -> Result<Health> {
        let start = Instant::now();
        drop(self.read());
        Ok(Health::new("memory", start.elapsed(), None))
    }
}
