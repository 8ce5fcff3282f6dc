//! Every operation has a span that says how much of what, and nothing that a
//! record, a query or a token holds shows in any span or log line at any level.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "world/record.rs"]
mod record;

use memory_core::field::{domain, metadata};
use memory_core::{
    Episode, ExecutionResult, ExecutionStep, Filter, Heuristic, MemoryStorage, Metadata, Pattern, PatternKind, Query,
    TaskContext, TaskOutcome, TaskType, WriteBatch,
};
use memory_lab::{Fault, Lab, LabOptions, Script, Token};
use memory_storage_turso::{CacheConfig, TursoStorage};
use serde_json::json;

/// With a space: a metadata key that can have an index is part of the SQL text,
/// which the libsql crate logs at its level `TRACE`.
const CONTENT: &str = "canary content 5d81";
const TOKEN: &str = "canary-token-77aa";

fn episode() -> Episode {
    let mut episode = Episode::new(CONTENT, TaskContext::new(CONTENT), TaskType::Debugging);
    episode.context.tags = vec![CONTENT.to_owned()];
    episode.metadata.insert(CONTENT, json!({ CONTENT: CONTENT }));
    let mut step = ExecutionStep::new(1, CONTENT, CONTENT);
    step.parameters = json!({ CONTENT: [CONTENT] });
    step.result = Some(ExecutionResult::Error { message: CONTENT.to_owned() });
    step.metadata = Metadata::from_iter([(CONTENT.to_owned(), json!(CONTENT))]);
    episode.steps.push(step);
    episode.outcome = Some(TaskOutcome::Success { verdict: CONTENT.into(), artifacts: vec![CONTENT.into()] });
    episode
}

/// Every operation, some of which may fail.
async fn everything<S: MemoryStorage>(storage: &S) {
    let stored = episode();
    drop(storage.put(&[stored.clone(), episode()]).await);
    for _ in 0..2 {
        drop(storage.get(&[stored.id]).await);
        drop(storage.get(&[stored.id, stored.id]).await);
        let filter = domain().eq(CONTENT) & metadata(CONTENT).eq(CONTENT);
        drop(storage.query(&Query::<Episode>::new().filter(filter.clone())).await);
        drop(storage.count(&filter, Some(metadata(CONTENT))).await);
        drop(storage.count(&Filter::<Episode>::all(), Some(domain())).await);
    }
    drop(storage.explain(&Query::<Episode>::new().filter(metadata(CONTENT).eq(CONTENT))).await);
    let kind = PatternKind::ErrorRecovery { error_type: CONTENT.into(), recovery_steps: vec![CONTENT.into()] };
    let mut batch = WriteBatch::new();
    batch.put(Pattern::new(TaskContext::new(CONTENT), kind)).put(Heuristic::new(CONTENT, CONTENT, 0.5));
    drop(storage.commit(&batch).await);
    drop(storage.settle(&[batch.id()]).await);
    drop(storage.health().await);
    drop(storage.delete(&[stored.id]).await);
    // Refused, with an error that names what was wrong.
    let mut wrong = episode();
    wrong.metadata.insert(CONTENT.repeat(100), CONTENT);
    assert!(storage.put(&[wrong]).await.is_err());
}

#[tokio::test]
async fn spans_tell_how_much_of_what_and_no_content_and_no_secret() {
    record::start();
    let mut options = LabOptions::default();
    options.token = Some(Token::from(TOKEN));
    let lab = Lab::start(options).await.unwrap();
    let remote = TursoStorage::new(lab.url(), TOKEN).await.unwrap();
    remote.initialize_schema().await.unwrap();
    everything(&remote).await;
    assert!(remote.ensure_metadata_index(&format!("{CONTENT} ")).await.is_err());
    let remote = remote.with_cache(CacheConfig::default()).unwrap();
    everything(&remote).await;
    // A server that says what it was told.
    for status in [400, 401, 500] {
        let said = format!(r#"{{"error":"no such thing as {CONTENT} by {TOKEN}"}}"#);
        lab.script(Script::new().then(Fault::status(status).body(said)));
        everything(&remote).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let local = TursoStorage::local(folder.path().join("memory.db")).await.unwrap();
    everything(&local).await;
    everything(&local.with_cache(CacheConfig::default()).unwrap()).await;

    let said = record::lines();
    for line in said.lines() {
        assert!(!line.contains(CONTENT) && !line.contains(TOKEN), "{line}");
    }
    for expected in [
        "put kind=episode count=2 transport=remote",
        "put kind=episode count=2 transport=local",
        "get kind=episode count=1 transport=remote",
        "query kind=episode count=100 transport=local",
        "count kind=episode",
        "commit count=2 transport=remote",
        "cached_get kind=episode count=1",
        "cached_query kind=episode limit=100",
        "cached_count kind=episode",
        "cached_commit count=2",
        "explain kind=episode",
        "settle count=1 transport=remote",
        "health count=0 transport=local",
        "initialize_schema count=0 transport=remote",
        "connect count=0 transport=remote",
        "request attempt=1",
        "request attempt=2",
        " round_trips=1",
        " outcome=ok",
        " outcome=unauthorized",
        " by=cache",
        " by=storage",
    ] {
        assert!(said.lines().any(|line| line.starts_with(expected)), "no line begins `{expected}`");
    }
}
