//! The conformance suite across a network: through the lab, or with
//! `MEMORY_TEST_URL` (and `MEMORY_TEST_TOKEN`) against any Hrana 3 server with
//! a database that holds nothing else.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::cell::RefCell;
use std::time::Duration;

use memory_conformance::{self as conformance, Suite};
use memory_core::{Error, Result};
use memory_lab::{Lab, LabOptions};
use memory_storage_turso::{BatchConfig, TursoBuilder, TursoStorage};

async fn conforms(builder: impl Fn() -> TursoBuilder, prefix: &str) {
    // Each case's lab lives until the next one begins.
    let labs = RefCell::new(None);
    let open = async || {
        let lab = Lab::start(LabOptions::default()).await.unwrap();
        let storage = builder().remote(lab.url(), "").await?;
        labs.replace(Some(lab));
        storage.initialize_schema().await?;
        Ok(storage)
    };
    // The longest cases take seconds, and on a slow machine minutes.
    Suite::new(open).guard(Duration::from_secs(600)).only(prefix).run().await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_conforms() {
    match std::env::var("MEMORY_TEST_URL") {
        Ok(url) => {
            let token = std::env::var("MEMORY_TEST_TOKEN").unwrap_or_default();
            refuse_foreign_tables(&url, &token).await;
            let open = async || {
                let storage = TursoStorage::new(&url, &token).await?;
                storage.initialize_schema().await?;
                conformance::clear(&storage).await?;
                Ok(storage)
            };
            conformance::run(open).await.assert_passed();
            conformance::clear(&open().await.unwrap()).await.unwrap();
        }
        Err(_) => conforms(TursoStorage::builder, "").await,
    }
}

/// Reads and statements in many small pieces mean the same as whole ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_answers_and_small_statements_change_nothing() {
    let builder = || {
        let batch = BatchConfig { batch_size: 2, ..BatchConfig::default() };
        TursoStorage::builder().batch(batch).max_response(2000).index_metadata("session").index_metadata("a.b")
    };
    for prefix in ["get", "put", "commit", "generated_records", "pages"] {
        conforms(builder, prefix).await;
    }
}

/// Tables that are not this library's, at a server named by the environment.
async fn refuse_foreign_tables(url: &str, token: &str) {
    let tables = foreign_tables(url, token).await.unwrap();
    assert!(tables.is_empty(), "the database at MEMORY_TEST_URL holds tables of somebody else: {tables:?}");
}

async fn foreign_tables(url: &str, token: &str) -> Result<Vec<String>> {
    let ours = ["episodes", "patterns", "heuristics", "memory_writes", "memory_schema"];
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
               AND name NOT LIKE 'libsql_%' AND name NOT LIKE '_litestream%'";
    let requests = serde_json::json!([{ "type": "execute", "stmt": { "sql": sql } }, { "type": "close" }]);
    let url = format!("{}/v3/pipeline", url.replacen("libsql://", "https://", 1).trim_end_matches('/'));
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut request = reqwest::Client::new().post(url).body(serde_json::json!({ "requests": requests }).to_string());
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    let failed = |error: reqwest::Error| Error::backend("libsql", "list the tables", error.without_url());
    let answer = request.send().await.map_err(failed)?.text().await.map_err(failed)?;
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let rows = answer["results"][0]["response"]["result"]["rows"].as_array().expect("rows").clone();
    let names = rows.iter().map(|row| row[0]["value"].as_str().expect("a name").to_owned());
    Ok(names.filter(|name| !ours.contains(&name.as_str())).collect())
}

#[tokio::test]
async fn a_database_of_somebody_else_is_refused() {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let storage = TursoStorage::new(lab.url(), "").await.unwrap();
    storage.initialize_schema().await.unwrap();
    assert_eq!(foreign_tables(&lab.url(), "").await.unwrap(), Vec::<String>::new());
    let connection = libsql::Builder::new_local(lab.database()).build().await.unwrap().connect().unwrap();
    connection.execute("CREATE TABLE invoices (id)", ()).await.unwrap();
    assert_eq!(foreign_tables(&lab.url(), "").await.unwrap(), ["invoices"]);
}
