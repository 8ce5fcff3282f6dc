//! One HTTP request at a time, counted and bounded.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use httpdate::parse_http_date;
use memory_core::{Error, Result};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::{Instant, timeout_at};

use super::endpoint::{Endpoint, Token};
use super::failure::{Failure, conceal, limited};
use super::retry::Attempt;
use crate::metrics::{Call, PerformanceMetrics};

/// What a storage sent over its network and got back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkStats {
    /// Requests sent, retries included: each is one round trip.
    pub requests: u64,
    /// Requests that repeat one that failed.
    pub retries: u64,
    /// Bytes of request bodies.
    pub sent_bytes: u64,
    /// Bytes of response bodies, unpacked.
    pub received_bytes: u64,
}

impl NetworkStats {
    pub(crate) fn of(metrics: &PerformanceMetrics) -> Self {
        let remote = &metrics.remote;
        Self {
            requests: remote.requests.get(),
            retries: remote.retries.get(),
            sent_bytes: remote.sent_bytes.get(),
            received_bytes: remote.received_bytes.get(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    token: Token,
    max_answer: usize,
    metrics: Arc<PerformanceMetrics>,
}

/// So much of an error's body is read.
const MAX_MESSAGE: usize = 4 << 10;

impl Client {
    pub(super) fn new(
        endpoint: Endpoint,
        token: Token,
        pool_size: usize,
        max_answer: usize,
        metrics: Arc<PerformanceMetrics>,
    ) -> Result<Self> {
        let tls = tls(&endpoint).map_err(|error| {
            let reason = "this machine has no certificates of authorities to trust; install them (`ca-certificates`), \
                          or name their file in `SSL_CERT_FILE`";
            Error::misconfigured("set up the network client", reason).with_source(Arc::new(error))
        })?;
        let mut builder = reqwest::Client::builder();
        if endpoint.is_local() {
            // A proxy named by the environment is another machine, and a token
            // would go there unencrypted.
            builder = builder.no_proxy();
        }
        let http = builder
            // A redirect would carry the token to wherever the server says.
            .redirect(Policy::none())
            .pool_max_idle_per_host(pool_size)
            .tcp_nodelay(true)
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| {
                Error::misconfigured("set up the network client", "no HTTP client can be made")
                    .with_source(Arc::new(error))
            })?;
        Ok(Self { http, endpoint, token, max_answer, metrics })
    }

    /// Sends one pipeline and returns what `read` makes of the answer's body.
    ///
    /// The answer's `base_url` is never followed: every request goes to the
    /// address that the storage was opened with.
    /// A large answer is read on a thread for blocking work.
    pub(super) async fn post<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        body: &bytes::Bytes,
        attempt: &Attempt,
        read: impl FnOnce(&[u8]) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let token = self.token.header().await.map_err(Failure::last)?;
        let answer = match self.exchange(call, body, attempt, token.as_ref()).await {
            Ok(answer) => aside(call.words(), answer.len(), move || read(&answer)).await,
            Err(failure) => Err(failure),
        };
        answer.map_err(|failure| failure.at(self.endpoint.host())).map_err(|failure| {
            match token.as_ref().and_then(secret) {
                Some(token) => Failure { error: conceal(failure.error, token), ..failure },
                None => failure,
            }
        })
    }

    async fn exchange(
        &self,
        call: &Call<'_>,
        body: &bytes::Bytes,
        attempt: &Attempt,
        token: Option<&HeaderValue>,
    ) -> Result<Vec<u8>, Failure> {
        let mut request = self.http.post(self.endpoint.pipeline()).header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let operation = call.words();
        let _leaving = Leaving { client: self, call, attempt, bytes: body.len() as u64 };
        let request = request.body(reqwest::Body::wrap(attempt.departure.body(body.clone())));
        let sent = request.send().await;
        let mut answer = sent.map_err(|error| Failure::transport(operation, error, !attempt.departure.cancel()))?;
        let status = answer.status();
        if status.is_success() {
            return self.read(operation, answer).await;
        }
        let retry_after = retry_after(answer.headers());
        // The status says all that matters: what is said with it is read as far
        // as it comes in half of the time that is left.
        let now = Instant::now();
        let mut said = Vec::new();
        let reading = async {
            while let Ok(Some(part)) = answer.chunk().await {
                self.metrics.remote.received_bytes.add(part.len() as u64);
                said.extend_from_slice(&part[..part.len().min(MAX_MESSAGE - said.len())]);
                if said.len() == MAX_MESSAGE {
                    break;
                }
            }
        };
        // Cut short or not, it is what was said.
        let _ = timeout_at(now + (attempt.until - now) / 2, reading).await;
        Err(Failure::status(operation, status, &message(&said), retry_after))
    }

    async fn read(&self, operation: &str, mut answer: reqwest::Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| Failure::transport(operation, error, true))? {
            self.metrics.remote.received_bytes.add(part.len() as u64);
            if body.len() + part.len() > self.max_answer {
                return Err(Failure::unreadable(operation, &format!("it is longer than {} bytes", self.max_answer)));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

/// The longest answer that is read on a thread of the runtime: less than a
/// millisecond's work.
const MAX_INLINE: usize = 64 << 10;

/// Does work that grows with `bytes`: many of them on a thread for blocking
/// work, so that other tasks of the runtime need not wait.
async fn aside<T: Send + 'static>(
    operation: &str,
    bytes: usize,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    if bytes <= MAX_INLINE {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Failure::unknown(Error::unavailable(operation, "the runtime is shutting down"))),
    }
}

/// Counts a request once it is over, if it has left. One that has not by then
/// never will.
struct Leaving<'a> {
    client: &'a Client,
    call: &'a Call<'a>,
    attempt: &'a Attempt,
    bytes: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.attempt.departure.cancel() {
            self.call.round_trip();
            self.client.metrics.remote.requests.add(1);
            self.client.metrics.remote.sent_bytes.add(self.bytes);
        }
    }
}

