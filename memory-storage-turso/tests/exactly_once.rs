//! The ledger: what it remembers, what it refuses, and for how long.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use std::sync::Arc;
use std::time::Duration;

use memory_core::{Episode, EpisodeId, Error, MemoryStorage, Store, WriteBatch, WriteId};
use memory_lab::{Fault, Late, Script};
use memory_storage_turso::{BatchConfig, LedgerConfig, TursoStorage};
use tokio::time::timeout;
use world::{GUARD, World, brisk, episode, hasty, heuristic, opened};

fn newer(episode: &Episode, version: &str) -> Episode {
    let mut newer = episode.clone();
    newer.metadata.insert("version", version);
    newer
}

/// A storage that makes one attempt, with time to spare.
async fn single(world: &World) -> TursoStorage {
    let batch = BatchConfig { max_retries: 0, ..BatchConfig::default() };
    TursoStorage::builder().batch(batch).remote(world.lab.url(), "").await.unwrap()
}

#[tokio::test]
async fn a_batch_that_is_committed_again_does_nothing_and_reports_the_first_count() {
    let world = World::new().await;
    let storage = TursoStorage::new(world.lab.url(), "").await.unwrap();
    let stored = [episode("web", "1"), episode("web", "1"), episode("web", "1")];
    storage.put(&stored).await.unwrap();
    let mut batch = WriteBatch::new();
    batch.put(newer(&stored[0], "2")).delete(stored[1].id).delete(stored[2].id).delete(EpisodeId::new());
    assert_eq!(storage.commit(&batch).await.unwrap().deleted, 2);
    storage.put(&[newer(&stored[0], "3"), newer(&stored[1], "3")]).await.unwrap();
    assert_eq!(storage.commit(&batch).await.unwrap().deleted, 2);
    let another_process = TursoStorage::new(world.lab.url(), "").await.unwrap();
    assert_eq!(another_process.commit(&batch).await.unwrap().deleted, 2);
    assert_eq!(world.account(stored[0].id.uuid()).await, ["1", "2", "3"]);
    assert_eq!(world.account(stored[1].id.uuid()).await, ["1", "deleted", "3"]);
}

#[tokio::test]
async fn rows_of_the_ledger_are_forgotten_after_a_week_and_not_before() {
    let world = World::new().await;
    let storage = TursoStorage::new(world.lab.url(), "").await.unwrap();
    entries(&world, "older", 20, 7.01 * 24.0).await;
    entries(&world, "newer", 5, 6.99 * 24.0).await;
    let rows =
        async |name| world.number(&format!("SELECT count(*) FROM memory_writes WHERE write_id LIKE '{name}%'")).await;
    for left in [12, 4, 0, 0] {
        storage.put(&[heuristic("1")]).await.unwrap();
        assert_eq!((rows("older").await, rows("newer").await), (left, 5));
    }
    // This test's own writes are young.
    assert_eq!(rows("").await, 5 + 4);
}

/// Writes entries of this age into the ledger.
async fn entries(world: &World, name: &str, count: u32, hours: f64) {
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO memory_writes (write_id, written_at, deleted)
        SELECT '{name}' || i, (unixepoch() - {hours} * 3600) * 1000000, 0 FROM n;"
    );
    world.execute(&sql).await;
}

#[tokio::test]
async fn the_age_of_the_ledger_is_a_setting() {
    let world = World::new().await;
    let ledger = LedgerConfig { max_age: Duration::from_secs(2 * 3600), ..LedgerConfig::default() };
    let storage = TursoStorage::builder().ledger(ledger).remote(world.lab.url(), "").await.unwrap();
    entries(&world, "older", 10, 2.1).await;
    entries(&world, "newer", 5, 1.9).await;
    for left in [7, 5] {
        storage.put(&[heuristic("1")]).await.unwrap();
        let sql = "SELECT count(*) FROM memory_writes WHERE write_id LIKE 'older%' OR write_id LIKE 'newer%'";
        assert_eq!(world.number(sql).await, left);
    }
}

