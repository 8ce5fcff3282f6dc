//! The figures are those that others counted: the lab's proxy, and a backend
//! between the cache and the database. Every operation, by every path.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "metrics_exact/counting.rs"]
mod counting;
mod world;

use std::sync::Arc;
use std::time::Duration;

use counting::Counting;
use memory_core::field::{domain, metadata};
use memory_core::{
    Episode, EpisodeId, Error, Filter, Heuristic, MemoryStorage, MemoryStorageExt, Pattern, PatternId, PatternKind,
    Query, Store, TaskContext, TaskType, WriteBatch,
};
use memory_lab::{Fault, Lab, LabOptions, Script};
use memory_storage_redb::CoarseClock;
use memory_storage_turso::{
    CacheConfig, CachedStorage, Latencies, OperationMetrics, PerformanceSnapshot, TursoBuilder, TursoStorage,
};
use world::{brisk, opened};

fn episode(name: &str) -> Episode {
    let mut episode = Episode::new(name, TaskContext::new(name), TaskType::Debugging);
    episode.metadata.insert("session", name);
    episode.metadata.insert("other", name);
    episode
}

fn pattern() -> Pattern {
    let kind = PatternKind::ErrorRecovery { error_type: "timeout".to_owned(), recovery_steps: vec!["wait".to_owned()] };
    Pattern::new(TaskContext::new("web"), kind)
}

/// A lab, and a cached storage over it with a counting one in between.
struct World {
    lab: Lab,
    counting: Counting,
    cached: Arc<CachedStorage<Counting>>,
}

fn indexed() -> TursoBuilder {
    brisk().index_metadata("session")
}

impl World {
    async fn new() -> Self {
        let lab = Lab::start(LabOptions::default()).await.unwrap();
        let storage = indexed().remote(lab.url(), "").await.unwrap();
        storage.initialize_schema().await.unwrap();
        let metrics = Arc::clone(storage.metrics());
        let counting = Counting::new(storage);
        let cached = CachedStorage::with_metrics(counting.clone(), &CacheConfig::default(), CoarseClock, metrics);
        Self { lab, counting, cached: Arc::new(cached.unwrap()) }
    }

    fn figures(&self) -> PerformanceSnapshot {
        let snapshot = self.cached.metrics().snapshot();
        // Whatever happened, the proxy has seen what is told.
        assert_eq!(snapshot.remote.requests, self.lab.counters().requests);
        assert_eq!(snapshot.remote.round_trips, snapshot.remote.requests);
        assert_eq!(snapshot.local, memory_storage_turso::TransportMetrics::default());
        snapshot
    }
}

/// Calls by how they ended.
fn calls(snapshot: &PerformanceSnapshot, name: &str) -> (u64, u64, u64) {
    let calls = |calls: &OperationMetrics| (calls.succeeded, calls.failed, calls.cancelled);
    snapshot.operations.get(name).map_or((0, 0, 0), calls)
}

