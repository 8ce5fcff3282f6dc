//! What the first phase of optimisation promised, as counts and values: of
//! requests, at the proxy of the lab.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::sync::Arc;
use std::time::Duration;

use memory_core::field::domain;
use memory_core::{
    Access, Episode, EpisodeId, MemoryStorage, MemoryStorageExt, Pattern, PatternKind, Query, Store, TaskContext,
    TaskType,
};
use memory_lab::{Lab, LabOptions};
use memory_storage_redb::{AdaptiveCacheConfig, ManualClock};
use memory_storage_turso::{CacheConfig, CachedTursoStorage, PerformanceMetrics, QueryCache, QueryKey, TursoStorage};

fn episode(name: &str) -> Episode {
    let mut episode = Episode::new(name, TaskContext::new(name), TaskType::Debugging);
    episode.metadata.insert("session", name);
    episode
}

fn pattern() -> Pattern {
    let kind = PatternKind::ErrorRecovery { error_type: "timeout".to_owned(), recovery_steps: vec!["wait".to_owned()] };
    Pattern::new(TaskContext::new("web"), kind)
}

async fn start() -> (Lab, CachedTursoStorage) {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let storage = TursoStorage::builder().index_metadata("session").remote(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    (lab, storage.with_cache(CacheConfig::default()).unwrap())
}

/// The requests that an operation takes, and what it answers.
async fn counted<T>(lab: &Lab, operation: impl Future<Output = memory_core::Result<T>>) -> (u64, T) {
    let before = lab.counters().requests;
    let value = operation.await.unwrap();
    (lab.counters().requests - before, value)
}

#[tokio::test]
async fn test_cache_first_read_strategy() {
    let (lab, storage) = start().await;
    let stored = episode("web");
    storage.inner().store_episode(&stored).await.unwrap();

    let (requests, found) = counted(&lab, storage.get_episode(stored.id)).await;
    assert_eq!((requests, &*found.unwrap()), (1, &stored));
    for _ in 0..10 {
        let (requests, found) = counted(&lab, storage.get_episode(stored.id)).await;
        assert_eq!((requests, &*found.unwrap()), (0, &stored));
    }
    let stats = storage.stats().episodes;
    assert_eq!((stats.hits, stats.misses), (10, 1));

    let mut changed = stored.clone();
    changed.task_description = "changed".to_owned();
    let (requests, ()) = counted(&lab, storage.store_episode(&changed)).await;
    assert_eq!(requests, 1);
    let (requests, found) = counted(&lab, storage.get_episode(stored.id)).await;
    assert_eq!((requests, &*found.unwrap()), (0, &changed), "what was written is known");
}

#[tokio::test]
async fn test_batch_operations() {
    let (lab, storage) = start().await;
    let episodes: Vec<_> = (0..100).map(|n| episode(&format!("task {n}"))).collect();
    let patterns: Vec<_> = (0..50).map(|_| pattern()).collect();
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    let pattern_ids: Vec<_> = patterns.iter().map(|pattern| pattern.id).collect();

    let (requests, ()) = counted(&lab, storage.store_episodes_batch(&episodes)).await;
    assert_eq!(requests, 1);
    let (requests, ()) = counted(&lab, storage.store_patterns_batch(&patterns)).await;
    assert_eq!(requests, 1);
    let (requests, ()) = counted(&lab, storage.store_episodes_with_patterns_batch(&episodes, &patterns)).await;
    assert_eq!(requests, 1);

    storage.invalidate_all();
    let (requests, found) = counted(&lab, storage.get_episodes_batch(&ids)).await;
    assert_eq!(requests, 1);
    assert!(found.iter().zip(&episodes).all(|(found, episode)| found.as_deref() == Some(episode)));
    let (requests, found) = counted(&lab, storage.get_patterns_batch(&pattern_ids)).await;
    assert_eq!(requests, 1);
    assert!(found.iter().zip(&patterns).all(|(found, pattern)| found.as_deref() == Some(pattern)));

    let (requests, again) = counted(&lab, storage.get_episodes_batch(&ids)).await;
    assert_eq!((requests, again.len()), (0, 100));
    let partly = [ids[7], EpisodeId::new(), ids[3]];
    let (requests, found) = counted(&lab, storage.get_episodes_batch(&partly)).await;
    assert_eq!((requests, found[1].is_none()), (1, true));
    assert_eq!(found[0].as_deref(), Some(&episodes[7]));
}

#[tokio::test]
async fn test_query_result_caching() {
    let (lab, storage) = start().await;
    storage.put(&["web", "web", "cli"].map(episode)).await.unwrap();
    let (requests, first) = counted(&lab, storage.query_episodes_by_domain("web")).await;
    assert_eq!((requests, first.records.len()), (1, 2));
    let (requests, second) = counted(&lab, storage.query_episodes_by_domain("web")).await;
    assert_eq!((requests, &second), (0, &first));
    assert!(Arc::ptr_eq(&first.records[0], &second.records[0]));

    storage.store_episode(&episode("cli")).await.unwrap();
    let (requests, _) = counted(&lab, storage.query_episodes_by_domain("web")).await;
    assert_eq!(requests, 0, "another domain's episode changes nothing");
    storage.store_episode(&episode("web")).await.unwrap();
    let (requests, third) = counted(&lab, storage.query_episodes_by_domain("web")).await;
    assert_eq!((requests, third.records.len()), (1, 3));

    // Alone, by the caller's own keys.
    let cache = QueryCache::default();
    let key = QueryKey::Custom("of the web".to_owned());
    assert_eq!(cache.get_episodes(&key), None);
    cache.cache_episodes(key.clone(), first.records.clone());
    assert_eq!(cache.get_episodes(&key), Some(first.records));
    assert_eq!(cache.get_patterns(&key), None);
    cache.invalidate(&key);
    assert_eq!(cache.get_episodes(&key), None);
}

#[test]
fn test_query_cache_expiration() {
    let clock = ManualClock::default();
    let config = AdaptiveCacheConfig { jitter: 0.0, ..AdaptiveCacheConfig::default() };
    let cache = QueryCache::with_clock(config.with_lifetimes(Duration::from_secs(300)), clock.clone()).unwrap();
    let (read, unread) = (QueryKey::EpisodesByDomain("web".to_owned()), QueryKey::Custom("unread".to_owned()));
    cache.cache_episodes(read.clone(), vec![Arc::new(episode("web"))]);
    cache.cache_episodes(unread.clone(), Vec::new());
    for _ in 0..299 {
        clock.advance(Duration::from_secs(1));
        assert_eq!(cache.get_episodes(&read).map(|records| records.len()), Some(1));
    }
    assert_eq!(cache.get_episodes(&unread), None, "a life begins with half of the cap");
    clock.advance(Duration::from_secs(1));
    assert_eq!(cache.get_episodes(&read), None, "no read extends it beyond five minutes");
    assert_eq!(cache.stats().expirations, 2);
}

#[tokio::test]
async fn test_metadata_query_optimization() {
    let (lab, storage) = start().await;
    storage.put(&["s1", "s2", "s1"].map(episode)).await.unwrap();
    let query = Query::<Episode>::new().filter(memory_core::field::metadata("session").eq("s1"));
    let plan = storage.explain(&query).await.unwrap();
    assert!(matches!(plan.access, Access::Index(_)), "{plan}");
    let (requests, page) = counted(&lab, storage.query_episodes_by_metadata("session", "s1")).await;
    assert_eq!((requests, page.records.len()), (1, 2));
    let (requests, again) = counted(&lab, storage.query_episodes_by_metadata("session", "s1")).await;
    assert_eq!((requests, again), (0, page));
}

/// The line of a report that begins so.
fn line<'a>(report: &'a str, label: &str) -> Vec<&'a str> {
    let line = report.lines().find_map(|line| line.strip_prefix("║ ")?.strip_prefix(label));
    line.unwrap().split_whitespace().filter(|word| *word != "║").collect()
}

