//! What went wrong with one attempt, and what may be done about it.

use std::time::Duration;

use memory_core::Error;
use reqwest::StatusCode;

/// A failed attempt.
///
/// | what happened | tried again | a write's outcome |
/// |---|---|---|
/// | no connection | yes | not done |
/// | reset, timeout, an answer cut short or unreadable | yes | unknown |
/// | 429, `SQLITE_BUSY`, an expired transaction | yes | not done |
/// | 500, 502, 503, 504 | yes | unknown |
/// | 400, 401, 403, 404, 413, any other status, a redirect | no | not done |
/// | a constraint, any other error of SQLite's | no | not done |
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) retry: bool,
    /// Whether a write may have taken effect all the same.
    pub(super) unknown: bool,
    /// How long the server asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// Refused: nothing was done, and nothing would be.
    pub(super) const fn last(error: Error) -> Self {
        Self { error, retry: false, unknown: false, retry_after: None }
    }

    /// Nothing was done, and may be tried again.
    pub(super) const fn again(error: Error) -> Self {
        Self { error, retry: true, unknown: false, retry_after: None }
    }

    /// Nobody knows whether something was done, and it may be tried again.
    pub(super) const fn unknown(error: Error) -> Self {
        Self { error, retry: true, unknown: true, retry_after: None }
    }

    /// A request that got no answer, or not all of one. The address of the
    /// server stays out of the message; the error's sources name the cause.
    pub(super) fn transport(operation: &str, error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            return Self::last(Error::backend("libsql", operation, error));
        }
        let certain = error.is_connect();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            reason = format!("{reason}: {cause}");
            source = cause.source();
        }
        let error = Error::unavailable(operation, reason);
        if certain { Self::again(error) } else { Self::unknown(error) }
    }

    /// An answer with a status other than 200.
    pub(super) fn status(operation: &str, status: StatusCode, message: &str, retry_after: Option<Duration>) -> Self {
        let said = if message.is_empty() { String::new() } else { format!(": {message}") };
        let reason = format!("the server answered {}{said}", status.as_u16());
        match status.as_u16() {
            401 | 403 => {
                Self::last(Error::unauthorized(operation, format!("{reason}; check the token and its rights")))
            }
            404 => Self::last(Error::unsupported(
                operation,
                format!("{reason}; check the URL: there is no database, or no server that speaks Hrana 3"),
            )),
            413 => Self::last(Error::invalid_input(
                "max_request",
                format!("{reason} to {operation}; send less at once, and lower `max_request` to what the server takes"),
            )),
            429 => Self { retry_after, ..Self::again(Error::unavailable(operation, reason)) },
            500 | 502 | 503 | 504 => Self { retry_after, ..Self::unknown(Error::unavailable(operation, reason)) },
            300..=399 => {
                Self::last(Error::unsupported(operation, format!("{reason}; use the URL that it redirects to")))
            }
            _ => Self::last(Error::backend("libsql", operation, std::io::Error::other(reason))),
        }
    }

    /// An answer that is not what the protocol says.
    pub(super) fn unreadable(operation: &str, how: &str) -> Self {
        let reason = format!("the answer is not Hrana's: {how}; if it stays so, check the URL");
        Self::unknown(Error::unavailable(operation, reason))
    }

    /// An error of the server's or of SQLite's, by its code. Nothing was done.
    pub(super) fn server(operation: &str, error: &libsql_hrana::proto::Error) -> Self {
        let code = error.code.as_str();
        let message = limited(&error.message);
        let said = if code.is_empty() { message.clone() } else { format!("{code}: {message}") };
        let is = |prefix: &str| code == prefix || code.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_'));
        if is("SQLITE_BUSY") || is("SQLITE_LOCKED") || code == "TRANSACTION_TIMEOUT" || code == "STREAM_EXPIRED" {
            return Self::again(Error::unavailable(operation, said));
        }
        if code.starts_with("AUTH_") || code == "BLOCKED" {
            return Self::last(Error::unauthorized(operation, said));
        }
        if is("SQLITE_CORRUPT") || is("SQLITE_NOTADB") {
            return Self::last(Error::corrupt(format!("the database, noticed at {operation}: {said}")));
        }
        if is("SQLITE_FULL") {
            return Self::last(Error::unavailable(operation, said));
        }
        if code == "RESPONSE_TOO_LARGE" {
            let reason = format!("{said}; lower `max_response` to what the server gives");
            return Self::last(Error::invalid_input("max_response", reason));
        }
        if message.contains("no such table") {
            let reason = format!("{said}: the database has no schema, or not this one; `initialize_schema` creates it");
            return Self::last(Error::unsupported(operation, reason));
        }
        Self::last(Error::backend("libsql", operation, std::io::Error::other(said)))
    }
}

/// The start of a text from outside, in one line.
pub(super) fn limited(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
