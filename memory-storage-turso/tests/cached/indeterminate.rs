//! Writes of unknown outcome: settled in the background, fenced off by the next
//! write, and never many.

use std::sync::Arc;
use std::time::Duration;

use memory_core::{Error, MemoryStorage, MemoryStorageExt, WriteBatch};
use memory_lab::{Fault, Lab, LabOptions, Late, Script};
use memory_storage_turso::{BatchConfig, CacheConfig, TursoStorage};

use super::{episode, gated, over_the_lab};

#[tokio::test(start_paused = true)]
async fn a_write_of_unknown_outcome_is_settled_and_not_cached_until_then() {
    let (gate, storage) = gated();
    let (old, mut new) = (episode("old"), episode("new"));
    new.id = old.id;
    storage.store_episode(&old).await.unwrap();
    storage.query_episodes_by_domain("new").await.unwrap();

    gate.refuse_to_settle(2);
    let mut batch = WriteBatch::new();
    batch.put(new.clone());
    gate.fail_once(Error::indeterminate(batch.id(), "reset"));
    assert!(storage.commit(&batch).await.unwrap_err().outcome_unknown());
    assert_eq!(storage.stats().doubts, 1);
    let calls = gate.calls();
    for _ in 0..3 {
        assert_eq!(*storage.get_episode(old.id).await.unwrap().unwrap(), old);
        assert!(storage.query_episodes_by_domain("new").await.unwrap().records.is_empty());
    }
    assert_eq!(gate.calls() - calls, 6, "each asks for itself");

    // The paused clock moves on by itself while the task in the background waits.
    while storage.stats().doubts > 0 {
        tokio::time::advance(Duration::from_millis(10)).await;
    }
    storage.get_episode(old.id).await.unwrap();
    let calls = gate.calls();
    storage.get_episode(old.id).await.unwrap();
    assert_eq!(gate.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn the_next_write_fences_a_cancelled_one_off() {
    let (gate, storage) = gated();
    gate.refuse_to_settle(u32::MAX);
    let (cancelled, next) = (episode("cancelled"), episode("next"));
    let held = gate.close();
    let write = {
        let (storage, cancelled) = (Arc::clone(&storage), cancelled.clone());
        tokio::spawn(async move { storage.store_episode(&cancelled).await })
    };
    gate.reached(1).await;
    write.abort();
    assert!(write.await.is_err());
    drop(held);
    assert_eq!(storage.stats().doubts, 1);

    storage.store_episode(&next).await.unwrap();
    assert_eq!((storage.stats().doubts, gate.fences().len()), (0, 1));
    let calls = gate.calls();
    assert_eq!(*storage.get_episode(next.id).await.unwrap().unwrap(), next);
    assert_eq!(gate.calls(), calls, "what was written last is cached");
}

/// So that whoever commits it again learns what became of it.
#[tokio::test]
async fn a_batch_settled_in_the_background_is_reported_or_refused() {
    for late in [false, true] {
        let lab = Lab::start(LabOptions::default()).await.unwrap();
        let once = BatchConfig { max_retries: 0, ..BatchConfig::default() };
        let storage = TursoStorage::builder().batch(once).remote(lab.url(), "").await.unwrap();
        storage.initialize_schema().await.unwrap();
        let storage = storage.with_cache(CacheConfig::default()).unwrap();
        let (old, mut new) = (episode("old"), episode("new"));
        new.id = old.id;
        storage.store_episode(&old).await.unwrap();
        let mut batch = WriteBatch::new();
        batch.put(new.clone());
        lab.script(if late { Fault::applied_late(Late::OnRelease) } else { Fault::answer_lost() });
        assert!(storage.commit(&batch).await.unwrap_err().outcome_unknown());
        while storage.stats().doubts > 0 {
            tokio::task::yield_now().await;
        }
        let again = storage.commit(&batch).await;
        if late {
            assert!(matches!(again, Err(Error::Fenced { write, .. }) if write == batch.id()), "{again:?}");
            lab.release_late().await;
        } else {
            assert!(again.unwrap().already);
        }
        for storage in [&storage as &dyn MemoryStorage, storage.inner()] {
            let found = storage.get_episode(old.id).await.unwrap();
            assert_eq!(found.as_deref(), Some(if late { &old } else { &new }));
        }
    }
}

#[tokio::test]
async fn an_outage_leaves_few_writes_in_doubt_and_ends_no_writing() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let batch = BatchConfig { max_retries: 0, ..BatchConfig::default() };
    let narrow = TursoStorage::builder().batch(batch).max_request(16 << 10);
    let storage = narrow.remote(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    let storage = storage.with_cache(CacheConfig::default()).unwrap();
    lab.script(Script::new().when(|_| true, Fault::rst()));
    let mut unknown = 0;
    for _ in 0..5_000 {
        match storage.store_episode(&episode("web")).await.unwrap_err() {
            Error::Indeterminate { .. } => unknown += 1,
            Error::Unavailable { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((unknown, storage.stats().doubts), (65, 65));
    lab.script(Script::new());
    // Most of the 16 KiB that a request may have.
    let mut large = episode("web");
    large.task_description = "x".repeat(12_500);
    for _ in 0..332 {
        storage.store_episode(&large).await.unwrap();
    }
    assert_eq!(storage.stats().doubts, 0);
}

#[tokio::test]
async fn a_batch_in_doubt_may_be_committed_again_and_again() {
    let (lab, storage) = over_the_lab().await;
    let mut batch = WriteBatch::new();
    batch.put(episode("web"));
    lab.script(Script::new().when(|_| true, Fault::rst()));
    for _ in 0..100 {
        assert!(storage.commit(&batch).await.is_err());
    }
    assert!(storage.stats().doubts <= 65, "{:?}", storage.stats());
    lab.script(Script::new());
    if let Err(error) = storage.commit(&batch).await {
        assert!(!error.outcome_unknown(), "{error:?}");
    }
    storage.store_episode(&episode("web")).await.unwrap();
}