#[test]
#[expect(clippy::float_cmp, reason = "these quotients are exact")]
fn test_performance_metrics_tracking() {
    let metrics = PerformanceMetrics::new();
    (0..85).for_each(|_| metrics.record_cache_read(true, Duration::from_micros(4)));
    (0..15).for_each(|_| metrics.record_cache_read(false, Duration::from_micros(64)));
    metrics.record_batch_operation(10, Duration::from_millis(1));
    metrics.record_batch_operation(30, Duration::from_millis(1));
    (0..10).for_each(|_| metrics.record_individual_operation(Duration::from_micros(200)));
    (0..9).for_each(|_| metrics.record_prepared_statement(true, Duration::from_micros(8)));
    metrics.record_prepared_statement(false, Duration::from_micros(20));
    (0..3).for_each(|_| metrics.record_metadata_query(true, Duration::from_micros(50)));
    metrics.record_metadata_query(false, Duration::from_micros(800));

    let snapshot = metrics.snapshot();
    let gets = &snapshot.cache_first.gets;
    assert_eq!((gets.reads(), gets.hits, gets.misses, gets.queries_avoided), (100, 85, 15, 85));
    assert_eq!(gets.hit_ratio(), Some(0.85));
    assert_eq!((gets.hit.count(), gets.hit.mean()), (85, Some(Duration::from_micros(4))));
    assert_eq!((gets.miss.count(), gets.miss.mean()), (15, Some(Duration::from_micros(64))));
    let saved = gets.latency_saved().unwrap();
    assert_eq!((saved.part, saved.seconds), (0.9375, 0.0051));

    let writes = &snapshot.batching.writes;
    assert_eq!((writes.operations(), writes.batched, writes.single, writes.batches), (50, 40, 10, 2));
    assert_eq!((writes.average_size(), writes.round_trips_avoided), (Some(20.0), 38));
    assert_eq!(writes.batch_latency.mean(), Some(Duration::from_micros(50)), "of one record");
    assert_eq!(writes.single_latency.mean(), Some(Duration::from_micros(200)));
    assert_eq!(writes.latency_saved().unwrap().part, 0.75);

    let statements = &snapshot.prepared_statements;
    assert_eq!((statements.queries(), statements.cached, statements.uncached), (10, 9, 1));
    assert_eq!((statements.hit_ratio(), statements.speed_up()), (Some(0.9), Some(2.5)));
    let queries = &snapshot.metadata_queries;
    assert_eq!((queries.queries(), queries.indexed.count(), queries.scanned.count()), (4, 3, 1));
    assert_eq!(queries.latency_saved().unwrap().part, 0.9375);

    // 85 % are 85 %, and not 0.8 %.
    let report = metrics.report();
    assert_eq!(line(&report, "Hit ratio"), ["85.0", "%", "not", "seen"]);
    assert_eq!(line(&report, "Batched ratio"), ["not", "seen", "80.0", "%"]);
    assert_eq!(timeless(&report), timeless(&metrics.snapshot().to_string()));
}

