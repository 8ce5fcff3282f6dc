//! Export and import: losslessness, continuation after interruption, and
//! refusal of other files.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests call for no part of them")]

use memory_conformance::strategy::{self, Generate};
use memory_core::{
    Episode, Error, Heuristic, InMemoryStorage, MemoryStorageExt, Pattern, Store, TaskContext, TaskType, transfer,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Returns generated records, the same ones on every run.
fn some<R: Generate>(count: usize) -> Vec<R> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy::records::<R>(count..count + 1).new_tree(&mut runner).unwrap().current()
}

async fn filled() -> InMemoryStorage {
    let storage = InMemoryStorage::new();
    storage.put(&some::<Episode>(150)).await.unwrap();
    storage.put(&some::<Pattern>(70)).await.unwrap();
    storage.put(&some::<Heuristic>(40)).await.unwrap();
    storage
}

async fn exported(storage: &InMemoryStorage) -> Vec<u8> {
    let mut lines = Vec::new();
    transfer::export(storage, &mut lines).await.unwrap();
    lines
}

#[tokio::test]
async fn an_import_holds_what_was_exported_to_the_last_bit() {
    let lines = exported(&filled().await).await;
    let copy = InMemoryStorage::new();
    let mut told = Vec::new();
    assert_eq!(transfer::import(&copy, &lines[..], 0, |records| told.push(records)).await.unwrap(), 260);
    assert_eq!(told, [64, 128, 192, 256, 260]);
    assert_eq!(exported(&copy).await, lines);
    // A second import changes nothing.
    transfer::import(&copy, &lines[..], 0, |_| ()).await.unwrap();
    assert_eq!(exported(&copy).await, lines);
}

#[tokio::test]
async fn an_empty_storage_is_an_export_too() {
    let lines = exported(&InMemoryStorage::new()).await;
    assert_eq!(lines, b"{\"header\":{\"version\":1}}\n{\"end\":{\"records\":0}}\n");
    assert_eq!(transfer::import(&InMemoryStorage::new(), &lines[..], 0, |_| ()).await.unwrap(), 0);
}

/// An import of a truncated export fails, and the next one continues after the
/// stored records.
#[tokio::test]
async fn an_import_that_was_interrupted_goes_on() {
    let lines = exported(&filled().await).await;
    for cut in (0..lines.len()).step_by(lines.len() / 40) {
        let copy = InMemoryStorage::new();
        let mut stored = 0;
        let error = transfer::import(&copy, &lines[..cut], 0, |records| stored = records).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        transfer::import(&copy, &lines[..], stored, |_| ()).await.unwrap();
        assert!(exported(&copy).await == lines, "cut at byte {cut}, gone on after {stored} records");
    }
}

async fn refusal(lines: &str) -> Error {
    transfer::import(&InMemoryStorage::new(), lines.as_bytes(), 0, |_| ()).await.unwrap_err()
}

#[tokio::test]
async fn what_is_no_export_is_refused_by_the_line() {
    for (lines, wanted) in [
        ("", "line 1"),
        ("hello\n", "line 1"),
        ("{\"end\":{\"records\":0}}\n", "line 1"),
        ("{\"header\":{\"version\":1}}\n{\"episode\":{}}\n", "line 2"),
        ("{\"header\":{\"version\":1}}\n{\"header\":{\"version\":1}}\n", "line 2"),
        ("{\"header\":{\"version\":1}}\n{\"end\":{\"records\":3}}\n", "its last line says 3"),
        ("{\"header\":{\"version\":1}}\n{\"end\":{\"records\":0}}\n{\"end\":{\"records\":0}}\n", "line 3"),
        ("{\"header\":{\"version\":1}}\n{\"end\":{\"records\":0}}", "line 2 is cut short"),
    ] {
        let error = refusal(lines).await;
        assert!(matches!(error, Error::Corrupt { .. }) && error.to_string().contains(wanted), "{lines}: {error}");
    }
    let error = refusal("{\"header\":{\"version\":2}}\n").await;
    assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains("version 2"), "{error}");
}

/// A server refuses a request that two such records make.
#[tokio::test]
async fn records_near_the_limit_are_committed_one_by_one() {
    let storage = InMemoryStorage::new();
    for _ in 0..3 {
        let mut episode = Episode::new("long", TaskContext::new("web"), TaskType::Other);
        episode.metadata.insert("text", "x".repeat(3 << 20));
        storage.store_episode(&episode).await.unwrap();
    }
    let export = exported(&storage).await;
    let mut commits = Vec::new();
    transfer::import(&InMemoryStorage::new(), export.as_slice(), 0, |records| commits.push(records)).await.unwrap();
    assert_eq!(commits, [1, 2, 3]);
}