#[tokio::test]
async fn the_ledger_keeps_as_many_entries_as_are_set_however_they_came() {
    let world = World::new().await;
    let ledger = LedgerConfig { max_rows: 10_000, ..LedgerConfig::default() };
    let storage = TursoStorage::builder().ledger(ledger).remote(world.lab.url(), "").await.unwrap();
    entries(&world, "young", 10_020, 0.0).await;
    let rows = async || world.number("SELECT count(*) FROM memory_writes").await;
    for left in [10_013, 10_006, 10_000, 10_000] {
        storage.put(&[heuristic("1")]).await.unwrap();
        assert_eq!(rows().await, left);
    }
    // Those that were fenced off are entries, too.
    let many: Vec<_> = (0..500).map(|_| WriteId::new()).collect();
    storage.settle(&many).await.unwrap();
    assert_eq!(rows().await, 10_000);
    assert_eq!(world.number("SELECT count(*) FROM memory_writes WHERE deleted = -1").await, 500, "the oldest went");
}

#[tokio::test]
async fn a_batch_that_is_committed_again_after_the_ledger_forgot_it_is_applied_again() {
    let world = World::new().await;
    let storage = TursoStorage::new(world.lab.url(), "").await.unwrap();
    let stored = episode("web", "1");
    let mut batch = WriteBatch::new();
    batch.put(stored.clone());
    storage.commit(&batch).await.unwrap();
    world.execute("UPDATE memory_writes SET written_at = (unixepoch() - 8 * 24 * 3600) * 1000000").await;
    storage.put(&[heuristic("1")]).await.unwrap();
    assert!(!storage.commit(&batch).await.unwrap().already);
    assert_eq!(world.account(stored.id.uuid()).await, ["1", "1"]);
}

#[tokio::test]
async fn a_write_that_was_fenced_off_cannot_happen_and_says_so() {
    let world = World::new().await;
    let (storage, another_process) = (single(&world).await, single(&world).await);
    for fence in [true, false] {
        let stored = episode("web", "1");
        storage.put(std::slice::from_ref(&stored)).await.unwrap();
        let mut late = WriteBatch::new();
        late.put(newer(&stored, "2"));
        world.lab.script(Fault::applied_late(Late::OnRelease));
        let error = storage.commit(&late).await.unwrap_err();
        assert!(matches!(error, Error::Indeterminate { write, .. } if write == late.id()), "{error:?}");
        if fence {
            let mut batch = WriteBatch::new();
            batch.put(newer(&stored, "3")).fence(late.id());
            another_process.commit(&batch).await.unwrap();
        } else {
            another_process.settle(&[late.id()]).await.unwrap();
            another_process.put(&[newer(&stored, "3")]).await.unwrap();
        }
        assert_eq!(world.lab.release_late().await.len(), 1);
        let error = storage.commit(&late).await.unwrap_err();
        assert!(matches!(error, Error::Fenced { write, .. } if write == late.id()), "{error:?}");
        assert_eq!(world.account(stored.id.uuid()).await, ["1", "3"]);
    }
}

#[tokio::test]
async fn a_fence_that_comes_too_late_leaves_the_write_and_its_count() {
    let world = World::new().await;
    let storage = single(&world).await;
    let stored = episode("web", "1");
    storage.put(std::slice::from_ref(&stored)).await.unwrap();
    let mut batch = WriteBatch::new();
    batch.delete(stored.id);
    world.lab.script(Fault::answer_lost());
    assert!(storage.commit(&batch).await.unwrap_err().outcome_unknown());
    storage.settle(&[batch.id()]).await.unwrap();
    assert_eq!(storage.commit(&batch).await.unwrap().deleted, 1);
    assert_eq!(world.account(stored.id.uuid()).await, ["1", "deleted"]);
}

/// A storage that makes one attempt, of a small request.
async fn narrow(world: &World) -> TursoStorage {
    let batch = BatchConfig { max_retries: 0, ..BatchConfig::default() };
    TursoStorage::builder().batch(batch).max_request(NARROW).remote(world.lab.url(), "").await.unwrap()
}

const NARROW: usize = 16 << 10;

