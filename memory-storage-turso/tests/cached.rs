//! The cached storage: it conforms over every backend, asks for nothing that
//! it knows, and never waits for ever.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "cached/gate.rs"]
mod gate;
#[path = "cached/indeterminate.rs"]
mod indeterminate;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use gate::Gate;
use memory_conformance as conformance;
use memory_core::field::domain;
use memory_core::{
    Episode, EpisodeId, Error, Filter, InMemoryStorage, Latency, MemoryStorageExt, Pattern, PatternKind, Query, Store,
    TaskContext, TaskType,
};
use memory_lab::{Lab, LabOptions};
use memory_storage_turso::{CacheConfig, CachedStorage, CachedTursoStorage, TursoStorage};
use tokio::time::timeout;

fn episode(name: &str) -> Episode {
    Episode::new(name, TaskContext::new(name), TaskType::Debugging)
}

fn gated() -> (Gate, Arc<CachedStorage<Gate>>) {
    let gate = Gate::default();
    (gate.clone(), Arc::new(CachedStorage::new(gate, &CacheConfig::default()).unwrap()))
}

async fn over_the_lab() -> (Lab, CachedTursoStorage) {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let storage = TursoStorage::new(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    (lab, storage.with_cache(CacheConfig::default()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_over_the_reference() {
    conformance::run(|| async { CachedStorage::new(InMemoryStorage::new(), &CacheConfig::default()) })
        .await
        .assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_over_a_local_database() {
    conformance::run(|| async { TursoStorage::memory().await?.with_cache(CacheConfig::default()) })
        .await
        .assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_across_a_network() {
    // Each case's lab lives until the next one begins.
    let labs = RefCell::new(None);
    let open = async || {
        let (lab, storage) = over_the_lab().await;
        labs.replace(Some(lab));
        Ok(storage)
    };
    // The longest cases take seconds, and on a slow machine minutes.
    conformance::Suite::new(open).guard(Duration::from_secs(600)).run().await.assert_passed();
}

/// Caches that hold next to nothing change no answer, nor do none at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_with_small_caches_and_without() {
    let small = CacheConfig { max_episodes: 2, max_queries: 2, max_pattern_bytes: 1_000, ..CacheConfig::default() };
    let none = CacheConfig {
        enable_episode_cache: false,
        enable_pattern_cache: false,
        enable_heuristic_cache: false,
        enable_query_cache: false,
        ..CacheConfig::default()
    };
    for config in [small, none] {
        conformance::run(|| async { CachedStorage::new(InMemoryStorage::new(), &config) }).await.assert_passed();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_costs_no_request() {
    let (lab, storage) = over_the_lab().await;
    let episodes: Vec<_> = ["web", "cli", "web"].map(episode).into();
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    storage.inner().put(&episodes).await.unwrap();
    let absent = [EpisodeId::new(), EpisodeId::new()];
    let general = Query::<Episode>::new().filter(domain().eq("web")).oldest_first().limit(7);
    let respelt = Query::<Episode>::new().filter(domain().eq("web") & Filter::all()).oldest_first().limit(7);
    let since = episodes[0].start_time;

    let start = lab.counters().requests;
    let all = storage.get(&ids).await.unwrap();
    let none = storage.get(&absent).await.unwrap();
    let page = storage.query(&general).await.unwrap();
    let newest = storage.query_episodes_since(since).await.unwrap();
    let of_domain = storage.query_episodes_by_domain("cli").await.unwrap();
    let tagged = storage.query_episodes_by_metadata("session", "s1").await.unwrap();
    let counts = storage.count(&Filter::all(), Some(domain::<Episode>())).await.unwrap();
    assert_eq!(lab.counters().requests - start, 7, "one request each");

    let start = lab.counters().requests;
    for _ in 0..3 {
        assert_eq!(storage.get(&ids).await.unwrap(), all);
        assert_eq!(storage.get_cached(ids[1]).await.unwrap(), all[1]);
        assert_eq!(storage.get(&[ids[2], absent[0], ids[2]]).await.unwrap(), [all[2].clone(), None, all[2].clone()]);
        assert_eq!(storage.get_episode(absent[1]).await.unwrap(), None);
        assert_eq!(storage.get(&absent).await.unwrap(), none);
        assert_eq!(storage.query(&general).await.unwrap(), page);
        assert_eq!(storage.query(&respelt).await.unwrap(), page);
        assert_eq!(storage.query_episodes_since(since).await.unwrap(), newest);
        assert_eq!(storage.query_episodes_by_domain("cli").await.unwrap(), of_domain);
        assert_eq!(storage.query_episodes_by_metadata("session", "s1").await.unwrap(), tagged);
        assert_eq!(storage.count(&Filter::all(), Some(domain::<Episode>())).await.unwrap(), counts);
    }
    assert_eq!(lab.counters().requests - start, 0);
    assert_eq!((all.len(), page.records.len(), newest.records.len(), counts.total), (3, 2, 3, 3));
    assert!(Arc::ptr_eq(&page.records[0], &storage.query(&general).await.unwrap().records[0]), "shared, not copied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_asks_only_for_what_is_missing() {
    let (lab, storage) = over_the_lab().await;
    let episodes: Vec<_> = ["a", "b", "c"].map(episode).into();
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    storage.put(&episodes[..2]).await.unwrap();
    storage.inner().put(&episodes[2..]).await.unwrap();

    let start = lab.counters().requests;
    let asked = [ids[2], ids[0], ids[2], ids[1], ids[0]];
    let found = storage.get(&asked).await.unwrap();
    assert_eq!(lab.counters().requests - start, 1);
    assert_eq!(found.iter().map(|record| record.as_ref().unwrap().id).collect::<Vec<_>>(), asked);
    let stats = storage.stats().episodes;
    assert_eq!((stats.misses, stats.entries, stats.hits), (1, 3, 3));
}

#[tokio::test]
async fn a_thousand_readers_of_one_missing_key_are_one_call() {
    let (gate, storage) = gated();
    let id = EpisodeId::new();
    let held = gate.close();
    let readers: Vec<_> = (0..1_000)
        .map(|_| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move { storage.get_episode(id).await })
        })
        .collect();
    gate.reached(1).await;
    while storage.stats().episodes.coalesced < 999 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap(), None);
    }
    assert_eq!(gate.calls(), 1);
    assert_eq!(storage.stats().episodes.coalesced, 999);
}

#[tokio::test]
async fn a_leader_that_is_cancelled_or_panics_hands_over() {
    for panics in [false, true] {
        let (gate, storage) = gated();
        let stored = episode("a");
        gate.storage().put(std::slice::from_ref(&stored)).await.unwrap();
        let held = gate.close();
        let read = || {
            let (storage, id) = (Arc::clone(&storage), stored.id);
            tokio::spawn(async move { storage.get_episode(id).await })
        };
        let leader = read();
        gate.reached(1).await;
        let waiters = [read(), read(), read()];
        while storage.stats().episodes.coalesced < 3 {
            tokio::task::yield_now().await;
        }
        if panics {
            gate.panic_once();
        } else {
            leader.abort();
        }
        drop(held);
        assert!(leader.await.is_err());
        for waiter in waiters {
            assert_eq!(*waiter.await.unwrap().unwrap().unwrap(), stored);
        }
        assert_eq!(gate.calls(), 1 + u64::from(panics), "whoever is left goes on with the leader's, if it can");
    }
}

/// A future that was begun and is not polled any more, as in a `select!` whose
/// other branch reads the same, holds nobody up.
#[tokio::test(start_paused = true)]
async fn a_leader_that_is_left_lying_holds_nobody_up() {
    let (gate, storage) = gated();
    let stored = episode("a");
    gate.storage().put(std::slice::from_ref(&stored)).await.unwrap();
    let held = gate.close();
    let mut get = std::pin::pin!(storage.get_episode(stored.id));
    let mut query = std::pin::pin!(storage.query_episodes_by_domain("a"));
    for _ in 0..3 {
        assert!(timeout(Duration::ZERO, get.as_mut()).await.is_err());
        assert!(timeout(Duration::ZERO, query.as_mut()).await.is_err());
    }
    drop(held);
    let in_time = Duration::from_secs(60);
    assert_eq!(*timeout(in_time, storage.get_episode(stored.id)).await.unwrap().unwrap().unwrap(), stored);
    let found = timeout(in_time, storage.query_episodes_by_domain("a")).await.unwrap().unwrap();
    assert_eq!((found.records.len(), gate.calls()), (1, 2));
    assert_eq!(*get.await.unwrap().unwrap(), stored);
    assert_eq!(query.await.unwrap(), found);
}

#[tokio::test]
async fn an_error_reaches_all_that_wait_and_is_not_remembered() {
    let (gate, storage) = gated();
    let id = EpisodeId::new();
    let held = gate.close();
    gate.fail_once(Error::unavailable("get", "refused"));
    let readers: Vec<_> = (0..5)
        .map(|_| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move { storage.get_episode(id).await })
        })
        .collect();
    while storage.stats().episodes.coalesced < 4 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for reader in readers {
        assert!(matches!(reader.await.unwrap(), Err(Error::Unavailable { .. })));
    }
    assert_eq!(storage.get_episode(id).await.unwrap(), None);
    assert_eq!(gate.calls(), 2);
}

#[tokio::test]
async fn a_write_keeps_the_results_that_it_cannot_touch() {
    let (gate, storage) = gated();
    let (web, cli) = (episode("web"), episode("cli"));
    storage.put(&[web.clone(), cli.clone()]).await.unwrap();
    for name in ["web", "cli", "none"] {
        storage.query_episodes_by_domain(name).await.unwrap();
    }
    storage.count(&Filter::<Episode>::all(), None).await.unwrap();

    storage.store_episode(&episode("web")).await.unwrap();
    let (stats, calls) = (storage.stats().queries, gate.calls());
    assert_eq!((stats.kept, stats.forgotten), (2, 2));
    assert_eq!(storage.query_episodes_by_domain("cli").await.unwrap().records.len(), 1);
    assert_eq!(storage.query_episodes_by_domain("none").await.unwrap().records.len(), 0);
    assert_eq!(gate.calls() - calls, 0);
    assert_eq!(storage.query_episodes_by_domain("web").await.unwrap().records.len(), 2);
    assert_eq!(storage.count(&Filter::<Episode>::all(), None).await.unwrap().total, 3);
    assert_eq!(gate.calls() - calls, 2);

    // A record of the page that no longer matches.
    let mut moved = cli.clone();
    moved.context.domain = "none".to_owned();
    storage.store_episode(&moved).await.unwrap();
    assert_eq!(storage.query_episodes_by_domain("cli").await.unwrap().records.len(), 0);
    assert_eq!(storage.query_episodes_by_domain("none").await.unwrap().records.len(), 1);
    assert!(storage.delete_episode(cli.id).await.unwrap());
    assert_eq!(storage.query_episodes_by_domain("none").await.unwrap().records.len(), 0);
}

/// A write that needed more than 100,000 comparisons would make none, and drop all results.
#[tokio::test]
async fn a_write_looks_at_the_results_of_its_own_kind_alone() {
    let (gate, storage) = gated();
    for n in 0..300 {
        storage.query_episodes_by_domain(&n.to_string()).await.unwrap();
    }
    let of_cli = Query::<Pattern>::new().filter(domain().eq("cli"));
    storage.query(&of_cli).await.unwrap();
    let before = storage.stats().queries;

    let pattern = || {
        let kind = PatternKind::ToolSequence { tools: Vec::new(), average_latency: Latency::default() };
        Pattern::new(TaskContext::new("web"), kind)
    };
    let patterns: Vec<_> = std::iter::repeat_with(pattern).take(500).collect();
    storage.put(&patterns).await.unwrap();
    let (stats, calls) = (storage.stats().queries, gate.calls());
    assert_eq!((stats.kept, stats.forgotten, stats.entries), (1, 0, before.entries));
    assert_eq!(storage.query(&of_cli).await.unwrap().records.len(), 0);
    assert_eq!(gate.calls(), calls);
}

#[tokio::test]
async fn what_is_invalidated_is_asked_for_again() {
    let (gate, storage) = gated();
    let (old, mut new) = (episode("web"), episode("web"));
    new.id = old.id;
    storage.store_episode(&old).await.unwrap();
    storage.query_episodes_by_domain("web").await.unwrap();
    for all in [false, true] {
        gate.storage().put(std::slice::from_ref(if all { &old } else { &new })).await.unwrap();
        let before = storage.get_episode(old.id).await.unwrap().unwrap();
        if all {
            storage.invalidate_all();
        } else {
            storage.invalidate(old.id);
        }
        let after = storage.get_episode(old.id).await.unwrap().unwrap();
        assert_ne!(before, after);
        assert_eq!(storage.query_episodes_by_domain("web").await.unwrap().records, [after]);
    }
}
