//! The lab's server, in the words of the protocol.

// In helpers as in tests: what cannot be set up fails the test.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use memory_storage_turso::lab::{Clock, Server, ServerOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Bench {
    server: Server,
    clock: Clock,
    client: reqwest::Client,
    directory: TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut options = ServerOptions::new(directory.path().join("lab.db"));
        options.clock = Clock::manual();
        change(&mut options);
        let clock = options.clock.clone();
        let server = Server::start(options).await.unwrap();
        Self { server, clock, client: reqwest::Client::new(), directory }
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.server.url())).body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn pipeline(&self, baton: Option<&str>, requests: &Value) -> Value {
        let body = json!({ "baton": baton, "requests": requests });
        let (status, answer) = self.post("/v3/pipeline", &body).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// Runs the requests on a stream of their own and returns their results.
    async fn once(&self, requests: Value) -> Vec<Value> {
        let mut requests = requests.as_array().unwrap().clone();
        requests.push(json!({ "type": "close" }));
        let answer = self.pipeline(None, &Value::Array(requests)).await;
        assert_eq!(answer["baton"], Value::Null);
        let mut results = answer["results"].as_array().unwrap().clone();
        assert_eq!(results.pop().unwrap()["response"]["type"], "close");
        results
    }

    /// Runs one statement and returns its result.
    async fn execute(&self, sql: &str) -> Value {
        let mut results = self.once(json!([execute(sql)])).await;
        let result = results.remove(0);
        assert_eq!(result["type"], "ok", "{sql}: {result}");
        result["response"]["result"].clone()
    }

    async fn rows(&self, sql: &str) -> Value {
        self.execute(sql).await["rows"].clone()
    }
}

fn execute(sql: &str) -> Value {
    json!({ "type": "execute", "stmt": { "sql": sql } })
}

fn batch(steps: &Value) -> Value {
    json!({ "type": "batch", "batch": { "steps": steps } })
}

/// A step of a batch; a condition of null is none.
fn step(sql: &str, condition: &Value) -> Value {
    json!({ "stmt": { "sql": sql }, "condition": condition })
}

fn integer(value: i64) -> Value {
    json!({ "type": "integer", "value": value.to_string() })
}

fn baton(answer: &Value) -> &str {
    answer["baton"].as_str().unwrap()
}

