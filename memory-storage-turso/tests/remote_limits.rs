//! A server's limits: on values and rows, on answers, and on what it counts.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use std::slice::from_ref;

use memory_core::backend::Scalar;
use memory_core::field::{domain, metadata, task_description};
use memory_core::limits::{MAX_FILTER_CONTENT, MAX_RECORD};
use memory_core::{Episode, Error, Filter, MemoryStorage, Query, Record, RecordRef, Store, WriteBatch};
use memory_lab::{Server, ServerOptions};
use memory_storage_turso::{TursoBuilder, TursoStorage};
use tempfile::TempDir;
use world::{episode, heuristic, pattern};

/// A server with limits of its own, and a storage on it.
struct Bench {
    storage: TursoStorage,
    server: Server,
    _directory: TempDir,
}

impl Bench {
    async fn new(limits: impl FnOnce(&mut ServerOptions), builder: TursoBuilder) -> Self {
        let directory = TempDir::new().unwrap();
        let mut options = ServerOptions::new(directory.path().join("limits.db"));
        limits(&mut options);
        let server = Server::start(options).await.unwrap();
        let storage = builder.remote(server.url(), "").await.unwrap();
        storage.initialize_schema().await.unwrap();
        Self { storage, server, _directory: directory }
    }

    fn requests(&self) -> u64 {
        self.storage.network_stats().requests
    }
}

fn described(bytes: usize) -> Episode {
    let mut episode = episode("web", "1");
    episode.task_description = "x".repeat(bytes);
    episode
}

#[tokio::test]
async fn writes_are_cut_by_bytes_too_so_that_no_value_is_too_large_for_a_server() {
    let bench = Bench::new(|_| {}, TursoStorage::builder()).await;
    for (count, bytes) in [(100, 50_000), (2, 2_600_000), (200, 30_000), (1, MAX_RECORD - 10_000)] {
        let stored: Vec<_> = (0..count).map(|_| described(bytes)).collect();
        let before = bench.requests();
        bench.storage.put(&stored).await.unwrap();
        assert_eq!(bench.requests() - before, 1, "{count} of {bytes} bytes");
        let ids: Vec<_> = stored.iter().map(|episode| episode.id).collect();
        let found = bench.storage.get(&ids).await.unwrap();
        assert!(stored.iter().zip(&found).all(|(stored, found)| found.as_deref() == Some(stored)));
    }
    // Small and large rows by turns keep their order: the last one wins.
    let mut batch: Vec<_> = [10, 1_000_000, 20, 1_100_000, 30].map(described).into();
    let id = batch[0].id;
    for episode in &mut batch {
        episode.id = id;
    }
    bench.storage.put(&batch).await.unwrap();
    assert_eq!(bench.storage.get(&[id]).await.unwrap()[0].as_deref(), batch.last());
}

/// Its JSON is twice as long.
fn quoted(quotes: usize) -> Episode {
    let mut episode = episode("web", "1");
    episode.metadata.insert("odd", "\"".repeat(quotes));
    episode
}

#[tokio::test]
async fn a_row_beyond_the_servers_limit_is_refused_by_name_before_anything_is_sent() {
    let builder = || TursoStorage::builder().max_request(64 << 20).index_metadata("odd");
    let bench = Bench::new(|_| {}, builder()).await;
    let largest = quoted(2_495_000);
    bench.storage.put(from_ref(&largest)).await.unwrap();
    assert_eq!(bench.storage.get(&[largest.id]).await.unwrap()[0].as_deref(), Some(&largest));

    let (good, bad) = (quoted(1), quoted(2_500_000));
    let before = bench.requests();
    let mut batch = WriteBatch::new();
    batch.put(good.clone()).put(bad.clone());
    let put = bench.storage.put(&[good.clone(), bad.clone()]).await;
    for error in [put.unwrap_err(), bench.storage.commit(&batch).await.unwrap_err()] {
        assert!(
            matches!(&error, Error::InvalidInput { record, .. } if *record == Some(RecordRef::from(bad.id))),
            "{error}"
        );
        assert!(error.to_string().contains("at most 5000000 (`max_row_size`)"), "{error}");
    }
    assert_eq!(bench.requests(), before);
    assert_eq!(bench.storage.get(&[good.id]).await.unwrap(), [None]);
}

