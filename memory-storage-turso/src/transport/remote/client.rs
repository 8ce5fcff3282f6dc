//! One HTTP request at a time, counted and bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memory_core::{Error, Result};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::Semaphore;

use super::endpoint::{Endpoint, Token};
use super::failure::{Failure, limited};

/// What a storage sent over its network and got back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkStats {
    /// Requests sent, retries included: each is one round trip.
    pub requests: u64,
    /// Requests that repeat one that failed.
    pub retries: u64,
    /// Bytes of request bodies.
    pub bytes_sent: u64,
    /// Bytes of response bodies, unpacked.
    pub bytes_received: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    token: Token,
    /// One permit for each request that may be on its way.
    permits: Semaphore,
    max_answer: usize,
    counters: Counters,
}

/// Longer error messages are cut.
const MAX_MESSAGE: usize = 4 << 10;

impl Client {
    pub(super) fn new(endpoint: Endpoint, token: Token, pool_size: usize, max_answer: usize) -> Result<Self> {
        let failed = |error: &dyn std::error::Error| Error::unavailable("set up the network client", error.to_string());
        let tls = tls(&endpoint).map_err(|error| failed(&error))?;
        let http = reqwest::Client::builder()
            // A redirect would carry the token to wherever the server says.
            .redirect(Policy::none())
            .pool_max_idle_per_host(pool_size)
            .tcp_nodelay(true)
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self {
            http,
            endpoint,
            token,
            permits: Semaphore::new(pool_size),
            max_answer,
            counters: Counters::default(),
        })
    }

    pub(super) fn stats(&self) -> NetworkStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NetworkStats {
            requests: get(&self.counters.requests),
            retries: get(&self.counters.retries),
            bytes_sent: get(&self.counters.bytes_sent),
            bytes_received: get(&self.counters.bytes_received),
        }
    }

    pub(super) fn retried(&self) {
        self.counters.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends one pipeline and returns the body of its answer.
    ///
    /// The answer's `base_url` is never followed: every request goes to the
    /// address that the storage was opened with.
    pub(super) async fn post(&self, operation: &str, body: &bytes::Bytes) -> Result<Vec<u8>, Failure> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let token = self.token.header().await.map_err(Failure::last)?;
        let mut request = self.http.post(self.endpoint.pipeline()).header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        self.counters.bytes_sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        let answer = request.body(body.clone()).send().await.map_err(|error| Failure::transport(operation, error))?;
        let status = answer.status();
        if status.is_success() {
            return self.read(operation, answer, self.max_answer).await;
        }
        let retry_after = retry_after(answer.headers());
        let said = self.read(operation, answer, MAX_MESSAGE).await.unwrap_or_default();
        Err(Failure::status(operation, status, &message(&said), retry_after))
    }

    async fn read(&self, operation: &str, mut answer: reqwest::Response, max: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| Failure::transport(operation, error))? {
            self.counters.bytes_received.fetch_add(part.len() as u64, Ordering::Relaxed);
            if body.len() + part.len() > max {
                return Err(Failure::unreadable(operation, &format!("it is longer than {max} bytes")));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

/// TLS by the machine's own certificates; an address without TLS needs none.
fn tls(endpoint: &Endpoint) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let verified = if endpoint.is_encrypted() {
        builder.with_platform_verifier()?
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut config = verified.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// `Retry-After` in seconds; a date is as good as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// What an error's body says: Hrana's JSON, or the start of whatever it is.
fn message(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| json.as_ref().and_then(|json| json.get(name)).and_then(|text| text.as_str());
    match field("message").or_else(|| field("error")) {
        Some(text) => limited(text),
        None => limited(String::from_utf8_lossy(body).trim()),
    }
}