#[tokio::test]
async fn says_which_versions_it_speaks() {
    let bench = Bench::new().await;
    for (path, status) in [("/v2", 200), ("/v3", 200), ("/health", 200), ("/v4", 404), ("/v3/pipeline", 405)] {
        let answer = bench.client.get(format!("{}{path}", bench.server.url())).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
}

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
async fn every_kind_of_value_comes_back_as_it_was_sent() {
    let bench = Bench::new().await;
    let values = json!([
        { "type": "null" },
        { "type": "integer", "value": i64::MIN.to_string() },
        { "type": "integer", "value": i64::MAX.to_string() },
        { "type": "float", "value": 0.1 },
        { "type": "text", "value": "before\u{0}after, \u{1F980}" },
        { "type": "blob", "base64": "3q2+7w" },
    ]);
    let statement = json!({ "sql": "SELECT ?, ?, ?, ?, ?, ?", "args": values });
    let results = bench.once(json!([{ "type": "execute", "stmt": statement }])).await;
    assert_eq!(results[0]["response"]["result"]["rows"], json!([values]));

    let padded = json!({ "sql": "SELECT ?", "args": [{ "type": "blob", "base64": "3q2+7w==" }] });
    let results = bench.once(json!([{ "type": "execute", "stmt": padded }])).await;
    assert_eq!(results[0]["response"]["result"]["rows"][0][0], json!({ "type": "blob", "base64": "3q2+7w" }));
}

#[tokio::test]
async fn arguments_are_bound_by_position_or_name() {
    let bench = Bench::new().await;
    let named = json!([{ "name": "a", "value": integer(1) }, { "name": ":b", "value": integer(2) }]);
    let cases = [
        (json!({ "sql": "SELECT ?2, ?1", "args": [integer(1), integer(2)] }), Ok(json!([[integer(2), integer(1)]]))),
        (json!({ "sql": "SELECT $a, :b", "named_args": named }), Ok(json!([[integer(1), integer(2)]]))),
        (json!({ "sql": "SELECT ?", "args": [] }), Err("ARGS_INVALID")),
        (json!({ "sql": "SELECT ?", "args": [integer(1), integer(2)] }), Err("ARGS_INVALID")),
        (json!({ "sql": "SELECT :c", "named_args": [named[0]] }), Err("ARGS_INVALID")),
        (
            json!({ "sql": "SELECT ?, :b", "args": [integer(1)], "named_args": named }),
            Err("ARGS_BOTH_POSITIONAL_AND_NAMED"),
        ),
    ];
    for (statement, expected) in cases {
        let results = bench.once(json!([{ "type": "execute", "stmt": statement }])).await;
        match expected {
            Ok(rows) => assert_eq!(results[0]["response"]["result"]["rows"], rows, "{statement}"),
            Err(code) => assert_eq!(results[0]["error"]["code"], code, "{statement}"),
        }
    }
}

#[tokio::test]
async fn a_result_counts_and_describes_what_was_done() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)").await;
    let inserted = bench.execute("INSERT INTO t (name) VALUES ('a'), ('b')").await;
    assert_eq!(inserted["affected_row_count"], 2);
    assert_eq!(inserted["last_insert_rowid"], "2");
    assert_eq!(inserted["rows_written"], 2);
    assert_eq!(inserted["replication_index"], Value::Null);

    let selected = bench.execute("SELECT id, name, 1 AS one FROM t").await;
    let columns = json!([
        { "name": "id", "decltype": "INTEGER" },
        { "name": "name", "decltype": "TEXT" },
        { "name": "one", "decltype": null },
    ]);
    assert_eq!(selected["cols"], columns);
    assert_eq!(selected["affected_row_count"], 0);
    assert_eq!(selected["last_insert_rowid"], Value::Null);
    assert_eq!(selected["rows_read"], 2);
}

#[tokio::test]
async fn a_step_runs_when_its_condition_holds() {
    let bench = Bench::new().await;
    let ok = json!({ "type": "ok", "step": 0 });
    let failed = json!({ "type": "ok", "step": 1 });
    let conditions = [
        (ok.clone(), true),
        (failed.clone(), false),
        (json!({ "type": "ok", "step": 2 }), false),
        (json!({ "type": "error", "step": 0 }), false),
        (json!({ "type": "error", "step": 1 }), true),
        (json!({ "type": "not", "cond": failed }), true),
        (json!({ "type": "and", "conds": [ok, failed] }), false),
        (json!({ "type": "or", "conds": [ok, failed] }), true),
        (json!({ "type": "and", "conds": [] }), true),
        (json!({ "type": "or", "conds": [] }), false),
        (json!({ "type": "is_autocommit" }), true),
    ];
    for (condition, runs) in conditions {
        let steps = json!([
            step("SELECT 1", &Value::Null),
            step("SELECT * FROM nowhere", &Value::Null),
            step("SELECT 1", &json!({ "type": "error", "step": 0 })),
            step("SELECT 2", &condition),
        ]);
        let results = bench.once(json!([batch(&steps)])).await;
        let result = &results[0]["response"]["result"];
        assert_eq!(result["step_errors"][1]["code"], "SQLITE_UNKNOWN", "{result}");
        assert_eq!(result["step_results"][2], Value::Null);
        assert_eq!(result["step_results"][3].is_object(), runs, "{condition}");
    }
}

