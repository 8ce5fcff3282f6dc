//! Answers of unusual size.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "world/answers.rs"]
mod answers;
mod world;

use std::io::Write;
use std::time::Duration;

use answers::{Answers, answer};
use flate2::Compression;
use flate2::write::GzEncoder;
use memory_core::limits::MAX_RECORD;
use memory_core::{EpisodeId, Error, Heuristic, MemoryStorage, Store};
use memory_lab::{Fault, Script};
use memory_storage_turso::{BatchConfig, TursoStorage};
use serde_json::{Value, json};
use world::{World, episode, heuristic, opened};

#[tokio::test]
async fn a_record_larger_than_the_limit_is_read_alone_whatever_it_holds() {
    let world = World::new().await;
    // The character takes six bytes in the answer, and seven in a JSON column;
    // the request holds as much.
    let builder = TursoStorage::builder().max_response(1000).max_request(64 << 20);
    let storage = builder.remote(world.lab.server().url(), "").await.unwrap();
    let mut stored = [episode("web", "1"), episode("web", "1")];
    stored[0].task_description = "\u{1}".repeat(MAX_RECORD - 10_000);
    stored[1].metadata.insert("odd", "\u{1}".repeat(200_000));
    storage.put(&stored).await.unwrap();
    let found = storage.get(&[stored[1].id, stored[0].id]).await.unwrap();
    assert!(found[0].as_deref() == Some(&stored[1]) && found[1].as_deref() == Some(&stored[0]));
}

