//! A local database as its users meet it: reopened, shared between processes,
//! damaged, locked.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::process::Command;
use std::time::Duration;

use memory_core::{
    Episode, EpisodeId, Error, Filter, Heuristic, MemoryStorage, MemoryStorageExt, Pattern, PatternKind, Query, Store,
    TaskContext, TaskType, WriteBatch,
};
use memory_storage_turso::{BatchConfig, PreparedCacheConfig, Synchronous, TursoStorage};

fn episode(description: &str) -> Episode {
    Episode::new(description, TaskContext::new("web"), TaskType::Debugging)
}

fn pattern() -> Pattern {
    let kind = PatternKind::ErrorRecovery { error_type: "timeout".to_owned(), recovery_steps: vec!["wait".to_owned()] };
    Pattern::new(TaskContext::new("web"), kind)
}

/// A connection of somebody else.
async fn foreign(path: &std::path::Path) -> libsql::Connection {
    libsql::Builder::new_local(path).build().await.unwrap().connect().unwrap()
}

async fn one<T: libsql::params::IntoParams>(connection: &libsql::Connection, sql: &str, params: T) -> libsql::Value {
    connection.query(sql, params).await.unwrap().next().await.unwrap().unwrap().get_value(0).unwrap()
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let (stored, pattern) = (episode("Fix the\0login form"), pattern());
    let heuristic = Heuristic::new("a\0form posts twice", "look for\0a missing key", 0.1 + 0.2);
    {
        let storage = TursoStorage::local(&path).await.unwrap();
        let mut batch = WriteBatch::new();
        batch.put(stored.clone()).put(pattern.clone()).put(heuristic.clone());
        storage.commit(&batch).await.unwrap();
    }
    let storage = TursoStorage::local(&path).await.unwrap();
    assert_eq!(storage.get_episode(stored.id).await.unwrap().as_deref(), Some(&stored));
    assert_eq!(storage.get_pattern(pattern.id).await.unwrap().as_deref(), Some(&pattern));
    assert_eq!(storage.get_heuristic(heuristic.id).await.unwrap().as_deref(), Some(&heuristic));
    let health = storage.health().await.unwrap();
    assert_eq!((health.backend, health.schema_version), ("libsql", Some(1)));
}

#[tokio::test]
async fn the_database_is_readable_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let storage = TursoStorage::builder().synchronous(Synchronous::Full).local(&path).await.unwrap();
    let mut stored = episode("Fix the login form");
    stored.metadata.insert("session", "s77");
    storage.store_episode(&stored).await.unwrap();
    let connection = foreign(&path).await;
    assert_eq!(one(&connection, "PRAGMA journal_mode", ()).await, libsql::Value::from("wal"));
    let sql = "SELECT task_description || ' ' || domain || ' ' || json_extract(metadata, '$.session')
               FROM episodes WHERE episode_id = ?1 AND start_time = ?2";
    let found = one(&connection, sql, libsql::params![stored.id.to_string(), stored.start_time.as_micros()]).await;
    assert_eq!(found, libsql::Value::from("Fix the login form web s77"));
}

#[tokio::test]
async fn a_thousand_reads_prepare_one_statement() {
    let folder = tempfile::tempdir().unwrap();
    let storage = TursoStorage::builder().readers(1).local(folder.path().join("memory.db")).await.unwrap();
    let stored = episode("Fix the login form");
    storage.store_episode(&stored).await.unwrap();
    let before = storage.prepared_cache_stats();
    for _ in 0..1000 {
        assert!(storage.get_episode(stored.id).await.unwrap().is_some());
    }
    let after = storage.prepared_cache_stats();
    assert_eq!((after.prepared - before.prepared, after.hits - before.hits), (1, 999));
    assert!(after.hit_rate() > 0.9 && after.avg_preparation_time_us > 0.0);
}

