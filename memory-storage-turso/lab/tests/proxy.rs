//! The lab's proxy: what it counts, and every fault as a plain HTTP client sees it.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod lab;

use std::error::Error;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use memory_lab::{Clock, Close, Fault, Lab, LabOptions, Late, Point, Script};
use serde_json::{Value, json};

struct Bench {
    lab: Lab,
    client: reqwest::Client,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut LabOptions)) -> Self {
        let mut options = LabOptions::default();
        options.clock = Clock::manual();
        change(&mut options);
        let bench = Self { lab: Lab::start(options).await.unwrap(), client: lab::client().build().unwrap() };
        let created = bench.direct("CREATE TABLE t (id INTEGER PRIMARY KEY)").await;
        assert_eq!(created["results"][0]["type"], "ok", "{created}");
        bench
    }

    async fn send(&self, sql: &str) -> reqwest::Result<reqwest::Response> {
        self.client.post(format!("{}/v3/pipeline", self.lab.url())).body(pipeline(sql)).send().await
    }

    /// Sends a request whose answer may never come.
    fn spawn(&self, sql: &str) -> tokio::task::JoinHandle<reqwest::Result<String>> {
        let request = self.client.post(format!("{}/v3/pipeline", self.lab.url())).body(pipeline(sql));
        tokio::spawn(async move { request.send().await?.text().await })
    }

    /// The error of a request, whether it comes with the head or with the body.
    async fn failure(&self, sql: &str) -> reqwest::Error {
        match self.send(sql).await {
            Ok(answer) => answer.bytes().await.unwrap_err(),
            Err(error) => error,
        }
    }

    async fn status(&self) -> u16 {
        self.send("SELECT 1").await.unwrap().status().as_u16()
    }

    /// Around the proxy.
    async fn direct(&self, sql: &str) -> Value {
        let request = self.client.post(format!("{}/v3/pipeline", self.lab.server().url())).body(pipeline(sql));
        let answer = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// Which rows there are.
    async fn rows(&self) -> String {
        let answer = self.direct("SELECT coalesce(group_concat(id), '') FROM t").await;
        answer["results"][0]["response"]["result"]["rows"][0][0]["value"].as_str().unwrap().to_owned()
    }
}

fn pipeline(sql: &str) -> String {
    json!({ "baton": null, "requests": [{ "type": "execute", "stmt": { "sql": sql } }, { "type": "close" }] })
        .to_string()
}

/// The cause in the system, if there is one.
fn kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

#[tokio::test]
async fn counters_are_exact() {
    let bench = Bench::new().await;
    let body = pipeline("SELECT 1");
    for _ in 0..3 {
        bench.status().await;
    }
    let counters = bench.lab.counters();
    assert_eq!((counters.connections, counters.requests, counters.max_in_flight), (1, 3, 1));
    let heads = counters.bytes_up - 3 * body.len() as u64;
    assert_eq!(heads % 3, 0, "three equal requests");
    assert!(counters.bytes_down > 3 * 100);

    let before = counters;
    bench.status().await;
    let one = bench.lab.counters() - before;
    assert_eq!((one.connections, one.requests), (0, 1));
    assert_eq!(one.bytes_up, before.bytes_up / 3);
}

#[tokio::test]
async fn concurrent_requests_are_seen_to_overlap() {
    let bench = Bench::new().await;
    let held = bench.lab.hold();
    let requests = futures_of(8, &bench);
    let release = async {
        bench.lab.in_flight_reached(8).await;
        drop(held);
    };
    let (answers, ()) = tokio::join!(requests, release);
    assert_eq!(answers, [200; 8]);
    let counters = bench.lab.counters();
    assert_eq!((counters.connections, counters.requests, counters.max_in_flight), (8, 8, 8));

    bench.lab.proxy().reset_counters();
    bench.status().await;
    assert_eq!(bench.lab.counters().max_in_flight, 1);
}