#[tokio::test]
async fn every_operation_is_counted_by_every_path() {
    let world = World::new().await;
    let storage = &world.cached;
    let start = world.figures();
    assert_eq!((calls(&start, "connect"), calls(&start, "initialize_schema")), ((1, 0, 0), (1, 0, 0)));
    assert_eq!(start.remote.requests, 2);

    // Writes: one, many, of all kinds, a deletion.
    let episodes: Vec<_> = ["web", "web", "cli", "cli", "cli"].map(episode).into();
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    storage.store_episode(&episodes[0]).await.unwrap();
    storage.store_episodes_batch(&episodes).await.unwrap();
    let heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
    let mut batch = WriteBatch::new();
    batch.put(pattern()).put(pattern()).put(heuristic).delete(PatternId::new());
    storage.commit(&batch).await.unwrap();
    assert!(storage.delete_episode(ids[4]).await.unwrap());
    assert_eq!(storage.delete(&[EpisodeId::new(), EpisodeId::new()]).await.unwrap(), 0);
    let figures = &world.figures() - &start;
    let writes = &figures.batching.writes;
    assert_eq!((writes.single, writes.batches, writes.batched), (2, 3, 5 + 4 + 2));
    assert_eq!(writes.round_trips_avoided, 11 - 3);
    assert_eq!((writes.single_latency.count(), writes.batch_latency.count()), (2, 11));
    let writes = ["put", "commit", "delete"].map(|operation| calls(&figures, operation));
    assert_eq!((writes, figures.remote.requests), ([(2, 0, 0), (1, 0, 0), (2, 0, 0)], 5));
    assert_eq!(figures.cache_first.gets.reads(), 0);

    // Hits, of what was written; absent ones once they are known; batches.
    let before = world.figures();
    let asked = world.counting.calls();
    let absent = EpisodeId::new();
    for id in [ids[0], ids[1], ids[0]] {
        storage.get_episode(id).await.unwrap().unwrap(); // Three hits.
    }
    storage.get_cached(ids[2]).await.unwrap().unwrap(); // A hit.
    storage.get_episode(absent).await.unwrap(); // A miss.
    storage.get_episode(absent).await.unwrap(); // A negative hit.
    storage.get(&ids[..4]).await.unwrap(); // Four hits of one call.
    let (unknown, more) = (EpisodeId::new(), EpisodeId::new());
    storage.get(&[ids[0], unknown, ids[1], more]).await.unwrap(); // Two hits and two misses.
    storage.invalidate_all();
    storage.get(&ids[..4]).await.unwrap(); // Four misses.
    let figures = &world.figures() - &before;
    let gets = &figures.cache_first.gets;
    assert_eq!((gets.hits, gets.misses, gets.negative_hits, gets.coalesced), (3 + 1 + 1 + 4 + 2, 1 + 2 + 4, 1, 0));
    assert_eq!(gets.queries_avoided, 3 + 1 + 1 + 1);
    assert_eq!(gets.miss.count(), 3, "calls that asked");
    assert_eq!((world.counting.calls() - asked, figures.remote.requests), (3, 3));
    let reads = &figures.batching.reads;
    assert_eq!((reads.single, reads.batches, reads.batched, reads.round_trips_avoided), (1, 2, 2 + 4, 1 + 3));
    assert_eq!(calls(&figures, "get"), (3, 0, 0));

    // Queries and counts: each asked once and answered twice.
    let before = world.figures();
    let asked = world.counting.calls();
    let by_index = Query::<Episode>::new().filter(metadata("session").eq("web"));
    let by_scan = Query::<Episode>::new().filter(metadata("other").eq("web"));
    let plain = Query::<Episode>::new().filter(domain().eq("cli"));
    for _ in 0..2 {
        assert_eq!(storage.query(&by_index).await.unwrap().records.len(), 2);
        assert_eq!(storage.query(&by_scan).await.unwrap().records.len(), 2);
        assert_eq!(storage.query(&plain).await.unwrap().records.len(), 2);
        assert_eq!(storage.count(&metadata::<Episode>("session").eq("cli"), None).await.unwrap().total, 2);
        assert_eq!(storage.count(&Filter::all(), Some(domain::<Episode>())).await.unwrap().total, 4);
    }
    let figures = &world.figures() - &before;
    let queries = &figures.cache_first.queries;
    assert_eq!((queries.hits, queries.misses, queries.queries_avoided), (5, 5, 5));
    assert_eq!((queries.miss.count(), queries.hit_ratio()), (5, Some(0.5)));
    assert_eq!((world.counting.calls() - asked, figures.remote.requests), (5, 5));
    assert_eq!((figures.metadata_queries.indexed.count(), figures.metadata_queries.scanned.count()), (2, 1));
    assert_eq!((calls(&figures, "query"), calls(&figures, "count")), ((3, 0, 0), (2, 0, 0)));

    // What passes the caches by.
    let before = world.figures();
    storage.explain(&by_index).await.unwrap();
    storage.health().await.unwrap();
    storage.settle(&[batch.id()]).await.unwrap();
    world.counting.storage().ensure_metadata_index("other").await.unwrap();
    storage.invalidate_all();
    storage.query(&by_scan).await.unwrap();
    let figures = &world.figures() - &before;
    for name in ["explain", "health", "settle", "ensure_metadata_index", "query"] {
        assert_eq!(calls(&figures, name), (1, 0, 0), "{name}");
    }
    assert_eq!((figures.remote.requests, figures.metadata_queries.indexed.count()), (5, 1), "the key has an index now");
    assert_eq!(figures.operations.len(), 5);
    assert_eq!((figures.remote.retries, figures.remote.timeouts, figures.remote.deadline_misses), (0, 0, 0));
}

#[tokio::test]
async fn reads_that_wait_for_one_load_are_counted_apart() {
    let world = World::new().await;
    let before = world.figures();
    let held = world.lab.hold();
    let id = EpisodeId::new();
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let storage = Arc::clone(&world.cached);
            tokio::spawn(async move { storage.get_episode(id).await })
        })
        .collect();
    while world.cached.stats().episodes.coalesced < 19 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap(), None);
    }
    let figures = &world.figures() - &before;
    let gets = &figures.cache_first.gets;
    assert_eq!((gets.hits, gets.misses, gets.coalesced, gets.queries_avoided), (0, 20, 19, 0));
    assert_eq!((gets.miss.count(), figures.remote.requests), (20, 1));
}