/// All lines of a report but that which tells the time.
fn timeless(report: &str) -> Vec<&str> {
    report.lines().enumerate().filter_map(|(number, line)| (number != 2).then_some(line)).collect()
}

/// What took longer has saved less than nothing, in every section.
#[test]
#[expect(clippy::float_cmp, reason = "these quotients are exact")]
fn test_performance_metrics_tracking_of_what_took_longer() {
    let (short, long) = (Duration::from_micros(10), Duration::from_micros(25));
    let metrics = PerformanceMetrics::new();
    metrics.record_cache_read(true, long);
    metrics.record_cache_read(false, short);
    metrics.record_batch_operation(2, long * 2);
    metrics.record_individual_operation(short);
    metrics.record_prepared_statement(true, long);
    metrics.record_prepared_statement(false, short);
    metrics.record_metadata_query(true, long);
    metrics.record_metadata_query(false, short);
    let snapshot = metrics.snapshot();
    let saved = [
        snapshot.cache_first.gets.latency_saved(),
        snapshot.batching.writes.latency_saved(),
        snapshot.prepared_statements.latency_saved(),
        snapshot.metadata_queries.latency_saved(),
    ];
    assert_eq!(saved.map(|saved| saved.unwrap().part), [-1.5; 4]);
    assert_eq!(snapshot.prepared_statements.speed_up(), Some(0.4));
    let report = snapshot.to_string();
    assert_eq!(line(&report, "Saved of each"), ["-150.0", "%", "not", "seen"]);
    assert_eq!(line(&report, "Latency saved in all"), ["-75.0", "µs"]);

    // Where one of the two was never seen, nothing is made up.
    let metrics = PerformanceMetrics::new();
    metrics.record_cache_read(true, short);
    assert_eq!(metrics.snapshot().cache_first.gets.latency_saved(), None);
    assert_eq!(line(&metrics.report(), "Latency saved"), ["not", "seen", "not", "seen"]);
    metrics.record_batch_operation(0, short);
    assert_eq!(metrics.snapshot().batching.writes.operations(), 0, "a batch of nothing is none");
}

#[tokio::test]
async fn test_end_to_end_optimization() {
    let (lab, storage) = start().await;
    let storage: Arc<dyn MemoryStorage> = Arc::new(storage);
    let episodes: Vec<_> = (0..20).map(|n| episode(if n % 2 == 0 { "web" } else { "cli" })).collect();
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    let before = lab.counters().requests;
    storage.store_episodes_batch(&episodes).await.unwrap();
    for _ in 0..50 {
        for (id, episode) in ids.iter().zip(&episodes) {
            assert_eq!(storage.get_episode(*id).await.unwrap().as_deref(), Some(episode));
        }
        assert_eq!(storage.get_episodes_batch(&ids).await.unwrap().len(), 20);
        assert_eq!(storage.query_episodes_since(episodes[0].start_time).await.unwrap().records.len(), 20);
        assert_eq!(storage.query(&Query::<Episode>::new().filter(domain().eq("web"))).await.unwrap().records.len(), 10);
    }
    assert_eq!(lab.counters().requests - before, 3, "one write and two queries, of 1,151 operations");
}