async fn futures_of(count: usize, bench: &Bench) -> Vec<u16> {
    let url = format!("{}/v3/pipeline", bench.lab.url());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let request = bench.client.post(&url).body(pipeline("SELECT 1"));
        tasks.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn a_request_costs_a_round_trip_and_a_connection_one_more_and_tls_the_rest() {
    let rtt = Duration::from_millis(20);
    let bench = Bench::with(|options| {
        options.rtt = rtt;
        options.tls_rtts = 2;
    })
    .await;
    let start = Instant::now();
    bench.status().await;
    assert!(start.elapsed() >= rtt * 4, "{:?}", start.elapsed());
    let start = Instant::now();
    bench.status().await;
    assert!(start.elapsed() >= rtt, "{:?}", start.elapsed());
    assert_eq!(bench.lab.counters().connections, 1);
}

#[tokio::test]
async fn bytes_take_their_time() {
    let bench = Bench::with(|options| options.bandwidth = Some(1_000_000)).await;
    let start = Instant::now();
    bench.send(&format!("SELECT 1 -- {}", "x".repeat(20_000))).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn steps_of_a_script_are_used_up_one_a_request() {
    let bench = Bench::new().await;
    bench.lab.script([None, Some(Fault::status(503)), None]);
    let statuses = [bench.status().await, bench.status().await, bench.status().await, bench.status().await];
    assert_eq!(statuses, [200, 503, 200, 200]);
    assert_eq!(bench.lab.proxy().steps_left(), 0);
}

#[tokio::test]
async fn a_rule_applies_to_what_it_matches() {
    let bench = Bench::new().await;
    let script = Script::new().on_path("/v3", Fault::status(504)).at(2, Fault::status(502));
    bench.lab.script(script.when(|seen| seen.body.ends_with(b"}") && seen.index == 3, Fault::status(500)));
    let index = bench.client.get(format!("{}/v3", bench.lab.url()));
    assert_eq!(index.send().await.unwrap().status(), 504);
    let statuses = [bench.status().await, bench.status().await, bench.status().await, bench.status().await];
    assert_eq!(statuses, [200, 502, 500, 200]);
}

#[tokio::test]
async fn a_status_is_answered_without_the_server() {
    let bench = Bench::new().await;
    for status in [401, 403, 404, 413, 429, 500, 502, 503, 504] {
        bench.lab.script(Fault::status(status).retry_after(7));
        let answer = bench.send("INSERT INTO t VALUES (1)").await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["retry-after"], "7");
        assert!(answer.text().await.unwrap().contains("error"));
    }
    assert_eq!(bench.rows().await, "");
    assert_eq!(bench.lab.counters().connections, 1, "an error is no reason to close the connection");
}

#[tokio::test]
async fn an_error_may_have_been_applied_all_the_same() {
    let bench = Bench::new().await;
    bench.lab.script(Fault::status(502).applied());
    assert_eq!(bench.send("INSERT INTO t VALUES (1)").await.unwrap().status(), 502);
    assert_eq!(bench.rows().await, "1");
}

#[tokio::test]
async fn bodies_can_be_anything() {
    let bench = Bench::new().await;
    let cases = [
        (Fault::html(200), 200, "<!DOCTYPE html>"),
        (Fault::truncated_json(), 200, r#"{"baton":null"#),
        (
            Fault::foreign_base_url("http://elsewhere:1"),
            200,
            r#"{"baton":null,"base_url":"http://elsewhere:1","results""#,
        ),
        (Fault::status(500).body("made up"), 500, "made up"),
    ];
    for (fault, status, start) in cases {
        bench.lab.script(fault);
        let answer = bench.send("SELECT 1").await.unwrap();
        assert_eq!(answer.status(), status);
        let body = answer.text().await.unwrap();
        assert!(body.starts_with(start), "{body}");
    }

    bench.lab.script([Some(Fault::truncated_json()), Some(Fault::not_utf8()), Some(Fault::giant(3_000_000))]);
    let body = bench.send("SELECT 1").await.unwrap().bytes().await.unwrap();
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    let body = bench.send("SELECT 1").await.unwrap().bytes().await.unwrap();
    assert!(std::str::from_utf8(&body).is_err());
    let body = bench.send("SELECT 1").await.unwrap().bytes().await.unwrap();
    assert_eq!(body.len(), 3_000_000);
}

#[tokio::test]
async fn a_refused_connection_is_reset_before_it_is_used() {
    let bench = Bench::new().await;
    bench.lab.script(Fault::refuse());
    // Which error it is depends on how far the client has come.
    bench.failure("INSERT INTO t VALUES (1)").await;
    let counters = bench.lab.counters();
    assert_eq!((counters.connections, counters.requests), (1, 0));
    assert_eq!(bench.status().await, 200);
    assert_eq!(bench.rows().await, "");
}

#[tokio::test]
async fn nobody_listens_while_the_proxy_is_down() {
    let bench = Bench::new().await;
    assert_eq!(bench.status().await, 200);
    bench.lab.proxy().go_down().await;
    let error = bench.failure("SELECT 1").await;
    assert!(error.is_connect(), "{error:?}");
    assert_eq!(kind(&error), Some(ErrorKind::ConnectionRefused), "{error:?}");
    bench.lab.proxy().come_up().await.unwrap();
    assert_eq!(bench.status().await, 200);
}

#[tokio::test]
async fn a_connection_is_closed_at_any_point_in_order_or_not() {
    let bench = Bench::new().await;
    let points = [Point::BeforeHead, Point::InHead, Point::InBody];
    let cuts = points.into_iter().flat_map(|point| [(point, Close::Fin), (point, Close::Rst)]);
    for (id, (point, close)) in cuts.enumerate() {
        bench.lab.script(Fault::cut(point, close));
        let error = bench.failure(&format!("INSERT INTO t VALUES ({id})")).await;
        let reset = kind(&error) == Some(ErrorKind::ConnectionReset);
        assert_eq!(reset, close == Close::Rst, "{point:?} {close:?}: {error:?}");
        assert!(error.is_request() || error.is_body() || error.is_decode(), "{error:?}");
    }
    assert_eq!(bench.rows().await, "0,1,2,3,4,5", "all of them were applied");

    bench.lab.script([Some(Fault::fin()), Some(Fault::rst())]);
    bench.failure("INSERT INTO t VALUES (6)").await;
    bench.failure("INSERT INTO t VALUES (7)").await;
    assert_eq!(bench.rows().await, "0,1,2,3,4,5", "neither of the two was");
}

#[tokio::test]
async fn an_answer_hangs_until_the_client_gives_up() {
    let bench = Bench::new().await;
    let cases = [
        (Fault::hang(Point::BeforeHead), ""),
        (Fault::hang(Point::BeforeHead).applied(), "1"),
        (Fault::hang(Point::InHead), "1,2"),
        (Fault::hang(Point::InBody), "1,2,3"),
        (Fault::hang(Point::InBody).unapplied(), "1,2,3"),
    ];
    for (fault, rows) in cases {
        bench.lab.script(fault.clone());
        let waiting = bench.spawn("INSERT INTO t SELECT 1 + count(*) FROM t");
        bench.lab.in_flight_reached(1).await;
        while bench.rows().await != rows {}
        assert!(!waiting.is_finished(), "{fault:?}");
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled(), "{fault:?}");
        bench.lab.in_flight_fell_to(0).await;
    }
}

#[tokio::test]
async fn an_answer_can_trickle() {
    let bench = Bench::new().await;
    bench.lab.script(Fault::trickle(Duration::from_micros(1)));
    let answer = bench.send("SELECT 1").await.unwrap().bytes().await.unwrap();
    serde_json::from_slice::<Value>(&answer).unwrap();

    bench.lab.script(Fault::one_byte_a_second());
    let request = bench.client.post(format!("{}/v3/pipeline", bench.lab.url())).body(pipeline("SELECT 1"));
    assert!(request.timeout(Duration::from_millis(50)).send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_lost_answer_is_that_of_an_applied_request() {
    let bench = Bench::new().await;
    bench.lab.script(Fault::answer_lost());
    let error = bench.failure("INSERT INTO t VALUES (1)").await;
    assert_eq!(kind(&error), Some(ErrorKind::ConnectionReset), "{error:?}");
    assert_eq!(bench.rows().await, "1");
}

#[tokio::test]
async fn a_late_request_arrives_when_it_is_released() {
    let bench = Bench::new().await;
    bench.lab.script(Fault::applied_late(Late::OnRelease));
    bench.failure("INSERT INTO t VALUES (1)").await;
    bench.send("INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(bench.rows().await, "2");
    assert_eq!(bench.lab.proxy().late_requests(), 1);

    let answers = bench.lab.release_late().await;
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].status, 200);
    assert!(String::from_utf8_lossy(&answers[0].body).contains(r#""affected_row_count":1"#));
    assert_eq!(bench.rows().await, "1,2");
}

#[tokio::test]
async fn a_late_request_arrives_after_its_own_retry() {
    let bench = Bench::new().await;
    bench.lab.script(Fault::applied_late(Late::AfterNext));
    let insert = "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET id = id + 1";
    bench.failure(insert).await;
    let retried = bench.send(insert).await.unwrap();
    // It had no conflict, so it was first, and the other one found it there.
    assert!(retried.text().await.unwrap().contains(r#""last_insert_rowid":"1""#));
    assert_eq!(bench.rows().await, "2");
    assert_eq!(bench.lab.release_late().await.len(), 1, "its answer was kept");
}

#[tokio::test]
async fn a_late_request_may_leave_its_client_waiting() {
    let bench = Bench::new().await;
    bench.lab.script(Fault::applied_late(Late::OnRelease).hanging());
    let waiting = bench.spawn("INSERT INTO t VALUES (1)");
    while bench.lab.proxy().late_requests() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished());
    assert_eq!(bench.rows().await, "");
    bench.lab.release_late().await;
    assert_eq!(bench.rows().await, "1");
}

#[tokio::test]
async fn cursors_pass_through() {
    let bench = Bench::new().await;
    let body = json!({ "baton": null, "batch": { "steps": [{ "stmt": { "sql": "SELECT 1 UNION ALL SELECT 2" } }] } });
    let request = bench.client.post(format!("{}/v3/cursor", bench.lab.url())).body(body.to_string());
    assert_eq!(request.send().await.unwrap().text().await.unwrap().lines().count(), 6);
    assert_eq!(bench.status().await, 200);
    assert_eq!(bench.lab.counters().connections, 1);
}

#[tokio::test]
async fn http_2_passes_through_uncounted() {
    let bench = Bench::with(|options| options.rtt = Duration::from_millis(10)).await;
    bench.lab.script(Fault::status(503));
    let client = lab::client().http2_prior_knowledge().build().unwrap();
    let start = Instant::now();
    let answer = client.post(format!("{}/v3/pipeline", bench.lab.url())).body(pipeline("SELECT 1")).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    assert!(start.elapsed() >= Duration::from_millis(20));
    let counters = bench.lab.counters();
    assert_eq!((counters.connections, counters.requests), (1, 0));
    assert!(counters.bytes_up > 0 && counters.bytes_down > 0);
}

#[tokio::test]
async fn a_lab_that_was_stopped_is_gone() {
    let bench = Bench::new().await;
    bench.status().await;
    let (url, database) = (bench.lab.url(), bench.lab.database().to_owned());
    assert!(database.exists());
    bench.lab.stop().await;
    assert!(!database.exists());
    assert!(bench.client.get(url).send().await.unwrap_err().is_connect());
}
