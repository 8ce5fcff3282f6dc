//! The token goes to the server it is meant for, and nowhere else.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "world/answers.rs"]
mod answers;
#[path = "world/record.rs"]
mod record;
#[allow(dead_code, reason = "the faults alone are of interest here")]
#[path = "faults/table.rs"]
mod table;
mod world;

use std::error::Error as _;
use std::fmt::Debug;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use answers::{Answers, answer};
use memory_core::{Error, MemoryStorage, Result, Store};
use memory_lab::{Fault, Lab, LabOptions, Script, Token};
use memory_storage_turso::{TursoBuilder, TursoStorage};
use table::Trouble;
use tokio::time::timeout;
use world::{GUARD, World, brisk, episode, hasty, opened, seed};

const CANARY: &str = "canary-0c93f1b7e2";

/// A lab that asks for the canary.
async fn guarded() -> Lab {
    record::start();
    let mut options = LabOptions::default();
    options.token = Some(Token::from(CANARY));
    let lab = Lab::start(options).await.unwrap();
    let storage = TursoStorage::new(lab.server().url(), CANARY).await.unwrap();
    storage.initialize_schema().await.unwrap();
    lab
}

fn silent(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
}

/// Neither the error nor any of its sources shows the token.
fn shows_nothing(error: &Error) {
    silent(&format!("{error} {error:?} {error:#?}"));
    let mut source = error.source();
    while let Some(error) = source {
        silent(&format!("{error} {error:?}"));
        source = error.source();
    }
}

fn prints_nothing(value: &impl Debug) {
    silent(&format!("{value:?} {value:#?}"));
}

/// One call of each sort, whatever becomes of it.
async fn calls(storage: &TursoStorage) {
    let stored = episode("web", "1");
    let put = timeout(GUARD, storage.put(std::slice::from_ref(&stored))).await.unwrap();
    let get = timeout(GUARD, storage.get(&[stored.id])).await.unwrap();
    put.as_ref().err().into_iter().chain(get.as_ref().err()).for_each(shows_nothing);
}

#[tokio::test]
async fn the_token_shows_nowhere_whatever_happens() {
    fastrand::seed(seed());
    let lab = guarded().await;
    prints_nothing(&TursoStorage::builder().token_provider(|| async { Ok(CANARY.to_owned()) }));
    for row in table::rows().into_iter().filter(|row| !row.is_costly()) {
        lab.script(Script::new());
        let storage = hasty(1).remote(lab.url(), CANARY).await;
        let Ok(storage) = storage else { continue };
        prints_nothing(&storage);
        lab.script(row.script(false));
        if matches!(row.trouble, Trouble::Down) {
            lab.proxy().go_down().await;
        }
        calls(&storage).await;
        if let Err(error) = hasty(1).remote(lab.url(), CANARY).await {
            shows_nothing(&error);
        }
        if matches!(row.trouble, Trouble::Down) {
            lab.proxy().come_up().await.unwrap();
        }
    }
    lab.script(Script::new());
    for wrong in ["another-token", "", "no\ntoken", "n\u{f6} token"] {
        if let Err(error) = hasty(1).remote(lab.url(), wrong).await {
            shows_nothing(&error);
        }
    }
    let said = record::lines();
    assert!(said.contains("connect"), "the record is empty: {said}");
    silent(&said);
}

