//! Deletion of the suite's records from a shared database.

use memory_core::limits::MAX_PER_CALL;
use memory_core::{Episode, Error, Heuristic, Id, MemoryStorage, Pattern, Query, Record, RecordRef, Result, Store};

/// Deletes the records that earlier cases left in `storage`, and returns their
/// number. For a factory over one shared database.
///
/// # Errors
///
/// [`Error::InvalidInput`], naming the record, if the storage holds a record
/// that the suite did not create; nothing is deleted then. Otherwise the errors
/// of the storage.
pub async fn clear<S: MemoryStorage + ?Sized>(storage: &S) -> Result<u64> {
    let episodes = own::<Episode, _>(storage).await?;
    let patterns = own::<Pattern, _>(storage).await?;
    let heuristics = own::<Heuristic, _>(storage).await?;
    Ok(delete(storage, &episodes).await? + delete(storage, &patterns).await? + delete(storage, &heuristics).await?)
}

/// Returns the ids of all records, after checking that the suite created them.
async fn own<R: Record, S: Store<R> + ?Sized>(storage: &S) -> Result<Vec<Id<R>>> {
    let mut ids = Vec::new();
    let mut query = Query::<R>::new().limit(1_000);
    loop {
        let page = storage.query(&query).await?;
        for record in &page.records {
            if !super::is_marked(&**record) {
                let reason = "the database holds a record that this suite did not make; give it an empty database";
                return Err(Error::invalid_input("id", reason).about(RecordRef::from(record.id())));
            }
            ids.push(record.id());
        }
        if page.next.is_none() {
            return Ok(ids);
        }
        query = query.after(page.next);
    }
}

async fn delete<R: Record, S: Store<R> + ?Sized>(storage: &S, ids: &[Id<R>]) -> Result<u64> {
    let mut deleted = 0;
    for ids in ids.chunks(MAX_PER_CALL) {
        deleted += storage.delete(ids).await?;
    }
    Ok(deleted)
}