/// The token in the value of the header.
fn secret(header: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(header.as_bytes()).ok()?.strip_prefix("Bearer ")
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

/// How long `Retry-After` asks for (RFC 9110, section 10.2.3): seconds, or
/// until a date, which counts from the answer's own, so that this machine's
/// clock need not be right.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if !asked.is_empty() && asked.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(asked.parse().unwrap_or(u64::MAX)));
    }
    let until = parse_http_date(asked).ok()?;
    let answered = text(DATE).and_then(|date| parse_http_date(date).ok());
    Some(until.duration_since(answered.unwrap_or_else(SystemTime::now)).unwrap_or_default())
}

/// The text of an error's body: the specification's JSON, that of servers that
/// nest it in `error`, or the start of the body.
fn message(body: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = [json.get("message"), json.get("error"), json.pointer("/error/message")];
    match texts.into_iter().flatten().find_map(serde_json::Value::as_str) {
        Some(text) => limited(text),
        None => limited(String::from_utf8_lossy(body).trim()),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn large_answers_are_read_off_the_threads_of_the_runtime() {
        let here = thread::current().id();
        let reader = async |bytes| aside("get", bytes, || Ok(thread::current().id())).await.unwrap();
        assert_eq!(reader(0).await, here);
        assert_eq!(reader(MAX_INLINE).await, here);
        assert_ne!(reader(MAX_INLINE + 1).await, here);
    }

    #[test]
    fn the_body_of_an_error_may_be_json_or_not() {
        for (body, text) in [
            (r#"{"message":"m","code":"c"}"#, "m"),
            (r#"{"error":"e"}"#, "e"),
            (r#"{"error":{"message":"n","code":null}}"#, "n"),
            (r#"{"message":7}"#, r#"{"message":7}"#),
            ("[1]", "[1]"),
            (" gateway timeout\n", "gateway timeout"),
            ("", ""),
        ] {
            assert_eq!(message(body.as_bytes()), text);
        }
    }

    #[test]
    fn a_server_says_how_long_in_seconds_or_by_a_date() {
        let asked = |asked, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(asked));
            headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
            retry_after(&headers).map(|asked| asked.as_secs())
        };
        let noon = Some("Fri, 07 Nov 2025 12:00:00 GMT");
        assert_eq!(asked("7", noon), Some(7));
        assert_eq!(asked("99999999999999999999", noon), Some(u64::MAX));
        assert_eq!(asked("Fri, 07 Nov 2025 12:01:30 GMT", noon), Some(90));
        assert_eq!(asked("Friday, 07-Nov-25 12:01:30 GMT", noon), Some(90));
        assert_eq!(asked("Fri, 07 Nov 2025 11:59:59 GMT", noon), Some(0));
        // Against this machine's clock.
        assert_eq!(asked("Fri, 07 Nov 2014 12:00:00 GMT", None), Some(0));
        assert!(asked("Fri, 31 Dec 9999 23:59:59 GMT", Some("noon")) > Some(1 << 32));
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(asked(nonsense, noon), None, "{nonsense}");
        }
    }
}
