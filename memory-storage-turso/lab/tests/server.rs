//! The lab's server, in the words of the protocol: requests and their answers.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod lab;

use lab::{Bench, batch, execute, integer, step};
use serde_json::{Value, json};

#[tokio::test]
async fn says_which_versions_it_speaks() {
    let bench = Bench::new().await;
    for (path, status) in [("/v2", 200), ("/v3", 200), ("/health", 200), ("/v4", 404), ("/v3/pipeline", 405)] {
        let answer = bench.client.get(format!("{}{path}", bench.server.url())).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
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
async fn an_answer_over_ten_megabytes_is_refused() {
    let bench = Bench::new().await;
    // Three values, since one alone has a limit of 5 MB.
    let blob = |size: usize| execute(&format!("SELECT {0}, {0}, {0}", format!("zeroblob({})", size / 3)));
    let results = bench.once(json!([blob(9_999_000), blob(10_000_000), blob(1)])).await;
    assert_eq!(results[0]["type"], "ok");
    assert_eq!(results[1]["error"], json!({ "message": "Response is too large", "code": "RESPONSE_TOO_LARGE" }));
    assert_eq!(results[2]["type"], "ok");

    let half = step("SELECT zeroblob(2500000), zeroblob(2500000)", &Value::Null);
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
    let client = lab::client().gzip(false).build().unwrap();
    let request = client.post(format!("{}/v3/pipeline", bench.server.url())).header("accept-encoding", "br, gzip;q=1");
    let compressed = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    assert!(compressed.bytes().await.unwrap().len() < 1_000);

    let (_, unpacked) = bench.post("/v3/pipeline", &body).await;
    assert!(unpacked.contains(&"0".repeat(20_000)));
}

/// A value, whether it is sent or made, and a row of a table or an index.
#[tokio::test]
async fn values_and_rows_have_a_limit() {
    let bench = Bench::with(|options| options.max_row_size = 10_000).await;
    bench.execute("CREATE TABLE t (a, b)").await;
    bench.execute("CREATE INDEX i ON t (a || b)").await;
    let text = |bytes: usize| json!({ "type": "text", "value": "x".repeat(bytes) });
    let run = async |sql: &str, args: Value| {
        bench.once(json!([{ "type": "execute", "stmt": { "sql": sql, "args": args } }])).await.remove(0)
    };
    for (sql, args, works) in [
        ("SELECT ?", json!([text(10_000)]), true),
        ("SELECT ?", json!([text(10_001)]), false),
        ("SELECT ? || 'x'", json!([text(10_000)]), false),
        ("SELECT replace(hex(zeroblob(2500)), '0', 'xy')", json!([]), true),
        ("SELECT replace(hex(zeroblob(2501)), '0', 'xy')", json!([]), false),
        ("INSERT INTO t VALUES (?, ?)", json!([text(4_000), text(4_000)]), true),
        ("INSERT INTO t VALUES (?, ?)", json!([text(6_000), text(4_000)]), false),
    ] {
        let result = run(sql, args).await;
        if works {
            assert_eq!(result["type"], "ok", "{sql}: {result}");
        } else {
            let message = result["error"]["message"].as_str().unwrap();
            assert!(message.contains("string or blob too big"), "{sql}: {message}");
        }
    }
}
