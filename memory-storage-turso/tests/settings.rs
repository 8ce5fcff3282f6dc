//! Settings at their extremes: each works, or is refused by its name.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use std::time::Duration;

use memory_core::{Episode, EpisodeId, Error, MemoryStorage, MemoryStorageExt, Query, Result, Store, WriteBatch};
use memory_lab::{Lab, LabOptions};
use memory_storage_turso::{BatchConfig, CacheConfig, LedgerConfig, PreparedCacheConfig, TursoBuilder, TursoStorage};
use world::{episode, heuristic, pattern};

const SIZES: [usize; 3] = [0, 1, usize::MAX];
const TIMES: [Duration; 3] = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
/// Times at which nothing is meant to happen in time.
const LONG: [Duration; 2] = [Duration::from_secs(24 * 3600), Duration::MAX];

/// Each storage works, or is refused by the name of its setting.
fn check<T>(name: &str, opened: Result<T>) -> Option<T> {
    match opened {
        Ok(storage) => Some(storage),
        Err(Error::InvalidInput { field, reason, .. }) => {
            assert_eq!(field, name, "{reason}");
            None
        }
        Err(other) => panic!("{name}: {other:?}"),
    }
}

async fn works(storage: &dyn MemoryStorage) {
    let stored = [episode("web", "1"), episode("web", "1"), episode("web", "1")];
    storage.put(&stored).await.unwrap();
    let ids = stored.each_ref().map(|episode| episode.id);
    assert_eq!(storage.get(&ids).await.unwrap().iter().flatten().count(), 3);
    // A small answer makes a short page.
    let mut query = Query::<Episode>::new();
    let mut found = 0;
    loop {
        let page = storage.query(&query).await.unwrap();
        found += page.records.len();
        if page.next.is_none() {
            break;
        }
        query = query.after(page.next);
    }
    assert_eq!(found, 3);
    assert_eq!(storage.delete(&ids).await.unwrap(), 3);
}

fn batches() -> Vec<(&'static str, BatchConfig)> {
    let default = BatchConfig::default;
    let mut batches = Vec::new();
    batches.extend(SIZES.map(|batch_size| ("batch_size", BatchConfig { batch_size, ..default() })));
    batches.extend([0, u32::MAX].map(|max_retries| ("max_retries", BatchConfig { max_retries, ..default() })));
    batches.extend(TIMES.map(|delay| ("retry_base_delay", BatchConfig { retry_base_delay: delay, ..default() })));
    let max = |delay| BatchConfig { retry_base_delay: Duration::ZERO, retry_max_delay: delay, ..default() };
    batches.extend(TIMES.map(|delay| ("retry_max_delay", max(delay))));
    batches
}

#[tokio::test]
async fn local_settings_work_or_are_refused_by_name() {
    let mut builders: Vec<(&str, TursoBuilder)> = Vec::new();
    let builder = TursoStorage::builder;
    builders.extend(batches().into_iter().map(|(name, batch)| (name, builder().batch(batch))));
    builders.extend(SIZES.map(|readers| ("readers", builder().readers(readers))));
    builders.extend(TIMES.map(|timeout| ("busy_timeout", builder().busy_timeout(timeout))));
    let prepared = |config| builder().prepared_cache(config);
    builders
        .extend(SIZES.map(|max_size| ("max_size", prepared(PreparedCacheConfig { max_size, ..Default::default() }))));
    builders.extend(
        SIZES.map(|max_sql_bytes| {
            ("max_sql_bytes", prepared(PreparedCacheConfig { max_sql_bytes, ..Default::default() }))
        }),
    );
    for (name, builder) in builders {
        let directory = tempfile::TempDir::new().unwrap();
        if let Some(storage) = check(name, builder.local(directory.path().join("memory.db")).await) {
            works(&storage).await;
            storage.close().await;
        }
    }
}

