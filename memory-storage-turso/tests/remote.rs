//! Round trips, counted at the proxy.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use memory_core::field::{domain, metadata};
use memory_core::{
    Episode, EpisodeId, Error, Filter, Heuristic, MemoryStorage, MemoryStorageExt, Pattern, PatternKind, Query, Store,
    TaskContext, TaskType, WriteBatch,
};
use memory_lab::{Lab, LabOptions};
use memory_storage_turso::TursoStorage;

fn episode(bytes: usize) -> Episode {
    let mut episode = Episode::new("x".repeat(bytes), TaskContext::new("web"), TaskType::Debugging);
    episode.metadata.insert("session", "s77");
    episode
}

fn pattern() -> Pattern {
    let kind = PatternKind::ErrorRecovery { error_type: "timeout".to_owned(), recovery_steps: vec!["wait".to_owned()] };
    Pattern::new(TaskContext::new("web"), kind)
}

async fn start() -> (Lab, TursoStorage) {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let storage = TursoStorage::new(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    (lab, storage)
}

/// Runs `operation` and returns the requests and connections that it took.
async fn counted<T>(lab: &Lab, operation: impl Future<Output = memory_core::Result<T>>) -> (u64, u64, T) {
    let before = lab.counters();
    let value = operation.await.unwrap();
    let spent = lab.counters() - before;
    (spent.requests, spent.connections, value)
}

// On one thread, where a connection is back in its pool before the answer that
// it brought is seen; on several, the next request may be quicker than that.
#[tokio::test]
async fn every_operation_is_one_request_on_the_open_connection() {
    let (lab, storage) = start().await;
    let thousand: Vec<_> = (0..1000).map(|_| episode(100)).collect();
    let ids: Vec<_> = thousand.iter().map(|episode| episode.id).collect();
    let mut batch = WriteBatch::new();
    batch.put(episode(10)).put(pattern()).put(Heuristic::new("a", "b", 0.5)).delete(ids[0]).delete(EpisodeId::new());
    let mut wanted = ids.clone();
    wanted.resize_with(10_000, EpisodeId::new);
    let filtered = Query::<Episode>::new().filter(domain().eq("web") & metadata("session").eq("s77")).limit(50);

    let one = |(requests, connections)| assert_eq!((requests, connections), (1, 0));
    let (requests, connections, ()) = counted(&lab, storage.put(&thousand)).await;
    one((requests, connections));
    let (requests, connections, found) = counted(&lab, storage.get(&wanted)).await;
    one((requests, connections));
    assert_eq!(found.iter().flatten().count(), 1000);
    let (requests, connections, written) = counted(&lab, storage.commit(&batch)).await;
    one((requests, connections));
    assert_eq!(written.deleted, 1);
    let (requests, connections, page) = counted(&lab, storage.query(&filtered)).await;
    one((requests, connections));
    assert_eq!(page.records.len(), 50);
    let (requests, connections, page) = counted(&lab, storage.query(&filtered.clone().after(page.next))).await;
    one((requests, connections));
    assert_eq!(page.records.len(), 50);
    let (requests, connections, counts) = counted(&lab, storage.count(&Filter::all(), Some(domain::<Episode>()))).await;
    one((requests, connections));
    assert_eq!(counts.total, 1000);
    let (requests, connections, deleted) = counted(&lab, storage.delete(&ids[1..11])).await;
    one((requests, connections));
    assert_eq!(deleted, 10);
    let (requests, connections, _) = counted(&lab, storage.explain(&filtered)).await;
    one((requests, connections));
    let (requests, connections, ()) = counted(&lab, storage.settle(&[batch.id()])).await;
    one((requests, connections));
    let (requests, connections, _) = counted(&lab, storage.health()).await;
    one((requests, connections));
    let (requests, connections, ()) = counted(&lab, storage.initialize_schema()).await;
    one((requests, connections));
    let (requests, connections, ()) = counted(&lab, storage.ensure_metadata_index("session")).await;
    one((requests, connections));
    let (requests, connections, ()) = counted(&lab, storage.connect()).await;
    one((requests, connections));
    let stats = storage.network_stats();
    assert_eq!((stats.requests, stats.retries), (lab.counters().requests, 0));
}

#[tokio::test]
async fn opening_is_one_request_and_empty_slices_are_none() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let storage = TursoStorage::new(lab.url(), "").await.unwrap();
    let opened = lab.counters();
    assert_eq!((opened.requests, opened.connections), (1, 1));
    storage.put(&[] as &[Episode]).await.unwrap();
    assert_eq!(Store::<Pattern>::get(&storage, &[]).await.unwrap(), []);
    assert_eq!(Store::<Heuristic>::delete(&storage, &[]).await.unwrap(), 0);
    storage.commit(&WriteBatch::new()).await.unwrap();
    storage.settle(&[]).await.unwrap();
    assert_eq!((lab.counters() - opened).requests, 0);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_fetched_in_as_many_parts_as_it_fills() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let limit = 100_000;
    let storage = TursoStorage::builder().max_response(limit).remote(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    // About 1.3 kB a record: 250 of them fill three answers and a half.
    let episodes: Vec<_> = (0..250).map(|_| episode(900)).collect();
    storage.put(&episodes).await.unwrap();
    let sql = "SELECT sum(octet_length(task_description) + octet_length(context) + octet_length(steps)
        + octet_length(patterns) + octet_length(heuristics) + octet_length(metadata) + 540) FROM episodes";
    let connection = libsql::Builder::new_local(lab.database()).build().await.unwrap().connect().unwrap();
    let bytes: i64 = connection.query(sql, ()).await.unwrap().next().await.unwrap().unwrap().get(0).unwrap();
    let parts = u64::try_from(bytes).unwrap().div_ceil(limit as u64);
    assert!(parts > 2, "{bytes}");
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    let (requests, _, found) = counted(&lab, storage.get(&ids)).await;
    assert_eq!(requests, parts);
    assert!(episodes.iter().zip(&found).all(|(stored, found)| found.as_deref() == Some(stored)));
    // A page ends where the answer is full, and the next goes on from there.
    let mut query = Query::<Episode>::new().limit(250);
    let mut seen = 0;
    for part in 1..=parts {
        let (requests, _, page) = counted(&lab, storage.query(&query)).await;
        assert_eq!(requests, 1);
        seen += page.records.len();
        assert_eq!(page.next.is_none(), part == parts);
        query = query.after(page.next);
    }
    assert_eq!(seen, 250);
}