#[tokio::test]
async fn the_cache_of_statements_keeps_its_limit() {
    let cache = PreparedCacheConfig { max_size: 3, ..PreparedCacheConfig::default() };
    let storage = TursoStorage::builder().prepared_cache(cache).memory().await.unwrap();
    let query = |terms: usize| {
        let filters = (0..terms).map(|_| memory_core::field::domain().eq("web"));
        Query::<Episode>::new().filter(filters.fold(Filter::all(), |all, one| all & one))
    };
    let before = storage.prepared_cache_stats();
    for terms in (1..=10).chain(1..=10) {
        storage.query(&query(terms)).await.unwrap();
    }
    let after = storage.prepared_cache_stats();
    assert_eq!((after.prepared - before.prepared, after.hits - before.hits), (20, 0));
    assert!(after.evictions - before.evictions >= 17);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_by_name() {
    let builder = TursoStorage::builder;
    let batch = BatchConfig { batch_size: 0, ..BatchConfig::default() };
    let cache = PreparedCacheConfig { max_size: 0, ..PreparedCacheConfig::default() };
    for (builder, name) in [
        (builder().readers(0), "readers"),
        (builder().readers(usize::MAX), "readers"),
        (builder().busy_timeout(Duration::MAX), "busy_timeout"),
        (builder().prepared_cache(PreparedCacheConfig { max_size: usize::MAX, ..cache.clone() }), "max_size"),
        (builder().batch(batch), "batch_size"),
        (builder().prepared_cache(cache), "max_size"),
        (builder().index_metadata("no'key"), "index_metadata"),
    ] {
        let error = builder.memory().await.unwrap_err();
        assert!(matches!(&error, Error::InvalidInput { field, .. } if field == name), "{error}");
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    TursoStorage::local(&path).await.unwrap().close().await;
    assert!(!folder.path().join("memory.db-wal").exists(), "closed, the database is one file");
    let connection = foreign(&path).await;
    connection.execute("UPDATE memory_schema SET version = 99", ()).await.unwrap();
    let error = TursoStorage::local(&path).await.unwrap_err();
    assert!(matches!(&error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("version 99"), "{error}");
    assert_eq!(one(&connection, "SELECT version FROM memory_schema", ()).await, libsql::Value::from(99));
}

#[tokio::test]
async fn a_database_of_somebody_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for taken in ["CREATE TABLE Episodes (title TEXT)", "CREATE VIEW patterns AS SELECT 1"] {
        let path = folder.path().join(taken.len().to_string());
        foreign(&path).await.execute(taken, ()).await.unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = TursoStorage::local(&path).await.unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }) && error.to_string().contains("use another file"),
            "{error}"
        );
        assert!(std::fs::read(&path).unwrap() == before, "not even its journal mode");
    }
    // Tables by other names are none of this library's business.
    let path = folder.path().join("shared.db");
    foreign(&path).await.execute("CREATE TABLE invoices (id)", ()).await.unwrap();
    TursoStorage::local(&path).await.unwrap();
}

#[tokio::test]
async fn indexes_that_are_there_wait_for_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let builder = || TursoStorage::builder().busy_timeout(Duration::ZERO).index_metadata("session");
    builder().local(&path).await.unwrap().close().await;
    let connection = foreign(&path).await;
    connection.execute("BEGIN IMMEDIATE", ()).await.unwrap();
    let storage = builder().local(&path).await.unwrap();
    storage.ensure_metadata_index("session").await.unwrap();
    let error = storage.ensure_metadata_index("priority").await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    connection.execute("COMMIT", ()).await.unwrap();
    storage.ensure_metadata_index("priority").await.unwrap();
}