#[tokio::test]
async fn a_transaction_in_a_batch_is_all_or_nothing() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let ok = |step: usize| json!({ "type": "ok", "step": step });
    let otherwise = json!({ "type": "not", "cond": { "type": "ok", "step": 3 } });
    let steps = json!([
        step("BEGIN IMMEDIATE", &Value::Null),
        step("INSERT INTO t VALUES (1)", &ok(0)),
        step("INSERT INTO t VALUES (1)", &ok(1)),
        step("COMMIT", &ok(2)),
        step("ROLLBACK", &otherwise),
    ]);
    let results = bench.once(json!([batch(&steps)])).await;
    let result = &results[0]["response"]["result"];
    let error = json!({ "message": "SQLite error: UNIQUE constraint failed: t.id", "code": "SQLITE_CONSTRAINT" });
    assert_eq!(result["step_errors"], json!([null, null, error, null, null]));
    assert_eq!(bench.rows("SELECT count(*) FROM t").await[0][0], integer(0));
}

#[tokio::test]
async fn nothing_runs_of_a_batch_that_cannot_be_parsed() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let cases = [
        ("SELEC 1", "SQL_PARSE_ERROR"),
        ("", "SQL_NO_STATEMENT"),
        ("SELECT 1; SELECT 2", "SQL_MANY_STATEMENTS"),
        ("VACUUM", "SQL_PARSE_ERROR"),
        ("PRAGMA journal_mode = delete", "SQL_PARSE_ERROR"),
        ("CREATE TEMP TABLE u (x)", "SQL_PARSE_ERROR"),
    ];
    for (sql, code) in cases {
        let steps = json!([step("INSERT INTO t VALUES (NULL)", &Value::Null), step(sql, &Value::Null)]);
        let results = bench.once(json!([batch(&steps)])).await;
        assert_eq!(results[0]["error"]["code"], code, "{sql}");
    }
    assert_eq!(bench.rows("SELECT count(*) FROM t").await[0][0], integer(0));
}

#[tokio::test]
async fn a_condition_on_a_later_step_breaks_the_protocol() {
    let bench = Bench::new().await;
    let steps = json!([step("SELECT 1", &json!({ "type": "ok", "step": 0 }))]);
    let (status, answer) = bench.post("/v3/pipeline", &json!({ "baton": null, "requests": [batch(&steps)] })).await;
    assert_eq!((status, answer.as_str()), (400, "Invalid reference to step in a batch condition"));
    assert_eq!(bench.server.open_streams(), 0);
}

#[tokio::test]
async fn a_sequence_stops_at_the_first_error() {
    let bench = Bench::new().await;
    let sequence = |sql: &str| json!({ "type": "sequence", "sql": sql });
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)";
    let results = bench.once(json!([sequence(sql)])).await;
    assert_eq!(results[0]["response"]["type"], "sequence");
    let sql = "INSERT INTO t VALUES (3); INSERT INTO t VALUES (3); INSERT INTO t VALUES (4);";
    let results = bench.once(json!([sequence(sql)])).await;
    assert_eq!(results[0]["error"]["code"], "SQLITE_CONSTRAINT");
    assert_eq!(bench.rows("SELECT group_concat(id) FROM t").await[0][0]["value"], "1,2,3");
}

#[tokio::test]
async fn describe_tells_parameters_and_columns() {
    let bench = Bench::new().await;
    bench.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
    let describe = |sql: &str| json!({ "type": "describe", "sql": sql });
    let requests = json!([describe("SELECT id FROM t WHERE id > ?1 AND id < :b"), describe("DELETE FROM t")]);
    let results = bench.once(requests).await;
    let expected = json!({
        "params": [{ "name": "?1" }, { "name": ":b" }],
        "cols": [{ "name": "id", "decltype": "INTEGER" }],
        "is_explain": false,
        "is_readonly": true,
    });
    assert_eq!(results[0]["response"]["result"], expected);
    assert_eq!(results[1]["response"]["result"]["is_readonly"], false);
}