/// The largest episode that one request of such a storage holds.
async fn largest(storage: &TursoStorage, version: &str) -> Episode {
    for size in (0..NARROW).rev() {
        let mut largest = episode("web", version);
        largest.task_description = "x".repeat(size);
        match storage.put(std::slice::from_ref(&largest)).await {
            Err(Error::InvalidInput { .. }) => {}
            stored => return stored.map(|()| largest).unwrap(),
        }
    }
    unreachable!("an empty one fits")
}

/// Puts an episode so many times, each of which may have happened, and of which
/// the first happens late.
async fn puts_in_doubt(world: &World, storage: &TursoStorage, stored: &Episode, puts: usize) {
    let late = Script::new().then(Fault::applied_late(Late::OnRelease)).when(|seen| seen.index > 0, Fault::rst());
    world.lab.script(late);
    for _ in 0..puts {
        let error = storage.put(std::slice::from_ref(stored)).await.unwrap_err();
        assert!(error.outcome_unknown(), "{error:?}");
    }
}

#[tokio::test]
async fn what_rides_along_counts_against_nobodys_limit() {
    let world = World::new().await;
    let storage = narrow(&world).await;
    let stored = largest(&storage, "1").await;
    puts_in_doubt(&world, &storage, &newer(&stored, "2"), 64).await;
    world.lab.script(Script::new());
    let before = world.lab.counters().requests;
    storage.put(&[newer(&stored, "3")]).await.unwrap();
    assert_eq!(world.lab.counters().requests - before, 1);
    assert_eq!(world.number("SELECT count(*) FROM memory_writes WHERE deleted = -1").await, 64);
    assert_eq!(world.lab.release_late().await.len(), 1);
    assert_eq!(world.account(stored.id.uuid()).await, ["1", "3"]);
}

#[tokio::test]
async fn an_outage_leaves_few_writes_in_doubt_and_ends_no_writing() {
    let world = World::new().await;
    let storage = narrow(&world).await;
    let stored = largest(&storage, "1").await;
    puts_in_doubt(&world, &storage, &newer(&stored, "2"), 65).await;
    // Where so many cannot be settled, nothing more is begun.
    for _ in 0..5_000 {
        let error = storage.put(&[newer(&stored, "2")]).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    world.lab.script(Script::new());
    let before = world.lab.counters().requests;
    for version in ["3", "4"] {
        storage.put(&[newer(&stored, version)]).await.unwrap();
    }
    // The first is settled for, by a request of its own.
    assert_eq!(world.lab.counters().requests - before, 1 + 2);
    assert_eq!(world.number("SELECT count(*) FROM memory_writes WHERE deleted = -1").await, 65);
    assert_eq!(world.lab.release_late().await.len(), 1);
    assert_eq!(world.account(stored.id.uuid()).await, ["1", "3", "4"]);
}

#[tokio::test]
async fn more_writes_are_settled_than_one_request_holds() {
    let world = World::new().await;
    let storage = narrow(&world).await;
    let before = world.lab.counters();
    let many: Vec<_> = (0..5_000).map(|_| WriteId::new()).collect();
    storage.settle(&many).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM memory_writes WHERE deleted = -1").await, 5_000);
    let spent = world.lab.counters() - before;
    // 41 bytes each, and 2 KiB for all.
    let (least, most) = (5_000 * 41 / NARROW as u64, 5_000 * 50 / NARROW as u64);
    assert!((least..=most).contains(&spent.requests), "{spent:?}");
}

#[tokio::test]
async fn attempts_that_wait_for_a_lock_after_their_client_has_left_change_nothing_twice() {
    let world = World::new().await;
    let storage = opened(|| hasty(1).deadline(GUARD), &world.lab.url()).await;
    let stored = episode("web", "1");
    world.execute("BEGIN IMMEDIATE").await;
    let error = timeout(GUARD, storage.put(std::slice::from_ref(&stored))).await.unwrap().unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    world.execute("ROLLBACK").await;
    // Writers come in the order of their arrival, so that this one is the last.
    let patient = TursoStorage::new(world.lab.server().url(), "").await.unwrap();
    patient.put(&[newer(&stored, "2")]).await.unwrap();
    world.lab.in_flight_fell_to(0).await;
    let account = world.account(stored.id.uuid()).await;
    assert!(account == ["1", "2"] || account == ["2"], "{account:?}");
}

#[tokio::test]
async fn a_database_that_stays_locked_is_unavailable_and_nothing_is_in_doubt() {
    let world = World::new().await;
    let busy = r#"{"baton":null,"base_url":null,"results":[{"type":"ok","response":{"type":"batch","result":{
        "step_results":[null,null,null,null,null,null,{"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null}],
        "step_errors":[{"message":"database is locked","code":"SQLITE_BUSY"},null,null,null,null,
            {"message":"no transaction is active","code":"SQLITE_ERROR"},null]}}}]}"#;
    let storage = brisk().remote(world.lab.url(), "").await.unwrap();
    let before = world.lab.counters().requests;
    world.lab.script(Script::new().when(|_| true, Fault::status(200).body(busy)));
    let error = storage.put(&[episode("web", "1")]).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert_eq!(world.lab.counters().requests - before, 4);
}

