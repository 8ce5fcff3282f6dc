//! `cargo xtask copy`, from the outside.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use memory_core::{
    Episode, Heuristic, Latency, MemoryStorage, MemoryStorageExt, Pattern, PatternKind, Query, Record, TaskContext,
    TaskType, WriteBatch,
};
use memory_storage_redb::RedbStorage;
use memory_storage_turso::TursoStorage;

fn copy(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).arg("copy").args(arguments).output().unwrap()
}

fn copied(from: &str, to: &str) -> String {
    let output = copy(&[from, to]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn url(scheme: &str, path: &Path) -> String {
    format!("{scheme}:{}", path.display())
}

/// Some records of each kind.
fn records() -> WriteBatch {
    let mut batch = WriteBatch::new();
    for number in 0..40 {
        let context = TaskContext { tags: vec![format!("tag{}", number % 3)], ..TaskContext::new("web") };
        batch.put(Episode::new(format!("task {number}\nof several lines"), context.clone(), TaskType::Testing));
        let tools = PatternKind::ToolSequence { tools: vec!["grep".to_owned()], average_latency: Latency::default() };
        batch.put(Pattern::new(context, tools)).put(Heuristic::new(format!("if {number}"), "act", 0.5));
    }
    batch
}

async fn all<R: Record, S: memory_core::Store<R>>(storage: &S) -> Vec<R> {
    let page = storage.query(&Query::new().oldest_first().limit(1_000)).await.unwrap();
    page.records.iter().map(|record| R::clone(record)).collect()
}

async fn contents<S: MemoryStorage>(storage: &S) -> (Vec<Episode>, Vec<Pattern>, Vec<Heuristic>) {
    (all(storage).await, all(storage).await, all(storage).await)
}

#[tokio::test]
async fn records_go_from_libsql_to_redb_and_back_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, third] = ["first.db", "second.redb", "third.db"].map(|name| folder.path().join(name));
    let storage = TursoStorage::local(&first).await.unwrap();
    storage.commit(&records()).await.unwrap();
    let stored = contents(&storage).await;
    storage.close().await;

    let said = copied(&url("file", &first), &url("redb", &second));
    assert_eq!(said, "120 records copied\n");
    let storage = RedbStorage::open(&second).await.unwrap();
    assert!(contents(&storage).await == stored && storage.check().await.unwrap().is_sound());
    storage.close().await.unwrap();

    copied(&url("redb", &second), &url("file", &third));
    let storage = TursoStorage::local(&third).await.unwrap();
    assert!(contents(&storage).await == stored);
    storage.close().await;
    // Again, over what is there.
    assert_eq!(copied(&url("file", &third), &url("redb", &second)), "120 records copied\n");
    assert_eq!(copied(&url("redb", &second), "memory:"), "120 records copied\n");
}

#[tokio::test]
async fn a_copy_goes_on_where_it_was_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from.redb", "to.redb"].map(|name| folder.path().join(name));
    let storage = RedbStorage::open(&from).await.unwrap();
    storage.commit(&records()).await.unwrap();
    storage.close().await.unwrap();
    let output = copy(&["--skip", "30", &url("redb", &from), &url("redb", &to)]);
    assert!(output.status.success(), "{output:?}");
    let storage = RedbStorage::open(&to).await.unwrap();
    let (episodes, patterns, heuristics) = contents(&storage).await;
    assert_eq!((episodes.len(), patterns.len(), heuristics.len()), (10, 40, 40));
}

#[tokio::test]
async fn what_cannot_be_copied_is_named_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let [redb, missing, junk] = ["a.redb", "missing.redb", "junk.redb"].map(|name| folder.path().join(name));
    let storage = RedbStorage::open(&redb).await.unwrap();
    storage.store_heuristic(&Heuristic::new("if", "act", 0.5)).await.unwrap();
    storage.close().await.unwrap();
    fs::write(&junk, [7; 10_000]).unwrap();
    let (redb, absent, junk) = (url("redb", &redb), url("redb", &missing), url("redb", &junk));
    for (arguments, code, wanted) in [
        (vec![absent.as_str(), "memory:"], 2, "is no file to copy from"),
        (vec![&redb, "postgres://host"], 2, "`postgres://host` is no storage"),
        (vec![&redb, "redb:"], 2, "names no file"),
        (vec![&redb, &redb], 2, "the same file"),
        (vec!["--to-token", "secret", &redb, "memory:"], 2, "is no server"),
        (vec![&junk, "memory:"], 1, "read redb:"),
        (vec![&redb, &junk], 1, "write redb:"),
        (vec![&redb, "http://127.0.0.1:1"], 1, "write http://127.0.0.1:1"),
    ] {
        let output = copy(&arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{message}");
        assert!(message.contains(wanted) && !message.contains("secret"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    assert!(!missing.exists());
}