#[tokio::test]
async fn a_token_that_the_server_repeats_is_not_repeated() {
    let lab = guarded().await;
    let batch = |error: &str, result: &str| {
        format!(r#"{{"baton":null,"base_url":null,"results":[{{"type":"error","error":{error}}}{result}]}}"#)
    };
    let error = format!(r#"{{"message":"who is {CANARY}?","code":"SQLITE_{CANARY}"}}"#);
    let step = format!(
        r#"{{"baton":null,"base_url":null,"results":[{{"type":"ok","response":{{"type":"batch","result":
            {{"step_results":[null],"step_errors":[{error}]}}}}}}]}}"#
    );
    let bodies = [
        format!(r#"{{"error":"unknown: Bearer {CANARY}"}}"#),
        format!("<p>{CANARY}</p>"),
        batch(&error, ""),
        step,
        format!(r#"{{"results":"{CANARY}"}}"#),
        format!(r#"{{"results":[{{"type":"{CANARY}"}}]}}"#),
    ];
    for status in [200, 302, 400, 401, 403, 404, 413, 429, 500, 503] {
        for body in &bodies {
            lab.script(Script::new());
            let storage = brisk().remote(lab.url(), CANARY).await.unwrap();
            lab.script(Script::new().when(|_| true, Fault::status(status).body(body.clone())));
            assert!(storage.put(&[episode("web", "1")]).await.is_err());
            calls(&storage).await;
        }
    }
    silent(&record::lines());
}

#[tokio::test]
async fn a_host_that_the_server_names_is_not_asked() {
    let (lab, elsewhere) = (guarded().await, guarded().await);
    lab.script(Script::new().when(|_| true, Fault::foreign_base_url(elsewhere.url())));
    let storage = TursoStorage::new(lab.url(), CANARY).await.unwrap();
    storage.put(&[episode("web", "1")]).await.unwrap();
    storage.health().await.unwrap();
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("{}/v3/pipeline", elsewhere.url());
        let headers = [("location", location.as_str()), ("refresh", &format!("0; url={location}"))];
        let server = Answers::with(answer(status, &headers, b"")).await;
        let error = TursoStorage::new(&server.url, CANARY).await.unwrap_err();
        assert!(matches!(error, Error::Misconfigured { .. }), "{error:?}");
        shows_nothing(&error);
        assert_eq!(server.requests(), 1);
    }
    assert_eq!(elsewhere.counters().connections, 0);
}

#[tokio::test]
async fn a_token_is_refused_over_plain_http_to_another_machine() {
    record::start();
    let provider = || TursoStorage::builder().token_provider(|| async { Ok(CANARY.to_owned()) });
    for url in ["http://192.0.2.1", "http://127.0.0.1.example.com", "http://[2001:db8::1]:8080", "http://0.0.0.0:1"] {
        let refused = [TursoStorage::new(url, CANARY).await, provider().remote(url, "").await];
        for result in refused {
            let error = result.unwrap_err();
            assert!(matches!(&error, Error::InvalidInput { field, .. } if field == "url"), "{error:?}");
            shows_nothing(&error);
        }
    }
    silent(&record::lines());
}

/// Who calls this with the addresses in the environment is the test below.
#[tokio::test]
async fn a_call_with_a_proxy_in_the_environment() {
    let Ok(url) = std::env::var("MEMORY_TEST_LOOPBACK") else { return };
    let storage = TursoStorage::new(&url, CANARY).await.unwrap();
    storage.put(&[episode("web", "1")]).await.unwrap();
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_shown_what_stays_on_this_machine() {
    let (lab, proxy) = (guarded().await, guarded().await);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_call_with_a_proxy_in_the_environment"]).env("MEMORY_TEST_LOOPBACK", lab.url());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, proxy.url());
    }
    let before = lab.counters().requests;
    let done = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!((lab.counters().requests - before, proxy.counters().connections), (2, 0));
}

/// A builder whose provider gives the token number `n` to the caller number `n`.
fn counting(asked: &Arc<AtomicU64>) -> TursoBuilder {
    let asked = Arc::clone(asked);
    brisk().token_provider(move || {
        let count = asked.fetch_add(1, Ordering::Relaxed);
        async move { Ok(if count < 3 { format!("old-token-{count}") } else { CANARY.to_owned() }) }
    })
}

#[tokio::test]
async fn a_token_is_asked_for_before_every_request_and_may_change() {
    let lab = guarded().await;
    let asked = Arc::<AtomicU64>::default();
    for count in 1..=3 {
        let error = counting(&asked).remote(lab.url(), "").await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
        assert_eq!(asked.load(Ordering::Relaxed), count);
    }
    let storage = counting(&asked).remote(lab.url(), "").await.unwrap();
    // A retry asks anew.
    lab.script(Fault::status(503));
    storage.put(&[episode("web", "1")]).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 6);
    assert_eq!(storage.network_stats().requests, 3);
}

#[tokio::test]
async fn the_error_of_who_provides_the_token_is_the_calls_own() {
    let lab = guarded().await;
    let before = lab.counters().requests;
    let provider = || async { Result::<String>::Err(Error::unsupported("open the vault", "it is sealed")) };
    let error = brisk().token_provider(provider).remote(lab.url(), "").await.unwrap_err();
    assert_eq!(error.to_string(), "open the vault: unsupported: it is sealed");
    assert_eq!(lab.counters().requests, before);
}

#[tokio::test]
async fn a_write_that_waits_for_its_token_for_too_long_is_not_in_doubt() {
    let world = World::new().await;
    // None until the storage is open.
    let (is_open, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let builder = || {
        let (is_open, asked) = (Arc::clone(&is_open), Arc::clone(&asked));
        hasty(1).deadline(GUARD).token_provider(move || {
            let is_open = is_open.load(Ordering::Relaxed);
            asked.fetch_add(u64::from(is_open), Ordering::Relaxed);
            async move { if is_open { std::future::pending().await } else { Ok(String::new()) } }
        })
    };
    let storage = opened(builder, &world.lab.url()).await;
    is_open.store(true, Ordering::Relaxed);
    let error = timeout(GUARD, storage.put(&[episode("web", "1")])).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(asked.load(Ordering::Relaxed) > 1, "an attempt that did not leave is made again");
}
