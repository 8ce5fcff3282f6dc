//! The lab's server, in the words of the protocol: what lasts from one request to the next.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod lab;

use std::time::Duration;

use lab::{Bench, batch, baton, execute, integer, step};
use serde_json::{Value, json};

#[tokio::test]
async fn a_closed_pipeline_leaves_no_stream_behind() {
    let bench = Bench::new().await;
    bench.execute("SELECT 1").await;
    assert_eq!(bench.server.open_streams(), 0);

    let answer = bench.pipeline(None, &json!([execute("SELECT 1")])).await;
    assert_eq!(bench.server.open_streams(), 1);
    let answer = bench.pipeline(Some(baton(&answer)), &json!([{ "type": "close" }])).await;
    assert_eq!(answer["baton"], Value::Null);
    assert_eq!(bench.server.open_streams(), 0);
}

#[tokio::test]
async fn a_baton_is_good_for_one_request() {
    let bench = Bench::new().await;
    let first = bench.pipeline(None, &json!([execute("BEGIN")])).await;
    let second = bench.pipeline(Some(baton(&first)), &json!([{ "type": "get_autocommit" }])).await;
    assert_eq!(second["results"][0]["response"]["is_autocommit"], false);
    assert_ne!(first["baton"], second["baton"]);

    for (used, message) in
        [(baton(&first), "Received a baton that has already been used"), ("bm9uc2Vuc2U", "Received an invalid baton")]
    {
        let (status, answer) = bench.post("/v3/pipeline", &json!({ "baton": used, "requests": [] })).await;
        assert_eq!((status, answer.as_str()), (400, message));
    }
    let third = bench.pipeline(Some(baton(&second)), &json!([execute("ROLLBACK")])).await;
    assert_eq!(third["results"][0]["type"], "ok");
}

#[tokio::test]
async fn a_closed_stream_takes_no_more_requests() {
    let bench = Bench::new().await;
    let body = json!({ "baton": null, "requests": [{ "type": "close" }, execute("SELECT 1")] });
    let (status, answer) = bench.post("/v3/pipeline", &body).await;
    assert_eq!((status, answer.as_str()), (400, "Stream for this baton was closed"));
}

#[tokio::test]
async fn an_idle_stream_expires_and_is_rolled_back() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let open = bench.pipeline(None, &json!([execute("BEGIN"), execute("INSERT INTO t VALUES (1)")])).await;
    bench.clock.advance(Duration::from_secs(9));
    let open = bench.pipeline(Some(baton(&open)), &json!([])).await;
    bench.clock.advance(Duration::from_secs(10));
    assert_eq!(bench.server.open_streams(), 0);

    let body = json!({ "baton": baton(&open), "requests": [execute("COMMIT")] });
    let (status, answer) = bench.post("/v3/pipeline", &body).await;
    let expected = json!({ "message": "The stream has expired due to inactivity", "code": "STREAM_EXPIRED" });
    assert_eq!((status, serde_json::from_str(&answer).unwrap()), (400, expected));
    assert_eq!(bench.rows("SELECT count(*) FROM t").await[0][0], integer(0));

    bench.clock.advance(Duration::from_secs(300));
    assert_eq!(bench.post("/v3/pipeline", &body).await.1, "Received an invalid baton");
}

#[tokio::test]
async fn writers_take_turns() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let first = bench.pipeline(None, &json!([execute("BEGIN IMMEDIATE")])).await;
    let second = bench.execute("INSERT INTO t VALUES (2)");
    let first = async {
        let insert = execute("INSERT INTO t SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM t)");
        bench.pipeline(Some(baton(&first)), &json!([insert, execute("COMMIT"), { "type": "close" }])).await
    };
    tokio::join!(second, first);
    assert_eq!(bench.rows("SELECT group_concat(id) FROM t").await[0][0]["value"], "1,2");
}