#[tokio::test]
async fn a_definite_error_after_an_unknown_outcome_is_still_unknown() {
    let world = World::new().await;
    let storage = brisk().remote(world.lab.url(), "").await.unwrap();
    let stored = episode("web", "1");
    // The first attempt is still under way when the second is refused.
    let refused = "CREATE TRIGGER refuse BEFORE INSERT ON episodes BEGIN SELECT RAISE(ABORT, 'not now'); END;";
    world.execute(refused).await;
    world.lab.script(Fault::applied_late(Late::OnRelease));
    let error = storage.put(std::slice::from_ref(&stored)).await.unwrap_err();
    assert!(error.outcome_unknown() && error.to_string().contains("put"), "{error}");
    world.execute("DROP TRIGGER refuse").await;
    // It may happen yet, and does.
    world.lab.release_late().await;
    assert_eq!(world.account(stored.id.uuid()).await, ["1"]);
    // Alone, the refusal is certain.
    world.execute(refused).await;
    let error = storage.put(&[episode("web", "1")]).await.unwrap_err();
    assert!(matches!(error, Error::Backend { .. }), "{error:?}");
}

#[tokio::test]
async fn all_operations_together_may_try_again_ten_times() {
    let world = World::new().await;
    let storage = Arc::new(brisk().remote(world.lab.url(), "").await.unwrap());
    let before = world.lab.counters().requests;
    world.lab.script(Script::new().when(|_| true, Fault::status(503)));
    let calls: tokio::task::JoinSet<_> = (0..30)
        .map(|_| {
            let storage = Arc::clone(&storage);
            async move { storage.get(&[EpisodeId::new()]).await }
        })
        .collect();
    assert!(calls.join_all().await.iter().all(Result::is_err));
    assert_eq!(world.lab.counters().requests - before, 30 + 10);
    assert_eq!(storage.network_stats().retries, 10);
}

/// Its own transaction is not begun a second time, so that nothing else is in it.
#[tokio::test]
async fn a_batch_that_is_committed_again_fences_nothing_off() {
    let world = World::new().await;
    let storage = single(&world).await;
    let (done, stored) = (episode("web", "1"), episode("web", "1"));
    storage.put(&[done.clone(), stored.clone()]).await.unwrap();
    let mut batch = WriteBatch::new();
    batch.put(newer(&done, "2"));
    assert!(!storage.commit(&batch).await.unwrap().already);
    world.lab.script(Fault::applied_late(Late::OnRelease));
    assert!(storage.put(&[newer(&stored, "2")]).await.unwrap_err().outcome_unknown());
    assert!(storage.commit(&batch).await.unwrap().already);
    storage.put(&[newer(&stored, "3")]).await.unwrap();
    assert_eq!(world.lab.release_late().await.len(), 1);
    assert_eq!(world.account(stored.id.uuid()).await, ["1", "3"]);
}