#[tokio::test]
async fn a_lost_schema_is_named_and_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let storage = TursoStorage::local(&path).await.unwrap();
    foreign(&path).await.execute_batch("DROP TABLE episodes; DROP TABLE patterns; DROP TABLE heuristics; DROP TABLE memory_writes; DROP TABLE memory_schema").await.unwrap();
    let error = storage.get_episode(EpisodeId::new()).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(error.to_string().contains("initialize_schema"), "{error}");
    storage.initialize_schema().await.unwrap();
    assert!(storage.get_episode(EpisodeId::new()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_damaged_row_is_named_and_the_others_are_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let storage = TursoStorage::local(&path).await.unwrap();
    let (whole, damaged) = (episode("whole"), episode("damaged"));
    storage.store_episodes_batch(&[whole.clone(), damaged.clone()]).await.unwrap();
    let connection = foreign(&path).await;
    for (column, value) in [
        ("steps", "'[{'"),
        ("task_type", "'dancing'"),
        ("start_time", "9223372036854775807"),
        ("steps", "CAST(x'ff' AS TEXT)"),
    ] {
        storage.store_episode(&damaged).await.unwrap();
        connection
            .execute(&format!("UPDATE episodes SET {column} = {value} WHERE episode_id = ?1"), [damaged.id.to_string()])
            .await
            .unwrap();
        let error = storage.get_episode(damaged.id).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{column}: {error}");
        let text = error.to_string();
        assert!(text.contains(column) && text.contains(&damaged.id.to_string()), "{column}: {text}");
        assert!(storage.get_episode(whole.id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_write_past_its_deadline_behind_a_lock_times_out_and_the_next_one_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let storage = TursoStorage::builder().busy_timeout(Duration::from_millis(20)).local(&path).await.unwrap();
    let connection = foreign(&path).await;
    connection.execute("BEGIN IMMEDIATE", ()).await.unwrap();
    let stored = episode("Fix the login form");
    let many = vec![stored.clone(); 3];
    for error in [storage.store_episode(&stored).await.unwrap_err(), storage.put(&many).await.unwrap_err()] {
        assert!(matches!(error, Error::Timeout { .. }) && error.is_transient(), "{error}");
    }
    assert!(storage.get_episode(stored.id).await.unwrap().is_none(), "readers do not wait for a writer");
    connection.execute("COMMIT", ()).await.unwrap();
    storage.store_episode(&stored).await.unwrap();
    assert!(storage.get_episode(stored.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_batch_in_many_parts_is_stored_whole() {
    let batch = BatchConfig { batch_size: 7, ..BatchConfig::default() };
    let storage = TursoStorage::builder().batch(batch).memory().await.unwrap();
    let episodes: Vec<_> = (0..100).map(|number| episode(&number.to_string())).collect();
    storage.store_episodes_batch(&episodes).await.unwrap();
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    let found = storage.get_episodes_batch(&ids).await.unwrap();
    assert!(episodes.iter().zip(&found).all(|(stored, found)| found.as_deref() == Some(stored)));
}

const CHILD: &str = "MEMORY_TEST_CHILD_DATABASE";
const PROCESSES: usize = 3;
const ROUNDS: usize = 40;

/// The other side of the next test: what each process does.
#[tokio::test]
async fn child_process() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let storage = TursoStorage::builder().index_metadata("session").local(path).await.unwrap();
    for round in 0..ROUNDS {
        storage.store_episode(&episode("alone")).await.unwrap();
        let together: Vec<_> = (0..10).map(|_| episode("together")).collect();
        storage.store_episodes_batch(&together).await.unwrap();
        if round % 10 == 0 {
            storage.ensure_metadata_index(&format!("key{round}")).await.unwrap();
        }
        storage.query(&Query::<Episode>::new()).await.unwrap();
    }
}

#[tokio::test]
async fn processes_that_start_and_write_at_once_never_see_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "child_process", "--nocapture"])
                .env(CHILD, &path)
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let storage = TursoStorage::local(&path).await.unwrap();
    let counted = storage.count(&Filter::<Episode>::all(), None).await.unwrap();
    assert_eq!(counted.total, (PROCESSES * ROUNDS * 11) as u64);
}

/// How often a future is polled until it is done.
async fn polls<T>(future: impl Future<Output = T>) -> (usize, T) {
    let (mut future, mut polls) = (std::pin::pin!(future), 0);
    let value = std::future::poll_fn(|context| {
        polls += 1;
        future.as_mut().poll(context)
    })
    .await;
    (polls, value)
}

/// One poll encodes or decodes a quarter of a megabyte and one record at most,
/// so that others on the same thread are not kept waiting.
#[tokio::test]
async fn large_records_are_encoded_and_decoded_in_many_polls() {
    let storage = TursoStorage::memory().await.unwrap();
    let large: Vec<_> = (0..12).map(|_| episode(&"x".repeat(1 << 20))).collect();
    let small: Vec<_> = (0..90).map(|_| episode("x")).collect();
    let mut batch = WriteBatch::new();
    for episode in &large {
        batch.put(episode.clone()).put(pattern());
    }
    let ids: Vec<_> = large.iter().map(|episode| episode.id).collect();
    let (polled, put) = polls(storage.put(&large)).await;
    put.unwrap();
    assert!(polled >= 12, "{polled}");
    let (polled, found) = polls(storage.get(&ids)).await;
    assert!(found.unwrap().iter().zip(&large).all(|(found, stored)| found.as_deref() == Some(stored)));
    assert!(polled >= 12, "{polled}");
    let (polled, committed) = polls(storage.commit(&batch)).await;
    committed.unwrap();
    assert!(polled >= 12, "{polled}");
    // The first, and once the writer has answered.
    let (polled, put) = polls(storage.put(&small)).await;
    put.unwrap();
    assert!(polled <= 2, "{polled}");
}