#[tokio::test]
async fn a_write_beyond_the_limit_is_refused_and_a_read_is_split() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let storage = TursoStorage::builder().max_request(20_000).remote(lab.url(), "").await.unwrap();
    let opened = lab.counters();
    let error = storage.store_episode(&episode(20_000)).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidInput { field, .. } if field == "max_request"), "{error}");
    assert_eq!((lab.counters() - opened).requests, 0);
    drop(storage);
    let storage = TursoStorage::builder().max_request(40_000).remote(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    let stored = episode(10);
    storage.store_episode(&stored).await.unwrap();
    let mut ids: Vec<_> = (0..1000).map(|_| EpisodeId::new()).collect();
    ids.push(stored.id);
    let (requests, _, found) = counted(&lab, storage.get(&ids)).await;
    assert_eq!(requests, 3);
    assert_eq!(found.last().unwrap().as_deref(), Some(&stored));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_reads_at_once_overlap() {
    let (lab, storage) = start().await;
    let storage = std::sync::Arc::new(storage);
    let held = lab.hold();
    let reads: Vec<_> = (0..8)
        .map(|_| {
            let storage = std::sync::Arc::clone(&storage);
            tokio::spawn(async move { storage.get_episode(EpisodeId::new()).await })
        })
        .collect();
    lab.in_flight_reached(8).await;
    drop(held);
    for read in reads {
        read.await.unwrap().unwrap();
    }
    assert_eq!(lab.counters().max_in_flight, 8);
}