#[tokio::test]
async fn stored_sql_is_run_by_its_number() {
    let bench = Bench::new().await;
    let by_number = json!({ "type": "execute", "stmt": { "sql_id": 7 } });
    let store = json!({ "type": "store_sql", "sql_id": 7, "sql": "SELECT 42" });
    let results = bench.once(json!([store, by_number, { "type": "close_sql", "sql_id": 7 }])).await;
    assert_eq!(results[1]["response"]["result"]["rows"], json!([[integer(42)]]));

    let (status, answer) = bench.post("/v3/pipeline", &json!({ "baton": null, "requests": [by_number] })).await;
    assert_eq!((status, answer.as_str()), (400, "SQL text 7 not found"));
    let (status, answer) = bench.post("/v3/pipeline", &json!({ "baton": null, "requests": [store, store] })).await;
    assert_eq!((status, answer.as_str()), (400, "SQL text 7 already exists"));
}

#[tokio::test]
async fn version_two_knows_no_autocommit() {
    let bench = Bench::new().await;
    let body = json!({ "baton": null, "requests": [{ "type": "get_autocommit" }, { "type": "close" }] });
    let (status, answer) = bench.post("/v3/pipeline", &body).await;
    assert_eq!(status, 200);
    assert!(answer.contains(r#""is_autocommit":true"#), "{answer}");
    assert_eq!(bench.post("/v2/pipeline", &body).await.0, 400);
    let older = json!({ "baton": null, "requests": [execute("SELECT 1")] });
    assert_eq!(bench.post("/v2/pipeline", &older).await.0, 200);
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
async fn an_answer_over_ten_megabytes_is_refused() {
    let bench = Bench::new().await;
    let blob = |size: usize| execute(&format!("SELECT zeroblob({size})"));
    let results = bench.once(json!([blob(9_999_000), blob(10_000_000), blob(1)])).await;
    assert_eq!(results[0]["type"], "ok");
    assert_eq!(results[1]["error"], json!({ "message": "Response is too large", "code": "RESPONSE_TOO_LARGE" }));
    assert_eq!(results[2]["type"], "ok");

    let half = step("SELECT zeroblob(5000000)", &Value::Null);
    let results = bench.once(json!([batch(&json!([half, half]))])).await;
    assert_eq!(results[0]["error"]["code"], "RESPONSE_TOO_LARGE");
}

#[tokio::test]
async fn answers_being_made_share_a_limit() {
    let bench = Bench::with(|options| options.max_responses = 1_000).await;
    let results = bench.once(json!([execute("SELECT zeroblob(2000)"), execute("SELECT zeroblob(900)")])).await;
    assert_eq!(results[0]["error"]["code"], "RESPONSE_TOO_LARGE");
    assert_eq!(results[1]["type"], "ok", "what the first took was given back");
}

#[tokio::test]
async fn only_the_token_gets_in() {
    let bench = Bench::with(|options| options.token = Some("s3cret".into())).await;
    let body = json!({ "baton": null, "requests": [execute("SELECT 1"), { "type": "close" }] }).to_string();
    let cases = [
        (None, 401, "Expected authorization header but none given"),
        (Some("Basic s3cret"), 401, "not supported"),
        (Some("s3cret"), 401, "does not conform"),
        (Some("Bearer wrong"), 401, "The JWT is invalid"),
        (Some("Bearer s3cret"), 200, "results"),
    ];
    for (header, status, message) in cases {
        let mut request = bench.client.post(format!("{}/v3/pipeline", bench.server.url())).body(body.clone());
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{header:?}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(message) && !text.contains("s3cret"), "{text}");
    }
    assert!(!format!("{:?}", bench.server).contains("s3cret"));
}

#[tokio::test]
async fn answers_are_compressed_on_request() {
    let bench = Bench::new().await;
    let body = json!({ "baton": null, "requests": [execute("SELECT hex(zeroblob(10000))"), { "type": "close" }] });
    let client = reqwest::Client::builder().gzip(false).build().unwrap();
    let request = client.post(format!("{}/v3/pipeline", bench.server.url())).header("accept-encoding", "br, gzip;q=1");
    let compressed = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    assert!(compressed.bytes().await.unwrap().len() < 1_000);

    let (_, unpacked) = bench.post("/v3/pipeline", &body).await;
    assert!(unpacked.contains(&"0".repeat(20_000)));
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
