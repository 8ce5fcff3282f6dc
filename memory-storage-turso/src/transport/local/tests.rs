//! What the local transport must never do.

use std::sync::atomic::{AtomicU64, Ordering};

use memory_core::{Episode, Error, MemoryStorage, MemoryStorageExt, Query, Store, TaskContext, TaskType, WriteBatch};
use tokio::runtime::Handle;

use super::{Local, Part, Place};
use crate::config::{BatchConfig, LocalConfig, PreparedCacheConfig, Synchronous};
use crate::metrics::{Call, Operation, PerformanceMetrics};
use crate::sql::{Statement, Step};
use crate::storage::TursoStorage;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Called before each use of a database.
pub(crate) fn database_call() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    assert!(Handle::try_current().is_err(), "a database call on a runtime thread");
}

pub(super) fn config() -> LocalConfig {
    LocalConfig {
        readers: 2,
        busy_timeout: std::time::Duration::from_secs(5),
        synchronous: Synchronous::Normal,
        patience: std::time::Duration::from_secs(5),
        log_limit: 8 << 20,
        batch: BatchConfig::default(),
        prepared: PreparedCacheConfig::default(),
    }
}

async fn open(place: Place) -> Local {
    Local::open(place, config(), std::sync::Arc::default()).await.unwrap()
}

pub(super) fn call(metrics: &PerformanceMetrics) -> Call<'_> {
    Call::begin(metrics, Operation::Put, None, 0, ("local", &metrics.local))
}

async fn count(local: &Local, sql: &'static str) -> i64 {
    let metrics = PerformanceMetrics::default();
    local.read(&call(&metrics), Statement::new(sql, []), |row| row.integer(0)).await.unwrap()[0]
}

fn episode() -> Episode {
    Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging)
}

#[test]
#[should_panic(expected = "on a runtime thread")]
fn a_database_call_on_a_runtime_thread_is_noticed() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { database_call() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_operation_calls_the_database_on_a_runtime_thread() {
    let folder = tempfile::tempdir().unwrap();
    for storage in [
        TursoStorage::local(folder.path().join("memory.db")).await.unwrap(),
        TursoStorage::builder().index_metadata("session").memory().await.unwrap(),
    ] {
        let before = CALLS.load(Ordering::Relaxed);
        let task = tokio::spawn(async move {
            let episodes: Vec<_> = (0..250).map(|_| episode()).collect();
            storage.put(&episodes).await?;
            storage.get(&[episodes[0].id]).await?;
            storage.query(&Query::<Episode>::new()).await?;
            storage.explain(&Query::<Episode>::new()).await?;
            storage.count(&memory_core::Filter::<Episode>::all(), None).await?;
            let mut batch = WriteBatch::new();
            batch.put(episode()).delete(episodes[1].id);
            storage.commit(&batch).await?;
            storage.settle(&[batch.id()]).await?;
            storage.delete(&[episodes[0].id]).await?;
            storage.health().await?;
            storage.initialize_schema().await?;
            storage.ensure_metadata_index("priority").await
        });
        task.await.unwrap().unwrap();
        assert!(CALLS.load(Ordering::Relaxed) > before + 250);
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_job_and_no_transaction_stays_open() {
    let local = open(Place::Memory).await;
    let panicked: Result<(), _> = local
        .writer
        .run("try", |connection| {
            connection.transaction("try", |connection| {
                connection.execute("try", "DELETE FROM memory_schema", &[])?;
                panic!("in the middle of a transaction")
            })
        })
        .await;
    assert!(matches!(panicked, Err(Error::Backend { .. })), "{panicked:?}");
    assert_eq!(count(&local, "SELECT count(*) FROM memory_schema").await, 1);
    local.writer.run("try", |connection| connection.transaction("try", |_| Ok(()))).await.unwrap();
}

#[tokio::test]
async fn a_write_given_up_between_its_parts_is_rolled_back() {
    let (local, metrics) = (open(Place::Memory).await, PerformanceMetrics::default());
    for complete in [false, true] {
        let (parts, written) = local.begin_write(&call(&metrics));
        let insert = Statement::new("INSERT INTO memory_schema (version) VALUES (7)", []);
        parts.send(Part::Step(Step::Counted(insert))).unwrap();
        if complete {
            parts.send(Part::Commit).unwrap();
        }
        drop(parts);
        assert_eq!(written.answer().await.is_ok(), complete);
        let rows = count(&local, "SELECT count(*) FROM memory_schema").await;
        assert_eq!(rows, 1 + i64::from(complete));
    }
}

/// Its caller may never be polled again, and others want to write.
#[tokio::test]
async fn a_write_whose_next_part_does_not_come_is_rolled_back() {
    let config = LocalConfig { patience: std::time::Duration::from_millis(10), ..config() };
    let metrics = PerformanceMetrics::default();
    let local = Local::open(Place::Memory, config, std::sync::Arc::default()).await.unwrap();
    let (parts, written) = local.begin_write(&call(&metrics));
    // Unless this thread was so slow that the write is given up already.
    drop(parts.send(Part::Step(Step::Counted(Statement::new("DELETE FROM memory_schema", [])))));
    let error = written.answer().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(parts.send(Part::Commit).is_err());
    assert_eq!(count(&local, "SELECT count(*) FROM memory_schema").await, 1);
}

#[tokio::test]
async fn a_failing_part_ends_the_whole_write() {
    let (local, metrics) = (open(Place::Memory).await, PerformanceMetrics::default());
    let (parts, written) = local.begin_write(&call(&metrics));
    for sql in ["DELETE FROM memory_schema", "INSERT INTO no_such_table VALUES (1)"] {
        parts.send(Part::Step(Step::Counted(Statement::new(sql, [])))).unwrap();
    }
    // The writer may be gone by now, which a sender must survive.
    drop(parts.send(Part::Commit));
    let error = written.answer().await.unwrap_err();
    assert!(error.to_string().contains("no_such_table"), "{error}");
    assert_eq!(count(&local, "SELECT count(*) FROM memory_schema").await, 1);
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_is_not_begun() {
    let local = open(Place::Memory).await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let blocker = local.writer.submit("block", move |_| {
        wait.recv().unwrap();
        Ok(())
    });
    let given_up =
        local.writer.submit("delete", |connection| connection.execute("delete", "DELETE FROM memory_schema", &[]));
    drop(given_up);
    go.send(()).unwrap();
    blocker.answer().await.unwrap();
    assert_eq!(count(&local, "SELECT count(*) FROM memory_schema").await, 1);
}

#[tokio::test]
async fn a_write_cancelled_while_it_runs_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let storage = TursoStorage::local(folder.path().join("memory.db")).await.unwrap();
    for polls in 0..4 {
        let episodes: Vec<_> = (0..300).map(|_| episode()).collect();
        let mut put = Box::pin(storage.store_episodes_batch(&episodes));
        for _ in 0..polls {
            std::future::poll_fn(|context| {
                drop(put.as_mut().poll(context));
                std::task::Poll::Ready(())
            })
            .await;
        }
        drop(put);
        storage.settle(&[memory_core::WriteId::new()]).await.unwrap();
        let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
        let found = storage.get(&ids).await.unwrap().into_iter().flatten().count();
        assert!([0, 300].contains(&found), "{found} of 300 after {polls} polls");
        storage.store_episode(&episodes[0]).await.unwrap();
    }
}
