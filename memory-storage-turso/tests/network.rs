//! Every error of the network: whether it is retried, what it says, and that it
//! names the host and keeps its source.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "world/answers.rs"]
mod answers;
#[path = "network/peer.rs"]
mod peer;
mod world;

use std::error::Error as _;
use std::process::Command;

use answers::{Answers, answer};
use memory_core::{Error, Store};
use memory_lab::{Fault, Script};
use memory_storage_turso::TursoStorage;
use peer::{Authority, Peer};
use tokio::net::TcpListener;
use world::{World, brisk, episode, hasty, kind};

/// The expectations on an error.
#[derive(Clone, Copy, Debug)]
struct Expected {
    kind: world::Kind,
    /// A part of the text.
    says: &'static str,
}

const fn permanent(says: &'static str) -> Expected {
    Expected { kind: world::Kind::Misconfigured, says }
}

const fn transient(says: &'static str) -> Expected {
    Expected { kind: world::Kind::Unavailable, says }
}

impl Expected {
    /// The attempts of a storage that tries again three times.
    const fn attempts(&self) -> u64 {
        if matches!(self.kind, world::Kind::Unavailable) { 4 } else { 1 }
    }

    /// Holds an error against it that came from `url`.
    #[track_caller]
    fn check(&self, url: &str, error: &Error) {
        let text = error.to_string();
        assert_eq!(kind(error), self.kind, "{error:?}");
        assert_eq!(error.is_transient(), matches!(self.kind, world::Kind::Unavailable), "{error:?}");
        assert!(text.contains(self.says), "{text}");
        let host = url.split("://").nth(1).unwrap();
        assert!(text.contains(&format!(": {host}: ")), "{text} does not name {host}");
    }
}

/// Opens a storage that tries again at once, which fails.
async fn refusal(url: &str) -> Error {
    brisk().remote(url, "").await.unwrap_err()
}

/// The name of the authority that the child process trusts.
const TRUSTED: &str = "trusted";

/// The child process trusts the authority in its environment, and no other.
#[tokio::test]
async fn certificates_and_tls() {
    let Ok(folder) = std::env::var("MEMORY_TEST_AUTHORITY") else { return };
    let authority = Authority::load(TRUSTED, folder.as_ref());
    let trusted = Peer::tls(authority.certificate("localhost", 2020, 2120)).await;
    TursoStorage::new(trusted.url("https"), "").await.unwrap();
    // The only attempt that a peer sees of one that is not made again.
    let stranger = Authority::new("a stranger");
    let rows = [
        (Peer::tls(stranger.certificate("localhost", 2020, 2120)).await, permanent("does not trust")),
        (Peer::tls(authority.certificate("localhost", 2020, 2021)).await, permanent("has expired")),
        (Peer::tls(authority.certificate("localhost", 2119, 2120)).await, permanent("not valid yet")),
        (Peer::tls(authority.certificate("db.example.com", 2020, 2120)).await, permanent("for another name")),
        (Peer::saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await, permanent("use `http://`")),
        // Alerts: handshake_failure, unrecognized_name, internal_error.
        (Peer::saying(b"\x15\x03\x03\0\x02\x02\x28").await, permanent("refused the TLS connection")),
        (Peer::saying(b"\x15\x03\x03\0\x02\x02\x70").await, permanent("refused the TLS connection")),
        (Peer::saying(b"\x15\x03\x03\0\x02\x02\x50").await, transient("ended the TLS connection")),
        (Peer::saying(b"").await, transient("TLS")),
    ];
    for (peer, expected) in rows {
        let error = refusal(&peer.url("https")).await;
        expected.check(&peer.url("https"), &error);
        assert!(error.source().is_some(), "{error:?}");
        assert_eq!(peer.connections(), expected.attempts(), "{error:?}");
    }
    // REFUSED_STREAM, HTTP_1_1_REQUIRED, INTERNAL_ERROR.
    for (code, expected) in
        [(0x7, transient("refused the request")), (0xd, permanent("HTTP/1.1")), (0x2, transient("HTTP/2"))]
    {
        let peer = Peer::resetting(authority.certificate("localhost", 2020, 2120), code).await;
        expected.check(&peer.url("https"), &refusal(&peer.url("https")).await);
    }
    // The other way round.
    let expected = permanent("use `https://`");
    expected.check(&trusted.url("http"), &refusal(&trusted.url("http")).await);
}

