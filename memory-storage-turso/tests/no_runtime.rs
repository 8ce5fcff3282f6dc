//! Every public async function, called outside a tokio runtime.
//!
//! Local databases work under any executor. A server needs tokio, which an
//! error says.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use memory_core::field::domain;
use memory_core::{Episode, Error, Filter, InMemoryStorage, MemoryStorage, Query, Store, WriteBatch};
use memory_storage_turso::{CacheConfig, CachedStorage, TursoStorage};
use pollster::block_on;
use world::{World, episode, heuristic};

/// One call of each function of the traits.
async fn calls<S: MemoryStorage>(storage: &S) -> Vec<Error> {
    let stored = [episode("web", "1"), episode("web", "2")];
    let ids = stored.each_ref().map(|episode| episode.id);
    let mut batch = WriteBatch::new();
    batch.put(heuristic("1")).delete(ids[1]);
    let query = Query::<Episode>::new();
    let mut errors = Vec::new();
    errors.extend(storage.put(&stored).await.err());
    errors.extend(storage.get(&ids).await.err());
    errors.extend(storage.get(&ids[..1]).await.err());
    errors.extend(storage.query(&query).await.err());
    errors.extend(storage.explain(&query).await.err());
    errors.extend(storage.count(&Filter::all(), Some(domain::<Episode>())).await.err());
    errors.extend(storage.commit(&batch).await.err());
    errors.extend(storage.settle(&[batch.id()]).await.err());
    errors.extend(storage.delete(&ids).await.err());
    errors.extend(storage.health().await.err());
    errors
}

/// As [`calls`], with the functions of the storage's own.
async fn all_calls(storage: &TursoStorage) -> Vec<Error> {
    let mut errors = calls(storage).await;
    errors.extend(storage.initialize_schema().await.err());
    errors.extend(storage.ensure_metadata_index("session").await.err());
    errors.extend(storage.connect().await.err());
    errors
}

fn none(errors: &[Error]) {
    assert!(errors.is_empty(), "{errors:?}");
}

fn tells_of_tokio(error: &Error) {
    assert!(matches!(error, Error::Misconfigured { .. }) && error.to_string().contains("tokio runtime"), "{error:?}");
    assert!(!error.is_transient() && !error.outcome_unknown(), "{error:?}");
}

#[test]
fn a_local_database_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let storage = block_on(TursoStorage::local(&path)).unwrap();
    none(&block_on(all_calls(&storage)));
    block_on(storage.close());
    // Dropped without a close.
    let storage = block_on(TursoStorage::local(&path)).unwrap();
    none(&block_on(all_calls(&storage)));
    drop(storage);
}

#[test]
fn a_database_in_memory_works() {
    none(&block_on(calls(&InMemoryStorage::new())));
    let storage = block_on(TursoStorage::memory()).unwrap();
    none(&block_on(all_calls(&storage)));
    block_on(storage.close());
}

/// The next write settles the write that a dropped future leaves in doubt, since
/// there is no runtime that could do it meanwhile.
#[test]
fn a_cached_storage_works() {
    let storage = block_on(TursoStorage::memory()).unwrap().with_cache(CacheConfig::default()).unwrap();
    none(&block_on(calls(&storage)));
    let written = episode("web", "1");
    {
        let put = [written.clone()];
        let mut future = std::pin::pin!(storage.put(&put));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
    block_on(storage.get(&[written.id])).unwrap();
    none(&block_on(calls(&storage)));
    block_on(storage.into_inner().expect("nothing is settled in the background").close());
    none(&block_on(calls(&CachedStorage::new(InMemoryStorage::new(), &CacheConfig::default()).unwrap())));
}

#[test]
fn a_server_is_not_asked_and_the_error_says_why() {
    for url in ["http://127.0.0.1:1", "http://localhost:1"] {
        tells_of_tokio(&block_on(TursoStorage::new(url, "")).unwrap_err());
        let provider = || TursoStorage::builder().token_provider(|| async { Ok("token".to_owned()) });
        tells_of_tokio(&block_on(provider().remote(url, "")).unwrap_err());
    }
    // A refusal comes first.
    assert!(matches!(block_on(TursoStorage::new("ftp://x", "")).unwrap_err(), Error::InvalidInput { .. }));
}

/// Opened where there is a runtime, and used where there is none.
#[test]
fn an_open_server_is_not_asked_outside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let storage = runtime.block_on(TursoStorage::new(world.lab.url(), "")).unwrap();
    let before = world.lab.counters().requests;
    let errors = block_on(all_calls(&storage));
    assert_eq!(errors.len(), 13, "{errors:?}");
    errors.iter().for_each(tells_of_tokio);
    let storage = storage.with_cache(CacheConfig::default()).unwrap();
    let errors = block_on(calls(&storage));
    assert_eq!(errors.len(), 10, "{errors:?}");
    errors.iter().for_each(tells_of_tokio);
    assert_eq!(world.lab.counters().requests, before);
    // It goes on where there is one.
    none(&runtime.block_on(calls(&storage)));
    block_on(storage.into_inner().unwrap().close());
}