#[tokio::test]
async fn a_server_with_another_limit_is_known_by_a_setting_or_says_so() {
    let other = |options: &mut ServerOptions| options.max_row_size = 3_000_000;
    let bench = Bench::new(other, TursoStorage::builder()).await;
    let large = described(3_100_000);
    let error = bench.storage.put(from_ref(&large)).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidInput { field, .. } if field == "max_row_size"), "{error:?}");
    let known = TursoStorage::builder().max_row_size(3_000_000).remote(bench.server.url(), "").await.unwrap();
    let error = known.put(from_ref(&large)).await.unwrap_err();
    assert!(matches!(&error, Error::InvalidInput { record: Some(_), .. }), "{error:?}");
    assert_eq!(bench.storage.get(&[large.id]).await.unwrap(), [None]);
}

#[tokio::test]
async fn operands_that_grow_by_their_escapes_fit_a_servers_values() {
    let bench = Bench::new(|_| {}, TursoStorage::builder().max_request(64 << 20)).await;
    let control = |length: usize, last: usize| "\u{1}".repeat(length) + &last.to_string();
    let stored: Vec<_> = (0..3)
        .map(|n| {
            let mut episode = episode("web", "1");
            episode.task_description = control(500_000 * (n % 2) + 1_000, n);
            episode.metadata.insert("session", control(1_000, n));
            episode
        })
        .collect();
    bench.storage.put(&stored).await.unwrap();
    let mut operands: Vec<String> = (0..200).map(|n| control(1_000, n)).collect();
    operands.push(control(501_000, 1));
    assert!(operands.iter().map(String::len).sum::<usize>() < MAX_FILTER_CONTENT);
    for operands in [operands.clone(), operands.into_iter().rev().collect()] {
        let query = Query::<Episode>::new().filter(task_description().is_in(operands.clone()));
        assert_eq!(bench.storage.query(&query).await.unwrap().records.len(), 3);
        let query = Query::<Episode>::new().filter(!task_description().is_in(operands[..100].to_vec()));
        assert!(bench.storage.query(&query).await.unwrap().records.len() < 3);
        // The condition for an index on a metadata key is left out where it is too long.
        let query = Query::<Episode>::new().filter(metadata("session").is_in(operands));
        assert_eq!(bench.storage.query(&query).await.unwrap().records.len(), 3);
    }
}

/// As a real server's 10 MB and the default 8 MiB, a hundred times smaller.
const SERVER: u64 = 100_000;
const CLIENT: usize = 83_886;

async fn found<R: Record>(bench: &Bench, records: &[R])
where
    TursoStorage: Store<R>,
{
    bench.storage.put(records).await.unwrap();
    let ids: Vec<_> = records.iter().map(R::id).collect();
    let found = bench.storage.get(&ids).await.unwrap();
    assert!(records.iter().zip(&found).all(|(stored, found)| found.as_deref() == Some(stored)));
    let mut query = Query::<R>::new().limit(10_000);
    let mut count = 0;
    loop {
        let page = bench.storage.query(&query).await.unwrap();
        count += page.records.len();
        if page.next.is_none() {
            break;
        }
        query = query.after(page.next);
    }
    assert_eq!(count, records.len());
}

/// The JSON around values can be more than the values.
#[tokio::test]
async fn answers_of_many_small_rows_are_counted_as_the_server_counts_them() {
    let bench = Bench::new(|options| options.max_response = SERVER, TursoStorage::builder().max_response(CLIENT)).await;
    let before = bench.requests();
    found(&bench, &(0..200).map(|n| described(n % 2 * 300)).collect::<Vec<_>>()).await;
    found(&bench, &(0..200).map(|_| pattern("web", "1")).collect::<Vec<_>>()).await;
    found(&bench, &(0..200).map(|_| heuristic("1")).collect::<Vec<_>>()).await;
    // None of them was refused, and no answer was left half empty.
    let requests = bench.requests() - before;
    assert!((3 + 6..=3 + 16).contains(&requests), "{requests}");
}