#[tokio::test]
async fn a_load_that_is_taken_over_is_counted_once() {
    let world = World::new().await;
    let known = episode("known");
    world.cached.store_episode(&known).await.unwrap();
    let before = world.figures();
    let (held, id) = (world.lab.hold(), EpisodeId::new());
    let read = |ids: Vec<EpisodeId>| {
        let storage = Arc::clone(&world.cached);
        tokio::spawn(async move { storage.get(&ids).await })
    };
    let leader = read(vec![id]);
    world.lab.in_flight_reached(1).await;
    let follower = read(vec![known.id, id]);
    while world.cached.stats().episodes.coalesced < 1 {
        tokio::task::yield_now().await;
    }
    leader.abort();
    assert!(leader.await.is_err());
    drop(held);
    assert_eq!(follower.await.unwrap().unwrap()[0].as_deref(), Some(&known));
    // The leader's miss, and of the follower a hit and a miss.
    let figures = &world.figures() - &before;
    let gets = &figures.cache_first.gets;
    assert_eq!((gets.hits, gets.misses, gets.coalesced, gets.queries_avoided), (1, 2, 1, 0));
    assert_eq!((calls(&figures, "get"), figures.remote.requests), ((1, 0, 0), 1));
}

#[tokio::test]
async fn retries_and_failures_are_counted_as_the_proxy_sees_them() {
    let world = World::new().await;
    let storage = world.counting.storage();
    let stored = episode("web");

    // Two answers of 503, then one that is right.
    let before = world.figures();
    world.lab.script(Script::new().then(Fault::status(503)).then(Fault::status(503)));
    storage.put(std::slice::from_ref(&stored)).await.unwrap();
    let figures = &world.figures() - &before;
    assert_eq!((figures.remote.requests, figures.remote.retries), (3, 2));
    assert_eq!((calls(&figures, "put"), figures.batching.writes.single), ((1, 0, 0), 1));

    // Refused for good: one attempt, and nothing of it counts as done.
    let before = world.figures();
    world.lab.script(Script::new().when(|_| true, Fault::status(401)));
    assert!(matches!(storage.get(&[stored.id]).await, Err(Error::Unauthorized { .. })));
    assert!(matches!(world.cached.get_episode(stored.id).await, Err(Error::Unauthorized { .. })));
    let figures = &world.figures() - &before;
    assert_eq!((figures.remote.requests, figures.remote.retries), (2, 0));
    assert_eq!((calls(&figures, "get"), figures.batching.reads.operations()), ((0, 2, 0), 0));
    let gets = &figures.cache_first.gets;
    assert_eq!((gets.misses, gets.miss.count()), (1, 0), "a failure has no latency");

    // Every attempt fails.
    let before = world.figures();
    world.lab.script(Script::new().when(|_| true, Fault::status(503)));
    assert!(matches!(storage.get(&[stored.id]).await, Err(Error::Unavailable { .. })));
    let figures = &world.figures() - &before;
    assert_eq!((figures.remote.requests, figures.remote.retries), (4, 3));
    assert_eq!((calls(&figures, "get"), figures.remote.deadline_misses), ((0, 1, 0), 0));
    world.lab.script(Script::new());

    // Nobody there: attempts, and no request.
    let before = world.figures();
    world.lab.proxy().go_down().await;
    assert!(matches!(storage.get(&[stored.id]).await, Err(Error::Unavailable { .. })));
    let figures = &world.figures() - &before;
    assert_eq!((figures.remote.requests, figures.remote.retries, figures.remote.sent_bytes), (0, 3, 0));
}

#[tokio::test]
async fn what_comes_too_late_and_what_waits_its_turn_is_counted() {
    let world = World::new().await;
    let late =
        || indexed().pool_size(1).attempt_timeout(Duration::from_millis(300)).deadline(Duration::from_millis(350));
    let storage = Arc::new(opened(late, &world.lab.url()).await);
    let before = storage.metrics().snapshot();
    let held = world.lab.hold();
    let get = || {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { Store::<Episode>::get(&*storage, &[EpisodeId::new()]).await })
    };
    let first = get();
    world.lab.in_flight_reached(1).await;
    let second = get();
    for late in [first, second] {
        let error = late.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Timeout { .. } | Error::Unavailable { .. }), "{error}");
    }
    drop(held);
    let figures = &storage.metrics().snapshot() - &before;
    assert_eq!(figures.remote.deadline_misses, 2);
    assert!(figures.remote.timeouts >= 1 && figures.remote.pool_waits.count() >= 1, "{:?}", figures.remote);
    assert_eq!(calls(&figures, "get"), (0, 2, 0));
}

