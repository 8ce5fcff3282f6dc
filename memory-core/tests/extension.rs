//! Named operations, on storages behind pointers.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests call for no part of them")]

use std::slice::from_ref;
use std::sync::Arc;

use memory_core::field::domain;
use memory_core::{
    Episode, Error, Filter, Heuristic, InMemoryStorage, MemoryStorage, MemoryStorageExt, Pattern, PatternKind, Query,
    Store, TaskContext, TaskType, Timestamp, WriteBatch, WriteId,
};

fn episode(domain: &str, micros: i64) -> Episode {
    let mut episode = Episode::new("Fix the login form", TaskContext::new(domain), TaskType::Debugging);
    episode.start_time = Timestamp::from_micros(micros).unwrap();
    episode
}

fn pattern() -> Pattern {
    let kind = PatternKind::ErrorRecovery { error_type: "403".to_owned(), recovery_steps: Vec::new() };
    Pattern::new(TaskContext::new("web"), kind)
}

fn heuristic() -> Heuristic {
    Heuristic::new("a form posts twice", "look for a missing key", 0.8)
}

macro_rules! one_and_many {
    ($test:ident: $make:expr, $store:ident, $store_batch:ident, $get:ident, $get_batch:ident, $delete:ident) => {
        #[tokio::test]
        async fn $test() {
            let storage: Arc<dyn MemoryStorage> = Arc::new(InMemoryStorage::new());
            let [first, second, missing] = [$make, $make, $make];
            storage.$store(&first).await.unwrap();
            assert_eq!(*storage.$get(first.id).await.unwrap().unwrap(), first);
            assert_eq!(storage.$get(second.id).await.unwrap(), None);

            storage.$store_batch(&[first.clone(), second.clone()]).await.unwrap();
            let found = storage.$get_batch(&[second.id, missing.id, first.id]).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|record| record.map(|record| record.id)).collect();
            assert_eq!(found, [Some(second.id), None, Some(first.id)]);

            assert!(storage.$delete(first.id).await.unwrap());
            assert!(!storage.$delete(first.id).await.unwrap());
            assert_eq!(storage.$get(first.id).await.unwrap(), None);
        }
    };
}

one_and_many!(episodes_by_name: episode("web", 0), store_episode, store_episodes_batch, get_episode, get_episodes_batch, delete_episode);
one_and_many!(patterns_by_name: pattern(), store_pattern, store_patterns_batch, get_pattern, get_patterns_batch, delete_pattern);
one_and_many!(heuristics_by_name: heuristic(), store_heuristic, store_heuristics_batch, get_heuristic, get_heuristics_batch, delete_heuristic);

#[tokio::test]
async fn episodes_and_patterns_are_stored_together_or_not_at_all() {
    let storage = InMemoryStorage::new();
    let (episode, good) = (episode("web", 0), pattern());
    let mut bad = pattern();
    bad.success_rate = f64::NAN;
    let refused = storage.store_episodes_with_patterns_batch(from_ref(&episode), &[good.clone(), bad]).await;
    assert!(matches!(refused, Err(Error::InvalidInput { .. })), "{refused:?}");
    assert_eq!(storage.get_episode(episode.id).await.unwrap(), None);
    assert_eq!(storage.get_pattern(good.id).await.unwrap(), None);

    storage.store_episodes_with_patterns_batch(from_ref(&episode), from_ref(&good)).await.unwrap();
    assert!(storage.get_episode(episode.id).await.unwrap().is_some());
    assert!(storage.get_pattern(good.id).await.unwrap().is_some());
}

#[tokio::test]
async fn episodes_are_found_by_time_metadata_and_domain_newest_first() {
    let storage = InMemoryStorage::new();
    let mut episodes = [episode("web", 1), episode("air", 2), episode("web", 3)];
    episodes[0].metadata.insert("session", "s77");
    episodes[2].metadata.insert("session", "s77");
    storage.store_episodes_batch(&episodes).await.unwrap();
    let [first, second, third] = episodes.each_ref().map(|episode| episode.id);
    let ids = |page: memory_core::Page<Episode>| page.records.iter().map(|episode| episode.id).collect::<Vec<_>>();
    let since = Timestamp::from_micros(2).unwrap();
    assert_eq!(ids(storage.query_episodes_since(since).await.unwrap()), [third, second]);
    assert_eq!(ids(storage.query_episodes_by_metadata("session", "s77").await.unwrap()), [third, first]);
    assert_eq!(ids(storage.query_episodes_by_metadata("session", 77).await.unwrap()), []);
    assert_eq!(ids(storage.query_episodes_by_domain("web").await.unwrap()), [third, first]);
}

/// Calls every method through two pointers.
#[tokio::test]
async fn a_pointer_to_a_storage_forwards_every_method() {
    let inner = Arc::new(InMemoryStorage::new());
    let storage: Box<dyn MemoryStorage> = Box::new(Arc::clone(&inner));
    let one = episode("web", 1);
    storage.put(from_ref(&one)).await.unwrap();
    assert_eq!(inner.get(&[one.id]).await.unwrap(), storage.get(&[one.id]).await.unwrap());
    let query = Query::<Episode>::new().filter(domain().eq("web"));
    assert_eq!(inner.query(&query).await.unwrap(), storage.query(&query).await.unwrap());
    assert_eq!(storage.query(&query).await.unwrap().records.len(), 1);
    assert_eq!(
        storage.count(&Filter::<Episode>::all(), Some(domain())).await.unwrap().groups,
        [(Some("web".into()), 1)]
    );
    assert_eq!(inner.explain(&query).await.unwrap(), storage.explain(&query).await.unwrap());
    assert_eq!(storage.delete(&[one.id]).await.unwrap(), 1);
    let mut batch = WriteBatch::new();
    batch.put(one.clone());
    assert_eq!(storage.commit(&batch).await.unwrap().id, batch.id());
    assert!(inner.get_episode(one.id).await.unwrap().is_some());
    storage.settle(&[batch.id(), WriteId::new()]).await.unwrap();
    assert_eq!(storage.health().await.unwrap().backend, "memory");
}
