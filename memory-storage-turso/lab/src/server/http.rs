//! The endpoints: which request goes where, and what comes back.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::ACCEPT_ENCODING;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::State;
use super::body::{self, Body};
use super::failure::{Failure, stream_expired};
use super::program::Version;
use super::token::authorize;
use super::{cursor, pipeline};

const GREETING: &str = "Hello, this is HTTP API v2 (Hrana over HTTP)";

/// Answers one request.
pub(super) async fn handle(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let gzip = request.headers().get_all(ACCEPT_ENCODING).iter().any(accepts_gzip);
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let answer = match (request.method(), path.as_str()) {
        (&Method::GET, "/v2" | "/v3") => Ok(body::text(StatusCode::OK, GREETING)),
        (&Method::GET, "/health") => Ok(body::empty(StatusCode::OK)),
        (&Method::GET, "/version") => Ok(body::text(StatusCode::OK, concat!("lab ", env!("CARGO_PKG_VERSION")))),
        (&Method::POST, "/v2/pipeline") => pipeline(state, request, Version::Two).await,
        (&Method::POST, "/v3/pipeline") => pipeline(state, request, Version::Three).await,
        (&Method::POST, "/v3/cursor") => cursor(state, request).await,
        (_, "/v2" | "/v3" | "/health" | "/version" | "/v2/pipeline" | "/v3/pipeline" | "/v3/cursor") => {
            Ok(body::empty(StatusCode::METHOD_NOT_ALLOWED))
        }
        _ => Ok(body::empty(StatusCode::NOT_FOUND)),
    };
    let answer = answer.unwrap_or_else(|failure| refusal(&failure));
    Ok(if gzip { body::compress(answer) } else { answer })
}

async fn pipeline(state: Arc<State>, request: Request<Incoming>, version: Version) -> Result<Response<Body>, Failure> {
    authorize(state.token.as_ref(), request.headers())?;
    let Ok(_permit) = state.requests.try_acquire() else { return Ok(too_many_requests()) };
    let received = collect(request).await?;
    let state = Arc::clone(&state);
    blocking(move || {
        let answer = pipeline::answer(&state.streams, &state.budget, parse(&received)?, version)?;
        Ok(json(StatusCode::OK, &answer))
    })
    .await
}

async fn cursor(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
    authorize(state.token.as_ref(), request.headers())?;
    let received = collect(request).await?;
    let opening = Arc::clone(&state);
    let cursor = blocking(move || cursor::open(&opening.streams, parse(&received)?)).await?;
    let (lines, sent) = mpsc::channel(16);
    spawn_blocking(move || cursor.run(&state.streams, lines));
    Ok(body::lines(sent))
}

fn too_many_requests() -> Response<Body> {
    body::text(StatusCode::TOO_MANY_REQUESTS, "Too many concurrent requests")
}

async fn collect(request: Request<Incoming>) -> Result<Vec<u8>, Failure> {
    let received = request.into_body().collect().await;
    let received = received.map_err(|cause| Failure::Internal(format!("Could not read request body: {cause}")))?;
    Ok(received.to_bytes().into())
}

fn parse<T: DeserializeOwned>(received: &[u8]) -> Result<T, Failure> {
    let parsed = serde_json::from_slice(received);
    parsed.map_err(|cause| Failure::protocol(format!("Cannot deserialize client message from JSON: {cause}")))
}

/// Runs `work` off the runtime's threads, since SQLite and the writers' queue block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|cause| Err(Failure::Internal(cause.to_string())))
}

fn accepts_gzip(header: &hyper::header::HeaderValue) -> bool {
    let codings = header.to_str().unwrap_or_default().split(',');
    codings.map(|coding| coding.split(';').next().unwrap_or_default().trim()).any(|coding| coding == "gzip")
}

fn refusal(failure: &Failure) -> Response<Body> {
    let message = |text: String| serde_json::json!({ "error": text });
    match failure {
        Failure::Protocol(text) => body::text(StatusCode::BAD_REQUEST, text.clone()),
        Failure::StreamExpired => json(StatusCode::BAD_REQUEST, &stream_expired()),
        Failure::Unauthorized(reason) => json(StatusCode::UNAUTHORIZED, &message(format!("Unauthorized: `{reason}`"))),
        Failure::Internal(reason) => {
            json(StatusCode::INTERNAL_SERVER_ERROR, &message(format!("Internal Error: `{reason}`")))
        }
    }
}

fn json(status: StatusCode, answer: &impl Serialize) -> Response<Body> {
    match serde_json::to_vec(answer) {
        Ok(encoded) => body::json(status, encoded),
        Err(cause) => body::text(StatusCode::INTERNAL_SERVER_ERROR, cause.to_string()),
    }
}