#[tokio::test]
async fn bytes_are_those_of_the_bodies() {
    let world = World::new().await;
    let (before, proxy) = (world.figures(), world.lab.counters());
    let storage = world.counting.storage();
    // Two writes that differ in what they hold alone: so do the bytes.
    let short = Episode::new("x", TaskContext::new("web"), TaskType::Debugging);
    let mut long = short.clone();
    long.task_description = "x".repeat(1_001);
    storage.store_episode(&short).await.unwrap();
    let (between, proxy_between) = (world.figures(), world.lab.counters());
    storage.store_episode(&long).await.unwrap();
    let (after, proxy_after) = (world.figures(), world.lab.counters());
    let [first, second] = [&between - &before, &after - &between].map(|figures| figures.remote);
    assert_eq!(second.sent_bytes - first.sent_bytes, 1_000);
    // The same, but for the digits of how long the server took.
    assert!(first.received_bytes > 0 && second.received_bytes.abs_diff(first.received_bytes) < 100);
    let [up, up_again] = [proxy_between - proxy, proxy_after - proxy_between].map(|counters| counters.bytes_up);
    // The length in the head may have a digit more.
    assert!((1_000..=1_001).contains(&(up_again - up)) && first.sent_bytes < up, "{up} {up_again}");
}

#[tokio::test]
async fn a_local_database_counts_its_jobs_and_statements() {
    let storage = TursoStorage::builder().index_metadata("session").memory().await.unwrap();
    let before = storage.metrics().snapshot();
    let statements = storage.prepared_cache_stats();
    let episodes: Vec<_> = (0..250).map(|_| episode("web")).collect();
    storage.store_episodes_batch(&episodes).await.unwrap(); // BEGIN, three parts, COMMIT.
    for episode in &episodes[..10] {
        storage.get_episode(episode.id).await.unwrap().unwrap();
    }
    storage.query_episodes_by_metadata("session", "web").await.unwrap();
    storage.query_episodes_by_metadata("other", "web").await.unwrap();
    let figures = &storage.metrics().snapshot() - &before;
    assert_eq!((figures.local.round_trips, figures.local.requests), (1 + 10 + 2, 0));
    let writes = &figures.batching.writes;
    assert_eq!((writes.batches, writes.batched, writes.round_trips_avoided), (1, 250, 249));
    assert_eq!(figures.batching.reads.single, 10);
    assert_eq!((figures.metadata_queries.indexed.count(), figures.metadata_queries.scanned.count()), (1, 1));
    let after = storage.prepared_cache_stats();
    let prepared = &figures.prepared_statements;
    assert_eq!((prepared.cached, prepared.uncached), (after.hits - statements.hits, after.misses - statements.misses));
    assert_eq!(prepared.preparation.count(), after.prepared - statements.prepared);
    // The upserts, the gets and the queries; BEGIN and COMMIT have no values.
    let executions = [&prepared.cached_execution, &prepared.uncached_execution].map(Latencies::count);
    assert_eq!(executions, [249 + 9, 1 + 1 + 2]);
}

#[tokio::test]
async fn what_an_index_answers_is_what_the_plan_says() {
    let storage = TursoStorage::builder().index_metadata("session").memory().await.unwrap();
    let episodes: Vec<_> = (0..50).map(|n| episode(&format!("s{n}"))).collect();
    storage.store_episodes_batch(&episodes).await.unwrap();
    let (session, other) = (metadata::<Episode>("session"), metadata::<Episode>("other"));
    let filters = [
        session.clone().eq("s1"),
        session.clone().is_in(["s1", "s2"]),
        session.clone().eq("s1") & other.clone().eq("s1"),
        session.clone().eq("s1") | session.clone().eq("s2"),
        session.clone().eq("s1") | other.clone().eq("s2"),
        !session.clone().eq("s1"),
        !!session.clone().eq("s1"),
        other.clone().eq("s1"),
        other.clone().exists(),
        session.clone().exists(),
    ];
    for filter in filters {
        let query = Query::new().filter(filter);
        let plan = storage.explain(&query).await.unwrap();
        let before = storage.metrics().snapshot();
        storage.query(&query).await.unwrap();
        let figures = (&storage.metrics().snapshot() - &before).metadata_queries;
        let by_index = matches!(plan.access, memory_core::Access::Index(_));
        let told = (figures.indexed.count(), figures.scanned.count());
        assert_eq!(told, (u64::from(by_index), u64::from(!by_index)), "{query:?}: {plan}");
    }
}

#[tokio::test]
async fn nothing_is_timed_where_it_is_switched_off() {
    let metrics = Arc::new(memory_storage_turso::PerformanceMetrics::off());
    let storage = TursoStorage::builder().metrics(metrics).memory().await.unwrap();
    let storage = storage.with_cache(CacheConfig::default()).unwrap();
    let stored = episode("web");
    storage.store_episode(&stored).await.unwrap();
    storage.get_episode(stored.id).await.unwrap();
    let figures = storage.metrics().snapshot();
    assert_eq!((figures.cache_first.gets.hits, figures.cache_first.gets.hit.count()), (1, 0));
    assert_eq!(figures.batching.writes.single_latency.count(), 0);
}