/// There is no file of authorities in the environment.
#[tokio::test]
async fn a_machine_without_authorities() {
    if std::env::var("MEMORY_TEST_NO_AUTHORITY").is_err() {
        return;
    }
    let error = TursoStorage::new("https://localhost:1", "").await.unwrap_err();
    assert_eq!(kind(&error), world::Kind::Misconfigured, "{error:?}");
    assert!(error.to_string().contains("SSL_CERT_FILE") && error.source().is_some(), "{error:?}");
}

/// Runs one of the tests above in a process of its own.
async fn child(test: &str, environment: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).envs(environment.iter().copied()).env_remove("SSL_CERT_DIR");
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

// Elsewhere the system's own store of certificates is asked.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn tls_errors_are_permanent_where_a_certificate_or_a_port_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    Authority::new(TRUSTED).save(folder.path());
    let file = folder.path().join("authority.pem");
    let folder = folder.path().to_str().unwrap();
    child("certificates_and_tls", &[("MEMORY_TEST_AUTHORITY", folder), ("SSL_CERT_FILE", file.to_str().unwrap())])
        .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_machine_that_trusts_no_authority_is_told_so() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let file = empty.path().to_str().unwrap();
    child("a_machine_without_authorities", &[("MEMORY_TEST_NO_AUTHORITY", "1"), ("SSL_CERT_FILE", file)]).await;
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = refusal(&url).await;
    transient("connection was refused").check(&url, &error);
    assert!(error.source().is_some());
}

/// The resolver of this machine decides whether the error is permanent.
#[tokio::test]
async fn a_host_that_does_not_exist_is_named() {
    let error = refusal("http://nothing.invalid").await;
    let text = error.to_string();
    assert!(text.contains(": nothing.invalid: ") && text.contains("name"), "{text}");
    assert!(error.source().is_some());
    assert!(matches!(kind(&error), world::Kind::Misconfigured | world::Kind::Unavailable), "{error:?}");
}

#[tokio::test]
async fn statuses_that_a_change_of_the_url_mends_are_permanent() {
    for (status, body, expected) in [
        ("400 Bad Request", r#"{"error":"Namespace `acme` doesn't exist"}"#, permanent("check the URL")),
        ("400 Bad Request", r#"{"error":"Invalid host header: `127`"}"#, permanent("check the URL")),
        ("400 Bad Request", "The plain HTTP request was sent to HTTPS port", permanent("use `https://`")),
        ("404 Not Found", "", permanent("no database")),
        ("301 Moved Permanently", "", permanent("redirects")),
        ("407 Proxy Authentication Required", "", permanent("HTTP_PROXY")),
        ("429 Too Many Requests", "", transient("429")),
        ("503 Service Unavailable", "", transient("503")),
    ] {
        let server = Answers::with(answer(status, &[], body.as_bytes())).await;
        expected.check(&server.url, &refusal(&server.url).await);
        assert_eq!(server.requests(), expected.attempts(), "{status} {body}");
    }
    let server = Answers::with(answer("401 Unauthorized", &[], b"")).await;
    let expected = Expected { kind: world::Kind::Unauthorized, says: "401" };
    expected.check(&server.url, &refusal(&server.url).await);
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_damaged_is_asked_for_again() {
    let packed = [("content-encoding", "gzip")];
    for (said, expected) in [
        (Vec::new(), transient("closed the connection before it had answered")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(), transient("closed the connection")),
        (answer("200 OK", &packed, b"not packed at all"), transient("cannot be decompressed")),
        (answer("200 OK", &packed, b"\x1f\x8b\x08\0\0\0\0\0\0\x03{"), transient("cannot be decompressed")),
        (answer("200 OK", &[], b"<html>"), transient("not Hrana's")),
    ] {
        let server = Answers::with(said).await;
        expected.check(&server.url, &refusal(&server.url).await);
        assert_eq!(server.requests(), expected.attempts(), "{expected:?}");
    }
    let server = Answers::with(b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec()).await;
    permanent("does not answer in HTTP").check(&server.url, &refusal(&server.url).await);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_write_in_doubt_and_a_timeout_name_the_host_and_keep_the_source() {
    let world = World::new().await;
    let url = world.lab.url();
    let host = url.split("://").nth(1).unwrap();
    let storage = brisk().remote(&url, "").await.unwrap();
    world.lab.script(Script::new().when(|_| true, Fault::rst()));
    let error = storage.put(&[episode("web", "1")]).await.unwrap_err();
    assert!(error.outcome_unknown() && error.source().is_some() && error.to_string().contains(host), "{error:?}");
    world.lab.script(Script::new().when(|_| true, Fault::hang(memory_lab::Point::BeforeHead)));
    let error = hasty(1).remote(&url, "").await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }) && error.to_string().contains(host), "{error:?}");
}