#[tokio::test]
async fn a_transaction_that_keeps_a_writer_waiting_is_rolled_back() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let slow = bench.pipeline(None, &json!([execute("BEGIN IMMEDIATE"), execute("INSERT INTO t VALUES (1)")])).await;
    bench.clock.advance(Duration::from_secs(5));
    bench.execute("INSERT INTO t VALUES (2)").await;

    let steps = json!([step("INSERT INTO t VALUES (3)", &Value::Null), step("COMMIT", &Value::Null)]);
    let answer = bench.pipeline(Some(baton(&slow)), &json!([batch(&steps), { "type": "get_autocommit" }])).await;
    let errors = &answer["results"][0]["response"]["result"]["step_errors"];
    assert_eq!(errors[0]["code"], "TRANSACTION_TIMEOUT");
    assert_eq!(errors[1]["code"], "TRANSACTION_TIMEOUT");
    assert_eq!(answer["results"][1]["response"]["is_autocommit"], true);
    assert_eq!(bench.rows("SELECT group_concat(id) FROM t").await[0][0]["value"], "2");
}

#[tokio::test]
async fn a_transaction_that_bothers_nobody_lives_on() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let slow = bench.pipeline(None, &json!([execute("BEGIN IMMEDIATE"), execute("INSERT INTO t VALUES (1)")])).await;
    bench.clock.advance(Duration::from_secs(6));
    let answer = bench.pipeline(Some(baton(&slow)), &json!([execute("COMMIT"), { "type": "close" }])).await;
    assert_eq!(answer["results"][0]["type"], "ok", "{answer}");
    assert_eq!(bench.rows("SELECT count(*) FROM t").await[0][0], integer(1));
}

#[tokio::test]
async fn a_cursor_sends_a_line_for_everything() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let steps = json!([
        step("INSERT INTO t VALUES (7)", &Value::Null),
        step("SELECT 1 UNION ALL SELECT 2", &Value::Null),
        step("SELECT 3", &json!({ "type": "error", "step": 0 })),
        step("INSERT INTO t VALUES (7)", &Value::Null),
    ]);
    let (status, answer) = bench.post("/v3/cursor", &json!({ "baton": null, "batch": { "steps": steps } })).await;
    assert_eq!(status, 200);
    let lines: Vec<Value> = answer.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let error = json!({ "message": "SQLite error: UNIQUE constraint failed: t.id", "code": "SQLITE_CONSTRAINT" });
    let column = json!({ "name": "1", "decltype": null });
    let expected = [
        json!({ "type": "step_begin", "step": 0, "cols": [] }),
        json!({ "type": "step_end", "affected_row_count": 1, "last_insert_rowid": 7 }),
        json!({ "type": "step_begin", "step": 1, "cols": [column] }),
        json!({ "type": "row", "row": [integer(1)] }),
        json!({ "type": "row", "row": [integer(2)] }),
        json!({ "type": "step_end", "affected_row_count": 0, "last_insert_rowid": null }),
        json!({ "type": "step_begin", "step": 3, "cols": [] }),
        json!({ "type": "step_error", "step": 3, "error": error }),
        json!({ "type": "replication_index", "replication_index": null }),
    ];
    assert_eq!(lines[1..], expected);

    let answer = bench.pipeline(Some(baton(&lines[0])), &json!([{ "type": "close" }])).await;
    assert_eq!(answer["baton"], Value::Null);
}

#[tokio::test]
async fn the_libsql_crate_opens_the_file_that_a_server_left() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    bench.execute("INSERT INTO t VALUES (1)").await;
    bench.server.stop().await;

    let path = bench.directory.path().join("lab.db");
    let database = libsql::Builder::new_local(path).build().await.unwrap();
    let connection = database.connect().unwrap();
    let mut rows = connection.query("SELECT count(*) FROM t", ()).await.unwrap();
    assert_eq!(rows.next().await.unwrap().unwrap().get::<i64>(0).unwrap(), 1);
}
