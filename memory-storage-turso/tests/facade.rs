//! What the `metrics` facade is told is what a snapshot says.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::sync::Arc;
use std::time::Duration;

use memory_core::{Episode, EpisodeId, MemoryStorageExt, TaskContext, TaskType};
use memory_storage_turso::{CacheConfig, PerformanceMetrics, TursoStorage};
use metrics_exporter_prometheus::PrometheusBuilder;

/// The value of a line that begins with the name and holds all the labels.
fn value(rendered: &str, name: &str, labels: &[&str]) -> f64 {
    let is_it = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && labels.iter().all(|label| line.contains(label))
    };
    let line = rendered.lines().find(is_it).unwrap_or_else(|| panic!("no {name} of {labels:?} in {rendered}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "these are small counts")]
async fn the_facade_is_told_what_a_snapshot_says() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let metrics = Arc::new(metrics::with_local_recorder(&recorder, PerformanceMetrics::new));
    let storage = TursoStorage::builder().metrics(Arc::clone(&metrics)).memory().await.unwrap();
    let storage = storage.with_cache(CacheConfig::default()).unwrap();
    let episodes: Vec<_> =
        (0..3).map(|_| Episode::new("Fix it", TaskContext::new("web"), TaskType::Debugging)).collect();
    storage.store_episodes_batch(&episodes).await.unwrap();
    storage.store_episode(&episodes[0]).await.unwrap();
    for _ in 0..1_000 {
        storage.get_episode(episodes[1].id).await.unwrap();
    }
    storage.get_episode(EpisodeId::new()).await.unwrap();
    metrics.record_metadata_query(true, Duration::from_millis(2));

    let snapshot = metrics.snapshot();
    let text = handle.render();
    let value = |name: &str, labels: &[&str]| value(&text, name, labels);
    assert_eq!(value("memory_storage_cache_reads_total", &[r#"read="get""#, r#"result="hit""#]), 1_000.0);
    assert_eq!(value("memory_storage_cache_reads_total", &[r#"read="get""#, r#"result="miss""#]), 1.0);
    assert_eq!(value("memory_storage_operations_total", &[r#"operation="put""#, r#"outcome="ok""#]), 2.0);
    assert_eq!(value("memory_storage_records_total", &[r#"direction="write""#, r#"way="batch""#]), 3.0);
    assert_eq!(value("memory_storage_round_trips_avoided_total", &[r#"direction="write""#]), 2.0);
    assert_eq!(
        value("memory_storage_statements_total", &[r#"cached="true""#]),
        snapshot.prepared_statements.cached as f64
    );
    let trips = value("memory_storage_round_trips_total", &[r#"transport="local""#]);
    assert_eq!(trips, snapshot.local.round_trips as f64);
    assert_eq!(value("memory_storage_metadata_query_seconds_sum", &[r#"access="index""#]), 0.002);
    assert_eq!(value("memory_storage_operation_seconds_count", &[r#"operation="get""#]), 1.0);
    assert!(text.contains("# HELP memory_storage_cache_reads_total Reads through a cache"), "{text}");
}