#[tokio::test]
async fn an_answer_that_unpacks_without_end_is_given_up() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..60 {
        packed.write_all(&spaces).unwrap();
    }
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let server = Answers::with(answer("200 OK", &headers, &packed.finish().unwrap())).await;
    let once = BatchConfig { max_retries: 0, ..BatchConfig::default() };
    let builder = TursoStorage::builder().batch(once).max_response(1000).attempt_timeout(Duration::from_secs(30));
    let error = builder.remote(&server.url, "").await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn what_a_server_says_with_an_error_is_cut_and_not_lost() {
    let message = format!("the quota of this database is spent {}", "x".repeat(1 << 20));
    let server = Answers::with(answer("400 Bad Request", &[], message.as_bytes())).await;
    let error = TursoStorage::new(&server.url, "").await.unwrap_err();
    let Error::Backend { source, .. } = &error else { panic!("{error:?}") };
    let said = source.to_string();
    assert!(said.contains("the quota of this database is spent") && said.len() < 300, "{said}");
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_read_in_parts_has_one_deadline() {
    let world = World::new().await;
    let builder = || TursoStorage::builder().max_request(40_000).deadline(Duration::from_millis(600));
    let storage = opened(builder, &world.lab.url()).await;
    let ids: Vec<_> = (0..3000).map(|_| EpisodeId::new()).collect();
    // Seven requests, none of which takes too long.
    world.lab.set_rtt(Duration::from_millis(200));
    let error = storage.get(&ids).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

/// The answer to a batch, with these rows for each of its steps.
fn batch_answer(steps: &[Value]) -> Fault {
    let result = |rows: &Value| json!({ "cols": [], "rows": rows, "affected_row_count": 0, "last_insert_rowid": null });
    let results: Vec<_> = steps.iter().map(result).collect();
    let errors = vec![Value::Null; steps.len()];
    let batch = json!({ "type": "batch", "result": { "step_results": results, "step_errors": errors } });
    let body = json!({ "baton": null, "base_url": null, "results": [{ "type": "ok", "response": batch }] });
    Fault::status(200).body(body.to_string())
}

fn integer(value: i64) -> Value {
    json!({ "type": "integer", "value": value.to_string() })
}

/// A heuristic as its row, with how many rows there are in all.
fn row(heuristic: &Heuristic, total: i64) -> Value {
    let text = |value: String| json!({ "type": "text", "value": value });
    let json = |value: Value| text(value.to_string());
    json!([[
        text(heuristic.id.to_string()),
        text(heuristic.condition.clone()),
        text(heuristic.action.clone()),
        json(json!(heuristic.confidence)),
        json(json!(heuristic.evidence)),
        integer(heuristic.created_at.as_micros()),
        integer(heuristic.updated_at.as_micros()),
        json(json!(heuristic.metadata)),
        integer(total),
    ]])
}

/// It would be asked again and again, and everything that it gives be kept.
#[tokio::test]
async fn a_server_that_gives_what_was_not_asked_for_is_not_asked_for_more() {
    let world = World::new().await;
    let storage = TursoStorage::new(world.lab.url(), "").await.unwrap();
    let asked = [heuristic("1"), heuristic("1"), heuristic("1")];
    let ids = asked.each_ref().map(|heuristic| heuristic.id);
    for (given, requests) in [(row(&heuristic("1"), 3), 1), (row(&asked[0], 3), 2)] {
        world.lab.script(Script::new().when(|_| true, batch_answer(&[given])));
        let before = world.lab.counters().requests;
        let error = storage.get(&ids).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
        assert_eq!(world.lab.counters().requests - before, requests);
    }
}

/// Its last result is not the ledger's.
#[tokio::test]
async fn an_answer_without_a_result_for_each_step_acknowledges_nothing() {
    let world = World::new().await;
    let once = BatchConfig { max_retries: 0, ..BatchConfig::default() };
    let storage = TursoStorage::builder().batch(once).remote(world.lab.url(), "").await.unwrap();
    let done = json!([[integer(0)]]);
    for steps in [1, 6, 9] {
        world.lab.script(Script::new().when(|_| true, batch_answer(&vec![done.clone(); steps])));
        let error = storage.put(&[heuristic("1")]).await.unwrap_err();
        assert!(error.outcome_unknown(), "{error:?}");
    }
    let error = storage.health().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
}

/// A pipeline's answer with this result of the batch.
fn bare_answer(result: &str) -> Fault {
    Fault::status(200)
        .body(format!(r#"{{"results":[{{"type":"ok","response":{{"type":"batch","result":{result}}}}}]}}"#))
}

/// The answer to a batch of `steps` steps, all of which failed: the error
/// holds no more than the specification requires.
fn failed(steps: usize, message: &str) -> Fault {
    let (results, errors) = (vec![Value::Null; steps], vec![json!({ "message": message }); steps]);
    bare_answer(&json!({ "step_results": results, "step_errors": errors }).to_string())
}

#[tokio::test]
async fn a_database_without_a_schema_is_connected_to_although_the_error_has_no_code() {
    let world = World::new().await;
    for answer in [failed(1, "SQLite error: no such table: memory_schema"), failed(1, "no such table: memory_schema")] {
        world.lab.script(Script::new().when(|_| true, answer));
        let before = world.lab.counters().requests;
        TursoStorage::new(world.lab.url(), "").await.unwrap();
        assert_eq!(world.lab.counters().requests - before, 1);
    }
}

/// The steps of a write of one record.
const WRITE: usize = 7;

#[tokio::test]
async fn a_certain_failure_without_a_code_is_certain_and_asked_for_once() {
    let world = World::new().await;
    let storage = TursoStorage::new(world.lab.url(), "").await.unwrap();
    let certain = [
        failed(WRITE, "near \"INSERT\": syntax error"),
        failed(WRITE, ""),
        Fault::status(200).body(r#"{"results":[{"type":"error","error":{"message":"no such table: memory_writes"}}]}"#),
        Fault::status(200).body(r#"{"results":[{"type":"error","error":{"message":"x","code":"SQL_PARSE_ERROR"}}]}"#),
    ];
    for answer in certain {
        world.lab.script(Script::new().when(|_| true, answer));
        let before = world.lab.counters().requests;
        let error = storage.put(&[heuristic("1")]).await.unwrap_err();
        assert!(!error.outcome_unknown() && !error.is_transient(), "{error:?}");
        assert_eq!(world.lab.counters().requests - before, 1);
    }
}

/// Without its code the refusal of a write's id says the same: an earlier
/// attempt has done it.
#[tokio::test]
async fn a_write_that_its_retry_finds_done_is_in_doubt_while_the_ledger_cannot_be_read() {
    let world = World::new().await;
    let once = BatchConfig { max_retries: 0, ..BatchConfig::default() };
    let storage = TursoStorage::builder().batch(once).remote(world.lab.url(), "").await.unwrap();
    let mut errors = vec![Value::Null; WRITE];
    errors[1] = json!({ "message": "SQLite error: UNIQUE constraint failed: memory_writes.write_id" });
    errors[WRITE - 1] = json!({ "message": "disk I/O error" });
    let result = json!({ "step_results": vec![Value::Null; WRITE], "step_errors": errors });
    world.lab.script(Script::new().when(|_| true, bare_answer(&result.to_string())));
    assert!(storage.put(&[heuristic("1")]).await.unwrap_err().outcome_unknown());
}

#[tokio::test]
async fn an_answer_with_no_more_than_is_required_is_read() {
    let world = World::new().await;
    let storage = TursoStorage::new(world.lab.url(), "").await.unwrap();
    let stored = heuristic("1");
    let result = json!({ "step_results": [{ "rows": row(&stored, 1), "later": {} }], "step_errors": [null] });
    world.lab.script(Script::new().when(|_| true, bare_answer(&result.to_string())));
    assert_eq!(storage.get(&[stored.id]).await.unwrap()[0].as_deref(), Some(&stored));
}