#[tokio::test]
async fn remote_settings_work_or_are_refused_by_name() {
    let mut builders: Vec<(&str, TursoBuilder)> = Vec::new();
    let builder = TursoStorage::builder;
    builders.extend(batches().into_iter().map(|(name, batch)| (name, builder().batch(batch))));
    builders.extend(SIZES.map(|size| ("pool_size", builder().pool_size(size))));
    builders.extend(SIZES.map(|size| ("max_request", builder().max_request(size))));
    builders.extend(SIZES.map(|size| ("max_response", builder().max_response(size))));
    builders.extend(SIZES.map(|size| ("max_row_size", builder().max_row_size(size))));
    builders.extend([Duration::ZERO, LONG[1]].map(|time| ("deadline", builder().deadline(time))));
    builders.extend([Duration::ZERO, LONG[1]].map(|time| ("attempt_timeout", builder().attempt_timeout(time))));
    builders.push(("deadline", builder().deadline(LONG[0])));
    builders.push(("attempt_timeout", builder().attempt_timeout(LONG[0])));
    let ledger = |max_age, max_rows| builder().ledger(LedgerConfig { max_age, max_rows });
    builders.extend(TIMES.map(|time| ("ledger.max_age", ledger(time, 1_000_000))));
    builders.extend([0, u64::MAX].map(|rows| ("ledger.max_rows", ledger(Duration::from_secs(1_000_000), rows))));
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    TursoStorage::new(lab.url(), "").await.unwrap().initialize_schema().await.unwrap();
    for (name, builder) in builders {
        if let Some(storage) = check(name, builder.remote(lab.url(), "").await) {
            works(&storage).await;
        }
    }
}

#[tokio::test]
async fn cache_settings_work_or_are_refused_by_name() {
    let default = CacheConfig::default;
    let mut configs = Vec::new();
    configs.extend(SIZES.map(|max_episodes| ("max_episodes", CacheConfig { max_episodes, ..default() })));
    configs.extend(SIZES.map(|max_queries| ("max_queries", CacheConfig { max_queries, ..default() })));
    for bytes in [0, 1, u64::MAX] {
        configs.push(("max_episode_bytes", CacheConfig { max_episode_bytes: bytes, ..default() }));
        configs.push(("max_query_bytes", CacheConfig { max_query_bytes: bytes, ..default() }));
    }
    configs.extend(TIMES.map(|query_ttl| ("query_ttl", CacheConfig { query_ttl, ..default() })));
    configs.extend(TIMES.map(|episode_ttl| ("episode_ttl", CacheConfig { episode_ttl, ..default() })));
    for (name, config) in configs {
        let storage = TursoStorage::memory().await.unwrap();
        if let Some(cached) = check(name, storage.with_cache(config)) {
            works(&cached).await;
        }
    }
}

/// At the least `max_request` everything fits that need not hold much.
#[tokio::test]
async fn every_operation_fits_the_least_request() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let storage = TursoStorage::builder().max_request(16 << 10).remote(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    storage.ensure_metadata_index("session").await.unwrap();
    works(&storage).await;
    let (one, two, three) = (episode("web", "1"), pattern("web", "1"), heuristic("1"));
    let mut batch = WriteBatch::new();
    batch.put(one.clone()).put(two.clone()).put(three.clone()).delete(EpisodeId::new());
    batch.delete(memory_core::PatternId::new()).delete(memory_core::HeuristicId::new());
    storage.commit(&batch).await.unwrap();
    storage.settle(&[batch.id()]).await.unwrap();
    assert_eq!(storage.get(&[two.id]).await.unwrap()[0].as_deref(), Some(&two));
    assert_eq!(storage.get(&[three.id]).await.unwrap()[0].as_deref(), Some(&three));
    let mut ids: Vec<_> = (0..1000).map(|_| EpisodeId::new()).collect();
    ids.push(one.id);
    assert_eq!(storage.get(&ids).await.unwrap().last().unwrap().as_deref(), Some(&one));
    assert_eq!(storage.query_episodes_by_metadata("version", "1").await.unwrap().records.len(), 1);
    storage.explain(&Query::<Episode>::new()).await.unwrap();
    storage.health().await.unwrap();
    // A write of more is refused, by the name of the limit.
    let error = storage.delete(&ids).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidInput { field, .. } if field == "max_request"), "{error:?}");
}
