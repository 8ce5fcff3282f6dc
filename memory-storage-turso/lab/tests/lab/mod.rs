//! A server to itself for every test, and the words to talk to it.

#![allow(dead_code, unreachable_pub, reason = "every test program compiles this file, and none uses all of it")]

use memory_lab::{Clock, Server, ServerOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Bench {
    pub server: Server,
    pub clock: Clock,
    pub client: reqwest::Client,
    pub directory: TempDir,
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut options = ServerOptions::new(directory.path().join("lab.db"));
        options.clock = Clock::manual();
        change(&mut options);
        let clock = options.clock.clone();
        let server = Server::start(options).await.unwrap();
        Self { server, clock, client: client().build().unwrap(), directory }
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.server.url())).body(body.to_string());
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn pipeline(&self, baton: Option<&str>, requests: &Value) -> Value {
        let body = json!({ "baton": baton, "requests": requests });
        let (status, answer) = self.post("/v3/pipeline", &body).await;
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// Runs the requests on a stream of their own and returns their results.
    pub async fn once(&self, requests: Value) -> Vec<Value> {
        let mut requests = requests.as_array().unwrap().clone();
        requests.push(json!({ "type": "close" }));
        let answer = self.pipeline(None, &Value::Array(requests)).await;
        assert_eq!(answer["baton"], Value::Null);
        let mut results = answer["results"].as_array().unwrap().clone();
        assert_eq!(results.pop().unwrap()["response"]["type"], "close");
        results
    }

    /// Runs one statement and returns its result.
    pub async fn execute(&self, sql: &str) -> Value {
        let mut results = self.once(json!([execute(sql)])).await;
        let result = results.remove(0);
        assert_eq!(result["type"], "ok", "{sql}: {result}");
        result["response"]["result"].clone()
    }

    pub async fn rows(&self, sql: &str) -> Value {
        self.execute(sql).await["rows"].clone()
    }
}

/// A plain client. reqwest wants to know whose cryptography it would use, were
/// there any TLS.
pub fn client() -> reqwest::ClientBuilder {
    // Another test may have said so already.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
}

pub fn execute(sql: &str) -> Value {
    json!({ "type": "execute", "stmt": { "sql": sql } })
}

pub fn batch(steps: &Value) -> Value {
    json!({ "type": "batch", "batch": { "steps": steps } })
}

/// A step of a batch; a condition of null is none.
pub fn step(sql: &str, condition: &Value) -> Value {
    json!({ "stmt": { "sql": sql }, "condition": condition })
}

pub fn integer(value: i64) -> Value {
    json!({ "type": "integer", "value": value.to_string() })
}

pub fn baton(answer: &Value) -> &str {
    answer["baton"].as_str().unwrap()
}