#[tokio::test]
async fn a_server_that_refuses_an_answer_as_too_large_is_asked_for_less() {
    let bench = Bench::new(|options| options.max_response = 20_000, TursoStorage::builder()).await;
    found(&bench, &(0..100).map(|_| described(1_000)).collect::<Vec<_>>()).await;
    let counts = bench.storage.count(&Filter::all(), Some(task_description())).await.unwrap();
    assert_eq!(counts.groups.len(), 1);
    // One record alone is too large, and there is no less to ask for.
    let large = described(30_000);
    bench.storage.put(from_ref(&large)).await.unwrap();
    let error = bench.storage.get(&[large.id]).await.unwrap_err();
    assert!(error.to_string().contains("RESPONSE_TOO_LARGE"), "{error}");
}

/// Each record has a large metadata object, of which one value is asked for.
#[tokio::test]
async fn a_count_by_metadata_takes_its_values_and_no_more() {
    let bench = Bench::new(|_| {}, TursoStorage::builder()).await;
    let padding = "x".repeat(144_000);
    let keys = ["k", "a key", "ö", "a\\b", "a\nb", "", "\"", "a\0b"];
    let episodes: Vec<_> = (0..140_u32)
        .map(|n| {
            let mut episode = episode("web", "1");
            for key in keys {
                episode.metadata.insert(key, f64::from(n) + 0.5);
            }
            episode.metadata.insert("padding", padding.as_str());
            episode
        })
        .collect();
    for part in episodes.chunks(40) {
        bench.storage.put(part).await.unwrap();
    }
    for key in keys {
        let before = bench.storage.network_stats();
        let counts = bench.storage.count(&Filter::all(), Some(metadata::<Episode>(key))).await.unwrap();
        let wanted: Vec<_> = (0..140_u32).map(|n| (Some(Scalar::Real(f64::from(n) + 0.5)), 1)).collect();
        assert_eq!(counts.groups, wanted, "{key:?}");
        let after = bench.storage.network_stats();
        if !["", "\"", "a\0b"].contains(&key) {
            assert_eq!(after.requests - before.requests, 1, "{key:?}");
            assert!(after.received_bytes - before.received_bytes < 50_000, "{key:?}");
        }
    }
}

#[tokio::test]
async fn groups_beyond_an_answer_come_in_parts() {
    let bench = Bench::new(|options| options.max_response = SERVER, TursoStorage::builder().max_response(CLIENT)).await;
    let episodes: Vec<_> = (0..300)
        .map(|n| {
            let mut episode = described(n % 250 * 4);
            match n % 5 {
                0 => episode.metadata.insert("k", "y".repeat(n * 5)),
                1 => episode.metadata.insert("k", n),
                2 => episode.metadata.insert("k", f64::from(u32::try_from(n).unwrap()) / 3.0),
                3 => episode.metadata.insert("k", n % 2 == 0),
                _ => None,
            };
            episode
        })
        .collect();
    bench.storage.put(&episodes).await.unwrap();
    for by in [task_description(), metadata("k"), domain(), memory_core::field::id(), memory_core::field::start_time()]
    {
        let before = bench.requests();
        let counts = bench.storage.count(&Filter::all(), Some(by.clone())).await.unwrap();
        assert_eq!(counts, memory_core::backend::count(&Filter::all(), Some(&by), &episodes).unwrap());
        let requests = bench.requests() - before;
        let parts = if by.path().to_string() == "task_description" { 2..=5 } else { 1..=3 };
        assert!(parts.contains(&requests), "{}: {requests}", by.path());
    }
}
