//! A server that has too much to do at once.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use std::sync::Arc;

use memory_core::{EpisodeId, Error, Store};
use memory_lab::{Fault, LabOptions, Script};
use memory_storage_turso::{BatchConfig, TursoBuilder, TursoStorage};
use tokio::task::JoinSet;
use world::{World, episode};

const TOO_LARGE: &str = r#"{"baton":null,"base_url":null,"results":[{"type":"error",
    "error":{"message":"Response is too large","code":"RESPONSE_TOO_LARGE"}}]}"#;

fn single() -> TursoBuilder {
    TursoStorage::builder().batch(BatchConfig { max_retries: 0, ..BatchConfig::default() })
}

fn too_large() -> Fault {
    Fault::status(200).body(TOO_LARGE)
}

/// Reads so many times at once, and returns what failed.
async fn read(storage: &Arc<TursoStorage>, times: usize) -> Vec<Error> {
    let reads: JoinSet<_> = (0..times)
        .map(|_| {
            let storage = Arc::clone(storage);
            async move { storage.get(&[EpisodeId::new()]).await }
        })
        .collect();
    reads.join_all().await.into_iter().filter_map(Result::err).collect()
}

#[tokio::test]
async fn what_was_refused_among_others_is_asked_again_and_counts_as_no_attempt() {
    let world = World::new().await;
    let storage = Arc::new(single().remote(world.lab.url(), "").await.unwrap());
    let before = world.lab.counters().requests;
    world.lab.script(Script::new().when(|seen| seen.index < 4, Fault::status(429)));
    let held = world.lab.hold();
    let reads = {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { read(&storage, 8).await })
    };
    world.lab.in_flight_reached(8).await;
    drop(held);
    let failed = reads.await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(world.lab.counters().requests - before, 8 + 4);
    assert_eq!(storage.network_stats().retries, 4);
}

#[tokio::test]
async fn a_lone_request_that_is_refused_is_not_one_too_many() {
    let world = World::new().await;
    let storage = Arc::new(single().remote(world.lab.url(), "").await.unwrap());
    let before = world.lab.counters().requests;
    world.lab.script(Script::new().when(|_| true, Fault::status(429)));
    let failed = read(&storage, 1).await;
    assert!(matches!(failed[..], [Error::Unavailable { .. }]), "{failed:?}");
    assert_eq!(world.lab.counters().requests - before, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_wider_than_the_server_takes_fails_nothing() {
    let mut options = LabOptions::default();
    options.max_requests = Some(8);
    let world = World::with(options).await;
    let storage = Arc::new(single().pool_size(200).remote(world.lab.url(), "").await.unwrap());
    let held = world.lab.hold();
    let reads = {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { read(&storage, 400).await })
    };
    world.lab.in_flight_reached(100).await;
    drop(held);
    let failed = reads.await.unwrap();
    assert!(failed.is_empty(), "{} of 400: {:?}", failed.len(), failed[0]);
}

#[tokio::test]
async fn a_write_whose_answer_finds_no_room_is_asked_for_again() {
    let world = World::new().await;
    let storage = TursoStorage::new(world.lab.url(), "").await.unwrap();
    world.lab.script(too_large().applied());
    let stored = episode("web", "1");
    storage.put(std::slice::from_ref(&stored)).await.unwrap();
    assert_eq!(world.account(stored.id.uuid()).await, ["1"]);
    assert_eq!(storage.network_stats().retries, 1);
}
